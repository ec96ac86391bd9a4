// Values in few octets: each is named together with what it usually is, and only the others are kept. Packer and
// Unpacker are called alike, `x = f(x, usual)`, so that one list of fields serves both ways. What is usual may depend
// on values that were named before, and on nothing that may change in between.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>

#include "stack/base/check.h"
#include "stack/base/seq.h"
#include "stack/base/time.h"

namespace lastack {

// Each value as a 64-bit word.
constexpr std::uint64_t to_word(SeqNum v) { return v.raw(); }
constexpr std::uint64_t to_word(Duration v) { return static_cast<std::uint64_t>(v.count()); }
constexpr std::uint64_t to_word(Instant v) { return to_word(v.time_since_epoch()); }
template <typename T>
requires(std::is_integral_v<T> || std::is_enum_v<T>) constexpr std::uint64_t to_word(T v) {
  return static_cast<std::uint64_t>(v);
}

template <typename T>
constexpr T from_word(std::uint64_t word) {
  if constexpr (std::is_same_v<T, SeqNum>) {
    return SeqNum(static_cast<std::uint32_t>(word & 0xffff'ffffU));
  } else if constexpr (std::is_same_v<T, Instant>) {
    return Instant(Duration(static_cast<std::int64_t>(word)));
  } else if constexpr (std::is_same_v<T, Duration>) {
    return Duration(static_cast<std::int64_t>(word));
  } else {
    return static_cast<T>(word);
  }
}

// Small distances either way become small numbers.
LASTACK_WRAPS constexpr std::uint64_t zigzag(std::uint64_t from, std::uint64_t to) {
  const std::uint64_t distance = to - from;
  return (distance << 1) ^ ((distance >> 63) == 0 ? 0 : ~std::uint64_t{0});
}
LASTACK_WRAPS constexpr std::uint64_t unzigzag(std::uint64_t from, std::uint64_t packed) {
  return from + ((packed >> 1) ^ ((packed & 1) == 0 ? 0 : ~std::uint64_t{0}));
}

class Packer {
 public:
  template <typename T>
  T operator()(T value, std::type_identity_t<T> usual) {
    const bool other = value != usual;
    flag(other);
    if constexpr (!std::is_same_v<T, bool>) {
      if (other) number(zigzag(to_word(usual), to_word(value)));
    }
    return value;
  }
  std::span<const std::uint8_t> octets() const { return std::span(octets_).first(size_); }

 private:
  // Eight values share an octet of flags, which stands in front of them.
  void flag(bool set) {
    if (bit_ == 8) {
      flags_at_ = size_;
      put(0);
      bit_ = 0;
    }
    if (set) octets_[flags_at_] = static_cast<std::uint8_t>(octets_[flags_at_] | (1U << bit_));
    ++bit_;
  }
  void number(std::uint64_t n) {
    for (; n >= 0x80; n >>= 7) put(static_cast<std::uint8_t>((n & 0x7f) | 0x80));
    put(static_cast<std::uint8_t>(n));
  }
  void put(std::uint8_t octet) {
    LASTACK_CHECK(size_ < octets_.size());
    octets_[size_++] = octet;
  }

  std::array<std::uint8_t, 4096> octets_;
  std::size_t size_ = 0;
  std::size_t flags_at_ = 0;
  unsigned bit_ = 8;
};

class Unpacker {
 public:
  explicit Unpacker(std::span<const std::uint8_t> octets) : octets_(octets) {}

  template <typename T>
  T operator()(const T&, std::type_identity_t<T> usual) {
    const bool other = flag();
    if constexpr (std::is_same_v<T, bool>) {
      return other != usual;
    } else {
      return other ? from_word<T>(unzigzag(to_word(usual), number())) : usual;
    }
  }
  bool at_end() const { return at_ == octets_.size(); }

 private:
  bool flag() {
    if (bit_ == 8) {
      flags_ = take();
      bit_ = 0;
    }
    return ((flags_ >> bit_++) & 1U) != 0;
  }
  std::uint64_t number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
      const std::uint8_t octet = take();
      n |= static_cast<std::uint64_t>(octet & 0x7fU) << shift;
      if (octet < 0x80) return n;
    }
  }
  std::uint8_t take() {
    LASTACK_CHECK(at_ < octets_.size());
    return octets_[at_++];
  }

  std::span<const std::uint8_t> octets_;
  std::size_t at_ = 0;
  unsigned flags_ = 0;
  unsigned bit_ = 8;
};

}  // namespace lastack
