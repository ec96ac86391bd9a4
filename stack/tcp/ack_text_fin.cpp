// 3.10.7.4, the fifth to the eighth step: ACK, URG, text, FIN; and the changes of state that follow from them.
#include <algorithm>

#include "stack/base/check.h"
#include "stack/tcb/mutation.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/ecn.h"
#include "stack/tcp/fast_open.h"
#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/output.h"

namespace lastack {

namespace {

//= rfc5961 5.2 MAY-12 U-09 U-10
bool ack_in_range(const Tcb& tcb, SeqNum ack) {
  return at_or_after(ack, tcb.snd.una - tcb.snd.max_wnd) && at_or_before(ack, tcb.snd.nxt);
}

//= rfc9293 3.10.7.4 fifth
StepResult syn_received_ack(Tcb& tcb, Arrival& in) {
  const SeqNum ack = in.segment.ack;
  const bool above = kMut == 7 ? at_or_after(ack, tcb.snd.una) : after(ack, tcb.snd.una);
  if (!above || !at_or_before(ack, tcb.snd.nxt)) {
    in.effects.reset = reset_for(in.segment);
    return Disposition{Action::reset, "3.10.7.4 fifth: an unacceptable ACK in SYN-RECEIVED"};
  }
  if (kMut == 7 && ack == tcb.snd.una) acknowledge_up_to(tcb, in.segment, in.now);
  complete_handshake(tcb, in.segment);
  return std::nullopt;
}

// RFC 5681 2: what counts as a duplicate ACK.
//= rfc5681 2
bool is_duplicate_ack(const Tcb& tcb, const Segment& seg, std::uint32_t window_before) {
  return seg.ack == tcb.snd.una && tcb.flight() != 0 && seg.len() == 0 &&
         ((tcb.sack && seg.options.sack_count != 0) || tcb.snd.wnd == window_before);
}

//= rfc9293 3.8.5 U-24 U-25
void check_urgent(Tcb& tcb, const Arrival& in) {
  const SeqNum up = in.segment.seq + in.segment.urg;
  const SeqNum consumed = tcb.rcv.nxt - tcb.receive_queue.unread();
  if (!after(up, consumed)) return;
  const bool further = !tcb.rcv.urgent || after(up, tcb.rcv.up);
  if (!further) return;
  tcb.signal(Signal::urgent);  // MUST-32: also when the pointer moves on
  tcb.rcv.up = up;
  tcb.rcv.urgent = true;
}

// 3.6.1: text arrives, and nobody is there to read it.
//= rfc9293 3.6.1 MAY-1 SHLD-3
Disposition reset_for_unread_text(Tcb& tcb, Arrival& in) {
  in.effects.reset = ResetSegment{tcb.snd.nxt, SeqNum(0), false};
  become_closed(tcb, Cause::reset_sent);
  return {Action::closed, "3.6.1: text after the application's close"};
}

//= rfc9293 3.10.7.4 first MAY-13
void schedule_ack(Tcb& tcb, bool in_order, bool gap_before, Instant now) {
  if (in_order) return acknowledge_in_order(tcb, gap_before, now);
  if (tcb.config().acknowledge_out_of_order) tcb.ack_due = true;
}

void advance_receive(Tcb& tcb, std::uint32_t octets) {
  if (octets == 0) return;
  tcb.rcv.nxt += octets;
  tcb.rcv.wnd = tcb.rcv.wnd > octets ? tcb.rcv.wnd - octets : 0;
  tcb.signal(Signal::readable);
}

// Text that came with the SYN was held until the connection is synchronized; now it counts, and this segment's may
// repeat it.
void take_held_text(Tcb& tcb, Arrival& in) {
  const std::uint32_t held = tcb.receive_queue.join(tcb.rcv.nxt);
  if (held == 0) return;
  advance_receive(tcb, held);
  schedule_ack(tcb, true, true, in.now);
  trim_to_window(tcb, in);
}

void remember_fin(Tcb& tcb, const Arrival& in) {
  if (!in.fin) return;
  // The first FIN seen beyond a gap counts, but one that is in order now counts at once: a forged one must not keep the
  // connection open.
  if (tcb.rcv.fin_waits && in.fin_seq() != tcb.rcv.nxt) return;
  tcb.rcv.fin_waits = true;
  tcb.rcv.fin_seq = kMut == 37 ? tcb.rcv.nxt : in.fin_seq();
}

}  // namespace

//= rfc9293 3.10.7.4 fifth
void complete_handshake(Tcb& tcb, const Segment& seg) {
  tcb.snd.wnd = scaled(WireWindow{seg.wnd}, seg.flags.syn() ? 0 : tcb.snd.shift);
  tcb.snd.wl1 = seg.seq;
  tcb.snd.wl2 = seg.ack;
  enter_established(tcb, Cause::ack_of_syn);
}

//= rfc9293 3.10.7.4 fifth
StepResult established_ack_processing(Tcb& tcb, const Segment& seg, Instant now) {
  if (after(seg.ack, tcb.snd.nxt) && kMut != 16) return challenge(tcb, now, "3.10.7.4 fifth: an ACK of nothing sent");
  const std::uint32_t window_before = tcb.snd.wnd;
  if (after(seg.ack, tcb.snd.una)) {
    const SeqNum edge = tcb.snd.una + tcb.snd.wnd;
    const std::uint32_t acked = acknowledge_up_to(tcb, seg, now);
    // A new ACK in an old segment says nothing new of the window. SND.WND counts from SND.UNA: the edge that was
    // offered stays.
    if (!update_send_window(tcb, seg)) tcb.snd.wnd = after(edge, tcb.snd.una) ? octets_between(tcb.snd.una, edge) : 0;
    if (acked != 0) recover_on_ack(tcb, {seg, now, acked, false});
    return std::nullopt;
  }
  if (seg.ack == tcb.snd.una) {
    update_send_window(tcb, seg);
    // While the peer answers probes, the connection lives.
    //= rfc9293 3.8.6.1 MUST-37 RFC1122-4.2.2.17-a RFC6429-4-a
    if (tcb.probes != 0) {
      tcb.timers.stop(TimerKind::user);
      tcb.first_sent = now;  // nor has R2 begun for the octet of the probe
    }
    // While our SYN is unacknowledged (FIN-WAIT-1 after a CLOSE in SYN-RECEIVED) there is no text that could be lost.
    const bool synchronized = tcb.congestion.smss != 0;
    if (synchronized) recover_on_ack(tcb, {seg, now, 0, is_duplicate_ack(tcb, seg, window_before)});
  }
  return std::nullopt;
}

bool update_send_window(Tcb& tcb, const Segment& seg) {
  //= rfc7323 2.2 2.3
  const std::uint32_t wnd = scaled(WireWindow{seg.wnd}, seg.flags.syn() && kMut != 28 ? 0 : tcb.snd.shift);
  const bool newer =
      seg.flags.syn() || before(tcb.snd.wl1, seg.seq) || (tcb.snd.wl1 == seg.seq && at_or_before(tcb.snd.wl2, seg.ack));
  if (!newer && kMut != 27) return false;
  tcb.snd.wnd = wnd;
  tcb.snd.wl1 = seg.seq;
  tcb.snd.wl2 = seg.flags.ack() ? seg.ack : tcb.snd.una;
  tcb.snd.max_wnd = std::max(tcb.snd.max_wnd, wnd);
  return true;
}

//= rfc7323 4.1
bool sample_echo(Tcb& tcb, std::uint32_t echo, std::uint32_t acked, Instant now) {
  const std::int32_t ticks = SeqNum(timestamp_value(tcb, now)) - SeqNum(echo);
  if (echo == 0 || ticks < 0) return false;
  tcb.rtt.sample_timestamp(std::chrono::milliseconds(ticks), tcb.flight() + acked, tcb.congestion.smss, tcb.config());
  return true;
}

// SND.UNA <- SEG.ACK, and what depends on it alone: queue, round-trip time, the counters of R1 and R2. Returns the
// octets of it that loss recovery and congestion control know of: the SYN is none of them (RFC 5681 3.1).
std::uint32_t acknowledge_up_to(Tcb& tcb, const Segment& seg, Instant now) {
  const Config& config = tcb.config();
  const SeqNum begin = tcb.text_begin();
  const bool syn_was_unacknowledged = !tcb.syn_acknowledged();
  const std::uint32_t acked = octets_between(tcb.snd.una, seg.ack);
  if (kMut == 16 && after(seg.ack, tcb.snd.nxt)) tcb.snd.nxt = seg.ack;
  tcb.snd.una = seg.ack;
  if (syn_was_unacknowledged && acked != 0) tcb.snd.syn_due = false;
  const std::uint32_t text = after(seg.ack, begin) ? octets_between(begin, seg.ack) : 0;
  const std::uint32_t gone = std::min(text, tcb.send_queue.size());
  //= rfc2018 8
  tcb.send_queue.discard(gone);
  tcb.send_queue.rewind();
  if (gone != 0) tcb.signal(Signal::writable);
  if (before(tcb.snd.resend, tcb.snd.una)) tcb.snd.resend = tcb.snd.una;
  if (tcb.snd.urgent && !after(tcb.snd.up, tcb.snd.una)) tcb.snd.urgent = false;
  bool sampled = tcb.ts.on && seg.options.timestamps && sample_echo(tcb, seg.options.timestamps->echo, acked, now);
  sampled = tcb.rtt.acknowledged(seg.ack, now, config) || sampled;
  if (sampled && tcb.sack_sender) tcb.sack_sender->probe.sampled = true;
  tcb.retransmissions = 0;
  tcb.first_sent = now;
  tcb.probes = 0;
  tcb.timers.stop(TimerKind::persist);
  tcb.timers.stop(TimerKind::user);
  if (!syn_was_unacknowledged) return acked;
  tcb.congestion.begin(config, tcb.effective_mss(), tcb.snd.una);
  if (tcb.congestion.lost_syn) tcb.rtt.after_syn_timeout(config);
  //= rfc6298 5.2 5.3
  if (tcb.flight() != 0) {
    restart_retransmission_timer(tcb, now);
  } else if constexpr (kMut != 40) {
    tcb.timers.stop(TimerKind::retransmit);
  }
  return acked != 0 ? acked - 1 : 0;
}

void enter_established(Tcb& tcb, Cause cause) {
  tcb.enter(State::established, cause);
  tcb.signal(Signal::connected);
  resend_text_of_syn(tcb);
  tcb.user_timeout_due = tcb.config().user_timeout_option;  // RFC 5482 3: in the first segment without SYN
  // A CLOSE that was queued in SYN-RECEIVED (3.10.4) takes effect now.
  if (tcb.snd.fin_queued) tcb.enter(State::fin_wait_1, Cause::close_call);
}

void restart_time_wait(Tcb& tcb, Instant now) { tcb.timers.arm(TimerKind::time_wait, now + 2 * tcb.config().msl); }

//= rfc9293 3.6 MUST-13
void enter_time_wait(Tcb& tcb, Cause cause, Instant now) {
  tcb.enter(State::time_wait, cause);
  tcb.timers.stop_all();
  tcb.send_queue.release();
  restart_time_wait(tcb, now);
}

void become_closed(Tcb& tcb, Cause cause) {
  // 3.10.7.4 second flushes the queues for a RST only up to CLOSE-WAIT: from CLOSING on the whole stream is there, and
  // may be read.
  constexpr StateSet kAfterBothFins{State::closing, State::last_ack, State::time_wait};
  const bool late_rst = cause == Cause::rst && kAfterBothFins.contains(tcb.state());
  tcb.enter(State::closed, cause);
  tcb.signal(Signal::closed);
  tcb.timers.stop_all();
  tcb.send_queue.release();
  // After an orderly end, text that the user has not read yet is still the user's.
  const bool orderly =
      cause == Cause::ack_of_fin || cause == Cause::time_wait_timeout || cause == Cause::syn || late_rst;
  if (!orderly || tcb.reader_gone || tcb.receive_queue.unread() == 0) tcb.receive_queue.release();
  tcb.ack_due = false;
  tcb.snd.syn_due = false;
}

//= rfc9293 3.10.7.4 fifth
StepResult fifth_check_ack(Tcb& tcb, Arrival& in) {
  const Segment& seg = in.segment;
  if (!seg.flags.ack()) return Disposition{Action::dropped, "3.10.7.4 fifth: no ACK"};
  // RFC 5961 5.2 amends the text on ESTABLISHED; in SYN-RECEIVED the stricter rule below stays.
  if (tcb.config().ack_range_check && kSynchronized.contains(tcb.state()) && !ack_in_range(tcb, seg.ack) &&
      kMut != 16) {
    return challenge(tcb, in.now, "RFC 5961 5.2: ACK out of range");
  }
  if (tcb.state() == State::syn_received) {
    if (auto end = syn_received_ack(tcb, in)) return end;
  }
  if (kEstablishedAckProcessing.contains(tcb.state())) {
    const std::uint32_t cwnd = tcb.congestion.cwnd;
    if (auto end = established_ack_processing(tcb, seg, in.now)) return end;
    if (tcb.ecn.agreed) ecn_echo_arrives(tcb, in, cwnd);
  }
  return change_state_on_ack(tcb, in.now);
}

//= rfc9293 3.10.7.4 fifth
StepResult change_state_on_ack(Tcb& tcb, Instant now) {
  switch (tcb.state()) {
    case State::established:
    case State::fin_wait_2:
    case State::close_wait: break;
    case State::fin_wait_1:
      if (tcb.fin_acknowledged() || kMut == 32) tcb.enter(State::fin_wait_2, Cause::ack_of_fin);
      break;
    case State::closing:
      if (!tcb.fin_acknowledged()) return Disposition{Action::accepted, "3.10.7.4 fifth: not the ACK of our FIN"};
      enter_time_wait(tcb, Cause::ack_of_fin, now);
      break;
    case State::last_ack:
      if (tcb.fin_acknowledged() || kMut == 34) {
        become_closed(tcb, Cause::ack_of_fin);
        return Disposition{Action::closed, "3.10.7.4 fifth: the ACK of our FIN"};
      }
      break;
    case State::time_wait:
      // "The only thing that can arrive in this state is a retransmission of the remote FIN": anything else gets no
      // ACK, or two hosts in TIME-WAIT would answer each other for ever. The FIN itself is the eighth step's.
      break;
    case State::closed:
    case State::listen:
    case State::syn_sent:
    case State::syn_received: LASTACK_CHECK(false && "3.10.7.4 fifth in a state that cannot reach it");
  }
  return std::nullopt;
}

//= rfc9293 3.10.7.4 sixth
//= rfc9293 3.8.5 MUST-31 MUST-32
void sixth_check_urg(Tcb& tcb, Arrival& in) {
  if (in.segment.flags.urg() && kReceivesText.contains(tcb.state())) check_urgent(tcb, in);
}

// Text within the window, and within what the peer's FIN ends.
void take_text(Tcb& tcb, SeqNum seq, Bytes text, bool pushed, Instant now) {
  const bool in_order = seq == tcb.rcv.nxt;
  const bool gap_before = tcb.receive_queue.has_gap();
  if (pushed) {
    tcb.rcv.pushed = true;
    tcb.rcv.push_end = seq + static_cast<std::uint32_t>(text.size());
  }
  advance_receive(tcb, tcb.receive_queue.insert(tcb.rcv.nxt, seq, text));
  if (tcb.reader_gone) [[unlikely]] {
    // Nobody will read it: it is acknowledged and forgotten.
    tcb.octets_read += tcb.receive_queue.drop_unread();
    tcb.rcv.wnd = std::max(tcb.rcv.wnd, std::min(tcb.receive_queue.room(), 0xffffU << tcb.rcv.shift));
  }
  schedule_ack(tcb, in_order, gap_before, now);
}

//= rfc9293 3.10.7.4 seventh
StepResult seventh_process_text(Tcb& tcb, Arrival& in) {
  if (!kReceivesText.contains(tcb.state())) return std::nullopt;
  take_held_text(tcb, in);
  const bool lost = tcb.reader_gone && (!in.text.empty() || tcb.receive_queue.unread() != 0);
  if (lost && tcb.config().reset_on_unread_close) return reset_for_unread_text(tcb, in);
  if (in.text.empty() && !lost) return std::nullopt;
  // Nothing comes after the FIN, whatever a segment says.
  if (tcb.rcv.fin_waits && after(in.fin_seq(), tcb.rcv.fin_seq)) {
    const std::uint32_t left = after(tcb.rcv.fin_seq, in.text_seq) ? octets_between(in.text_seq, tcb.rcv.fin_seq) : 0;
    in.text = in.text.first(left);
  }
  take_text(tcb, in.text_seq, in.text, in.segment.flags.psh(), in.now);
  return std::nullopt;
}

//= rfc9293 3.10.7.4 eighth
//= rfc9293 3.6 U-20
void eighth_check_fin(Tcb& tcb, Arrival& in) {
  switch (tcb.state()) {
    case State::close_wait:
    case State::closing:
    case State::last_ack:
      if (in.fin) tcb.ack_due = true;
      return;
    case State::time_wait:
      if (!in.fin) return;
      tcb.ack_due = true;
      if (tcb.config().time_wait_restart && kMut != 39) restart_time_wait(tcb, in.now);
      return;
    case State::closed:
    case State::listen:
    case State::syn_sent:
    case State::syn_received: return;
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2: break;
  }
  // A peer that took its FIN back (text lay beyond it) may still close: a FIN that RCV.NXT has passed is forgotten.
  if (tcb.rcv.fin_waits && after(tcb.rcv.nxt, tcb.rcv.fin_seq)) tcb.rcv.fin_waits = false;
  remember_fin(tcb, in);
  if (in.fin) tcb.ack_due = true;
  if (!tcb.rcv.fin_waits || tcb.rcv.fin_seq != tcb.rcv.nxt) return;
  take_fin(tcb, in.now);
}

//= rfc9293 3.10.7.4 eighth
void take_fin(Tcb& tcb, Instant now) {
  tcb.rcv.fin_waits = false;
  tcb.rcv.fin = true;
  if constexpr (kMut != 31) {
    tcb.rcv.nxt += 1;
    if (tcb.rcv.wnd != 0) --tcb.rcv.wnd;
  }
  tcb.receive_queue.forget_out_of_order();
  tcb.signal(Signal::peer_closed);
  tcb.ack_due = true;
  if (tcb.state() == State::established) {
    tcb.enter(State::close_wait, Cause::fin);
  } else if (tcb.state() == State::fin_wait_2) {
    enter_time_wait(tcb, Cause::fin, now);
  } else {
    // FIN-WAIT-1 here means that our FIN is not acknowledged: the fifth step would have moved on.
    tcb.enter(State::closing, Cause::fin);
  }
}

}  // namespace lastack
