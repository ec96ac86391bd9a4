#include "stack/tcb/byte_ring.h"

#include <algorithm>
#include <bit>

#include "stack/base/check.h"

namespace lastack {

namespace {
constexpr std::uint32_t kSmallest = 2048;
}

// Grows to the next power of two; what was placed beyond size() moves along, at the same offsets.
void ByteRing::grow(std::uint32_t octets) {
  const std::uint32_t grown = std::max(kSmallest, std::bit_ceil(octets));
  auto bigger = std::make_unique<std::byte[]>(grown);
  if (capacity_ != 0) {
    const std::uint32_t first = capacity_ - front_;
    std::memcpy(bigger.get(), data_.get() + front_, first);
    std::memcpy(bigger.get() + first, data_.get(), front_);
  }
  data_ = std::move(bigger);
  capacity_ = grown;
  front_ = 0;
}

void ByteRing::place(std::uint32_t offset, Bytes data) {
  if (data.empty()) return;
  const auto octets = static_cast<std::uint32_t>(data.size());
  LASTACK_CHECK(offset <= limit_ && octets <= limit_ - offset);
  ensure(offset + octets);
  write(offset, data.data(), octets);
}

void ByteRing::extend(std::uint32_t octets) {
  LASTACK_CHECK(octets <= room() && size_ + octets <= capacity_);
  size_ += octets;
}

TextPieces ByteRing::pieces(std::uint32_t offset, std::uint32_t octets) const {
  if (octets == 0) return {};
  LASTACK_CHECK(offset <= size_ && octets <= size_ - offset);
  const std::uint32_t at = position(offset);
  const std::uint32_t first = std::min(octets, capacity_ - at);
  return {{data_.get() + at, first}, {data_.get(), octets - first}};
}

void ByteRing::copy(std::uint32_t offset, MutableBytes out) const {
  const TextPieces from = pieces(offset, static_cast<std::uint32_t>(out.size()));
  std::copy(from.first.begin(), from.first.end(), out.begin());
  std::copy(from.second.begin(), from.second.end(), out.begin() + static_cast<std::ptrdiff_t>(from.first.size()));
}

void ByteRing::discard(std::uint32_t octets) {
  if (octets == 0) return;
  LASTACK_CHECK(octets <= size_);
  front_ = position(octets);
  size_ -= octets;
}

void ByteRing::release() {
  data_.reset();
  capacity_ = 0;
  front_ = 0;
  size_ = 0;
}

}  // namespace lastack
