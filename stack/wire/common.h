// The segment that nearly all of a connection consists of: ACK and perhaps PSH or FIN, no option but perhaps a
// timestamp, in a plain packet (plain.h). Looks at it where it lies, without taking it apart, and writes it; each
// header octet is touched once, for the header and for the checksum. With parse_plain and write_plain this must agree
// (test/common_test.cpp).
#pragma once

#include <cstdint>

#include "stack/base/bytes.h"
#include "stack/wire/checksum.h"
#include "stack/wire/ip.h"
#include "stack/wire/segment.h"

namespace lastack {

inline constexpr std::uint32_t kStampAlone = 0x0101'080aU;  // NOP, NOP, kind 8, length 10
inline constexpr std::size_t kStampOctets = 12;

// Header words of 32 bits in the order of the wire, added up. Some 2^32 of them fit.
class WordSum {
 public:
  void add(std::uint32_t word) { sum_ += word; }
  void add_be16(std::uint32_t v) { sum_ += __builtin_bswap16(static_cast<std::uint16_t>(v)); }
  template <std::size_t Words>
  void load(const std::byte* p) {
    for (std::size_t i = 0; i < Words; ++i) add(load_native(p + 4 * i));
  }
  // Stores `host_order` at `p` and adds it.
  void store(std::byte* p, std::uint32_t host_order) {
    const std::uint32_t word = __builtin_bswap32(host_order);
    std::memcpy(p, &word, sizeof word);
    add(word);
  }
  template <std::size_t Words>
  void copy(std::byte* p, const std::byte* from) {
    std::memcpy(p, from, 4 * Words);
    load<Words>(from);
  }
  std::uint64_t value() const { return sum_; }
  bool is_right() const { return ChecksumAccumulator::fold(sum_) == 0xffffU; }
  // As it is stored.
  std::uint16_t checksum() const { return static_cast<std::uint16_t>(~ChecksumAccumulator::fold(sum_) & 0xffffU); }

 private:
  static std::uint32_t load_native(const std::byte* p) {
    std::uint32_t word = 0;
    std::memcpy(&word, p, sizeof word);
    return word;
  }

  std::uint64_t sum_ = 0;
};

class CommonSegment {
 public:
  // False when it is another segment, or no good packet at all.
  [[gnu::always_inline]] bool look_at(Bytes packet) {
    if (packet.size() < kIpv4HeaderSize + kTcpHeaderSize) return false;
    ip_ = packet.data();
    const std::uint32_t first = load_be32(ip_);
    std::size_t whole = first & 0xffffU;
    std::size_t header = kIpv4HeaderSize;
    if (first >> 24 == 0x45) {
      // A fragment is for the whole parser.
      if ((load_be16(ip_ + 6) & 0x3fffU) != 0 || load_u8(ip_ + 9) != kProtocolTcp) return false;
    } else {
      if (first >> 28 != 6 || load_u8(ip_ + 6) != kProtocolTcp) return false;
      header = kIpv6HeaderSize;
      whole = std::size_t{load_be16(ip_ + 4)} + kIpv6HeaderSize;
    }
    if (whole > packet.size() || whole < header + kTcpHeaderSize) return false;
    tcp_ = ip_ + header;
    word_ = load_be32(tcp_ + 12);
    text_ = {tcp_ + kTcpHeaderSize, whole - header - kTcpHeaderSize};
    constexpr std::uint32_t kOthers = 0x0fffU & ~std::uint32_t{Flags::psh_bit | Flags::fin_bit};
    switch (word_ >> 16 & (0xf000U | kOthers)) {
      case 0x5000U | Flags::ack_bit: return true;
      case 0x8000U | Flags::ack_bit:
        if (text_.size() < kStampOctets || load_be32(text_.data()) != kStampAlone) return false;
        text_ = text_.subspan(kStampOctets);
        return true;
      default: return false;
    }
  }

