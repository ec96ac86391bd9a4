// From a captured frame to the IP packet with a TCP segment in it, through link layers, VLANs, tunnels and fragments.
// Knows nothing of connections. What it does not know it says, and the packet is counted, not judged.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "conformance/trace/capture_reader.h"
#include "conformance/trace/reassembly.h"
#include "conformance/trace/skip.h"
#include "stack/base/bytes.h"

namespace lastack {

struct Decapsulated {
  Bytes packet;               // begins with the IP header
  std::size_t wire_size = 0;  // of that packet, before the capture cut it
  // Which network it is in: a number for the VLANs and tunnels around it, 0 without any. Both directions of a VLAN or
  // a tunnel between two addresses have the same; where ends choose numbers of their own (GTP, MPLS) they differ.
  std::uint64_t context = 0;
  // Where it was seen: interface, link addresses, hop limit and context. A copy of it was seen elsewhere.
  std::uint64_t point = 0;
};

// Packets that had to be put together, for as long as one frame is looked at.
using Scratch = std::deque<std::vector<std::byte>>;

class Decapsulator {
 public:
  // Skip::none: `out` holds the packet, valid until the next call. Skip::fragment: a piece that waits for the others.
  Skip find(const CapturedPacket& frame, Decapsulated& out);
  const Reassembler& reassembler() const { return reassembler_; }
  Reassembler& reassembler() { return reassembler_; }

 private:
  Reassembler reassembler_;
  Scratch scratch_;
};

bool link_type_is_known(std::uint32_t link_type);

}  // namespace lastack
