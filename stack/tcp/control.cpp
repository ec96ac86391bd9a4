#include "stack/tcp/control.h"

#include "stack/base/check.h"
#include "stack/tcb/coverage.h"
#include "stack/tcb/mutation.h"
#include "stack/tcp/accounts.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/output.h"
#include "stack/tcp/segment_arrives.h"
#include "stack/tcp/send_limits.h"

namespace lastack {

namespace {

// Whether a segment that acknowledges everything sent, with this FIN or without, takes the connection on from its
// state. `new_ack`: something was in flight, which can only be our SYN or FIN.
bool moves_on(const Tcb& tcb, bool new_ack, bool fin) {
  switch (tcb.state()) {
    case State::syn_received: return tcb.passive && new_ack && !fin && !tcb.fast_open;
    case State::established:
    case State::fin_wait_2: return fin && !new_ack;
    case State::fin_wait_1: return tcb.syn_acknowledged() && (new_ack || fin);
    case State::closing:  // perhaps after a CLOSE in SYN-RECEIVED: then it is not the FIN that is in flight
    case State::last_ack: return tcb.syn_acknowledged() && new_ack && !fin;
    case State::closed:
    case State::listen:
    case State::syn_sent:
    case State::close_wait:
    case State::time_wait: return false;
  }
  return false;
}

}  // namespace

bool is_control(const Tcb& tcb, const CommonSegment& seg, Instant now) {
  if constexpr (kMut != 0) return false;  // the faults are in the whole procedure
  if (!seg.text().empty() || seg.seq() != tcb.rcv.nxt || seg.ack() != tcb.snd.nxt) return false;
  if (tcb.flight() > 1 || tcb.send_queue.size() != 0 || tcb.receive_queue.has_gap()) return false;
  if (seg.wnd() == 0 || tcb.snd.wnd == 0 || tcb.rcv.wnd == 0 || tcb.probes != 0 || tcb.sack_sender) return false;
  if (tcb.ecn.agreed || tcb.snd.urgent || tcb.rcv.fin_waits || tcb.duplicate_due) return false;
  if (tcb.recovery.phase != RecoveryPhase::open || tcb.recovery.frto != FrtoStep::off) return false;
  // As update_send_window has it: nothing older than what the window comes from.
  if (after(tcb.snd.wl1, seg.seq()) || (tcb.snd.wl1 == seg.seq() && after(tcb.snd.wl2, seg.ack()))) return false;
  if (seg.is_stamped() != tcb.ts.on || (tcb.ts.on && older_than_recent(tcb, seg.stamp().value, now))) return false;
  // Text that nobody will read may end the connection.
  if (tcb.reader_gone && tcb.receive_queue.unread() != 0) return false;
  return moves_on(tcb, tcb.flight() != 0, seg.flags().fin());
}

namespace {

// acknowledge_up_to and what follows it, of our SYN or FIN alone.
void take_ack_of_control(Tcb& tcb, const CommonSegment& seg, Instant now) {
  const bool syn = !tcb.syn_acknowledged();
  tcb.snd.una = tcb.snd.resend = tcb.snd.nxt;
  tcb.snd.syn_due = false;
  tcb.send_queue.rewind();
  if (tcb.ts.on) sample_echo(tcb, seg.stamp().echo, 1, now);
  (void)tcb.rtt.acknowledged(tcb.snd.una, now, tcb.config());
  tcb.retransmissions = 0;
  tcb.first_sent = now;
  if (syn) {
    tcb.congestion.begin(tcb.config(), tcb.effective_mss(), tcb.snd.una);
    if (tcb.congestion.lost_syn) tcb.rtt.after_syn_timeout(tcb.config());
    return;
  }
  Recovery& r = tcb.recovery;
  r.duplicate_acks = 0;
  tcb.congestion.acknowledged(tcb.snd.una, {1, now, tcb.rtt.srtt()});
  if (r.point_valid && after(tcb.snd.una, r.point)) r.point_valid = false;
}

}  // namespace

Disposition take_control(Tcb& tcb, const CommonSegment& seg, Instant now) {
  const bool fin = seg.flags().fin();
  cover(tcb.state(), segment_event(fin ? SegmentClass::fin_ack : SegmentClass::ack, Placement::in_window));
  tcb.last_received = now;
  tcb.keepalive_probes = 0;
  if (tcb.ts.on && !after(seg.seq(), tcb.rcv.last_ack_sent)) {
    tcb.ts.recent = seg.stamp().value;
    tcb.ts.recent_at = now;
  }
  tcb.snd.wnd = scaled(WireWindow{seg.wnd()}, tcb.snd.shift);
  tcb.snd.wl1 = seg.seq();
  tcb.snd.wl2 = seg.ack();
  tcb.snd.max_wnd = std::max(tcb.snd.max_wnd, tcb.snd.wnd);
  if (tcb.state() == State::syn_received) enter_established(tcb, Cause::ack_of_syn);
  if (tcb.flight() != 0) take_ack_of_control(tcb, seg, now);
  if (tcb.state() == State::last_ack) {
    become_closed(tcb, Cause::ack_of_fin);
    return {Action::closed, "3.10.7.4 fifth: the ACK of our FIN"};
  }
  if (tcb.state() == State::closing) {
    enter_time_wait(tcb, Cause::ack_of_fin, now);
  } else if (tcb.state() == State::fin_wait_1 && tcb.fin_acknowledged()) {
    tcb.enter(State::fin_wait_2, Cause::ack_of_fin);
  }
  if (fin) take_fin(tcb, now);
  settle_timers(tcb, now);
  return {Action::accepted, "3.10.7.4"};
}

namespace {

// note_sent of a FIN behind which nothing is in flight.
void note_fin_sent(Tcb& tcb, Instant now) {
  const SeqNum end = tcb.snd.nxt + 1;
  tcb.first_sent = tcb.last_sent = now;
  tcb.retransmissions = 0;
  tcb.congestion.resume(now);
  tcb.rtt.sent_first(end, now);
  tcb.snd.nxt = tcb.snd.resend = end;
  tcb.congestion.sent(1, end);
  tcb.timers.stop(TimerKind::persist);
  if (!tcb.timers.armed(TimerKind::retransmit)) restart_retransmission_timer(tcb, now);
}

}  // namespace

Written write_control(Tcb& tcb, Instant now, MutableBytes out, Checksums checksums) {
  if (kMut != 0 || !sends_only_expected(tcb)) return {};
  const bool fin = tcb.snd.fin_queued && !tcb.fin_sent();
  if (fin ? !fin_sendable(tcb) : !tcb.ack_due) return {0, !fin};
  if (fin) restart_after_idling(tcb, now);
  if (fin && tcb.state() == State::close_wait) tcb.enter(State::last_ack, Cause::close_call);
  CommonHeaders headers = next_headers(tcb, now);
  if (fin) headers.flags = kFin | kAck;
  const std::size_t size = write_common(out, tcb.local, tcb.remote, headers, {}, checksums);
  LASTACK_CHECK(size != 0);
  if (fin) tcb.sack_sender ? note_sent(tcb, tcb.snd.nxt, tcb.snd.nxt + 1, now) : note_fin_sent(tcb, now);
  return {size, true};
}

}  // namespace lastack
