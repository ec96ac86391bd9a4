// Rules about the timestamps option (RFC 7323).
#include <algorithm>
#include <chrono>
#include <cmath>

#include "conformance/judge/facts.h"
#include "conformance/judge/rules/rules.h"

namespace lastack::rules {

void timestamps_missing(Context& c) {
  if (!c.seg.options_known || c.seg.malformed || c.seg.tcp.options.timestamps || c.conn.next_syn.present) return;
  if (c.seg.tcp.options.nonzero_after_end || c.seg.tcp.options.wrong_length) return;  // they may hide behind that
  if (!c.conn.timestamps_negotiated() || !c.flags().ack()) return;
  const std::string why = "both SYNs carry it: packets " + std::to_string(c.conn.ends[0].syn.packet) + " and " +
                          std::to_string(c.conn.ends[1].syn.packet);
  if (c.self.ts_in_stream || c.conn.certain) {
    c.violated(RuleId::timestamps_missing, "the timestamps option", "none", why);
    return;
  }
  if (c.conn.suspected(SuspicionKind::option_missing, c.side) != nullptr) return;
  c.suspect(SuspicionKind::option_missing, RuleId::timestamps_missing, 0, 0, "the timestamps option", "none", why);
}

// Boxes that guard against finger-printing write zeros over both values; no stack sends a segment with ACK like that.
bool stamps_are_wiped(const Context& c) {
  const auto& ts = c.seg.tcp.options.timestamps;
  return !c.conn.certain && ts && ts->value == 0 && ts->echo == 0 && c.flags().ack();
}

namespace {

constexpr unsigned kOwnStamps = kByTsval | kByTsecr;

// RFC 7323 4.1: the clock is about proportional to real time. Its fastest tick (5.4) is 59 ns, 2^24 in a second.
bool no_clock_runs_so_far(std::int32_t step, Duration passed) {
  const double seconds = std::max(std::chrono::duration<double>(passed).count(), 0.0);
  return std::abs(static_cast<double>(step)) > static_cast<double>(1 << 28) + seconds * static_cast<double>(1 << 24);
}

// One value far off all others is wrong wherever it stood in the order of sending; the next one shows whether it is
// one.
void clock_astray(Context& c, std::uint32_t value) {
  const Endpoint& self = c.self;
  const std::int32_t step = SeqNum(value) - SeqNum(self.tsval_max);
  const bool belongs_here = c.conn.certain || (c.seq_fits() && (!c.flags().ack() || c.ack_fits()));
  const bool clock_known = self.ts_in_stream || self.tsval_max != 0;
  if (!c.clock_runs()) return;  // weeks may have passed
  if (!belongs_here || !clock_known || !no_clock_runs_so_far(step, c.seg.time - self.tsval_time)) return;
  Suspicion* s =
      c.suspect(SuspicionKind::clock_astray, RuleId::timestamp_goes_back, static_cast<Position>(value),
                static_cast<Position>(self.tsval_max), "TSval=" + std::to_string(self.tsval_max) + " or a little more",
                "TSval=" + std::to_string(value),
                "its clock was at " + std::to_string(self.tsval_max) + since_packet(self.tsval_packet));
  if (s != nullptr) s->later = step < 0 && c.later_but(kOwnStamps);
}

}  // namespace

bool suspect_fall(Context& c, bool at_tap) {
  const Endpoint& self = c.self;
  const std::uint32_t value = c.seg.tcp.options.timestamps->value;
  if (c.conn.certain || !self.tsval_alone || before(SeqNum(value), SeqNum(self.tsval_before))) return false;
  if (c.conn.suspected(SuspicionKind::clock_fell, c.side) != nullptr) return true;  // of the same pair
  Suspicion* s = c.suspect(SuspicionKind::clock_fell, RuleId::timestamp_goes_back,
                           static_cast<Position>(self.tsval_max), static_cast<Position>(value),
                           "TSval=" + std::to_string(self.tsval_max) + " or more", "TSval=" + std::to_string(value),
                           "its clock was at " + std::to_string(self.tsval_max) + since_packet(self.tsval_packet) +
                               (at_tap ? "" : why_later(c, kOwnStamps)));
  if (s == nullptr) return false;
  s->answered_by = self.tsval_packet;
  s->answered_at = self.tsval_time;
  s->at_tap = at_tap;
  return true;
}

void timestamp_goes_back(Context& c) {
  const Endpoint& self = c.self;
  if (!self.ts_seen || self.ts_erratic || c.flags().rst() || c.flags().syn() || c.conn.next_syn.present) return;
  if (!c.conn.timestamps_negotiated() || stamps_are_wiped(c)) return;
  const std::uint32_t value = c.seg.tcp.options.timestamps->value;
  if (is_far(SeqNum(value) - SeqNum(self.tsval_max))) return clock_astray(c, value);
  if (at_or_after(SeqNum(value), SeqNum(self.tsval_max))) return;
  // The fastest clock of RFC 7323 5.4 (59 ns) runs through half its range in 126 s: then "before" means nothing any
  // more.
  if (c.seg.time - self.tsval_time > std::chrono::seconds(120)) return;
  if (!c.later_but(kOwnStamps) || suspect_fall(c, false)) return;
  c.violated(RuleId::timestamp_goes_back, "TSval=" + std::to_string(self.tsval_max) + " or more",
             "TSval=" + std::to_string(value),
             "its clock was at " + std::to_string(self.tsval_max) + since_packet(self.tsval_packet) +
                 why_later(c, kOwnStamps));
}

bool echoes_stray(const Context& c) {
  return c.peer.stray_packet != 0 && c.seg.tcp.options.timestamps->echo == c.peer.stray_tsval;
}

namespace {

// The SYN-ACK answers a SYN that was captured, so its timestamp is known, but for that of a repetition.
void syn_ack_echo(Context& c) {
  const Endpoint& peer = c.peer;
  const SynFacts& syn = peer.syn;
  const bool clear = syn.count != 0 && syn.options_known && syn.every_timestamps && peer.ts_seen && !peer.isn_ambiguous;
  const bool opens_at_once = syn.with_ack;  // its SYN came before its SYN-ACK, and the capture may lack it
  const bool answers = !opens_at_once && c.ack > peer.iss && c.ack <= peer.iss + 1 + syn.data;
  if (!clear || !answers || peer.stray_packet != 0 || peer.ts_erratic || peer.ts_unread || c.conn.next_syn.present ||
      c.seg.malformed)
    return;
  if (stamps_are_wiped(c) || c.flags().rst()) return;
  const std::uint32_t echo = c.seg.tcp.options.timestamps->echo;
  const bool too_low = before(SeqNum(echo), SeqNum(peer.tsval_min));
  if (!too_low && at_or_before(SeqNum(echo), SeqNum(peer.tsval_max))) return;
  const std::uint32_t known = too_low ? peer.tsval_min : peer.tsval_max;
  const std::string expected = "TSecr=" + std::to_string(known);
  const std::string actual = "TSecr=" + std::to_string(echo);
  const std::string why =
      "the SYN that it answers, packet " + std::to_string(syn.packet) + ", has TSval=" + std::to_string(known);
  Suspicion* s = c.suspect(SuspicionKind::syn_echo, RuleId::timestamp_echo_unsent, static_cast<Position>(echo),
                           static_cast<Position>(known), expected, actual, why);
  if (s == nullptr) return;
  // A SYN that came before the capture had a clock of no more than three minutes less, one that is missing since the
  // last one was sent after a time-out.
  constexpr std::int32_t kEarlierSyns = 1 << 28;
  const Duration since_syn = c.seg.time - syn.last_time;
  const bool no_syn_since = c.clock_runs() && since_syn >= Duration{0} && since_syn < std::chrono::milliseconds(150);
  const std::int32_t below = SeqNum(known) - SeqNum(echo);
  const bool no_earlier_syn = below >= kEarlierSyns || (echo == 0 && below >= 200'000);
  const bool proven = too_low ? no_earlier_syn : no_syn_since;
  // After an ACK of an older connection and the reset that answers it, the SYN is sent again at once.
  const bool only_syns = peer.packets == peer.syn.count && c.self.packets == c.self.syn.count;
  s->contradicted = proven && only_syns;
}

}  // namespace

void timestamp_echo_unsent(Context& c) {
  const Endpoint& peer = c.peer;
  if (c.flags().syn() && c.flags().ack()) return syn_ack_echo(c);
  if (!c.flags().ack() || c.flags().rst() || !peer.ts_seen || peer.ts_erratic || c.conn.next_syn.present) return;
  if (!c.conn.timestamps_negotiated() || (peer.ts_unread && !c.conn.certain) || stamps_are_wiped(c)) return;
  const std::uint32_t echo = c.seg.tcp.options.timestamps->echo;
  const bool too_old = before(SeqNum(echo), SeqNum(peer.tsval_min));
  if (echoes_stray(c)) return;
  if (!too_old && at_or_before(SeqNum(echo), SeqNum(peer.tsval_max))) return;
  const std::string actual = "TSecr=" + std::to_string(echo);
  if (too_old) {
    // Earlier SYNs may be missing from the capture; but not those of more than three minutes, whatever the clock's
    // tick.
    constexpr std::int32_t kEarlierSyns = 200'000;
    if (!c.conn.certain && SeqNum(peer.tsval_min) - SeqNum(echo) < kEarlierSyns) return;
    c.violated(RuleId::timestamp_echo_unsent, "a TSval of the peer, " + std::to_string(peer.tsval_min) + " or more",
               actual,
               "the first TSval of the peer is " + std::to_string(peer.tsval_min) + " in packet " +
                   std::to_string(peer.syn.packet));
    return;
  }
  c.suspect(SuspicionKind::timestamp_echo, RuleId::timestamp_echo_unsent, static_cast<Position>(echo),
            static_cast<Position>(peer.tsval_max),
            "a TSval of the peer, " + std::to_string(peer.tsval_max) + " or less", actual,
            "the clock of the peer was at " + std::to_string(peer.tsval_max) + since_packet(peer.tsval_packet));
}

void timestamp_echo_goes_back(Context& c) {
  const Endpoint& self = c.self;
  if (!c.flags().ack() || c.flags().rst() || c.flags().syn() || !self.tsecr_seen || !c.later || c.peer.ts_erratic)
    return;
  if (!c.conn.timestamps_negotiated() || c.conn.next_syn.present || stamps_are_wiped(c)) return;
  const std::uint32_t echo = c.seg.tcp.options.timestamps->echo;
  if (at_or_after(SeqNum(echo), SeqNum(self.tsecr_max)) || echoes_stray(c)) return;
  // A stack may take TSval and TSecr of a segment at different moments; neighbours may stand in the wrong order.
  const bool neighbours = c.seg.number - self.tsecr_packet <= 16 && SeqNum(self.tsecr_max) - SeqNum(echo) <= 2;
  if (neighbours && !c.conn.certain) return;
  c.violated(
      RuleId::timestamp_echo_goes_back, "TSecr=" + std::to_string(self.tsecr_max) + " or more",
      "TSecr=" + std::to_string(echo),
      "TS.Recent=" + std::to_string(self.tsecr_max) + since_packet(self.tsecr_packet) + ", and it never decreases");
}

// The octet that follows the last acknowledgement arrives with SEG.SEQ =< Last.ACK.sent, so that its TSval becomes
// TS.Recent unless that is newer already. Where the first copy of the text is missing from the capture it had a lower
// TSval: one stale echo proves only that it is below what the sender had said before that text; two prove more.
//= rfc7323 4.3 RFC7323-4.3-d
void timestamp_echo_stale(Context& c) {
  const EchoDue& due = c.peer.echo_due;
  if (c.conn.certain || !c.flags().ack() || c.flags().rst() || c.flags().syn() || c.conn.next_syn.present) return;
  if (!c.conn.timestamps_negotiated() || c.peer.ts_erratic || stamps_are_wiped(c) || echoes_stray(c)) return;
  if (!echo_is_stale(c) || !c.ack_fits() || c.seg.time - due.time > std::chrono::seconds(100)) return;
  // Where both ends send text, a path that reorders brings old ACKs with new text, of which Linux takes no timestamp.
  const bool only_receives = c.self.syn.count != 0 && c.self.next == c.self.iss + 1 && c.seg.len() == 0;
  const bool undisturbed = !c.peer.retransmitted && !c.peer.sent.has_gap() && c.seg.tcp.options.sack_count == 0;
  if (!only_receives || !undisturbed) return;
  const std::uint32_t echo = c.seg.tcp.options.timestamps->echo;
  const bool sure = due.sure && before(SeqNum(echo), SeqNum(*due.sure));
  if (Suspicion* first = c.conn.suspected(SuspicionKind::stale_echo, c.side)) {
    const bool again = !first->contradicted && first->known != due.number;
    if (again) first->draft.why += "; the same again in packet " + std::to_string(c.seg.number);
    first->contradicted = first->contradicted || again;
    return;
  }
  Suspicion* s =
      c.suspect(SuspicionKind::stale_echo, RuleId::timestamp_echo_stale, static_cast<Position>(echo), due.number,
                "TSecr=" + std::to_string(due.tsval) + " or more", "TSecr=" + std::to_string(echo),
                "it acknowledges more than " + number_text(due.number) +
                    ", which was first sent with TSval=" + std::to_string(due.tsval) + " or more (packet " +
                    std::to_string(due.packet) + "): that made it TS.Recent");
  if (s != nullptr) s->contradicted = sure;
}

}  // namespace lastack::rules