  bool is_v4() const { return tcp_ == ip_ + kIpv4HeaderSize; }
  SeqNum seq() const { return SeqNum(load_be32(tcp_ + 4)); }
  SeqNum ack() const { return SeqNum(load_be32(tcp_ + 8)); }
  std::uint16_t wnd() const { return static_cast<std::uint16_t>(word_ & 0xffffU); }
  Flags flags() const { return Flags{static_cast<std::uint16_t>(word_ >> 16 & 0x1ffU)}; }
  bool is_stamped() const { return word_ >> 28 == 8; }
  Timestamps stamp() const { return {load_be32(tcp_ + kTcpHeaderSize + 4), load_be32(tcp_ + kTcpHeaderSize + 8)}; }
  Bytes text() const { return text_; }

  // Takes it apart, for what wants a Segment. `out` may hold another common segment.
  void fill(Segment& out) const {
    out.src_port = load_be16(tcp_);
    out.dst_port = load_be16(tcp_ + 2);
    out.seq = seq();
    out.ack = ack();
    out.flags = flags();
    out.wnd = wnd();
    out.checksum = load_be16(tcp_ + 16);
    out.urg = load_be16(tcp_ + 18);
    out.header_size = static_cast<std::uint8_t>(word_ >> 28 << 2);
    out.options.timestamps = is_stamped() ? std::optional(stamp()) : std::nullopt;
    out.payload = text();
  }

  // Of the IP header.
  std::uint8_t ecn() const {
    return static_cast<std::uint8_t>((is_v4() ? load_u8(ip_ + 1) : load_u8(ip_ + 1) >> 4) & 3U);
  }
  // Whether it comes from `remote` and is for `local`.
  [[gnu::always_inline]] bool is_between(const SocketAddress& local, const SocketAddress& remote) const {
    if (load_be16(tcp_) != remote.port || load_be16(tcp_ + 2) != local.port) return false;
    if (is_v4())
      return remote.ip.version == IpVersion::v4 && std::memcmp(ip_ + 12, remote.ip.octets.data(), 4) == 0 &&
             std::memcmp(ip_ + 16, local.ip.octets.data(), 4) == 0;
    return remote.ip.version == IpVersion::v6 && std::memcmp(ip_ + 8, remote.ip.octets.data(), 16) == 0 &&
           std::memcmp(ip_ + 24, local.ip.octets.data(), 16) == 0;
  }

  SocketAddress source() const {
    return is_v4() ? SocketAddress{IpAddress::from_bytes(IpVersion::v4, ip_ + 12), load_be16(tcp_)}
                   : SocketAddress{IpAddress::from_bytes(IpVersion::v6, ip_ + 8), load_be16(tcp_)};
  }
  SocketAddress destination() const {
    return is_v4() ? SocketAddress{IpAddress::from_bytes(IpVersion::v4, ip_ + 16), load_be16(tcp_ + 2)}
                   : SocketAddress{IpAddress::from_bytes(IpVersion::v6, ip_ + 24), load_be16(tcp_ + 2)};
  }
  // MUST-3, and the IPv4 header's. With `copy_to` the text is copied there on the way, right or wrong.
  [[gnu::always_inline]] bool checksums_are_right(std::byte* copy_to = nullptr) const {
    WordSum sum;  // of the pseudo-header first
    if (is_v4()) {
      sum.load<2>(ip_ + 12);
      WordSum header = sum;
      header.load<3>(ip_);
      if (!header.is_right()) return false;
    } else {
      sum.load<8>(ip_ + 8);
    }
    sum.add_be16(kProtocolTcp);
    sum.add_be16(static_cast<std::uint32_t>(text_.data() - tcp_) + static_cast<std::uint32_t>(text_.size()));
    sum.load<kTcpHeaderSize / 4>(tcp_);
    if (is_stamped()) sum.load<kStampOctets / 4>(tcp_ + kTcpHeaderSize);
    ChecksumAccumulator all(sum.value());
    if (!text_.empty()) copy_to == nullptr ? all.add(text_) : all.copy(copy_to, text_);
    return all.is_right();
  }

