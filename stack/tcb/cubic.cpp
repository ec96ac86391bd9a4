#include "stack/tcb/cubic.h"

#include <algorithm>

namespace lastack {

namespace {

// beta = 0.7 and C = 0.4 (RFC 9438 4.6 and 5.1); alpha = 3 (1 - beta) / (1 + beta) = 9/17 (4.3).
constexpr std::uint64_t kBetaTenths = 7;
constexpr std::uint64_t kAlpha17 = 9;

std::int64_t to_ms(Duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

}  // namespace

std::uint32_t cube_root(std::uint64_t value) {
  std::uint64_t root = 0;
  for (int bit = 21; bit >= 0; --bit) {
    const std::uint64_t more = root | (std::uint64_t{1} << bit);
    if (more * more <= value / more) root = more;
  }
  return static_cast<std::uint32_t>(root);
}

//= rfc9438 4.6
std::uint32_t CubicState::reduced(std::uint32_t flight) {
  return static_cast<std::uint32_t>(flight * kBetaTenths / 10);
}

//= rfc9438 4.7 4.8
void CubicState::on_event(std::uint32_t cwnd, bool timeout) {
  const bool saturates_earlier = cwnd < w_max;
  w_max = saturates_earlier ? static_cast<std::uint32_t>(std::uint64_t{cwnd} * (10 + kBetaTenths) / 20) : cwnd;
  if (timeout) w_max = 0;  // the next epoch takes its own cwnd for it, and K = 0
  cwnd_prior = cwnd;
  in_epoch = false;
}

void CubicState::begin_epoch(const Ack& ack) {
  in_epoch = true;
  elapsed = Duration(0);
  last_ack = ack.now;
  w_est = ack.cwnd;
  est_credit = 0;
  if (w_max <= ack.cwnd) {
    w_max = ack.cwnd;
    k_ms = 0;
    return;
  }
  // K = cbrt((W_max - cwnd_epoch) / C), in segments and seconds; here in octets and milliseconds.
  k_ms = cube_root(std::uint64_t{w_max - ack.cwnd} * 2'500'000'000U / ack.smss);
}

// W_cubic(t) = C (t - K)^3 + W_max.
//= rfc9438 4.2
std::int64_t CubicState::window_at(Duration t, std::uint32_t smss) const {
  constexpr std::int64_t kFarthest = 100'000;  // ms; keeps the product within 64 bits, and no window is that large
  const std::int64_t d = std::clamp(to_ms(t) - std::int64_t{k_ms}, -kFarthest, kFarthest);
  const std::int64_t grown = (d * d * d / 1000) * std::int64_t{smss} / 1000 * 4 / 10 / 1000;
  return std::int64_t{w_max} + grown;
}

//= rfc9438 4.2 4.3 4.4
//= RFC9438-4.2-a periods in which the application held back do not count
std::uint32_t CubicState::avoid(const Ack& ack) {
  if (!in_epoch) begin_epoch(ack);
  if (!ack.used) {
    last_ack = ack.now;
    return ack.cwnd;
  }
  elapsed += ack.now - last_ack;
  last_ack = ack.now;

  //= RFC9438-4.3-a
  est_credit += ack.octets * (w_est < cwnd_prior ? kAlpha17 : 17U);
  if (est_credit >= 17 * std::uint64_t{ack.cwnd}) {
    est_credit -= 17 * std::uint64_t{ack.cwnd};
    w_est += ack.smss;
  }
  if (window_at(elapsed, ack.smss) < std::int64_t{w_est}) return std::max(ack.cwnd, w_est);

  //= RFC9438-4.4-a for each acknowledged segment, so that split ACKs gain nothing
  const std::int64_t cwnd = ack.cwnd;
  const std::int64_t target = std::clamp(window_at(elapsed + ack.srtt, ack.smss), cwnd, cwnd + cwnd / 2);
  const std::int64_t acked = std::min(ack.octets, ack.cwnd);
  return static_cast<std::uint32_t>(cwnd + (target - cwnd) * acked / cwnd);
}

}  // namespace lastack
