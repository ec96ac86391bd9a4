// Rules about a receiver: when it acknowledges, what it keeps, what it tells of a hole (RFC 9293 3.8.6.3, RFC
// 5681 4.2). At its own tap only, but for patterns so long that losses behind the tap do not make them.
#include <algorithm>

#include "conformance/judge/profile.h"
#include "conformance/judge/rules/near.h"

namespace lastack::near {

namespace {

//= rfc9293 3.8.6.3 MUST-40
void delayed(Context& c, Conduct& own) {
  if (own.due_end == 0 || c.ack < own.due_end) return;
  const Duration waited = c.seg.time - own.due_since;
  own.due_end = 0;
  // Timers of the capturing host and of the stack are not the same.
  constexpr Duration kSlack = std::chrono::milliseconds(50);
  constexpr Duration kMost = std::chrono::milliseconds(500);
  if (waited <= c.conn.profile->ack_delay + kSlack) {
    if (waited > std::chrono::milliseconds(20)) ++own.timely;
    return;
  }
  const std::string expected = "an ACK of packet " + std::to_string(own.due_packet) + " within ";
  const std::string why = "it arrived in order and fits the window; the third time here";
  if (waited <= kMost + kSlack) {  // later than the stack promises, and not too late for the RFC
    if (++own.unpromised == 3) {
      c.note_at_tap(RuleId::data_not_acknowledged, expected + seconds_text(c.conn.profile->ack_delay),
                    "after " + seconds_text(waited), why);
    }
    return;
  }
  if (own.late < 255) ++own.late;
  if (own.late != 3 || own.timely > own.late) return;
  c.violated_at_tap(RuleId::data_not_acknowledged, expected + seconds_text(kMost), "after " + seconds_text(waited), why,
                    true);
}

//= rfc9293 3.8.6.3 SHLD-19
void stretched(Context& c, Conduct& own) {
  // What it counts, not what has passed meanwhile: a burst may be on its way when the ACK of its beginning is seen.
  const std::uint32_t every = c.conn.profile->ack_every;
  const std::uint32_t size = std::max(c.conn.conduct[1 - c.side].largest, 1U);
  const Position gained = c.self.acked ? c.ack - c.self.ack_max : 0;
  if (own.full_unacked > every && gained / size > every) {
    if (++own.stretched == 3) {
      c.note(RuleId::stretch_ack, "an ACK for every " + std::to_string(every) + " full-sized segments",
             "one for " + std::to_string(gained / size), "the third in a row");
    }
  } else if (gained >= size) {
    own.stretched = 0;
  }
  own.full_unacked = 0;
}

// The hole is filled, and the ACK leaves out what had passed beyond it.
//= rfc9293 3.10.7.4 first SHLD-31
void forgets(Context& c, Conduct& own) {
  const bool only_the_repetition = c.ack == c.self.stimulus_end && c.self.stimuli != 0;
  const bool more_had_passed = c.peer.sent.contiguous() > c.ack && !c.peer.sent.overflowed();
  if (own.above_seen < 3 || !only_the_repetition || !more_had_passed) {
    if (c.peer.sent.contiguous() <= c.ack && !c.peer.sent.has_gap()) own.above_seen = own.partial = 0;
    return;
  }
  if (++own.partial != 2) return;
  const std::string expected = "ACK=" + number_text(c.peer.sent.contiguous());
  const std::string why = std::to_string(own.above_seen) + " segments beyond the hole had passed, from packet " +
                          std::to_string(own.above_packet) + " on, and are acknowledged only as they are repeated";
  if (own.above_seen >= 8) {
    c.note(RuleId::beyond_hole_not_kept, expected, "ACK=" + number_text(c.ack), why);
  } else {  // so few may have been lost behind the tap
    c.note_at_tap(RuleId::beyond_hole_not_kept, expected, "ACK=" + number_text(c.ack), why);
  }
}

}  // namespace

void acknowledgement(Context& c) {
  Conduct& own = c.conn.conduct[c.side];
  const bool news = !c.self.acked || c.ack > c.self.ack_max;
  own.above = 0;
  if (!news) return;
  delayed(c, own);
  stretched(c, own);
  forgets(c, own);
  own.news[0] = own.news[1] = 0;
}

namespace {

// In order, inside the window and otherwise beyond doubt: from now on it is to be acknowledged.
void note_due(Context& c, Conduct& receiver) {
  const Endpoint& r = c.peer;
  const bool in_order = r.acked && c.seq == r.ack_max && r.edge_known && c.end <= r.edge_last;
  const auto& ts = c.seg.tcp.options.timestamps;
  const bool clock_good = !c.conn.timestamps_negotiated() || (ts && c.self.ts_seen && !c.self.ts_erratic &&
                                                              at_or_after(SeqNum(ts->value), SeqNum(c.self.tsval_max)));
  if (!in_order || !clock_good || !c.flags().ack() || c.seg.malformed || r.fin || r.rst || c.self.rst) return;
  if (receiver.due_end != 0) return;
  receiver.due_end = c.end;
  receiver.due_since = c.seg.time;
  receiver.due_packet = c.seg.number;
}

//= rfc5681 4.2 RFC5681-3.2-a
void note_beyond_hole(Context& c, Conduct& receiver) {
  if (receiver.above_seen == 0) receiver.above_packet = c.seg.number;
  if (receiver.above_seen < 0xffff) ++receiver.above_seen;
  receiver.news[1] = receiver.news[0];
  receiver.news[0] = c.seq;
  receiver.news_time[1] = receiver.news_time[0];
  receiver.news_time[0] = c.seg.time;
  if (++receiver.above != 8) return;
  SegmentInfo at = c.seg;
  Context accused(c.conn, 1 - c.side, at);
  accused.note(
      RuleId::duplicate_ack_missing, "a duplicate ACK for each", "none",
      "8 segments in a row arrived beyond octet " + number_text(c.self.sent.contiguous()) + ", which is missing");
}

}  // namespace

void text_arrival(Context& c) {
  Conduct& receiver = c.conn.conduct[1 - c.side];
  const Conduct& sender = c.conn.conduct[c.side];
  if (c.peer.acked && c.seq > c.self.sent.contiguous() && c.peer.edge_known && c.end <= c.peer.edge_max) {
    note_beyond_hole(c, receiver);
    return;
  }
  receiver.news[0] = receiver.news[1] = 0;  // the receiver may have dropped what passed here, and see a hole still
  note_due(c, receiver);
  const bool full = sender.largest >= 256 && c.seg.payload_size == sender.largest;
  const bool in_order = c.seq == c.self.sent.contiguous() && !c.self.sent.has_gap();
  if (!in_order) {
    receiver.full_unacked = receiver.stretched = 0;
  } else if (full && receiver.full_unacked < 0xffff) {
    ++receiver.full_unacked;
  }
}

}  // namespace lastack::near
