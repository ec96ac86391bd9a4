// Which incarnation of its tuple does a segment belong to (RFC 9293 3.4.1, 3.5.1)? The one that is tracked, the next
// one, or the same connection seen in another VLAN or tunnel. Looks at numbers; changes nothing but the SYN that waits.
#pragma once

#include "conformance/judge/connection.h"

namespace lastack {

// The end that sent it.
int side_of(const TrackedConnection& c, const SegmentInfo& seg);

// Nothing of this incarnation can follow but stragglers: the next SYN begins a new one.
bool is_over(const TrackedConnection& c);

// A SYN with another number on a tuple in use waits until the other end answers it (RFC 9293 3.5.1, 3.10.7.4 fourth);
// after the connection also one with the old number. True: it has been put aside.
bool waits_as_next(TrackedConnection& c, const SegmentInfo& seg);
bool answers_next_syn(const TrackedConnection& c, const SegmentInfo& seg);
bool starts_over(const TrackedConnection& c, const SegmentInfo& seg);
// Neither number is of this incarnation: it is of a later one, whose SYNs are missing from the capture, or of an
// earlier one. One of them alone is a mistake of its sender.
bool is_stranger(const TrackedConnection& c, const SegmentInfo& seg);
// There is another incarnation: this one is over, or the stranger before agrees. Remembers this one.
bool is_another_stranger(TrackedConnection& c, const SegmentInfo& seg);
// Both numbers fit the incarnation before, and neither this one. Remembers it.
bool is_straggler(TrackedConnection& c, const SegmentInfo& seg);
// It is of the incarnation that the waiting SYN begins; the answer to that is missing from the capture.
bool follows_next_syn(const TrackedConnection& c, const SegmentInfo& seg);

// Does a segment from another VLAN or tunnel belong to this connection? Both directions need not come the same way, and
// a path may change: the numbers tell, of which another connection with the same addresses has others.
bool fits(const TrackedConnection& c, const SegmentInfo& seg);

// Where both ends stood, for the next incarnation of the tuple to tell stragglers by.
struct Ended {
  SocketAddress address;
  EarlierNumbers numbers[2];
};
Ended ended(const TrackedConnection& c);
void note_earlier(TrackedConnection& c, const Ended& before);

}  // namespace lastack
