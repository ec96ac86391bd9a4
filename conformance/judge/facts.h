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

inline void note_clock(Context& c) {
  Endpoint& e = c.self;
  const Timestamps ts = *c.seg.tcp.options.timestamps;
  if (c.flags().rst()) return;  // need not come from the connection's clock (RFC 7323 3.2)
  if (!e.ts_seen) {
    e.tsval_max = e.tsval_min = ts.value;
    e.tsval_packet = c.seg.number;
    e.tsval_time = c.seg.time;
  } else {
    const std::int32_t step = SeqNum(ts.value) - SeqNum(e.tsval_max);
    constexpr std::int32_t kPlausible = 1 << 28;
    if (step > kPlausible || step < -kPlausible) e.ts_erratic = true;
    if (step > 0) {
      e.tsval_max = ts.value;
      e.tsval_packet = c.seg.number;
      e.tsval_time = c.seg.time;
    }
    if (before(SeqNum(ts.value), SeqNum(e.tsval_min))) e.tsval_min = ts.value;
  }
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
  }
  e.tsecr_seen = true;
}

inline void note_timestamps(Context& c) {
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
