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
  std::uint32_t append(Bytes data);
  // Writes `data` at `offset` octets after the front, without counting it in size(). offset + data.size() must not
  // exceed limit().
  void place(std::uint32_t offset, Bytes data);
  // Counts `octets` that place() wrote behind the end.
  void extend(std::uint32_t octets);
  // Copies out.size() octets from `offset`; they must be there.
  void copy(std::uint32_t offset, MutableBytes out) const;
  // The octets at the front that lie in one piece.
  Bytes front_piece() const { return {data_.get() + front_, std::min(size_, capacity_ - front_)}; }
  void discard(std::uint32_t octets);
  // Forgets everything and gives the memory back.
  void release();

 private:
  void ensure(std::uint32_t octets);
  std::uint32_t position(std::uint32_t offset) const;

  std::unique_ptr<std::byte[]> data_;
  std::uint32_t limit_;
  std::uint32_t capacity_ = 0;  // a power of two, or zero
  std::uint32_t front_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace lastack
