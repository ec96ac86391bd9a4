// Rules about windows: what may be sent into them, and how they may move.
#include "conformance/judge/rules/rules.h"

namespace lastack::rules {

void data_beyond_window(Context& c) {
  const Endpoint& peer = c.peer;
  if (!peer.edge_known || c.flags().syn() || c.flags().rst() || c.conn.next_syn.present || !c.conn.handshake_known())
    return;
  const Position data_end = c.seq + c.seg.payload_size;
  // A FIN may be sent although the window has no room for its number; but not from far beyond it.
  constexpr Position kFar = Position{1} << 16;
  if (!c.has_data() && (!c.flags().fin() || c.seq <= peer.edge_max + kFar)) return;
  if (data_end <= peer.edge_max || data_end <= c.self.next) return;
  // A probe of a shut window sends at least one octet beyond it (RFC 9293 3.8.6.1), after a pause.
  const bool shut = c.seq >= peer.edge_max;
  const bool probe =
      shut && c.seq <= peer.edge_max + 1 && c.seg.time - c.self.last_time > std::chrono::milliseconds(100);
  if (probe || (shut && c.seg.payload_size == 1 && c.seq <= peer.edge_max + 1)) return;
  if (impossibly_far(c.seq - c.self.next, c.seg.time - c.self.last_time)) {
    if (!seq_of_elsewhere(c)) {
      c.violated(RuleId::data_beyond_window, "data up to " + number_text(peer.edge_max) + " at most",
                 "data up to " + number_text(data_end),
                 "the highest edge offered, ACK + window, is " + number_text(peer.edge_max) +
                     since_packet(peer.edge_packet) + kTooFar);
    }
    return;
  }
  c.suspect(
      SuspicionKind::beyond_window, RuleId::data_beyond_window, data_end, peer.edge_max,
      "data up to " + number_text(peer.edge_max) + " at most", "data up to " + number_text(data_end),
      "the highest edge offered, ACK + window, is " + number_text(peer.edge_max) + since_packet(peer.edge_packet));
}

void window_shrunk(Context& c) {
  const Endpoint& self = c.self;
  const int shift = c.conn.window_shift(c.side);
  if (!self.edge_known || shift < 0 || !c.later_but(kByAck | kByTsecr) || c.flags().syn()) return;
  if (c.peer.fin && c.ack > c.peer.fin_at) return;  // nothing more will come: the window means nothing
  if (c.ack > c.peer.next) return;                  // the same, where the FIN stands after its ACK in the file
  const Position edge = c.ack + (static_cast<Position>(c.seg.tcp.wnd) << shift);
  const Position rounding = Position{1} << shift;
  if (edge + rounding >= self.edge_max || c.ack < self.ack_max) return;
  if (self.edge_said == self.edge_packet && !c.conn.certain) return;  // once for each edge that is taken back
  c.self.edge_said = self.edge_packet;
  c.violated(RuleId::window_shrunk, "right edge " + number_text(self.edge_max) + " or more",
             "right edge " + number_text(edge),
             "that edge was offered" + since_packet(self.edge_packet) + " (rounding by the scale excepted)");
}

}  // namespace lastack::rules
