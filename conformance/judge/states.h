// The states of RFC 9293 3.3.2 as a set: at a tap, several may be possible at a time.
#pragma once

#include <cstdint>
#include <string>

namespace lastack {

struct TrackedConnection;

enum StateBit : std::uint16_t {
  kClosed = 1,
  kListen = 2,
  kSynSent = 4,
  kSynReceived = 8,
  kEstablished = 16,
  kFinWait1 = 32,
  kFinWait2 = 64,
  kCloseWait = 128,
  kClosing = 256,
  kLastAck = 512,
  kTimeWait = 1024,
};
using StateSet = std::uint16_t;

// The states that end `e` may be in, from what it sent and from what has passed towards it.
StateSet possible_states(const TrackedConnection& conn, int e);
// The same as if the tap were at both ends: everything that has passed has arrived (`certain`), or as on a path.
StateSet possible_states(const TrackedConnection& conn, int e, bool certain);
// "ESTABLISHED", "FIN-WAIT-1|CLOSING".
std::string states_text(StateSet states);

}  // namespace lastack
