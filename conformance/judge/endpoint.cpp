#include "conformance/judge/endpoint.h"

namespace lastack {

namespace {

// Differences of 16-bit counters, -32768 .. 32767.
std::int32_t id_distance(std::uint16_t a, std::uint16_t b) {
  const std::int32_t d = static_cast<std::int32_t>(a) - static_cast<std::int32_t>(b);
  if (d >= 0x8000) return d - 0x10000;
  if (d < -0x8000) return d + 0x10000;
  return d;
}

}  // namespace

void IdTrack::saw(std::uint16_t id, std::uint32_t packets, std::uint64_t number) {
  if (id == 0) {  // stacks set 0 where they do not count (RFC 6864 4.1): on SYN-ACKs, in TIME-WAIT
    uncounted_ = any_;
    return;
  }
  if (!any_) {
    any_ = true;
    gapless_since_ = first_ = number;
  } else {
    const std::int32_t d = id_distance(id, last_);
    if (d == step_) {
      ++exact_;
      if (step_ > 1) gapless_since_ = number;  // how many it became is a guess
    } else {
      gapless_since_ = d > 0 ? number : number + 1;  // a late one says nothing of what was sent after it
      const bool near = d > -256 && d < 2048;        // a gap, a reordered or a duplicated packet
      if (!near) ++odd_;
      if (d <= 0) return;
    }
  }
  last_ = id;
  step_ = static_cast<std::uint16_t>(packets);
}

bool IdTrack::is_newer(std::uint16_t id) const {
  const std::int32_t d = id_distance(id, last_);
  return any_ && id != 0 && d > 0 && d < 2048;
}

bool IdTrack::is_next(std::uint16_t id) const { return any_ && id != 0 && step_ == 1 && id_distance(id, last_) == 1; }

}  // namespace lastack
