// What the books say of a segment that leaves, whichever way it was made: the acknowledgment and the window that go
// with it, the text that is now in flight. Internal to tcp/.
#pragma once

#include <cstdint>

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"

namespace lastack {

// What fits into the field of a header.
std::uint16_t wire_window(std::uint32_t octets);
// RCV.NXT is acknowledged: nothing is owed any more. Returns the window field that goes with it (a segment without
// SYN).
std::uint16_t pay_acknowledgment(Tcb& tcb);
// Whether text [seq, end) gets PSH.
bool pushes(const Tcb& tcb, SeqNum seq, SeqNum end);
// Text or FIN [seq, end) leaves, the first time or again.
void note_sent(Tcb& tcb, SeqNum seq, SeqNum end, Instant now);

}  // namespace lastack
