#include "stack/tcp/control.h"

namespace lastack {

namespace {

// Its state is one that ends by what this file's functions take, or has only an ACK left to send.
bool opens_or_closes(const Tcb& tcb) {
  if (tcb.state() == State::syn_received) return tcb.passive && !tcb.syn_acknowledged();
  // Our SYN may be unacknowledged still, after a CLOSE in SYN-RECEIVED: then it is not the FIN that is in flight.
  const std::uint32_t smss = tcb.congestion.smss;
  return kSynchronized.contains(tcb.state()) && tcb.syn_acknowledged() && smss != 0 && smss == tcb.effective_mss();
}

}  // namespace

bool is_quiet(const Tcb& tcb) {
  if constexpr (kMut != 0) return false;  // the faults are in the whole procedure
  if (!opens_or_closes(tcb) || tcb.send_queue.size() != 0 || tcb.flight() > 1 || tcb.fast_open) return false;
  const SendVariables& snd = tcb.snd;
  if (snd.urgent || snd.probe || snd.keepalive_probe || snd.resend_one || snd.wnd == 0) return false;
  if (tcb.rcv.urgent || tcb.rcv.fin_waits || tcb.receive_queue.has_gap()) return false;
  if (tcb.ecn.agreed || tcb.user_timeout_due || tcb.duplicate_due || tcb.probes != 0) return false;
  if (tcb.path_mtu < tcb.link_mtu || tcb.sack_sender || !nothing_to_repeat(tcb)) return false;
  if (tcb.recovery.frto != FrtoStep::off || tcb.recovery.frto_new != 0) return false;
  // Text that nobody will read may end the connection.
  if (tcb.reader_gone && tcb.receive_queue.unread() != 0) return false;
  // So that the window of a segment at RCV.NXT that acknowledges everything is always news (SND.WL1, SND.WL2).
  return !after(snd.wl1, tcb.rcv.nxt) && !after(snd.wl2, snd.nxt);
}

}  // namespace lastack
