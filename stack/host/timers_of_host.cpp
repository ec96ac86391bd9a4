#include "stack/host/timers_of_host.h"

namespace lastack {

namespace {
Instant expiry(const Connection& connection) { return connection.tcb.timers.deadline(TimerKind::time_wait); }
}  // namespace

void TimerHeap::place(std::size_t at, Connection* connection) {
  heap_[at] = connection;
  connection->heap_index = static_cast<std::int32_t>(at);
}

void TimerHeap::sift_up(std::size_t at) {
  Connection* const moving = heap_[at];
  while (at != 0) {
    const std::size_t parent = (at - 1) / 2;
    if (heap_[parent]->heap_key <= moving->heap_key) break;
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, moving);
}

void TimerHeap::sift_down(std::size_t at) {
  Connection* const moving = heap_[at];
  while (true) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->heap_key < heap_[child]->heap_key) ++child;
    if (moving->heap_key <= heap_[child]->heap_key) break;
    place(at, heap_[child]);
    at = child;
  }
  place(at, moving);
}

void TimerHeap::move_up(Connection& connection, Instant floor) {
  connection.heap_key = floor;
  if (connection.heap_index < 0) {
    heap_.push_back(&connection);
    sift_up(heap_.size() - 1);
  } else {
    sift_up(static_cast<std::size_t>(connection.heap_index));
  }
}

void TimerHeap::remove(Connection& connection) {
  if (connection.heap_index < 0) return;
  const auto at = static_cast<std::size_t>(connection.heap_index);
  connection.heap_index = -1;
  Connection* const last = heap_.back();
  heap_.pop_back();
  if (last == &connection) return;
  place(at, last);
  sift_up(at);
  sift_down(static_cast<std::size_t>(last->heap_index));
}

Connection* TimerHeap::top() {
  while (!heap_.empty()) {
    Connection& first = *heap_.front();
    first.tcb.timers.tighten();
    const Instant exact = first.tcb.timers.floor();
    if (exact == first.heap_key) return &first;
    if (exact == kNever) {
      remove(first);
    } else {
      first.heap_key = exact;
      sift_down(0);
    }
  }
  return nullptr;
}

void TimeWaitList::update(Connection& connection) {
  remove(connection);
  // From the young end: with one MSL for all, that is where it belongs.
  Connection* after = youngest_;
  while (after != nullptr && expiry(*after) > expiry(connection)) after = after->older;
  connection.older = after;
  connection.younger = after == nullptr ? oldest_ : after->younger;
  (connection.older == nullptr ? oldest_ : connection.older->younger) = &connection;
  (connection.younger == nullptr ? youngest_ : connection.younger->older) = &connection;
  connection.in_time_wait_list = true;
}

void TimeWaitList::remove(Connection& connection) {
  if (!connection.in_time_wait_list) return;
  (connection.older == nullptr ? oldest_ : connection.older->younger) = connection.younger;
  (connection.younger == nullptr ? youngest_ : connection.younger->older) = connection.older;
  connection.older = nullptr;
  connection.younger = nullptr;
  connection.in_time_wait_list = false;
}

Instant TimeWaitList::earliest() const { return oldest_ == nullptr ? kNever : expiry(*oldest_); }

}  // namespace lastack
