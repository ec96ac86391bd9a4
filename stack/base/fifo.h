// A queue in a ring of memory that grows to what was needed at once and is then reused, so that steady traffic takes
// nothing from the heap (std::deque takes and gives back a block every few dozen elements).
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace lastack {

template <typename T>
class Fifo {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T& front() { return ring_[front_]; }
  T& back() { return ring_[place(size_ - 1)]; }
  void push_back(T value) {
    if (size_ == ring_.size()) [[unlikely]]
      grow();
    ring_[place(size_)] = std::move(value);
    ++size_;
  }
  void pop_front() {
    front_ = place(1);
    --size_;
  }
  std::size_t memory() const { return ring_.capacity() * sizeof(T); }

 private:
  // Where the element number `i` lies.
  std::size_t place(std::size_t i) const { return (front_ + i) & (ring_.size() - 1); }
  __attribute__((noinline, cold)) void grow() {
    std::vector<T> bigger(ring_.empty() ? 8 : 2 * ring_.size());
    for (std::size_t i = 0; i < size_; ++i) bigger[i] = std::move(ring_[place(i)]);
    ring_ = std::move(bigger);
    front_ = 0;
  }

  std::vector<T> ring_;  // a power of two of them, or none
  std::size_t front_ = 0;
  std::size_t size_ = 0;
};

}  // namespace lastack
