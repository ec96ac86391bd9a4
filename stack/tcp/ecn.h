// Explicit Congestion Notification (RFC 3168 6.1): negotiation on the SYNs, the receiver's echo, the sender's answer.
// Internal to tcp/. How far the window is reduced is congestion control's (tcb/congestion.cpp); here is when.
#pragma once

#include <cstdint>

#include "stack/tcb/tcb.h"
#include "stack/tcp/output.h"
#include "stack/wire/segment.h"

namespace lastack {

struct Arrival;

// RFC 3168 5: the two ECN bits of the IP header. ECT(1) is taken from a peer, and never sent (6.1.2: ECT(0) SHOULD be).
inline constexpr std::uint8_t kNotEct = 0;
inline constexpr std::uint8_t kEct0 = 2;
inline constexpr std::uint8_t kCe = 3;

// Our SYN or SYN,ACK is about to leave: the flags that it gets.
Flags ecn_setup_flags(Tcb& tcb);
// The peer's SYN or SYN,ACK, the first one or again.
void ecn_negotiate(Tcb& tcb, const Segment& syn);
// A segment whose ACK was good: CWR and CE, for the receiver's half.
void ecn_receive(Tcb& tcb, const Arrival& in);
// The same segment for the sender's half; `cwnd` is the congestion window before its ACK counted.
void ecn_echo_arrives(Tcb& tcb, const Arrival& in, std::uint32_t cwnd);
// Text that leaves for the first time.
void ecn_mark_new_text(Tcb& tcb, Outgoing& out);

}  // namespace lastack
