// The segments that a connection begins and ends with: our first SYN, the ACK that ends the handshake, FIN, and the
// ACK of a FIN, where no text is queued, held or in flight and nothing else is going on. What could be going on is
// looked at once, and remembered in Tcb::flow until an input goes another way; what goes this way begins none of it.
//
// Like expected.h: each function must leave the TCB exactly as segment_arrives or next_segment would, and write the
// same octets (test/short_connections_test.cpp runs the same connections both ways). A build with invariants proves at
// every use that what is remembered is still so.
#pragma once

#include <algorithm>

#include "stack/base/check.h"
#include "stack/base/time.h"
#include "stack/tcb/coverage.h"
#include "stack/tcb/mutation.h"
#include "stack/tcb/tcb.h"
#include "stack/tcp/accounts.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/disposition.h"
#include "stack/tcp/expected.h"
#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/output.h"
#include "stack/tcp/send_limits.h"
#include "stack/wire/common.h"
#include "stack/wire/syn.h"

namespace lastack {

// What Flow::quiet means. Nothing in it may depend on Config, which can change at any time.
bool is_quiet(const Tcb& tcb);
inline bool quiet(const Tcb& tcb) {
#if defined(LASTACK_INVARIANTS)
  LASTACK_CHECK(tcb.flow != Flow::quiet || is_quiet(tcb));
#endif
  return tcb.flow == Flow::quiet || is_quiet(tcb);
}

// A connection that the short ways have just opened (the SYN,ACK was taken, or sent): there is little that could be
// going on yet.
inline void look_at_opened(Tcb& tcb) {
  const bool more = tcb.send_queue.size() != 0 || tcb.snd.wnd == 0 || tcb.ecn.agreed || tcb.user_timeout_due ||
                    tcb.path_mtu < tcb.link_mtu;
  tcb.flow = kMut != 0 || more ? Flow::unknown : Flow::quiet;
}

// settle_timers of a quiet connection with nothing on its way: our FIN would find room.
inline void settle_quiet_timers(Tcb& tcb, Instant now) {
  tcb.config().keepalive ? settle_timers(tcb, now) : stop_timers_of_sender(tcb);
}

// Whether a segment that acknowledges everything sent, with this FIN or without, takes a quiet connection on from its
// state. `new_ack`: something was in flight, which can only be our SYN or FIN.
inline bool moves_on(State state, bool new_ack, bool fin) {
  constexpr StateSet kByAck{State::syn_received, State::fin_wait_1, State::closing, State::last_ack};
  constexpr StateSet kByFin{State::established, State::fin_wait_1, State::fin_wait_2};
  constexpr StateSet kByBoth{State::fin_wait_1};
  if (!new_ack) return fin && kByFin.contains(state);
  return fin ? kByBoth.contains(state) : kByAck.contains(state);
}

// Of a common segment (wire/common.h) without text.
[[gnu::always_inline]] inline bool is_control(const Tcb& tcb, const CommonSegment& seg, Instant now) {
  if constexpr (kMut != 0) return false;  // the faults are in the whole procedure
  if (seg.seq() != tcb.rcv.nxt || seg.ack() != tcb.snd.nxt || seg.wnd() == 0 || tcb.rcv.wnd == 0) return false;
  if (!moves_on(tcb.state(), tcb.flight() != 0, seg.flags().fin()) || !quiet(tcb)) return false;
  return seg.is_stamped() == tcb.ts.on && (!tcb.ts.on || !older_than_recent(tcb, seg.stamp().value, now));
}

// acknowledge_up_to of our SYN or FIN alone, which is all that was in flight. `echo`: TSecr, where timestamps are on.
[[gnu::always_inline]] inline void take_ack_of_all(Tcb& tcb, std::uint32_t echo, Instant now) {
  tcb.snd.una = tcb.snd.resend = tcb.snd.nxt;
  tcb.send_queue.rewind();
  if (tcb.ts.on) sample_echo(tcb, echo, 1, now);
  (void)tcb.rtt.acknowledged(tcb.snd.una, now, tcb.config());
  tcb.retransmissions = 0;
  tcb.first_sent = now;
}
inline void take_ack_of_syn(Tcb& tcb, std::uint32_t echo, Instant now) {
  take_ack_of_all(tcb, echo, now);
  tcb.congestion.begin(tcb.config(), tcb.effective_mss(), tcb.snd.una);
  if (tcb.congestion.lost_syn) tcb.rtt.after_syn_timeout(tcb.config());
}
// And recover_on_ack.
inline void take_ack_of_fin(Tcb& tcb, std::uint32_t echo, Instant now) {
  take_ack_of_all(tcb, echo, now);
  Recovery& r = tcb.recovery;
  r.duplicate_acks = 0;
  tcb.congestion.acknowledged(tcb.snd.una, {1, now, tcb.rtt.srtt()});
  if (r.point_valid && after(tcb.snd.una, r.point)) r.point_valid = false;
}

// The changes of state that such a segment makes, once its numbers are taken.
[[gnu::always_inline]] inline Disposition move_on(Tcb& tcb, bool fin, Instant now) {
  switch (tcb.state()) {
    case State::syn_received: enter_established(tcb, Cause::ack_of_syn); break;
    case State::fin_wait_1:
      if (tcb.fin_acknowledged()) tcb.enter(State::fin_wait_2, Cause::ack_of_fin);
      break;
    case State::closing: enter_time_wait(tcb, Cause::ack_of_fin, now); break;
    case State::last_ack:
      become_closed(tcb, Cause::ack_of_fin);
      return {Action::closed, "3.10.7.4 fifth: the ACK of our FIN"};
    case State::established:
    case State::fin_wait_2:
    case State::closed:
    case State::listen:
    case State::syn_sent:
    case State::close_wait:
    case State::time_wait: break;
  }
  if (fin) take_fin(tcb, now);
  return {Action::accepted, "3.10.7.4"};
}

[[gnu::always_inline]] inline Disposition take_control(Tcb& tcb, const CommonSegment& seg, Instant now) {
  const bool fin = seg.flags().fin();
  cover(tcb.state(), segment_event(fin ? SegmentClass::fin_ack : SegmentClass::ack, Placement::in_window));
  tcb.flow = Flow::quiet;
  tcb.last_received = now;
  tcb.keepalive_probes = 0;
  if (tcb.ts.on && !after(seg.seq(), tcb.rcv.last_ack_sent)) {
    tcb.ts.recent = seg.stamp().value;
    tcb.ts.recent_at = now;
  }
  tcb.snd.wnd = scaled(WireWindow{seg.wnd()}, tcb.snd.shift);
  tcb.snd.wl1 = seg.seq();
  tcb.snd.wl2 = seg.ack();
  tcb.snd.max_wnd = std::max(tcb.snd.max_wnd, tcb.snd.wnd);
  const std::uint32_t echo = tcb.ts.on ? seg.stamp().echo : 0;
  if (tcb.flight() != 0)
    tcb.state() == State::syn_received ? take_ack_of_syn(tcb, echo, now) : take_ack_of_fin(tcb, echo, now);
  const Disposition done = move_on(tcb, fin, now);
  settle_quiet_timers(tcb, now);
  if (tcb.user_timeout_due) tcb.flow = Flow::unknown;
  return done;
}

// full_close_call of a quiet connection whose user has read everything: it only queues the FIN.
inline bool closes_quietly(const Tcb& tcb) {
  constexpr StateSet kSends{State::established, State::close_wait};
  return tcb.flow == Flow::quiet && kSends.contains(tcb.state()) && !tcb.snd.fin_queued &&
         tcb.receive_queue.unread() == 0;
}
inline void close_quietly(Tcb& tcb, Instant now) {
  tcb.reader_gone = true;
  tcb.snd.fin_queued = true;
  tcb.set_fin_number(tcb.snd.nxt);
  if (tcb.state() == State::established) {
    // A closed window would keep the peer's FIN out for ever.
    if (window_update_due(tcb, tcb.congestion.smss)) tcb.ack_due = true;
    tcb.enter(State::fin_wait_1, Cause::close_call);
  }
  settle_quiet_timers(tcb, now);
}

// Whether the SYNs of such a host are those that wire/syn.h writes.
inline bool sends_plain_syns(const Config& config) {
  return config.send_mss && config.path_mtu_discovery && !config.ecn && !config.user_timeout_option;
}

// Our SYN, the first time, with no text waiting behind it.
inline bool sends_first_syn(const Tcb& tcb) {
  if (kMut != 0 || tcb.state() != State::syn_sent || !tcb.snd.syn_due || tcb.retransmissions != 0) return false;
  return !tcb.fast_open && tcb.send_queue.size() == 0 && tcb.path_mtu >= tcb.link_mtu && sends_plain_syns(tcb.config());
}

inline Written write_first_syn(Tcb& tcb, Instant now, MutableBytes out, Checksums checksums) {
  const Config& config = tcb.config();
  CommonHeaders headers{tcb.snd.iss, SeqNum(), kSyn, offer_window_of_syn(tcb), config.hop_limit};
  headers.dscp_ecn = static_cast<std::uint8_t>(config.dscp << 2);
  SynOptions options{mss_to_announce(tcb.path_mtu, tcb.local.ip.version)};
  options.sack_permitted = config.sack;
  options.scaled = config.window_scale;
  options.shift = tcb.rcv.shift;
  options.stamped = config.timestamps;
  if (options.stamped) options.stamp.value = timestamp_value(tcb, now);
  const std::size_t size = write_syn(out, tcb.local, tcb.remote, headers, options, checksums);
  LASTACK_CHECK(size != 0);
  tcb.ecn.plain = tcb.ecn.asked;
  note_syn_sent(tcb, now);
  return {size, true};
}

// note_sent of a FIN behind which nothing is in flight.
[[gnu::always_inline]] inline void note_fin_sent(Tcb& tcb, Instant now) {
  const SeqNum end = tcb.snd.nxt + 1;
  tcb.first_sent = tcb.last_sent = now;
  tcb.retransmissions = 0;
  tcb.congestion.resume(now);
  tcb.rtt.sent_first(end, now);
  tcb.snd.nxt = tcb.snd.resend = end;
  tcb.congestion.sent(1, end);
  tcb.timers.stop(TimerKind::persist);
  if (!tcb.timers.armed(TimerKind::retransmit)) restart_retransmission_timer(tcb, now);
}

// Our FIN or an ACK, of a quiet connection; the answer is write_expected's.
[[gnu::always_inline]] inline Written write_control(Tcb& tcb, Instant now, MutableBytes out, Checksums checksums) {
  if (!kSynchronized.contains(tcb.state()) || !tcb.config().path_mtu_discovery) return {};
  tcb.flow = Flow::quiet;
  const bool fin = tcb.snd.fin_queued && !tcb.fin_sent();
  if (!fin && !tcb.ack_due) return {0, true};
  if (fin) restart_after_idling(tcb, now);
  if (fin && tcb.state() == State::close_wait) tcb.enter(State::last_ack, Cause::close_call);
  CommonHeaders headers = next_headers(tcb, tcb.congestion.smss, now);
  if (fin) headers.flags = kFin | kAck;
  const std::size_t size = write_common(out, tcb.local, tcb.remote, headers, {}, checksums);
  LASTACK_CHECK(size != 0);
  if (fin) note_fin_sent(tcb, now);
  return {size, true};
}

}  // namespace lastack
