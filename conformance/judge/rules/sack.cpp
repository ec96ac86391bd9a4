// Rules about selective acknowledgements (RFC 2018, RFC 2883).
#include <algorithm>

#include "conformance/judge/rules/rules.h"

namespace lastack::rules {

namespace {

std::string block_text(const SackBlock& b) {
  return "block " + std::to_string(b.left.raw()) + "-" + std::to_string(b.right.raw());
}

}  // namespace

namespace {

// Nowhere near the peer's stream. Firewalls that give an end other sequence numbers have left the blocks of the answers
// as they were; a stack that reports octets that far away cannot be told from that.
bool far_from_everything(const Context& c, const SackBlock& b) {
  constexpr Position kFar = Position{1} << 20;
  if (c.conn.certain || !c.peer.numbers_known) return false;
  const Position left = unwrap(c.peer.next, b.left);
  return left < std::min(c.peer.first, c.peer.next) - kFar || left > c.peer.next + kFar;
}

}  // namespace

void sack_not_permitted(Context& c) {
  if (!c.conn.options_known() || c.peer.syn.some_sack_permitted || c.conn.next_syn.present) return;
  c.violated(RuleId::sack_not_permitted, "no SACK option", block_text(c.seg.tcp.options.sack[0]),
             "the peer's SYN in packet " + std::to_string(c.peer.syn.packet) + " has no SACK-Permitted");
}

void sack_block_empty(Context& c) {
  const Options& o = c.seg.tcp.options;
  for (std::size_t i = 0; i < o.sack_count; ++i) {
    if (before(o.sack[i].left, o.sack[i].right)) continue;
    c.violated(RuleId::sack_block_empty, "left edge before right edge", block_text(o.sack[i]),
               "a block is the octets from left up to, not including, right");
    return;
  }
}

namespace {

// The hole in front of a FIN was filled: some stacks (Linux: tcp_fin) acknowledge it before they clear their blocks.
// What was not captured may be a FIN.
bool may_acknowledge_fin(const Context& c) {
  if (c.seg.len() != 0) return false;
  if (c.peer.fin) return c.ack == c.peer.fin_at + 1;
  const bool before_capture = c.peer.syn.count == 0 && c.ack <= c.peer.first;
  if (c.conn.capture_gap && c.ack == std::max(c.peer.next, c.peer.claimed)) return true;  // what is missing may hold it
  return !c.peer.numbers_known || before_capture || !c.peer.sent.covers(c.ack - 1, c.ack);
}

}  // namespace

void sack_block_below_ack(Context& c) {
  const Options& o = c.seg.tcp.options;
  if (!c.flags().ack()) return;
  if (!c.conn.certain && may_acknowledge_fin(c)) return;
  const SeqNum ack = c.seg.tcp.ack;
  for (std::size_t i = 0; i < o.sack_count; ++i) {
    const SackBlock& b = o.sack[i];
    if (!before(b.left, b.right) || far_from_everything(c, b)) continue;
    const bool straddles = at_or_before(b.left, ack) && after(b.right, ack);
    const bool below = at_or_before(b.right, ack);
    if (!straddles && !(below && i > 0)) continue;
    // The block around a duplicate report may stand behind it (RFC 2883 4); the hole before it may just have closed.
    const bool around_duplicate =
        i == 1 && below && at_or_before(b.left, o.sack[0].left) && !before(b.right, o.sack[0].right);
    if (around_duplicate) continue;
    c.violated(RuleId::sack_block_below_ack, "blocks after ACK=" + std::to_string(ack.raw()), block_text(b),
               straddles ? "octets up to the right edge are there, so ACK should be at least that"
                         : "only the first block may report a duplicate");
    return;
  }
}

// One inside another is a duplicate report (RFC 2883 4), or an old block that was reported again after it had grown.
void sack_blocks_touch(Context& c) {
  const Options& o = c.seg.tcp.options;
  const SeqNum ack = c.seg.tcp.ack;
  const auto sane = [&](const SackBlock& b) {
    return before(b.left, b.right) && after(b.left, ack) && !far_from_everything(c, b);
  };
  for (std::size_t i = 0; i < o.sack_count; ++i) {
    for (std::size_t j = 0; j < o.sack_count; ++j) {
      const SackBlock& lower = o.sack[i];
      const SackBlock& upper = o.sack[j];
      if (i == j || !sane(lower) || !sane(upper)) continue;
      const bool touch =
          before(lower.left, upper.left) && at_or_before(upper.left, lower.right) && before(lower.right, upper.right);
      if (!touch) continue;
      c.violated(RuleId::sack_blocks_touch,
                 "one block " + std::to_string(lower.left.raw()) + "-" + std::to_string(upper.right.raw()),
                 block_text(lower) + " and " + block_text(upper), "a block ends where an octet is missing");
      return;
    }
  }
}

void sack_of_unsent_data(Context& c) {
  const Endpoint& peer = c.peer;
  if (!peer.numbers_known || peer.isn_ambiguous || c.conn.next_syn.present || !c.conn.begun_with_syn) return;
  if (peer.next_doubtful) return;
  const Options& o = c.seg.tcp.options;
  for (std::size_t i = 0; i < o.sack_count; ++i) {
    if (!before(o.sack[i].left, o.sack[i].right)) continue;
    const Position left = unwrap(peer.next, o.sack[i].left);
    const Position right = unwrap(peer.next, o.sack[i].right);
    if (far_from_everything(c, o.sack[i])) {
      c.inconclusive(RuleId::sack_of_unsent_data, "blocks up to " + number_text(peer.next), block_text(o.sack[i]),
                     "nothing of the peer is near it", "a box may have changed all numbers but these");
      return;
    }
    // The number of a SYN that came twice may be reported as a duplicate (RFC 2883), like any other.
    const bool repeated_syn = i == 0 && left == peer.iss && right == left + 1;
    const bool before_isn = c.conn.handshake_known() && left <= peer.iss && !repeated_syn;
    if (before_isn && !(c.conn.earlier[1 - c.side].may_hold(o.sack[i].left) && !c.conn.certain)) {
      c.violated(RuleId::sack_of_unsent_data, "blocks from " + number_text(peer.iss + 1), block_text(o.sack[i]),
                 "the peer's data begins after its ISN " + number_text(peer.iss) + since_packet(peer.syn.packet));
      return;
    }
    if (right <= std::max(peer.next, c.conn.certain ? peer.next : peer.claimed)) continue;
    // What lies before the block may be a hole that the sender fills later.
    const Position first = std::max(unwrap(peer.next, o.sack[i].left), peer.next);
    c.suspect(SuspicionKind::claimed_by_peer, RuleId::sack_of_unsent_data, right, first,
              "blocks up to " + number_text(peer.next), block_text(o.sack[i]),
              "SND.NXT of the peer is " + number_text(peer.next) + since_packet(peer.next_packet));
    return;
  }
}

}  // namespace lastack::rules
