// What the quick readers and writers of plain packets (plain.h) share: a packet that is looked at where it lies, the
// sum of header words, the IP header in one go.
#pragma once

#include <cstdint>

#include "stack/base/bytes.h"
#include "stack/wire/checksum.h"
#include "stack/wire/ip.h"
#include "stack/wire/segment.h"

namespace lastack {

// Header words of 32 bits in the order of the wire, added up. Some 2^32 of them fit; those that load() takes are added
// in pairs, carrying.
class WordSum {
 public:
  void add(std::uint32_t word) { words_ += word; }
  void add_be16(std::uint32_t v) { words_ += __builtin_bswap16(static_cast<std::uint16_t>(v)); }
  template <std::size_t Words>
  void load(const std::byte* p) {
    for (std::size_t i = 0; i + 1 < Words; i += 2) pairs_ = add_carrying(pairs_, load_native<std::uint64_t>(p + 4 * i));
    if constexpr (Words % 2 != 0) add(load_native<std::uint32_t>(p + 4 * (Words - 1)));
  }
  // Stores `host_order` at `p` and adds it.
  void store(std::byte* p, std::uint32_t host_order) {
    const std::uint32_t word = __builtin_bswap32(host_order);
    std::memcpy(p, &word, sizeof word);
    add(word);
  }
  template <std::size_t Words>
  void copy(std::byte* p, const std::byte* from) {
    for (std::size_t i = 0; i < Words; ++i) {
      const auto word = load_native<std::uint32_t>(from + 4 * i);
      std::memcpy(p + 4 * i, &word, sizeof word);
      add(word);
    }
  }
  std::uint64_t value() const { return add_carrying(words_, pairs_); }
  bool is_right() const { return ChecksumAccumulator(value()).is_right(); }
  // The checksum over what was added, into its field.
  void store_checksum(std::byte* p) const {
    const auto field = static_cast<std::uint16_t>(~ChecksumAccumulator::fold(value()) & 0xffffU);
    std::memcpy(p, &field, sizeof field);
  }

 private:
  template <typename Word>
  static Word load_native(const std::byte* p) {
    Word word = 0;
    std::memcpy(&word, p, sizeof word);
    return word;
  }

  std::uint64_t words_ = 0;
  std::uint64_t pairs_ = 0;
};

// In its place where nobody wants the sum.
class NoSum {
 public:
  void store(std::byte* p, std::uint32_t host_order) { store_be32(p, host_order); }
  template <std::size_t Words>
  void copy(std::byte* p, const std::byte* from) {
    std::memcpy(p, from, 4 * Words);
  }
  void store_checksum(std::byte*) const {}
};

inline constexpr std::uint32_t kStampAlone = 0x0101'080aU;  // NOP, NOP, kind 8, length 10
inline constexpr std::size_t kStampOctets = 12;

// A TCP header where it lies, small enough for two registers.
class TcpView {
 public:
  SeqNum seq() const { return SeqNum(load_be32(tcp_ + 4)); }
  SeqNum ack() const { return SeqNum(load_be32(tcp_ + 8)); }
  std::uint16_t wnd() const { return static_cast<std::uint16_t>(word_ & 0xffffU); }
  Flags flags() const { return Flags{static_cast<std::uint16_t>(word_ >> 16 & 0x1ffU)}; }
  // Of a common segment (common.h), whose data offset is 5 or 8: whether it has a timestamp, and which.
  bool is_stamped() const { return word_ >> 31 != 0; }
  Timestamps stamp() const { return {load_be32(tcp_ + kTcpHeaderSize + 4), load_be32(tcp_ + kTcpHeaderSize + 8)}; }

