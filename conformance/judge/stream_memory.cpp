#include "conformance/judge/stream_memory.h"

#include <algorithm>
#include <cstring>

namespace lastack {

std::optional<StreamMemory::Difference> StreamMemory::compare(Position seq, Bytes octets) const {
  if (!reaches(seq)) return std::nullopt;
  const Position end = seq + static_cast<Position>(octets.size());
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const std::size_t at = next_piece_ + i;
    const Piece& piece = pieces_[at < pieces_.size() ? at : at - pieces_.size()];
    const Position from = std::max({seq, piece.begin, oldest_});
    const Position to = std::min(end, piece.end);
    for (Position p = from; p < to; ++p) {
      const std::byte now = octets[static_cast<std::size_t>(p - seq)];
      const std::byte before = ring_[place(p)];
      if (before != now)
        return Difference{p, std::to_integer<unsigned>(before), std::to_integer<unsigned>(now), piece.packet};
    }
  }
  return std::nullopt;
}

Bytes StreamMemory::run(Position p, Position end) const {
  return {ring_.get() + place(p), std::min(size_ - place(p), static_cast<std::size_t>(end - p))};
}

bool StreamMemory::grow(std::size_t wanted, StreamBudget& budget) {
  if (wanted <= size_) return true;
  std::size_t size = size_ != 0 ? size_ : (budget.left > StreamBudget::kWhole / 2 ? kFirstSize : kSmallSize);
  while (size < wanted && size < kLargest) size *= 2;
  if (size == size_) return true;
  if (budget.left + size_ < size) return size_ != 0;
  budget.left = budget.left + size_ - size;
  budget_ = &budget;
  StreamMemory larger;
  larger.ring_ = std::make_unique_for_overwrite<std::byte[]>(size);
  larger.size_ = size;
  for (Position p = size_ == 0 ? highest_ : oldest_; p < highest_;) {
    const Bytes part = run(p, highest_);
    larger.put(p, part);
    p += static_cast<Position>(part.size());
  }
  ring_ = std::move(larger.ring_);
  size_ = size;
  return true;
}

void StreamMemory::put(Position seq, Bytes octets) {
  while (!octets.empty()) {
    const std::size_t count = std::min(octets.size(), size_ - place(seq));
    std::memcpy(ring_.get() + place(seq), octets.data(), count);
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
  const bool first = size_ == 0;
  if (!grow(std::max(wanted, octets.size()), budget)) return;
  if (octets.size() > size_) return;
  const auto size = static_cast<Position>(size_);
  if (first) highest_ = oldest_ = seq;
  if (first || end > highest_) highest_ = end;
  oldest_ = first ? highest_ - size : std::max(oldest_, highest_ - size);
  if (seq < oldest_) return;  // older than the ring reaches
  put(seq, octets);
  note_piece({seq, end, packet}, budget);
}

// The place of one whose octets the ring has lost is used again; only where all are there they become more.
void StreamMemory::note_piece(const Piece& piece, StreamBudget& budget) {
  const std::size_t room = pieces_.capacity();
  const bool all_there = pieces_.size() == room && (room == 0 || pieces_[next_piece_].end > oldest_);
  const std::size_t more = room == 0 ? kFirstPieces : room;
  if (all_there && room < kMaxPieces && more * sizeof(Piece) <= budget.left) {
    std::rotate(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(next_piece_), pieces_.end());
    next_piece_ = 0;
    budget.left -= more * sizeof(Piece);
    pieces_.reserve(room + more);
  }
  if (pieces_.size() < pieces_.capacity()) {
    pieces_.push_back(piece);
  } else if (!pieces_.empty()) {
    pieces_[next_piece_] = piece;
    next_piece_ = next_piece_ + 1 == pieces_.size() ? 0 : next_piece_ + 1;
  }
}

void StreamMemory::drop(std::uint64_t packet) {
  for (Piece& piece : pieces_) {
    if (piece.packet == packet) piece.end = piece.begin;
  }
}

void StreamMemory::forget() {
  if (budget_ != nullptr) budget_->left += memory();
  budget_ = nullptr;
  ring_.reset();
  size_ = 0;
  pieces_ = std::vector<Piece>();
  next_piece_ = 0;
}

}  // namespace lastack
