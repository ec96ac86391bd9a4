// CUBIC (RFC 9438), the part of congestion avoidance that is its own: the window as a cubic function of the time since
// the last congestion event. Whole numbers only, octets and milliseconds, so that every machine computes the same.
#pragma once

#include <cstdint>

#include "stack/base/time.h"

namespace lastack {

struct CubicState {
  std::uint32_t w_max = 0;       // 4.1.2: the window just before the last event, lowered by fast convergence
  std::uint32_t cwnd_prior = 0;  // the same, not lowered
  std::uint32_t w_est = 0;       // 4.3: what Reno would have
  std::uint32_t k_ms = 0;        // 4.2
  std::uint64_t est_credit = 0;  // acknowledged octets times 17 alpha, not yet counted into w_est
  Duration elapsed{0};           // t: since the epoch began, without the times in which the application held back
  Instant last_ack{};
  bool in_epoch = false;  // a stage of congestion avoidance has begun

  struct Ack {
    std::uint32_t cwnd;
    std::uint32_t smss;
    std::uint32_t octets;
    Instant now;
    Duration srtt;
    bool used;
  };

  static std::uint32_t reduced(std::uint32_t flight);  // 4.6: beta times
  void on_event(std::uint32_t cwnd, bool timeout);     // 4.7, 4.8
  std::uint32_t avoid(const Ack& ack);                 // 4.2 to 4.5; returns the new cwnd
  friend bool operator==(const CubicState&, const CubicState&) = default;

 private:
  void begin_epoch(const Ack& ack);
  std::int64_t window_at(Duration t, std::uint32_t smss) const;
};

// The largest x with x^3 =< value.
std::uint32_t cube_root(std::uint64_t value);

}  // namespace lastack
