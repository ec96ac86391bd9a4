// Vantage::endpoint only: does an arrival leave more than one legal reading of what the connection is afterwards? A
// peer in a scenario or in a fuzz program may send anything. After such a segment (a SYN in the middle, a reset that a
// strict stack ignores and an older one obeys, a second FIN elsewhere ...) the facts about both ends may be wrong, so
// only what a single segment shows is judged, until a new incarnation of the connection begins.
#include <algorithm>

#include "conformance/judge/connection.h"

namespace lastack {

namespace {

// Without a segment for so long the endpoint may have given the connection up in silence: R2, or a user timeout (RFC
// 9293 3.8.3, 3.9.1). A repeated SYN in the handshake is common; later it is odd.
constexpr Duration kMayBeGoneInHandshake = std::chrono::seconds(25);
constexpr Duration kMayBeGone = std::chrono::milliseconds(500);

bool syn_leaves_doubt(const Context& c) {
  const Endpoint& sender = c.self;
  const Endpoint& sut = c.peer;
  if (c.flags().fin() || c.flags().rst()) return true;
  // A SYN-ACK that does not acknowledge the SYN is answered by a reset, and its numbers mean nothing.
  if (c.flags().ack() && (sut.syn.count == 0 || c.ack != sut.iss + 1)) return true;
  if (sender.syn.count == 0) return sut.plain_segments != 0;
  if (c.seq != sender.iss || c.flags().ack() != sender.syn.with_ack) return true;
  return c.seg.time - sut.last_time > (sut.plain_segments == 0 ? kMayBeGoneInHandshake : kMayBeGone);
}

bool fin_leaves_doubt(const Context& c) {
  const Endpoint& sender = c.self;
  const Endpoint& sut = c.peer;
  if (!c.flags().fin()) return sender.fin && c.end > sender.fin_at + 1;
  if (sender.fin ? c.end - 1 != sender.fin_at : c.end <= sender.next) return true;
  const auto& ts = c.seg.tcp.options.timestamps;
  const bool paws = c.conn.timestamps_negotiated() && (!ts || before(SeqNum(ts->value), SeqNum(sender.tsval_max)));
  return paws || !sut.edge_known || c.end > sut.edge_max || c.seq > sut.ack_max;
}

// An ACK from below what was acknowledged already: RFC 9293 ignores it, RFC 5961 5.2 drops the segment that it came
// with.
bool old_ack_with_news(const Context& c) {
  return c.self.acked && c.ack < c.self.ack_max && c.end > c.peer.ack_max && c.end > c.seq;
}

// Left of the window and with a new ACK: dropped by the text, taken by many stacks.
bool old_segment_with_new_ack(const Context& c) {
  const Endpoint& sut = c.peer;
  return sut.acked && c.seq < sut.ack_max && c.end <= sut.ack_max && (!c.self.acked || c.ack > c.self.ack_max);
}

}  // namespace

bool leaves_doubt(const Context& c) {
  const Endpoint& sut = c.peer;
  const bool odd_options = c.seg.malformed || c.seg.tcp.options.wrong_length || c.seg.tcp.options.duplicate;
  if (c.flags().syn()) return odd_options || syn_leaves_doubt(c);
  if (sut.syn.count == 0 || c.flags().rst() || !c.flags().ack() || c.ack > sut.next) return false;
  // Some stacks drop the segment, some only the options.
  if (odd_options && (c.seg.len() != 0 || !c.self.acked || c.ack > c.self.ack_max)) return true;
  if (c.ack <= sut.iss || old_ack_with_news(c) || old_segment_with_new_ack(c)) return true;
  return fin_leaves_doubt(c);
}

bool reset_leaves_doubt(const Context& c) {
  if (!c.flags().rst()) return false;
  if (c.side == c.conn.judged) return c.self.syn.count != 0 && !c.self.rst_synchronized;
  const Endpoint& sut = c.peer;
  if (sut.syn.count == 0 || sut.was_reset) return false;
  // By its number alone (RFC 5961), or by its text too (Table 6).
  const bool left = sut.acked && c.seq < sut.ack_max && c.end <= sut.ack_max;
  const bool certainly_outside = left || (sut.acked && sut.edge_known && c.seq > sut.edge_max);
  return !certainly_outside;
}

}  // namespace lastack
