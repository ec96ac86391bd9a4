// Which octets of one endpoint's sequence space have been seen, in unwrapped (64-bit) positions: everything before
// `contiguous`, and a few ranges after it. Bounded: when the ranges run out it says so instead of guessing.
#pragma once

#include <cstdint>
#include <vector>

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
    ranges_.clear();
    forgotten_until_ = at;
  }
  Position contiguous() const { return contiguous_; }
  bool has_gap() const { return !ranges_.empty(); }
  // Ranges were forgotten: octets after contiguous() may have been seen although covers() denies it.
  bool overflowed() const { return contiguous_ < forgotten_until_; }

  bool covers(Position begin, Position end) const {
    if (end <= contiguous_) return true;
    for (const Range& r : ranges_) {
      if (r.begin <= begin && end <= r.end) return true;
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
    while (!ranges_.empty() && ranges_.front().begin <= contiguous_) {
      if (ranges_.front().end > contiguous_) contiguous_ = ranges_.front().end;
      ranges_.erase(ranges_.begin());
    }
  }
  friend bool operator==(const Coverage&, const Coverage&) = default;

 private:
  struct Range {
    Position begin = 0;
    Position end = 0;
    friend bool operator==(const Range&, const Range&) = default;
  };
  static constexpr std::size_t kMaxRanges = 8;

  // Keeps the ranges sorted and apart.
  void insert(Position begin, Position end) {
    auto at = ranges_.begin();
    while (at != ranges_.end() && at->end < begin) ++at;
    while (at != ranges_.end() && at->begin <= end) {
      begin = begin < at->begin ? begin : at->begin;
      end = end > at->end ? end : at->end;
      at = ranges_.erase(at);
    }
    if (ranges_.size() == kMaxRanges) {
      if (end > forgotten_until_) forgotten_until_ = end;
      return;
    }
    ranges_.insert(at, {begin, end});
  }

  Position contiguous_ = 0;
  Position forgotten_until_ = 0;
  std::vector<Range> ranges_;  // takes memory only once there is a hole
};

}  // namespace lastack
