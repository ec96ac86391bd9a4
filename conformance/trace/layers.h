// Taking headers off a frame until the IP packet with the TCP segment is found. Each function stands at the header that
// it is named for, checks it, and goes on with what it carries; the last one fills in `Walk::found`. Which function
// stands where: link_layer.cpp (by LINKTYPE), ethernet.cpp (EtherType, LLC, PPP, MPLS), wifi.cpp (802.11), ip_layer.cpp
// (IPv4, IPv6, fragments), tunnels.cpp (GRE, UDP and the rest).
#pragma once

#include <cstdint>
#include <vector>

#include "conformance/judge/hash.h"
#include "conformance/trace/decapsulate.h"
#include "conformance/trace/reassembly.h"
#include "conformance/trace/skip.h"
#include "stack/base/bytes.h"
#include "stack/base/time.h"

namespace lastack {

// The frame from one header on: what was captured of it, and what there was.
struct Layer {
  Bytes bytes;
  std::size_t wire = 0;
  std::uint64_t context = 0;  // of the tunnels and VLANs around it

  bool has(std::size_t size) const { return size <= bytes.size(); }
  // Why `size` octets are not there.
  Skip missing(std::size_t size) const { return size <= wire ? Skip::cut : Skip::malformed; }
  // Behind a header that is there.
  Layer after(std::size_t size) const { return {bytes.subspan(size), wire - size, context}; }
  // Inside something that says how long it is.
  Layer first(std::size_t size) const {
    return {bytes.first(size < bytes.size() ? size : bytes.size()), size < wire ? size : wire, context};
  }
  Layer inside(std::uint64_t what) const { return {bytes, wire, mix(context ^ what, 0x9e3779b97f4a7c15U)}; }
  std::uint8_t u8(std::size_t at) const { return load_u8(bytes.data() + at); }
  std::uint16_t u16(std::size_t at) const { return load_be16(bytes.data() + at); }
  std::uint32_t u32(std::size_t at) const { return load_be32(bytes.data() + at); }
};

struct Walk {
  Reassembler& reassembler;
  Scratch& scratch;
  Instant time{};
  unsigned depth = 0;
  bool guessed = false;  // a UDP port says that this is a tunnel: the inner packet has to prove it
  Decapsulated found;

  // A header more; false when there are too many.
  bool deeper() {
    constexpr unsigned kMost = 32;
    return ++depth <= kMost;
  }
};

// Where a packet was seen: by the link addresses of its frame, then by hop limit and context.
inline std::uint64_t seen_on_link(std::uint64_t point, const std::byte* two_addresses) {
  std::uint64_t words[2] = {0, 0};
  std::memcpy(words, two_addresses, 12);
  return mix(point ^ words[0] ^ 0xa0761d6478bd642fU, words[1] ^ 0xd6e8feb86659fd93U);
}
inline std::uint64_t seen_at_hop(std::uint64_t point, std::uint64_t context, std::uint8_t hop_limit) {
  return mix(point ^ context, 0xd6e8feb86659fd93U ^ hop_limit);
}

// A link type (LINKTYPE_ value, www.tcpdump.org/linktypes.html).
Skip at_link(Walk& w, const Layer& frame, std::uint32_t link_type);
Skip at_ethernet(Walk& w, const Layer& frame);
// Behind the EtherType field that said `type`.
Skip at_ethertype(Walk& w, Layer rest, std::uint16_t type);
Skip at_llc(Walk& w, const Layer& rest);
Skip at_ppp(Walk& w, Layer rest);
Skip at_mpls(Walk& w, Layer rest);
Skip at_80211(Walk& w, const Layer& frame);
Skip at_radiotap(Walk& w, const Layer& frame);
Skip at_ip(Walk& w, const Layer& packet);
// The payload of an IP packet with another protocol than TCP.
Skip at_protocol(Walk& w, const Layer& payload, std::uint8_t protocol);

// Protocol numbers that carry packets again.
bool is_tunnel(std::uint8_t protocol);

}  // namespace lastack