 protected:
  const std::byte* tcp_ = nullptr;
  std::uint32_t word_ = 0;  // data offset, flags, window
};

// A plain packet (plain.h) where it lies.
class PacketView : public TcpView {
 public:
  bool is_v4() const { return tcp_ == ip_ + kIpv4HeaderSize; }
  // Of the IP header.
  std::uint8_t ecn() const {
    return static_cast<std::uint8_t>((is_v4() ? load_u8(ip_ + 1) : load_u8(ip_ + 1) >> 4) & 3U);
  }
  // Whether it comes from `remote` and is for `local`.
  [[gnu::always_inline]] bool is_between(const SocketAddress& local, const SocketAddress& remote) const {
    if (load_be32(tcp_) != (std::uint32_t{remote.port} << 16 | local.port)) return false;
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

 protected:
  // The octets of the TCP segment; 0 when the packet is not plain.
  [[gnu::always_inline]] std::size_t look_at_ip(Bytes packet) {
    if (packet.size() < kIpv4HeaderSize + kTcpHeaderSize) return 0;
    ip_ = packet.data();
    const std::uint32_t first = load_be32(ip_);
    std::size_t whole = first & 0xffffU;
    std::size_t header = kIpv4HeaderSize;
    if (first >> 24 == 0x45) {
      // A fragment is for the whole parser.
      if ((load_be16(ip_ + 6) & 0x3fffU) != 0 || load_u8(ip_ + 9) != kProtocolTcp) return 0;
    } else {
      if (first >> 28 != 6 || load_u8(ip_ + 6) != kProtocolTcp) return 0;
      header = kIpv6HeaderSize;
      whole = std::size_t{load_be16(ip_ + 4)} + kIpv6HeaderSize;
    }
    if (whole > packet.size() || whole < header + kTcpHeaderSize) return 0;
    tcp_ = ip_ + header;
    word_ = load_be32(tcp_ + 12);
    return whole - header;
  }
  // The fields of the TCP header.
  [[gnu::always_inline]] void fill_header(Segment& out) const {
    out.src_port = load_be16(tcp_);
    out.dst_port = load_be16(tcp_ + 2);
    out.seq = seq();
    out.ack = ack();
    out.flags = flags();
    out.wnd = wnd();
    out.checksum = load_be16(tcp_ + 16);
    out.urg = load_be16(tcp_ + 18);
    out.header_size = static_cast<std::uint8_t>(word_ >> 28 << 2);
  }
  // Adds pseudo-header and TCP header without options; false when the IPv4 header's own checksum is wrong.
  [[gnu::always_inline]] bool add_headers(WordSum& sum, std::size_t tcp_octets) const {
    if (is_v4()) {
      sum.load<2>(ip_ + 12);
      WordSum header = sum;
      header.load<3>(ip_);
      if (!header.is_right()) return false;
    } else {
      sum.load<8>(ip_ + 8);
    }
    sum.add_be16(kProtocolTcp);
    sum.add_be16(static_cast<std::uint32_t>(tcp_octets));
    sum.load<kTcpHeaderSize / 4>(tcp_);
    return true;
  }

  const std::byte* ip_ = nullptr;
};

// The IP header of a packet of `size` octets. Returns the sum of its addresses, with which the pseudo-header begins.
// `fragment`: the second word of an IPv4 header.
template <typename Sum = WordSum>
[[gnu::always_inline]] inline Sum write_ip(std::byte* p, const IpAddress& from, const IpAddress& to,
                                           std::uint8_t dscp_ecn, std::uint8_t hop_limit, std::uint32_t fragment,
                                           std::size_t size, Checksums checksums) {
  Sum sum;
  if (from.version == IpVersion::v4) {
    sum.template copy<1>(p + 12, from.octets.data());
    sum.template copy<1>(p + 16, to.octets.data());
    Sum header = sum;
    header.store(p, 0x4500'0000U | (std::uint32_t{dscp_ecn} << 16) | static_cast<std::uint32_t>(size));
    header.store(p + 4, fragment);
    header.store(p + 8, (std::uint32_t{hop_limit} << 24) | (std::uint32_t{kProtocolTcp} << 16));
    if (checksums == Checksums::written) header.store_checksum(p + 10);
    return sum;
  }
  const auto tcp_size = static_cast<std::uint32_t>(size - kIpv6HeaderSize);
  store_be32(p, 0x6000'0000U | (std::uint32_t{dscp_ecn} << 20));
  store_be32(p + 4, tcp_size << 16 | (std::uint32_t{kProtocolTcp} << 8) | hop_limit);
  sum.template copy<4>(p + 8, from.octets.data());
  sum.template copy<4>(p + 24, to.octets.data());
  return sum;
}
// Not to be fragmented, so without identification (RFC 6864 4.1).
inline constexpr std::uint32_t kDontFragment = 0x4000U;

}  // namespace lastack
