#include "stack/tcp/duplicate.h"

#include <algorithm>

namespace lastack {

namespace {

// How far below RCV.NXT there is text of this connection. What lies further left is of another time.
std::uint32_t text_below(const Tcb& tcb) {
  const std::uint64_t received = tcb.octets_read + tcb.receive_queue.unread();
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(received, 0x7fff'ffffU));
}

// The first part of [left, right) that is there; empty when all of it is new.
//= rfc2883 4 4.2
//= RFC2883-4-a RFC2883-4.2-a
SackBlock first_repeated(const Tcb& tcb, SeqNum left, SeqNum right) {
  const SeqNum end = tcb.rcv.fin ? tcb.rcv.nxt - 1 : tcb.rcv.nxt;
  if (before(left, end)) {
    if (octets_between(left, end) > text_below(tcb)) return {left, left};
    return {left, earlier_of(right, end)};
  }
  for (const ReceiveQueue::Run& run : tcb.receive_queue.runs()) {
    const SackBlock both{later_of(left, run.left), earlier_of(right, run.right)};
    if (before(both.left, both.right)) return both;
  }
  return {left, left};
}

}  // namespace

void note_duplicate(Tcb& tcb, const Segment& segment) {
  tcb.duplicate_due = false;
  if (segment.payload.empty() || !tcb.sack || !tcb.config().duplicate_sack || !kSynchronized.contains(tcb.state()))
    return;
  const SeqNum left = segment.flags.syn() ? segment.seq + 1 : segment.seq;
  tcb.rcv.duplicate = first_repeated(tcb, left, left + static_cast<std::uint32_t>(segment.payload.size()));
  tcb.duplicate_due = tcb.rcv.duplicate.left != tcb.rcv.duplicate.right;
}

//= rfc2883 4.3
//= RFC2883-4.3-a
void settle_duplicate(Tcb& tcb, const Disposition& disposition) {
  if (!tcb.duplicate_due) return;
  if (disposition.action == Action::accepted) {
    tcb.ack_due = true;
    return;
  }
  // Of a segment that was refused (PAWS), what lies beyond a gap would need the block around it, too: (4) of section 4.
  const bool above = after(tcb.rcv.duplicate.right, tcb.rcv.nxt);
  const bool answered = disposition.action == Action::answered || disposition.action == Action::challenged;
  if (!answered || !tcb.ack_due || above) tcb.duplicate_due = false;
}

}  // namespace lastack
