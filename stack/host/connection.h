// One connection as the host keeps it: the TCB, its handle, and its links into the host's queues. Internal to host/.
#pragma once

#include <cstdint>
#include <optional>

#include "stack/host/host.h"
#include "stack/host/socket_pair.h"
#include "stack/tcb/invariants.h"
#include "stack/tcb/tcb.h"

namespace lastack {

// ConnectionList; null in none.
struct ListLinks {
  ListLinks* older = nullptr;
  ListLinks* younger = nullptr;
};

struct Connection : ListLinks {
  Connection(ConnId handle, const SocketPair& sockets, const Config& config, std::uint16_t mtu, bool passive)
      : id(handle), hash(sockets.hash), tcb(config, sockets.local, sockets.remote, mtu, passive) {}

  SocketPair sockets() const { return {tcb.local, tcb.remote, hash}; }

  ConnId id;
  std::uint32_t hash;  // SocketPair::hash
  Tcb tcb;
  ConnId listener = ConnId::none;  // not yet accepted: where it waits
  bool ready = false;              // and can be accepted
  bool released = false;           // the application has given the handle back
  bool buried = false;             // CLOSED: kept only to answer questions
  bool in_output = false;
  bool noisy = false;                   // has signals that poll_event has not told
  bool fast_open_pending = false;       // counted in Host::Impl::fast_open_pending
  std::optional<CallError> end_reason;  // told to the next SEND or RECEIVE: the "outstanding call" of 3.10.7.4
  std::uint16_t icmp = 0;               // of the last soft error: type and code

#if defined(LASTACK_INVARIANTS)
  Witness witness;
#endif

  // TimerHeap; out of the heap:
  std::int32_t heap_index = -1;
  Instant heap_key = kNever;  // where it lies in the heap; never while it is in none
  // ChainedTable
  Connection* next_by_sockets = nullptr;
  Connection* next_by_id = nullptr;
  Instant looked_at{};  // AwakeList
};

// Nothing in a Release build.
inline void check(Connection& connection) {
#if defined(LASTACK_INVARIANTS)
  check_invariants(connection.tcb, connection.witness);
#else
  static_cast<void>(connection);
#endif
}

}  // namespace lastack
