// One captured packet, decoded as far as it goes: the IP and TCP fields, how much of them was captured, and the
// checksum. Knows nothing of connections.
#pragma once

#include <cstdint>
#include <optional>

#include "stack/base/bytes.h"
#include "stack/base/time.h"
#include "stack/wire/segment.h"

namespace lastack {

enum class ChecksumState : std::uint8_t {
  unknown,  // the capture cut the payload, or nobody asked
  right,
  wrong,
  offloaded,  // holds the pseudo-header sum only: the sender's network card was to finish it
};

struct SegmentInfo {
  std::uint64_t number = 0;
  Instant time{};
  IpPacket ip;
  Segment tcp;
  std::uint32_t payload_size = 0;  // as the IP header says, which may be more than was captured
  bool options_known = true;       // false: the capture cut the TCP header
  bool payload_captured = true;    // all of it
  ChecksumState checksum = ChecksumState::unknown;
  std::optional<WireError> malformed;  // what is wrong with the TCP header
  // Nothing in its form needs a look: ACK and perhaps PSH, no option but a timestamp, no ECN mark, no fragment.
  bool plain = false;

  // SEG.LEN with SYN and FIN counted (RFC 9293 3.3.1).
  std::uint32_t len() const { return payload_size + (tcp.flags.syn() ? 1U : 0U) + (tcp.flags.fin() ? 1U : 0U); }
};

enum class DecodeResult : std::uint8_t {
  segment,
  not_tcp,   // another protocol, or not IP
  fragment,  // a piece of an IP packet: not judged
  cut,       // too little of the TCP header was captured to know its fields
};

// `wire_size`: the size of the IP packet before the capture cut it; 0 when it was not cut. `out` may hold what an
// earlier call left in it; its number and time stay.
DecodeResult decode_segment(Bytes ip_packet, std::size_t wire_size, SegmentInfo& out);
// The same layer by layer, for whatever is not plain. `present`: the larger of both sizes.
DecodeResult decode_any_segment(Bytes ip_packet, std::size_t present, SegmentInfo& out);

// What the judge is shown of a segment in findings and ladders.
std::string info_text(const SegmentInfo& info);

// More text than a frame of Ethernet's usual MTU has room for even without options: rarely what was on the wire.
// 1460 over IPv6 too: senders that forget options, or the larger header, do send such packets (RFC 2525 2.18).
inline bool larger_than_frame(const SegmentInfo& seg) {
  constexpr std::size_t kEthernetMtu = 1500;
  return seg.payload_size > kEthernetMtu - kIpv4HeaderSize - kTcpHeaderSize;
}

}  // namespace lastack
