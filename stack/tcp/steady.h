// The shortest way: text that flows over an established connection with which nothing else is going on. What could be
// going on is looked at once, and remembered in Tcb::flow until an input goes another way; what goes this way begins
// none of it. Then a segment in order, a full segment of new text and a reader's call have only the steps left that
// move numbers.
//
// Like expected.h, each function must leave the TCB exactly as the whole procedure would, and write the same octets
// (test/expected_test.cpp runs the same traffic both ways). A build with invariants proves at every use that what is
// remembered is still so.
#pragma once

#include <cstdint>

#include "stack/base/check.h"
#include "stack/base/time.h"
#include "stack/tcb/coverage.h"
#include "stack/tcb/mutation.h"
#include "stack/tcb/tcb.h"
#include "stack/tcp/accounts.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/expected.h"
#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/output.h"
#include "stack/tcp/user_calls.h"
#include "stack/tcp/user_timeout.h"
#include "stack/wire/common.h"

namespace lastack {

// What Flow::steady means. Nothing in it may depend on Config, which can change at any time.
bool is_steady(const Tcb& tcb);
// Finds out, and remembers.
bool look_at_flow(Tcb& tcb);
inline bool steady(Tcb& tcb) {
#if defined(LASTACK_INVARIANTS)
  LASTACK_CHECK(tcb.flow != Flow::steady || (is_steady(tcb) && tcb.steady_mss == tcb.effective_mss()));
#endif
  if (tcb.flow == Flow::steady) return true;
  return tcb.flow != Flow::other && tcb.state() == State::established && look_at_flow(tcb);
}

// All below are for a steady connection. Each has one caller in the host, and is inlined there, so that what one step
// has read the next finds in a register.

inline bool has_nothing_to_send(const Tcb& tcb) { return !tcb.ack_due && tcb.send_queue.size() == tcb.flight(); }

// Of a segment without FIN: text at RCV.NXT, or the ACK of something new.
[[gnu::always_inline]] inline bool is_next(const Tcb& tcb, const CommonSegment& segment, Instant now) {
  const std::size_t octets = segment.text().size();
  if (segment.seq() != tcb.rcv.nxt || segment.wnd() == 0) return false;
  if (octets >= tcb.rcv.wnd && kMut != 60) return false;
  const SeqNum ack = segment.ack();
  if (octets_between(tcb.snd.una, ack) > tcb.flight()) return false;
  // As update_send_window has it: nothing older than what the window comes from.
  if (after(tcb.snd.wl1, segment.seq()) || (tcb.snd.wl1 == segment.seq() && after(tcb.snd.wl2, ack))) return false;
  if (segment.is_stamped() != tcb.ts.on || (tcb.ts.on && older_than_recent(tcb, segment.stamp().value, now)))
    return false;
  // An ACK of nothing new is perhaps a duplicate.
  return octets != 0 || ack != tcb.snd.una;
}

[[gnu::always_inline]] inline void take_next_window(Tcb& tcb, const CommonSegment& segment) {
  tcb.snd.wnd = scaled(WireWindow{segment.wnd()}, tcb.snd.shift);
  if constexpr (kMut != 61) {
    tcb.snd.wl1 = segment.seq();
    tcb.snd.wl2 = segment.ack();
  }
  tcb.snd.max_wnd = std::max(tcb.snd.max_wnd, tcb.snd.wnd);
}

// What sack_ack makes of it: RACK (RFC 8985 6.2) hears of every run that has arrived, and what was sent in order and
// once leaves nothing of it but what the last run says, which left last and has the shortest round trip.
[[gnu::always_inline]] inline void take_next_delivery(SackSender& s, SeqNum una, Instant now) {
  const Instant sent = s.board.acknowledge_in_order(una);
  Rack& rack = s.rack;
  rack.rtt = now - sent;
  rack.rtt_of = sent;
  rack.ack_began = false;
  rack.min_rtt.add(rack.rtt, now);
  rack.fack = una;
  if (rack.valid && !rack_sent_after(sent, una, rack.xmit, rack.end)) return;
  rack.xmit = sent;
  rack.end = una;
  rack.valid = true;
}

// schedule_retransmission_timer while something is in flight, nothing reported or lost, and the window open.
[[gnu::always_inline]] inline void schedule_next_timer(Tcb& tcb, Instant now) {
  Recovery& r = tcb.recovery;
  const Config& config = tcb.config();
  const bool probes = tcb.sack_sender && config.loss_probe && config.loss_detection == LossDetection::rack;
  r.event = probes ? RetransmitEvent::loss_probe : RetransmitEvent::timeout;
  tcb.timers.arm(TimerKind::retransmit, probes ? std::min(r.rto_at, loss_probe_time(tcb, now)) : r.rto_at);
}

// established_ack_processing of new text that was sent once.
[[gnu::always_inline]] inline void take_next_ack(Tcb& tcb, const CommonSegment& segment, Instant now) {
  const std::uint32_t acked = octets_between(tcb.snd.una, segment.ack());
  tcb.snd.una = segment.ack();
  tcb.send_queue.discard(acked);
  tcb.send_queue.rewind();
  tcb.signal(Signal::writable);
  bool sampled = tcb.ts.on && sample_echo(tcb, segment.stamp().echo, acked, now);
  sampled = tcb.rtt.acknowledged(segment.ack(), now, tcb.config()) || sampled;
  tcb.retransmissions = 0;
  tcb.first_sent = now;
  Recovery& r = tcb.recovery;
  if constexpr (kMut != 63) r.duplicate_acks = 0;
  if (tcb.sack_sender) {
    if (sampled) tcb.sack_sender->probe.sampled = true;
    take_next_delivery(*tcb.sack_sender, tcb.snd.una, now);
  }
  tcb.congestion.acknowledged(tcb.snd.una, {acked, now, tcb.rtt.srtt()});
  if (r.point_valid && after(tcb.snd.una, r.point)) r.point_valid = false;
  tcb.timers.stop(TimerKind::user);
  if (tcb.flight() == 0) {
    tcb.timers.stop(TimerKind::retransmit);
    return settle_timers(tcb, now);
  }
  tcb.timers.stop(TimerKind::persist);
  tcb.timers.stop(TimerKind::keepalive);
  if constexpr (kMut != 65) {
    r.rto_at = now + tcb.rtt.rto();
    schedule_next_timer(tcb, now);
  }
  if (const Duration limit = user_timeout_of(tcb); limit != Duration(0)) tcb.timers.arm(TimerKind::user, now + limit);
}

// What has become of the text of the next segment before the segment counts.
struct NextText {
  bool copied = false;      // it lies in the queue already, uncounted
  std::uint32_t taken = 0;  // or the user has read so much of it, and the queue is empty
};

// The user has read `octets` from `begin` on.
[[gnu::always_inline]] inline bool note_read(Tcb& tcb, SeqNum begin, std::uint32_t octets) {
  tcb.octets_read += octets;
  if (window_update_due(tcb, tcb.steady_mss)) tcb.ack_due = true;
  return take_push_mark(tcb, begin, octets);
}

// take_text of a reader that is there, without a gap; and the RECEIVE of what was taken of it.
[[gnu::always_inline]] inline void take_next_text(Tcb& tcb, const CommonSegment& segment, NextText done, Instant now) {
  const Bytes text = segment.text();
  const auto octets = static_cast<std::uint32_t>(text.size());
  const SeqNum begin = tcb.rcv.nxt;
  if (done.taken != octets) {
    done.copied ? tcb.receive_queue.accept(octets)
                : (void)tcb.receive_queue.insert(begin, begin, text.subspan(done.taken));
    tcb.signal(Signal::readable);
  }
  tcb.rcv.nxt += octets;
  tcb.rcv.wnd -= octets;
  if (segment.flags().psh()) {
    tcb.rcv.pushed = true;
    tcb.rcv.push_end = tcb.rcv.nxt;
  }
  acknowledge_in_order(tcb, false, now);
  if (done.taken != 0) (void)note_read(tcb, begin, done.taken);
}

[[gnu::always_inline]] inline void take_next(Tcb& tcb, const CommonSegment& segment, NextText text, Instant now) {
  cover(State::established, segment_event(SegmentClass::ack, Placement::in_window));
  tcb.last_received = now;
  tcb.keepalive_probes = 0;
  if (tcb.ts.on && !after(segment.seq(), tcb.rcv.last_ack_sent)) {
    tcb.ts.recent = segment.stamp().value;
    tcb.ts.recent_at = now;
  }
  const bool new_ack = segment.ack() != tcb.snd.una;
  take_next_window(tcb, segment);
  if (new_ack) take_next_ack(tcb, segment, now);
  if (!segment.text().empty()) take_next_text(tcb, segment, text, now);
  if (new_ack) return;
  const bool waits = tcb.flight() == 0 && tcb.send_queue.size() != 0;
  if (waits || tcb.config().keepalive) settle_timers(tcb, now);
}

// note_sent of new text behind other text in flight, at SND.NXT.
[[gnu::always_inline]] inline void note_next_sent(Tcb& tcb, SeqNum seq, SeqNum end, Instant now) {
  tcb.rtt.sent_first(end, now);
  if (tcb.snd.resend == seq) tcb.snd.resend = end;
  tcb.snd.nxt = end;
  tcb.last_sent = now;
  // A scoreboard that there was no reason for when the first text left.
  if (tcb.sack && !tcb.sack_sender) return note_text_sent(tcb, seq, end, now, false);
  tcb.congestion.sent(tcb.flight(), end);
  tcb.timers.stop(TimerKind::persist);
  LASTACK_CHECK(tcb.timers.armed(TimerKind::retransmit));  // for what is in flight before it
  if (!tcb.sack_sender) return;
  tcb.sack_sender->board.sent(seq, end, now);
  schedule_next_timer(tcb, now);
}

// congestion_room while nothing is reported, lost or sent again: what is in the network is what is in flight.
[[gnu::always_inline]] inline std::uint32_t room_for_next(const Tcb& tcb, std::uint32_t flight) {
  const Config& config = tcb.config();
  if (config.congestion == CongestionControl::none) return 0xffff'ffffU;
  std::uint32_t cwnd = tcb.congestion.cwnd;
  if (!tcb.sack_sender && config.limited_transmit)
    cwnd += std::min(tcb.recovery.duplicate_acks, 2U) * tcb.congestion.smss;
  return cwnd > flight ? cwnd - flight : 0;
}

// A full segment of new text, or an ACK; the answer is write_expected's.
[[gnu::always_inline]] inline Written write_next(Tcb& tcb, Instant now, MutableBytes out, Checksums checksums) {
  const Config& config = tcb.config();
  if (!config.path_mtu_discovery) return {};
  const std::uint32_t flight = tcb.flight();
  const std::uint32_t queued = tcb.send_queue.size() - flight;
  const SeqNum seq = tcb.snd.nxt;
  CommonHeaders headers{seq, tcb.rcv.nxt};
  TextPieces text;
  bool was_last = true;
  if (queued != 0) {
    const std::uint32_t octets = tcb.steady_mss;
    // As in write_expected: what is less than a full segment, or the first in flight, has more to it.
    if (flight == 0 || queued < octets) return {};
    if ((tcb.snd.wnd < flight || tcb.snd.wnd - flight < octets) && kMut != 66) return {};
    if (room_for_next(tcb, flight) < octets) return {};
    was_last = queued == octets;
    if (pushes(tcb, seq, seq + octets, was_last)) headers.flags = kPsh | kAck;
    text = tcb.send_queue.pieces(flight, octets);
  } else if (!tcb.ack_due) {
    return {0, true};
  }
  headers.hop_limit = config.hop_limit;
  headers.dscp_ecn = static_cast<std::uint8_t>(config.dscp << 2);
  headers.stamped = tcb.ts.on;
  if (tcb.ts.on) headers.stamp = {timestamp_value(tcb, now), tcb.ts.recent};
  headers.wnd = pay_acknowledgment(tcb, tcb.steady_mss);
  const std::size_t size = write_common(out, tcb.local, tcb.remote, headers, text, checksums);
  LASTACK_CHECK(size != 0);
  if (queued != 0) note_next_sent(tcb, seq, seq + tcb.steady_mss, now);
  return {size, was_last};
}

[[gnu::always_inline]] inline ReceiveResult consume_next(Tcb& tcb, std::size_t octets) {
  ReceiveResult result;
  const SeqNum consumed = tcb.rcv.nxt - tcb.receive_queue.unread();
  result.octets = tcb.receive_queue.drop(octets);
  result.unread = tcb.receive_queue.unread();
  result.pushed = note_read(tcb, consumed, static_cast<std::uint32_t>(result.octets));
  return result;
}

}  // namespace lastack
