#include "conformance/judge/in_order.h"

#include "conformance/judge/facts.h"
#include "conformance/judge/rules/near.h"

namespace lastack {

namespace {

bool is_quiet(const TrackedConnection& conn, int side) {
  const Endpoint& e = conn.ends[side];
  const Conduct& own = conn.conduct[side];
  const bool speaks = e.numbers_known && e.plain_segments != 0 && e.acked && e.edge_known && e.syn.count != 0 &&
                      !e.isn_ambiguous && !e.fin && !e.rst && !e.was_reset && e.ect_syn_packet == 0;
  const bool whole = e.sent.contiguous() == e.next && !e.sent.has_gap() && !e.sent.overflowed() &&
                     e.claimed <= e.next && !e.jumped && !e.next_guessed && !e.next_doubtful;
  const bool clock = !conn.agreed.timestamps || (e.ts_seen && e.tsecr_seen && !e.ts_erratic);
  const bool owes = own.owed != 0 || own.window_reset != 0 || own.outside_reset != 0 || own.exact_reset != 0;
  return speaks && whole && clock && !owes && !own.shut && own.opened == Instant{} && conn.agreed.shift[side] >= 0;
}

// Its clock and its echo may stand still or go on, as far as the other end's clock was seen.
bool stamps_go_on(const Context& c) {
  const auto& ts = c.seg.tcp.options.timestamps;
  if (ts.has_value() != c.conn.agreed.timestamps) return false;
  if (!ts) return true;
  const std::int32_t step = SeqNum(ts->value) - SeqNum(c.self.tsval_max);
  const SeqNum echo(ts->echo);
  return step >= 0 && !is_far(step) && !echo_is_stale(c) && at_or_after(echo, SeqNum(c.self.tsecr_max)) &&
         at_or_after(echo, SeqNum(c.peer.tsval_min)) && at_or_before(echo, SeqNum(c.peer.tsval_max));
}

// Octets that are new, inside the window, and no more than a segment holds.
bool text_goes_on(const Context& c) {
  if (c.end > c.peer.edge_max || c.end <= c.peer.ack_max || c.self.stream.reaches(c.seq)) return false;
  const std::uint32_t options = c.seg.tcp.header_size - static_cast<std::uint32_t>(kTcpHeaderSize);
  const bool small_enough = c.peer.syn.has_mss && c.seg.payload_size + options <= c.peer.syn.mss;
  return small_enough || c.seg.checksum != ChecksumState::right;  // rules::segment_over_mss
}

// RCV.NXT does not fall, counts nothing that was not sent, and the window's right edge stays or moves right (rounding
// by the scale excepted).
bool acknowledgement_goes_on(const Context& c) {
  if (c.ack < c.self.ack_max || c.ack > c.peer.next || c.ack <= c.peer.iss || c.seg.tcp.wnd == 0) return false;
  const std::int8_t shift = c.conn.agreed.shift[c.side];
  const Position edge = c.ack + (static_cast<Position>(c.seg.tcp.wnd) << shift);
  return edge + (Position{1} << shift) >= c.self.edge_max;
}

// near::never_repeated looks at what has waited for an ACK for so long.
bool waits_long(const Context& c) {
  constexpr Duration kLong = std::chrono::seconds(20);
  const Instant since = c.conn.conduct[c.side].timer_start;
  return c.self.next > c.peer.ack_max && c.seg.time - since >= kLong;
}

// near::window where the window was and stays open.
void note_open_window(Context& c) {
  c.conn.conduct[1 - c.side].unanswered_probes = 0;
  near::note_room(c, static_cast<Position>(c.seg.tcp.wnd) << c.conn.agreed.shift[c.side]);
}

// What conduct::segment does with such a segment.
void note_conduct(Context& c) {
  Conduct& own = c.conn.conduct[c.side];
  note_tap_evidence(c);
  const bool data = c.has_data();
  if (data) near::new_text(c);
  if (data || c.ack != c.self.ack_max) own.active = c.seg.time;  // near::probes
  near::acknowledgement(c);
  near::ack_of_text(c);
  note_open_window(c);
  if (data) near::text_arrival(c);
}

// What note_facts does with it.
void note_facts_in_order(Context& c) {
  Endpoint& e = c.self;
  if (c.seq > e.claimed) e.claimed = c.seq;
  if (!c.has_data() || is_first_text(c)) e.next_sure = c.seg.number;
  if (c.has_data()) {
    e.sent.advance_to(c.end);
    e.next = c.end;
    e.next_packet = c.seg.number;
    e.ack_at_next = c.ack;
  } else {
    e.not_ect_ack = c.seg.number;
  }
  ++e.plain_segments;
  note_payload(c);
  e.not_ect_segment = c.seg.number;
  note_recent_ack(c);
  note_news(c);
  note_window(c);
  if (c.conn.agreed.timestamps) {
    note_timestamps(c);
  } else if (e.ts_seen) {
    e.ts_unread = true;
  }
  if (c.seg.ip.src.version == IpVersion::v4) e.ids.saw(c.seg.ip.id, wire_packets(c), c.seg.number);
  note_stimulus(c);
  e.last_time = c.seg.time;
  if (c.seg.checksum == ChecksumState::unknown) c.conn.unverified = true;
  ++e.packets;
  e.octets += c.seg.payload_size;
}

}  // namespace

bool is_quiet(const TrackedConnection& conn) {
  if (conn.certain || conn.ask_every_rule || conn.doubtful || !conn.agreed.options) return false;
  if (conn.next_syn.present || !conn.suspicions.empty()) return false;
  return is_quiet(conn, 0) && is_quiet(conn, 1);
}

bool judge_in_order(TrackedConnection& conn, int side, const SegmentInfo& seg) {
  Endpoint& self = conn.ends[side];
  if (!seg.plain || seg.checksum == ChecksumState::wrong || seg.tcp.seq != SeqNum(wire_number(self.next))) return false;
  Context c(conn, side, seg);
  c.seq = self.next;
  c.end = c.seq + seg.payload_size;
  c.ack = unwrap(c.peer.next, seg.tcp.ack);
  if (self.hop_limit != seg.ip.hop_limit || !acknowledgement_goes_on(c) || !stamps_go_on(c) || waits_long(c)) {
    return false;
  }
  if (c.has_data() && !text_goes_on(c)) return false;
  note_conduct(c);
  note_facts_in_order(c);
  return true;
}

bool same_facts(const TrackedConnection& a, const TrackedConnection& b) {
  for (int e = 0; e < 2; ++e) {
    if (!(a.ends[e] == b.ends[e]) || !(a.conduct[e] == b.conduct[e])) return false;
  }
  return a.round_trip == b.round_trip && a.capture_gap == b.capture_gap && a.unverified == b.unverified &&
         a.suspicions.size() == b.suspicions.size() && a.provisional.size() == b.provisional.size();
}

}  // namespace lastack
