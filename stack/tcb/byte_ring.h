// A ring of octets whose memory grows with its use up to a limit. The send queue appends at its end and discards at its
// front; the receive queue also writes beyond its end, where out-of-order text waits. Knows nothing of sequence
// numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "stack/base/bytes.h"

namespace lastack {

class ByteRing {
 public:
  explicit ByteRing(std::uint32_t limit) : limit_(limit) {}

  std::uint32_t limit() const { return limit_; }
  std::uint32_t size() const { return size_; }
  std::uint32_t room() const { return limit_ - size_; }
  std::uint32_t memory() const { return capacity_; }

  // Appends as much as fits; returns the octets taken.
  std::uint32_t append(Bytes data) {
    const auto taken = static_cast<std::uint32_t>(std::min<std::size_t>(data.size(), room()));
    if (taken == 0) return 0;
    ensure(size_ + taken);
    write(size_, data.data(), taken);
    size_ += taken;
    return taken;
  }
  // Writes `data` at `offset` octets after the front, without counting it in size(). offset + data.size() must not
  // exceed limit().
  void place(std::uint32_t offset, Bytes data);
  // Counts `octets` that place() wrote behind the end.
  void extend(std::uint32_t octets);
  // Where the next `octets` would lie, if that is in one piece and fits; else null. extend() then counts them.
  std::byte* place_at_end(std::uint32_t octets) {
    if (octets > room()) return nullptr;
    ensure(size_ + octets);
    const std::uint32_t at = position(size_);
    return octets <= capacity_ - at ? data_.get() + at : nullptr;
  }
  // Copies out.size() octets from `offset`; they must be there.
  void copy(std::uint32_t offset, MutableBytes out) const;
  // The same octets in place: what lies in one piece, and what follows at the beginning of the memory.
  TextPieces pieces(std::uint32_t offset, std::uint32_t octets) const;
  // The octets at the front that lie in one piece.
  Bytes front_piece() const { return {data_.get() + front_, std::min(size_, capacity_ - front_)}; }
  void discard(std::uint32_t octets);
  // When nothing is in it, and nothing was placed beyond its end: begins at the front of its memory again, so that
  // what comes next lies in one piece, in memory that was just used.
  void rewind() {
    if (size_ == 0) front_ = 0;
  }
  // Forgets everything and gives the memory back.
  void release();

 private:
  void ensure(std::uint32_t octets) {
    if (octets > capacity_) [[unlikely]]
      grow(octets);
  }
  void grow(std::uint32_t octets);
  void write(std::uint32_t offset, const std::byte* from, std::uint32_t octets) {
    const std::uint32_t at = position(offset);
    const std::uint32_t first = capacity_ - at;
    if (octets <= first) [[likely]] {
      std::memcpy(data_.get() + at, from, octets);
    } else {
      std::memcpy(data_.get() + at, from, first);
      std::memcpy(data_.get(), from + first, octets - first);
    }
  }
  std::uint32_t position(std::uint32_t offset) const { return (front_ + offset) & (capacity_ - 1); }

  std::unique_ptr<std::byte[]> data_;
  std::uint32_t limit_;
  std::uint32_t capacity_ = 0;  // a power of two, or zero
  std::uint32_t front_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace lastack
