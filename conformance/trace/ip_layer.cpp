// IPv4 and IPv6 on the way to a TCP segment: extension headers, authentication headers, source routes, fragments, and
// on to tunnels. The judge gets packets whose header says all that a TCP needs: where more stood around it (a piece of
// a fragmented packet, a route whose last hop counts in the checksum), a plain packet is made that means the same.
#include <algorithm>

#include "conformance/trace/layers.h"
#include "stack/wire/checksum.h"
#include "stack/wire/ip.h"

namespace lastack {

namespace {

constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kAuthentication = 51, kDestination = 60,
                       kMobility = 135, kHostIdentity = 139, kShim6 = 140;

// What of a packet's header the judge needs; filled in on the way through the extension headers.
struct Header {
  IpAddress src;
  IpAddress dst;  // the last one, when there is a route
  std::uint8_t hop_limit = 0;
  std::uint8_t dscp_ecn = 0;
  std::uint16_t id = 0;
  bool dont_fragment = false;
  bool plain = true;  // the judge reads this header by itself
};

std::uint64_t hash_of(const IpAddress& address) {
  std::uint64_t words[2];
  std::memcpy(words, address.octets.data(), sizeof words);
  return mix(words[0] ^ 0xd6e8feb86659fd93U, words[1] ^ 0xa0761d6478bd642fU);
}

// The same for both directions.
std::uint64_t between(const Header& h) { return hash_of(h.src) ^ hash_of(h.dst); }

Skip found(Walk& w, const Layer& packet, std::uint8_t hop_limit) {
  w.found.packet = packet.bytes;
  w.found.wire_size = packet.wire;
  w.found.context = packet.context;
  w.found.point = seen_at_hop(w.found.point, packet.context, hop_limit);
  return Skip::none;
}

// A packet with a header of its own around `payload`.
Skip rewritten(Walk& w, const Header& h, const Layer& payload, std::uint8_t protocol) {
  const std::size_t header = ip_header_size(h.src.version);
  std::vector<std::byte>& made = w.scratch.emplace_back(header + payload.bytes.size());
  IpHeader fields;
  fields.src = h.src;
  fields.dst = h.dst;
  fields.protocol = protocol;
  fields.hop_limit = h.hop_limit;
  fields.dscp_ecn = h.dscp_ecn;
  fields.id = h.id;
  fields.dont_fragment = h.dont_fragment;
  const bool fits = payload.wire + header <= 0xffff;  // else the length is 0: all that is there
  write_ip_header(made.data(), fields, fits ? payload.wire : 0);
  if (!fits && h.src.version == IpVersion::v4) store_be16(made.data() + 2, 0);
  std::copy(payload.bytes.begin(), payload.bytes.end(), made.begin() + static_cast<std::ptrdiff_t>(header));
  return found(w, {made, header + payload.wire, payload.context}, h.hop_limit);
}

Skip at_transport(Walk& w, const Header& h, const Layer& packet, const Layer& payload, std::uint8_t protocol) {
  if (protocol == kProtocolTcp) {
    return h.plain ? found(w, packet, h.hop_limit) : rewritten(w, h, payload, protocol);
  }
  if (!is_tunnel(protocol)) return Skip::not_tcp;
  return at_protocol(w, payload.inside(between(h)), protocol);
}

// RFC 4302: next header, length in words less two.
Skip skip_authentication(Layer& rest, std::uint8_t& protocol) {
  if (!rest.has(12)) return rest.missing(12);
  const std::size_t size = (rest.u8(1) + 2U) * 4U;
  if (!rest.has(size)) return rest.missing(size);
  protocol = rest.u8(0);
  rest = rest.after(size);
  return Skip::none;
}

Skip add_fragment(Walk& w, Header& h, const Layer& payload, Fragment& piece, Layer& whole) {
  piece.key.context = payload.context;
  piece.key.version = static_cast<std::uint8_t>(h.src.version);
  std::copy(h.src.octets.begin(), h.src.octets.end(), piece.key.addresses.begin());
  std::copy(h.dst.octets.begin(), h.dst.octets.end(), piece.key.addresses.begin() + 16);
  piece.time = w.time;
  piece.bytes = payload.bytes;
  piece.wire_size = static_cast<std::uint32_t>(std::min<std::size_t>(payload.wire, Reassembler::kMostSize + 1));
  auto joined = w.reassembler.add(piece);
  if (!joined) return Skip::fragment;
  whole = {w.scratch.emplace_back(std::move(joined->bytes)), joined->wire_size, payload.context};
  h.plain = false;
  h.dont_fragment = false;
  return Skip::none;
}

// Loose and strict source routes (RFC 791 3.1): while hops are left, the destination is the last address of the list,
// and it counts in TCP's checksum (RFC 1122 4.1.3.5, RFC 9293 3.1).
void follow_source_route(const Layer& options, Header& h) {
  for (std::size_t at = 0; options.has(at + 2);) {
    const std::uint8_t kind = options.u8(at);
    if (kind == 0) return;
    if (kind == 1) {
      ++at;
      continue;
    }
    const std::size_t size = options.u8(at + 1);
    if (size < 2 || !options.has(at + size)) return;
    const bool route = (kind == 131 || kind == 137) && size >= 7 && (size - 3) % 4 == 0;
    if (route && options.u8(at + 2) < size) {
      h.dst = IpAddress::from_bytes(IpVersion::v4, options.bytes.data() + at + size - 4);
      h.plain = false;
    }
    at += size;
  }
}

Skip at_v4(Walk& w, const Layer& frame) {
  if (!frame.has(kIpv4HeaderSize)) return frame.missing(kIpv4HeaderSize);
  const std::size_t size = (frame.u8(0) & 0x0fU) * 4U;
  const std::size_t total = frame.u16(2);
  if (size < kIpv4HeaderSize || (total != 0 && total < size)) return Skip::malformed;
  if (!frame.has(size)) return frame.missing(size);
  if (w.guessed && (total > frame.wire || total == 0 || internet_checksum(frame.bytes.first(size)) != 0)) {
    return Skip::malformed;
  }
  const std::uint16_t fragment = frame.u16(6);
  std::uint8_t protocol = frame.u8(9);
  const bool whole_packet = (fragment & 0x3fffU) == 0;
  if (protocol == kProtocolTcp && whole_packet && size == kIpv4HeaderSize) return found(w, frame, frame.u8(8));
  Header h;
  h.src = IpAddress::from_bytes(IpVersion::v4, frame.bytes.data() + 12);
  h.dst = IpAddress::from_bytes(IpVersion::v4, frame.bytes.data() + 16);
  h.dscp_ecn = frame.u8(1);
  h.id = frame.u16(4);
  h.dont_fragment = (fragment & 0x4000U) != 0;
  h.hop_limit = frame.u8(8);
  if (size > kIpv4HeaderSize) follow_source_route(frame.first(size).after(kIpv4HeaderSize), h);
  Layer rest = frame.first(total == 0 ? frame.wire : total).after(size);
  if (!whole_packet) {
    if (total > frame.wire) return Skip::malformed;
    Fragment piece;
    piece.key.id = h.id;
    piece.key.protocol = protocol;
    piece.offset = (fragment & 0x1fffU) * 8U;
    piece.more = (fragment & 0x2000U) != 0;
    if (const Skip skip = add_fragment(w, h, Layer(rest), piece, rest); skip != Skip::none) return skip;
  }
  if (protocol == kAuthentication) {
    if (const Skip skip = skip_authentication(rest, protocol); skip != Skip::none) return skip;
    h.plain = false;
  }
  return at_transport(w, h, frame, rest, protocol);
}

// The last hop of a routing header with hops left: types 0 (RFC 2460), 2 (RFC 6275), 4 (RFC 8754, in which the list is
// backwards). RFC 8200 8.1: it is the destination in the checksum.
void follow_routing_header(const Layer& header, Header& h) {
  const std::uint8_t type = header.u8(2);
  const std::uint8_t left = header.u8(3);
  const std::size_t addresses = (header.bytes.size() - 8) / 16;
  if (left == 0 || addresses == 0 || (type != 0 && type != 2 && type != 4)) return;
  const std::size_t last = type == 0 ? addresses - 1 : 0;
  h.dst = IpAddress::from_bytes(IpVersion::v6, header.bytes.data() + 8 + last * 16);
  h.plain = false;
}

bool is_extension(std::uint8_t next) {
  return next == kHopByHop || next == kRouting || next == kFragment || next == kAuthentication ||
         next == kDestination || next == kMobility || next == kHostIdentity || next == kShim6;
}

// One extension header; `next` becomes the one after it.
Skip at_extension(Walk& w, Header& h, Layer& rest, std::uint8_t& next) {
  if (next == kAuthentication) return skip_authentication(rest, next);
  if (!rest.has(8)) return rest.missing(8);
  if (next == kFragment) {
    const std::uint16_t field = rest.u16(2);
    next = rest.u8(0);
    const std::uint32_t id = rest.u32(4);
    rest = rest.after(8);
    if ((field & 0xfff9U) == 0) return Skip::none;  // whole (RFC 6946)
    Fragment piece;
    piece.key.id = id;
    piece.key.protocol = next;
    piece.offset = field & 0xfff8U;
    piece.more = (field & 1U) != 0;
    return add_fragment(w, h, Layer(rest), piece, rest);
  }
  const std::size_t size = (rest.u8(1) + 1U) * 8U;
  if (!rest.has(size)) return rest.missing(size);
  if (next == kRouting) follow_routing_header(rest.first(size), h);
  if (next == kMobility || next == kHostIdentity || next == kShim6) h.plain = false;
  next = rest.u8(0);
  rest = rest.after(size);
  return Skip::none;
}

Skip at_v6(Walk& w, const Layer& frame) {
  if (!frame.has(kIpv6HeaderSize)) return frame.missing(kIpv6HeaderSize);
  const std::size_t length = frame.u16(4);
  std::uint8_t next = frame.u8(6);
  if (w.guessed && (length + kIpv6HeaderSize > frame.wire || length == 0)) return Skip::malformed;
  if (next == kProtocolTcp) return found(w, frame, frame.u8(7));
  Header h;
  h.src = IpAddress::from_bytes(IpVersion::v6, frame.bytes.data() + 8);
  h.dst = IpAddress::from_bytes(IpVersion::v6, frame.bytes.data() + 24);
  h.dscp_ecn = static_cast<std::uint8_t>((frame.u16(0) >> 4) & 0xffU);
  h.hop_limit = frame.u8(7);
  // Length 0: a jumbogram (RFC 2675), or a segment that the card was to cut: all that is there.
  Layer rest = frame.first(length == 0 ? frame.wire : length + kIpv6HeaderSize).after(kIpv6HeaderSize);
  for (int headers = 0; is_extension(next); ++headers) {
    constexpr int kMost = 16;
    if (headers == kMost) return Skip::too_deep;
    if (const Skip skip = at_extension(w, h, rest, next); skip != Skip::none) return skip;
  }
  return at_transport(w, h, frame, rest, next);
}

}  // namespace

Skip at_ip(Walk& w, const Layer& packet) {
  if (!packet.has(1)) return packet.missing(1);
  if (!w.deeper()) return Skip::too_deep;
  switch (packet.u8(0) >> 4) {
    case 4: return at_v4(w, packet);
    case 6: return at_v6(w, packet);
    default: return Skip::not_ip;
  }
}

}  // namespace lastack
