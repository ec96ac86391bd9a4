// What turns out to have been in vain: the time-out that F-RTO shows to be spurious (RFC 5682) with the response of RFC
// 4015, and the recovery whose every retransmission comes back as a duplicate (RFC 2883 4, RFC 9438 4.9).
#include <algorithm>

#include "stack/tcp/loss_recovery.h"

namespace lastack {

namespace {

// The time-out was right, or nothing can show that it was not: what was sent before it is sent again.
void conventional(Tcb& tcb, Instant now) {
  Recovery& r = tcb.recovery;
  const bool was_paused = r.frto == FrtoStep::second_ack;
  r.frto = FrtoStep::off;
  r.frto_new = 0;
  if (!tcb.sack_sender) {
    if (was_paused) tcb.snd.resend = tcb.text_begin();
    return;
  }
  SackSender& s = *tcb.sack_sender;
  const bool rack = tcb.config().loss_detection == LossDetection::rack;
  const Duration waits = s.rack.rtt + rack_reordering_window(tcb);
  for (std::size_t i = 0; i < s.board.size() && before(s.board[i].begin, r.point); ++i) {
    const SendRecord& record = s.board[i];
    //= RFC8985-6.3-a what left only just is left to RACK
    const bool old_enough = !rack || record.sent + waits <= now;
    if (!record.sacked && !record.resent && !record.lost && old_enough) s.board.mark_lost(i);
  }
}

// RFC 5682 step 3 b and RFC 4015 3.1 (8) to (11).
//= RFC4015-3-a
void spurious_timeout(Tcb& tcb, const AckNews& news) {
  Recovery& r = tcb.recovery;
  Congestion& c = tcb.congestion;
  r.frto = FrtoStep::off;
  r.frto_new = 0;
  r.phase = RecoveryPhase::open;
  r.point = tcb.snd.una;
  r.send_one = false;
  c.cwnd = tcb.flight() + std::min(news.acked, Congestion::initial_window(tcb.config(), c.smss, false));
  c.ssthresh = r.pipe_prev;
  tcb.rtt.distrust_short_samples();
  if (tcb.sack_sender) {
    c.cubic = tcb.sack_sender->undo.before.cubic;
    c.cubic.last_ack = news.now;
    tcb.sack_sender->undo.possible = false;
    tcb.sack_sender->board.unmark_lost();
  } else {
    tcb.snd.resend = tcb.snd.nxt;
  }
}

bool new_text_may_leave(const Tcb& tcb) { return before(tcb.snd.nxt, tcb.text_end()) && tcb.snd.wnd > tcb.flight(); }

}  // namespace

// Not within an earlier recovery, but again for the same segment (RFC 5682 2.1 and 3.1 step 1).
bool frto_begins(const Tcb& tcb) {
  const Recovery& r = tcb.recovery;
  if (!tcb.config().frto || !kTransmitsText.contains(tcb.state())) return false;
  return r.phase == RecoveryPhase::open || (r.phase == RecoveryPhase::timeout && r.frto == FrtoStep::first_ack);
}

//= rfc5682 2.1
void frto_start(Tcb& tcb) {
  Recovery& r = tcb.recovery;
  r.frto = FrtoStep::first_ack;
  r.frto_end = earlier_of(tcb.snd.nxt, tcb.text_begin() + tcb.congestion.smss);
}

//= rfc5682 2.1 3.1
//= RFC5682-2.1-a
bool frto_ack(Tcb& tcb, const AckNews& news, std::uint32_t reported, bool beyond_point) {
  Recovery& r = tcb.recovery;
  const bool with_sack = tcb.sack_sender != nullptr;
  if (r.frto == FrtoStep::first_ack) {
    if (news.acked == 0) {
      // With SACK, reports are recorded and the wait goes on.
      if (!with_sack) conventional(tcb, news.now);
      return false;
    }
    const bool covers_all = at_or_after(tcb.snd.una, r.point);
    r.point = tcb.snd.nxt;
    const bool in_part = before(tcb.snd.una, r.frto_end);
    if (covers_all || in_part || !new_text_may_leave(tcb)) {
      conventional(tcb, news.now);
      return false;
    }
    r.frto = FrtoStep::second_ack;
    r.frto_new = 2;
    if (!with_sack) tcb.snd.resend = tcb.snd.nxt;
    return false;
  }
  const bool new_information = news.acked != 0 || reported != 0;
  if (!new_information && !news.duplicate) return false;
  if (new_information && !(with_sack && beyond_point)) {
    spurious_timeout(tcb, news);
    return true;
  }
  tcb.congestion.cwnd = std::min(tcb.congestion.cwnd, 3 * tcb.congestion.smss);
  conventional(tcb, news.now);
  return false;
}

// One retransmission less that may have been needed. When none is left, nothing was lost.
//= rfc2883 4
//= rfc9438 4.9
void see_duplicate_report(Tcb& tcb, SeqNum left, SeqNum right) {
  SackSender& s = *tcb.sack_sender;
  Undo& undo = s.undo;
  if (!undo.possible || !undo.resent || before(left, undo.from) || after(right, undo.resent_end)) return;
  undo.outstanding -= std::min(undo.outstanding, octets_between(left, right));
  if (undo.outstanding != 0) return;
  undo.possible = false;
  tcb.congestion.restore(undo.before);
  if (tcb.recovery.phase == RecoveryPhase::open) return;
  tcb.recovery.phase = RecoveryPhase::open;
  tcb.recovery.frto = FrtoStep::off;
  tcb.recovery.send_one = false;
  s.board.unmark_lost();
}

}  // namespace lastack
