// From a captured frame to the IP packet in it. Link types by their LINKTYPE_ number (www.tcpdump.org/linktypes.html).
// Knows nothing of TCP. What it does not know it says, and the packet is counted, not judged.
#pragma once

#include <cstdint>

#include "stack/base/bytes.h"

namespace lastack {

struct LinkPayload {
  bool is_ip = false;
  std::size_t offset = 0;  // of the IP header in the frame
};

LinkPayload find_ip(std::uint32_t link_type, Bytes frame);
bool link_type_is_known(std::uint32_t link_type);

}  // namespace lastack
