// The Internet checksum (RFC 1071 arithmetic) with the pseudo-header of RFC 9293 3.1 for IPv4 and IPv6.
//= rfc9293 3.1 MUST-2
#pragma once

#include <cstdint>

#include "stack/base/bytes.h"
#include "stack/wire/ip_address.h"

namespace lastack {

// Ones' complement addition: what is carried out at one end comes in at the other.
inline std::uint64_t add_carrying(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  const bool carry = __builtin_add_overflow(a, b, &sum);
  return sum + (carry ? 1U : 0U);
}

// A running ones' complement sum in 64 bits, in native byte order (the sum is byte-order independent up to a swap at
// the end). Pieces may be added in any order as long as each starts at an even offset of the checksummed text.
class ChecksumAccumulator {
 public:
  ChecksumAccumulator() = default;
  explicit ChecksumAccumulator(std::uint64_t begun) : sum_(begun) {}

  void add(Bytes data);
  void add_be16(std::uint16_t v) { sum_ = add_carrying(sum_, __builtin_bswap16(v)); }
  // A piece of a fixed size, `Words` times four octets: a header.
  template <std::size_t Words>
  void add_words(const std::byte* p) {
    for (std::size_t i = 0; i + 1 < Words; i += 2) add_native<std::uint64_t>(p + 4 * i);
    if constexpr (Words % 2 != 0) add_native<std::uint32_t>(p + 4 * (Words - 1));
  }
  // Copies the text to `to` and adds it on the way.
  void copy(std::byte* to, const TextPieces& text) {
    if (!text.first.empty()) add_copied(to, text.first);
    if (!text.second.empty()) [[unlikely]]
      copy_second(to + text.first.size(), text);
  }
  void copy(std::byte* to, Bytes text) { add_copied(to, text); }
  // The value for the checksum field, host order: complement of the folded sum.
  std::uint16_t finish() const { return __builtin_bswap16(static_cast<std::uint16_t>(~fold(sum_) & 0xffffU)); }
  // Whether the sum over a text with its checksum field in place is as it must be: a multiple of 2^16 - 1, which is how
  // ones' complement counts zero. The text must not be all zeros, and no header is.
  bool is_right() const { return sum_ % 0xffffU == 0; }

  // The same ones' complement number in 16 bits. The last addition carries from its lower half into its upper one,
  // which is the sum; what goes beyond that is of no use.
  static std::uint32_t fold(std::uint64_t s) {
    std::uint32_t word = 0;
    const bool carry = __builtin_add_overflow(static_cast<std::uint32_t>(s & 0xffff'ffffU),
                                              static_cast<std::uint32_t>(s >> 32), &word);
    word += carry ? 1U : 0U;
    std::uint32_t twice = 0;
    (void)__builtin_add_overflow(word, (word << 16) | (word >> 16), &twice);
    return twice >> 16;
  }

 private:
  template <typename Word>
  void add_native(const std::byte* p) {
    Word word = 0;
    std::memcpy(&word, p, sizeof word);
    sum_ = add_carrying(sum_, word);
  }
  void add_copied(std::byte* to, Bytes from);
  void copy_second(std::byte* to, const TextPieces& text);

  std::uint64_t sum_ = 0;
};

// The unfolded sum without the machine's vector instructions: what ChecksumAccumulator::add must agree with, folded.
std::uint64_t portable_sum(Bytes data);

// Sum of the pseudo-header: addresses, protocol and upper-layer length (RFC 9293 3.1; RFC 8200 8.1).
//= rfc8200 8.1
inline void add_pseudo_header(ChecksumAccumulator& sum, const IpAddress& src, const IpAddress& dst,
                              std::uint8_t protocol, std::uint32_t length) {
  if (src.version == IpVersion::v4 && dst.version == IpVersion::v4) {
    sum.add_words<1>(src.octets.data());
    sum.add_words<1>(dst.octets.data());
  } else {
    sum.add_words<4>(src.octets.data());
    sum.add_words<4>(dst.octets.data());
  }
  sum.add_be16(protocol);
  sum.add_be16(static_cast<std::uint16_t>(length >> 16));
  sum.add_be16(static_cast<std::uint16_t>(length & 0xffffU));
}

// The checksum over a whole TCP segment whose checksum field holds zero: the value to store. Over a received segment
// with its field in place: 0 when it is right.
std::uint16_t tcp_checksum(const IpAddress& src, const IpAddress& dst, Bytes segment);

std::uint16_t internet_checksum(Bytes data);

}  // namespace lastack
