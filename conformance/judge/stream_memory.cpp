#include "conformance/judge/stream_memory.h"

#include <algorithm>
#include <cstring>

namespace lastack {

std::optional<StreamMemory::Difference> StreamMemory::compare(Position seq, Bytes octets) const {
  if (seq >= highest_ || ring_.empty()) return std::nullopt;
  const Position end = seq + static_cast<Position>(octets.size());
  for (const Piece& piece : pieces_) {
    const Position from = std::max({seq, piece.begin, oldest_});
    const Position to = std::min(end, piece.end);
    for (Position p = from; p < to; ++p) {
      const std::byte now = octets[static_cast<std::size_t>(p - seq)];
      if (at(p) != now)
        return Difference{p, std::to_integer<unsigned>(at(p)), std::to_integer<unsigned>(now), piece.packet};
    }
  }
  return std::nullopt;
}

bool StreamMemory::grow(std::size_t wanted, StreamBudget& budget) {
  std::size_t size = std::max(ring_.size(), kFirstSize);
  while (size < wanted && size < kLargest) size *= 2;
  if (size == ring_.size()) return true;
  if (budget.left + ring_.size() < size) return !ring_.empty();
  budget.left = budget.left + ring_.size() - size;
  budget_ = &budget;
  std::vector<std::byte> larger(size);
  for (Position p = ring_.empty() ? highest_ : oldest_; p < highest_; ++p) {
    larger[static_cast<std::size_t>(p) & (size - 1)] = at(p);
  }
  ring_ = std::move(larger);
  return true;
}

void StreamMemory::put(Position seq, Bytes octets) {
  while (!octets.empty()) {
    const std::size_t start = static_cast<std::size_t>(seq) & (ring_.size() - 1);
    const std::size_t count = std::min(octets.size(), ring_.size() - start);
    std::memcpy(ring_.data() + start, octets.data(), count);
    octets = octets.subspan(count);
    seq += static_cast<Position>(count);
  }
}

void StreamMemory::remember(Position seq, Bytes octets, std::uint64_t packet, Position in_flight,
                            StreamBudget& budget) {
  const Position end = seq + static_cast<Position>(octets.size());
  if (octets.empty() || octets.size() > kLargest || in_flight < 0) return;
  // Far ahead of all before: what is between was not seen, and what is behind will not come again.
  const auto wanted = static_cast<std::size_t>(std::min<Position>(in_flight, static_cast<Position>(kLargest)));
  const bool first = ring_.empty();
  if (!grow(std::max(wanted, octets.size()), budget)) return;
  if (octets.size() > ring_.size()) return;
  const auto size = static_cast<Position>(ring_.size());
  if (first) highest_ = oldest_ = seq;
  if (first || end > highest_) highest_ = end;
  oldest_ = first ? highest_ - size : std::max(oldest_, highest_ - size);
  if (seq < oldest_) return;  // older than the ring reaches
  put(seq, octets);
  if (pieces_.size() < kMaxPieces) {
    pieces_.push_back({seq, end, packet});
  } else {
    pieces_[next_piece_] = {seq, end, packet};
    next_piece_ = (next_piece_ + 1) % kMaxPieces;
  }
}

void StreamMemory::drop(std::uint64_t packet) {
  for (Piece& piece : pieces_) {
    if (piece.packet == packet) piece.end = piece.begin;
  }
}

void StreamMemory::forget() {
  if (budget_ != nullptr) budget_->left += ring_.size();
  budget_ = nullptr;
  ring_ = {};
  pieces_ = {};
  next_piece_ = 0;
}

}  // namespace lastack
