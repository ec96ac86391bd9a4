// How much may leave now: the peer's window, the segment size, Nagle and the sender's side of silly windows (RFC 9293
// 3.7.1, 3.7.4, 3.8.6). What congestion control allows is loss_recovery.h's congestion_room. Internal to tcp/.
#pragma once

#include <cstdint>

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"
#include "stack/wire/segment.h"

namespace lastack {

// Options of a segment without SYN.
void common_options(const Tcb& tcb, Instant now, Options& options);
// The most text that one segment takes.
std::uint32_t segment_limit(const Tcb& tcb, Instant now);
// SND.UNA + SND.WND - seq, or 0 when `seq` is at or beyond the right edge.
std::uint32_t window_left(const Tcb& tcb, SeqNum seq);
// How much of the queued text may leave now as one new segment.
std::uint32_t sendable(const Tcb& tcb, Instant now);
bool fin_sendable(const Tcb& tcb);
// Before new text or a FIN leaves.
//= rfc5681 4.1
inline void restart_after_idling(Tcb& tcb, Instant now) {
  if (tcb.flight() == 0 && tcb.congestion.smss != 0 && now - tcb.last_sent > tcb.rtt.rto())
    tcb.congestion.on_idle(tcb.config());
}
bool window_is_closed(const Tcb& tcb);

}  // namespace lastack
