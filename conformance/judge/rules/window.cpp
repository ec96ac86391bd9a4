// Rules about windows: what may be sent into them, and how they may move.
#include "conformance/judge/rules/rules.h"

namespace lastack::rules {

namespace {

// It answered a SYN with a scale, and its own was taken out of the SYN-ACK: then it takes the other's field for scaled.
bool fits_a_scale_taken_out(const Context& c, Position data_end) {
  const Endpoint& peer = c.peer;
  if (c.conn.certain || c.self.syn.some_scale || !peer.syn.some_scale || !peer.acked) return false;
  return data_end <= peer.ack_max + (Position{peer.wnd_last} << peer.syn.shift);
}

}  // namespace

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
  if (fits_a_scale_taken_out(c, data_end)) {
    c.inconclusive(RuleId::data_beyond_window, "data up to " + number_text(peer.edge_max) + " at most",
                   "data up to " + number_text(data_end), "one SYN offers a window scale, the other does not",
                   "a box may have taken it out");
    return;
  }
  const bool acks_unseen = c.flags().ack() && c.ack > peer.next;
  if (!c.conn.certain && (data_end <= peer.edge_unsure || acks_unseen)) {
    c.inconclusive(RuleId::data_beyond_window, "data up to " + number_text(peer.edge_max) + " at most",
                   "data up to " + number_text(data_end), "octets that are not in the capture were acknowledged",
                   "what is missing with them may have opened the window");
    return;
  }
  if (c.echoes_unseen()) {
    c.inconclusive(RuleId::data_beyond_window, "data up to " + number_text(peer.edge_max) + " at most",
                   "data up to " + number_text(data_end), "it echoes a timestamp that was not seen",
                   "the ACK that had it may have opened the window");
    return;
  }
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

bool scale_in_doubt(const Context& c) {
  const Endpoint& self = c.self;
  const Position field = c.seg.tcp.wnd;
  if (c.conn.certain || !c.conn.handshake_known()) return false;
  // It answered a SYN with a scale, and its own scale was taken out of the SYN-ACK: it scales, the other end does not.
  if (!self.syn.some_scale) return c.peer.syn.some_scale && field * 4 <= self.syn.wnd;
  // The other end's was: it does not scale. Its field begins where its SYN's was, and moves like octets.
  return field * 2 >= self.syn.wnd && c.ack + field >= self.ack_max + self.wnd_last;
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
  const std::string expected = "right edge " + number_text(self.edge_max) + " or more";
  const std::string actual = "right edge " + number_text(edge);
  const std::string why =
      "that edge was offered" + since_packet(self.edge_packet) + " (rounding by the scale excepted)";
  c.decide(RuleId::window_shrunk, expected, actual, why,
           scale_in_doubt(c) ? "a box may have taken the window scale out of a SYN" : nullptr);
}

}  // namespace lastack::rules
