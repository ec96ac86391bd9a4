// Notes what a segment proves, after the rules have looked at it. Every fact keeps the number of the packet that it
// came from.
#include "conformance/judge/facts.h"

#include <algorithm>

namespace lastack {

namespace {

// Arrivals at a judged endpoint come from anybody: what it must have dropped (RFC 9293 3.10.7.4) proves nothing about
// what it may acknowledge. Without a doubt only; the rest counts.
bool may_be_processed(const Context& c) {
  if (!c.conn.certain || c.side == c.conn.judged) return true;
  if (c.flags().rst()) return false;
  if (c.flags().syn()) return true;
  if (!c.flags().ack()) return false;
  if (c.self.syn.count == 0 && c.peer.syn.without_ack && !c.peer.syn.with_ack) return false;  // SYN-SENT wants a SYN
  // One beyond a closed window may be the SND.NXT that counts a refused probe; what its ACK says may count (MUST-66).
  // What fills the window may have arrived, acknowledged or not yet. The scale rounds what is offered down.
  const int shift = std::max(c.conn.window_shift(c.conn.judged), 0);
  const bool closed = c.peer.edge_max <= std::max(c.peer.ack_max, c.self.next);
  const Position beyond = c.peer.edge_max + (closed ? 2 : 0) + (Position{1} << shift) - 1;
  if (c.peer.edge_known && c.seq >= beyond) return false;
  return !c.peer.numbers_known || c.ack <= c.peer.next;
}

void merge_syn_options(SynFacts& syn, const SegmentInfo& seg) {
  const Options& o = seg.tcp.options;
  const bool first = syn.count == 0;
  const bool muddled = seg.malformed || o.wrong_length || o.duplicate;  // what it offered is anybody's guess
  syn.options_known = syn.options_known && seg.options_known && !muddled;
  syn.some_timestamps = syn.some_timestamps || o.timestamps.has_value();
  syn.every_timestamps = syn.every_timestamps && o.timestamps.has_value();
  const bool scale = o.window_scale.has_value();
  const std::uint8_t shift = scale ? std::min(*o.window_scale, kMaxWindowShift) : std::uint8_t{0};
  syn.scale_changed = syn.scale_changed || (!first && syn.shift != shift);
  syn.shift = shift;
  syn.some_scale = syn.some_scale || scale;
  syn.every_scale = syn.every_scale && scale;
  syn.some_sack_permitted = syn.some_sack_permitted || o.sack_permitted;
  syn.some_fast_open = syn.some_fast_open || o.fast_open || o.unknown;
  syn.some_unknown = syn.some_unknown || o.unknown;
  const Flags f = seg.tcp.flags;
  syn.some_ecn_setup = syn.some_ecn_setup || (f.ece() && f.cwr());
  syn.some_ecn_flag = syn.some_ecn_flag || f.ece() || f.cwr() || f.ae();
  if (o.mss) {
    syn.has_mss = true;
    syn.mss = std::max(syn.mss, *o.mss);
  }
}

void note_syn(Context& c) {
  Endpoint& e = c.self;
  SynFacts& syn = e.syn;
  // A FIN on a SYN has no place; nobody counts it.
  const Position end = c.end - (c.flags().fin() && !c.conn.certain ? 1 : 0);
  if (syn.count != 0 && c.seq != e.iss) {
    e.isn_ambiguous = true;
    return;
  }
  if (syn.some_ecn_setup && !c.flags().ack() && !c.flags().ece()) c.conn.sink->note_ecn_given_up();
  merge_syn_options(syn, c.seg);
  if (syn.count != 0) c.conn.sink->note_repetition();
  if (syn.count == 0 && !c.flags().ack() && c.peer.syn.with_ack) c.conn.sink->note_disorder();
  if (syn.count++ == 0) {
    syn.packet = c.seg.number;
    syn.time = c.seg.time;
    syn.wnd = c.seg.tcp.wnd;
    e.iss = c.seq;
    e.numbers_known = true;
    // Data that a reordering brought before the SYN keeps its place; numbers of an earlier incarnation do not.
    const bool data_came_first = e.next > end && e.next < end + (Position{1} << 20) && e.plain_segments != 0;
    if (!data_came_first) e.next = end;
    e.next_packet = c.seg.number;
    e.next_sure = data_came_first ? 0 : c.seg.number;
    e.claimed = e.next;
    e.sent.start(c.seq);
  }
  syn.last_time = c.seg.time;
  syn.last_packet = c.seg.number;
  syn.data = std::max(syn.data, c.seg.payload_size);
  syn.len = std::max(syn.len, c.seg.len());
  (c.flags().ack() ? syn.with_ack : syn.without_ack) = true;
  e.sent.add(c.seq, end);
  if (end > e.next) e.next = end;
}

void note_jump(Context& c, Position next_before) {
  Endpoint& e = c.self;
  // What is acknowledged up to this number, or as far as this one would reach in its place, was sent: it is missing
  // from the capture.
  const Position acked = c.peer.acked ? c.peer.ack_highest : next_before;
  const bool acknowledged =
      !c.conn.certain && c.seq > next_before && (acked == c.seq || acked >= next_before + c.seg.len());
  if (c.seq == next_before || acknowledged) {
    e.jumped = false;
    return;
  }
  const bool older_jump_waits = c.seq < next_before && e.jumped && e.jump_to > e.jump_from;
  if (older_jump_waits) return;
  e.jumped = true;
  e.jump_from = next_before;
  e.jump_to = c.seq;
  e.jump_len = c.seg.len();
  e.jump_packet = c.seg.number;
  e.jump_time = c.seg.time;
  e.jump_ids_gapless = c.seg.ip.src.version == IpVersion::v4 && e.ids.counts_up() && e.ids.is_next(c.seg.ip.id) &&
                       e.ids.gapless_since() <= e.next_sure && e.next_sure != 0;
  if (c.seq > next_before) e.next_sure = 0;
}

// Too far ahead to belong to this connection: more than a window and 1 MiB after the peer's edge, or half the space
// away.
bool wild(const Context& c) {
  const Position limit = c.peer.edge_known ? std::max(c.peer.edge_max, c.self.next) + (Position{1} << 20)
                                           : c.self.next + (Position{1} << 30);
  return c.end > limit;
}

void follow_gap(Context& c) {
  if (!c.conn.capture_gap) c.conn.capture_gap_packet = c.seg.number;
  c.conn.capture_gap = true;
  c.self.sent.advance_to(c.seq);
  c.self.next = c.seq;
  c.self.next_packet = c.seg.number;
  c.self.next_sure = 0;
}

void note_numbers(Context& c) {
  Endpoint& e = c.self;
  if (!e.numbers_known) {
    e.numbers_known = true;
    e.next = c.seq;
    e.first = c.seq;
    e.claimed = c.seq;
    e.next_packet = c.seg.number;
    e.next_guessed = c.end == c.seq;
    e.sent.start(c.seq);
  }
  if (wild(c)) {
    if (c.seq != e.wild_end) {
      e.wild_end = c.end;
      return;
    }
    follow_gap(c);  // the next one agrees with it: the capture lacks what lies between
  }
  if (e.next_guessed && c.seq > e.next) {
    e.next = c.seq;
    e.next_packet = c.seg.number;
  }
  e.next_guessed = e.next_guessed && c.end == c.seq;
  if (c.seq > e.claimed) e.claimed = c.seq;
  // Text may be a repetition, with more sent before the capture, or in a gap of it; an empty segment is none.
  if (c.seq == e.next && (c.end == c.seq || is_first_text(c))) e.next_sure = c.seg.number;
  if (c.end == c.seq) return;
  const Position next_before = e.next;
  if (e.sent.covers(c.seq, c.seq + 1)) {
    e.retransmitted = true;
    c.conn.sink->note_repetition();
  }
  if (c.conn.certain || !e.next_doubtful) note_jump(c, next_before);
  e.sent.add(c.seq, c.end);
  if (c.end > e.next) {
    e.next = c.end;
    e.next_packet = c.seg.number;
    const bool ack_good = c.flags().ack() && (c.conn.certain || (c.ack_fits() && (c.blamed & kBlameAck) == 0));
    // What an empty segment has claimed was sent before, unseen: this is a repetition, with a newer ACK perhaps.
    const bool sent_first = c.conn.certain || e.claimed <= next_before;
    if (ack_good && sent_first) e.ack_at_next = c.ack;
  }
}

void note_fin(Context& c) {
  Endpoint& e = c.self;
  ++e.fin_count;
  if (e.fin) return;
  e.fin = true;
  e.fin_at = c.end - 1;
  e.fin_packet = c.seg.number;
  e.fin_time = c.seg.time;
}

void note_ack(Context& c, bool processed) {
  // An acknowledgement of what was not sent is a claim (or garbage), not a fact.
  const bool beyond = c.peer.numbers_known && c.ack > std::max(c.peer.next, c.peer.claimed);
  if (beyond && !c.flags().rst()) note_unsure_window(c);
  if (beyond || c.flags().rst() || !processed) return;
  note_news(c);
  note_window(c);
  Coverage& sent = c.peer.sent;
  if (!c.conn.certain && c.peer.numbers_known && c.ack > sent.contiguous()) {
    const bool explained = c.peer.jumped && c.ack == c.peer.jump_from + c.peer.jump_len;
    if (!explained && !sent.overflowed()) {
      c.conn.sink->note_loss(c.conn.id, c.seg.number);
      if (!c.conn.capture_gap) c.conn.capture_gap_packet = c.seg.number;
      c.conn.capture_gap = true;
    }
    if (!explained) sent.advance_to(c.ack);
  }
}

bool fin_is_acknowledged(const Endpoint& sender, const Endpoint& receiver) {
  return sender.fin && receiver.acked && receiver.ack_max > sender.fin_at;
}

// What nobody will repeat any more need not be kept: after a reset, or when both FINs are acknowledged.
void forget_payload(Context& c) {
  if (c.self.stream.empty() && c.peer.stream.empty()) return;
  const bool reset = c.self.rst || c.peer.rst;
  if (!reset && !(fin_is_acknowledged(c.self, c.peer) && fin_is_acknowledged(c.peer, c.self))) return;
  c.self.stream.forget();
  c.peer.stream.forget();
}

void note_ecn(Context& c) {
  Endpoint& e = c.self;
  if (c.flags().rst()) return;
  if (c.flags().syn()) {
    if (c.seg.ip.ecn() != 0 && e.ect_syn_packet == 0) e.ect_syn_packet = c.seg.number;
  } else if (c.seg.ip.ecn() == 0) {
    e.not_ect_segment = c.seg.number;
    if (c.seg.len() == 0) e.not_ect_ack = c.seg.number;
    e.ect_syn_packet = 0;
  }
}

void note_urgent(Context& c) {
  if (!c.flags().urg() || c.seg.tcp.urg == 0xffff || (c.blamed & kBlameSeq) != 0) return;
  const Position pointer = c.seq + c.seg.tcp.urg;
  const bool whole = !may_be_urgent_piece(c);
  c.self.urgent_up = c.seg.tcp.urg;
  c.self.urgent_end = c.end;
  if (!whole) return;
  if (c.self.urgent_packet != 0 && pointer <= c.self.urgent_max) return;
  c.self.urgent_max = pointer;
  c.self.urgent_packet = c.seg.number;
}

// When both SYNs are known, the window on the first one means something: it opens at the other's ISN.
void note_syn_window(Context& c) {
  Endpoint& other = c.peer;
  if (c.self.syn.count != 1 || other.syn.count == 0 || other.edge_known) return;
  other.edge_known = c.conn.options_known() && c.conn.window_shift(1 - c.side) >= 0;
  other.edge_max = c.self.iss + 1 + other.syn.wnd;
  other.edge_last = other.edge_max;
  other.edge_packet = other.syn.packet;
}

void note_reset(Context& c) {
  Endpoint& e = c.self;
  // In SYN-SENT an unacceptable ACK is answered by a reset, and the attempt goes on (RFC 9293 3.10.7.3 first).
  const bool in_syn_sent = e.syn.count != 0 && !e.syn.with_ack && e.plain_segments == 0 && c.peer.syn.count == 0;
  if (in_syn_sent && !c.conn.certain) return;
  if (!e.rst) {
    e.rst_packet = c.seg.number;
    e.rst_time = c.seg.time;
    constexpr StateSet kUnsynchronized = kClosed | kListen | kSynSent | kSynReceived | kTimeWait;
    // A reset with the number of an unacceptable ACK answers that in SYN-RECEIVED, and the connection goes on (3.10.7.4
    // fifth); one that ends a synchronized connection has SEQ = SND.NXT (3.10.5).
    const bool answers = !c.flags().ack() && c.seq != e.next;
    e.rst_synchronized = !answers && !c.conn.doubtful && (possible_states(c.conn, c.side) & kUnsynchronized) == 0;
  }
  e.rst = true;
}

// A segment with a wrong number is taken for the next one of its sender, as its sender and the receiver of what follows
// do: so one mistake is one finding.
void mend_sequence(Context& c) {
  if (c.conn.certain || c.flags().syn() || c.flags().rst()) return;
  // Also what is only suspected, when it lies too far off to follow and its ACK shows that it belongs here.
  const bool astray = c.seg.len() != 0 && c.self.numbers_known && wild(c) && c.seq != c.self.wild_end && c.ack_fits();
  if ((c.blamed & kBlameSeq) == 0 && !astray) return;
  if (astray) c.self.wild_end = c.end;
  c.blamed = static_cast<std::uint8_t>(c.blamed | kBlameSeq);
  c.seq = c.self.fin && c.flags().fin() ? c.self.fin_at - c.seg.payload_size : c.self.next;
  c.end = c.seq + c.seg.len();
  if (c.seg.len() != 0) c.self.next_doubtful = true;
}

}  // namespace

void note_facts(Context& c) {
  mend_sequence(c);
  Endpoint& e = c.self;
  const bool own_side = !c.conn.certain || c.side == c.conn.judged;
  const bool processed = may_be_processed(c);
  if (processed) {
    if (c.flags().syn() && !c.flags().rst()) {
      note_syn(c);
      c.conn.settle_agreement();
      note_syn_window(c);
    } else if (!c.flags().rst()) {
      const bool answers_syn_ack =
          e.plain_segments == 0 && e.syn.count == 1 && e.syn.without_ack && c.peer.syn.count == 1;
      if (answers_syn_ack) c.conn.round_trip = c.seg.time - e.syn.time;
      note_urgent(c);  // before note_numbers: it asks for the segment before this one
      note_numbers(c);
      if (c.flags().fin() && !wild(c)) note_fin(c);
      ++e.plain_segments;
    }
    if (own_side) note_payload(c);
    note_ecn(c);
  }
  if (c.flags().rst() && own_side) note_reset(c);
  const auto blamed = [&c](unsigned field) { return !c.conn.certain && (c.blamed & field) != 0; };
  if (c.flags().ack() && !blamed(kBlameAck)) note_recent_ack(c);
  if (blamed(kBlameAck)) {
    e.ack_highest = std::max(e.ack_highest, c.peer.next);  // what it meant to acknowledge is not known
  } else if (c.flags().ack() && c.seg.options_known) {
    note_ack(c, processed || c.flags().syn());
  }
  if (c.seg.tcp.options.timestamps) {
    note_echo_due(c);
    // The clock of a wrong echo goes on, as later segments are compared with it.
    if (!blamed(kBlameTsval)) note_clock(c);
    if (!blamed(kBlameTsval | kBlameTsecr)) note_echo(c);
  } else if (!c.flags().rst() && (e.ts_seen || !c.seg.options_known)) {
    e.ts_unread = true;
  }
  if (c.seg.ip.src.version == IpVersion::v4) e.ids.saw(c.seg.ip.id, wire_packets(c), c.seg.number);
  note_stimulus(c);
  if (!c.flags().rst()) {
    e.other_hops = e.other_hops || (e.hop_limit != 0 && e.hop_limit != c.seg.ip.hop_limit);
    e.hop_limit = c.seg.ip.hop_limit;
  }
  e.last_time = c.seg.time;
  forget_payload(c);
}

}  // namespace lastack
