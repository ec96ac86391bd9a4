#include "conformance/judge/rules/replies.h"

#include "conformance/judge/rules/rules.h"

namespace lastack {

namespace rules {

void segment_after_received_reset(Context& c) {
  if (!c.conn.certain || !c.self.was_reset || c.conn.next_syn.present) return;
  if (c.seg.time - c.self.was_reset_time < c.conn.reaction_time) return;
  c.violated(RuleId::segment_after_received_reset, "no segment of this connection", info_text(c.seg),
             "packet " + std::to_string(c.self.was_reset_packet) +
                 " is a reset with SEQ=RCV.NXT=" + number_text(c.self.ack_max));
}

}  // namespace rules

namespace replies {

namespace {

constexpr Duration kDelayedAckLimit = std::chrono::milliseconds(500);

// The states in which the judged end certainly is: all that are possible lie in `within`.
bool certainly_in(const Context& c, StateSet within) { return (possible_states(c.conn, c.conn.judged) & ~within) == 0; }

void report_overdue(TrackedConnection& conn, Instant now) {
  Endpoint& sut = conn.ends[conn.judged];
  sut.due = false;
  SegmentInfo none;
  none.number = sut.due_packet;
  none.time = now;
  const Context c(conn, conn.judged, none);
  c.violated(RuleId::data_not_acknowledged, "ACK=" + number_text(sut.due_ack) + " within 0.5 s", "none",
             "packet " + std::to_string(sut.due_packet) + " arrived in order and fits the window");
}

// Data or FIN exactly at RCV.NXT, inside the window, from an endpoint in good standing: it must be acknowledged.
void note_due_ack(Context& c) {
  Endpoint& sut = c.peer;
  const bool plain = c.flags().ack() && !c.flags().syn() && !c.flags().rst() && !c.flags().urg();
  if (!plain || c.seg.len() == 0 || !sut.acked || c.seq != sut.ack_max || sut.due) return;
  if (!sut.edge_known || c.end > sut.edge_last || c.conn.next_syn.present) return;
  const bool ack_good = c.ack <= sut.next && c.self.acked && c.ack >= c.self.ack_max;
  const bool timestamps_good =
      !c.conn.timestamps_negotiated() ||
      (c.seg.tcp.options.timestamps && !c.self.ts_erratic && c.seg.tcp.options.timestamps->value == c.self.tsval_max);
  if (!ack_good || !timestamps_good || c.seg.malformed || !c.conn.options_known()) return;
  if (c.seg.tcp.options.wrong_length || c.seg.tcp.options.duplicate) return;
  // What the user closed may be reset instead (RFC 9293 3.6.1), and after its FIN the endpoint may be gone already.
  if (sut.rst || sut.was_reset || sut.fin || c.self.fin_count > 1 || !certainly_in(c, kEstablished | kCloseWait))
    return;
  sut.due = true;
  sut.due_ack = c.end;
  sut.due_time = c.seg.time;
  sut.due_packet = c.seg.number;
}

// A reset whose number is exactly RCV.NXT, when nothing about RCV.NXT is in doubt.
//= rfc9293 3.10.7.4 second U-04
void note_exact_reset(Context& c) {
  Endpoint& sut = c.peer;
  if (!c.flags().rst() || c.flags().syn() || !sut.acked || c.seq != sut.ack_max) return;
  const Coverage& arrived = c.self.sent;
  if (arrived.contiguous() != sut.ack_max || arrived.has_gap() || arrived.overflowed()) return;
  const bool ack_harmless = !c.flags().ack() || (c.self.acked && c.ack >= c.self.ack_max && c.ack <= sut.next);
  if (!ack_harmless || c.has_data() || c.seg.malformed) return;
  constexpr StateSet kSynchronized = kEstablished | kFinWait1 | kFinWait2 | kCloseWait;
  if (!certainly_in(c, kSynchronized) || c.conn.next_syn.present) return;
  sut.was_reset = true;
  sut.was_reset_packet = c.seg.number;
  sut.was_reset_time = c.seg.time;
}

void note_arrival(Context& c) {
  note_exact_reset(c);
  if (c.flags().rst() || c.flags().syn()) {
    c.peer.due = false;  // what follows may be about this
    return;
  }
  note_due_ack(c);
}

void note_sent(Context& c) {
  Endpoint& sut = c.self;
  const bool settled = c.flags().rst() || (c.flags().ack() && c.ack >= sut.due_ack);
  if (sut.due && settled) sut.due = false;
  // No connection was ever seen here: only resets have arrived, and a reset answers them.
  const bool answers_reset = c.flags().rst() && sut.packets == 0 && c.peer.packets != 0 && !sut.other_than_rst;
  if (!answers_reset) return;
  c.violated(RuleId::reset_answered, "silence", info_text(c.seg), "only resets have arrived on this connection");
}

}  // namespace

void check_overdue(TrackedConnection& conn, Instant now) {
  if (conn.judged < 0) return;
  const Endpoint& sut = conn.ends[conn.judged];
  if (sut.due && now - sut.due_time > kDelayedAckLimit + conn.reaction_time) report_overdue(conn, now);
}

void before_segment(Context& c) { check_overdue(c.conn, c.seg.time); }

void after_segment(Context& c) {
  if (c.side == c.conn.judged) {
    note_sent(c);
  } else {
    note_arrival(c);
  }
}

}  // namespace replies
}  // namespace lastack
