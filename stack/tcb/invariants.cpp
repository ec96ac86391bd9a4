#include "stack/tcb/invariants.h"

#include <cstdio>

namespace lastack {

namespace {

template <int Number>
[[noreturn]] __attribute__((noinline, cold)) void invariant_failed(int line, const char* text) {
  std::fprintf(stderr, "lastack: %s:%d: Assertion `I%02d %s' failed.\n", __FILE__, line, Number, text);
  std::fflush(stderr);
  __builtin_trap();
}

#define LASTACK_INVARIANT(number, holds, text)  \
  do {                                          \
    if (!(holds)) [[unlikely]]                  \
      invariant_failed<number>(__LINE__, text); \
  } while (false)
#define LASTACK_ALONE __attribute__((noinline)) void

constexpr StateSet kHasConnection = kSynchronized | StateSet(State::syn_sent, State::syn_received);

// 3.4
LASTACK_ALONE una_not_after_nxt(const Tcb& t) {
  LASTACK_INVARIANT(1, at_or_before(t.snd.una, t.snd.nxt), "SND.UNA =< SND.NXT");
}

// FIN-WAIT-1 may begin in SYN-RECEIVED (3.10.4), and CLOSING follow it, so they are left out.
LASTACK_ALONE syn_acknowledged(const Tcb& t) {
  constexpr StateSet kAfterSyn{State::established, State::fin_wait_2, State::close_wait, State::last_ack,
                               State::time_wait};
  LASTACK_INVARIANT(2, !kAfterSyn.contains(t.state()) || after(t.snd.una, t.snd.iss), "ISS < SND.UNA");
}

LASTACK_ALONE una_never_retreats(const Tcb& t, const Witness& w) {
  LASTACK_INVARIANT(3, at_or_after(t.snd.una, w.snd_una) && at_or_after(t.snd.nxt, w.snd_nxt),
                    "SND.UNA and SND.NXT never retreat");
}

// SND.UNA never passes what had been sent before the segment came.
LASTACK_ALONE only_sent_is_acknowledged(const Tcb& t, const Witness& w) {
  LASTACK_INVARIANT(4, at_or_before(t.snd.una, w.snd_nxt), "only what was sent is acknowledged");
}

// 3.8.6: one octet beyond the window is a probe's.
LASTACK_ALONE sent_within_window(const Tcb& t, const Witness& w) {
  if (!w.synchronized) return;
  LASTACK_INVARIANT(5, at_or_before(t.snd.nxt, later_of(w.send_right_edge, w.snd_nxt) + 1),
                    "SND.NXT within SND.UNA+SND.WND");
}

LASTACK_ALONE fin_is_last(const Tcb& t) {
  LASTACK_INVARIANT(8, !t.snd.fin_queued || !t.fin_sent() || t.snd.nxt == t.fin_number() + 1,
                    "nothing follows the FIN");
}

LASTACK_ALONE rcv_nxt_never_retreats(const Tcb& t, const Witness& w) {
  LASTACK_INVARIANT(9, at_or_after(t.rcv.nxt, w.rcv_nxt), "RCV.NXT never retreats");
}

LASTACK_ALONE received_numbers_are_octets(const Tcb& t) {
  if (t.state() == State::closed) return;  // after a reset the unread text is gone
  const std::uint32_t numbers = octets_between(t.rcv.irs + 1, t.rcv.nxt) - (t.rcv.fin ? 1U : 0U);
  const std::uint32_t octets = static_cast<std::uint32_t>(t.octets_read & 0xffff'ffffU);
  LASTACK_INVARIANT(10, SeqNum(octets) + t.receive_queue.unread() == SeqNum(numbers),
                    "RCV.NXT-IRS-1 = octets accepted + FIN");
}

LASTACK_ALONE right_edge_never_retreats(const Tcb& t, const Witness& w) {
  LASTACK_INVARIANT(15, at_or_after(t.right_edge(), w.right_edge), "RCV.NXT+RCV.WND never retreats");
}

LASTACK_ALONE nothing_after_reset(const Tcb& t) {
  LASTACK_INVARIANT(18, t.state() != State::closed || t.rcv.fin || t.receive_queue.unread() == 0,
                    "no delivery after a reset");
}

LASTACK_ALONE own_fin_acknowledged(const Tcb& t) {
  constexpr StateSet kAfterFin{State::fin_wait_2, State::time_wait};
  LASTACK_INVARIANT(25, !kAfterFin.contains(t.state()) || t.fin_acknowledged(),
                    "own FIN acknowledged in FIN-WAIT-2 and TIME-WAIT");
}

LASTACK_ALONE last_ack_ends_by_ack(const Tcb& t, const Witness& w) {
  const bool ended = w.state == State::last_ack && t.state() == State::closed && t.closed_by == Cause::ack_of_fin;
  LASTACK_INVARIANT(26, !ended || t.fin_acknowledged(), "LAST-ACK ends when our FIN is acknowledged");
}

LASTACK_ALONE retransmission_timer(const Tcb& t) {
  constexpr StateSet kTimed = kHasConnection;
  if (!kTimed.contains(t.state()) || t.state() == State::time_wait) return;
  const bool armed = t.timers.armed(TimerKind::retransmit);
  const bool probing = t.timers.armed(TimerKind::persist);
  LASTACK_INVARIANT(28, t.flight() == 0 ? !armed : armed || probing,
                    "timer armed exactly while something is unacknowledged");
}

LASTACK_ALONE closed_window_is_probed(const Tcb& t) {
  if (!kTransmitsText.contains(t.state()) || !t.syn_acknowledged() || t.snd.wnd != 0 || t.send_queue.size() == 0)
    return;
  LASTACK_INVARIANT(22, t.timers.armed(TimerKind::persist), "a closed window is probed");
}

LASTACK_ALONE rto_is_bounded(const Tcb& t) {
  LASTACK_INVARIANT(29,
                    t.rtt.rto() > Duration(0) && t.rtt.rto() <= std::max(t.config().max_rto, t.config().initial_rto),
                    "RTO bounded");
}

LASTACK_ALONE time_wait_is_timed(const Tcb& t) {
  LASTACK_INVARIANT(30, (t.state() == State::time_wait) == t.timers.armed(TimerKind::time_wait),
                    "2MSL timer armed exactly in TIME-WAIT");
}

LASTACK_ALONE queues_are_bounded(const Tcb& t) {
  LASTACK_INVARIANT(34,
                    t.send_queue.size() <= t.send_queue.limit() && t.rcv.wnd <= t.receive_queue.room() &&
                        t.receive_queue.out_of_order() <= t.receive_queue.room() &&
                        t.receive_queue.runs().size() <= t.config().max_reassembly_gaps,
                    "queues within their limits");
}

LASTACK_ALONE runs_are_ordered(const Tcb& t) {
  const auto& runs = t.receive_queue.runs();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const bool ordered = before(runs[i].left, runs[i].right) && (i == 0 || before(runs[i - 1].right, runs[i].left));
    LASTACK_INVARIANT(39, ordered, "runs of out-of-order text are disjoint and in order");
  }
}

// RFC 6675 4: what was reported, lost or sent again lies within what is in flight, and pipe is a number of it.
LASTACK_ALONE scoreboard_fits_flight(const Tcb& t) {
  const Scoreboard& board = t.sack_sender->board;
  LASTACK_INVARIANT(41, board.size() <= Scoreboard::kMost, "records of what is in flight are bounded");
  if (board.empty()) {
    LASTACK_INVARIANT(40, t.flight() == 0 || !t.syn_acknowledged() || t.state() == State::closed,
                      "what is in flight has records");
    return;
  }
  LASTACK_INVARIANT(42, board.begin() == t.text_begin() && board.end() == t.snd.nxt,
                    "records cover SND.UNA to SND.NXT");
  LASTACK_INVARIANT(43, board.consistent(), "records are in order, and their sums right");
  LASTACK_INVARIANT(44, !board[0].sacked, "what is reported begins beyond SND.UNA");
  LASTACK_INVARIANT(45, board.sacked() + board.lost() <= t.flight() && board.pipe() <= 2 * t.flight(),
                    "pipe within what is in flight");
}

LASTACK_ALONE ssthresh_is_two_segments(const Tcb& t) {
  const bool handshake = t.congestion.smss == 0;
  LASTACK_INVARIANT(46, handshake || t.congestion.ssthresh >= 2 * t.congestion.smss,
                    "ssthresh is at least two segments");
}

LASTACK_ALONE recovery_ends(const Tcb& t) {
  const Recovery& r = t.recovery;
  LASTACK_INVARIANT(47, r.phase == RecoveryPhase::open || before(t.snd.una, r.point),
                    "a recovery lasts until its point is acknowledged");
}

}  // namespace

void check_invariants(const Tcb& tcb, Witness& witness) {
  una_not_after_nxt(tcb);
  syn_acknowledged(tcb);
  fin_is_last(tcb);
  nothing_after_reset(tcb);
  own_fin_acknowledged(tcb);
  retransmission_timer(tcb);
  closed_window_is_probed(tcb);
  rto_is_bounded(tcb);
  time_wait_is_timed(tcb);
  runs_are_ordered(tcb);
  ssthresh_is_two_segments(tcb);
  if (tcb.state() != State::closed && tcb.state() != State::time_wait) {
    recovery_ends(tcb);
    if (tcb.sack_sender) scoreboard_fits_flight(tcb);
  }
  if (tcb.state() != State::closed) queues_are_bounded(tcb);
  const bool synchronized = kSynchronized.contains(tcb.state()) || tcb.state() == State::syn_received;
  if (synchronized) received_numbers_are_octets(tcb);
  if (witness.valid) {
    una_never_retreats(tcb, witness);
    only_sent_is_acknowledged(tcb, witness);
    last_ack_ends_by_ack(tcb, witness);
    if (witness.synchronized) {
      sent_within_window(tcb, witness);
      rcv_nxt_never_retreats(tcb, witness);
      if (tcb.state() != State::closed) right_edge_never_retreats(tcb, witness);
    }
  }
  const SeqNum edge = tcb.snd.una + tcb.snd.wnd;
  witness.send_right_edge = witness.synchronized ? later_of(witness.send_right_edge, edge) : edge;
  witness.valid = true;
  witness.state = tcb.state();
  witness.snd_una = tcb.snd.una;
  witness.snd_nxt = tcb.snd.nxt;
  witness.snd_wnd = tcb.snd.wnd;
  witness.rcv_nxt = tcb.rcv.nxt;
  witness.right_edge = tcb.right_edge();
  witness.synchronized = synchronized;
}

// 3.10.7.4 first: "drop the unacceptable segment and return".
void check_rejected_segment(const Tcb& t, const Witness& w) {
  LASTACK_INVARIANT(12,
                    t.state() == w.state && t.snd.una == w.snd_una && t.rcv.nxt == w.rcv_nxt && t.snd.wnd == w.snd_wnd,
                    "a rejected segment changes nothing");
}

void check_reset_was_exact(const Tcb& t, const Witness& w, SeqNum seq, bool rst) {
  if (!w.synchronized || t.config().reset_policy != ResetPolicy::rfc5961 || t.state() != State::closed) return;
  if (t.closed_by == Cause::rst) LASTACK_INVARIANT(21, rst && seq == w.rcv_nxt, "only a RST at RCV.NXT resets");
  if (kSynchronized.contains(w.state) && t.closed_by == Cause::reset_sent) {
    LASTACK_INVARIANT(24, t.reader_gone, "a SYN does not end a synchronized connection");
  }
}

}  // namespace lastack
