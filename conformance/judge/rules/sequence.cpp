// Rules about the numbers that an endpoint gives to what it sends.
#include <algorithm>
#include <bit>

#include "conformance/judge/rules/rules.h"

namespace lastack::rules {

bool nothing_unseen(const Context& c) {
  const IdTrack& ids = c.self.ids;
  if (c.self.next_doubtful) return false;
  return c.conn.certain || (c.seg.ip.src.version == IpVersion::v4 && ids.counts_up() && ids.is_next(c.seg.ip.id) &&
                            ids.gapless_since() <= c.self.next_sure && c.self.next_sure != 0);
}

void before_isn(Context& c) {
  if (c.self.syn.count == 0 || c.self.isn_ambiguous || c.conn.next_syn.present) return;
  if (c.seq > c.self.iss) return;
  // A keep-alive or window probe repeats the last number: with nothing sent yet that is the SYN's (RFC 9293 3.8.4,
  // MAY-6).
  const bool probe = c.seq == c.self.iss && c.seg.payload_size <= 1 && !c.flags().fin();
  if (probe || seq_of_before(c)) return;
  if (c.self.iss - c.seq > (Position{1} << 24) && seq_of_elsewhere(c)) return;
  c.violated(RuleId::before_isn, "SEQ=" + number_text(c.self.iss + 1) + " or more", "SEQ=" + number_text(c.seq),
             "its SYN in packet " + std::to_string(c.self.syn.packet) + " has SEQ=" + number_text(c.self.iss));
}

namespace {

// Reasons for an empty segment to be numbered below the highest number sent, other than a mistake.
bool may_be_numbered_low(const Context& c) {
  const Endpoint& self = c.self;
  // The answer to what has just arrived is no probe, nor is one of a row of acknowledgements; earlier ones may be
  // missing from the capture.
  const bool answers_last =
      c.ack == self.stimulus_end && c.seg.time - self.stimulus_time < std::chrono::milliseconds(300);
  const bool in_a_row = c.ack <= c.peer.next && c.seg.time - self.ack_time < std::chrono::milliseconds(2) &&
                        c.seg.time - self.stimulus_time < std::chrono::milliseconds(2);
  const bool ack_advanced =
      self.acked && c.ack > self.ack_max && self.stimulus_len != 0 && c.clock_runs() && (answers_last || in_a_row);
  const bool below_una = c.seq == c.peer.ack_max - 1 || c.seq == self.next - 1;
  const bool probe = below_una && !ack_advanced;           // SND.UNA-1: keep-alive, window probe
  const bool window_shut = c.peer.edge_last <= self.next;  // a sender may stay inside a window that shrank
  return probe || window_shut || self.retransmitted || self.next_doubtful;  // and may pull SND.NXT back to retransmit
}

std::string why_next(const Context& c) {
  const Endpoint& self = c.self;
  if (self.fin && self.fin_at + 1 == self.next) {
    return "SND.NXT=" + number_text(self.next) + since_packet(self.fin_packet) + " (FIN took " +
           number_text(self.fin_at) + ")";
  }
  if (self.syn.count != 0 && self.next == self.iss + 1) {
    return "SND.NXT=" + number_text(self.next) + since_packet(self.syn.packet) + " (SYN took " + number_text(self.iss) +
           ")";
  }
  return "SND.NXT=" + number_text(self.next) + since_packet(self.next_packet);
}

// What was captured need not be what its sender counts as sent.
const char* doubt_of_next(const Context& c) {
  if (c.seq >= c.peer.ack_max) return "nobody has acknowledged that; its host may have dropped it after the tap";
  // A sender that the other end's window shuts out stays inside it.
  if (c.peer.took_back) return "it may stay inside a window of which a part was taken back";
  if (c.peer.shut) return "the window was shut once, and what opened it may have been overtaken";
  const bool unknown_window = c.conn.handshake_known() && c.conn.window_shift(1 - c.side) < 0;
  if (unknown_window) return "it may stay inside a window that is not known";
  return nullptr;
}

}  // namespace

void ack_sequence(Context& c) {
  if (!c.flags().ack() || !c.self.numbers_known || c.seq >= c.self.next || c.conn.next_syn.present) return;
  if (c.self.syn.count == 0 && c.self.plain_segments < 2) return;  // picked up in mid-stream
  if (c.self.jumped && c.self.jump_to > c.self.jump_from && c.seq == c.self.jump_from + c.self.jump_len) return;
  if (c.self.syn.count != 0 && c.seq < c.self.iss) return;  // before-isn
  if (!c.later || may_be_numbered_low(c)) return;
  if (c.after_own_reset()) return;
  const std::string expected = "SEQ=" + number_text(c.self.next);
  const std::string actual = "SEQ=" + number_text(c.seq);
  c.decide(RuleId::ack_sequence, expected, actual, why_next(c), c.conn.certain ? nullptr : doubt_of_next(c));
}

void unsent_sequence(Context& c) {
  if (!c.self.numbers_known || c.seq <= c.self.next || c.self.next_doubtful || c.self.next_guessed) return;
  if (c.self.fin && c.seq > c.self.fin_at + 1) return;  // data-after-fin
  const bool first_of_its_kind = c.self.claimed < c.seq;
  if (!first_of_its_kind || seq_of_before(c)) return;
  const std::string expected = "SEQ=" + number_text(c.self.next);
  const std::string actual = "SEQ=" + number_text(c.seq);
  if (nothing_unseen(c)) {
    c.violated(RuleId::unsent_sequence, expected, actual,
               why_next(c) + ", and no packet of it is missing here: the IP identifications are consecutive");
    return;
  }
  if (impossibly_far(c.seq - c.self.next, c.seg.time - c.self.last_time)) {
    if (!seq_of_elsewhere(c)) c.violated(RuleId::unsent_sequence, expected, actual, why_next(c) + kTooFar);
    return;
  }
  c.suspect(SuspicionKind::claimed_by_sender, RuleId::unsent_sequence, c.seq, c.self.next, expected, actual,
            why_next(c));
}

namespace {

// It has the numbers of the segment that jumped, and other text: it is not that one again.
bool differs_from_jump(const Context& c) {
  const auto other = c.self.stream.compare(c.seq, c.seg.tcp.payload);
  return other && other->packet == c.self.jump_packet;
}

// The numbers of the segment that jumped are used again for text that is other in most of its parts, which damage that
// no checksum shows is not; or the stream ends before them.
bool takes_numbers_twice(const Context& c) {
  constexpr std::size_t kParts = 4;
  const std::size_t size = c.seg.tcp.payload.size() / kParts;
  std::size_t other = 0;
  for (std::size_t i = 0; i < kParts && size != 0; ++i) {
    const auto part =
        c.self.stream.compare(c.seq + static_cast<Position>(i * size), c.seg.tcp.payload.subspan(i * size, size));
    if (part && part->packet == c.self.jump_packet) ++other;
  }
  const bool ends_before =
      c.self.jump_to > c.self.jump_from && c.flags().fin() && c.end - 1 < c.self.jump_to + c.self.jump_len;
  return other + 1 >= kParts || ends_before;
}

}  // namespace

void sequence_jump(Context& c) {
  Endpoint& self = c.self;
  if (c.conn.certain) {
    if (!self.numbers_known || c.seg.len() == 0 || c.seq <= self.next || (self.fin && c.seq > self.fin_at)) return;
    c.violated(RuleId::sequence_jump, "SEQ=" + number_text(self.next), "SEQ=" + number_text(c.seq), why_next(c));
    return;
  }
  // On the path: the segment before this one was numbered A; this one follows as if that had been numbered B.
  const Position meant_end = self.jump_from + self.jump_len;
  // An empty segment after the FIN cannot be a probe, nor the same segment again.
  const bool after_fin = c.seg.len() == 0 && self.fin && self.fin_packet == self.jump_packet &&
                         (c.later || (c.flags().ack() && self.acked && c.ack > self.ack_max));
  const bool goes_on = self.jumped && c.seq == meant_end && meant_end != self.jump_to + self.jump_len &&
                       (c.seq != self.jump_to || after_fin || differs_from_jump(c));
  const bool upward = self.jump_to > self.jump_from;
  // Its place has been taken: what came for the first octet of it is not this one.
  if (!goes_on || self.sent.covers(self.jump_from, upward ? self.jump_from + 1 : meant_end)) return;
  // The FIN of that segment again, alone.
  if (c.flags().fin() && self.fin && self.fin_packet == self.jump_packet && c.end == self.fin_at + 1) return;
  const bool ids_known = c.seg.ip.src.version == IpVersion::v4 && self.ids.counts_up();
  if (ids_known && !self.ids.is_newer(c.seg.ip.id)) return;  // sent before the jump, and overtaken
  // From SND.UNA on, what it repeats may have more behind it than was sent at first.
  const auto& acks = c.peer.recent_acks;
  const bool repeats = std::find(acks.begin(), acks.end(), self.jump_to) != acks.end();
  const bool straddled = !upward && !repeats && self.jump_to + self.jump_len > self.jump_from;
  const bool gapless =
      self.jump_ids_gapless && self.ids.is_next(c.seg.ip.id) && self.ids.gapless_since() <= self.jump_packet;
  const bool taken_twice = takes_numbers_twice(c);
  self.stream.drop(self.jump_packet);
  if (self.changed_packet == self.jump_packet) {  // said already
    self.sent.add(self.jump_from, meant_end);
    self.jumped = false;
    return;
  }
  Context at_jump = c;
  Suspicion* s = at_jump.suspect(SuspicionKind::misnumbered_data, RuleId::sequence_jump, self.jump_to, self.jump_from,
                                 "SEQ=" + number_text(self.jump_from), "SEQ=" + number_text(self.jump_to),
                                 "SND.NXT was " + number_text(self.jump_from) + ", and packet " +
                                     std::to_string(c.seg.number) + " goes on at " + number_text(c.seq) + " as if " +
                                     (self.jump_len == 1 ? "one number" : std::to_string(self.jump_len) + " numbers") +
                                     " had been taken from there");
  // Segments of one size that were lost, repeated and reordered can look like this; other sizes cannot.
  const bool odd_step =
      upward && (c.seq == self.jump_to ? !after_fin : (self.jump_to - self.jump_from) % self.jump_len != 0);
  const bool ids_agree = !ids_known || self.ids.is_next(c.seg.ip.id);
  const bool contradicted = after_fin || (ids_agree && self.syn.count != 0 && (odd_step || straddled));
  if (s != nullptr) {
    s->draft.packet = self.jump_packet;
    s->draft.time = self.jump_time;
    s->contradicted = contradicted;
    s->ids_gapless = gapless;
    s->taken_twice = taken_twice;
  }
  // From here on the stream is followed where the endpoint itself follows it.
  self.sent.add(self.jump_from, meant_end);
  self.next_doubtful = !gapless;
  if (upward) {
    self.next = meant_end;
    if (self.fin && self.fin_packet == self.jump_packet) self.fin_at = meant_end - 1;
  }
  self.jumped = false;
}

void payload_changed(Context& c) {
  Endpoint& self = c.self;
  if (c.flags().syn() || c.flags().rst() || c.seg.payload_size < 2 || c.conn.next_syn.present) return;
  if (self.next_doubtful || isn_in_question(c)) return;
  const auto other = self.stream.compare(c.seq, c.seg.tcp.payload);
  if (!other) return;
  self.changed_packet = c.seg.number;
  char expected[64];
  char actual[64];
  std::snprintf(expected, sizeof expected, "octet 0x%02x at %u, as before", other->before, wire_number(other->at));
  std::snprintf(actual, sizeof actual, "octet 0x%02x", other->now);
  c.one_bit_differs = std::has_single_bit(static_cast<unsigned>(other->before ^ other->now));
  c.violated(RuleId::payload_changed, expected, actual,
             "packet " + std::to_string(other->packet) + " carried that number too");
  c.one_bit_differs = false;
}

void segment_over_mss(Context& c) {
  if (c.seg.checksum != ChecksumState::right || c.peer.isn_ambiguous || !c.peer.syn.options_known) return;
  if (c.peer.syn.count == 0 || c.flags().syn()) return;
  const bool v4 = c.seg.ip.src.version == IpVersion::v4;
  const std::uint32_t mss = c.peer.syn.has_mss ? c.peer.syn.mss : (v4 ? 536U : 1220U);
  const std::uint32_t options = c.seg.tcp.header_size - static_cast<std::uint32_t>(kTcpHeaderSize);
  const std::uint32_t limit = mss > options ? mss - options : 1;
  // Segments beyond any link's size were put together by a network card, on either side of the tap.
  const bool aggregated = c.seg.payload_size > 9216 || c.seg.payload_size % limit == 0;
  if (c.seg.payload_size <= limit || aggregated || mss < 64) return;
  c.violated(RuleId::segment_over_mss, "at most " + std::to_string(limit) + " octets",
             std::to_string(c.seg.payload_size) + " octets",
             (c.peer.syn.has_mss
                  ? "MSS=" + std::to_string(mss) + " in packet " + std::to_string(c.peer.syn.packet)
                  : "no MSS option in packet " + std::to_string(c.peer.syn.packet) + ", so " + std::to_string(mss)) +
                 ", less " + std::to_string(options) + " octets of options");
}

}  // namespace lastack::rules
