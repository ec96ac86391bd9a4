// The segment that nearly all of a connection consists of: ACK and perhaps PSH or FIN, no option but perhaps a
// timestamp, in a plain packet (plain.h). Looks at it where it lies, without taking it apart, and writes it; each
// header octet is touched once, for the header and for the checksum. With parse_plain and write_plain this must agree
// (test/common_test.cpp).
#pragma once

#include <cstdint>

#include "stack/wire/packet_view.h"

namespace lastack {

class CommonSegment : public PacketView {
 public:
  // Not the implicit one: it would clear the whole in memory, and so keep it there.
  CommonSegment() {}  // NOLINT(modernize-use-equals-default)
  // False when it is another segment, or no good packet at all.
  [[gnu::always_inline]] bool look_at(Bytes packet) {
    const std::size_t size = look_at_ip(packet);
    text_ = {};
    if (size == 0) return false;
    text_ = {tcp_ + kTcpHeaderSize, size - kTcpHeaderSize};
    seq_ = TcpView::seq();
    ack_ = TcpView::ack();
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

  // Read once: whoever writes a TCB would have to read them anew.
  SeqNum seq() const { return seq_; }
  SeqNum ack() const { return ack_; }
  Bytes text() const { return text_; }
  // Of a packet without a common segment, too; 0 when it is not plain.
  std::size_t tcp_octets() const { return text_.data() == nullptr ? 0 : kTcpHeaderSize + text_.size(); }

  // Takes it apart, for what wants a Segment. `out` may hold another common segment.
  void fill(Segment& out) const {
    fill_header(out);
    out.options.timestamps = is_stamped() ? std::optional(stamp()) : std::nullopt;
    out.payload = text();
  }

  // MUST-3, and the IPv4 header's. With `copy_to` the text is copied there on the way, right or wrong.
  [[gnu::always_inline]] bool checksums_are_right(std::byte* copy_to = nullptr) const {
    WordSum sum;
    if (!add_headers(sum, static_cast<std::size_t>(text_.data() - tcp_) + text_.size())) return false;
    if (is_stamped()) sum.load<kStampOctets / 4>(tcp_ + kTcpHeaderSize);
    ChecksumAccumulator all(sum.value());
    if (!text_.empty()) copy_to == nullptr ? all.add(text_) : all.copy(copy_to, text_);
    return all.is_right();
  }

 private:
  Bytes text_;
  SeqNum seq_;
  SeqNum ack_;
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

// Of a packet of `size` octets with its TCP header at `tcp`. Returns the sum of the addresses and of the TCP header.
template <typename Sum>
[[gnu::always_inline]] inline Sum write_common_headers(std::byte* p, std::byte* tcp, std::size_t size,
                                                       const SocketAddress& from, const SocketAddress& to,
                                                       const CommonHeaders& h) {
  Sum sum = write_ip<Sum>(p, from.ip, to.ip, h.dscp_ecn, h.hop_limit, kDontFragment, size, Checksums::written);
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
  return sum;
}

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
  if (checksums == Checksums::offloaded) {
    (void)write_common_headers<NoSum>(p, tcp, size, from, to, h);
    text.copy_to(tcp + tcp_header);
    return size;
  }
  WordSum sum = write_common_headers<WordSum>(p, tcp, size, from, to, h);
  sum.add_be16(kProtocolTcp);
  sum.add_be16(static_cast<std::uint32_t>(tcp_size));
  ChecksumAccumulator all(sum.value());
  all.copy(tcp + tcp_header, text);
  store_be16(tcp + 16, all.finish());
  return size;
}

}  // namespace lastack
