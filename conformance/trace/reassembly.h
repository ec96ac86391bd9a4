// Puts the fragments of IP packets together (RFC 791 3.2, RFC 8200 4.5), in bounded memory: so many packets at a time,
// so many octets, and none for longer than the protocol allows. Pieces that contradict each other make the whole packet
// worthless (RFC 5722); it is counted and not judged.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>
#include <vector>

#include "stack/base/bytes.h"
#include "stack/base/time.h"

namespace lastack {

struct FragmentKey {
  std::array<std::byte, 32> addresses{};  // source, destination
  std::uint64_t context = 0;
  std::uint32_t id = 0;
  std::uint8_t protocol = 0;
  std::uint8_t version = 4;
  friend bool operator==(const FragmentKey&, const FragmentKey&) = default;
};

// One piece, after its headers. The last piece has `more` unset; sizes are those of the wire.
struct Fragment {
  FragmentKey key;
  Instant time{};
  std::uint32_t offset = 0;
  std::uint32_t wire_size = 0;
  bool more = false;
  Bytes bytes;  // as far as it was captured
};

// The payload of a whole packet. When the capture cut one of its pieces, `bytes` ends there.
struct Reassembled {
  std::vector<std::byte> bytes;
  std::uint32_t wire_size = 0;
};

class Reassembler {
 public:
  // The packet that this piece completes, if it does.
  std::optional<Reassembled> add(const Fragment& piece);
  // Nothing more will come: what is unfinished counts as lost.
  void finish();

  std::uint64_t joined() const { return joined_; }  // pieces that became part of a whole packet
  std::uint64_t lost() const { return lost_; }      // pieces of packets that never became whole
  std::size_t memory() const { return octets_; }

  static constexpr std::size_t kMostPackets = 512;
  static constexpr std::size_t kMostPieces = 128;  // of one packet
  static constexpr std::size_t kMostOctets = std::size_t{8} << 20;
  static constexpr std::uint32_t kMostSize = 65535;
  static constexpr Duration kPatience = std::chrono::seconds(60);  // RFC 8200 4.5

 private:
  struct Piece {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::vector<std::byte> bytes;
  };
  struct Packet {
    FragmentKey key;
    Instant begun{};
    std::uint32_t pieces = 0;  // that were seen, repeated ones too
    std::optional<std::uint32_t> size;
    bool broken = false;
    std::vector<Piece> parts;  // sorted, apart
    std::size_t octets = 0;
  };
  struct Hash {
    std::size_t operator()(const FragmentKey& key) const;
  };
  using Packets = std::list<Packet>;

  Packets::iterator open(const Fragment& piece);
  void give_up(Packets::iterator packet);
  void make_room(Instant now);
  static void store(Packet& packet, const Fragment& piece);
  static bool is_whole(const Packet& packet);
  static Reassembled join(Packet& packet);

  Packets packets_;  // oldest first
  std::unordered_map<FragmentKey, Packets::iterator, Hash> index_;
  std::size_t octets_ = 0;
  std::uint64_t joined_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace lastack
