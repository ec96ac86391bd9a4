#include "conformance/judge/incarnation.h"

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

bool waits_as_next(TrackedConnection& c, const SegmentInfo& seg) {
  const Flags f = seg.tcp.flags;
  if (!f.syn()) return false;
  const int side = side_of(c, seg);
  const Endpoint& self = c.ends[side];
  const bool other_number =
      !f.ack() && !f.rst() && self.syn.count != 0 &&
      (seg.tcp.seq != SeqNum(wire_number(self.iss)) || is_over(c) || (c.doubtful && side != c.judged));
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

// The SYNs of the next incarnation may be missing from the capture. After the end of this one, nothing of it has both
// numbers that far ahead of all that was seen (RFC 9293 3.4.1: the next ISNs are); one of them alone is a mistake.
bool numbered_far_ahead(const TrackedConnection& c, const SegmentInfo& seg) {
  constexpr Position kFar = 1 << 15;
  const int side = side_of(c, seg);
  const Endpoint& self = c.ends[side];
  const Endpoint& peer = c.ends[1 - side];
  if (c.certain || !self.numbers_known || !peer.numbers_known || !seg.tcp.flags.ack()) return false;
  return unwrap(self.next, seg.tcp.seq) - self.next >= kFar && unwrap(peer.next, seg.tcp.ack) - peer.next >= kFar;
}

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

}  // namespace

bool starts_over(const TrackedConnection& c, const SegmentInfo& seg) {
  if (seg.tcp.flags.rst()) return false;
  if (!seg.tcp.flags.syn()) return is_over(c) && (numbered_far_ahead(c, seg) || goes_on_unseen(c, seg));
  const int side = side_of(c, seg);
  const Endpoint& self = c.ends[side];
  if (c.certain && side == c.judged && c.doubtful && self.syn.count != 0 &&
      seg.tcp.seq != SeqNum(wire_number(self.iss))) {
    return true;
  }
  // Whatever arrived before the first SYN came to a closed port.
  const bool nothing_yet = c.certain && c.ends[c.judged].syn.count == 0 && self.syn.count == 0 && self.packets != 0;
  if (nothing_yet && side != c.judged && !seg.tcp.flags.ack()) return true;
  if (!is_over(c)) return false;
  // What an endpoint makes of a SYN that arrives, in CLOSING, LAST-ACK or TIME-WAIT above all, only its answer shows.
  if (c.certain && side != c.judged && !seg.tcp.flags.ack() && self.syn.count != 0) return false;
  return self.syn.count == 0 ? self.plain_segments != 0 : seg.tcp.seq != SeqNum(wire_number(self.iss));
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
    e.numbers[i] = {end.numbers_known, SeqNum(wire_number(first)), SeqNum(wire_number(end.next))};
  }
  return e;
}

void note_earlier(TrackedConnection& c, const Ended& before) {
  const int swap = c.address[0] == before.address ? 0 : 1;
  for (int i = 0; i < 2; ++i) c.earlier[i] = before.numbers[i ^ swap];
}

}  // namespace lastack
