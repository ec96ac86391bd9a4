// What can be wrong with bytes from a peer or a file, with the position of the first wrong octet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace lastack {

enum class WireFault : std::uint8_t {
  ip_too_short,
  ip_bad_version,
  ip_bad_header_length,
  ip_bad_length,
  not_tcp,
  fragment,
  tcp_too_short,
  tcp_bad_data_offset,    // below 5, or the header ends beyond the segment (RFC 9293 3.1)
  tcp_bad_option_length,  // MUST-68: option length below 2 or beyond the header
  tcp_bad_checksum,       // MUST-3
  truncated,              // the capture cut the header
};

struct WireError {
  WireFault fault = WireFault::ip_too_short;
  std::size_t offset = 0;  // octets from the start of what was parsed
};

const char* to_string(WireFault fault);
std::string to_string(const WireError& error);

}  // namespace lastack
