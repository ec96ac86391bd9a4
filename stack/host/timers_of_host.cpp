#include "stack/host/timers_of_host.h"

namespace lastack {

namespace {
Instant expiry(const Connection& connection) { return connection.tcb.timers.deadline(TimerKind::time_wait); }

// At one instant in the order of their handles, so that it does not matter how they came into the heap.
bool earlier(const Connection& a, const Connection& b) {
  return a.heap_key < b.heap_key || (a.heap_key == b.heap_key && a.id < b.id);
}
}  // namespace

void TimerHeap::place(std::size_t at, Connection* connection) {
  heap_[at] = connection;
  connection->heap_index = static_cast<std::int32_t>(at);
}

void TimerHeap::sift_up(std::size_t at) {
  Connection* const moving = heap_[at];
  while (at != 0) {
    const std::size_t parent = (at - 1) / 2;
    if (!earlier(*moving, *heap_[parent])) break;
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
    if (child + 1 < heap_.size() && earlier(*heap_[child + 1], *heap_[child])) ++child;
    if (!earlier(*heap_[child], *moving)) break;
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
  connection.heap_key = kNever;
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
  Connection* after = youngest();
  while (after != nullptr && expiry(*after) > expiry(connection)) after = older(*after);
  link_after(after, connection);
}

Instant TimeWaitList::earliest() const { return oldest() == nullptr ? kNever : expiry(*oldest()); }

}  // namespace lastack
