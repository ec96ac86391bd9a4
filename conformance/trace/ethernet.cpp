// Ethernet and what is put between it and IP: VLAN and other tags, LLC/SNAP, MPLS, PPP. VLANs, labels and session
// numbers go into the context: the same addresses in two of them need not be the same hosts.
#include "conformance/trace/layers.h"

namespace lastack {

namespace {

constexpr std::size_t kMac = 6;

std::uint64_t tag(unsigned kind, std::uint64_t number) { return (std::uint64_t{kind} << 48) ^ number; }

// 802.1AE: readable as long as it is neither encrypted nor changed.
Skip at_macsec(Walk& w, const Layer& rest) {
  if (!rest.has(6)) return rest.missing(6);
  const unsigned control = rest.u8(0);
  if ((control & 0x0cU) != 0) return Skip::encrypted;
  const std::size_t size = (control & 0x20U) != 0 ? 14 : 6;
  if (!rest.has(size + 2)) return rest.missing(size + 2);
  return at_ethertype(w, rest.after(size + 2), rest.u16(size));
}

// Network service header (RFC 8300).
Skip at_nsh(Walk& w, const Layer& rest) {
  if (!rest.has(8)) return rest.missing(8);
  const std::size_t size = (rest.u8(1) & 0x3fU) * 4U;
  const unsigned next = rest.u8(3);
  if (size < 8) return Skip::malformed;
  if (!rest.has(size)) return rest.missing(size);
  const Layer inner = rest.after(size).inside(tag(0x894f, rest.u32(4) >> 8));
  switch (next) {
    case 1:
    case 2: return at_ip(w, inner);
    case 3: return at_ethernet(w, inner);
    case 5: return at_mpls(w, inner);
    default: return Skip::not_ip;
  }
}

// A tag of `size` octets that ends with the next EtherType.
Skip behind_tag(Walk& w, const Layer& rest, std::size_t size) {
  if (!rest.has(size)) return rest.missing(size);
  return at_ethertype(w, rest.after(size), rest.u16(size - 2));
}

Skip at_vlan(Walk& w, const Layer& rest) {
  if (!rest.has(4)) return rest.missing(4);
  const unsigned vlan = rest.u16(0) & 0x0fffU;  // 0 is a priority, not a VLAN
  const Layer inner = rest.after(4);
  return at_ethertype(w, vlan == 0 ? inner : inner.inside(tag(0x8100, vlan)), rest.u16(2));
}

Skip at_pppoe(Walk& w, const Layer& rest) {
  if (!rest.has(6)) return rest.missing(6);
  if (rest.u8(1) != 0) return Skip::not_ip;  // code: discovery
  return at_ppp(w, rest.after(6).inside(tag(0x8864, rest.u16(2))));
}

Skip at_trill(Walk& w, const Layer& rest) {
  if (!rest.has(6)) return rest.missing(6);
  const std::size_t size = 6 + ((rest.u16(0) >> 6) & 0x1fU) * 4U;
  if (!rest.has(size)) return rest.missing(size);
  return at_ethernet(w, rest.after(size));
}

// 802.1ah: a service number, then the customer's frame.
Skip at_backbone(Walk& w, const Layer& rest) {
  if (!rest.has(4)) return rest.missing(4);
  return at_ethernet(w, rest.after(4).inside(tag(0x88e7, rest.u32(0) & 0xff'ffffU)));
}

}  // namespace

Skip at_ethernet(Walk& w, const Layer& frame) {
  if (!frame.has(14)) return frame.missing(14);
  w.found.point = seen_on_link(w.found.point, frame.bytes.data());
  const std::uint16_t type = frame.u16(2 * kMac);
  if (type == 0x0800) return at_ip(w, frame.after(14));  // nearly always
  return at_ethertype(w, frame.after(14), type);
}

Skip at_ethertype(Walk& w, Layer rest, std::uint16_t type) {
  if (!w.deeper()) return Skip::too_deep;
  switch (type) {
    case 0x0800:
    case 0x86dd: return at_ip(w, rest);
    case 0x8100:  // VLAN, QinQ and its older numbers
    case 0x88a8:
    case 0x9100:
    case 0x9200:
    case 0x9300: return at_vlan(w, rest);
    case 0x8847:
    case 0x8848: return at_mpls(w, rest);
    case 0x8864: return at_pppoe(w, rest);
    case 0x880b: return at_ppp(w, rest);
    case 0x8870: return at_llc(w, rest);  // LLC in a jumbo frame
    case 0x88e5: return at_macsec(w, rest);
    case 0x88e7: return at_backbone(w, rest);
    case 0x894f: return at_nsh(w, rest);
    case 0x22f3: return at_trill(w, rest);
    case 0x6558: return at_ethernet(w, rest);    // transparent Ethernet bridging
    case 0x8926: return behind_tag(w, rest, 6);  // VN-Tag
    case 0x8909: return behind_tag(w, rest, 8);  // Cisco metadata
    case 0x892f: return behind_tag(w, rest, 6);  // HSR
    default: break;
  }
  return type <= 1500 ? at_llc(w, rest.first(type == 0 ? rest.wire : type)) : Skip::not_ip;
}

Skip at_llc(Walk& w, const Layer& rest) {
  if (!rest.has(3)) return rest.missing(3);
  if (rest.u16(0) == 0x0606) return at_ip(w, rest.after(3));  // IP without SNAP
  if (rest.u16(0) != 0xaaaa || rest.u8(2) != 3) return Skip::not_ip;
  if (!rest.has(8)) return rest.missing(8);
  const std::uint32_t organization = rest.u32(2) & 0xff'ffffU;
  if (organization != 0 && organization != 0x0000f8) return Skip::not_ip;
  return at_ethertype(w, rest.after(8), rest.u16(6));
}

Skip at_ppp(Walk& w, Layer rest) {
  if (!rest.has(2)) return rest.missing(2);
  if (rest.u16(0) == 0xff03) rest = rest.after(2);  // address and control
  if (!rest.has(2)) return rest.missing(2);
  const std::size_t size = (rest.u8(0) & 1U) != 0 ? 1 : 2;  // the protocol field may be compressed
  const unsigned protocol = size == 1 ? rest.u8(0) : rest.u16(0);
  switch (protocol) {
    case 0x0021:
    case 0x0057: return at_ip(w, rest.after(size));
    case 0x0281:
    case 0x0283: return at_mpls(w, rest.after(size));
    case 0x0053:
    case 0x00fd: return Skip::encrypted;  // encrypted, or compressed
    default: return Skip::not_ip;
  }
}

Skip at_mpls(Walk& w, Layer rest) {
  std::uint64_t labels = 0;
  while (true) {
    if (!w.deeper()) return Skip::too_deep;
    if (!rest.has(4)) return rest.missing(4);
    const std::uint32_t entry = rest.u32(0);
    labels = mix(labels ^ (entry >> 12), 0x9e3779b97f4a7c15U);
    rest = rest.after(4);
    if ((entry & 0x100U) != 0) break;
  }
  if (!rest.has(1)) return rest.missing(1);
  rest = rest.inside(labels);
  const unsigned first = rest.u8(0) >> 4;
  if (first == 4 || first == 6) return at_ip(w, rest);
  // A pseudowire: a control word of four octets that begins with 0 (RFC 4385), then Ethernet.
  return first == 0 && rest.has(4) ? at_ethernet(w, rest.after(4)) : Skip::not_ip;
}

}  // namespace lastack
