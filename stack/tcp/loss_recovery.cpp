#include "stack/tcp/loss_recovery.h"

#include <algorithm>

namespace lastack {

namespace {

//= RFC8985-4-a without SACK there is nothing that RACK could work with
void begin_scoreboard(Tcb& tcb, Instant now) {
  tcb.sack_sender = std::make_unique<SackSender>();
  // The handshake's round trip is the first that RACK can go by (RFC 8985 6.2 step 1).
  if (tcb.rtt.measured()) tcb.sack_sender->rack.min_rtt.add(tcb.rtt.srtt(), now);
}

}  // namespace

void recover_on_ack(Tcb& tcb, const AckNews& news) {
  if (tcb.sack_sender) {
    sack_ack(tcb, news);
  } else {
    newreno_ack(tcb, news);
  }
  Recovery& r = tcb.recovery;
  // A point far behind would come to lie ahead when the numbers wrap (RFC 6582 6).
  if (r.point_valid && after(tcb.snd.una, r.point)) r.point_valid = false;
}

//= rfc5681 3.1
//= rfc6582 3.2
//= RFC6675-5.1-a
void recover_on_timeout(Tcb& tcb, Instant now, bool first) {
  Recovery& r = tcb.recovery;
  const bool frto = frto_begins(tcb);
  if (r.phase == RecoveryPhase::open) {
    r.pipe_prev = std::max(tcb.flight(), tcb.congestion.ssthresh);
    tcb.rtt.remember();
    if (tcb.sack_sender) tcb.sack_sender->undo.begin(tcb.config().undo, tcb.snd.una, tcb.congestion.remember());
  }
  tcb.congestion.on_timeout(tcb.flight(), first);
  tcb.ecn.cwr_due = true;
  r.phase = RecoveryPhase::timeout;
  r.point = tcb.snd.nxt;
  r.point_valid = true;
  r.duplicate_acks = 0;
  r.frto = FrtoStep::off;
  r.frto_new = 0;
  if (tcb.sack_sender) {
    sack_timeout(tcb, now, frto);
  } else {
    newreno_timeout(tcb);
  }
  if (frto) frto_start(tcb);
}

void note_text_sent(Tcb& tcb, SeqNum seq, SeqNum end, Instant now, bool again) {
  Recovery& r = tcb.recovery;
  if (!again) {
    tcb.congestion.sent(tcb.flight(), end);
    if (r.frto_new != 0) [[unlikely]]
      --r.frto_new;
    const bool begins = !tcb.sack_sender && tcb.sack && tcb.config().loss_detection != LossDetection::newreno;
    if (begins && !(tcb.snd.fin_queued && seq == tcb.fin_number())) begin_scoreboard(tcb, now);
  }
  // 3.8.6.1: what goes into a closed window is a probe, and the persist timer's.
  const bool timed = tcb.snd.wnd != 0 || !tcb.syn_acknowledged();
  if (timed) tcb.timers.stop(TimerKind::persist);
  if (!tcb.sack_sender) {
    if (timed && !tcb.timers.armed(TimerKind::retransmit)) restart_retransmission_timer(tcb, now);
    return;
  }
  SackSender& s = *tcb.sack_sender;
  const std::uint32_t octets = octets_between(seq, end);
  if (again) {
    if (!s.rescuing) s.board.sent_again(seq, end, now);
    s.rescuing = false;
    if (r.phase != RecoveryPhase::open) {
      s.undo.outstanding += octets;
      s.undo.resent_end = s.undo.resent ? later_of(s.undo.resent_end, end) : end;
      s.undo.resent = true;
    }
  } else {
    // What left before there was a scoreboard (text of a SYN) joins the first record.
    const bool joins = s.board.empty() && seq != tcb.text_begin();
    s.board.sent(s.board.empty() ? tcb.text_begin() : seq, end, now);
    if (joins && before(tcb.snd.resend, seq)) s.board.mark_front_lost(seq);
  }
  if (r.phase == RecoveryPhase::fast) s.prr.out += octets;
  if (!timed) return;
  if (!tcb.timers.armed(TimerKind::retransmit)) {
    restart_retransmission_timer(tcb, now);
  } else if (!again) {
    schedule_retransmission_timer(tcb, now);
  }
}

void resend_everything(Tcb& tcb) {
  if (tcb.sack_sender) {
    tcb.sack_sender->board.mark_all_lost(true);
  } else {
    tcb.snd.resend = tcb.text_begin();
  }
}

//= rfc6298 5.1 5.3
void restart_retransmission_timer(Tcb& tcb, Instant now) {
  tcb.recovery.rto_at = now + tcb.rtt.rto();
  schedule_retransmission_timer(tcb, now);
}

//= rfc8985 8
void schedule_retransmission_timer(Tcb& tcb, Instant now) {
  Recovery& r = tcb.recovery;
  r.event = RetransmitEvent::timeout;
  Instant at = r.rto_at;
  if (tcb.sack_sender) {
    if (tcb.sack_sender->reorder_at < at) [[unlikely]] {
      r.event = RetransmitEvent::reordering;
      at = tcb.sack_sender->reorder_at;
    } else if (wants_loss_probe(tcb)) {
      r.event = RetransmitEvent::loss_probe;
      at = std::min(at, loss_probe_time(tcb, now));
    }
  }
  tcb.timers.arm(TimerKind::retransmit, at);
}

bool early_retransmission_event(Tcb& tcb, Instant now) {
  Recovery& r = tcb.recovery;
  const RetransmitEvent event = r.event;
  if (event == RetransmitEvent::timeout) return false;
  if (event == RetransmitEvent::loss_probe) {
    loss_probe_timeout(tcb);
    //= RFC8985-7.3-c the time-out comes next, not another probe
    r.event = RetransmitEvent::timeout;
    r.rto_at = now + tcb.rtt.rto();
    tcb.timers.arm(TimerKind::retransmit, r.rto_at);
    return true;
  }
  //= RFC8985-6.2-b
  if (rack_detect_loss(tcb, now) && r.phase == RecoveryPhase::open) enter_fast_recovery(tcb);
  r.rto_at = std::max(r.rto_at, now + Duration(std::chrono::milliseconds(1)));
  schedule_retransmission_timer(tcb, now);
  return true;
}

//= rfc5681 2 3
std::uint32_t congestion_room(const Tcb& tcb) {
  const Congestion& c = tcb.congestion;
  const Recovery& r = tcb.recovery;
  const bool handshake = c.smss == 0;  // a FIN of SYN-RECEIVED has no congestion window to fit yet
  if (handshake || tcb.config().congestion == CongestionControl::none) return 0xffff'ffffU;
  std::uint32_t cwnd = c.cwnd;
  std::uint32_t used = tcb.flight();
  if (tcb.sack_sender) {
    //= RFC6675-4-a
    //= rfc6675 5
    // What was reported has left the network, so that the first reports release new text (RFC 3042 for SACK).
    if (tcb.config().limited_transmit || r.phase != RecoveryPhase::open) used = tcb.sack_sender->board.pipe();
  } else if (tcb.config().limited_transmit && r.phase != RecoveryPhase::fast) {
    //= rfc3042 2
    cwnd += std::min(r.duplicate_acks, 2U) * c.smss;
  }
  return cwnd > used ? cwnd - used : 0;
}

}  // namespace lastack
