// 3.10.7.4, the order of its steps, and the first four of them: sequence number, RST, (security,) SYN.
#include "stack/tcp/segment_arrives.h"

#include "stack/base/check.h"
#include "stack/tcb/coverage.h"
#include "stack/tcb/mutation.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/duplicate.h"
#include "stack/tcp/ecn.h"
#include "stack/tcp/output.h"
#include "stack/tcp/user_timeout.h"

namespace lastack {

namespace {

//= rfc9293 3.10.7.4 first
bool acceptable(const Tcb& tcb, const Segment& seg) {
  const std::uint32_t wnd = tcb.rcv.wnd + (kMut == 13 ? 1U : 0U);
  const std::uint32_t len = seg.len();
  if (len == 0 && wnd == 0) return seg.seq == tcb.rcv.nxt;
  if (len == 0) return in_window(seg.seq, tcb.rcv.nxt, wnd);
  return in_window(seg.seq, tcb.rcv.nxt, wnd) || in_window(seg.seq + (len - 1), tcb.rcv.nxt, wnd);
}

// Figure 7: the SYN,ACK that crosses ours begins one number left of the window, and yet carries the ACK that completes
// the simultaneous open. It counts as the ACK that it contains.
bool completes_simultaneous_open(const Tcb& tcb, const Segment& seg) {
  return tcb.state() == State::syn_received && !tcb.passive && seg.flags.syn() && seg.flags.ack() && !seg.flags.rst() &&
         seg.seq == tcb.rcv.irs && after(seg.ack, tcb.snd.una) && at_or_before(seg.ack, tcb.snd.nxt);
}

bool repeats_syn(const Tcb& tcb, const Segment& seg) {
  return tcb.state() == State::syn_received && seg.flags.syn() && !seg.flags.rst() && seg.seq == tcb.rcv.irs;
}

// A FIN that was taken before comes again: 3.10.7.4 fifth and eighth want the 2MSL time-out restarted, though the first
// step already drops the segment.
bool repeats_fin(const Tcb& tcb, const Segment& seg) {
  return tcb.state() == State::time_wait && seg.flags.fin() && seg.end() == tcb.rcv.nxt;
}

//= rfc9293 3.5.2 U-16 U-17 RFC1337-1-a
Disposition answer_unacceptable(Tcb& tcb, Arrival& in, const char* clause) {
  const Segment& seg = in.segment;
  if (seg.flags.rst()) return {Action::dropped, clause};
  if (repeats_syn(tcb, seg)) ecn_negotiate(tcb, seg);
  if (tcb.config().repeat_syn_ack && repeats_syn(tcb, seg)) {
    tcb.snd.syn_due = true;
    return {Action::answered, "3.10.7.4 first: the SYN again"};
  }
  if (repeats_fin(tcb, seg) && tcb.config().time_wait_restart && kMut != 39) restart_time_wait(tcb, in.now);
  if (seg.flags.syn() && kSynchronized.contains(tcb.state())) return challenge(tcb, in.now, "3.10.7.4 fourth");
  // Only segments without text are limited: two hosts that disagree can exchange those for ever.
  if (seg.len() == 0 && !allow_limited_ack(tcb, in.now, tcb.invalid_acks, tcb.config().invalid_ack_limit)) {
    return {Action::dropped, "RFC 5961 7: throttled"};
  }
  tcb.ack_due = true;
  return {Action::answered, clause};
}

//= rfc7323 5.3
StepResult check_timestamp(Tcb& tcb, Arrival& in) {
  const auto& option = in.segment.options.timestamps;
  if (!option) {
    if (in.segment.flags.rst()) return std::nullopt;
    return Disposition{Action::dropped, "RFC 7323 3.2: no timestamp"};
  }
  if (older_than_recent(tcb, option->value, in.now) && !in.segment.flags.rst())
    return answer_unacceptable(tcb, in, "RFC 7323 5.3 R1: PAWS");
  return std::nullopt;
}

Placement placement(const Tcb& tcb, const Segment& seg) {
  if (tcb.state() == State::syn_sent || acceptable(tcb, seg)) return Placement::in_window;
  return before(seg.seq, tcb.rcv.nxt) ? Placement::left : Placement::right;
}

// The peer's probe octet was refused, yet its SND.NXT counts it.
bool counts_its_probe(const Tcb& tcb, const Segment& seg) {
  return tcb.rcv.wnd == 0 && seg.seq == tcb.rcv.nxt + 1 && seg.len() == 0 && seg.flags.ack() && !seg.flags.rst();
}

// It cannot acknowledge our text in any other way while our window is closed: a valid ACK is taken.
bool acknowledges_from_beyond_probe(const Tcb& tcb, const Segment& seg) {
  return counts_its_probe(tcb, seg) && after(seg.ack, tcb.snd.una) && !after(seg.ack, tcb.snd.nxt);
}

// We are probing its closed window, too. Answering each other's ACKs as unacceptable, both would go on for ever; so
// this one's ACK counts, and it is not answered.
bool between_closed_windows(const Tcb& tcb, const Segment& seg) {
  return tcb.probes != 0 && counts_its_probe(tcb, seg);
}

}  // namespace

// RFC 7323 5.2: s < t if 0 < t - s < 2^31, so that at the distance of 2^31 neither is older. 5.5: after more than 24
// idle days TS.Recent does not count.
//= rfc7323 5.2 5.5
bool older_than_recent(const Tcb& tcb, std::uint32_t value, Instant now) {
  return SeqNum(tcb.ts.recent) - SeqNum(value) > 0 && now - tcb.ts.recent_at < std::chrono::hours(24 * 24);
}

// RFC 7323 4.3 (2), after the segment was found acceptable.
//= rfc7323 4.3 5.2
void record_timestamp(Tcb& tcb, const Segment& seg, Instant now) {
  const auto& option = seg.options.timestamps;
  if (!tcb.ts.on || !option || seg.flags.rst()) return;
  if (after(seg.seq, tcb.rcv.last_ack_sent)) return;
  if (older_than_recent(tcb, option->value, now)) return;
  tcb.ts.recent = option->value;
  tcb.ts.recent_at = now;
}

// "One could tailor actual segments to fit ... by trimming off any portions that lie outside the window (including SYN
// and FIN)".
void trim_to_window(const Tcb& tcb, Arrival& in) {
  if (before(in.text_seq, tcb.rcv.nxt)) {
    const std::uint32_t old = octets_between(in.text_seq, tcb.rcv.nxt);
    if (old > in.text.size()) {
      in.fin = false;  // all of it is old, the FIN too
      in.text = {};
      in.text_seq = tcb.rcv.nxt;
    } else if (kMut != 20 || old == in.text.size()) {
      in.text = in.text.subspan(old);
      in.text_seq = tcb.rcv.nxt;
    } else {
      in.text_seq = tcb.rcv.nxt;
      in.text = in.text.first(std::min<std::size_t>(in.text.size(), tcb.rcv.wnd));
    }
  }
  const std::uint32_t offset = octets_between(tcb.rcv.nxt, in.text_seq);
  const std::uint32_t left = tcb.rcv.wnd > offset ? tcb.rcv.wnd - offset : 0;
  if (in.text.size() > left) {
    in.text = in.text.first(left);
    in.fin = false;
  }
  if (in.text.size() == left) in.fin = false;  // the FIN needs a number inside the window, too
}

//= rfc9293 3.10.7.4 first
StepResult first_check_sequence_number(Tcb& tcb, Arrival& in) {
  const Segment& seg = in.segment;
  if (tcb.ts.on) {
    if (auto end = check_timestamp(tcb, in)) return end;
  }
  if (completes_simultaneous_open(tcb, seg)) {
    tcb.ack_due = true;  // the peer may be waiting for an ACK that fits its window
    ecn_negotiate(tcb, seg);
    trim_to_window(tcb, in);
    return std::nullopt;
  }
  if constexpr (kMut == 11) {
    if (seg.flags.rst()) return std::nullopt;
  }
  if (repeats_syn(tcb, seg)) return answer_unacceptable(tcb, in, "3.10.7.4 first: the SYN again");
  if (!acceptable(tcb, seg)) {
    // "If the RCV.WND is zero ... special allowance should be made to accept valid ACKs, URGs, and RSTs."
    //= rfc9293 3.8.6 MUST-66
    const bool allowance =
        (tcb.rcv.wnd == 0 && seg.seq == tcb.rcv.nxt && !seg.flags.syn()) || acknowledges_from_beyond_probe(tcb, seg);
    const bool beyond_its_probe = between_closed_windows(tcb, seg);
    if (!allowance && !beyond_its_probe) return answer_unacceptable(tcb, in, "3.10.7.4 first: outside the window");
    if (!seg.flags.rst() && !beyond_its_probe) tcb.ack_due = true;
  }
  record_timestamp(tcb, seg, in.now);
  trim_to_window(tcb, in);
  return std::nullopt;
}

//= rfc9293 3.10.7.4 second
//= rfc5961 3.2
//= rfc9293 3.5.3 SHLD-2 U-04 U-05 U-06
StepResult second_check_rst(Tcb& tcb, Arrival& in) {
  const Segment& seg = in.segment;
  if (!seg.flags.rst()) return std::nullopt;
  const bool exact = seg.seq == tcb.rcv.nxt;
  if (!exact && kMut != 11 && kMut != 12 && tcb.config().reset_policy == ResetPolicy::rfc5961) {
    if (!in_window(seg.seq, tcb.rcv.nxt, tcb.rcv.wnd)) return Disposition{Action::dropped, "3.10.7.4 second 1"};
    return challenge(tcb, in.now, "3.10.7.4 second 3");
  }
  switch (tcb.state()) {
    case State::syn_received:
      //= rfc9293 3.5 MUST-11
      if (tcb.passive && !tcb.fast_opened && kMut != 9) {
        tcb.enter(State::listen, Cause::rst);
        return Disposition{Action::closed, "3.10.7.4 second: back to LISTEN"};
      }
      tcb.signal(tcb.fast_opened ? Signal::reset : Signal::refused);
      break;
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::close_wait: tcb.signal(Signal::reset); break;
    case State::time_wait:
      //= rfc1337 3
      if (tcb.config().time_wait_ignores_rst) return Disposition{Action::dropped, "RFC 1337 F1"};
      break;
    case State::closing:
    case State::last_ack: break;
    case State::closed:
    case State::listen:
    case State::syn_sent: LASTACK_CHECK(false && "3.10.7.4 in a state of its own section");
  }
  become_closed(tcb, Cause::rst);
  return Disposition{Action::closed, "3.10.7.4 second"};
}

//= rfc9293 3.10.7.4 fourth
//= rfc5961 4.2
//= U-07 U-08 the challenge, and the end of the segment
StepResult fourth_check_syn(Tcb& tcb, Arrival& in) {
  const Segment& seg = in.segment;
  if (!seg.flags.syn() || completes_simultaneous_open(tcb, seg)) return std::nullopt;
  if (tcb.state() == State::syn_received && tcb.passive && !tcb.fast_opened) {
    tcb.enter(State::listen, Cause::syn);
    return Disposition{Action::closed, "3.10.7.4 fourth: back to LISTEN"};
  }
  if (kMut != 17 && tcb.config().reset_policy == ResetPolicy::rfc5961) return challenge(tcb, in.now, "3.10.7.4 fourth");
  in.effects.reset = reset_for(seg);
  tcb.signal(Signal::reset);
  become_closed(tcb, Cause::reset_sent);
  return Disposition{Action::closed, "3.10.7.4 fourth: RFC 793"};
}

// Two counters, one interval; both per connection.
bool allow_limited_ack(Tcb& tcb, Instant now, std::uint16_t& counter, std::uint16_t limit) {
  if (now - tcb.ack_limit_began >= tcb.config().ack_limit_interval) {
    tcb.ack_limit_began = now;
    tcb.challenge_acks = 0;
    tcb.invalid_acks = 0;
  }
  if (limit == 0) return true;
  if (counter >= limit) return false;
  ++counter;
  return true;
}

//= rfc5961 7
Disposition challenge(Tcb& tcb, Instant now, const char* clause) {
  if (!allow_limited_ack(tcb, now, tcb.challenge_acks, tcb.config().challenge_ack_limit)) {
    return {Action::dropped, "RFC 5961 7: throttled"};
  }
  tcb.ack_due = true;
  return {Action::challenged, clause};
}

namespace {

// The third check, security and compartment, is for multilevel-secure systems only (Appendix A.1) and left out.
//= rfc9293 3.10.7.4
//= rfc9293 3.10.7.4 third
Disposition other_states_segment_arrives(Tcb& tcb, Arrival& in) {
  if (auto end = first_check_sequence_number(tcb, in)) return *end;
  if (auto end = second_check_rst(tcb, in)) return *end;
  if (auto end = fourth_check_syn(tcb, in)) return *end;
  if (auto end = fifth_check_ack(tcb, in)) return *end;
  if (tcb.ecn.agreed) ecn_receive(tcb, in);
  if (in.segment.options.user_timeout) take_user_timeout_option(tcb, in.segment);
  sixth_check_urg(tcb, in);
  if (auto end = seventh_process_text(tcb, in)) return *end;
  eighth_check_fin(tcb, in);
  return {Action::accepted, "3.10.7.4"};
}

}  // namespace

SegmentClass segment_class(Flags flags) {
  if (flags.rst()) return flags.ack() ? SegmentClass::rst_ack : SegmentClass::rst;
  if (flags.syn()) return flags.ack() ? SegmentClass::syn_ack : SegmentClass::syn;
  if (flags.fin()) return flags.ack() ? SegmentClass::fin_ack : SegmentClass::fin;
  return flags.ack() ? SegmentClass::ack : SegmentClass::other;
}

Disposition segment_arrives(Tcb& tcb, const Segment& segment, Instant now, Effects& effects, std::uint8_t ecn) {
  cover(tcb.state(), segment_event(segment_class(segment.flags), placement(tcb, segment)));
  Arrival in(segment, now, effects);
  in.ecn = ecn;
  tcb.last_received = now;
  tcb.keepalive_probes = 0;
  note_duplicate(tcb, segment);
  const Disposition disposition =
      tcb.state() == State::syn_sent ? syn_sent_segment_arrives(tcb, in) : other_states_segment_arrives(tcb, in);
  settle_duplicate(tcb, disposition);
  settle_timers(tcb, now);
  return disposition;
}

//= rfc9293 3.6.1 MAY-2 SHLD-4
//= rfc6191 2 RFC6191-2-a RFC6191-2-b RFC6191-2-c RFC6191-2-e RFC6191-2-f
bool time_wait_accepts_syn(const Tcb& tcb, const Segment& seg) {
  if (tcb.state() != State::time_wait || !tcb.config().time_wait_reuse) return false;
  if (!seg.flags.syn() || seg.flags.ack() || seg.flags.rst() || seg.flags.fin()) return false;
  const bool above = at_or_after(seg.seq, tcb.rcv.nxt);  // above the old FIN's number
  const bool stamped = seg.options.timestamps && tcb.config().timestamps;
  if (!stamped) return above;
  if (!tcb.ts.on) return true;
  const SeqNum value(seg.options.timestamps->value);
  const SeqNum recent(tcb.ts.recent);
  return after(value, recent) || (value == recent && above);
}

}  // namespace lastack
