// Loss recovery without SACK: fast retransmit and fast recovery of RFC 5681 with the partial ACKs of RFC 6582, and
// going back to SND.UNA after a time-out.
#include <algorithm>

#include "stack/tcb/mutation.h"
#include "stack/tcp/loss_recovery.h"

namespace lastack {

namespace {

//= rfc6582 3.2
void partial_or_full_ack(Tcb& tcb, const AckNews& news) {
  Congestion& c = tcb.congestion;
  Recovery& r = tcb.recovery;
  if (at_or_after(tcb.snd.una, r.point)) {
    c.cwnd = std::min(c.ssthresh, std::max(tcb.flight(), c.smss) + c.smss);
    r.phase = RecoveryPhase::open;
    return;
  }
  c.cwnd = c.cwnd > news.acked ? c.cwnd - news.acked : c.smss;
  if (news.acked >= c.smss) c.cwnd += c.smss;
  tcb.snd.resend_one = true;
}

//= rfc5681 3.2
//= rfc6582 3.2
void third_duplicate(Tcb& tcb) {
  Congestion& c = tcb.congestion;
  Recovery& r = tcb.recovery;
  // Duplicates of a window that was already repaired do not start it again.
  if (r.point_valid && !after(tcb.snd.una, r.point)) return;
  c.reduce(CongestionEvent::loss, std::min(r.flight_at_first, tcb.flight()));
  c.cwnd = c.ssthresh + 3 * c.smss;
  r.point = tcb.snd.nxt;
  r.point_valid = true;
  r.phase = RecoveryPhase::fast;
  r.partial_ack_seen = false;
  tcb.snd.resend_one = true;
  tcb.ecn.cwr_due = true;
}

}  // namespace

void newreno_ack(Tcb& tcb, const AckNews& news) {
  Congestion& c = tcb.congestion;
  Recovery& r = tcb.recovery;
  if (news.acked == 0) {
    if (!news.duplicate) return;
    if (r.frto != FrtoStep::off) frto_ack(tcb, news, 0, false);
    if (r.duplicate_acks++ == 0) r.flight_at_first = tcb.flight();
    if (r.phase == RecoveryPhase::fast) {
      //= RFC5681-3.2-i no more duplicates than segments in flight can have caused
      if (r.duplicate_acks <= tcb.flight() / c.smss + 1) c.cwnd += c.smss;
    } else if (r.duplicate_acks == 3) {
      third_duplicate(tcb);
    }
    return;
  }
  r.duplicate_acks = 0;
  bool restart = true;
  if (r.phase == RecoveryPhase::fast) {
    partial_or_full_ack(tcb, news);
    //= RFC6582-3.2-e
    restart = r.phase == RecoveryPhase::open || !r.partial_ack_seen;
    r.partial_ack_seen = true;
  } else {
    const bool undone = r.frto != FrtoStep::off && frto_ack(tcb, news, 0, false);
    if (!undone) c.acknowledged(tcb.snd.una, {news.acked, news.now, tcb.rtt.srtt()});
    if (r.phase == RecoveryPhase::timeout && at_or_after(tcb.snd.una, r.point)) r.phase = RecoveryPhase::open;
  }
  //= rfc6298 5.2 5.3
  if (tcb.flight() != 0) {
    if (restart || !tcb.timers.armed(TimerKind::retransmit)) restart_retransmission_timer(tcb, news.now);
  } else if constexpr (kMut != 40) {
    tcb.timers.stop(TimerKind::retransmit);
  }
}

void newreno_timeout(Tcb& tcb) {
  tcb.snd.resend_one = false;
  tcb.snd.resend = tcb.text_begin();
}

}  // namespace lastack
