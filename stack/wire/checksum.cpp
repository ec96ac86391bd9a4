// The sum is over native words of any size into 64 bits, and folded once at the end. RFC 1071 section 2 shows why any
// word size and byte order give the same folded sum. Where the machine has AVX2 the long
// pieces go through it: a checksum is otherwise half of what a full segment costs.
#include "stack/wire/checksum.h"

#include <algorithm>
#include <array>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lastack {

namespace {

// Any size, for what is short or left over.
std::uint64_t sum_words(const std::byte* p, std::size_t size) {
  std::uint64_t sum = 0;
  while (size >= 8) {
    std::uint64_t words = 0;
    std::memcpy(&words, p, sizeof words);
    sum = add_carrying(sum, words);
    p += 8;
    size -= 8;
  }
  if (size == 0) return sum;
  std::uint64_t rest = 0;  // padded with zeroes behind
  std::memcpy(&rest, p, size);
  return add_carrying(sum, rest);
}

#if defined(__x86_64__)
constexpr std::size_t kLane = 32;  // octets of one AVX2 register: 16 words
// 2048 lanes: additions of less than 2^17 that a signed lane of 32 bits holds with room.
constexpr std::size_t kMostAtOnce = 2048 * kLane;

// Where the last lane overlaps the one before it, what was counted already is masked out: 32 octets from 32 - n on keep
// the last n.
alignas(kLane) constexpr std::array<std::uint8_t, 2 * kLane> kKeepLast = [] {
  std::array<std::uint8_t, 2 * kLane> mask{};
  for (std::size_t i = kLane; i < mask.size(); ++i) mask[i] = 0xff;
  return mask;
}();

// Adds neighbouring words of 16 bits to signed lanes of 32. The one multiply-add that does this takes its words as
// signed, so each is moved down by 2^15 first (the xor), and the sum is moved up again at the end. `size` is even and
// at least a lane. With kCopy the text is copied to `to` on the way.
template <bool kCopy>
__attribute__((target("avx2"))) std::uint64_t sum_lanes_avx2(const std::byte* p, std::size_t size, std::byte* to) {
  const __m256i offset = _mm256_set1_epi16(INT16_MIN);
  const __m256i ones = _mm256_set1_epi16(1);
  const auto load = [&](std::size_t at) __attribute__((target("avx2"), always_inline)) {
    const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + at));
    if constexpr (kCopy) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + at), words);
    return words;
  };
  const auto pairs = [&](__m256i words) __attribute__((target("avx2"), always_inline)) {
    return _mm256_madd_epi16(_mm256_xor_si256(words, offset), ones);
  };
  __m256i even = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();
  const std::size_t rest = size % kLane;
  std::size_t at = 0;
  for (const std::size_t end = size - size % (8 * kLane); at != end; at += 8 * kLane) {
    even = _mm256_add_epi32(even, pairs(load(at)));
    odd = _mm256_add_epi32(odd, pairs(load(at + kLane)));
    even = _mm256_add_epi32(even, pairs(load(at + 2 * kLane)));
    odd = _mm256_add_epi32(odd, pairs(load(at + 3 * kLane)));
    even = _mm256_add_epi32(even, pairs(load(at + 4 * kLane)));
    odd = _mm256_add_epi32(odd, pairs(load(at + 5 * kLane)));
    even = _mm256_add_epi32(even, pairs(load(at + 6 * kLane)));
    odd = _mm256_add_epi32(odd, pairs(load(at + 7 * kLane)));
  }
  for (; at != size - rest; at += kLane) even = _mm256_add_epi32(even, pairs(load(at)));
  if (rest != 0) {
    const __m256i keep = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kKeepLast.data() + rest));
    odd = _mm256_add_epi32(odd, pairs(_mm256_and_si256(load(size - kLane), keep)));
    at += kLane;  // words, as far as the offset goes
  }
  // Eight signed sums of 32 bits to one of 64.
  const __m256i both = _mm256_add_epi32(even, odd);
  const __m256i wide = _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(both)),
                                        _mm256_cvtepi32_epi64(_mm256_extracti128_si256(both, 1)));
  const __m128i two = _mm_add_epi64(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  const std::int64_t sum = _mm_cvtsi128_si64(two) + _mm_extract_epi64(two, 1);
  return static_cast<std::uint64_t>(sum + (static_cast<std::int64_t>(at / 2) << 15));
}

const bool has_avx2 = __builtin_cpu_supports("avx2");

template <bool kCopy>
std::uint64_t sum_octets(const std::byte* p, std::size_t size, std::byte* to) {
  std::uint64_t sum = 0;
  if (has_avx2 && size >= kLane) {
    if (size % 2 == 0 && size <= kMostAtOnce) return sum_lanes_avx2<kCopy>(p, size, to);
    for (std::size_t part = 0; size >= kLane; size -= part) {
      part = std::min(size - size % 2, kMostAtOnce);
      sum += sum_lanes_avx2<kCopy>(p, part, to);
      p += part;
      if constexpr (kCopy) to += part;
    }
  }
  if constexpr (kCopy) {
    if (size != 0) std::memcpy(to, p, size);
  }
  return size == 0 ? sum : add_carrying(sum, sum_words(p, size));
}
#else
template <bool kCopy>
std::uint64_t sum_octets(const std::byte* p, std::size_t size, std::byte* to) {
  if constexpr (kCopy) {
    if (size != 0) std::memcpy(to, p, size);
  }
  return sum_words(p, size);
}
#endif

}  // namespace

std::uint64_t portable_sum(Bytes data) { return sum_words(data.data(), data.size()); }

void ChecksumAccumulator::add(Bytes data) {
  sum_ = add_carrying(sum_, sum_octets<false>(data.data(), data.size(), nullptr));
}

void ChecksumAccumulator::add_copied(std::byte* to, Bytes from) {
  sum_ = add_carrying(sum_, sum_octets<true>(from.data(), from.size(), to));
}

// Behind an odd first piece the octets of its words are swapped (RFC 1071 2 (B)).
void ChecksumAccumulator::copy_second(std::byte* to, const TextPieces& text) {
  ChecksumAccumulator second;
  second.add_copied(to, text.second);
  const auto folded = static_cast<std::uint16_t>(fold(second.sum_));
  sum_ = add_carrying(sum_, text.first.size() % 2 == 0 ? folded : __builtin_bswap16(folded));
}

std::uint16_t tcp_checksum(const IpAddress& src, const IpAddress& dst, Bytes segment) {
  ChecksumAccumulator sum;
  add_pseudo_header(sum, src, dst, 6, static_cast<std::uint32_t>(segment.size()));
  sum.add(segment);
  return sum.finish();
}

std::uint16_t internet_checksum(Bytes data) {
  ChecksumAccumulator sum;
  sum.add(data);
  return sum.finish();
}

}  // namespace lastack
