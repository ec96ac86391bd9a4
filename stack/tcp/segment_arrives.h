// SEGMENT ARRIVES, RFC 9293 3.10.7: one function for each state or group of states, one for each numbered step.
// Segments come here checked (checksum, lengths) and with a TCB found; CLOSED and LISTEN have none, so they only
// decide.
#pragma once

#include <optional>

#include "stack/base/time.h"
#include "stack/tcb/coverage.h"
#include "stack/tcb/tcb.h"
#include "stack/tcp/disposition.h"
#include "stack/tcp/effects.h"
#include "stack/wire/segment.h"

namespace lastack {

// 3.10.7.1
Disposition closed_segment_arrives(const Segment& segment, Effects& effects);

// 3.10.7.2. `opens` means: make a TCB and call open_from_listen.
struct ListenDecision {
  Disposition disposition;
  bool opens = false;
};
ListenDecision listen_segment_arrives(const Segment& segment, const Config& config, Effects& effects);
void open_from_listen(Tcb& tcb, const Segment& syn, SeqNum iss, Instant now);
// That, and the SYN,ACK that next_segment makes then, of a SYN without text and FIN.
void open_with_syn_ack_sent(Tcb& tcb, const Segment& syn, SeqNum iss, Instant now);
// What of it concerns numbers, options and windows.
void take_syn(Tcb& tcb, const Segment& syn, SeqNum iss, Instant now);

// 3.10.7.3 and 3.10.7.4.
// `ecn`: the two bits of the IP header (RFC 3168).
Disposition segment_arrives(Tcb& tcb, const Segment& segment, Instant now, Effects& effects, std::uint8_t ecn = 0);

SegmentClass segment_class(Flags flags);

// 3.6.1 MAY-2, RFC 6191: may this SYN begin a new incarnation of a connection in TIME-WAIT?
bool time_wait_accepts_syn(const Tcb& tcb, const Segment& segment);

}  // namespace lastack
