// Which octets of one endpoint's sequence space have been seen, in unwrapped (64-bit) positions: everything before
// `contiguous`, and a few ranges after it. Bounded: when the ranges run out it says so instead of guessing.
#pragma once

#include <array>
#include <cstdint>

#include "stack/base/seq.h"

namespace lastack {

// A sequence number that does not wrap: its low 32 bits are the number on the wire.
using Position = std::int64_t;

constexpr std::uint32_t wire_number(Position p) { return static_cast<std::uint32_t>(p & 0xffff'ffff); }
// The position with this wire number that lies nearest to `near`.
constexpr Position unwrap(Position near, SeqNum number) { return near + (number - SeqNum(wire_number(near))); }
// Any first position for a space of which one number is known; far enough from 0 that nothing before it goes negative.
constexpr Position first_position(SeqNum number) { return (Position{1} << 33) + number.raw(); }

class Coverage {
 public:
  void start(Position at) {
    contiguous_ = at;
    count_ = 0;
    forgotten_until_ = at;
  }
  Position contiguous() const { return contiguous_; }
  bool has_gap() const { return count_ != 0; }
  // Ranges were forgotten: octets after contiguous() may have been seen although covers() denies it.
  bool overflowed() const { return contiguous_ < forgotten_until_; }

  bool covers(Position begin, Position end) const {
    if (end <= contiguous_) return true;
    for (std::size_t i = 0; i < count_; ++i) {
      if (ranges_[i].begin <= begin && end <= ranges_[i].end) return true;
    }
    return false;
  }

  void add(Position begin, Position end) {
    if (end <= contiguous_) return;
    if (begin <= contiguous_) {
      advance_to(end);
      return;
    }
    insert(begin, end);
  }
  // Everything before `p` counts as seen.
  void advance_to(Position p) {
    if (p > contiguous_) contiguous_ = p;
    while (count_ != 0 && ranges_[0].begin <= contiguous_) {
      if (ranges_[0].end > contiguous_) contiguous_ = ranges_[0].end;
      erase(0);
    }
  }

 private:
  struct Range {
    Position begin = 0;
    Position end = 0;
  };
  static constexpr std::size_t kMaxRanges = 8;

  void erase(std::size_t at) {
    for (std::size_t i = at + 1; i < count_; ++i) ranges_[i - 1] = ranges_[i];
    --count_;
  }
  // Keeps the ranges sorted and apart.
  void insert(Position begin, Position end) {
    std::size_t at = 0;
    while (at < count_ && ranges_[at].end < begin) ++at;
    while (at < count_ && ranges_[at].begin <= end) {
      begin = begin < ranges_[at].begin ? begin : ranges_[at].begin;
      end = end > ranges_[at].end ? end : ranges_[at].end;
      erase(at);
    }
    if (count_ == kMaxRanges) {
      if (end > forgotten_until_) forgotten_until_ = end;
      return;
    }
    for (std::size_t i = count_; i > at; --i) ranges_[i] = ranges_[i - 1];
    ranges_[at] = {begin, end};
    ++count_;
  }

  Position contiguous_ = 0;
  std::size_t count_ = 0;
  Position forgotten_until_ = 0;
  std::array<Range, kMaxRanges> ranges_{};
};

}  // namespace lastack
