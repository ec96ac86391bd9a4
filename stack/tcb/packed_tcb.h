// The TCB of a connection at rest in some hundred octets or fewer: every variable, without the queues, which are empty.
#pragma once

#include "stack/tcb/packed.h"
#include "stack/tcb/tcb.h"

namespace lastack {

// Nothing in flight, queued, held or owed, and no timer but keep-alive: until the next input the TCB has nothing to do.
bool is_at_rest(const Tcb& tcb);
// What is not in the TCB but known wherever it is packed or unpacked.
struct PackingContext {
  std::uint32_t timestamp_offset;
  std::uint16_t link_mtu;
};
// Appends to `f`; of the TCB nothing changes.
void pack(Tcb& tcb, Packer& f, const PackingContext& context);
// `tcb` is new, for the same sockets.
void unpack(Tcb& tcb, std::span<const std::uint8_t> packed, const PackingContext& context);
// Whether the two would do the same from here on. Both are at rest, or but for timers and signals wait in the
// handshake.
bool same_at_rest(const Tcb& a, const Tcb& b);

}  // namespace lastack
