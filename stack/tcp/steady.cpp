#include "stack/tcp/steady.h"

#include "stack/tcb/mutation.h"

namespace lastack {

namespace {

// With SACK: nothing is reported, lost, sent again or held back, and nothing beyond SND.UNA was ever said to have
// arrived.
bool is_in_order(const SackSender& s, const Tcb& tcb) {
  if (!s.board.clean() || s.probe.in_flight || s.probe.due || s.rack.dsack_round_on) return false;
  if (s.reorder_at != Instant::max() || tcb.recovery.event == RetransmitEvent::reordering) return false;
  return !s.rack.valid || at_or_before(s.rack.fack, tcb.snd.una);
}

}  // namespace

bool is_steady(const Tcb& tcb) {
  if (tcb.state() != State::established || tcb.reader_gone || tcb.congestion.smss == 0) return false;
  const SendVariables& snd = tcb.snd;
  if (snd.urgent || snd.fin_queued || snd.probe || snd.keepalive_probe || snd.resend_one || snd.wnd == 0) return false;
  if (tcb.rcv.urgent || tcb.rcv.fin_waits || tcb.receive_queue.has_gap()) return false;
  if (tcb.ecn.agreed || tcb.user_timeout_due || tcb.duplicate_due || tcb.probes != 0) return false;
  if (tcb.path_mtu < tcb.link_mtu) return false;
  if (tcb.sack_sender && !is_in_order(*tcb.sack_sender, tcb)) return false;
  return nothing_to_repeat(tcb) && tcb.recovery.frto == FrtoStep::off && tcb.recovery.frto_new == 0;
}

bool look_at_flow(Tcb& tcb) {
  const bool found = (kMut == 0 || kMut >= kFirstOfSteady) && is_steady(tcb);
  tcb.flow = found ? Flow::steady : Flow::other;
  if (found) tcb.steady_mss = static_cast<std::uint16_t>(tcb.effective_mss());
  return found;
}

}  // namespace lastack
