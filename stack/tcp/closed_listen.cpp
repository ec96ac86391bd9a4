// 3.10.7.1 CLOSED and 3.10.7.2 LISTEN: the two states without a connection.
#include "stack/tcb/mutation.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/ecn.h"
#include "stack/tcp/output.h"
#include "stack/tcp/segment_arrives.h"
#include "stack/tcp/user_timeout.h"

namespace lastack {

const char* to_string(Action action) {
  switch (action) {
    case Action::accepted: return "accepted";
    case Action::dropped: return "dropped";
    case Action::answered: return "answered with an ACK";
    case Action::challenged: return "challenged";
    case Action::reset: return "answered with a RST";
    case Action::closed: return "closed the connection";
  }
  return "?";
}

//= rfc9293 3.5.2 U-14 U-27
//= rfc9293 3.10.7.1
//= RFC7323-5.2-b the option of the cause is answered by TSval 0 and its own TSval
std::optional<ResetSegment> reset_for(const Segment& segment) {
  if (segment.flags.rst() && kMut != 18) return std::nullopt;
  ResetSegment reset{SeqNum(0), segment.end(), true};
  if (segment.flags.ack()) reset = ResetSegment{segment.ack, SeqNum(0), false};
  if (const auto& cause = segment.options.timestamps) reset.timestamps = Timestamps{0, cause->value};
  return reset;
}

//= rfc9293 3.10.7.1
//= RFC1122-4.2.3.6-a the probe of a peer whose connection is gone
Disposition closed_segment_arrives(const Segment& segment, Effects& effects) {
  effects.reset = reset_for(segment);
  if (!effects.reset) return {Action::dropped, "3.10.7.1: a RST"};
  return {Action::reset, "3.10.7.1"};
}

//= rfc9293 3.10.7.2
//= rfc9293 3.10.7.2 first
//= rfc9293 3.10.7.2 second
//= rfc9293 3.10.7.2 third
//= rfc9293 3.10.7.2 fourth
ListenDecision listen_segment_arrives(const Segment& segment, const Config& config, Effects& effects) {
  if (segment.flags.rst()) return {{Action::dropped, "3.10.7.2 first: a RST"}, false};
  if (segment.flags.ack()) {
    effects.reset = reset_for(segment);
    return {{Action::reset, "3.10.7.2 second: an ACK"}, false};
  }
  if (!segment.flags.syn()) return {{Action::dropped, "3.10.7.2 fourth: no SYN"}, false};
  if (segment.flags.fin() && !config.syn_fin_opens) return {{Action::dropped, "3.10.7.2 third: SYN,FIN"}, false};
  return {{Action::accepted, "3.10.7.2 third"}, true};
}

//= rfc9293 3.10.7.2 third
void open_from_listen(Tcb& tcb, const Segment& syn, SeqNum iss, Instant now) {
  Effects none;
  Arrival in(syn, now, none);
  tcb.enter(State::listen, Cause::open_passive);
  take_syn(tcb, syn, iss, now);
  tcb.enter(State::syn_received, Cause::syn);
  hold_text_of_syn(tcb, in);
  start_handshake_timers(tcb, now);
}

void take_syn(Tcb& tcb, const Segment& syn, SeqNum iss, Instant now) {
  prepare_open(tcb, iss, now);
  synchronize(tcb, syn, now);
  update_send_window(tcb, syn);
}

void open_with_syn_ack_sent(Tcb& tcb, const Segment& syn, SeqNum iss, Instant now) {
  take_syn(tcb, syn, iss, now);
  tcb.restore(State::syn_received, SeqNum());
  (void)ecn_setup_flags(tcb);
  tcb.rcv.last_ack_sent = tcb.rcv.nxt;
  start_handshake_timers(tcb, now);
  note_syn_sent(tcb, now);
}

// Text and FIN that came with a SYN wait until the connection is established.
//= rfc9293 3.5 U-13
void hold_text_of_syn(Tcb& tcb, Arrival& in) {
  const std::size_t fits = std::min<std::size_t>(in.text.size(), tcb.rcv.wnd);
  if (in.fin && fits == in.text.size() && fits < tcb.rcv.wnd) {
    tcb.rcv.fin_waits = true;
    tcb.rcv.fin_seq = in.fin_seq();
  }
  tcb.receive_queue.hold(tcb.rcv.nxt, in.text_seq, in.text.first(fits));
}

//= rfc9293 3.7.1 MUST-15
//= rfc7323 1.3 2.2 2.3 3.2
//= rfc7323 D
void negotiate(Tcb& tcb, const Segment& syn, Instant now) {
  const Config& config = tcb.config();
  const Options& offered = syn.options;
  // An MSS of zero would allow no text at all; one octet is the least that makes progress.
  if (offered.mss) tcb.snd.mss = std::max<std::uint16_t>(*offered.mss, 1);
  tcb.scaling = config.window_scale && offered.window_scale.has_value();
  if (tcb.scaling) {
    tcb.snd.shift = std::min(*offered.window_scale, kMaxWindowShift);
  } else {
    tcb.rcv.shift = 0;
  }
  tcb.sack = config.sack && offered.sack_permitted;
  ecn_negotiate(tcb, syn);
  take_user_timeout_option(tcb, syn);
  tcb.ts.on = config.timestamps && offered.timestamps.has_value();
  if (tcb.ts.on) {
    tcb.ts.recent = offered.timestamps->value;
    tcb.ts.recent_at = now;
  }
}

}  // namespace lastack
