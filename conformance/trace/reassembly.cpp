#include "conformance/trace/reassembly.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "conformance/judge/hash.h"

namespace lastack {

std::size_t Reassembler::Hash::operator()(const FragmentKey& key) const {
  std::uint64_t words[4];
  std::memcpy(words, key.addresses.data(), sizeof words);
  std::uint64_t h = key.context ^ (std::uint64_t{key.id} << 16) ^ (std::uint64_t{key.protocol} << 8) ^ key.version;
  for (const std::uint64_t word : words) h = mix(h ^ word, 0xa0761d6478bd642fU);
  return h;
}

void Reassembler::give_up(Packets::iterator packet) {
  lost_ += packet->pieces;
  octets_ -= packet->octets;
  index_.erase(packet->key);
  packets_.erase(packet);
}

void Reassembler::make_room(Instant now) {
  while (!packets_.empty()) {
    const bool old = now - packets_.front().begun > kPatience;
    if (!old && packets_.size() < kMostPackets && octets_ < kMostOctets) return;
    give_up(packets_.begin());
  }
}

Reassembler::Packets::iterator Reassembler::open(const Fragment& piece) {
  const auto known = index_.find(piece.key);
  if (known != index_.end()) {
    if (piece.time - known->second->begun <= kPatience) return known->second;
    give_up(known->second);
  }
  make_room(piece.time);
  packets_.emplace_back();
  const auto packet = std::prev(packets_.end());
  packet->key = piece.key;
  packet->begun = piece.time;
  index_.emplace(piece.key, packet);
  return packet;
}

void Reassembler::store(Packet& packet, const Fragment& piece) {
  const std::uint32_t end = piece.offset + piece.wire_size;
  const bool too_large = end > kMostSize || packet.parts.size() >= kMostPieces;
  // Pieces end on multiples of eight, and one only says where the packet ends.
  const bool odd = piece.more && (piece.wire_size % 8 != 0 || piece.wire_size == 0);
  const bool two_ends = !piece.more && packet.size && *packet.size != end;
  const bool beyond = packet.size && end > *packet.size;
  packet.broken = packet.broken || too_large || odd || two_ends || beyond;
  if (!piece.more && !packet.broken) {
    packet.size = end;
    packet.broken = !packet.parts.empty() && packet.parts.back().end > end;
  }
  if (packet.broken) {
    packet.parts.clear();
    packet.octets = 0;
    return;
  }
  auto at = std::find_if(packet.parts.begin(), packet.parts.end(),
                         [&](const Piece& p) { return p.end > piece.offset || p.begin >= piece.offset; });
  const bool overlaps = at != packet.parts.end() && at->begin < end;
  if (overlaps) {
    // The same piece once more is a copy; anything else can be read in two ways.
    const bool same = at->begin == piece.offset && at->end == end &&
                      std::equal(at->bytes.begin(), at->bytes.end(), piece.bytes.begin(), piece.bytes.end());
    packet.broken = packet.broken || !same;
    return;
  }
  packet.parts.insert(at, {piece.offset, end, {piece.bytes.begin(), piece.bytes.end()}});
  packet.octets += sizeof(Piece) + piece.bytes.size();
}

bool Reassembler::is_whole(const Packet& packet) {
  if (packet.broken || !packet.size || packet.parts.empty()) return false;
  std::uint32_t until = 0;
  for (const Piece& p : packet.parts) {
    if (p.begin != until) return false;
    until = p.end;
  }
  return until == *packet.size;
}

Reassembled Reassembler::join(Packet& packet) {
  Reassembled whole;
  whole.wire_size = *packet.size;
  for (const Piece& p : packet.parts) {
    whole.bytes.insert(whole.bytes.end(), p.bytes.begin(), p.bytes.end());
    if (p.bytes.size() < p.end - p.begin) break;  // cut: what follows has no place
  }
  return whole;
}

std::optional<Reassembled> Reassembler::add(const Fragment& piece) {
  const auto packet = open(piece);
  ++packet->pieces;
  octets_ -= packet->octets;
  store(*packet, piece);
  octets_ += packet->octets;
  if (!is_whole(*packet)) return std::nullopt;
  Reassembled whole = join(*packet);
  joined_ += packet->pieces;
  octets_ -= packet->octets;
  index_.erase(packet->key);
  packets_.erase(packet);
  return whole;
}

void Reassembler::finish() {
  while (!packets_.empty()) give_up(packets_.begin());
}

}  // namespace lastack
