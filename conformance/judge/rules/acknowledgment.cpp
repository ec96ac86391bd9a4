// Rules about acknowledgement numbers.
#include <algorithm>

#include "conformance/judge/rules/rules.h"

namespace lastack::rules {

namespace {

std::string why_sent(const Context& c) {
  const Endpoint& peer = c.peer;
  if (peer.fin && peer.fin_at + 1 == peer.next) {
    return "SND.NXT of the peer is " + number_text(peer.next) + since_packet(peer.fin_packet) + " (FIN took " +
           number_text(peer.fin_at) + ")";
  }
  if (peer.syn.count != 0 && peer.next == peer.iss + 1) {
    return "SND.NXT of the peer is " + number_text(peer.next) + since_packet(peer.syn.packet) + " (SYN took " +
           number_text(peer.iss) + ")";
  }
  return "SND.NXT of the peer is " + number_text(peer.next) + since_packet(peer.next_packet);
}

}  // namespace

//= rfc9293 3.10.7.4 fifth
void ack_of_unsent_data(Context& c) {
  const Endpoint& peer = c.peer;
  if (!peer.numbers_known || c.conn.next_syn.present || peer.isn_ambiguous) return;
  if (c.ack <= std::max(peer.next, c.conn.certain ? peer.next : peer.claimed)) return;
  if (c.peer_may_reach(c.ack)) return;
  // Picked up in mid-stream: what is seen of it may be sent again, with more of it under way since before the capture.
  if (!c.conn.begun_with_syn && (peer.plain_segments < 3 || peer.next_sure == 0)) return;
  // ... and all that was seen of it may be keep-alives, which are numbered SND.NXT - 1 (RFC 9293 3.8.4), or a FIN by
  // which a box on the path ends what it has forgotten.
  const bool never_advanced = peer.next - peer.first <= (peer.fin && peer.fin_at == peer.first ? 1 : 0);
  if (!c.conn.begun_with_syn && never_advanced && (peer.fin || c.ack == peer.next + 1)) return;
  if (isn_in_question(c) || ack_of_before(c)) return;
  const std::string expected = "ACK=" + number_text(peer.next) + " or less";
  const std::string actual = "ACK=" + number_text(c.ack);
  // Nothing follows a FIN: no missing packet can explain a number after it.
  const bool beyond_fin = peer.fin && c.ack > peer.fin_at + 1;
  const bool beyond_both = beyond_fin && c.self.fin && c.seq > c.self.fin_at + 1;
  if (beyond_both && !c.conn.certain) return;  // of a later incarnation, whose SYNs are missing
  if (beyond_fin && c.ack - peer.fin_at > (Position{1} << 15) && ack_of_elsewhere(c)) return;
  if (beyond_fin && !(peer.jumped && peer.jump_packet == peer.fin_packet)) {
    c.violated(RuleId::ack_of_unsent_data, expected, actual, why_sent(c));
    return;
  }
  // A few octets more than the SYN may have been sent and be missing from the capture.
  constexpr Position kMayBeMissing = 1 << 20;
  if (first_answer_to_syn(c) && peer.next == peer.iss + 1 && c.ack - peer.next >= kMayBeMissing) {
    c.suspect(SuspicionKind::isn_vote, RuleId::ack_of_unsent_data, c.ack, peer.next, expected, actual, why_sent(c));
    return;
  }
  if (impossibly_far(c.ack - peer.next, c.seg.time - std::max(peer.last_time, c.self.last_time))) {
    if (!ack_of_elsewhere(c)) c.violated(RuleId::ack_of_unsent_data, expected, actual, why_sent(c) + kTooFar);
    return;
  }
  for (const Suspicion& s : c.conn.suspicions) {
    if (s.kind == SuspicionKind::claimed_by_peer && s.accused == c.side && s.claimed >= c.ack) return;
  }
  const bool new_claim = c.conn.certain || !c.self.acked || c.ack > c.self.ack_max;
  if (!new_claim) return;
  c.suspect(SuspicionKind::claimed_by_peer, RuleId::ack_of_unsent_data, c.ack, peer.next, expected, actual,
            why_sent(c));
}

void ack_of_missing_data(Context& c) {
  const Endpoint& peer = c.peer;
  if (!c.conn.certain || !c.flags().ack() || !peer.numbers_known || peer.isn_ambiguous) return;
  if (peer.sent.overflowed() || c.conn.next_syn.present) return;
  if (c.ack <= peer.sent.contiguous() || c.ack > peer.next) return;
  if (c.self.syn.count == 0) return;
  c.violated(RuleId::ack_of_missing_data, "ACK=" + number_text(peer.sent.contiguous()) + " or less",
             "ACK=" + number_text(c.ack),
             "octet " + number_text(peer.sent.contiguous()) + " has not arrived in a segment that may be processed");
}

void ack_goes_back(Context& c) {
  if (!c.self.acked || c.ack >= c.self.ack_max || c.conn.next_syn.present) return;
  // An empty segment at SND.NXT was sent after the octets before that number: when they were sent first, which is not
  // known where anything came again.
  const bool overtaken =
      c.seg.ip.src.version == IpVersion::v4 && c.self.ids.counts_up() && !c.self.ids.is_newer(c.seg.ip.id);
  const bool sent_once = c.conn.certain || (!c.self.retransmitted && c.conn.copies == 0 && !overtaken);
  const bool after_own_text = sent_once && c.seg.len() == 0 && c.seq == c.self.next && c.ack < c.self.ack_at_next &&
                              c.self.next_packet != c.self.syn.packet && !c.self.next_doubtful;
  if (!c.later_but(kByAck) && !after_own_text) return;
  if (c.peer.syn.count != 0 && c.ack <= c.peer.iss && c.conn.handshake_known()) return;  // ack-before-isn
  if (c.conn.suspected(SuspicionKind::ack_fell, c.side) != nullptr) return;              // its next one shows which
  std::string why = "RCV.NXT=" + number_text(c.self.ack_max) + since_packet(c.self.ack_packet);
  why += c.later_but(kByAck) ? why_later(c, kByAck)
                             : ", SEQ=SND.NXT shows that this was sent after packet " +
                                   std::to_string(c.self.next_packet) + " with ACK=" + number_text(c.self.ack_at_next);
  Suspicion* s = c.suspect(SuspicionKind::ack_fell, RuleId::ack_goes_back, c.self.ack_max, c.ack,
                           "ACK=" + number_text(c.self.ack_max) + " or more", "ACK=" + number_text(c.ack), why);
  if (s == nullptr) return;
  s->answered_by = c.self.ack_packet;
  s->answered_at = c.self.ack_time;
}

namespace {

// How long this end's answer to the SYN or SYN-ACK took to pass the tap; 0 when unknown.
Duration answer_time(const Context& c) {
  const SynFacts& own = c.self.syn;
  const SynFacts& other = c.peer.syn;
  if (c.conn.round_trip == Duration{0} || own.count != 1 || other.count != 1) return Duration{0};
  const Duration to_syn_ack = own.without_ack ? other.time - own.time : own.time - other.time;
  return own.without_ack ? c.conn.round_trip - to_syn_ack : to_syn_ack;
}

// It may have passed before an answer can have come back: then something else caused it, such as a copy that the path
// made.
bool may_be_too_soon(const Context& c, Instant since) {
  if (c.conn.certain) return false;
  const Duration known = answer_time(c);
  if (known == Duration{0} || !c.clock_runs()) return true;
  return known > std::chrono::milliseconds(1) && c.seg.time - since < known / 2;
}

}  // namespace

// A FIN in order was the only segment that could have caused this ACK, and the ACK leaves it out.
//= rfc9293 3.10.7.4 eighth
void fin_not_acknowledged(Context& c) {
  const Endpoint& self = c.self;
  const Endpoint& peer = c.peer;
  if (!c.flags().ack() || !peer.fin || c.ack != peer.fin_at || !self.acked || self.ack_max != c.ack) return;
  const auto& ts = c.seg.tcp.options.timestamps;
  const bool fin_alone = self.stimuli == 1 || peer.tsval_packet == peer.fin_packet;  // no other has its TSval
  const bool echoes_fin = ts && fin_alone && (self.stimulus_flags & Flags::fin_bit) != 0 &&
                          self.stimulus_end == peer.fin_at + 1 && self.tsecr_seen && ts->echo == self.stimulus_tsval &&
                          after(SeqNum(ts->echo), SeqNum(self.tsecr_max));
  // A window update would offer more, not less (some stacks take the FIN's number out of the window).
  // What options alone make it send (MPTCP) does not answer the FIN.
  // What echoes an older timestamp was sent before the FIN had arrived.
  const bool unseen = ts && self.only_fin && before(SeqNum(ts->echo), SeqNum(self.stimulus_tsval));
  const bool before_fin = unseen && peer.fin_count == 1 && !c.conn.certain;
  const bool answers_nothing = c.seg.tcp.options.unknown || before_fin;
  const bool idle_repeat = !answers_nothing && self.only_fin && c.seg.tcp.wnd <= self.wnd_last &&
                           c.seg.tcp.options.sack_count == 0 && c.seq == self.next && self.edge_known &&
                           !may_be_too_soon(c, peer.fin_time);
  if (!echoes_fin && !idle_repeat) return;
  // A FIN right of the window, at a closed one for example, is refused with just this ACK (3.10.7.4 first).
  if (self.edge_known && peer.fin_at >= self.edge_max) return;
  const bool for_good =
      idle_repeat && ++c.self.fin_left_out == 3;  // and it comes again: nothing else can have caused three
  if (peer.fin_count != 1 && !for_good) return;
  const std::string why = "RCV.NXT=" + number_text(peer.fin_at + 1) + since_packet(peer.fin_packet) + " (FIN took " +
                          number_text(peer.fin_at) + ")" + (echoes_fin ? ", and TSecr shows that it has arrived" : "") +
                          (for_good ? "; it came alone and was answered so for the third time" : "");
  const std::string expected = "ACK=" + number_text(peer.fin_at + 1);
  const std::string actual = "ACK=" + number_text(c.ack);
  if (echoes_fin || for_good) {
    c.violated(RuleId::fin_not_acknowledged, expected, actual, why);
  } else {
    c.suspect(SuspicionKind::idle_ack, RuleId::fin_not_acknowledged, peer.fin_at + 1, peer.fin_at, expected, actual,
              why);
  }
}

}  // namespace lastack::rules
