// Rules about the order of what an endpoint sends and about replies that it owes, at its own tap (class E). Before the
// capture has shown where the tap is they only make provisional findings.
#include "conformance/judge/rules/near.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "conformance/judge/facts.h"
#include "stack/wire/text.h"

namespace lastack::near {

std::string seconds_text(Duration d) {
  char text[32];
  const double s = seconds(d);
  std::snprintf(text, sizeof text, s < 1 ? "%.3f s" : (s < 100 ? "%.2f s" : "%.0f s"), s);
  return text;
}

bool is_flat(Backoff& b, const Context& c, Duration since, Duration maximum) {
  constexpr Duration kCopy = std::chrono::milliseconds(10);
  if (b.count != 0 && since < std::max(kCopy, b.interval / 8)) return false;  // a copy made by the network
  if (b.count == 0) {
    b.first_packet = c.seg.number;
    b.first_interval = since;
  } else if (2 * b.interval > maximum || since * 2 >= b.interval * 3) {
    b.flat = 0;
  } else {
    ++b.flat;
  }
  b.interval = since;
  b.last = c.seg.time;
  ++b.count;
  return b.flat == 3;
}

namespace {

// The rules of timestamps.cpp and acknowledgment.cpp have decided already where a newer clock or identification tells.
bool proven_later(const Context& c) { return c.later; }

void ack_falls(Context& c) {
  const Endpoint& self = c.self;
  if (!self.acked || c.ack >= self.ack_max || c.flags().syn() || proven_later(c)) return;
  if (self.ack_max - c.ack > (Position{1} << 30) || !well_after(c, self.ack_packet, self.ack_time)) return;
  if (self.ack_said == self.ack_packet) return;  // once for each that was sent earlier
  c.self.ack_said = self.ack_packet;
  c.violated_at_tap(RuleId::ack_goes_back, "ACK=" + number_text(self.ack_max) + " or more", "ACK=" + number_text(c.ack),
                    "RCV.NXT=" + number_text(self.ack_max) + since_packet(self.ack_packet) + ", sent earlier");
}

void edge_falls(Context& c) {
  const Endpoint& self = c.self;
  const int shift = c.conn.window_shift(c.side);
  if (!self.edge_known || shift < 0 || proven_later(c) || (c.peer.fin && c.ack > c.peer.fin_at)) return;
  if (c.ack < self.ack_max || c.ack > c.peer.next ||
      !well_after(c, std::max(self.edge_packet, self.ack_packet), self.last_time))
    return;
  const Position edge = c.ack + (static_cast<Position>(c.seg.tcp.wnd) << shift);
  if (edge + (Position{1} << shift) >= self.edge_max || self.edge_said == self.edge_packet) return;
  if (rules::scale_in_doubt(c)) return;
  c.self.edge_said = self.edge_packet;  // once for each edge that is taken back
  c.violated_at_tap(RuleId::window_shrunk, "right edge " + number_text(self.edge_max) + " or more",
                    "right edge " + number_text(edge),
                    "that edge was offered" + since_packet(self.edge_packet) + " (rounding by the scale excepted)");
}

void clock_falls(Context& c) {
  const Endpoint& self = c.self;
  const auto& ts = c.seg.tcp.options.timestamps;
  if (!ts || !self.ts_seen || self.ts_erratic || !c.conn.timestamps_negotiated() || rules::stamps_are_wiped(c)) return;
  const std::int32_t back = SeqNum(self.tsval_max) - SeqNum(ts->value);
  if (back <= 0 || is_far(back) || (c.blamed & kBlameTsval) != 0) return;
  if (!well_after(c, self.tsval_packet, self.tsval_time) && !continues_after(c, self.tsval_at)) return;
  if (c.seg.time - self.tsval_time > std::chrono::seconds(120)) return;
  if (c.seg.ip.src.version == IpVersion::v4 && self.ids.counts_up() && self.ids.is_newer(c.seg.ip.id)) return;
  if (rules::suspect_fall(c, true)) return;
  c.violated_at_tap(RuleId::timestamp_goes_back, "TSval=" + std::to_string(self.tsval_max) + " or more",
                    "TSval=" + std::to_string(ts->value),
                    "its clock was at " + std::to_string(self.tsval_max) + since_packet(self.tsval_packet));
}

void echo_falls(Context& c) {
  const Endpoint& self = c.self;
  const auto& ts = c.seg.tcp.options.timestamps;
  if (!ts || !self.tsecr_seen || c.peer.ts_erratic || !c.conn.timestamps_negotiated() || rules::stamps_are_wiped(c))
    return;
  const std::int32_t back = SeqNum(self.tsecr_max) - SeqNum(ts->echo);
  if (back <= 0 || (c.blamed & kBlameTsecr) != 0 || rules::echoes_stray(c)) return;
  const bool later = well_after(c, self.tsecr_packet, self.last_time) || continues_after(c, self.tsecr_at);
  if (!later) return;
  c.violated_at_tap(
      RuleId::timestamp_echo_goes_back, "TSecr=" + std::to_string(self.tsecr_max) + " or more",
      "TSecr=" + std::to_string(ts->echo),
      "TS.Recent=" + std::to_string(self.tsecr_max) + since_packet(self.tsecr_packet) + ", and it never decreases");
}

void follows_own_reset(Context& c) {
  const Endpoint& self = c.self;
  if (!self.rst || !self.rst_synchronized || !well_after(c, self.rst_packet, self.rst_time)) return;
  c.violated_at_tap(RuleId::segment_after_reset, "no segment but RST", info_text(c.seg),
                    "it reset the connection in packet " + std::to_string(self.rst_packet));
}

void after_received_reset(Context& c) {
  const Conduct& own = c.conn.conduct[c.side];
  if (own.exact_reset == 0 || !well_after(c, own.exact_reset, own.exact_reset_time)) return;
  if (c.seg.time - own.exact_reset_time < std::chrono::milliseconds(200)) return;
  c.violated_at_tap(
      RuleId::segment_after_received_reset, "no segment of this connection", info_text(c.seg),
      "packet " + std::to_string(own.exact_reset) + " is a reset with SEQ=RCV.NXT=" + number_text(c.self.ack_max));
}

// A host takes arrivals in batches, and then answers them one by one: only arrivals that are clearly apart tell which
// one was the last. The block that holds what came last stands first (RFC 2018 4): the first one holds neither of the
// two newest arrivals beyond the hole, another one holds the newest.
//= rfc2018 4 RFC2018-4-c
void newest_block_first(Context& c) {
  const Conduct& own = c.conn.conduct[c.side];
  const Options& o = c.seg.tcp.options;
  if (o.sack_count < 2 || own.news[0] == 0 || own.news[1] == 0 || !c.self.acked || c.ack != c.self.ack_max) return;
  if (own.news_time[0] - own.news_time[1] < std::chrono::milliseconds(2)) return;
  const auto holds = [&](std::size_t i, Position p) {
    return unwrap(c.peer.next, o.sack[i].left) <= p && p < unwrap(c.peer.next, o.sack[i].right);
  };
  const Position first = unwrap(c.peer.next, o.sack[0].left);
  if (!c.peer.sent.covers(first, first + 1)) return;  // what came last is missing from the capture
  const bool duplicate_report = unwrap(c.peer.next, o.sack[0].right) <= c.ack;
  if (duplicate_report || holds(0, own.news[0]) || holds(0, own.news[1])) return;
  for (std::size_t i = 1; i < o.sack_count; ++i) {
    if (!holds(i, own.news[0])) continue;
    if (holds(i, unwrap(c.peer.next, o.sack[0].left))) return;  // a duplicate report inside its block
    c.violated_at_tap(RuleId::sack_newest_first, "the block with octet " + number_text(own.news[0]) + " first",
                      "block " + std::to_string(o.sack[0].left.raw()) + "-" + std::to_string(o.sack[0].right.raw()),
                      "that octet arrived last, and its block stands in place " + std::to_string(i + 1));
    return;
  }
}

}  // namespace

void sent_order(Context& c) {
  if (c.flags().syn() || c.flags().rst() || c.conn.next_syn.present) return;
  // A retransmission may be the old packet as it was, ACK and window too (RFC 1122 4.2.2.15).
  if (c.seg.options_known && !repeats(c)) {
    if (c.flags().ack()) {
      ack_falls(c);
      edge_falls(c);
      if (c.seg.tcp.options.sack_count != 0) newest_block_first(c);
      echo_falls(c);
    }
    clock_falls(c);
  }
  follows_own_reset(c);
  after_received_reset(c);
}

namespace {

// What arrived and is owed an ACK.
enum Owed : std::uint8_t { kNothing, kUnacceptable, kResetInside, kSynInside, kFinAgain, kAfterReset };

constexpr Duration kReplyTime = std::chrono::seconds(1);

RuleId rule_of(std::uint8_t owed) {
  switch (owed) {
    case kResetInside:
    case kSynInside: return RuleId::challenge_missing;
    case kFinAgain: return RuleId::fin_not_acknowledged_again;
    case kAfterReset: return RuleId::closed_without_reset;
    default: return RuleId::unacceptable_not_answered;
  }
}

const char* stimulus_of(std::uint8_t owed) {
  switch (owed) {
    case kResetInside: return "a reset inside the window that is not at RCV.NXT";
    case kSynInside: return "a SYN";
    case kFinAgain: return "the FIN again";
    case kAfterReset: return "a segment of the connection that it had reset";
    default: return "a segment outside the window";
  }
}

void owe(TrackedConnection& conn, int end, Owed kind, const SegmentInfo& seg) {
  Conduct& owing = conn.conduct[end];
  if (owing.owed == kind) {
    // One reply may be throttled (RFC 5961 7); what comes at once again says nothing new.
    if (seg.time - owing.owed_since < kReplyTime) return;
    ++owing.owed_times;
  } else {
    owing.owed = kind;
    owing.owed_times = 0;
    owing.owed_packet = seg.number;
  }
  owing.owed_since = seg.time;
}

void report_owed(TrackedConnection& conn, int end, Instant at, bool last_word) {
  Conduct& own = conn.conduct[end];
  const int times = own.owed_times + 1;
  const std::uint8_t kind = own.owed;
  own.owed = kNothing;
  own.owed_times = 0;
  SegmentInfo shown;
  shown.number = own.owed_packet;
  shown.time = at;
  Context c(conn, end, shown);
  const char* expected = kind == kAfterReset ? "<SEQ=SEG.ACK><CTL=RST>" : "<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>";
  c.violated_at_tap(rule_of(kind), expected, "no reply",
                    std::string(stimulus_of(kind)) + " arrived " + std::to_string(times) +
                        " times, a second or more apart, from packet " + std::to_string(own.owed_packet) + " on",
                    true);
  // Nothing of it came any more: a filter in front of it explains that too, unless somebody vouches for the tap.
  if (last_word && !conn.provisional.empty()) conn.provisional.back().needs_given = true;
}

}  // namespace

void conclude(TrackedConnection& conn, Instant now) {
  for (int e = 0; e < 2; ++e) {
    const Conduct& own = conn.conduct[e];
    if (own.owed_times >= 2 && now - own.owed_since > kReplyTime) report_owed(conn, e, now, true);
  }
}

namespace {

// Nothing but a reset outside the window has come since its last segment, and its next one says nothing new.
void answers_outside_reset(Context& c) {
  Conduct& own = c.conn.conduct[c.side];
  const Endpoint& self = c.self;
  const std::uint64_t reset = std::exchange(own.outside_reset, 0);
  const bool only_that = reset != 0 && self.stimuli == 1 && self.stimulus_packet == reset;
  const bool repeats_itself = c.seg.len() == 0 && !c.flags().rst() && c.flags().ack() && c.seq == self.next &&
                              self.acked && c.ack == self.ack_max && c.seg.tcp.wnd == self.wnd_last;
  const bool idle_before = self.stimulus_time - self.last_time > std::chrono::milliseconds(5);
  const bool at_once = c.seg.time - self.stimulus_time < std::chrono::milliseconds(50);
  if (!only_that || !repeats_itself || !idle_before || !at_once) return;
  c.violated_at_tap(RuleId::outside_reset_answered, "silence", info_text(c.seg),
                    "nothing has arrived but a reset outside the window, in packet " + std::to_string(reset));
}

}  // namespace

// Any segment with an ACK is the reply, late or not; resets are other reactions.
void replies(Context& c) {
  Conduct& own = c.conn.conduct[c.side];
  const Endpoint& self = c.self;
  if (own.outside_reset != 0) answers_outside_reset(c);
  // A reset that answers a segment without more: the end had let the connection go at a reset that it had to challenge.
  const bool bare_reset = c.flags().rst() && !c.flags().ack();
  const bool obeyed = own.window_reset != 0 && bare_reset && !self.fin && !self.rst && c.seq == c.peer.ack_max &&
                      c.seg.number > own.window_reset + 1;
  if (obeyed) {
    c.violated_at_tap(RuleId::window_reset_obeyed, "a challenge ACK, and the connection goes on", info_text(c.seg),
                      "packet " + std::to_string(own.window_reset) +
                          " is a reset inside the window, but not at RCV.NXT=" + number_text(self.ack_max),
                      true);
  }
  if (c.flags().ack() || c.flags().rst()) own.window_reset = 0;
  if (own.owed == kNothing) return;
  if (own.owed_times >= 2 && !c.flags().rst()) report_owed(c.conn, c.side, c.seg.time, false);
  own.owed = kNothing;
  own.owed_times = 0;
}

namespace {

// The states in which a reset or SYN that does not fit must be challenged. After a reset on the wire CLOSED is possible
// too.
bool must_challenge(const TrackedConnection& conn, int end) {
  StateSet fitting = kSynReceived | kEstablished | kCloseWait;
  if (conn.ends[1 - end].rst) fitting = static_cast<StateSet>(fitting | kClosed);
  return (possible_states(conn, end) & ~fitting) == 0;
}

void reset_arrives(Context& c) {
  Conduct& other = c.conn.conduct[1 - c.side];
  const Endpoint& receiver = c.peer;
  const bool clear = receiver.acked && receiver.edge_known && !c.self.sent.has_gap() && !c.self.sent.overflowed() &&
                     c.self.sent.contiguous() == receiver.ack_max && !c.has_data();
  if (!clear || !must_challenge(c.conn, 1 - c.side)) return;
  if (c.seq == receiver.ack_max) {
    const bool ack_harmless = !c.flags().ack() || c.ack <= receiver.next;
    if (other.exact_reset != 0 || !ack_harmless) return;
    other.exact_reset = c.seg.number;
    other.exact_reset_time = c.seg.time;
    return;
  }
  if (c.seq < receiver.ack_max - 1 || c.seq > receiver.edge_max + (Position{1} << 16)) {
    other.outside_reset = c.seg.number;
    return;
  }
  if (c.seq <= receiver.ack_max || c.seq >= receiver.edge_last) return;
  other.window_reset = c.seg.number;
  owe(c.conn, 1 - c.side, kResetInside, c.seg);
}

// Wholly left of what the receiver has acknowledged, or wholly right of any edge that it offered.
bool unacceptable(const Context& c) {
  const Endpoint& receiver = c.peer;
  if (!receiver.acked || !receiver.edge_known || c.seg.len() == 0) return false;
  return c.end <= receiver.ack_max || c.seq >= receiver.edge_max + (Position{1} << 16);
}

}  // namespace

void arrival(Context& c) {
  if (c.flags().syn() || c.conn.next_syn.present || !c.seg.options_known || c.seg.malformed) return;
  if (c.flags().rst()) {
    reset_arrives(c);
    return;
  }
  const Endpoint& receiver = c.peer;
  if (receiver.rst && receiver.rst_synchronized && !c.self.rst) {
    const bool certainly_after = c.seg.time - receiver.rst_time > kReplyTime;
    if (certainly_after) owe(c.conn, 1 - c.side, kAfterReset, c.seg);
    return;
  }
  if (receiver.rst || c.self.rst || !unacceptable(c)) return;
  const auto& ts = c.seg.tcp.options.timestamps;
  if (c.conn.timestamps_negotiated() && !ts) return;
  const bool fin_again = c.flags().fin() && c.self.fin && c.end == c.self.fin_at + 1 && receiver.ack_max == c.end;
  owe(c.conn, 1 - c.side, fin_again ? kFinAgain : kUnacceptable, c.seg);
}

void arrival_of_syn(TrackedConnection& conn, int sender, const SegmentInfo& seg) {
  const Endpoint& receiver = conn.ends[1 - sender];
  const bool established = receiver.acked && receiver.plain_segments != 0 && !receiver.rst && !conn.ends[sender].rst;
  if (!established || !must_challenge(conn, 1 - sender)) return;
  owe(conn, 1 - sender, kSynInside, seg);
}

}  // namespace lastack::near
