// Tunnels: what carries IP or Ethernet inside IP, directly, by GRE or by UDP. A UDP port only suggests a tunnel, so
// what is inside must hold together (lengths, IPv4 header checksum) before it counts as one.
#include <utility>

#include "conformance/trace/layers.h"

namespace lastack {

namespace {

constexpr std::uint8_t kIpInIp = 4, kUdp = 17, kIpv6InIp = 41, kGre = 47, kEsp = 50, kEtherIp = 97, kIpComp = 108,
                       kL2tp = 115, kMplsInIp = 137;

// ERSPAN: a copy of a switch port's frames. Type I has nothing before the frame, II eight octets, III twelve or twenty.
Skip at_erspan(Walk& w, const Layer& rest, bool type_three, bool numbered) {
  if (!numbered && !type_three) return at_ethernet(w, rest);
  std::size_t size = 8;
  if (type_three) {
    if (!rest.has(12)) return rest.missing(12);
    size = (rest.u8(11) & 1U) != 0 ? 20 : 12;
  }
  if (!rest.has(size)) return rest.missing(size);
  return at_ethernet(w, rest.after(size));
}

// RFC 2784, 2890; version 1 is PPTP's (RFC 2637).
Skip at_gre(Walk& w, const Layer& rest) {
  if (!rest.has(4)) return rest.missing(4);
  const unsigned flags = rest.u16(0);
  const std::uint16_t type = rest.u16(2);
  const unsigned version = flags & 7U;
  if (version > 1 || (flags & 0x4000U) != 0) return Skip::not_tcp;  // source routes in GRE: obsolete
  std::size_t size = 4;
  if ((flags & 0x8000U) != 0) size += 4;
  const std::size_t key_at = size;
  const bool keyed = (flags & 0x2000U) != 0;
  const bool numbered = (flags & 0x1000U) != 0;
  if (keyed) size += 4;
  if (numbered) size += 4;
  if (version == 1 && (flags & 0x80U) != 0) size += 4;
  if (!rest.has(size)) return rest.missing(size);
  Layer inner = rest.after(size);
  if (keyed && version == 0) inner = inner.inside(rest.u32(key_at));
  switch (type) {
    case 0x88be: return at_erspan(w, inner, false, numbered);
    case 0x22eb: return at_erspan(w, inner, true, numbered);
    case 0x883e:  // WCCP: version 2 has four octets first
      if (!inner.has(4)) return inner.missing(4);
      return at_ip(w, (inner.u8(0) >> 4) == 4 ? inner : inner.after(4));
    default: return at_ethertype(w, inner, type);
  }
}

Skip at_vxlan(Walk& w, const Layer& rest, bool generic) {
  if (!rest.has(8)) return rest.missing(8);
  const unsigned flags = rest.u8(0);
  if ((flags & 0x08U) == 0 || rest.u8(7) != 0) return Skip::malformed;
  const Layer inner = rest.after(8).inside(rest.u32(4) >> 8);
  if (!generic || (flags & 0x04U) == 0) return at_ethernet(w, inner);
  switch (rest.u8(3)) {
    case 1:
    case 2: return at_ip(w, inner);
    case 3: return at_ethernet(w, inner);
    default: return Skip::not_ip;
  }
}

Skip at_geneve(Walk& w, const Layer& rest) {
  if (!rest.has(8)) return rest.missing(8);
  const std::size_t size = 8 + (rest.u8(0) & 0x3fU) * 4U;
  if ((rest.u8(0) >> 6) != 0 || !rest.has(size)) return (rest.u8(0) >> 6) != 0 ? Skip::malformed : rest.missing(size);
  return at_ethertype(w, rest.after(size).inside(rest.u32(4) >> 8), rest.u16(2));
}

// 3GPP TS 29.281: user packets (message 255), version 1.
Skip at_gtp(Walk& w, const Layer& rest) {
  if (!rest.has(8)) return rest.missing(8);
  if ((rest.u8(0) >> 5) != 1 || (rest.u8(0) & 0x10U) == 0) return Skip::malformed;
  if (rest.u8(1) != 255) return Skip::not_tcp;
  std::size_t size = 8;
  if ((rest.u8(0) & 7U) != 0) {
    size = 12;
    if (!rest.has(size)) return rest.missing(size);
    bool more = (rest.u8(0) & 4U) != 0 && rest.u8(11) != 0;
    for (int extensions = 0; more && extensions < 16; ++extensions) {
      if (!rest.has(size + 1)) return rest.missing(size + 1);
      const std::size_t length = rest.u8(size) * 4U;
      if (length == 0) return Skip::malformed;
      size += length;
      if (!rest.has(size)) return rest.missing(size);
      more = rest.u8(size - 1) != 0;
    }
  }
  return at_ip(w, rest.after(size).inside(rest.u32(4)));
}

// RFC 4380: authentication and origin may stand before the IPv6 packet.
Skip at_teredo(Walk& w, Layer rest) {
  for (int headers = 0; headers < 2; ++headers) {
    if (!rest.has(4)) return rest.missing(4);
    std::size_t size = 0;
    if (rest.u16(0) == 1) size = 13U + rest.u8(2) + rest.u8(3);
    if (rest.u16(0) == 0) size = 8;
    if (size == 0) break;
    if (!rest.has(size)) return rest.missing(size);
    rest = rest.after(size);
  }
  if (!rest.has(1) || (rest.u8(0) >> 4) != 6) return Skip::malformed;
  return at_ip(w, rest);
}

// The session may have a cookie of 0, 4 or 8 octets and a sublayer of 0 or 4, which only the two ends know (RFC
// 3931 4.1): the first reading that leads to a packet that holds together.
Skip at_l2tpv3_session(Walk& w, const Layer& session) {
  w.guessed = true;
  for (const std::size_t before : {0U, 4U, 8U, 12U}) {
    if (!session.has(before + 14)) return session.missing(before + 14);
    const std::uint64_t point = w.found.point;
    if (at_ethernet(w, session.after(before)) == Skip::none) return Skip::none;
    w.found.point = point;
  }
  return Skip::not_tcp;
}

Skip at_l2tp_udp(Walk& w, const Layer& rest) {
  if (!rest.has(6)) return rest.missing(6);
  const unsigned flags = rest.u16(0);
  if ((flags & 0x8000U) != 0) return Skip::not_tcp;  // control
  if ((flags & 0x0fU) == 3) {
    if (!rest.has(8)) return rest.missing(8);
    return at_l2tpv3_session(w, rest.after(8).inside(rest.u32(4)));
  }
  if ((flags & 0x0fU) != 2) return Skip::malformed;
  std::size_t size = (flags & 0x4000U) != 0 ? 8 : 6;
  if ((flags & 0x0800U) != 0) size += 4;
  if (!rest.has(size)) return rest.missing(size);
  if ((flags & 0x0200U) != 0) {
    if (!rest.has(size + 2)) return rest.missing(size + 2);
    size += 2U + rest.u16(size);
    if (!rest.has(size)) return rest.missing(size);
  }
  return at_ppp(w, rest.after(size));
}

// TaZmen sniffer protocol: a frame that a router or access point copied. Tags until one of kind 1.
Skip at_tzsp(Walk& w, const Layer& rest) {
  if (!rest.has(5)) return rest.missing(5);
  if (rest.u8(0) != 1 || rest.u8(1) > 1) return Skip::malformed;
  const unsigned protocol = rest.u16(2);
  std::size_t at = 4;
  while (true) {
    if (!rest.has(at + 1)) return rest.missing(at + 1);
    const unsigned kind = rest.u8(at++);
    if (kind == 1) break;
    if (kind == 0) continue;
    if (!rest.has(at + 1)) return rest.missing(at + 1);
    at += 1U + rest.u8(at);
  }
  if (!rest.has(at)) return rest.missing(at);
  if (protocol == 1) return at_ethernet(w, rest.after(at));
  return protocol == 18 ? at_80211(w, rest.after(at)) : Skip::not_tcp;
}

Skip at_udp_port(Walk& w, const Layer& payload, std::uint16_t port) {
  switch (port) {
    case 4789:
    case 8472: return at_vxlan(w, payload, false);
    case 4790: return at_vxlan(w, payload, true);
    case 6081: return at_geneve(w, payload);
    case 2152: return at_gtp(w, payload);
    case 3544: return at_teredo(w, payload);
    case 1701: return at_l2tp_udp(w, payload);
    case 4341: return payload.has(8) ? at_ip(w, payload.after(8)) : payload.missing(8);  // LISP
    case 6635: return at_mpls(w, payload);
    case 37008: return at_tzsp(w, payload);
    case 4500: return payload.has(4) && payload.u32(0) != 0 ? Skip::encrypted : Skip::not_tcp;  // ESP in UDP
    default: return Skip::not_tcp;
  }
}

Skip at_udp(Walk& w, const Layer& rest) {
  if (!rest.has(8)) return rest.missing(8);
  const std::size_t length = rest.u16(4);
  if (length != 0 && (length < 8 || length > rest.wire)) return Skip::not_tcp;
  const Layer payload = rest.first(length == 0 ? rest.wire : length).after(8);
  const bool was_guessed = std::exchange(w.guessed, true);
  const std::uint64_t point = w.found.point;
  for (const std::size_t port_at : {2U, 0U}) {
    const Skip skip = at_udp_port(w, payload, rest.u16(port_at));
    // Inside a real tunnel there may be anything; what only looks like one is UDP and nothing more.
    const bool readable = skip != Skip::malformed && skip != Skip::not_ip && skip != Skip::not_tcp;
    if (readable) return skip;
    w.found.point = point;
  }
  w.guessed = was_guessed;
  return Skip::not_tcp;
}

}  // namespace

bool is_tunnel(std::uint8_t protocol) {
  switch (protocol) {
    case kIpInIp:
    case kUdp:
    case kIpv6InIp:
    case kGre:
    case kEsp:
    case kEtherIp:
    case kIpComp:
    case kL2tp:
    case kMplsInIp: return true;
    default: return false;
  }
}

Skip at_protocol(Walk& w, const Layer& payload, std::uint8_t protocol) {
  if (!w.deeper()) return Skip::too_deep;
  switch (protocol) {
    case kIpInIp:
    case kIpv6InIp: return at_ip(w, payload);
    case kGre: return at_gre(w, payload);
    case kUdp: return at_udp(w, payload);
    case kEsp:
    case kIpComp: return Skip::encrypted;
    case kEtherIp: return payload.has(2) ? at_ethernet(w, payload.after(2)) : payload.missing(2);
    case kMplsInIp: return at_mpls(w, payload);
    case kL2tp:
      if (!payload.has(4)) return payload.missing(4);
      if (payload.u32(0) == 0) return Skip::not_tcp;  // control
      return at_l2tpv3_session(w, payload.after(4).inside(payload.u32(0)));
    default: return Skip::not_tcp;
  }
}

}  // namespace lastack
