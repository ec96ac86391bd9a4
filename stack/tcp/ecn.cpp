#include "stack/tcp/ecn.h"

#include <algorithm>

#include "stack/tcp/arrival.h"
#include "stack/tcp/loss_recovery.h"

namespace lastack {

//= rfc3168 6.1.1 RFC3168-6.1.1-a RFC3168-6.1.1-b
//= RFC3168-6.1.1.1-a a SYN that got no answer is sent again without the two flags
Flags ecn_setup_flags(Tcb& tcb) {
  const bool first_syn = tcb.state() == State::syn_sent;
  const bool fallen_back = first_syn && tcb.retransmissions != 0 && tcb.config().ecn_fallback;
  if (first_syn ? !tcb.config().ecn || fallen_back : !tcb.ecn.agreed) {
    tcb.ecn.plain = tcb.ecn.asked;
    return {};
  }
  tcb.ecn.asked = true;
  return first_syn ? kEce | kCwr : kEce;
}

// A reflection of our own flags (ECE and CWR in a SYN,ACK) is no agreement, nor is a SYN with one of them.
//= rfc9293 3.8.2 SHLD-8
//= rfc3168 6.1.1 6.1.1.2 RFC3168-6.1.1-e
void ecn_negotiate(Tcb& tcb, const Segment& syn) {
  const bool setup = syn.flags.ack() ? syn.flags.ece() && !syn.flags.cwr() : syn.flags.ece() && syn.flags.cwr();
  const bool willing = tcb.config().ecn && (tcb.ecn.asked || !syn.flags.ack());
  // A SYN that comes again may only take the agreement back (6.1.1.1: the peer has fallen back).
  const bool again = tcb.state() == State::syn_received;
  tcb.ecn.agreed = setup && willing && (!again || tcb.ecn.agreed);
}

//= rfc3168 6.1.3 RFC3168-6.1.3-a
//= RFC3168-6.1.5-b CE outside the window is no sign of anything
//= RFC3168-6.1.6-b CE on a window probe counts
void ecn_receive(Tcb& tcb, const Arrival& in) {
  if (!tcb.ecn.agreed) return;
  const Segment& seg = in.segment;
  if (seg.flags.cwr() && !seg.flags.syn()) tcb.ecn.echo = false;
  const bool probe = tcb.rcv.wnd == 0 && seg.seq == tcb.rcv.nxt;
  if (in.ecn == kCe && !seg.payload.empty() && (!in.text.empty() || probe)) tcb.ecn.echo = true;
}

//= rfc3168 6.1.2 RFC3168-6.1.2-a RFC3168-6.1.2-c
void ecn_echo_arrives(Tcb& tcb, const Arrival& in, std::uint32_t cwnd) {
  if (!tcb.ecn.sends() || !in.segment.flags.ece() || in.segment.flags.syn() || tcb.congestion.smss == 0) return;
  // "SHOULD NOT increase the congestion window in response to the receipt of an ECN-Echo ACK packet."
  tcb.congestion.cwnd = std::min(tcb.congestion.cwnd, cwnd);
  if (!after(tcb.snd.una, tcb.ecn.reduced_at)) return;
  const bool was_least = cwnd <= tcb.congestion.smss;
  // A window that a loss has reduced already is not reduced again.
  const Recovery& r = tcb.recovery;
  if (r.phase == RecoveryPhase::fast || (r.point_valid && !after(tcb.snd.una, r.point))) return;
  tcb.congestion.on_congestion_echo(tcb.flight());
  tcb.ecn.reduced_at = tcb.snd.nxt;
  tcb.ecn.cwr_due = true;
  if (!was_least) return;
  tcb.ecn.hold_until = in.now + tcb.rtt.rto();
  if (tcb.flight() != 0) restart_retransmission_timer(tcb, in.now);
}

//= rfc3168 6.1.2 RFC3168-6.1.1-d RFC3168-6.1.2-b RFC3168-6.1.5-a
//= RFC3168-6.1.4-a RFC3168-6.1.6-a only new text is marked
void ecn_mark_new_text(Tcb& tcb, Outgoing& out) {
  if (!tcb.ecn.sends()) return;
  out.ecn = kEct0;
  if (!tcb.ecn.cwr_due) return;
  tcb.ecn.cwr_due = false;
  out.segment.flags = out.segment.flags | kCwr;
}

}  // namespace lastack
