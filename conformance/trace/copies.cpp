#include "conformance/trace/copies.h"

#include <algorithm>
#include <utility>

#include "conformance/judge/hash.h"
#include "stack/wire/ip.h"
#include "stack/wire/segment.h"

namespace lastack {

namespace {

struct Signature {
  std::uint64_t hash = 0;
  bool numbered = false;  // an IPv4 identification is part of it
  bool text = false;      // the segment has some: acknowledgements without it are alike
};

std::uint64_t hash_words(std::uint64_t h, Bytes bytes) {
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    h = mix(h ^ word, 0xa0761d6478bd642fU);
    bytes = bytes.subspan(8);
  }
  // Headers are whole words of four octets; the size tells a short rest from one with zeros.
  std::uint64_t rest = bytes.size();
  for (; bytes.size() >= 2; bytes = bytes.subspan(2)) rest = (rest << 16) ^ load_be16(bytes.data());
  if (!bytes.empty()) rest = (rest << 8) ^ load_u8(bytes.data());
  return mix(h ^ rest, 0xd6e8feb86659fd93U);
}

// The TCP header without its checksum: a card may have finished it between two taps.
std::uint64_t hash_tcp(std::uint64_t h, Bytes tcp) {
  if (tcp.size() < 20) return hash_words(h, tcp);
  const std::size_t header = std::clamp<std::size_t>((load_u8(tcp.data() + 12) >> 4) * 4U, 20, tcp.size());
  h = hash_words(h, tcp.first(16));
  return hash_words(h, tcp.subspan(18, header - 18));
}

std::uint64_t load_word(const std::byte* p) {
  std::uint64_t word = 0;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// The same fields where they stand at fixed places: IPv4 without options, TCP without options or with a timestamp.
Signature signature_of_plain(const std::byte* p, bool stamped) {
  const std::byte* const tcp = p + kIpv4HeaderSize;
  std::uint64_t h = mix(load_word(p + 12) ^ 0xa0761d6478bd642fU, load_be32(p + 2) ^ 0xe7037ed1a0b428dbU);
  h = mix(load_word(tcp) ^ h, load_word(tcp + 8) ^ 0x8ebc6af09c88c6e3U);
  const std::uint64_t rest = stamped ? load_word(tcp + 24) : 0x589965cc75374cc3U;
  const std::uint64_t middle = stamped ? load_word(tcp + 18) : load_be16(tcp + 18);
  return {mix(rest ^ h, middle ^ 0xd6e8feb86659fd93U), load_be16(p + 4) != 0, load_be16(p + 2) > (stamped ? 72 : 40)};
}

// What no router changes: hop limit, ECN mark and IP checksum are left out.
Signature signature_of(Bytes packet) {
  const std::byte* p = packet.data();
  if (packet.size() >= kIpv4HeaderSize + 20 && load_u8(p) == 0x45) {
    const unsigned header = load_u8(p + kIpv4HeaderSize + 12) >> 4;
    if (header == 5) return signature_of_plain(p, false);
    if (header == 8 && packet.size() >= kIpv4HeaderSize + 32) return signature_of_plain(p, true);
  }
  const bool v4 = (load_u8(p) >> 4) == 4;
  if (v4 && packet.size() >= kIpv4HeaderSize) {
    const std::size_t header = std::min<std::size_t>((load_u8(p) & 0x0fU) * 4U, packet.size());
    const std::uint64_t h =
        hash_words(load_be32(p + 2), packet.subspan(12, 8));  // length and identification; addresses
    return {hash_tcp(h, packet.subspan(header)), load_be16(p + 4) != 0, false};
  }
  if (!v4 && packet.size() >= kIpv6HeaderSize) {
    const bool text = packet.size() >= kIpv6HeaderSize + 20 && load_u8(p + 6) == 6 &&
                      load_be16(p + 4) > (load_u8(p + kIpv6HeaderSize + 12) >> 4) * 4;
    return {hash_tcp(hash_words(load_be16(p + 4), packet.subspan(8, 32)), packet.subspan(kIpv6HeaderSize)), false,
            text};
  }
  return {hash_words(0, packet), false, false};
}

bool has_syn(Bytes packet) {
  const bool v4 = (load_u8(packet.data()) >> 4) == 4;
  const std::size_t flags = (v4 ? (load_u8(packet.data()) & 0x0fU) * 4U : kIpv6HeaderSize) + 13;
  return packet.size() > flags && (load_u8(packet.data() + flags) & Flags::syn_bit) != 0;
}

std::uint16_t tag_of(std::uint64_t signature) { return static_cast<std::uint16_t>(signature >> 48); }

}  // namespace

void CopyFilter::grow() {
  const std::vector<Seen> few = std::exchange(seen_, std::vector<Seen>(kMany));
  tags_.assign(kMany, 0);
  for (const Seen& s : few) {
    const std::size_t at = s.signature & (kMany - 1);
    seen_[at] = s;
    tags_[at] = tag_of(s.signature);
  }
}

Sighting CopyFilter::see(const Decapsulated& packet, Instant now) {
  constexpr Duration kElsewhere = std::chrono::seconds(2);
  constexpr Duration kSamePlace = std::chrono::milliseconds(2);
  constexpr Duration kTooSoonToRepeat = std::chrono::milliseconds(20);
  constexpr Duration kTooSoonForSyn = std::chrono::milliseconds(500);  // the first time-out is 1 s (RFC 6298 2.1)
  const Signature s = signature_of(packet.packet);
  const std::size_t at = s.hash & (seen_.size() - 1);
  if (tags_[at] == tag_of(s.hash) && seen_[at].signature == s.hash) {
    const Seen& seen = seen_[at];
    const Duration apart = now > seen.time ? now - seen.time : seen.time - now;
    const bool elsewhere = seen.point != packet.point && apart <= kElsewhere;
    const bool twice = seen.point == packet.point && s.numbered && apart <= kSamePlace;
    if (elsewhere && seen_.size() == kFew) grow();
    if (elsewhere || twice) return Sighting::copy;
    const bool alike = s.numbered ? apart <= kElsewhere : s.text && apart <= kTooSoonToRepeat;
    if (alike || (apart <= kTooSoonForSyn && has_syn(packet.packet))) return Sighting::again;
  }
  seen_[at] = {s.hash, packet.point, now};
  tags_[at] = tag_of(s.hash);
  return Sighting::first;
}

}  // namespace lastack
