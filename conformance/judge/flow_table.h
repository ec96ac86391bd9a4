// From address pair and ports to a connection's slot: open addressing with linear probing, one flat array, no
// allocation per packet. Holds numbers only; who they belong to is the judge's business.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "conformance/judge/hash.h"
#include "stack/wire/ip_address.h"

namespace lastack {

// The tuple without direction: the smaller of the two sockets first.
struct FlowKey {
  std::array<std::byte, 36> octets{};  // address, address, port, port; IPv4 addresses are padded with zeros
  IpVersion version = IpVersion::v4;
  friend bool operator==(const FlowKey& a, const FlowKey& b) {  // the default one goes octet by octet
    return std::memcmp(a.octets.data(), b.octets.data(), sizeof a.octets) == 0 && a.version == b.version;
  }
  std::uint64_t hash() const {
    std::uint64_t words[4];
    std::uint32_t ports = 0;
    std::memcpy(words, octets.data(), sizeof words);
    std::memcpy(&ports, octets.data() + 32, sizeof ports);
    std::uint64_t h = ports ^ 0x9e3779b97f4a7c15U;
    for (const std::uint64_t w : words) h = mix(h ^ w ^ 0xd6e8feb86659fd93U, 0xa0761d6478bd642fU);
    return h;
  }
};

class FlowTable {
 public:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  // `is_it(slot)` compares the whole key of a slot that was inserted.
  template <typename IsIt>
  std::uint32_t find(std::uint64_t hash, IsIt&& is_it) const {
    if (cells_.empty()) return kNone;
    for (std::size_t at = hash & mask();; at = (at + 1) & mask()) {
      const Cell& cell = cells_[at];
      if (cell.slot == kNone) return kNone;
      if (cell.tag == tag(hash) && is_it(cell.slot)) return cell.slot;
    }
  }

  void insert(std::uint64_t hash, std::uint32_t slot) {
    if ((size_ + 1) * 2 > cells_.size()) grow();
    place({tag(hash), slot, hash});
    ++size_;
  }

  void erase(std::uint64_t hash, std::uint32_t slot) {
    if (cells_.empty()) return;
    std::size_t at = hash & mask();
    while (cells_[at].slot != slot) {
      if (cells_[at].slot == kNone) return;
      at = (at + 1) & mask();
    }
    --size_;
    close_gap(at);
  }

  std::size_t size() const { return size_; }
  std::size_t memory() const { return cells_.capacity() * sizeof(Cell); }

 private:
  struct Cell {
    std::uint32_t tag = 0;
    std::uint32_t slot = kNone;
    std::uint64_t hash = 0;
  };
  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  std::size_t mask() const { return cells_.size() - 1; }

  std::size_t distance(std::size_t from, std::size_t to) const {
    return to >= from ? to - from : to + cells_.size() - from;
  }
  void place(const Cell& cell) {
    std::size_t at = cell.hash & mask();
    while (cells_[at].slot != kNone) at = (at + 1) & mask();
    cells_[at] = cell;
  }
  void grow() {
    std::vector<Cell> old(cells_.empty() ? 1024 : cells_.size() * 2);
    old.swap(cells_);
    for (const Cell& cell : old) {
      if (cell.slot != kNone) place(cell);
    }
  }
  // Moves later members of the probe sequence into the gap, so that no tombstones are needed.
  void close_gap(std::size_t gap) {
    std::size_t at = (gap + 1) & mask();
    while (cells_[at].slot != kNone) {
      const std::size_t home = cells_[at].hash & mask();
      const bool may_move = distance(home, at) >= distance(gap, at);
      if (may_move) {
        cells_[gap] = cells_[at];
        gap = at;
      }
      at = (at + 1) & mask();
    }
    cells_[gap].slot = kNone;
  }

  std::vector<Cell> cells_;
  std::size_t size_ = 0;
};

}  // namespace lastack