 private:
  const std::byte* ip_ = nullptr;
  const std::byte* tcp_ = nullptr;
  std::uint32_t word_ = 0;  // data offset, flags, window
  Bytes text_;
};

// What is in its headers beside the two sockets.
struct CommonHeaders {
  SeqNum seq;
  SeqNum ack;
  Flags flags = kAck;  // and PSH or FIN
  std::uint16_t wnd = 0;
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp_ecn = 0;
  bool stamped = false;
  Timestamps stamp{};
};

// Writes headers and text, which must not lie in `out`; 0 when there is no room.
[[gnu::always_inline]] inline std::size_t write_common(MutableBytes out, const SocketAddress& from,
                                                       const SocketAddress& to, const CommonHeaders& h,
                                                       const TextPieces& text, Checksums checksums) {
  const bool v4 = from.ip.version == IpVersion::v4;
  // Multiplied: for a choice the compiler makes one of every number below that depends on it.
  const std::size_t tcp_header = kTcpHeaderSize + kStampOctets * static_cast<std::size_t>(h.stamped);
  const std::size_t tcp_size = tcp_header + text.size();
  const std::size_t size = tcp_size + (v4 ? kIpv4HeaderSize : kIpv6HeaderSize);
  if (out.size() < size) return 0;
  std::byte* const p = out.data();
  std::byte* const tcp = p + (size - tcp_size);
  WordSum sum;
  if (v4) {
    sum.copy<1>(p + 12, from.ip.octets.data());
    sum.copy<1>(p + 16, to.ip.octets.data());
    WordSum header = sum;
    header.store(p, 0x4500'0000U | (std::uint32_t{h.dscp_ecn} << 16) | static_cast<std::uint32_t>(size));
    header.store(p + 4, 0x4000U);  // not to be fragmented, so without identification (RFC 6864 4.1)
    header.store(p + 8, (std::uint32_t{h.hop_limit} << 24) | (std::uint32_t{kProtocolTcp} << 16));
    if (checksums == Checksums::written) {
      const std::uint16_t field = header.checksum();
      std::memcpy(p + 10, &field, sizeof field);
    }
  } else {
    store_be32(p, 0x6000'0000U | (std::uint32_t{h.dscp_ecn} << 20));
    store_be32(p + 4, static_cast<std::uint32_t>(tcp_size << 16) | (std::uint32_t{kProtocolTcp} << 8) | h.hop_limit);
    sum.copy<4>(p + 8, from.ip.octets.data());
    sum.copy<4>(p + 24, to.ip.octets.data());
  }
  sum.store(tcp, (std::uint32_t{from.port} << 16) | to.port);
  sum.store(tcp + 4, h.seq.raw());
  sum.store(tcp + 8, h.ack.raw());
  sum.store(tcp + 12, (h.stamped ? 0x8000'0000U : 0x5000'0000U) | (std::uint32_t{h.flags.bits} << 16) | h.wnd);
  store_be32(tcp + 16, 0);
  if (h.stamped) {
    sum.store(tcp + kTcpHeaderSize, kStampAlone);
    sum.store(tcp + kTcpHeaderSize + 4, h.stamp.value);
    sum.store(tcp + kTcpHeaderSize + 8, h.stamp.echo);
  }
  if (checksums == Checksums::offloaded) {
    text.copy_to(tcp + tcp_header);
    return size;
  }
  sum.add_be16(kProtocolTcp);
  sum.add_be16(static_cast<std::uint32_t>(tcp_size));
  ChecksumAccumulator all(sum.value());
  all.copy(tcp + tcp_header, text);
  store_be16(tcp + 16, all.finish());
  return size;
}

}  // namespace lastack
