#include "stack/tcb/rtt.h"

#include <algorithm>

namespace lastack {

namespace {
Duration distance(Duration a, Duration b) { return a > b ? a - b : b - a; }
}  // namespace

//= rfc6298 2.2 2.3 2.4 2.5
//= rfc9293 3.8.1 MUST-18
void RttEstimator::sample(Duration r, const Config& config) {
  r = std::clamp(r, Duration(0), Duration(config.max_rto));
  if (!measured_) {
    srtt_ = r;
    rttvar_ = r / 2;
    measured_ = true;
  } else {
    rttvar_ = (3 * rttvar_ + distance(srtt_, r)) / 4;
    srtt_ = (7 * srtt_ + r) / 8;
  }
  const Duration raw = srtt_ + std::max(config.clock_granularity, 4 * rttvar_);
  rto_ = std::min(std::max(raw, config.min_rto), config.max_rto);
}

//= rfc6298 5.5
//= rfc9293 3.8.2 MUST-19
void RttEstimator::back_off(const Config& config) { rto_ = std::min(2 * rto_, config.max_rto); }

//= rfc6298 5.7
void RttEstimator::after_syn_timeout(const Config& config) {
  if (!measured_) rto_ = std::min(std::max(Duration(3s), config.initial_rto), config.max_rto);
}

void RttEstimator::sent_first(SeqNum end, Instant now) {
  if (timing_) return;
  timing_ = true;
  timed_end_ = end;
  timed_at_ = now;
}

//= rfc6298 3
void RttEstimator::acknowledged(SeqNum ack, Instant now, const Config& config) {
  if (!timing_ || before(ack, timed_end_)) return;
  timing_ = false;
  sample(now - timed_at_, config);
}

//= rfc7323 4.1
void RttEstimator::sample_timestamp(SeqNum ack, Duration r, const Config& config) {
  if (timing_ && before(ack, timed_end_)) return;
  timing_ = false;
  sample(r, config);
}

}  // namespace lastack
