// Virtual time. The stack never asks for the time: every entry point is given `now`. The clock's now() is deleted so
// that ambient time cannot slip in, and steady_clock values do not convert.
#pragma once

#include <chrono>
#include <cstdint>

namespace lastack {

using Duration = std::chrono::nanoseconds;

struct StackClock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  using time_point = std::chrono::time_point<StackClock, Duration>;
  static constexpr bool is_steady = true;
  static time_point now() = delete;
};

using Instant = StackClock::time_point;

constexpr Instant instant_from_us(std::uint64_t us) {
  return Instant(std::chrono::microseconds(static_cast<std::int64_t>(us)));
}
// Rounds up, so that a deadline reported in whole microseconds is never reported too early.
constexpr std::uint64_t us_from_instant(Instant t) {
  return static_cast<std::uint64_t>((t.time_since_epoch().count() + 999) / 1000);
}

}  // namespace lastack
