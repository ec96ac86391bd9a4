// A SYN that nobody has answered yet, in little memory: a scan or a flood is millions of them. It becomes a tracked
// connection with the next segment of its tuple, or when it is concluded, and is judged then as if it had just come.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "conformance/judge/flow_table.h"
#include "conformance/judge/segment_info.h"

namespace lastack {

struct Opening {
  static constexpr std::size_t kMostOctets = 120;  // IPv4 or IPv6 header, TCP header with all its options

  FlowKey key;
  std::uint8_t size = 0;
  std::uint32_t id = 0;
  std::uint32_t wire_size = 0;
  std::uint64_t hash = 0;
  std::uint64_t context = 0;
  std::uint64_t number = 0;
  Instant time{};
  std::array<std::byte, kMostOctets> packet{};

  // Only a plain SYN, captured so that decoding it again gives the same.
  static bool suits(const SegmentInfo& seg, Bytes packet) {
    return seg.tcp.flags.syn() && !seg.tcp.flags.ack() && !seg.tcp.flags.rst() && seg.payload_size == 0 &&
           packet.size() <= kMostOctets;
  }
  SegmentInfo segment() const {
    SegmentInfo seg;
    seg.number = number;
    seg.time = time;
    decode_segment(Bytes(packet).first(size), wire_size, seg);
    return seg;
  }
};

}  // namespace lastack
