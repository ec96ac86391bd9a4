// One TCP segment: a checked view for reading, and a writer. RFC 9293 3.1.
#pragma once

#include <cstdint>

#include "stack/base/bytes.h"
#include "stack/base/result.h"
#include "stack/base/seq.h"
#include "stack/wire/ip.h"
#include "stack/wire/options.h"

namespace lastack {

// The control bits (RFC 9293 3.1), low bit first; AE is the bit that RFC 9768 takes from the reserved ones.
struct Flags {
  std::uint16_t bits = 0;

  static constexpr std::uint16_t fin_bit = 0x001, syn_bit = 0x002, rst_bit = 0x004, psh_bit = 0x008, ack_bit = 0x010,
                                 urg_bit = 0x020, ece_bit = 0x040, cwr_bit = 0x080, ae_bit = 0x100;
  constexpr bool fin() const { return (bits & fin_bit) != 0; }
  constexpr bool syn() const { return (bits & syn_bit) != 0; }
  constexpr bool rst() const { return (bits & rst_bit) != 0; }
  constexpr bool psh() const { return (bits & psh_bit) != 0; }
  constexpr bool ack() const { return (bits & ack_bit) != 0; }
  constexpr bool urg() const { return (bits & urg_bit) != 0; }
  constexpr bool ece() const { return (bits & ece_bit) != 0; }
  constexpr bool cwr() const { return (bits & cwr_bit) != 0; }
  constexpr bool ae() const { return (bits & ae_bit) != 0; }
  friend constexpr Flags operator|(Flags a, Flags b) { return Flags{static_cast<std::uint16_t>(a.bits | b.bits)}; }
  friend constexpr bool operator==(Flags, Flags) = default;
};

inline constexpr Flags kFin{Flags::fin_bit}, kSyn{Flags::syn_bit}, kRst{Flags::rst_bit}, kPsh{Flags::psh_bit},
    kAck{Flags::ack_bit}, kUrg{Flags::urg_bit}, kEce{Flags::ece_bit}, kCwr{Flags::cwr_bit};

inline constexpr std::size_t kTcpHeaderSize = 20;

struct Segment {
  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  SeqNum seq;
  SeqNum ack;  // meaningful when flags.ack()
  Flags flags;
  std::uint8_t reserved = 0;  // the three reserved bits left beside AE, as a number 0..7
  std::uint16_t wnd = 0;      // the window field, unscaled
  std::uint16_t urg = 0;      // urgent pointer
  std::uint16_t checksum = 0;
  std::uint8_t header_size = kTcpHeaderSize;
  Options options;
  Bytes payload;

  // SEG.LEN: octets of sequence space, SYN and FIN counted (RFC 9293 3.3.1).
  std::uint32_t len() const {
    return static_cast<std::uint32_t>(payload.size()) + (flags.syn() ? 1U : 0U) + (flags.fin() ? 1U : 0U);
  }
  // The first sequence number after the segment.
  SeqNum end() const { return seq + len(); }
};

// Parses the TCP header and options of `tcp` (the IP payload). On an error the fields before it are filled, so that an
// observer can still report them. Does not verify the checksum.
std::optional<WireError> parse_tcp(Bytes tcp, Segment& out);
// The same without its options, for a caller that reads those itself. `tcp` must hold kTcpHeaderSize.
inline std::optional<WireError> read_fixed_header(Bytes tcp, Segment& out) {
  const std::byte* const p = tcp.data();
  out.src_port = load_be16(p);
  out.dst_port = load_be16(p + 2);
  out.seq = SeqNum(load_be32(p + 4));
  out.ack = SeqNum(load_be32(p + 8));
  const std::uint16_t word = load_be16(p + 12);
  out.header_size = static_cast<std::uint8_t>((word >> 12) * 4U);
  out.reserved = static_cast<std::uint8_t>((word >> 9) & 7U);
  out.flags = Flags{static_cast<std::uint16_t>(word & 0x1ffU)};
  out.wnd = load_be16(p + 14);
  out.checksum = load_be16(p + 16);
  out.urg = load_be16(p + 18);
  if (out.header_size < kTcpHeaderSize || out.header_size > tcp.size())
    return WireError{WireFault::tcp_bad_data_offset, 12};
  out.payload = tcp.subspan(out.header_size);
  return std::nullopt;
}

// IP + TCP in one step with both checksums verified, as a receiving host does it: what fails here is dropped silently.
struct ParsedPacket {
  IpPacket ip;
  Segment tcp;
};
Result<ParsedPacket, WireError> parse_packet(Bytes packet, bool verify_checksum = true);

// Octets of header that write_segment needs: 20 plus options.
std::size_t tcp_header_size(const Segment& segment);
// Writes TCP header, options and payload behind an IP header; fills every length and checksum. Returns the packet's
// size, or 0 when `out` is too small. segment.payload may already lie at its place in `out`.
std::size_t write_packet(MutableBytes out, const IpHeader& ip, const Segment& segment);
// The same for a caller that knows tcp_header_size(segment) already.
std::size_t write_packet(MutableBytes out, const IpHeader& ip, const Segment& segment, std::size_t tcp_header,
                         Checksums checksums = Checksums::written);

// The same with this text instead of segment.payload; it must not lie in `out`. Copies and sums it in one pass.
std::size_t write_packet(MutableBytes out, const IpHeader& ip, const Segment& segment, std::size_t tcp_header,
                         Checksums checksums, const TextPieces& text);

}  // namespace lastack
