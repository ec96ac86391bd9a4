// After any input: which timers run. What happens when one is due is in timeouts.cpp.
#include "stack/tcb/mutation.h"
#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/output.h"
#include "stack/tcp/send_limits.h"
#include "stack/tcp/user_timeout.h"

namespace lastack {

namespace {

void settle_persist(Tcb& tcb, Instant now) {
  if (window_is_closed(tcb)) {
    tcb.timers.stop(TimerKind::retransmit);
    if constexpr (kMut == 22) return;
    if (!tcb.timers.armed(TimerKind::persist)) {
      tcb.probes = 0;
      tcb.timers.arm(TimerKind::persist, now + tcb.rtt.rto());
    }
    return;
  }
  if (tcb.probes != 0) {
    // The window is open again; what the probes carried was perhaps refused.
    tcb.probes = 0;
    tcb.timers.stop(TimerKind::persist);
    resend_everything(tcb);
  }
  const bool waiting = kTransmitsText.contains(tcb.state()) && tcb.flight() == 0 && before(tcb.snd.nxt, tcb.text_end());
  const bool held = now < tcb.ecn.hold_until;
  if (waiting && (held || !tcb.snd.probe) && sendable(tcb, now) == 0) {
    const Instant next = held ? tcb.ecn.hold_until : now + tcb.config().sws_override;
    if (held || !tcb.timers.armed(TimerKind::persist)) tcb.timers.arm(TimerKind::persist, next);
  } else {
    tcb.timers.stop(TimerKind::persist);
  }
}

void settle_keepalive(Tcb& tcb) {
  const Config& config = tcb.config();
  constexpr StateSet kProbed{State::established, State::close_wait, State::fin_wait_2};
  if (!config.keepalive || !kProbed.contains(tcb.state()) || tcb.flight() != 0) {
    tcb.timers.stop(TimerKind::keepalive);
  } else if (tcb.keepalive_probes == 0) {
    tcb.timers.arm(TimerKind::keepalive, tcb.last_received + config.keepalive_idle);
  }
}

[[gnu::noinline]] void settle_each(Tcb& tcb, Instant now) {
  settle_persist(tcb, now);
  settle_keepalive(tcb);
  const bool outstanding = tcb.flight() != 0;
  if (!outstanding) {
    if (kMut != 40) tcb.timers.stop(TimerKind::retransmit);
  } else if (!window_is_closed(tcb) && !tcb.timers.armed(TimerKind::retransmit)) {
    restart_retransmission_timer(tcb, now);
  }
  const Duration limit = user_timeout_of(tcb);
  const bool unsent = before(tcb.snd.nxt, tcb.text_end());
  if (limit == Duration(0) || (!outstanding && !unsent)) {
    tcb.timers.stop(TimerKind::user);
  } else if (!tcb.timers.armed(TimerKind::user)) {
    tcb.timers.arm(TimerKind::user, now + limit);
  }
}

// Nothing on its way, and nothing to send but a FIN that finds room: then settle_each would only stop timers.
bool is_quiet(const Tcb& tcb) {
  if (kMut != 0 || tcb.snd.una != tcb.snd.nxt || tcb.probes != 0 || tcb.config().keepalive) return false;
  return tcb.send_queue.size() == 0 && (!tcb.snd.fin_queued || tcb.fin_sent() || tcb.snd.wnd != 0);
}

}  // namespace

void settle_timers(Tcb& tcb, Instant now) {
  constexpr StateSet kWithout{State::closed, State::listen, State::time_wait};
  if (kWithout.contains(tcb.state())) return;
  is_quiet(tcb) ? stop_timers_of_sender(tcb) : settle_each(tcb, now);
}

}  // namespace lastack
