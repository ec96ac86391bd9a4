// Who is due for something, in order. Connections and listeners stand in it by their handles, because one may be gone
// when its turn comes. Only the first connection, as long as it came to an empty queue, stands in it by itself: inputs
// come in runs for one connection, which is then found without a look-up.
#pragma once

#include "stack/base/fifo.h"
#include "stack/host/connection.h"

namespace lastack {

class DueQueue {
 public:
  bool empty() const { return first_ == nullptr && others_.empty(); }
  std::size_t size() const { return others_.size() + (first_ != nullptr ? 1 : 0); }
  [[gnu::always_inline]] void push(Connection& connection) {
    if (empty()) {
      first_ = &connection;
    } else {
      push(connection.id);
    }
  }
  // Not inlined: the short ways through the host, which push as well, would have to keep registers free for it.
  [[gnu::noinline]] void push(ConnId id) { others_.push_back(id); }
  // The first of them; null: the one with the handle first_id().
  Connection* first() const { return first_; }
  ConnId first_id() { return others_.front(); }
  void pop() {
    if (first_ != nullptr) {
      first_ = nullptr;
    } else {
      others_.pop_front();
    }
  }
  // Before the connection is gone. True when it stood in the queue by itself.
  bool forget(const Connection& connection) {
    if (first_ != &connection) return false;
    first_ = nullptr;
    return true;
  }

 private:
  Connection* first_ = nullptr;  // before all others
  Fifo<ConnId> others_;
};

}  // namespace lastack
