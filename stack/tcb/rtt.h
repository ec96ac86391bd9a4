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

  // RFC 6298 2.2 and 2.3; also collapses the back-off. `expected`: samples in one window (RFC 7323 Appendix G).
  void sample(Duration r, const Config& config, std::uint32_t expected = 1);
  void back_off(const Config& config);           // 5.5
  void after_syn_timeout(const Config& config);  // 5.7: 3 s once the handshake is over

  // Karn: one number is timed at a time, and never one that was sent again.
  void sent_first(SeqNum end, Instant now) {
    if (timing_) return;
    timing_ = true;
    timed_end_ = end;
    timed_at_ = now;
  }
  void sent_again() { timing_ = false; }
  // True when it was a sample.
  //= rfc6298 3
  bool acknowledged(SeqNum ack, Instant now, const Config& config) {
    if (!timing_ || before(ack, timed_end_)) return false;
    timing_ = false;
    sample(now - timed_at_, config);
    return true;
  }
  // A round-trip time from a timestamp (RFC 7323 4.1): valid for segments sent again, too, and there is one with each
  // ACK. 2.3's gains are for one in a window, so each counts for less (Appendix G).
  void sample_timestamp(Duration r, std::uint32_t flight, std::uint32_t smss, const Config& config);

  // RFC 4015 3.1: before a time-out, and when it was spurious: the next sample must not take the estimate below what it
  // was.
  void remember();
  void distrust_short_samples() { distrusts_ = true; }

  template <typename F>
  void pack(F& f, SeqNum nxt, Instant last_sent) {
    measured_ = f(measured_, true);
    srtt_ = f(srtt_, Duration(0));
    rttvar_ = f(rttvar_, srtt_ / 2);
    rto_ = f(rto_, Duration(1s));
    srtt_before_ = f(srtt_before_, Duration(0));
    rttvar_before_ = f(rttvar_before_, Duration(0));
    timed_at_ = f(timed_at_, last_sent);
    timed_end_ = f(timed_end_, nxt);
    timing_ = f(timing_, false);
    distrusts_ = f(distrusts_, false);
  }
  friend bool operator==(const RttEstimator&, const RttEstimator&) = default;

 private:
  Duration srtt_{0};
  Duration rttvar_{0};
  Duration rto_;
  Duration srtt_before_{0};
  Duration rttvar_before_{0};
  Instant timed_at_{};
  SeqNum timed_end_;
  bool timing_ = false;
  bool measured_ = false;
  bool distrusts_ = false;
};

}  // namespace lastack
