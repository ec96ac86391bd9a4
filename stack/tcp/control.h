// The segments that a connection begins and ends with once it has its TCB: the ACK that ends the handshake, FIN, and
// the ACK of a FIN, where no text is queued, held or in flight and nothing else is going on.
//
// Like expected.h: each function must leave the TCB exactly as segment_arrives or next_segment would, and write the
// same octets (test/short_connections_test.cpp runs the same connections both ways).
#pragma once

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"
#include "stack/tcp/disposition.h"
#include "stack/tcp/expected.h"
#include "stack/wire/common.h"

namespace lastack {

bool is_control(const Tcb& tcb, const CommonSegment& segment, Instant now);
Disposition take_control(Tcb& tcb, const CommonSegment& segment, Instant now);

// Our FIN or an ACK, of a connection with an empty send queue; the answer is write_expected's.
Written write_control(Tcb& tcb, Instant now, MutableBytes out, Checksums checksums);

}  // namespace lastack
