#include "conformance/judge/incarnation.h"

#include <algorithm>

namespace lastack {

int side_of(const TrackedConnection& c, const SegmentInfo& seg) {
  return c.address[0].port == seg.tcp.src_port && c.address[0].ip == seg.ip.src ? 0 : 1;
}

bool is_over(const TrackedConnection& c) {
  if (c.doubtful) return false;
  const bool reset = c.ends[0].rst || c.ends[1].rst || c.ends[0].was_reset || c.ends[1].was_reset;
  return (reset && !c.certain) || (c.ends[0].fin && c.ends[1].fin) ||
         (c.certain && (c.ends[c.judged].rst_synchronized || c.ends[c.judged].was_reset));
}

namespace {

// Where a number lies, compared with those that one end of this incarnation has used.
enum class Where : std::uint8_t { unknown, inside, ahead, outside };

Where where(const TrackedConnection& c, const Endpoint& e, SeqNum number) {
  constexpr Position kUnseen = 1 << 20;       // what the capture may lack
  constexpr Position kUnseenAtEnd = 1 << 15;  // of a connection that is over
  constexpr Position kBefore = 1 << 16;       // what may be repeated from before the capture
  if (!e.numbers_known || e.isn_ambiguous) return Where::unknown;
  const Position p = unwrap(e.next, number);
  if (p < (e.syn.count != 0 ? e.iss : e.first - kBefore)) return Where::outside;
  if (p <= std::max(e.next, e.claimed)) return Where::inside;
  if (e.fin) return p > e.fin_at + 1 ? Where::outside : Where::inside;
  return p - e.next <= (is_over(c) ? kUnseenAtEnd : kUnseen) ? Where::ahead : Where::outside;
}

// Where only one direction was captured, its acknowledgements say where the other one's numbers are.
Where where_acked(const TrackedConnection& c, int by, SeqNum number) {
  constexpr Position kNear = 1 << 20;
  const Endpoint& receiver = c.ends[by];
  const Endpoint& sender = c.ends[1 - by];
  if (sender.numbers_known || !receiver.acked) return where(c, sender, number);
  const Position distance = unwrap(receiver.ack_max, number) - receiver.ack_max;
  return distance < -kNear || distance > kNear ? Where::outside : Where::unknown;
}

// An ACK that answers the first SYN by numbers of its own: its sender is in an older connection still (RFC 9293 3.5.1).
bool remembers_another(const TrackedConnection& c, const SegmentInfo& seg) {
  const int side = side_of(c, seg);
  const Endpoint& self = c.ends[side];
  const Endpoint& peer = c.ends[1 - side];
  const bool only_syns = peer.syn.without_ack && peer.plain_segments == 0 && self.syn.count == 0 && !self.numbers_known;
  return only_syns && where(c, peer, seg.tcp.ack) != Where::inside;
}

struct Numbers {
  Where seq = Where::unknown;
  Where ack = Where::unknown;
  bool inside() const { return seq == Where::inside || ack == Where::inside; }
};

Numbers numbers_of(const TrackedConnection& c, const SegmentInfo& seg) {
  const int side = side_of(c, seg);
  return {where(c, c.ends[side], seg.tcp.seq),
          seg.tcp.flags.ack() ? where(c, c.ends[1 - side], seg.tcp.ack) : Where::unknown};
}

bool readable(const SegmentInfo& seg) { return !seg.malformed && seg.checksum != ChecksumState::wrong; }

Stranger stranger_of(int side, const SegmentInfo& seg) {
  return {true, {side == 0 ? seg.tcp.seq : seg.tcp.ack, side == 0 ? seg.tcp.ack : seg.tcp.seq}};
}

// A SYN of a connection whose text had stood before it in the capture.
bool comes_late(const Endpoint& e, SeqNum syn) {
  const Position text = unwrap(e.first, syn) + 1;
  return text <= e.first && e.first - text < (Position{1} << 16);
}

// Nothing of this end was captured, but its peer acknowledged it up to a number before this SYN's.
bool begins_after_unseen(const TrackedConnection& c, int side, SeqNum syn) {
  const Endpoint& self = c.ends[side];
  const Endpoint& peer = c.ends[1 - side];
  if (c.certain || self.syn.count != 0 || self.plain_segments != 0 || !peer.acked) return false;
  return unwrap(peer.ack_max, syn) >= peer.ack_max;
}

// A SYN-ACK that answers no SYN of this incarnation: the one that it answers is missing from the capture.
bool answers_unseen_syn(const TrackedConnection& c, const SegmentInfo& seg) {
  const int side = side_of(c, seg);
  const Endpoint& self = c.ends[side];
  const Endpoint& peer = c.ends[1 - side];
  if (c.certain || !seg.tcp.flags.ack() || !readable(seg)) return false;
  if (!self.numbers_known) {
    return (peer.plain_segments != 0 || peer.rst) && where(c, peer, seg.tcp.ack) == Where::outside;
  }
  if (self.plain_segments == 0 && self.syn.count == 0) return false;
  if (self.syn.count == 0 && comes_late(self, seg.tcp.seq)) return false;
  const Numbers n = numbers_of(c, seg);
  return !n.inside() && n.seq != Where::unknown;
}

}  // namespace

bool is_stranger(const TrackedConnection& c, const SegmentInfo& seg) {
  const Flags f = seg.tcp.flags;
  if (c.certain || f.syn() || f.rst() || !f.ack()) return false;
  const int side = side_of(c, seg);
  const Where seq = where_acked(c, 1 - side, seg.tcp.seq);
  if (seq == Where::inside || !readable(seg)) return false;  // nearly always
  const Where ack = where_acked(c, side, seg.tcp.ack);
  return ack == Where::outside || (ack != Where::inside && seq == Where::outside);
}

bool is_another_stranger(TrackedConnection& c, const SegmentInfo& seg) {
  const Stranger before = c.stranger;
  c.stranger = stranger_of(side_of(c, seg), seg);
  const auto near = [](SeqNum a, SeqNum b) {
    constexpr std::int32_t kNear = 1 << 20;
    return a - b < kNear && b - a < kNear;
  };
  const bool agrees =
      before.seen && near(before.number[0], c.stranger.number[0]) && near(before.number[1], c.stranger.number[1]);
  return agrees || is_over(c);
}

bool is_straggler(TrackedConnection& c, const SegmentInfo& seg) {
  const Flags f = seg.tcp.flags;
  const int side = side_of(c, seg);
  if (c.certain || (!f.rst() && !f.ack())) return false;
  const EarlierNumbers& own = c.earlier[side];
  const EarlierNumbers& others = c.earlier[1 - side];
  bool from_before = own.may_hold(seg.tcp.seq) && (!f.ack() || others.may_hold(seg.tcp.ack));
  if (f.syn() || f.rst()) {  // the new incarnation may begin close by, and its SYN-ACK or reset be wrong
    from_before = from_before && own.held(seg.tcp.seq) && (!f.ack() || others.held(seg.tcp.ack));
    if (f.syn() && seg.tcp.seq != own.first) return false;
  } else {
    from_before = from_before || remembers_another(c, seg);
  }
  if (!from_before || !readable(seg) || numbers_of(c, seg).inside()) return false;
  c.stranger = stranger_of(side, seg);
  return true;
}

bool follows_next_syn(const TrackedConnection& c, const SegmentInfo& seg) {
  const Flags f = seg.tcp.flags;
  if (!c.next_syn.present || c.certain) return false;
  const bool own = side_of(c, seg) == c.next_syn.sender;
  // The same SYN again, when a reset has ended what was before.
  if (f.syn()) return own && !f.ack() && seg.tcp.seq == c.next_syn.info->tcp.seq && is_over(c) && readable(seg);
  if (!f.ack() || numbers_of(c, seg).inside()) return false;
  const std::uint32_t after = octets_between(c.next_syn.info->tcp.seq, own ? seg.tcp.seq : seg.tcp.ack);
  return after >= 1 && after <= 65536;
}

bool waits_as_next(TrackedConnection& c, const SegmentInfo& seg) {
  const Flags f = seg.tcp.flags;
  if (!f.syn()) return false;
  const int side = side_of(c, seg);
  const Endpoint& self = c.ends[side];
  const bool in_midstream =
      (!c.certain && self.syn.count == 0 && self.plain_segments != 0 && !comes_late(self, seg.tcp.seq)) ||
      begins_after_unseen(c, side, seg.tcp.seq);
  const bool other_number =
      !f.ack() && !f.rst() && (self.syn.count != 0 || in_midstream) &&
      (in_midstream || seg.tcp.seq != SeqNum(wire_number(self.iss)) || is_over(c) || (c.doubtful && side != c.judged));
  if (!other_number || seg.malformed || seg.checksum == ChecksumState::wrong) return false;
  c.next_syn.present = true;
  c.next_syn.sender = static_cast<std::uint8_t>(side);
  c.next_syn.info = std::make_unique<SegmentInfo>(seg);
  c.next_syn.info->tcp.payload = {};  // the bytes are only borrowed
  c.next_syn.info->ip.payload = {};
  c.next_syn.info->payload_captured = false;
  return true;
}

bool answers_next_syn(const TrackedConnection& c, const SegmentInfo& seg) {
  if (!c.next_syn.present) return false;
  const Flags f = seg.tcp.flags;
  const int side = side_of(c, seg);
  if (side == c.next_syn.sender || !f.ack() || (!f.syn() && !f.rst())) return false;
  // The SYN-ACK of the present incarnation once more; text on the waiting SYN may reach over its number.
  const Endpoint& self = c.ends[side];
  if (c.certain && f.syn() && self.syn.count != 0 && seg.tcp.seq == SeqNum(wire_number(self.iss))) return false;
  const SegmentInfo& syn = *c.next_syn.info;
  const std::uint32_t acked = octets_between(syn.tcp.seq, seg.tcp.ack);
  return acked >= 1 && acked <= syn.len();
}

namespace {

// It is over: both ends have finished, their SYNs were not captured, and now come numbers after a FIN: of a later
// incarnation whose SYNs were not captured, either.
bool goes_on_unseen(const TrackedConnection& c, const SegmentInfo& seg) {
  if (c.certain || c.begun_with_syn) return false;
  const int side = side_of(c, seg);
  const Endpoint& self = c.ends[side];
  const Endpoint& peer = c.ends[1 - side];
  const auto beyond = [](const Endpoint& e, SeqNum number) {
    return e.fin ? unwrap(e.fin_at, number) > e.fin_at + 1 : e.numbers_known && unwrap(e.next, number) > e.next + 65535;
  };
  return beyond(self, seg.tcp.seq) || (seg.tcp.flags.ack() && beyond(peer, seg.tcp.ack));
}

// A listener with SYN cookies takes an ACK that comes after its reset for the end of a handshake, and makes the
// connection anew (RFC 4987 3.6).
bool may_be_made_anew(const TrackedConnection& c, const SegmentInfo& seg) {
  const Endpoint& self = c.ends[side_of(c, seg)];
  const bool ack_came = self.stimulus_packet > self.rst_packet && (self.stimulus_flags & Flags::ack_bit) != 0 &&
                        (self.stimulus_flags & Flags::rst_bit) == 0;
  const bool opened_actively = self.syn.without_ack && !self.syn.with_ack;
  return !opened_actively && !c.certain && self.rst && self.rst_synchronized && !self.was_reset && ack_came;
}

// The same where the reset never came to the tap: what ends the stream goes on behind its FIN, which the peer has
// acknowledged. A cookie's last bits are an index, so that Linux takes an ACK for one that is up to three too high.
bool may_be_made_of_late_ack(const TrackedConnection& c, const SegmentInfo& seg) {
  constexpr Position kIndices = 4;
  const int side = side_of(c, seg);
  const Endpoint& self = c.ends[side];
  const Endpoint& peer = c.ends[1 - side];
  return !c.certain && self.fin && self.syn.with_ack && peer.acked && peer.ack_max > self.fin_at &&
         self.fin_at + 1 - self.iss <= kIndices && seg.tcp.seq == SeqNum(wire_number(self.fin_at + 1)) &&
         (seg.tcp.flags.fin() || seg.payload_size != 0);
}

}  // namespace

bool starts_over(const TrackedConnection& c, const SegmentInfo& seg) {
  if (seg.tcp.flags.rst()) return false;
  if (!seg.tcp.flags.syn()) {
    return (is_over(c) && goes_on_unseen(c, seg)) || may_be_made_anew(c, seg) || may_be_made_of_late_ack(c, seg);
  }
  const int side = side_of(c, seg);
  const Endpoint& self = c.ends[side];
  if (c.certain && side == c.judged && c.doubtful && self.syn.count != 0 &&
      seg.tcp.seq != SeqNum(wire_number(self.iss))) {
    return true;
  }
  // Whatever arrived before the first SYN came to a closed port.
  const bool nothing_yet = c.certain && c.ends[c.judged].syn.count == 0 && self.syn.count == 0 && self.packets != 0;
  if (nothing_yet && side != c.judged && !seg.tcp.flags.ack()) return true;
  if (answers_unseen_syn(c, seg)) return true;
  if (!is_over(c)) return false;
  // What an endpoint makes of a SYN that arrives, in CLOSING, LAST-ACK or TIME-WAIT above all, only its answer shows.
  if (c.certain && side != c.judged && !seg.tcp.flags.ack() && self.syn.count != 0) return false;
  if (self.syn.count == 0) return self.plain_segments != 0 || begins_after_unseen(c, side, seg.tcp.seq);
  return seg.tcp.seq != SeqNum(wire_number(self.iss));
}

bool fits(const TrackedConnection& c, const SegmentInfo& seg) {
  constexpr Position kNear = 1 << 20;
  const int side = side_of(c, seg);
  const Endpoint& self = c.ends[side];
  const Endpoint& peer = c.ends[1 - side];
  const Flags f = seg.tcp.flags;
  const auto near = [](const Endpoint& e, SeqNum number) {
    const Position distance = unwrap(e.next, number) - e.next;
    return distance <= kNear && distance >= -kNear;
  };
  if (f.syn() && self.syn.count != 0) return seg.tcp.seq == SeqNum(wire_number(self.iss));
  if (self.numbers_known && !near(self, seg.tcp.seq)) return false;
  if (f.ack() && peer.numbers_known) return near(peer, seg.tcp.ack);
  return self.numbers_known && !f.syn();
}

Ended ended(const TrackedConnection& c) {
  Ended e;
  e.address = c.address[0];
  for (int i = 0; i < 2; ++i) {
    const Endpoint& end = c.ends[i];
    const Position first = end.syn.count != 0 ? end.iss : end.first;
    e.numbers[i] = {true, SeqNum(wire_number(first)), SeqNum(wire_number(end.next))};
    // A reset alone ended it, perhaps one of the incarnation before; or the other end's ACK tells where this one was.
    const Endpoint& other = c.ends[1 - i];
    const SeqNum acked(wire_number(other.ack_max));
    if (!end.numbers_known) e.numbers[i] = other.acked ? EarlierNumbers{true, acked, acked} : c.earlier[i];
  }
  return e;
}

void note_earlier(TrackedConnection& c, const Ended& before) {
  const int swap = c.address[0] == before.address ? 0 : 1;
  for (int i = 0; i < 2; ++i) c.earlier[i] = before.numbers[i ^ swap];
}

}  // namespace lastack
