#include "stack/wire/plain.h"

#include "stack/wire/checksum.h"
#include "stack/wire/common.h"

namespace lastack {

namespace {

// The IP header's part; the octets of the whole packet, or 0 when it is not plain.
std::size_t parse_plain_ip(const std::byte* p, PlainPacket& out) {
  const std::uint8_t first = load_u8(p);
  if (first == 0x45) {
    const bool fragment = (load_be16(p + 6) & 0x3fffU) != 0;
    if (fragment || load_u8(p + 9) != kProtocolTcp) return 0;
    out.version = IpVersion::v4;
    out.ecn_field = load_u8(p + 1) & 3U;
    out.addresses = p + 12;
    return load_be16(p + 2);
  }
  if (first >> 4 != 6 || load_u8(p + 6) != kProtocolTcp) return 0;
  out.version = IpVersion::v6;
  out.ecn_field = static_cast<std::uint8_t>((load_u8(p + 1) >> 4) & 3U);
  out.addresses = p + 8;
  return std::size_t{load_be16(p + 4)} + kIpv6HeaderSize;
}

bool read_options(PlainPacket& out) {
  const Bytes area = out.tcp.subspan(kTcpHeaderSize, out.segment.header_size - kTcpHeaderSize);
  Options& options = out.segment.options;
  if (area.size() == kStampOctets && load_be32(area.data()) == kStampAlone) {
    options.timestamps = Timestamps{load_be32(area.data() + 4), load_be32(area.data() + 8)};
    return true;
  }
  options.timestamps.reset();
  out.has_other_options = true;
  return !parse_options(area, options);
}

}  // namespace

bool parse_plain(Bytes packet, PlainPacket& out) {
  if (packet.size() < kIpv4HeaderSize + kTcpHeaderSize) return false;
  const std::byte* const p = packet.data();
  const std::size_t whole = parse_plain_ip(p, out);
  const std::size_t header = ip_header_size(out.version);
  if (whole > packet.size() || whole < header + kTcpHeaderSize) return false;
  out.ip = p;
  out.tcp = {p + header, whole - header};
  if (read_fixed_header(out.tcp, out.segment)) return false;
  if (out.has_other_options) out.segment.options = {};
  out.has_other_options = false;
  if (out.segment.header_size != kTcpHeaderSize) return read_options(out);
  out.segment.options.timestamps.reset();
  return true;
}

//= rfc9293 3.1 MUST-3
bool PlainPacket::checksums_are_right() const {
  WordSum sum;
  if (version == IpVersion::v4) {
    sum.load<2>(addresses);
    WordSum header = sum;
    header.load<3>(ip);
    if (!header.is_right()) return false;
  } else {
    sum.load<8>(addresses);
  }
  // At most 65535 octets, so that the upper half of the length is zero.
  sum.add_be16(kProtocolTcp);
  sum.add_be16(static_cast<std::uint32_t>(tcp.size()));
  sum.load<kTcpHeaderSize / 4>(tcp.data());
  for (std::size_t at = kTcpHeaderSize; at != segment.header_size; at += 4) sum.load<1>(tcp.data() + at);
  ChecksumAccumulator all(sum.value());
  if (!segment.payload.empty()) all.add(segment.payload);
  return all.is_right();
}

std::size_t write_plain(MutableBytes out, const PlainHeaders& h, const TextPieces& text, Checksums checksums) {
  const std::size_t ip_size = ip_header_size(h.from.ip.version);
  const std::size_t options = h.options != nullptr ? options_size(*h.options) : h.stamped ? kStampOctets : 0;
  const std::size_t tcp_header = kTcpHeaderSize + options;
  const std::size_t tcp_size = tcp_header + text.size();
  if (out.size() < ip_size + tcp_size) return 0;
  std::byte* const tcp = out.data() + ip_size;
  const std::uint32_t fragment = (std::uint32_t{h.id} << 16) | (h.dont_fragment ? kDontFragment : 0U);
  WordSum sum =
      write_ip(out.data(), h.from.ip, h.to.ip, h.dscp_ecn, h.hop_limit, fragment, ip_size + tcp_size, checksums);
  sum.store(tcp, (std::uint32_t{h.from.port} << 16) | h.to.port);
  sum.store(tcp + 4, h.seq.raw());
  sum.store(tcp + 8, h.ack.raw());
  sum.store(tcp + 12, (static_cast<std::uint32_t>(tcp_header / 4) << 28) | (std::uint32_t{h.flags.bits} << 16) | h.wnd);
  sum.store(tcp + 16, h.urg);
  if (h.options != nullptr) {
    write_options(tcp + kTcpHeaderSize, *h.options);
  } else if (h.stamped) {
    store_be32(tcp + kTcpHeaderSize, kStampAlone);
    store_be32(tcp + kTcpHeaderSize + 4, h.stamp.value);
    store_be32(tcp + kTcpHeaderSize + 8, h.stamp.echo);
  }
  if (checksums == Checksums::offloaded) {
    text.copy_to(tcp + tcp_header);
    return ip_size + tcp_size;
  }
  //= rfc9293 3.1 MUST-2
  for (std::size_t at = kTcpHeaderSize; at != tcp_header; at += 4) sum.load<1>(tcp + at);
  sum.add_be16(kProtocolTcp);
  sum.add_be16(static_cast<std::uint32_t>(tcp_size));
  ChecksumAccumulator all(sum.value());
  all.copy(tcp + tcp_header, text);
  store_be16(tcp + 16, all.finish());
  return ip_size + tcp_size;
}

}  // namespace lastack
