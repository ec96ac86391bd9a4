// Room for objects of one kind that come and go in great numbers. It is taken in chunks, small at first, in huge pages
// once there are many: otherwise an eighth of a long check is page faults.
// A room that was given back is the next to be used; chunks are given back when the slab goes.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace lastack {

// AddressSanitizer is to see what is used after it is gone: there each object has memory of its own.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LASTACK_NO_SLAB
#endif
#endif
#if defined(LASTACK_NO_SLAB) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSlabChunks = false;
#else
inline constexpr bool kSlabChunks = true;
#endif

template <typename T>
class Slab {
 public:
  struct GiveBack {
    Slab* slab = nullptr;
    void operator()(T* object) const { slab->give_back(object); }
  };
  using Pointer = std::unique_ptr<T, GiveBack>;

  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  // What it points to must not outlive the slab.
  Pointer make() {
    if constexpr (!kSlabChunks) return Pointer(new T(), GiveBack{this});
    if (free_ == nullptr && next_ == end_) add_chunk();
    Room* const room = free_ != nullptr ? std::exchange(free_, free_->next) : next_++;
    return Pointer(new (room->object) T(), GiveBack{this});
  }

 private:
  union Room {
    Room* next;  // while nothing is in it
    alignas(T) std::byte object[sizeof(T)];
  };
  struct Free {
    void operator()(Room* chunk) const { std::free(chunk); }
  };
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;
  static constexpr std::size_t kFirst = 4;
  static constexpr std::size_t kMost = kHugePage / sizeof(Room);
  static_assert(kMost > kFirst);

  void give_back(T* object) {
    if constexpr (kSlabChunks) {
      object->~T();
      Room* const room = new (static_cast<void*>(object)) Room;  // not {}: that clears all of it
      room->next = free_;
      free_ = room;
    } else {
      delete object;
    }
  }

  // As many again as there are.
  void add_chunk() {
    const std::size_t rooms = std::clamp(rooms_, kFirst, kMost);
    const bool huge = rooms == kMost;
    const std::size_t align = huge ? kHugePage : std::max(alignof(Room), alignof(std::max_align_t));
    const std::size_t size = huge ? kHugePage : (rooms * sizeof(Room) + align - 1) / align * align;
    void* const memory = std::aligned_alloc(align, size);
    if (memory == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
    if (huge) static_cast<void>(madvise(memory, size, MADV_HUGEPAGE));  // without it, it is slower
#endif
    next_ = static_cast<Room*>(memory);
    end_ = next_ + rooms;
    rooms_ += rooms;
    chunks_.emplace_back(next_);
  }

  std::vector<std::unique_ptr<Room, Free>> chunks_;
  Room* free_ = nullptr;
  Room* next_ = nullptr;  // never used before, up to end_
  Room* end_ = nullptr;
  std::size_t rooms_ = 0;
};

}  // namespace lastack
