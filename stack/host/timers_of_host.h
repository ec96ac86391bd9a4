// The host's deadlines. Connections lie in a heap keyed by a lower bound of their earliest deadline: a deadline that
// moves away (the retransmission timer does on every ACK) costs nothing until it comes to the top. Connections in
// TIME-WAIT lie in a list in order of expiry instead, where a hundred thousand of them cost the others nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "stack/host/connection_list.h"

namespace lastack {

class TimerHeap {
 public:
  // After any change of connection.tcb.timers. Nearly always there is nothing to do, which is said in place.
  [[gnu::always_inline]] void update(Connection& connection) {
    const Instant floor = connection.tcb.timers.floor();
    if (floor < connection.heap_key) move_up(connection, floor);
  }
  void remove(Connection& connection);
  // Makes the top exact and returns it; nullptr when no timer is armed.
  Connection* top();
  // Exact after top() was called since the last change.
  Instant earliest() const { return heap_.empty() ? kNever : heap_.front()->heap_key; }
  std::size_t memory() const { return heap_.capacity() * sizeof(void*); }
  // Gives memory back when most of it is unused.
  void shrink() {
    if (heap_.capacity() > 64 && heap_.capacity() / 8 > heap_.size()) heap_.shrink_to_fit();
  }

 private:
  [[gnu::noinline]] void move_up(Connection& connection, Instant floor);
  void place(std::size_t at, Connection* connection);
  void sift_up(std::size_t at);
  void sift_down(std::size_t at);

  std::vector<Connection*> heap_;
};

class TimeWaitList : public ConnectionList {
 public:
  // Inserts, or moves after the time-out was restarted.
  void update(Connection& connection);
  Instant earliest() const;
};

}  // namespace lastack
