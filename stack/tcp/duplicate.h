// RFC 2883, the receiver's half: what of a segment's text had come before is told in the first SACK block of the ACK
// that it causes (D-SACK).
#pragma once

#include "stack/tcb/tcb.h"
#include "stack/tcp/disposition.h"
#include "stack/wire/segment.h"

namespace lastack {

// Before the segment's text is taken. What an earlier segment repeated and no ACK has told is forgotten.
void note_duplicate(Tcb& tcb, const Segment& segment);
// After the segment was dealt with: a duplicate is told at once, or, where nothing answers the segment, not at all.
void settle_duplicate(Tcb& tcb, const Disposition& disposition);

}  // namespace lastack
