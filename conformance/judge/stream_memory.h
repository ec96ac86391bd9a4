// The octets that one end sent last, to compare what is sent again with them, whole segments and parts alike. A ring of
// the newest octets: small at first, larger when more is in flight, and bounded over all connections by a budget.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "conformance/judge/coverage.h"
#include "stack/base/bytes.h"

namespace lastack {

// What all of them together may hold.
struct StreamBudget {
  static constexpr std::size_t kWhole = std::size_t{24} << 20;
  std::size_t left = kWhole;
};

class StreamMemory {
 public:
  struct Difference {
    Position at = 0;  // the first octet that differs
    unsigned before = 0;
    unsigned now = 0;
    std::uint64_t packet = 0;  // which sent it first
  };

  StreamMemory() = default;
  ~StreamMemory() { forget(); }
  StreamMemory(const StreamMemory&) = delete;
  StreamMemory& operator=(const StreamMemory&) = delete;

  std::optional<Difference> compare(Position seq, Bytes octets) const;
  // `in_flight`: octets that are not acknowledged yet; so much should fit.
  void remember(Position seq, Bytes octets, std::uint64_t packet, Position in_flight, StreamBudget& budget);
  // What this packet carried was misnumbered.
  void drop(std::uint64_t packet);
  void forget();
  bool empty() const { return size_ == 0; }
  // Has anything from `seq` on been remembered? Where not, there is nothing to compare.
  bool reaches(Position seq) const { return size_ != 0 && seq < highest_; }
  std::size_t memory() const { return size_ + pieces_.capacity() * sizeof(Piece); }
  // They remember the same octets of the same packets.
  friend bool operator==(const StreamMemory& a, const StreamMemory& b) {
    return a.size_ == b.size_ && a.pieces_ == b.pieces_ && a.highest_ == b.highest_ && a.oldest_ == b.oldest_;
  }

 private:
  struct Piece {
    Position begin = 0;
    Position end = 0;
    std::uint64_t packet = 0;
    friend bool operator==(const Piece&, const Piece&) = default;
  };
  static constexpr std::size_t kFirstSize = std::size_t{4} << 10;
  static constexpr std::size_t kSmallSize = std::size_t{1} << 10;  // the first size where little of the budget is left
  static constexpr std::size_t kLargest = std::size_t{256} << 10;
  static constexpr std::size_t kFirstPieces = 4;
  static constexpr std::size_t kMaxPieces = 256;

  std::size_t place(Position p) const { return static_cast<std::size_t>(p) & (size_ - 1); }
  // What lies in one piece from `p` on, `end` at most.
  Bytes run(Position p, Position end) const;
  bool grow(std::size_t wanted, StreamBudget& budget);
  void put(Position seq, Bytes octets);
  void note_piece(const Piece& piece, StreamBudget& budget);

  std::unique_ptr<std::byte[]> ring_;  // octet p lies at p modulo its size; not cleared, pieces_ says what was written
  std::size_t size_ = 0;               // a power of two
  std::vector<Piece> pieces_;          // in a ring of their own, the oldest at next_piece_
  std::size_t next_piece_ = 0;
  Position highest_ = 0;  // after the last octet remembered
  Position oldest_ = 0;   // no octet before it is in the ring any more; a larger ring does not bring it back
  StreamBudget* budget_ = nullptr;
};

}  // namespace lastack
