// What leaves, and when: segmentation, the sender's side of flow control, Nagle, retransmission, probes,
// acknowledgments (RFC 9293 3.8). Pull-driven: the host asks for one segment at a time until there is none.
#pragma once

#include <cstdint>

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"
#include "stack/wire/segment.h"

namespace lastack {

struct Outgoing {
  Segment segment;                // everything but the payload
  std::uint32_t text_offset = 0;  // where its text begins in the send queue
  std::uint32_t text_size = 0;
  std::uint8_t ecn = 0;  // of its IP header
};

// Fills `out` with the next segment to send and accounts for it; false when there is none now.
bool next_segment(Tcb& tcb, Instant now, Outgoing& out);
// After any input: arms or stops the retransmission, persist, user, delayed-ACK and keep-alive timers to fit the
// variables.
void settle_timers(Tcb& tcb, Instant now);
// 3.8.6.2.2: would an ACK now offer enough more window to be worth sending?
bool window_update_due(const Tcb& tcb);
// The option set and window of our SYN.
void prepare_open(Tcb& tcb, SeqNum iss, Instant now);
std::uint32_t timestamp_value(const Tcb& tcb, Instant now);

}  // namespace lastack
