#include "stack/wire/segment.h"

#include "stack/wire/checksum.h"

namespace lastack {

//= rfc9293 3.1 U-11
std::optional<WireError> parse_tcp(Bytes tcp, Segment& out) {
  if (tcp.size() < kTcpHeaderSize) return WireError{WireFault::tcp_too_short, tcp.size()};
  if (auto error = read_fixed_header(tcp, out)) return error;
  if (out.header_size == kTcpHeaderSize) return std::nullopt;
  auto error = parse_options(tcp.subspan(kTcpHeaderSize, out.header_size - kTcpHeaderSize), out.options);
  if (error) error->offset += kTcpHeaderSize;
  return error;
}

Result<ParsedPacket, WireError> parse_packet(Bytes packet, bool verify_checksum) {
  auto ip = parse_ip(packet);
  if (!ip) return ip.error();
  ParsedPacket parsed{*ip, {}};
  if (parsed.ip.truncated) return WireError{WireFault::truncated, packet.size()};
  if (parsed.ip.is_fragment()) return WireError{WireFault::fragment, 6};
  if (verify_checksum && !parsed.ip.header_checksum_ok) return WireError{WireFault::ip_bad_length, 10};
  if (parsed.ip.protocol != kProtocolTcp) return WireError{WireFault::not_tcp, 9};
  //= rfc9293 3.1 MUST-3
  if (verify_checksum && tcp_checksum(parsed.ip.src, parsed.ip.dst, parsed.ip.payload) != 0) {
    return WireError{WireFault::tcp_bad_checksum, parsed.ip.header_size + 16};
  }
  if (auto error = parse_tcp(parsed.ip.payload, parsed.tcp)) {
    error->offset += parsed.ip.header_size;
    return *error;
  }
  return parsed;
}

std::size_t tcp_header_size(const Segment& segment) { return kTcpHeaderSize + options_size(segment.options); }

std::size_t write_packet(MutableBytes out, const IpHeader& ip, const Segment& segment) {
  return write_packet(out, ip, segment, tcp_header_size(segment));
}

namespace {

// The checksum field still zero.
void write_tcp_header(std::byte* tcp, const Segment& segment, std::size_t header) {
  store_be16(tcp, segment.src_port);
  store_be16(tcp + 2, segment.dst_port);
  store_be32(tcp + 4, segment.seq.raw());
  store_be32(tcp + 8, segment.ack.raw());
  const auto word = static_cast<std::uint16_t>(
      ((header / 4) << 12) | (static_cast<unsigned>(segment.reserved & 7U) << 9) | (segment.flags.bits & 0x1ffU));
  store_be16(tcp + 12, word);
  store_be16(tcp + 14, segment.wnd);
  store_be16(tcp + 16, 0);
  store_be16(tcp + 18, segment.urg);
  if (header != kTcpHeaderSize) write_options(tcp + kTcpHeaderSize, segment.options);
}

// A header of a whole number of words.
void add_header(ChecksumAccumulator& sum, const std::byte* tcp, std::size_t header) {
  sum.add_words<kTcpHeaderSize / 4>(tcp);
  for (std::size_t at = kTcpHeaderSize; at < header; at += 4) sum.add_words<1>(tcp + at);
}

}  // namespace

std::size_t write_packet(MutableBytes out, const IpHeader& ip, const Segment& segment, std::size_t header,
                         Checksums checksums) {
  const std::size_t ip_size = ip_header_size(ip.src.version);
  const std::size_t total = ip_size + header + segment.payload.size();
  if (out.size() < total || header > kTcpHeaderSize + kMaxOptionOctets) return 0;
  std::byte* tcp = out.data() + ip_size;
  if (!segment.payload.empty() && segment.payload.data() != tcp + header) {
    std::memmove(tcp + header, segment.payload.data(), segment.payload.size());
  }
  write_tcp_header(tcp, segment, header);
  //= rfc9293 3.1 MUST-2
  if (checksums == Checksums::written) store_be16(tcp + 16, tcp_checksum(ip.src, ip.dst, {tcp, total - ip_size}));
  write_ip_header(out.data(), ip, total - ip_size, checksums);
  return total;
}

std::size_t write_packet(MutableBytes out, const IpHeader& ip, const Segment& segment, std::size_t header,
                         Checksums checksums, const TextPieces& text) {
  const std::size_t ip_size = ip_header_size(ip.src.version);
  const std::size_t total = ip_size + header + text.size();
  if (out.size() < total || header > kTcpHeaderSize + kMaxOptionOctets) return 0;
  std::byte* const tcp = out.data() + ip_size;
  std::byte* const at = tcp + header;
  write_tcp_header(tcp, segment, header);
  if (checksums == Checksums::written) {
    //= rfc9293 3.1 MUST-2
    ChecksumAccumulator sum;
    add_pseudo_header(sum, ip.src, ip.dst, kProtocolTcp, static_cast<std::uint32_t>(total - ip_size));
    add_header(sum, tcp, header);
    sum.copy(at, text);
    store_be16(tcp + 16, sum.finish());
  } else {
    text.copy_to(at);
  }
  write_ip_header(out.data(), ip, total - ip_size, checksums);
  return total;
}

}  // namespace lastack
