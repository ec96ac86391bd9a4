// Sequence numbers: 32-bit values that wrap (RFC 9293 3.4). The order on them is not transitive, so `<` does not exist:
// use before(), at_or_before() and in_window(). This is the only place in the project where modular arithmetic happens.
//= rfc9293 3.4 U-12
#pragma once

#include <compare>
#include <cstdint>

// Modular arithmetic is meant here and nowhere else; clang's unsigned-integer-overflow check must not report it.
#if defined(__clang__)
#define LASTACK_WRAPS __attribute__((no_sanitize("unsigned-integer-overflow", "implicit-conversion")))
#else
#define LASTACK_WRAPS
#endif

namespace lastack {

class SeqNum {
 public:
  constexpr SeqNum() = default;
  constexpr explicit SeqNum(std::uint32_t raw) : raw_(raw) {}
  constexpr std::uint32_t raw() const { return raw_; }

  LASTACK_WRAPS friend constexpr SeqNum operator+(SeqNum a, std::uint32_t octets) { return SeqNum(a.raw_ + octets); }
  LASTACK_WRAPS friend constexpr SeqNum operator-(SeqNum a, std::uint32_t octets) { return SeqNum(a.raw_ - octets); }
  constexpr SeqNum& operator+=(std::uint32_t octets) { return *this = *this + octets; }

  // Signed distance a - b, in -2^31 .. 2^31-1; never traps.
  LASTACK_WRAPS friend constexpr std::int32_t operator-(SeqNum a, SeqNum b) {
    return static_cast<std::int32_t>(a.raw_ - b.raw_);
  }
  friend constexpr bool operator==(SeqNum, SeqNum) = default;
  friend std::strong_ordering operator<=>(SeqNum, SeqNum) = delete;

 private:
  std::uint32_t raw_ = 0;
};

// How far `b` lies ahead of `a`, 0 .. 2^32-1. Use it where the caller knows that b is not behind a.
LASTACK_WRAPS constexpr std::uint32_t octets_between(SeqNum a, SeqNum b) { return b.raw() - a.raw(); }

constexpr bool before(SeqNum a, SeqNum b) { return (a - b) < 0; }
constexpr bool at_or_before(SeqNum a, SeqNum b) { return (a - b) <= 0; }
constexpr bool after(SeqNum a, SeqNum b) { return (a - b) > 0; }
constexpr bool at_or_after(SeqNum a, SeqNum b) { return (a - b) >= 0; }

// first =< x < first + length (modulo 2^32); false for length 0.
constexpr bool in_window(SeqNum x, SeqNum first, std::uint32_t length) { return octets_between(first, x) < length; }

constexpr SeqNum later_of(SeqNum a, SeqNum b) { return before(a, b) ? b : a; }
constexpr SeqNum earlier_of(SeqNum a, SeqNum b) { return before(a, b) ? a : b; }

}  // namespace lastack
