// 3.10.7.3 SYN-SENT: what may answer our SYN.
#include "stack/tcb/mutation.h"
#include "stack/tcp/arrival.h"

namespace lastack {

void synchronize(Tcb& tcb, const Segment& seg, Instant now) {
  tcb.rcv.irs = seg.seq;
  tcb.rcv.nxt = seg.seq + 1;
  negotiate(tcb, seg, now);
}

namespace {

//= rfc9293 3.10.7.3 first
//= rfc9293 3.5.2 U-15 RFC1337-2.4-a
StepResult check_ack(const Tcb& tcb, Arrival& in) {
  const Segment& seg = in.segment;
  if (!seg.flags.ack()) return std::nullopt;
  const bool covers_syn = kMut == 3 ? at_or_after(seg.ack, tcb.snd.iss) : after(seg.ack, tcb.snd.iss);
  if (covers_syn && at_or_before(seg.ack, tcb.snd.nxt)) return std::nullopt;
  if (kMut == 6 || seg.flags.rst())
    return Disposition{Action::dropped, "3.10.7.3 first: a RST with an unacceptable ACK"};
  in.effects.reset = reset_for(seg);
  return Disposition{Action::reset, "3.10.7.3 first: an unacceptable ACK"};
}

// Erratum 8167 removes the check of SEG.SEQ: there is no RCV.NXT yet.
//= rfc9293 3.10.7.3 second
StepResult check_rst(Tcb& tcb, const Arrival& in) {
  if (!in.segment.flags.rst()) return std::nullopt;
  if (!in.segment.flags.ack() && kMut != 4)
    return Disposition{Action::dropped, "3.10.7.3 second: a RST without an ACK"};
  // The text says "connection reset"; a user of sockets knows it as "refused".
  tcb.signal(Signal::reset);
  tcb.signal(Signal::refused);
  become_closed(tcb, Cause::rst);
  return Disposition{Action::closed, "3.10.7.3 second"};
}

//= rfc9293 3.10.7.3 fourth
//= rfc9293 3.5 MUST-10
Disposition simultaneous_open(Tcb& tcb, Arrival& in) {
  synchronize(tcb, in.segment, in.now);
  update_send_window(tcb, in.segment);
  tcb.enter(State::syn_received, Cause::syn);
  tcb.snd.syn_due = true;
  hold_text_of_syn(tcb, in);
  return {Action::accepted, "3.10.7.3 fourth: simultaneous open"};
}

//= rfc9293 3.10.7.3 fourth U-03
//= rfc1122 4.2.2.20
Disposition connection_established(Tcb& tcb, Arrival& in) {
  synchronize(tcb, in.segment, in.now);
  acknowledge_up_to(tcb, in.segment, in.now);
  // 3.10.7.3 prints these assignments only for SYN-RECEIVED; RFC 1122 4.2.2.20 (c) wants them here too.
  update_send_window(tcb, in.segment);
  enter_established(tcb, Cause::syn_ack);
  tcb.ack_due = true;
  in.text = in.text.first(std::min<std::size_t>(in.text.size(), tcb.rcv.wnd));
  if (in.text.size() < in.segment.payload.size() || tcb.rcv.wnd == in.text.size()) in.fin = false;
  sixth_check_urg(tcb, in);
  if (auto end = seventh_process_text(tcb, in)) return *end;
  eighth_check_fin(tcb, in);
  return {Action::accepted, "3.10.7.3 fourth"};
}

}  // namespace

//= rfc9293 3.10.7.3
//= rfc9293 3.10.7.3 third
//= rfc9293 3.10.7.3 fifth
Disposition syn_sent_segment_arrives(Tcb& tcb, Arrival& in) {
  if (auto end = check_ack(tcb, in)) return *end;
  if (auto end = check_rst(tcb, in)) return *end;
  if constexpr (kMut == 5) {
    if (in.segment.flags.fin() && !in.segment.flags.syn() && in.segment.flags.ack()) {
      synchronize(tcb, in.segment, in.now);
      acknowledge_up_to(tcb, in.segment, in.now);
      enter_established(tcb, Cause::syn_ack);
      return {Action::accepted, "fault 5"};
    }
  }
  if (!in.segment.flags.syn()) return {Action::dropped, "3.10.7.3 fifth: neither SYN nor RST"};
  return in.segment.flags.ack() ? connection_established(tcb, in) : simultaneous_open(tcb, in);
}

}  // namespace lastack
