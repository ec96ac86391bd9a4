// Loss recovery of one connection: in which phase it is, and what the algorithms that look for loss remember. Only
// data; the algorithms are in tcp/loss_recovery.cpp (who leads), tcp/newreno.cpp, tcp/sack_recovery.cpp, tcp/rack.cpp
// and tcp/spurious.cpp.
#pragma once

#include <algorithm>
#include <cstdint>

#include "stack/base/seq.h"
#include "stack/base/time.h"
#include "stack/tcb/congestion.h"
#include "stack/tcb/scoreboard.h"

namespace lastack {

enum class RecoveryPhase : std::uint8_t {
  open,
  fast,     // RFC 5681 3.2, RFC 6582, RFC 6675 5, RFC 8985
  timeout,  // after a retransmission time-out, until everything sent before it is acknowledged
};

// RFC 5682: where the check for a spurious time-out stands.
enum class FrtoStep : std::uint8_t { off, first_ack, second_ack };

// What the retransmission timer is set for (RFC 8985 8: one timer, an event beside it).
enum class RetransmitEvent : std::uint8_t { timeout, loss_probe, reordering };

// A minimum over the last one to two spans (RFC 8985 6.2 step 1: an old path's minimum must not stay for ever).
class RecentMinimum {
 public:
  static constexpr Duration kSpan = std::chrono::seconds(150);
  bool known() const { return value() != Duration::max(); }
  Duration value() const { return std::min(current_, previous_); }
  void add(Duration sample, Instant now) {
    if (now - began_ >= kSpan) [[unlikely]] {
      previous_ = now - began_ >= 2 * kSpan ? Duration::max() : current_;
      current_ = Duration::max();
      began_ = now;
    }
    current_ = std::min(current_, sample);
  }
  template <typename F>
  void pack(F& f, Duration usual, Instant last_sent) {
    current_ = f(current_, usual);
    previous_ = f(previous_, Duration::max());
    began_ = f(began_, last_sent);
  }
  friend bool operator==(const RecentMinimum&, const RecentMinimum&) = default;

 private:
  Duration current_ = Duration::max();
  Duration previous_ = Duration::max();
  Instant began_{};
};

// RFC 8985 5.3.
struct Rack {
  bool valid = false;  // something was delivered: xmit, end and rtt mean something
  Instant xmit{};
  SeqNum end;
  Duration rtt{0};
  Instant rtt_of{};        // when the run left that rtt was measured with; within one ACK the latest counts
  bool ack_began = false;  // the next run told is the first of its ACK
  SeqNum fack;
  RecentMinimum min_rtt;
  bool reordering_seen = false;
  bool dsack_round_on = false;
  SeqNum dsack_round;
  std::uint16_t reo_wnd_mult = 1;
  std::uint8_t reo_wnd_persist = 16;
  SeqNum reduced_until;  // 9.3: one reaction to lost retransmissions in each window
  bool reduced = false;
  friend bool operator==(const Rack&, const Rack&) = default;
};

// RFC 8985 7.
struct LossProbe {
  bool due = false;  // to be sent now
  bool in_flight = false;
  bool is_retransmission = false;
  bool sampled = true;  // the round trip was measured since the last probe
  SeqNum end;
  friend bool operator==(const LossProbe&, const LossProbe&) = default;
};

// RFC 6937 3.
struct ProportionalRate {
  std::uint64_t delivered = 0;
  std::uint64_t out = 0;
  std::uint32_t recover_flight = 0;
  friend bool operator==(const ProportionalRate&, const ProportionalRate&) = default;
};

// RFC 2883 4, RFC 9438 4.9.2: every retransmission of this recovery was reported as a duplicate, so nothing was lost.
struct Undo {
  bool possible = false;
  SeqNum from;                    // SND.UNA when the recovery began
  std::uint32_t outstanding = 0;  // octets sent again and not reported as duplicates
  bool resent = false;
  SeqNum resent_end;  // highest number sent again
  CongestionMemory before;

  void begin(bool allowed, SeqNum una, const CongestionMemory& memory) {
    *this = Undo{};
    possible = allowed;
    from = una;
    before = memory;
  }
  friend bool operator==(const Undo&, const Undo&) = default;
};

// What a connection keeps whose both ends do SACK; made when its first text leaves, so that the others do not pay for
// it.
struct SackSender {
  Scoreboard board;
  Rack rack;
  LossProbe probe;
  ProportionalRate prr;
  Undo undo;
  SeqNum rescue_after;  // RFC 6675 2 "RescueRxt": a rescue waits until SND.UNA is beyond it
  bool rescue_spent = false;
  bool rescuing = false;  // the next segment is the rescue, which the scoreboard does not count (RFC 6675 4 (4))
  Instant reorder_at = Instant::max();  // RFC 8985 6.2: when what is held back counts as lost
};

struct Recovery {
  RecoveryPhase phase = RecoveryPhase::open;
  bool point_valid = false;
  bool send_one = false;          // the first retransmission of a phase waits for no congestion window
  bool partial_ack_seen = false;  // RFC 6582 3.2: only the first restarts the timer
  FrtoStep frto = FrtoStep::off;
  std::uint8_t frto_new = 0;  // new segments that F-RTO may send whatever cwnd says
  RetransmitEvent event = RetransmitEvent::timeout;
  SeqNum point;  // "recover" of RFC 6582, "RecoveryPoint" of RFC 6675; one beyond, as SND.NXT is
  std::uint32_t duplicate_acks = 0;
  std::uint32_t flight_at_first = 0;  // FlightSize at the first of them: limited transmit does not count (RFC 5681 3.2)
  SeqNum frto_end;                    // of what the time-out sent again
  std::uint32_t pipe_prev = 0;        // RFC 4015 3.1 (0)
  Instant rto_at{};                   // when the time-out is, whatever comes before it
  friend bool operator==(const Recovery&, const Recovery&) = default;
};

}  // namespace lastack
