#include "stack/wire/ip.h"

#include <algorithm>

#include "stack/wire/checksum.h"

namespace lastack {

namespace {

// Nearly every header has no options, so that its size is known.
bool header_checksum_is_right(Bytes header) {
  ChecksumAccumulator sum;
  sum.add_words<kIpv4HeaderSize / 4>(header.data());
  if (header.size() > kIpv4HeaderSize) sum.add(header.subspan(kIpv4HeaderSize));
  return sum.finish() == 0;
}

//= rfc9293 3.9.2 MUST-50
std::optional<WireError> parse_v4(Bytes packet, IpPacket& ip) {
  if (packet.size() < kIpv4HeaderSize) return WireError{WireFault::ip_too_short, packet.size()};
  const std::byte* p = packet.data();
  ip.header_size = (load_u8(p) & 0x0fU) * 4U;
  if (ip.header_size < kIpv4HeaderSize) return WireError{WireFault::ip_bad_header_length, 0};
  ip.total_length = load_be16(p + 2);
  if (ip.total_length != 0 && ip.total_length < ip.header_size) return WireError{WireFault::ip_bad_length, 2};
  if (packet.size() < ip.header_size) return WireError{WireFault::ip_too_short, packet.size()};
  ip.dscp_ecn = load_u8(p + 1);
  ip.id = load_be16(p + 4);
  const std::uint16_t fragment = load_be16(p + 6);
  ip.dont_fragment = (fragment & 0x4000U) != 0;
  ip.more_fragments = (fragment & 0x2000U) != 0;
  ip.fragment_offset_octets = (fragment & 0x1fffU) * 8U;
  ip.hop_limit = load_u8(p + 8);
  ip.protocol = load_u8(p + 9);
  ip.src = IpAddress::from_bytes(IpVersion::v4, p + 12);
  ip.dst = IpAddress::from_bytes(IpVersion::v4, p + 16);
  ip.header_checksum_ok = header_checksum_is_right(packet.first(ip.header_size));
  const std::size_t whole = ip.total_length == 0 ? packet.size() : ip.total_length;
  ip.truncated = packet.size() < whole;
  ip.payload = packet.first(std::min(whole, packet.size())).subspan(ip.header_size);
  return std::nullopt;
}

bool is_extension_header(std::uint8_t next) {
  return next == 0 || next == 43 || next == 60 || next == 44 || next == 51;
}

// Walks the extension headers of RFC 8200 section 4; `ip.protocol` ends as the transport protocol.
std::optional<WireError> walk_extension_headers(Bytes packet, IpPacket& ip) {
  while (is_extension_header(ip.protocol)) {
    if (packet.size() < ip.header_size + 8) return WireError{WireFault::truncated, packet.size()};
    const std::byte* p = packet.data() + ip.header_size;
    std::size_t size = (load_u8(p + 1) + 1U) * 8U;
    if (ip.protocol == 44) {
      size = 8;
      const std::uint16_t field = load_be16(p + 2);
      ip.fragment_offset_octets = field & 0xfff8U;
      ip.more_fragments = (field & 1U) != 0;
    } else if (ip.protocol == 51) {
      size = (load_u8(p + 1) + 2U) * 4U;  // RFC 4302 counts in 4-octet units
    }
    ip.protocol = load_u8(p);
    ip.header_size += size;
    if (packet.size() < ip.header_size) return WireError{WireFault::truncated, packet.size()};
    if (ip.fragment_offset_octets != 0) break;  // what follows is the middle of something
  }
  return std::nullopt;
}

std::optional<WireError> parse_v6(Bytes packet, IpPacket& ip) {
  if (packet.size() < kIpv6HeaderSize) return WireError{WireFault::ip_too_short, packet.size()};
  const std::byte* p = packet.data();
  ip.header_size = kIpv6HeaderSize;
  ip.dscp_ecn = static_cast<std::uint8_t>((load_be16(p) >> 4) & 0xffU);
  const std::size_t payload_length = load_be16(p + 4);
  ip.total_length = payload_length == 0 ? 0 : payload_length + kIpv6HeaderSize;
  ip.protocol = load_u8(p + 6);
  ip.hop_limit = load_u8(p + 7);
  ip.src = IpAddress::from_bytes(IpVersion::v6, p + 8);
  ip.dst = IpAddress::from_bytes(IpVersion::v6, p + 24);
  const std::size_t whole = ip.total_length == 0 ? packet.size() : ip.total_length;
  ip.truncated = packet.size() < whole;
  const Bytes present = packet.first(std::min(whole, packet.size()));
  if (auto error = walk_extension_headers(present, ip)) return *error;
  ip.payload = present.subspan(ip.header_size);
  return std::nullopt;
}

}  // namespace

std::optional<WireError> parse_ip(Bytes packet, IpPacket& out) {
  if (packet.empty()) return WireError{WireFault::ip_too_short, 0};
  switch (load_u8(packet.data()) >> 4) {
    case 4: return parse_v4(packet, out);
    case 6: return parse_v6(packet, out);
    default: return WireError{WireFault::ip_bad_version, 0};
  }
}

Result<IpPacket, WireError> parse_ip(Bytes packet) {
  IpPacket ip;
  if (const auto error = parse_ip(packet, ip)) return *error;
  return ip;
}

void write_ip_header(std::byte* out, const IpHeader& header, std::size_t payload_octets, Checksums checksums) {
  if (header.src.version == IpVersion::v4) {
    store_u8(out, 0x45);
    store_u8(out + 1, header.dscp_ecn);
    store_be16(out + 2, static_cast<std::uint16_t>(kIpv4HeaderSize + payload_octets));
    store_be16(out + 4, header.id);
    store_be16(out + 6, header.dont_fragment ? 0x4000U : 0U);
    store_u8(out + 8, header.hop_limit);
    store_u8(out + 9, header.protocol);
    store_be16(out + 10, 0);
    std::memcpy(out + 12, header.src.octets.data(), 4);
    std::memcpy(out + 16, header.dst.octets.data(), 4);
    if (checksums == Checksums::offloaded) return;
    ChecksumAccumulator sum;
    sum.add_words<kIpv4HeaderSize / 4>(out);
    store_be16(out + 10, sum.finish());
    return;
  }
  store_be32(out, 0x6000'0000U | (static_cast<std::uint32_t>(header.dscp_ecn) << 20));
  store_be16(out + 4, static_cast<std::uint16_t>(payload_octets));
  store_u8(out + 6, header.protocol);
  store_u8(out + 7, header.hop_limit);
  std::memcpy(out + 8, header.src.octets.data(), 16);
  std::memcpy(out + 24, header.dst.octets.data(), 16);
}

}  // namespace lastack
