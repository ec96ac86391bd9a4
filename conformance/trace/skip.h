// Why a captured packet was not judged. Every packet of a file is either judged, a copy or a piece of one that is, or
// counted under one of these.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace lastack {

enum class Skip : std::uint8_t {
  none,          // there is a TCP segment in it
  not_ip,        // ARP, LLDP, 802.11 management ...
  not_tcp,       // IP with another protocol
  unknown_link,  // a link type that is not known here
  cut,           // the capture ends before the TCP header
  malformed,     // lengths that contradict each other
  encrypted,     // ESP, protected 802.11, MACsec, compressed IP
  aggregated,    // several packets in one frame (802.11 A-MSDU)
  too_deep,      // headers nested without end
  fragment,      // a piece of an IP packet whose other pieces are missing, or contradict it
  count_,
};

inline constexpr std::size_t kSkips = static_cast<std::size_t>(Skip::count_);
using SkipCounts = std::array<std::uint64_t, kSkips>;

const char* to_string(Skip skip);  // "not-tcp": the key in reports
const char* describe(Skip skip);   // "not TCP": for people

}  // namespace lastack
