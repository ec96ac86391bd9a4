// The facts that segments in order bring too, as one function each: for facts.cpp, which notes those of any segment,
// and for in_order.cpp.
#pragma once

#include <algorithm>

#include "conformance/judge/connection.h"

namespace lastack {

inline void note_window(Context& c) {
  Endpoint& e = c.self;
  e.wnd_last = c.seg.tcp.wnd;
  e.shut = e.shut || c.seg.tcp.wnd == 0;
  const int agreed = c.conn.window_shift(c.side);
  if (agreed < 0 && (!c.flags().syn() || c.conn.handshake_known())) return;
  const int shift = c.flags().syn() ? 0 : agreed;
  const Position edge = c.ack + (static_cast<Position>(c.seg.tcp.wnd) << shift);
  e.edge_last = edge;
  if (!e.edge_known || edge > e.edge_max) {
    e.edge_max = edge;
    e.edge_packet = c.seg.number;
  } else if (edge + (Position{1} << shift) < e.edge_max && c.ack >= e.ack_max) {
    e.took_back = true;
  }
  e.edge_known = true;
}

// It acknowledges more than was captured: where packets are missing, its window counts all the same.
inline void note_unsure_window(Context& c) {
  const int shift = c.conn.window_shift(c.side);
  if (shift < 0) return;
  c.self.edge_unsure = std::max(c.self.edge_unsure, c.ack + (static_cast<Position>(c.seg.tcp.wnd) << shift));
}

inline void note_recent_ack(Context& c) {
  Endpoint& e = c.self;
  const auto known = std::find(e.recent_acks.begin(), e.recent_acks.end(), c.ack);
  if (known == e.recent_acks.end()) {
    std::move_backward(e.recent_acks.begin(), e.recent_acks.end() - 1, e.recent_acks.end());
    e.recent_acks[0] = c.ack;
    ++e.distinct_acks;
  }
  if (!c.flags().rst() && (e.distinct_acks == 1 || c.ack > e.ack_highest)) e.ack_highest = c.ack;
}

// The first text that was sent, and not its repetition after the first flight was lost before the tap: nothing was sent
// since the SYN, or no time-out has passed (200 ms at the least in the stacks that are known).
inline bool is_first_text(const Context& c) {
  const Endpoint& e = c.self;
  if (e.syn.count == 0 || c.seq != e.iss + 1) return false;
  const bool soon = c.clock_runs() && c.seg.time - e.syn.time < std::chrono::milliseconds(150);
  return c.conn.certain || soon || (c.seg.ip.src.version == IpVersion::v4 && e.ids.is_next(c.seg.ip.id));
}

// What its acknowledgement says has arrived.
inline void note_news(Context& c) {
  Endpoint& e = c.self;
  if (!e.acked || c.ack > e.ack_max) {
    e.ack_max = c.ack;
    e.ack_packet = c.seg.number;
    e.ack_unverified = c.seg.checksum == ChecksumState::unknown;
    e.ack_time = c.seg.time;
  }
  e.acked = true;
}

// The number of a segment that was the next one of its sender; asked once its numbers are noted. What continues the
// stream after it was sent after it.
inline Position place_in_sequence(const Context& c) {
  const bool next = c.end == c.seq ? c.seq == c.self.next : c.self.next_packet == c.seg.number;
  return next && c.end == c.self.next ? c.seq : kOutOfSequence;
}

// So far from the clock seen before that no tick of RFC 7323 5.4 (59 ns and more) explains it.
inline bool is_far(std::int32_t step) {
  constexpr std::int32_t kPlausible = 1 << 28;
  return step > kPlausible || step < -kPlausible;
}

// One value far off is not the clock; where the next one agrees with it, the clock has jumped. True: nothing to note.
inline bool note_stray(Context& c, std::uint32_t value) {
  Endpoint& e = c.self;
  const bool was_astray = e.astray;
  e.astray = is_far(SeqNum(value) - SeqNum(e.tsval_max));
  if (!e.astray) return false;
  // Some systems send a SYN with TSval=0, whatever their clock says.
  const bool no_clock_yet = !e.ts_in_stream && e.tsval_max == 0;
  const bool hostile = c.conn.certain && c.side != c.conn.judged;
  if (was_astray || no_clock_yet || hostile || (e.stray_packet != 0 && e.stray_tsval != value)) e.ts_erratic = true;
  e.stray_packet = c.seg.number;
  e.stray_tsval = value;
  e.ts_unread = true;  // which one is the newest?
  return !e.ts_erratic;
}

inline void note_clock(Context& c) {
  Endpoint& e = c.self;
  const Timestamps ts = *c.seg.tcp.options.timestamps;
  if (c.flags().rst()) return;  // need not come from the connection's clock (RFC 7323 3.2)
  if (e.ts_seen && note_stray(c, ts.value)) {
    e.ts_in_stream = e.ts_in_stream || !c.flags().syn();
    return;
  }
  const std::int32_t step = e.ts_seen ? SeqNum(ts.value) - SeqNum(e.tsval_max) : 1;
  if (!e.ts_seen) e.tsval_min = e.tsval_max = ts.value;
  if (step > 0) {
    e.tsval_before = e.tsval_max;
    e.tsval_max = ts.value;
    e.tsval_packet = c.seg.number;
    e.tsval_time = c.seg.time;
    e.tsval_at = place_in_sequence(c);
  }
  e.tsval_alone = e.ts_seen && (step > 0 || (step < 0 && e.tsval_alone));
  if (before(SeqNum(ts.value), SeqNum(e.tsval_min))) e.tsval_min = ts.value;
  e.ts_seen = true;
  e.ts_in_stream = e.ts_in_stream || !c.flags().syn();
}

inline void note_echo(Context& c) {
  Endpoint& e = c.self;
  const Timestamps ts = *c.seg.tcp.options.timestamps;
  if (!c.flags().ack() || c.flags().rst()) return;
  if (e.tsecr_highest == 0 || after(SeqNum(ts.echo), SeqNum(e.tsecr_highest))) e.tsecr_highest = ts.echo;
  const bool claimed = !c.conn.certain && c.peer.ts_seen && after(SeqNum(ts.echo), SeqNum(c.peer.tsval_max));
  if (claimed) return;  // of what was not sent
  if (!e.tsecr_seen || after(SeqNum(ts.echo), SeqNum(e.tsecr_max))) {
    e.tsecr_max = ts.echo;
    e.tsecr_packet = c.seg.number;
    e.tsecr_at = place_in_sequence(c);
  }
  e.tsecr_seen = true;
}

// New text whose first number is acknowledged up to: the first segment with that number on which more is acknowledged
// has set TS.Recent, at least to the TSval with which it was first sent (RFC 7323 4.3). ACKs missing from the capture
// only make that later. Asked before its clock is noted.
inline void note_echo_due(Context& c) {
  Endpoint& e = c.self;
  const Timestamps ts = *c.seg.tcp.options.timestamps;
  const std::int32_t step = SeqNum(ts.value) - SeqNum(e.tsval_max);
  const bool first_sent = c.has_data() && e.ts_seen && step >= 0 && !is_far(step) && !c.flags().syn() &&
                          !c.flags().rst() && (c.blamed & (kBlameSeq | kBlameTsval)) == 0;
  if (first_sent && e.echo_mark.number == kOutOfSequence && place_in_sequence(c) != kOutOfSequence) {
    EchoDue& mark = e.echo_mark;
    mark.number = c.seq;
    mark.packet = c.seg.number;
    mark.time = c.seg.time;
    mark.ack = c.seg.tcp.ack;
    mark.tsval = ts.value;
    mark.sure = e.tsval_at == c.seq ? std::optional(e.tsval_max) : std::nullopt;
  }
  // Text from before: what was first seen may have been a repetition.
  if (c.has_data() && e.ts_seen && step < 0) e.echo_mark.number = e.echo_due.number = kOutOfSequence;
  for (Endpoint* sender : {&c.self, &c.peer}) {
    const Endpoint& receiver = sender == &c.self ? c.peer : c.self;
    if (!receiver.acked || receiver.ack_max < sender->echo_mark.number) continue;
    sender->echo_due = sender->echo_mark;
    sender->echo_due.number = receiver.ack_max;
    sender->echo_mark.number = kOutOfSequence;
  }
}

// It acknowledges what came with a newer timestamp than it echoes. As long as the sender of the text has acknowledged
// no more: Linux takes no timestamp of a segment whose ACK is older than another one's.
inline bool echo_is_stale(const Context& c) {
  const EchoDue& due = c.peer.echo_due;
  return c.ack > due.number && due.ack == SeqNum(wire_number(c.peer.ack_max)) &&
         before(SeqNum(c.seg.tcp.options.timestamps->echo), SeqNum(due.tsval));
}

inline void note_timestamps(Context& c) {
  note_echo_due(c);
  note_clock(c);
  note_echo(c);
}

// How many packets an offloaded segment will become.
inline std::uint32_t wire_packets(const Context& c) {
  const std::uint32_t mss = c.peer.syn.has_mss ? c.peer.syn.mss : 1460U;
  const std::uint32_t options = c.seg.tcp.header_size - static_cast<std::uint32_t>(kTcpHeaderSize);
  const std::uint32_t room = mss > options + 64U ? mss - options : 64U;
  return c.seg.payload_size <= room ? 1 : (c.seg.payload_size + room - 1) / room;
}

// What the other end may react to from now on.
inline void note_stimulus(Context& c) {
  Endpoint& other = c.peer;
  ++other.stimuli;
  const bool only = (other.stimuli == 1 || (other.only_quiet && other.plain_segments == 0)) && !other.owes_another;
  const bool next =
      c.seg.payload_size == 0 && !c.flags().rst() && !c.flags().syn() && other.acked && other.ack_max == c.seq;
  other.only_fin = only && next && c.flags().fin();
  other.only_quiet = only && next && !c.flags().fin() && c.flags().ack() && c.seg.tcp.options.sack_count == 0;
  if (other.acked && c.seq < other.ack_max) other.old_among_them = true;
  other.stimulus_packet = c.seg.number;
  other.stimulus_time = c.seg.time;
  other.stimulus_flags = c.flags().bits;
  other.stimulus_end = c.end;
  other.stimulus_len = c.seg.len();
  other.stimulus_tsval = c.seg.tcp.options.timestamps ? c.seg.tcp.options.timestamps->value : 0;
  if (!c.flags().rst()) other.other_than_rst = true;
  const bool own_probe = c.seg.len() == 0 && c.self.numbers_known && c.seq < c.self.next;  // which answers nothing
  c.self.owes_another = c.self.old_among_them && (c.self.stimuli > 1 || own_probe);
  c.self.old_among_them = false;
  c.self.stimuli = 0;
  c.self.only_fin = c.self.only_quiet = false;
}

// One octet may be the garbage of a keep-alive (MAY-6).
inline void note_payload(Context& c) {
  Endpoint& e = c.self;
  if (c.flags().rst() || c.flags().syn() || c.seg.payload_size < 2 || (c.blamed & kBlameSeq) != 0) return;
  if ((e.fin && c.peer.fin) || e.rst || c.peer.rst) return;
  const Position acknowledged = c.peer.acked ? c.peer.ack_max : e.next;
  e.stream.remember(c.seq, c.seg.tcp.payload, c.seg.number, std::max<Position>(c.end - acknowledged, 0),
                    c.conn.sink->stream_budget());
}

}  // namespace lastack
