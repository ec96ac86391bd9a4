// What the books say of a segment that leaves, whichever way it was made: the acknowledgment and the window that go
// with it, the text that is now in flight. `mss` is the effective send MSS. Internal to tcp/.
#pragma once

#include <algorithm>
#include <cstdint>

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"
#include "stack/tcp/output.h"
#include "stack/wire/common.h"

namespace lastack {

// What fits into the field of a header.
inline std::uint16_t wire_window(std::uint32_t octets) {
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(octets, 0xffffU));
}

// That could be offered now.
inline std::uint32_t largest_window(const Tcb& tcb) {
  return std::min(tcb.receive_queue.room(), 0xffffU << tcb.rcv.shift);
}

// 3.8.6.2.2: the right edge moves only by a worthwhile amount, and never left (SHLD-14).
//= rfc9293 3.8.6.2.2 MUST-39
//= rfc9293 3.8.6 SHLD-14 U-26 MAY-8
inline std::uint32_t worthwhile_window(const Tcb& tcb, std::uint32_t mss) {
  const std::uint32_t most = largest_window(tcb);
  if (most <= tcb.rcv.wnd) return tcb.rcv.wnd;
  const std::uint32_t step = std::max(1U, std::min(tcb.receive_queue.limit() / 2, mss));
  return most - tcb.rcv.wnd >= step ? most : tcb.rcv.wnd;
}

// The window field of a segment without SYN; notes what is offered. Where the scale does not divide the window, it is
// rounded up if the buffer allows, so that the peer does not see the right edge move left (RFC 7323 2.4).
//= rfc7323 2.3 2.4
[[gnu::always_inline]] inline std::uint16_t offer_window(Tcb& tcb, std::uint32_t mss) {
  tcb.rcv.wnd = worthwhile_window(tcb, mss);
  if (tcb.rcv.shift == 0) return wire_window(tcb.rcv.wnd);
  const std::uint32_t unit = 1U << tcb.rcv.shift;
  const std::uint32_t up = (tcb.rcv.wnd + (unit - 1)) >> tcb.rcv.shift;
  const bool fits = up <= 0xffffU && (up << tcb.rcv.shift) <= tcb.receive_queue.room();
  const std::uint32_t field = fits ? up : tcb.rcv.wnd >> tcb.rcv.shift;
  tcb.rcv.wnd = std::max(tcb.rcv.wnd, field << tcb.rcv.shift);
  return wire_window(field);
}

// The same of a SYN, which is not scaled. A repeated SYN,ACK says less than the scaled window that a challenge ACK has
// offered meanwhile; the offer stands.
//= rfc7323 2.2
inline std::uint16_t offer_window_of_syn(Tcb& tcb) {
  const std::uint32_t window = std::min(std::max(tcb.receive_queue.room(), tcb.rcv.wnd), 0xffffU);
  tcb.rcv.wnd = std::max(tcb.rcv.wnd, window);
  return wire_window(window);
}

// Every segment but a SYN of SYN-SENT acknowledges RCV.NXT: nothing is owed any more. Returns the window field that
// goes with it (a segment without SYN).
//= rfc9293 3.8 U-18
[[gnu::always_inline]] inline std::uint16_t pay_acknowledgment(Tcb& tcb, std::uint32_t mss) {
  const std::uint16_t field = offer_window(tcb, mss);
  tcb.rcv.last_ack_sent = tcb.rcv.nxt;
  tcb.ack_due = false;
  tcb.ack_delayed = false;
  tcb.unacked_segments = 0;
  tcb.user_timeout_due = false;
  tcb.duplicate_due = false;  // RFC 2883 4 (2): once
  tcb.timers.stop(TimerKind::delayed_ack);
  return field;
}

// Of the segment at SND.NXT that is now written: an ACK, paid.
inline CommonHeaders next_headers(Tcb& tcb, std::uint32_t mss, Instant now) {
  const Config& config = tcb.config();
  CommonHeaders headers{tcb.snd.nxt, tcb.rcv.nxt};
  headers.hop_limit = config.hop_limit;
  headers.dscp_ecn = static_cast<std::uint8_t>(config.dscp << 2);
  headers.stamped = tcb.ts.on;
  if (tcb.ts.on) headers.stamp = {timestamp_value(tcb, now), tcb.ts.recent};
  headers.wnd = pay_acknowledgment(tcb, mss);
  return headers;
}

// Whether text [seq, end) gets PSH; `is_last`: nothing is queued behind it. Without a PUSH flag of its own, the end of
// what was buffered is pushed.
//= rfc9293 3.9.1.2 MUST-60 MUST-61
inline bool pushes(const Tcb& tcb, SeqNum seq, SeqNum end, bool is_last) {
  if (is_last || tcb.config().push_always) return true;
  return tcb.snd.push_queued && after(tcb.snd.push_end, seq) && at_or_before(tcb.snd.push_end, end);
}
inline bool pushes(const Tcb& tcb, SeqNum seq, SeqNum end) { return pushes(tcb, seq, end, end == tcb.text_end()); }

// Text or FIN [seq, end) leaves, the first time or again.
void note_sent(Tcb& tcb, SeqNum seq, SeqNum end, Instant now);

// 3.8.6.2.2: would an ACK now offer enough more window to be worth sending? A reader that keeps up must not turn every
// segment's ACK into two: the update waits for the ACK of the second segment, unless the window grows by more than
// that, or the peer may be waiting for it.
[[gnu::always_inline]] inline bool window_update_due(const Tcb& tcb, std::uint32_t mss) {
  const std::uint32_t most = largest_window(tcb);
  if (most <= tcb.rcv.wnd || tcb.rcv.fin) return false;
  const std::uint32_t gain = most - tcb.rcv.wnd;
  const std::uint32_t half = tcb.receive_queue.limit() / 2;
  if (gain < std::min(half, mss) || gain == 0) return false;  // not worthwhile
  return tcb.rcv.wnd < mss || gain >= std::min(half, 2 * mss);
}

}  // namespace lastack
