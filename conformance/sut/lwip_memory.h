// The memory of the lwIP library: its global variables as one swappable image, and its heap as one list per instance.
//
// lwIP keeps everything in global variables, so one process holds one stack. The Debian library gives a way out without
// changing it: all its variables stand in one small writable segment, and all its memory comes from mem_malloc, which a
// program may replace. Copying the segment out and in makes any number of stacks, each starting exactly as the library
// was loaded. This file knows nothing of TCP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lastack::lwip {

// The library's writable memory, found through the address of one of its variables.
class LibraryMemory {
 public:
  // Null when the library is not there in the form we need; then `reason` says why.
  static const LibraryMemory* find(const char** reason);

  std::size_t size() const { return size_; }
  void save(std::vector<std::byte>* image) const;
  void load(const std::vector<std::byte>& image) const;
  // The variables as they were before anything of lwIP ran.
  const std::vector<std::byte>& pristine() const { return pristine_; }

 private:
  LibraryMemory() = default;
  std::byte* start_ = nullptr;
  std::size_t size_ = 0;
  std::vector<std::byte> pristine_;
};

// What one instance has allocated. Freed in one go when the instance goes, whatever lwIP still believed to own.
class Heap {
 public:
  static constexpr std::size_t kLimit = std::size_t{64} << 20;  // octets; then lwIP sees "out of memory"

  Heap() = default;
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;
  ~Heap();

  void* allocate(std::size_t size);
  // Each block goes back to the heap it came from.
  static void release(void* block);
  std::size_t used() const { return used_; }

 private:
  struct Block;
  Block* first_ = nullptr;
  std::size_t used_ = 0;
};

}  // namespace lastack::lwip
