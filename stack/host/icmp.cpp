#include "stack/host/icmp.h"

#include <algorithm>

#include "stack/wire/checksum.h"

namespace lastack {

namespace {

constexpr std::size_t kIcmpHeader = 8;

bool checksum_ok(const IpPacket& packet) {
  if (packet.src.version == IpVersion::v4) return internet_checksum(packet.payload) == 0;
  ChecksumAccumulator sum;
  add_pseudo_header(sum, packet.src, packet.dst, kProtocolIcmp6, static_cast<std::uint32_t>(packet.payload.size()));
  sum.add(packet.payload);
  return sum.finish() == 0;
}

//= rfc9293 3.9.2.2 MUST-54 MUST-55
//= rfc6633 3
std::optional<IcmpKind> classify_v4(std::uint8_t type, std::uint8_t code) {
  if (type == 3) {
    if (code == 4) return IcmpKind::packet_too_big;
    return code == 2 || code == 3 ? IcmpKind::hard : IcmpKind::soft;
  }
  if (type == 11 || type == 12) return IcmpKind::soft;
  return std::nullopt;
}

std::optional<IcmpKind> classify_v6(std::uint8_t type, std::uint8_t code) {
  if (type == 2) return IcmpKind::packet_too_big;
  if (type == 1)
    return code == 1 || code == 4 ? IcmpKind::hard : IcmpKind::soft;  // RFC 5461 2: prohibited, port unreachable
  if (type == 3 || type == 4) return IcmpKind::soft;
  return std::nullopt;
}

std::uint16_t next_hop_mtu(const IpPacket& packet) {
  const std::byte* p = packet.payload.data();
  if (packet.src.version == IpVersion::v4) return load_be16(p + 6);
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(load_be32(p + 4), 0xffffU));
}

}  // namespace

std::optional<IcmpError> parse_icmp_error(const IpPacket& packet) {
  if (packet.payload.size() < kIcmpHeader || packet.truncated || packet.is_fragment() || !checksum_ok(packet))
    return std::nullopt;
  const std::byte* p = packet.payload.data();
  const std::uint8_t type = load_u8(p);
  const std::uint8_t code = load_u8(p + 1);
  const auto kind = packet.src.version == IpVersion::v4 ? classify_v4(type, code) : classify_v6(type, code);
  if (!kind) return std::nullopt;
  const auto inner = parse_ip(packet.payload.subspan(kIcmpHeader));  // cut short as a rule
  if (!inner || inner->protocol != kProtocolTcp || inner->fragment_offset_octets != 0) return std::nullopt;
  if (inner->payload.size() < 8) return std::nullopt;  // ports and sequence number
  IcmpError error;
  error.kind = *kind;
  error.detail = static_cast<std::uint16_t>((unsigned{type} << 8) | code);
  error.mtu = *kind == IcmpKind::packet_too_big ? next_hop_mtu(packet) : std::uint16_t{0};
  error.local = {inner->src, load_be16(inner->payload.data())};
  error.remote = {inner->dst, load_be16(inner->payload.data() + 2)};
  error.seq = SeqNum(load_be32(inner->payload.data() + 4));
  return error;
}

}  // namespace lastack
