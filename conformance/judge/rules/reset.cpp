// Rules about resets: which numbers they may carry (RFC 9293 3.5.2).
#include <algorithm>

#include "conformance/judge/rules/rules.h"

namespace lastack::rules {

namespace {

// A host in between can send resets in an endpoint's name; its distance usually differs.
bool from_elsewhere(const Context& c) {
  return c.self.other_hops || (c.self.hop_limit != 0 && c.self.hop_limit != c.seg.ip.hop_limit);
}

bool answers_recent_ack(const Context& c) {
  const auto& acks = c.peer.recent_acks;
  if (c.conn.stranger.seen && c.conn.stranger.number[c.side] == c.seg.tcp.seq) return true;
  return c.peer.distinct_acks != 0 && std::find(acks.begin(), acks.end(), c.seq) != acks.end();
}

// <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>, the answer to a segment without ACK.
bool answers_segment_without_ack(const Context& c) {
  const bool stimulus_without_ack = (c.self.stimulus_flags & Flags::ack_bit) == 0 && c.self.stimulus_packet != 0;
  return stimulus_without_ack && c.seg.tcp.seq == SeqNum(0) && c.flags().ack() &&
         wire_number(c.self.stimulus_end) == c.seg.tcp.ack.raw();
}

std::string found(const Context& c) {
  return "SEQ=" + std::to_string(c.seg.tcp.seq.raw()) +
         (c.flags().ack() ? ", ACK=" + std::to_string(c.seg.tcp.ack.raw()) : ", no ACK");
}

// Ports are used again when a connection has ended, and the SYN of the next one may be missing from the capture, as may
// the end of this one. Both numbers say so; or the only one lies where an ISN can be after that time: its clock ticks
// every 4 us (RFC 9293 3.4.1), in Linux every 64 ns.
bool may_end_a_later_one(const Context& c) {
  const Endpoint& self = c.self;
  const Endpoint& peer = c.peer;
  constexpr Position kFar = Position{1} << 16;
  const Position distance = c.seq - self.next;
  if (c.conn.certain || distance <= kFar) return false;
  const bool ended = self.rst || peer.rst || (self.fin && peer.fin);
  if (c.flags().ack()) return c.ack > peer.next + (ended ? 0 : kFar) && !c.peer_may_reach(c.ack);
  const Duration elapsed = c.seg.time - peer.last_time;  // it may have sent several such resets
  constexpr Duration kTick = std::chrono::nanoseconds(50);
  const bool isn_of_later = distance <= elapsed / kTick;
  if (!ended && !peer.fin) return isn_of_later && elapsed > std::chrono::milliseconds(50);
  // The clock has run since this connection was opened, and longer: a tuple that is taken from TIME-WAIT begins right
  // after the numbers of the one before (RFC 6191), behind the clock.
  const Duration running = std::max<Duration>(c.seg.time - self.syn.time, std::chrono::seconds(1));
  const bool after_isn = self.syn.count != 0 && c.seq - self.iss <= running / kTick;
  return (ended && elapsed > std::chrono::milliseconds(200)) || isn_of_later || after_isn;
}

// What a reset may be that does not look like the answer to the SYN, whose octets an answer acknowledges between
// `least` and `most`.
const char* doubt_of_reset_of_syn(const Context& c, Position least, Position most) {
  if (c.seg.tcp.seq == SeqNum(0)) return nullptr;
  // <SEQ=SEG.ACK><CTL=RST>: the whole handshake may be missing from the capture.
  if (!c.flags().ack()) return "it may answer a later segment";
  if (std::abs(c.ack - least) > (Position{1} << 16)) return "it may end an older connection";
  // With a window or a timestamp it comes from a connection, not from CLOSED.
  if (c.seg.tcp.wnd != 0 || c.seg.tcp.options.timestamps) return "the SYN-ACK before it may be missing";
  return c.ack > most ? "segments after it may be missing" : nullptr;
}

// What a reset with a number that its sender has not used may be instead.
const char* doubt_of_reset(const Context& c) {
  if (from_elsewhere(c)) return "its TTL differs, another host may have sent it";
  if (c.self.syn.count == 0) return "the connection began before the capture";
  return c.peer.packets == 0 && !c.flags().ack() ? "what it answers was not captured" : nullptr;
}

// The same of one whose number lies beyond what the peer's window, or the own FIN, lets its sender use.
const char* doubt_beyond_reach(const Context& c) {
  if (may_end_a_later_one(c)) return "it may end a later connection of these ports, whose SYN is missing";
  const bool may_be_open = c.echoes_unseen() && !c.self.fin;
  return may_be_open ? "it echoes a segment that is missing, which may have opened the window" : nullptr;
}

}  // namespace

void reset_of_syn(Context& c) {
  const Endpoint& peer = c.peer;
  const bool only_syns = peer.syn.count != 0 && !peer.syn.with_ack && peer.plain_segments == 0 && !peer.isn_ambiguous;
  if (!only_syns || c.flags().syn() || c.self.syn.count != 0 || c.self.plain_segments != 0 || c.conn.next_syn.present)
    return;
  const Position least = peer.iss + 1;
  const Position most = std::max(peer.iss + peer.syn.len, least);
  const bool ack_right = c.flags().ack() && c.ack >= least && c.ack <= most;
  const bool seq_right = c.seg.tcp.seq == SeqNum(0);
  if ((ack_right && seq_right) || answers_segment_without_ack(c)) return;
  const std::string expected = "SEQ=0, ACK=" + number_text(least + peer.syn.data) + ", RST and ACK";
  const std::string why =
      "it answers the SYN in packet " + std::to_string(peer.syn.packet) + ", which takes SEQ=" + number_text(peer.iss);
  c.decide(RuleId::reset_of_syn, expected, found(c), why,
           c.conn.certain ? nullptr : doubt_of_reset_of_syn(c, least, most));
}

void reset_of_ack(Context& c) {
  const bool no_connection = c.self.syn.count == 0 && c.self.plain_segments == 0;
  const bool peer_acked = c.peer.distinct_acks != 0 && (c.peer.plain_segments != 0 || c.peer.syn.with_ack);
  if (!no_connection || !peer_acked || c.conn.next_syn.present || c.peer.isn_ambiguous) return;
  if (answers_recent_ack(c) || answers_segment_without_ack(c) || from_elsewhere(c)) return;
  if (c.peer.distinct_acks > c.peer.recent_acks.size()) return;
  const std::string expected = "SEQ=" + number_text(c.peer.recent_acks[0]);
  const std::string why = "SEG.ACK of packet " + std::to_string(c.self.stimulus_packet) + ", which it answers";
  c.decide(RuleId::reset_of_ack, expected, found(c), why,
           c.conn.certain ? nullptr : "the connection began before the capture");
}

void reset_ack(Context& c) {
  const Endpoint& self = c.self;
  const Endpoint& peer = c.peer;
  if (!c.flags().ack() || !c.conn.handshake_known() || c.conn.next_syn.present) return;
  if (self.plain_segments == 0 || !c.seq_fits() || from_elsewhere(c)) return;
  const Position sent = std::max(peer.next, c.conn.certain ? peer.next : peer.claimed);
  // Stacks that set the bit also where they answer a segment of a connection that is gone take SEG.SEQ+SEG.LEN for it:
  // of an old one, if one came again.
  Position least = peer.iss + 1;
  if (!peer.retransmitted) {
    const bool sent_once = c.conn.certain || (!self.retransmitted && c.conn.copies == 0);
    if (sent_once && c.seq == self.next && self.next_packet != self.syn.packet && !self.next_doubtful) {
      least = self.ack_at_next;  // sent after the octets before SND.NXT
    } else if (c.later_but(kByAck) && self.acked) {
      least = self.ack_max;
    }
  }
  if (c.ack >= least && (c.ack <= sent || c.peer_may_reach(c.ack))) return;
  const std::string expected = "ACK=" + number_text(std::max(least, self.acked ? self.ack_max : least));
  const std::string actual = "ACK=" + number_text(c.ack);
  const std::string why = "RCV.NXT is " + number_text(self.acked ? self.ack_max : peer.iss + 1) +
                          since_packet(self.ack_packet) + " and SND.NXT of the peer " + number_text(peer.next) +
                          since_packet(peer.next_packet);
  constexpr Position kFar = Position{1} << 24;
  const bool nothing_can_be_missing =
      c.conn.certain || peer.fin || impossibly_far(c.ack - sent, c.seg.time - peer.last_time);
  const char* doubt = nullptr;
  if ((c.ack > sent + kFar || c.ack < least - kFar) && ack_of_elsewhere(c)) {
    doubt = "it may end an older connection";
  } else if (c.ack >= least && !nothing_can_be_missing) {
    doubt = "octets may be missing from the capture";
  }
  c.decide(RuleId::reset_ack, expected, actual, why, doubt);
}

void reset_number(Context& c) {
  const Endpoint& self = c.self;
  const bool had_connection = self.syn.count != 0 || self.plain_segments != 0;
  if (!had_connection || !self.numbers_known || c.conn.next_syn.present || self.isn_ambiguous) return;
  const Position least =
      c.peer.acked ? std::min(c.peer.ack_max, self.next) : (self.syn.count != 0 ? self.iss : self.next);
  const bool in_flight = c.seq >= least && c.seq <= std::max(self.next, c.conn.certain ? self.next : self.claimed);
  // Given up in SYN-SENT, while the SYN-ACK was on its way.
  const bool from_syn_sent = !c.conn.certain && self.syn.without_ack && self.plain_segments == 0 && c.seq == self.iss;
  if (in_flight || from_syn_sent || answers_recent_ack(c) || answers_segment_without_ack(c) || seq_of_before(c)) return;
  // The answer to a SYN, seen or not: the port was closed again (or had kept no state, RFC 4987) when it came.
  const bool answers_syn = c.seg.tcp.seq == SeqNum(0) && c.flags().ack() && !c.conn.certain &&
                           (c.peer.syn.count == 0 || (c.ack > c.peer.iss && c.ack <= c.peer.iss + c.peer.syn.data + 2));
  if (answers_syn) return;
  const std::string expected = "SEQ=" + number_text(self.next);
  std::string why = "SND.NXT=" + number_text(self.next) + since_packet(self.next_packet);
  if (c.peer.acked) why += ", acknowledged up to " + number_text(c.peer.ack_max) + since_packet(c.peer.ack_packet);
  why += "; no segment to be answered has that ACK";
  if (const char* doubt = c.conn.certain ? nullptr : doubt_of_reset(c)) {
    c.inconclusive(RuleId::reset_number, expected, found(c), why, doubt);
    return;
  }
  if (c.seq < least) {
    // An old ACK of the peer, sent before those remembered, may be what it answers.
    // Stacks that pull SND.NXT back to repeat reset from there; the ACK that passed the tap may not have arrived yet.
    const bool pulled_back = self.retransmitted && c.seq > self.iss && !c.conn.certain;
    if (pulled_back) return;
    // Or one that is missing from the capture, as where a filter let only text through.
    const bool all_known =
        c.peer.distinct_acks <= c.peer.recent_acks.size() && (c.conn.certain || c.peer.ids.gapless());
    const bool may_be_old = !all_known && c.seq > self.iss && (!c.flags().ack() || !c.conn.certain);
    if (may_be_old && c.conn.certain) return;
    c.decide(RuleId::reset_number, expected, found(c), why, may_be_old ? "it may answer an old segment" : nullptr);
    return;
  }
  const bool beyond_reach = (c.peer.edge_known && c.seq > c.peer.edge_max + 1) || (self.fin && c.seq > self.fin_at + 1);
  if (beyond_reach) {
    c.decide(RuleId::reset_number, expected, found(c), why, doubt_beyond_reach(c));
  } else if (nothing_unseen(c)) {
    c.violated(RuleId::reset_number, expected, found(c), why);
  } else {
    c.suspect(SuspicionKind::claimed_by_sender, RuleId::reset_number, c.seq, self.next, expected, found(c), why);
  }
}

}  // namespace lastack::rules
