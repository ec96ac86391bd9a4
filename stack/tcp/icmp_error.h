// What an ICMP error about a segment of a connection does to it (RFC 9293 3.9.2.2). Which connection it speaks of is
// the host's business.
#pragma once

#include <cstdint>

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"

namespace lastack {

enum class IcmpKind : std::uint8_t { soft, hard, packet_too_big };

// `mtu`: of the next hop, with packet_too_big; 0 when the router did not say. `seq`: of the segment.
void icmp_error(Tcb& tcb, IcmpKind kind, std::uint16_t mtu, SeqNum seq, Instant now);

}  // namespace lastack
