// Rules about the timestamps option (RFC 7323).
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
  for (const Suspicion& s : c.conn.suspicions) {
    if (s.kind == SuspicionKind::option_missing && s.accused == c.side) return;
  }
  c.suspect(SuspicionKind::option_missing, RuleId::timestamps_missing, 0, 0, "the timestamps option", "none", why);
}

// Boxes that guard against finger-printing write zeros over both values; no stack sends a segment with ACK like that.
bool stamps_are_wiped(const Context& c) {
  const auto& ts = c.seg.tcp.options.timestamps;
  return !c.conn.certain && ts && ts->value == 0 && ts->echo == 0 && c.flags().ack();
}

void timestamp_goes_back(Context& c) {
  const Endpoint& self = c.self;
  if (!self.ts_seen || self.ts_erratic || c.flags().rst() || c.flags().syn() || c.conn.next_syn.present) return;
  if (!c.conn.timestamps_negotiated() || stamps_are_wiped(c)) return;
  const std::uint32_t value = c.seg.tcp.options.timestamps->value;
  if (at_or_after(SeqNum(value), SeqNum(self.tsval_max))) return;
  // The fastest clock of RFC 7323 5.4 (59 ns) runs through half its range in 126 s: then "before" means nothing any
  // more.
  if (c.seg.time - self.tsval_time > std::chrono::seconds(120)) return;
  const bool both_jump = c.peer.ts_erratic && SeqNum(self.tsval_max) - SeqNum(value) > (1 << 28);
  if (both_jump && !c.conn.certain) return;  // a long time has passed, whatever the capture's clock says
  constexpr unsigned kOwnStamps = kByTsval | kByTsecr;
  if (!c.later_but(kOwnStamps)) return;
  c.violated(RuleId::timestamp_goes_back, "TSval=" + std::to_string(self.tsval_max) + " or more",
             "TSval=" + std::to_string(value),
             "its clock was at " + std::to_string(self.tsval_max) + since_packet(self.tsval_packet) +
                 why_later(c, kOwnStamps));
}

void timestamp_echo_unsent(Context& c) {
  const Endpoint& peer = c.peer;
  if (!c.flags().ack() || c.flags().rst() || !peer.ts_seen || peer.ts_erratic || c.conn.next_syn.present) return;
  if (!c.conn.timestamps_negotiated() || (peer.ts_unread && !c.conn.certain) || stamps_are_wiped(c)) return;
  const std::uint32_t echo = c.seg.tcp.options.timestamps->echo;
  const bool too_old = before(SeqNum(echo), SeqNum(peer.tsval_min));
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
  if (at_or_after(SeqNum(echo), SeqNum(self.tsecr_max)) || before(SeqNum(echo), SeqNum(c.peer.tsval_min))) return;
  // A stack may take TSval and TSecr of a segment at different moments; neighbours may stand in the wrong order.
  const bool neighbours = c.seg.number - self.tsecr_packet <= 16 && SeqNum(self.tsecr_max) - SeqNum(echo) <= 2;
  if (neighbours && !c.conn.certain) return;
  c.violated(
      RuleId::timestamp_echo_goes_back, "TSecr=" + std::to_string(self.tsecr_max) + " or more",
      "TSecr=" + std::to_string(echo),
      "TS.Recent=" + std::to_string(self.tsecr_max) + since_packet(self.tsecr_packet) + ", and it never decreases");
}

}  // namespace lastack::rules
