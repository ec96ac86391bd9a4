#include "stack/tcp/timeouts.h"

#include <algorithm>

#include "stack/tcb/coverage.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/output.h"
#include "stack/tcp/path_mtu.h"

namespace lastack {

namespace {

//= rfc9293 3.10.8
void user_timeout(Tcb& tcb) {
  tcb.signal(Signal::timed_out);
  become_closed(tcb, Cause::user_timeout);
}

//= rfc9293 3.10.8
//= rfc9293 3.8.3 MUST-20 MUST-21 MUST-22 MUST-23 SHLD-9 SHLD-10 SHLD-11
//= rfc6298 5 5.4 5.5 5.6
//= rfc1122 4.2.3.1
//= RFC3390-1-b the loss of a SYN is remembered
void retransmission_timeout(Tcb& tcb, Instant now) {
  if (early_retransmission_event(tcb, now)) return;
  const Config& config = tcb.config();
  const bool syn = !tcb.syn_acknowledged();
  // RFC 5482: R2 does not end sooner what the two ends have agreed to wait for.
  const Duration r2 = syn ? config.r2_syn : std::max(config.r2, tcb.adopted_user_timeout);
  if (now - tcb.first_sent >= r2) return user_timeout(tcb);
  const bool first = tcb.retransmissions == 0;
  if (tcb.retransmissions != 0xff) ++tcb.retransmissions;
  if (tcb.retransmissions == config.r1) tcb.signal(Signal::soft_error);
  tcb.rtt.back_off(config);
  tcb.rtt.sent_again();
  if (syn) {
    tcb.snd.syn_due = true;
    tcb.congestion.lost_syn = true;
    newreno_timeout(tcb);
  } else {
    believe_pending_report(tcb, now);
    recover_on_timeout(tcb, now, first);
  }
  restart_retransmission_timer(tcb, now);
}

//= rfc9293 3.8.6.1 SHLD-29 SHLD-30
void persist_timeout(Tcb& tcb, Instant now) {
  const Config& config = tcb.config();
  tcb.snd.probe = true;
  if (tcb.snd.wnd != 0) {
    tcb.timers.stop(TimerKind::persist);  // the override of 3.8.6.2.1 (4), not a closed window
    return;
  }
  if (tcb.probes != 0xff) ++tcb.probes;
  const Duration interval = tcb.rtt.rto() * (std::int64_t{1} << std::min<int>(tcb.probes, 16));
  tcb.timers.arm(TimerKind::persist, now + std::min(interval, config.max_probe_interval));
}

//= rfc9293 3.8.4 MUST-24 MUST-26 MUST-29
void keepalive_timeout(Tcb& tcb, Instant now) {
  const Config& config = tcb.config();
  if (tcb.keepalive_probes >= config.keepalive_probes) return user_timeout(tcb);
  ++tcb.keepalive_probes;
  tcb.snd.keepalive_probe = true;
  tcb.timers.arm(TimerKind::keepalive, now + config.keepalive_interval);
}

//= rfc9293 3.10.8
void run(Tcb& tcb, TimerKind kind, Instant now) {
  cover(tcb.state(), timeout_event(static_cast<std::size_t>(kind)));
  switch (kind) {
    case TimerKind::retransmit: return retransmission_timeout(tcb, now);
    case TimerKind::persist: return persist_timeout(tcb, now);
    case TimerKind::time_wait: return become_closed(tcb, Cause::time_wait_timeout);
    case TimerKind::user: return user_timeout(tcb);
    case TimerKind::delayed_ack:
      tcb.timers.stop(TimerKind::delayed_ack);
      tcb.ack_due = true;
      return;
    case TimerKind::keepalive: return keepalive_timeout(tcb, now);
  }
}

}  // namespace

void run_timeouts(Tcb& tcb, Instant now) {
  // The user time-out first: it makes the others pointless.
  constexpr TimerKind kOrder[] = {TimerKind::user,    TimerKind::time_wait,   TimerKind::retransmit,
                                  TimerKind::persist, TimerKind::delayed_ack, TimerKind::keepalive};
  for (const TimerKind kind : kOrder) {
    if (tcb.state() != State::closed && tcb.timers.due(kind, now)) run(tcb, kind, now);
  }
  settle_timers(tcb, now);
}

}  // namespace lastack
