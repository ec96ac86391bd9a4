#include "conformance/judge/segment_info.h"

#include <algorithm>

#include "stack/wire/checksum.h"
#include "stack/wire/text.h"

namespace lastack {

namespace {

std::uint16_t complement(std::uint16_t v) { return static_cast<std::uint16_t>(~v & 0xffffU); }

void verify_checksum(SegmentInfo& info) {
  ChecksumAccumulator pseudo;
  add_pseudo_header(pseudo, info.ip.src, info.ip.dst, kProtocolTcp, static_cast<std::uint32_t>(info.ip.payload.size()));
  ChecksumAccumulator whole = pseudo;
  whole.add(info.ip.payload);
  if (whole.finish() == 0) {
    info.checksum = ChecksumState::right;
  } else {
    // Cards that cut a large segment want the sum without its length.
    ChecksumAccumulator no_length;
    add_pseudo_header(no_length, info.ip.src, info.ip.dst, kProtocolTcp, 0);
    const bool left_open =
        info.tcp.checksum == complement(pseudo.finish()) || info.tcp.checksum == complement(no_length.finish());
    info.checksum = left_open ? ChecksumState::offloaded : ChecksumState::wrong;
  }
}

// Where the header cannot be found, the checksum still tells damage from a mistake.
void verify_unparsed(SegmentInfo& info) {
  ChecksumAccumulator sum;
  add_pseudo_header(sum, info.ip.src, info.ip.dst, kProtocolTcp, static_cast<std::uint32_t>(info.ip.payload.size()));
  sum.add(info.ip.payload);
  info.checksum = sum.finish() == 0 ? ChecksumState::right : ChecksumState::wrong;
}

DecodeResult decode_tcp(std::size_t whole, SegmentInfo& out) {
  if (out.ip.is_fragment()) return DecodeResult::fragment;
  if (out.ip.protocol != kProtocolTcp) return DecodeResult::not_tcp;
  const std::size_t tcp_size = whole < out.ip.header_size ? 0 : whole - out.ip.header_size;
  const bool cut = out.ip.payload.size() < tcp_size;
  if (out.ip.payload.size() < kTcpHeaderSize && cut) return DecodeResult::cut;
  out.malformed = parse_tcp(out.ip.payload, out.tcp);
  out.payload_captured = !cut;
  if (out.ip.payload.size() < kTcpHeaderSize) return DecodeResult::segment;  // malformed says so
  const bool header_cut = cut && out.tcp.header_size > out.ip.payload.size() && out.tcp.header_size <= tcp_size;
  if (header_cut) {
    out.options_known = false;
    out.malformed.reset();
  }
  if (out.malformed && out.malformed->fault != WireFault::tcp_bad_option_length) {
    if (out.payload_captured) verify_unparsed(out);
    return DecodeResult::segment;
  }
  out.payload_size = static_cast<std::uint32_t>(tcp_size - out.tcp.header_size);
  if (out.payload_captured) verify_checksum(out);
  return DecodeResult::segment;
}

struct PlainIp {
  std::size_t header = 0;  // 0: not plain
  std::size_t total = 0;
};

// No options or extension headers, no fragment, no ECN mark, and TCP behind it.
PlainIp plain_ip(const std::byte* p) {
  if (load_u8(p) == 0x45) {
    const bool marked_or_fragment = (load_u8(p + 1) & 3U) != 0 || (load_be16(p + 6) & 0x3fffU) != 0;
    return marked_or_fragment || load_u8(p + 9) != kProtocolTcp ? PlainIp{}
                                                                : PlainIp{kIpv4HeaderSize, load_be16(p + 2)};
  }
  if ((load_be16(p) & 0xf030U) != 0x6000U || load_u8(p + 6) != kProtocolTcp || load_be16(p + 4) == 0) return {};
  return {kIpv6HeaderSize, std::size_t{load_be16(p + 4)} + kIpv6HeaderSize};
}

void take_plain_ip(const std::byte* p, const PlainIp& is, Bytes payload, IpPacket& out) {
  out.protocol = kProtocolTcp;
  out.header_size = is.header;
  out.total_length = is.total;
  out.payload = payload;
  out.truncated = payload.size() + is.header < is.total;
  if (is.header == kIpv4HeaderSize) {
    out.dscp_ecn = load_u8(p + 1);
    out.id = load_be16(p + 4);
    out.dont_fragment = (load_u8(p + 6) & 0x40U) != 0;
    out.hop_limit = load_u8(p + 8);
    out.src = IpAddress::from_bytes(IpVersion::v4, p + 12);
    out.dst = IpAddress::from_bytes(IpVersion::v4, p + 16);
    ChecksumAccumulator sum;
    sum.add_words<kIpv4HeaderSize / 4>(p);
    out.header_checksum_ok = sum.finish() == 0;
  } else {
    out.id = 0;
    out.dont_fragment = false;
    out.header_checksum_ok = true;
    out.dscp_ecn = static_cast<std::uint8_t>((load_be16(p) >> 4) & 0xffU);
    out.hop_limit = load_u8(p + 7);
    out.src = IpAddress::from_bytes(IpVersion::v6, p + 8);
    out.dst = IpAddress::from_bytes(IpVersion::v6, p + 24);
  }
}

constexpr std::size_t kStampOctets = 12;

void take_plain_tcp(const std::byte* tcp, std::size_t header, Bytes text, Segment& out) {
  out.src_port = load_be16(tcp);
  out.dst_port = load_be16(tcp + 2);
  out.seq = SeqNum(load_be32(tcp + 4));
  out.ack = SeqNum(load_be32(tcp + 8));
  out.header_size = static_cast<std::uint8_t>(header);
  out.flags = Flags{static_cast<std::uint16_t>(load_be16(tcp + 12) & 0x1ffU)};
  out.wnd = load_be16(tcp + 14);
  out.checksum = load_be16(tcp + 16);
  out.urg = load_be16(tcp + 18);
  out.payload = text;
  if (header != kTcpHeaderSize) {
    out.options.timestamps = Timestamps{load_be32(tcp + 24), load_be32(tcp + 28)};
  } else {
    out.options.timestamps.reset();
  }
}

// Nearly every segment, in one pass: see SegmentInfo::plain. False: another one, and `out` is as it was. It says what
// the layers say (test/cpp/in_order_test.cpp), and sets each field that another plain segment may have set before.
bool decode_plain(Bytes packet, std::size_t present, SegmentInfo& out) {
  constexpr std::uint32_t kStampAlone = 0x0101'080aU;  // NOP, NOP, kind 8, length 10 (RFC 7323 Appendix A)
  if (packet.size() < kIpv4HeaderSize + kTcpHeaderSize) return false;
  const PlainIp ip = plain_ip(packet.data());
  const std::size_t captured = std::min(packet.size(), ip.total);
  if (ip.header == 0 || ip.total > present || captured < ip.header + kTcpHeaderSize) return false;
  const std::byte* const tcp = packet.data() + ip.header;
  const std::uint16_t word = load_be16(tcp + 12);
  if ((word & 0xfffU & ~unsigned{Flags::psh_bit}) != Flags::ack_bit) return false;
  const std::size_t header = (word >> 12) * 4U;
  if (header != kTcpHeaderSize) {
    if (header != kTcpHeaderSize + kStampOctets || captured < ip.header + header) return false;
    if (load_be32(tcp + kTcpHeaderSize) != kStampAlone) return false;
  }
  const Bytes payload(tcp, captured - ip.header);
  take_plain_ip(packet.data(), ip, payload, out.ip);
  take_plain_tcp(tcp, header, payload.subspan(header), out.tcp);
  out.payload_size = static_cast<std::uint32_t>(ip.total - ip.header - header);
  out.payload_captured = captured == ip.total;
  out.checksum = ChecksumState::unknown;
  if (out.payload_captured) verify_checksum(out);
  out.plain = true;
  return true;
}

void begin_anew(SegmentInfo& out) {
  const std::uint64_t number = out.number;
  const Instant time = out.time;
  std::construct_at(&out);  // in its place: a copy of what is mostly zeros takes longer than all the rest
  out.number = number;
  out.time = time;
}

}  // namespace

DecodeResult decode_segment(Bytes ip_packet, std::size_t wire_size, SegmentInfo& out) {
  const std::size_t present = wire_size > ip_packet.size() ? wire_size : ip_packet.size();
  // From one plain segment to the next, nothing has to be cleared.
  if (!out.plain) begin_anew(out);
  if (decode_plain(ip_packet, present, out)) return DecodeResult::segment;
  if (out.plain) begin_anew(out);
  return decode_any_segment(ip_packet, present, out);
}

DecodeResult decode_any_segment(Bytes ip_packet, std::size_t present, SegmentInfo& out) {
  if (parse_ip(ip_packet, out.ip)) {
    out.ip = {};  // what it holds now means nothing
    return DecodeResult::not_tcp;
  }
  const std::size_t whole = out.ip.total_length == 0 ? present : out.ip.total_length;
  if (whole > present) return DecodeResult::cut;  // the IP header promises more than was ever there
  return decode_tcp(whole, out);
}

std::string info_text(const SegmentInfo& info) {
  Segment shown = info.tcp;
  shown.payload = {};
  std::string text = segment_text(shown);
  if (info.payload_size != 0) text += " len=" + std::to_string(info.payload_size);
  return text;
}

}  // namespace lastack
