// Rules about Explicit Congestion Notification (RFC 3168): who may offer it, and which packets may carry a codepoint.
// RFC 8311 permits experiments with more, and boxes on the path write the old TOS octet: so a packet is only held
// against its sender when others of the same kind show that it does not do so throughout.
#include "conformance/judge/rules/rules.h"
#include "stack/wire/text.h"

namespace lastack::rules {

namespace {

std::string codepoint(unsigned ecn) { return ecn == 3 ? "CE" : ecn == 2 ? "ECT(0)" : ecn == 1 ? "ECT(1)" : "Not-ECT"; }

// Neither form of ECN can have been agreed on.
bool certainly_without_ecn(const Context& c) {
  return c.conn.handshake_known() && !c.conn.next_syn.present &&
         !(c.self.syn.some_ecn_flag && c.peer.syn.some_ecn_flag);
}

// Where ECN seems to hinder, a SYN is sent again without it (RFC 3168 6.1.1.1), and answered as the first one.
bool first_syn_unseen(const Context& c) {
  const int opener = c.conn.ends[0].syn.without_ack ? 0 : 1;
  return !c.conn.certain && c.conn.sink->may_repeat_unseen(c.conn.ends[opener].syn.time);
}

// Every router may write the two bits: they are the sender's own only in a packet that none has passed, whose hop limit
// is one that hosts start with.
bool bits_are_its_own(const Context& c) {
  const std::uint8_t hops = c.seg.ip.hop_limit;
  return c.conn.certain || hops == 255 || hops == 128 || hops == 64 || hops == 32;
}

constexpr const char* kRouter = "routers have passed it on, and may have written that";
constexpr const char* kFlagCleared = "the SYN offered ECN, and a box may have taken the answer's flag away";

void blame_syn(Context& c) {
  Finding f = c.draft(RuleId::ect_on_control, "Not-ECT", "an ECN codepoint on the SYN",
                      "later packets of the same sender, " + std::to_string(c.seg.number) + " for one, have none");
  f.packet = c.self.ect_syn_packet;
  f.time = c.self.syn.time;
  if (!bits_are_its_own(c)) {
    leave_undecided(f, kRouter);
  }
  c.self.ect_syn_packet = 0;
  report(c.conn, c.side, std::move(f));
}

}  // namespace

void ecn_not_offered(Context& c) {
  const Flags f = c.flags();
  const bool ecn_setup = f.ack() && !f.rst() && f.ece() && !f.cwr() && !f.ae();
  if (!ecn_setup || c.peer.syn.count == 0 || c.peer.isn_ambiguous || c.peer.syn.some_ecn_setup ||
      c.self.syn.without_ack || !c.peer.syn.without_ack)
    return;
  if (first_syn_unseen(c) || (!c.conn.certain && echoes_another_syn(c))) return;
  c.suspect(SuspicionKind::unoffered_option, RuleId::ecn_not_offered, 0, 0, "ECE off", "flags " + flags_text(f),
            "the SYN in packet " + std::to_string(c.peer.syn.packet) + " did not have ECE and CWR both");
}

void ect_on_control(Context& c) {
  const unsigned ecn = c.seg.ip.ecn();
  if (c.flags().syn() || c.conn.next_syn.present) return;  // a SYN is judged by what follows it
  if (ecn == 0) {
    if (c.self.ect_syn_packet != 0 && certainly_without_ecn(c)) blame_syn(c);
    return;
  }
  if (c.seg.len() != 0 || c.self.not_ect_ack == 0) return;
  // Stacks in TIME-WAIT answer without the connection's settings. One FIN or both may be missing from the capture.
  const bool unseen = c.seq > c.self.next || (c.peer.numbers_known ? c.ack > c.peer.next : c.self.fin);
  if (unseen || (c.self.fin && c.peer.fin)) return;
  const std::string why =
      "an empty segment; its earlier ones, packet " + std::to_string(c.self.not_ect_ack) + " for one, are Not-ECT";
  c.decide(RuleId::ect_on_control, "Not-ECT", codepoint(ecn), why, bits_are_its_own(c) ? nullptr : kRouter);
}

void ect_not_negotiated(Context& c) {
  const unsigned ecn = c.seg.ip.ecn();
  if (ecn == 0 || c.flags().syn() || c.flags().rst() || c.self.not_ect_segment == 0 || !certainly_without_ecn(c))
    return;
  const std::string why = "the SYNs in packets " + std::to_string(c.conn.ends[0].syn.packet) + " and " +
                          std::to_string(c.conn.ends[1].syn.packet) + " do not agree to ECN, and packet " +
                          std::to_string(c.self.not_ect_segment) + " is Not-ECT";
  if (first_syn_unseen(c)) return;
  const bool offered = !c.conn.certain && c.peer.syn.some_ecn_setup;
  const char* doubt = offered ? kFlagCleared : kRouter;
  c.decide(RuleId::ect_not_negotiated, "Not-ECT", codepoint(ecn), why,
           offered || !bits_are_its_own(c) ? doubt : nullptr);
}

}  // namespace lastack::rules
