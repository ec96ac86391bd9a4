#include "stack/tcp/steady.h"

#include "stack/tcb/mutation.h"

namespace lastack {

bool is_steady(const Tcb& tcb) {
  if (tcb.state() != State::established || tcb.reader_gone || tcb.congestion.smss == 0) return false;
  const SendVariables& snd = tcb.snd;
  if (snd.urgent || snd.fin_queued || snd.probe || snd.keepalive_probe || snd.resend_one || snd.wnd == 0) return false;
  if (tcb.rcv.urgent || tcb.rcv.fin_waits || tcb.receive_queue.has_gap()) return false;
  if (tcb.ecn.agreed || tcb.user_timeout_due || tcb.duplicate_due || tcb.probes != 0) return false;
  if (tcb.path_mtu < tcb.link_mtu) return false;
  return nothing_to_repeat(tcb) && tcb.recovery.frto == FrtoStep::off && tcb.recovery.frto_new == 0;
}

bool look_at_flow(Tcb& tcb) {
  // The faults are in the whole procedure.
  const bool found = kMut == 0 && is_steady(tcb);
  tcb.flow = found ? Flow::steady : Flow::other;
  if (found) tcb.steady_mss = static_cast<std::uint16_t>(tcb.effective_mss());
  return found;
}

}  // namespace lastack
