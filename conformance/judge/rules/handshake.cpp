// Rules about the three-way handshake, simultaneous open included.
#include "conformance/judge/rules/rules.h"
#include "stack/wire/text.h"

namespace lastack::rules {

bool echoes_another_syn(const Context& c) {
  const auto& ts = c.seg.tcp.options.timestamps;
  return ts && c.peer.ts_seen && c.peer.plain_segments == 0 && ts->echo != c.peer.tsval_max;
}

void syn_ack_number(Context& c) {
  if (!c.flags().ack() || c.flags().rst() || c.peer.syn.count == 0 || c.peer.isn_ambiguous) return;
  const Position least = c.peer.iss + 1;
  const Position most = least + c.peer.syn.data;
  if (c.ack >= least && c.ack <= most) return;
  const EarlierNumbers& own = c.conn.earlier[c.side];
  const EarlierNumbers& others = c.conn.earlier[1 - c.side];
  const bool of_before = own.known && others.known && c.seg.tcp.seq == own.first && c.seg.tcp.ack == others.first + 1;
  if (of_before && !c.conn.certain) return;  // that of the connection before, repeated
  if (c.self.plain_segments != 0 || c.peer.plain_segments != 0) {
    const bool in_stream = !c.conn.certain && c.self.syn.count != 0 && c.seq != c.self.iss;
    if (in_stream) return;  // isn-changed
    c.violated(RuleId::syn_ack_number, "ACK=" + number_text(least), "ACK=" + number_text(c.ack),
               "IRS=" + number_text(c.peer.iss) + since_packet(c.peer.syn.packet));
    return;
  }
  // Something else has passed since that SYN: its connection may be over, and the SYN that is answered missing.
  const bool of_another = !c.conn.certain && (c.peer.packets > c.peer.syn.count || echoes_another_syn(c));
  if (of_another) {
    c.inconclusive(RuleId::syn_ack_number, "ACK=" + number_text(least), "ACK=" + number_text(c.ack),
                   "IRS=" + number_text(c.peer.iss) + since_packet(c.peer.syn.packet),
                   "the SYN that it answers may be missing from the capture");
    return;
  }
  c.suspect(SuspicionKind::isn_vote, RuleId::syn_ack_number, c.ack, least, "ACK=" + number_text(least),
            "ACK=" + number_text(c.ack),
            "the SYN in packet " + std::to_string(c.peer.syn.packet) + " has SEQ=" + number_text(c.peer.iss) +
                " and takes one number");
}

bool isn_in_question(const Context& c) {
  for (const Suspicion& s : c.conn.suspicions) {
    if (s.kind == SuspicionKind::isn_vote) return true;
  }
  return false;
}

bool first_answer_to_syn(const Context& c) {
  return !c.conn.certain && !echoes_another_syn(c) && c.peer.plain_segments == 0 && c.self.plain_segments == 0 &&
         c.peer.syn.data == 0 && c.conn.handshake_known();
}

void syn_ack_without_syn(Context& c) {
  if (!c.conn.certain || !c.flags().ack() || c.peer.syn.count != 0) return;
  c.violated(RuleId::syn_ack_without_syn, "a SYN-ACK only after a SYN", info_text(c.seg),
             "no SYN has arrived on this connection");
}

namespace {

// SYN a, SYN b, and then a again, or the handshake goes on with a: b was the same attempt under another number.
void syn_number_strayed(Context& c) {
  const NextSyn& other = c.conn.next_syn;
  const SynFacts& syn = c.self.syn;
  if (other.info->tcp.seq == SeqNum(wire_number(c.self.iss))) {  // the same SYN again
    c.conn.next_syn.present = false;
    return;
  }
  Finding f =
      c.draft(RuleId::isn_changed, "SEQ=" + number_text(c.self.iss), "SEQ=" + std::to_string(other.info->tcp.seq.raw()),
              "the SYN in packet " + std::to_string(syn.packet) + " has SEQ=" + number_text(c.self.iss) +
                  ", and packet " + std::to_string(c.seg.number) + " goes on with it");
  f.packet = other.info->number;
  f.time = other.info->time;
  if (other.info->ip.hop_limit != c.seg.ip.hop_limit && !c.conn.certain) {
    leave_undecided(f, "its hop limit is another one, so a box may have sent it or given it another number");
  }
  c.conn.next_syn.present = false;
  report(c.conn, c.side, std::move(f));
}

}  // namespace

void isn_changed(Context& c) {
  const SynFacts& syn = c.self.syn;
  if (syn.count == 0) return;
  if (c.seq == c.self.iss) {
    const NextSyn& other = c.conn.next_syn;
    if (other.present && other.sender == c.side && !c.flags().ack()) syn_number_strayed(c);
    return;
  }
  // With an ACK inside this connection it belongs to this attempt: while nothing but SYNs has passed it answers the
  // same SYN; later it is a segment of the stream with a SYN on it.
  if (!c.flags().ack() || c.flags().rst() || c.peer.rst || c.self.rst || !c.conn.handshake_known()) return;
  // A listener that keeps no state chooses anew for each SYN, the same one come again too (RFC 4987 3.6).
  if (c.self.stimuli != 0 && (c.self.stimulus_flags & Flags::syn_bit) != 0 && c.self.plain_segments == 0 &&
      c.peer.syn.last_packet > c.self.syn.packet) {
    return;
  }
  const bool answers_same_syn =
      c.peer.syn.count == 1 && c.peer.plain_segments == 0 && c.self.plain_segments == 0 && c.ack == c.peer.iss + 1;
  const bool in_stream = c.self.plain_segments != 0 && c.ack > c.peer.iss && c.ack <= c.peer.next &&
                         c.seq > c.self.iss && c.seq <= c.self.next + (Position{1} << 16);
  if (!answers_same_syn && !in_stream) return;
  // The first SYN-ACK echoes an earlier SYN, which a reset has ended since.
  const bool first_was_older =
      c.peer.ts_seen && c.self.tsecr_seen && before(SeqNum(c.self.tsecr_max), SeqNum(c.peer.tsval_min));
  if (answers_same_syn && first_was_older && !c.conn.certain) return;
  const std::string expected = "SEQ=" + number_text(c.self.iss);
  const std::string actual = "SEQ=" + number_text(c.seq);
  const std::string why = "packet " + std::to_string(syn.packet) + " began with " + number_text(c.self.iss) +
                          ", and no new SYN has passed since";
  const bool time_to_repeat = c.seg.time - c.peer.syn.last_time >= std::chrono::milliseconds(900);  // RFC 6298 (2.1)
  const bool may_choose_anew = answers_same_syn && time_to_repeat && !c.conn.certain;
  c.decide(
      RuleId::isn_changed, expected, actual, why,
      may_choose_anew ? "a repeated SYN may be missing, for which a listener without state chooses anew" : nullptr);
}

void handshake_ack_number(Context& c) {
  const NextSyn& other = c.conn.next_syn;
  if (other.present && other.sender == c.side && c.self.plain_segments == 0 && c.seq == c.self.iss + 1 &&
      c.peer.syn.with_ack) {
    syn_number_strayed(c);
  }
  const bool answers_syn_ack = c.self.syn.without_ack && !c.self.syn.with_ack && c.peer.syn.with_ack &&
                               c.self.plain_segments == 0 && !c.self.isn_ambiguous && c.self.stimuli == 1;
  if (!answers_syn_ack || c.seq >= c.self.iss + 1) return;
  // Where an earlier SYN-ACK is missing from the capture, it might be a keep-alive.
  const Duration since_syn = c.seg.time - c.self.syn.last_time;  // less than zero: somebody set the clock
  if (!c.clock_runs() || since_syn < Duration::zero() || since_syn > std::chrono::seconds(1)) return;
  const auto& ts = c.seg.tcp.options.timestamps;
  if (ts && c.peer.ts_seen && before(SeqNum(ts->echo), SeqNum(c.peer.tsval_max))) return;  // an earlier SYN-ACK's
  c.violated(RuleId::handshake_ack_number, "SEQ=" + number_text(c.self.iss + 1), "SEQ=" + number_text(c.seq),
             "its SYN in packet " + std::to_string(c.self.syn.packet) + " took " + number_text(c.self.iss));
}

void ack_before_isn(Context& c) {
  if (!c.conn.handshake_known() || c.conn.next_syn.present || c.ack > c.peer.iss) return;
  // An endpoint that was in another incarnation of this tuple answers with old numbers (RFC 9293 3.5.1).
  if (c.peer.iss - c.ack > (Position{1} << 24) && ack_of_elsewhere(c)) return;
  if (isn_in_question(c) || ack_of_before(c)) return;
  // Its SYN-ACK did not answer that SYN either (syn-ack-number has judged that): both are of the connection before.
  const bool as_its_syn_ack = c.self.syn.with_ack && c.self.acked && c.ack == c.self.ack_max;
  if (as_its_syn_ack && c.peer.plain_segments == 0 && !c.conn.certain) return;
  if (first_answer_to_syn(c)) {
    c.suspect(SuspicionKind::isn_vote, RuleId::ack_before_isn, c.ack, c.peer.iss + 1,
              "ACK=" + number_text(c.peer.iss + 1), "ACK=" + number_text(c.ack),
              "IRS=" + number_text(c.peer.iss) + since_packet(c.peer.syn.packet) + ", and the SYN takes one number");
    return;
  }
  c.violated(RuleId::ack_before_isn, "ACK=" + number_text(c.peer.iss + 1) + " or more", "ACK=" + number_text(c.ack),
             "IRS=" + number_text(c.peer.iss) + since_packet(c.peer.syn.packet) + ", and the SYN takes one number");
}

void data_before_handshake(Context& c) {
  if (!c.conn.certain || !c.has_data() || c.self.syn.count == 0) return;
  if (c.self.syn.some_fast_open || c.peer.syn.some_fast_open) return;
  const bool syn_acked = c.peer.acked && c.peer.ack_max > c.self.iss;
  if (syn_acked && c.peer.syn.count != 0) return;
  c.violated(RuleId::data_before_handshake, "no data yet", std::to_string(c.seg.payload_size) + " octets of data",
             "nothing that arrived acknowledges its SYN in packet " + std::to_string(c.self.syn.packet));
}

}  // namespace lastack::rules
