// A queue in a ring of memory that grows to what was needed at once and is then reused, so that steady traffic takes
// nothing from the heap (std::deque takes and gives back a block every few dozen elements).
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace lastack {

template <typename T>
class Fifo {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T& front() { return ring_[front_]; }
  T& back() { return ring_[place(size_ - 1)]; }
  [[gnu::always_inline]] void push_back(T value) {
    if (size_ == capacity_) [[unlikely]]
      grow();
    ring_[place(size_)] = std::move(value);
    ++size_;
  }
  void pop_front() {
    front_ = place(1);
    --size_;
  }
  std::size_t memory() const { return capacity_ * sizeof(T); }

 private:
  // Where the element number `i` lies.
  std::size_t place(std::size_t i) const { return (front_ + i) & (capacity_ - 1); }
  __attribute__((noinline, cold)) void grow() {
    const std::size_t capacity = capacity_ == 0 ? 8 : 2 * capacity_;
    auto bigger = std::make_unique<T[]>(capacity);
    for (std::size_t i = 0; i < size_; ++i) bigger[i] = std::move(ring_[place(i)]);
    ring_ = std::move(bigger);
    capacity_ = capacity;
    front_ = 0;
  }

  std::unique_ptr<T[]> ring_;
  std::size_t capacity_ = 0;  // a power of two, or none
  std::size_t front_ = 0;
  std::size_t size_ = 0;
};

}  // namespace lastack
