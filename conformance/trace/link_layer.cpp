#include "conformance/trace/link_layer.h"

namespace lastack {

namespace {

enum LinkType : std::uint32_t {
  kNull = 0,
  kEthernet = 1,
  kPpp = 9,
  kRawBsd12 = 12,
  kRawBsd14 = 14,
  kPppHdlc = 50,
  kPppEther = 51,
  kRaw = 101,
  kCiscoHdlc = 104,
  kLoop = 108,
  kLinuxSll = 113,
  kIpv4 = 228,
  kIpv6 = 229,
  kLinuxSll2 = 276,
};

constexpr LinkPayload kNotIp{};
constexpr int kMaxTags = 8;  // VLAN tags or MPLS labels on one frame

bool has(Bytes frame, std::size_t at, std::size_t size) { return at + size <= frame.size(); }

// At an IP header whose version is known from the header itself.
LinkPayload ip_at(Bytes frame, std::size_t at) {
  if (!has(frame, at, 1)) return kNotIp;
  const unsigned version = load_u8(frame.data() + at) >> 4;
  return {version == 4 || version == 6, at};
}

LinkPayload ppp_at(Bytes frame, std::size_t at) {
  if (!has(frame, at, 2)) return kNotIp;
  if (load_be16(frame.data() + at) == 0xff03) at += 2;  // address and control
  if (!has(frame, at, 2)) return kNotIp;
  const std::uint16_t protocol = load_be16(frame.data() + at);
  if ((protocol >> 8) == 0x21 || (protocol >> 8) == 0x57) return ip_at(frame, at + 1);  // compressed protocol field
  return protocol == 0x0021 || protocol == 0x0057 ? ip_at(frame, at + 2) : kNotIp;
}

LinkPayload mpls_at(Bytes frame, std::size_t at) {
  for (int labels = 0; labels < kMaxTags; ++labels) {
    if (!has(frame, at, 4)) return kNotIp;
    const bool bottom = (load_u8(frame.data() + at + 2) & 1U) != 0;
    at += 4;
    if (bottom) return ip_at(frame, at);
  }
  return kNotIp;
}

// At a two-octet EtherType field.
LinkPayload ethertype_at(Bytes frame, std::size_t at) {
  for (int tags = 0; tags < kMaxTags; ++tags) {
    if (!has(frame, at, 2)) return kNotIp;
    const std::uint16_t type = load_be16(frame.data() + at);
    switch (type) {
      case 0x0800:
      case 0x86dd: return ip_at(frame, at + 2);
      case 0x8100:  // VLAN, QinQ and its older numbers
      case 0x88a8:
      case 0x9100:
      case 0x9200: at += 4; continue;
      case 0x8847:
      case 0x8848: return mpls_at(frame, at + 2);
      case 0x8864: return ppp_at(frame, at + 2 + 6);  // PPPoE session: 6 octets, then PPP
      default: break;
    }
    // An 802.3 length field: LLC with SNAP carries an EtherType again.
    const bool snap = type <= 1500 && has(frame, at + 2, 8) && load_be16(frame.data() + at + 2) == 0xaaaa &&
                      load_u8(frame.data() + at + 4) == 3 && load_u8(frame.data() + at + 5) == 0 &&
                      load_be16(frame.data() + at + 6) == 0;
    if (!snap) return kNotIp;
    at += 8;
  }
  return kNotIp;
}

// Four octets of address family, in the byte order of the capturing machine (NULL) or of the network (LOOP): the IP
// version in the packet says enough; other families do not look like IP there.
LinkPayload null_at(Bytes frame) {
  if (!has(frame, 0, 4)) return kNotIp;
  const std::uint32_t big = load_be32(frame.data());
  const std::uint32_t family = big > 0xffffU ? __builtin_bswap32(big) : big;
  const bool inet = family == 2 || family == 10 || family == 24 || family == 28 || family == 30;
  return inet ? ip_at(frame, 4) : kNotIp;
}

}  // namespace

LinkPayload find_ip(std::uint32_t link_type, Bytes frame) {
  switch (link_type) {
    case kEthernet: return ethertype_at(frame, 12);
    case kNull:
    case kLoop: return null_at(frame);
    case kRaw:
    case kRawBsd12:
    case kRawBsd14:
    case kIpv4:
    case kIpv6: return ip_at(frame, 0);
    case kLinuxSll: return ethertype_at(frame, 14);
    case kLinuxSll2: {
      if (!has(frame, 0, 20)) return kNotIp;
      const std::uint16_t type = load_be16(frame.data());
      if (type == 0x0800 || type == 0x86dd) return ip_at(frame, 20);
      return type == 0x8847 || type == 0x8848 ? mpls_at(frame, 20) : kNotIp;
    }
    case kPpp:
    case kPppHdlc: return ppp_at(frame, 0);
    case kPppEther: return ppp_at(frame, 6);
    case kCiscoHdlc: return ethertype_at(frame, 2);
    default: return kNotIp;
  }
}

bool link_type_is_known(std::uint32_t link_type) {
  switch (link_type) {
    case kNull:
    case kEthernet:
    case kPpp:
    case kRawBsd12:
    case kRawBsd14:
    case kPppHdlc:
    case kPppEther:
    case kRaw:
    case kCiscoHdlc:
    case kLoop:
    case kLinuxSll:
    case kIpv4:
    case kIpv6:
    case kLinuxSll2: return true;
    default: return false;
  }
}

}  // namespace lastack
