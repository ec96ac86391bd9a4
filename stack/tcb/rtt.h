// The retransmission time-out of RFC 6298: smoothed round-trip time, its variation, back-off; and the one timed segment
// of Karn's rule for connections without timestamps. Knows no segments: it is told when a number was sent first, again,
// or acknowledged.
#pragma once

#include <cstdint>

#include "stack/base/seq.h"
#include "stack/base/time.h"
#include "stack/tcb/config.h"

namespace lastack {

class RttEstimator {
 public:
  explicit RttEstimator(const Config& config) : rto_(config.initial_rto) {}

  Duration rto() const { return rto_; }
  Duration srtt() const { return srtt_; }
  Duration rttvar() const { return rttvar_; }
  bool measured() const { return measured_; }

  // RFC 6298 2.2 and 2.3; also collapses the back-off.
  void sample(Duration r, const Config& config);
  void back_off(const Config& config);           // 5.5
  void after_syn_timeout(const Config& config);  // 5.7: 3 s once the handshake is over

  // Karn: one number is timed at a time, and never one that was sent again.
  void sent_first(SeqNum end, Instant now);
  void sent_again() { timing_ = false; }
  void acknowledged(SeqNum ack, Instant now, const Config& config);
  // A round-trip time from a timestamp (RFC 7323 4.1): valid for segments sent again, too. One sample per window,
  // as 2.3's gains assume.
  void sample_timestamp(SeqNum ack, Duration r, const Config& config);

 private:
  Duration srtt_{0};
  Duration rttvar_{0};
  Duration rto_;
  Instant timed_at_{};
  SeqNum timed_end_;
  bool timing_ = false;
  bool measured_ = false;
};

}  // namespace lastack
