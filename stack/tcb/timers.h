// The deadlines of one connection. Plain data: what happens when one is due is in tcp/timeouts.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "stack/base/time.h"

namespace lastack {

// In the order of the SUT contract's LASTACK_TIMER_*.
enum class TimerKind : std::uint8_t { retransmit, persist, time_wait, user, delayed_ack, keepalive };
inline constexpr std::size_t kTimers = 6;
inline constexpr Instant kNever = Instant::max();

class Timers {
 public:
  Timers() { at_.fill(kNever); }
  void arm(TimerKind kind, Instant deadline) {
    at_[index(kind)] = deadline;
    floor_ = std::min(floor_, deadline);
  }
  void stop(TimerKind kind) { at_[index(kind)] = kNever; }
  void stop_all() { at_.fill(kNever); }
  bool armed(TimerKind kind) const { return at_[index(kind)] != kNever; }
  bool due(TimerKind kind, Instant now) const { return at_[index(kind)] <= now; }
  Instant deadline(TimerKind kind) const { return at_[index(kind)]; }
  Instant earliest() const { return *std::min_element(at_.begin(), at_.end()); }
  // Not later than earliest(), and equal to it after tighten(): what the host's heap can go by without looking at every
  // timer.
  Instant floor() const { return floor_; }
  void tighten() { floor_ = earliest(); }
  // Whether both run the same.
  friend bool operator==(const Timers& a, const Timers& b) { return a.at_ == b.at_; }

 private:
  static std::size_t index(TimerKind kind) { return static_cast<std::size_t>(kind); }
  std::array<Instant, kTimers> at_{};
  Instant floor_ = kNever;
};

}  // namespace lastack
