#include "stack/tcb/rtt.h"

#include <algorithm>

namespace lastack {

namespace {
Duration distance(Duration a, Duration b) { return a > b ? a - b : b - a; }
}  // namespace

//= rfc6298 2.2 2.3 2.4 2.5
//= rfc9293 3.8.1 MUST-18
void RttEstimator::sample(Duration r, const Config& config, std::uint32_t expected) {
  r = std::clamp(r, Duration(0), Duration(config.max_rto));
  const auto samples = static_cast<std::int64_t>(expected);
  if (!measured_) {
    srtt_ = r;
    rttvar_ = r / 2;
    measured_ = true;
  } else {
    rttvar_ += (distance(srtt_, r) - rttvar_) / (4 * samples);
    srtt_ += (r - srtt_) / (8 * samples);
  }
  //= rfc4015 3.1
  if (distrusts_) {
    distrusts_ = false;
    srtt_ = std::max(srtt_before_ + 2 * config.clock_granularity, r);
    rttvar_ = std::max(rttvar_before_, r / 2);
  }
  const Duration raw = srtt_ + std::max(config.clock_granularity, 4 * rttvar_);
  rto_ = std::min(std::max(raw, config.min_rto), config.max_rto);
}

void RttEstimator::remember() {
  srtt_before_ = srtt_;
  rttvar_before_ = rttvar_;
}

//= rfc6298 5.5
//= rfc9293 3.8.2 MUST-19
void RttEstimator::back_off(const Config& config) { rto_ = std::min(2 * rto_, config.max_rto); }

//= rfc6298 5.7
void RttEstimator::after_syn_timeout(const Config& config) {
  rto_ = std::min(std::max(Duration(3s), config.initial_rto), config.max_rto);
}

//= rfc7323 4.2
void RttEstimator::sample_timestamp(Duration r, std::uint32_t flight, std::uint32_t smss, const Config& config) {
  timing_ = false;
  const std::uint32_t pairs = 2 * std::max(smss, 1U);
  sample(r, config, flight <= pairs ? 1 : (flight + (pairs - 1)) / pairs);
}

}  // namespace lastack
