// Where a frame begins, by its LINKTYPE_ number (www.tcpdump.org/linktypes.html).
#include "conformance/trace/layers.h"

namespace lastack {

namespace {

enum LinkType : std::uint32_t {
  kNull = 0,
  kEthernet = 1,
  kTokenRing = 6,
  kSlip = 8,
  kPpp = 9,
  kFddi = 10,
  kRawBsd12 = 12,
  kRawBsd14 = 14,
  kPppHdlc = 50,
  kPppEther = 51,
  kAtmRfc1483 = 100,
  kRaw = 101,
  kCiscoHdlc = 104,
  k80211 = 105,
  kAtmClip = 106,
  kFrameRelay = 107,
  kLoop = 108,
  kEnc = 109,
  kLinuxSll = 113,
  kPflog = 117,
  kPrism = 119,
  kIpOverFc = 122,
  k80211Radio = 127,
  kApple1394 = 138,
  k80211Avs = 163,
  kPppPppd = 166,
  kPppWithDirection = 204,
  kCiscoHdlcWithDirection = 205,
  kFrameRelayWithDirection = 206,
  kMpls = 219,
  kIpnet = 226,
  kIpv4 = 228,
  kIpv6 = 229,
  kNflog = 239,
  kNetAnalyzer = 240,
  kNetAnalyzerTransparent = 241,
  kPktap = 258,
  kEthernetMpacket = 274,
  kLinuxSll2 = 276,
};

std::uint16_t le16(const Layer& f, std::size_t at) { return __builtin_bswap16(f.u16(at)); }
std::uint32_t le32(const Layer& f, std::size_t at) { return __builtin_bswap32(f.u32(at)); }

// Four octets of address family, in the byte order of the capturing machine (NULL, ENC) or of the network (LOOP): the
// IP version in the packet says enough; other families do not look like IP there.
bool is_inet(std::uint32_t big) {
  const std::uint32_t family = big > 0xffffU ? __builtin_bswap32(big) : big;
  return family == 2 || family == 10 || family == 24 || family == 26 || family == 28 || family == 30;
}

Skip behind(Walk& w, const Layer& f, std::size_t size, Skip (*next)(Walk&, const Layer&)) {
  return f.has(size) ? next(w, f.after(size)) : f.missing(size);
}

Skip ppp(Walk& w, const Layer& f) { return at_ppp(w, f); }
Skip mpls(Walk& w, const Layer& f) { return at_mpls(w, f); }

Skip at_null(Walk& w, const Layer& f) {
  if (!f.has(4)) return f.missing(4);
  return is_inet(f.u32(0)) ? at_ip(w, f.after(4)) : Skip::not_ip;
}

// Packet type, hardware type, address; then a protocol field. Below 0x0600 it is a Linux number: 4 is LLC.
Skip at_cooked(Walk& w, const Layer& f, std::size_t size, std::uint16_t protocol, std::uint16_t hardware) {
  constexpr std::uint16_t kHardwareGre = 778, kRadiotap = 803, k80211Plain = 801;
  if (hardware == kRadiotap) return behind(w, f, size, at_radiotap);
  if (hardware == k80211Plain) return behind(w, f, size, at_80211);
  if (protocol == 4) return behind(w, f, size, at_llc);
  if (hardware == kHardwareGre && protocol < 0x0600) return Skip::not_ip;
  return at_ethertype(w, f.after(size), protocol < 0x0600 ? std::uint16_t{0xffff} : protocol);
}

std::uint64_t seen_at(const Layer& f, std::size_t from, std::size_t size) {
  std::uint64_t words[3] = {0, 0, 0};
  std::memcpy(words, f.bytes.data() + from, size);
  return mix(words[0] ^ 0xa0761d6478bd642fU, mix(words[1] ^ 0xd6e8feb86659fd93U, words[2] ^ 0x9e3779b97f4a7c15U));
}

Skip at_sll(Walk& w, const Layer& f) {
  if (!f.has(16)) return f.missing(16);
  w.found.point ^= seen_at(f, 0, 14);
  return at_cooked(w, f, 16, f.u16(14), f.u16(2));
}

Skip at_sll2(Walk& w, const Layer& f) {
  if (!f.has(20)) return f.missing(20);
  w.found.point ^= seen_at(f, 2, 18);  // the interface too
  return at_cooked(w, f, 20, f.u16(0), f.u16(8));
}

Skip at_frame_relay(Walk& w, const Layer& f) {
  if (!f.has(4)) return f.missing(4);
  std::size_t at = 2;  // Q.922 address, 2 to 4 octets: the last has its lowest bit set
  while (at < 4 && (f.u8(at - 1) & 1U) == 0) ++at;
  if (!f.has(at + 2)) return f.missing(at + 2);
  const std::size_t padding = f.u8(at + 1) == 0 ? 1 : 0;
  if (f.u8(at) != 3) return f.u16(at) == 0x0800 ? at_ip(w, f.after(at + 2)) : Skip::not_ip;
  if (!f.has(at + 2 + padding)) return f.missing(at + 2 + padding);
  switch (f.u8(at + 1 + padding)) {  // network layer protocol identifier
    case 0xcc:
    case 0x8e: return at_ip(w, f.after(at + 2 + padding));
    case 0x80: {
      const Layer snap = f.after(at + 2 + padding);
      if (!snap.has(5)) return snap.missing(5);
      return at_ethertype(w, snap.after(5), snap.u16(3));
    }
    default: return Skip::not_ip;
  }
}

Skip at_cisco_hdlc(Walk& w, const Layer& f) {
  if (!f.has(4)) return f.missing(4);
  return at_ethertype(w, f.after(4), f.u16(2));
}

Skip at_pflog(Walk& w, const Layer& f) {
  if (!f.has(1)) return f.missing(1);
  const std::size_t size = (f.u8(0) + std::size_t{3}) & ~std::size_t{3};
  return size == 0 ? Skip::malformed : behind(w, f, size, at_ip);
}

// Netfilter log: attributes in the byte order of the host, which is tried out; number 9 is the packet.
Skip at_nflog(Walk& w, const Layer& f) {
  constexpr unsigned kPayload = 9;
  if (!f.has(8)) return f.missing(8);
  const bool little = le16(f, 4) < f.u16(4);  // the first attribute is short
  for (std::size_t at = 4; f.has(at + 4);) {
    const std::size_t size = little ? le16(f, at) : f.u16(at);
    const unsigned kind = little ? le16(f, at + 2) : f.u16(at + 2);
    if (size < 4) return Skip::malformed;
    if ((kind & 0x7fffU) == kPayload) return at_ip(w, f.after(at + 4).first(size - 4));
    at += (size + 3) & ~std::size_t{3};
  }
  return Skip::not_ip;
}

// Apple's: a header of its own length, then a frame of the link type that it names.
Skip at_pktap(Walk& w, const Layer& f) {
  if (!f.has(12)) return f.missing(12);
  const std::size_t size = le32(f, 0);
  const std::uint32_t link_type = le32(f, 8);
  if (size < 12 || size > 4096 || link_type == kPktap) return Skip::malformed;
  if (!f.has(size)) return f.missing(size);
  return at_link(w, f.after(size), link_type);
}

Skip at_prism(Walk& w, const Layer& f) {
  if (!f.has(8)) return f.missing(8);
  if (f.u32(0) == 0x80211001U || f.u32(0) == 0x80211002U) return behind(w, f, f.u32(4), at_80211);  // AVS
  return behind(w, f, 144, at_80211);
}

Skip at_token_ring(Walk& w, const Layer& f) {
  if (!f.has(16)) return f.missing(16);
  std::size_t size = 14;
  if ((f.u8(8) & 0x80U) != 0) size += f.u8(14) & 0x1fU;  // source routing
  return behind(w, f, size, at_llc);
}

Skip at_atm(Walk& w, const Layer& f) {
  if (!f.has(1)) return f.missing(1);
  return (f.u8(0) >> 4) == 4 ? at_ip(w, f) : at_llc(w, f);
}

Skip at_1394(Walk& w, const Layer& f) {
  if (!f.has(18)) return f.missing(18);
  return at_ethertype(w, f.after(18), f.u16(16));
}

}  // namespace

Skip at_link(Walk& w, const Layer& f, std::uint32_t link_type) {
  switch (link_type) {
    case kEthernet: return at_ethernet(w, f);
    case kNull:
    case kLoop: return at_null(w, f);
    case kRaw:
    case kRawBsd12:
    case kRawBsd14:
    case kAtmClip:
    case kIpv4:
    case kIpv6: return at_ip(w, f);
    case kLinuxSll: return at_sll(w, f);
    case kLinuxSll2: return at_sll2(w, f);
    case kPpp:
    case kPppHdlc: return at_ppp(w, f);
    case kPppEther: return behind(w, f, 6, ppp);
    case kPppPppd:
    case kPppWithDirection: return behind(w, f, 1, ppp);
    case kCiscoHdlc: return at_cisco_hdlc(w, f);
    case kCiscoHdlcWithDirection: return behind(w, f, 1, at_cisco_hdlc);
    case kFrameRelay: return at_frame_relay(w, f);
    case kFrameRelayWithDirection: return behind(w, f, 1, at_frame_relay);
    case kMpls: return mpls(w, f);
    case k80211: return at_80211(w, f);
    case k80211Radio: return at_radiotap(w, f);
    case kPrism:
    case k80211Avs: return at_prism(w, f);
    case kSlip: return behind(w, f, 16, at_ip);
    case kEnc:
      if (!f.has(12)) return f.missing(12);
      return is_inet(f.u32(0)) ? at_ip(w, f.after(12)) : Skip::not_ip;
    case kPflog: return at_pflog(w, f);
    case kIpnet: return behind(w, f, 24, at_ip);
    case kNflog: return at_nflog(w, f);
    case kPktap: return at_pktap(w, f);
    case kNetAnalyzer: return behind(w, f, 4, at_ethernet);
    case kNetAnalyzerTransparent: return behind(w, f, 12, at_ethernet);
    case kEthernetMpacket: return behind(w, f, 8, at_ethernet);
    case kTokenRing: return at_token_ring(w, f);
    case kFddi: return behind(w, f, 13, at_llc);
    case kIpOverFc: return behind(w, f, 16, at_llc);
    case kAtmRfc1483: return at_atm(w, f);
    case kApple1394: return at_1394(w, f);
    default: return Skip::unknown_link;
  }
}

// What at_link() has a case for: it says so itself, of an empty frame.
bool link_type_is_known(std::uint32_t link_type) {
  Reassembler reassembler;
  Scratch scratch;
  Walk w{.reassembler = reassembler, .scratch = scratch, .found = {}};
  return at_link(w, {}, link_type) != Skip::unknown_link;
}

}  // namespace lastack
