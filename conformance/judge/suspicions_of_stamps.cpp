// What later segments say of an echo or a clock that no captured packet backs (RFC 7323).
#include <chrono>

#include "conformance/judge/facts.h"
#include "conformance/judge/rules/near.h"
#include "conformance/judge/suspicions.h"

namespace lastack {

// The accused echoed the timestamp `claimed`; its owner's clock was seen at `known`.
Ruling settle_timestamp_echo(Context& c, Suspicion& s) {
  if (c.side == s.accused || !c.seg.tcp.options.timestamps) return Ruling::keep;
  const SeqNum value(c.seg.tcp.options.timestamps->value);
  const SeqNum echoed(wire_number(s.claimed));
  if (may_be_swapped(c, s) && SeqNum(wire_number(s.claimed)) - SeqNum(wire_number(s.known)) < 1000) return Ruling::keep;
  if (at_or_after(value, echoed))
    return open_because(s, "the segment with that timestamp may be missing from the capture");
  const bool fresh = c.end > c.self.next || (c.flags().ack() && c.ack > c.self.ack_max);
  if (!fresh || after(SeqNum(c.self.tsval_max), value)) return Ruling::keep;
  s.draft.why += "; in packet " + std::to_string(c.seg.number) + " its clock says only " + std::to_string(value.raw());
  return Ruling::violated;
}

namespace {

// How long before its SYN the sender's clock showed what was echoed, at most, by the pace of that clock since then: the
// path may have brought the SYN late, or the others. Less than zero when the pace is not known yet.
double age_of_echo(const Context& c, const Suspicion& s) {
  const auto passed = std::chrono::duration<double>(c.seg.time - c.self.syn.time).count();
  const std::int32_t ticks = SeqNum(c.seg.tcp.options.timestamps->value) - SeqNum(wire_number(s.known));
  if (passed < 0 || ticks <= 0) return -1;
  constexpr double kDelay = 1;
  const std::int32_t back = SeqNum(wire_number(s.known)) - SeqNum(wire_number(s.claimed));
  return (passed + kDelay) * static_cast<double>(back) / static_cast<double>(ticks);
}

}  // namespace

// A SYN-ACK echoed `claimed`, the SYN says `known`. An earlier SYN, before the capture began, may have said less, but
// no stack repeats its SYN within so short a time.
Ruling settle_syn_echo(Context& c, Suspicion& s) {
  const auto& ts = c.seg.tcp.options.timestamps;
  const bool that_one = c.side != s.accused && c.flags().syn() && ts && ts->value == wire_number(s.claimed);
  if (that_one) return Ruling::drop;  // it stands behind its answer
  const bool tells = c.side != s.accused && !s.contradicted && !c.flags().syn() && !c.flags().rst();
  if (!tells || !ts) return Ruling::keep;
  const double age = age_of_echo(c, s);
  constexpr double kNotYetAgain = 0.15;
  if (age < 0 || age >= kNotYetAgain) return Ruling::keep;
  s.contradicted = true;
  s.draft.why += "; by the pace of its clock until packet " + std::to_string(c.seg.number) +
                 " it showed that less than 0.15 s before, when no SYN of it can have been sent";
  return Ruling::keep;
}

// Text from before that comes late: what was taken for its first copy may have been a repetition.
Ruling settle_stale_echo(Context& c, Suspicion& s) {
  const auto& ts = c.seg.tcp.options.timestamps;
  const bool late = c.side != s.accused && c.has_data() && c.seq <= s.known && ts &&
                    before(SeqNum(ts->value), SeqNum(c.self.tsval_max));
  return late ? Ruling::drop : Ruling::keep;
}

namespace {

// A later TSval of the accused; a reset's need not come from its clock.
bool speaks_again(const Context& c, const Suspicion& s) {
  return c.side == s.accused && c.seg.tcp.options.timestamps && !c.flags().syn() && !c.flags().rst();
}

// The clock is where it was before the packet whose TSval is wrong.
void go_back_to(Context& c, std::uint32_t value, std::uint64_t wrong_packet, std::uint32_t wrong) {
  Endpoint& e = c.self;
  e.tsval_max = e.tsval_before = value;
  e.tsval_packet = c.seg.number;
  e.tsval_time = c.seg.time;
  e.tsval_at = kOutOfSequence;
  e.tsval_alone = false;
  e.stray_packet = wrong_packet;
  e.stray_tsval = wrong;
}

}  // namespace

// The clock was at `known`, the packet in question said `claimed`, far off.
Ruling settle_clock_astray(Context& c, Suspicion& s) {
  if (!speaks_again(c, s)) return Ruling::keep;
  const SeqNum value(c.seg.tcp.options.timestamps->value);
  const SeqNum before(wire_number(s.known));
  if (!is_far(value - SeqNum(wire_number(s.claimed)))) {
    return s.later ? Ruling::violated : Ruling::drop;  // it has gone back, and goes on from there
  }
  if (is_far(value - before) || value - before < 0) return Ruling::keep;
  s.draft.why +=
      ", and packet " + std::to_string(c.seg.number) + " goes on from there with " + std::to_string(value.raw());
  return Ruling::violated;
}

// One packet alone said `claimed`, the one in question, sent later, `known`: what is sent after both tells which one is
// wrong.
Ruling settle_clock_fell(Context& c, Suspicion& s) {
  if (!speaks_again(c, s)) return Ruling::keep;
  const SeqNum value(c.seg.tcp.options.timestamps->value);
  const SeqNum high(wire_number(s.claimed));
  const SeqNum low(wire_number(s.known));
  if (is_far(value - high)) return Ruling::keep;
  if (at_or_after(value, high)) return Ruling::violated;
  const bool later =
      c.later_but(kByTsval | kByTsecr) ||
      (s.at_tap && (near::well_after(c, s.draft.packet, s.draft.time) || (c.seq == c.self.next && c.end > c.seq)));
  if (before(value, low) || !later) return Ruling::keep;
  s.draft.expected = "TSval=" + std::to_string(low.raw()) + " or less";
  s.draft.actual = "TSval=" + std::to_string(high.raw());
  s.draft.why = "packets " + std::to_string(s.draft.packet) + " and " + std::to_string(c.seg.number) +
                ", sent later, have TSval=" + std::to_string(low.raw()) + " and " + std::to_string(value.raw()) +
                ": the clock does not run backwards, so this one is wrong";
  s.draft.packet = s.answered_by;
  s.draft.time = s.answered_at;
  if (s.at_tap) c.self.ts_unread = true;  // unless the tap is there, this one may have come late: no witness any more
  if (c.self.tsval_max == high.raw()) go_back_to(c, value.raw(), s.answered_by, high.raw());
  return Ruling::violated;
}

Ruling last_word_on_stamps(const TrackedConnection& conn, Suspicion& s) {
  if (s.kind == SuspicionKind::clock_fell) return Ruling::violated;
  if (s.kind == SuspicionKind::clock_astray) {
    return s.later ? Ruling::violated : open_because(s, "no later segment of it shows whether its clock has jumped");
  }
  const bool stale = s.kind == SuspicionKind::stale_echo;
  if (stale && conn.capture_gap) return open_because(s, "packets are missing from the capture");
  if (s.contradicted) return Ruling::violated;
  return open_because(s, stale ? "an earlier copy of that text may be missing from the capture"
                               : "a SYN with that timestamp may be missing from the capture");
}

}  // namespace lastack
