// Path MTU discovery by ICMP (RFC 1191, RFC 8201), and how little of it is believed of a path that is known to carry
// more (RFC 5927 7.2).
#pragma once

#include <cstdint>

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"

namespace lastack {

// "Packet too big" of the segment in flight that has `seq`; `reported`: of the next hop, 0 when the router did not say.
void packet_too_big(Tcb& tcb, std::uint16_t reported, SeqNum seq, Instant now);
// A segment of ours with text, up to `end`, leaves as a packet of `octets`. Of each flight the first is enough: the
// short way of header prediction does not come here.
void note_packet_size(Tcb& tcb, SeqNum end, std::uint32_t octets);
// The segment at SND.UNA has timed out again: what was reported of it may be true.
void believe_pending_report(Tcb& tcb, Instant now);
// RFC 1191 6.3: after a while the path may have become better.
void try_larger_path_mtu(Tcb& tcb, Instant now);

}  // namespace lastack
