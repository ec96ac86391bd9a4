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
constexpr std::size_t kLane = 32;  // octets of one AVX2 register: 16 columns, each of words of 16 bits
constexpr std::size_t kMostAtOnce = 128 * kLane;

// Where the last lane overlaps the one before it, what was counted already is masked out: 32 octets from 32 - n on keep
// the last n.
alignas(kLane) constexpr std::array<std::uint8_t, 2 * kLane> kKeepLast = [] {
  std::array<std::uint8_t, 2 * kLane> mask{};
  for (std::size_t i = kLane; i < mask.size(); ++i) mask[i] = 0xff;
  return mask;
}();

// Of lanes of words, column by column: their sum modulo 2^16, and their mean, rounded up at each of its steps.
struct Columns {
  __m256i sum;
  __m256i mean;
};

template <bool kCopy>
__attribute__((target("avx2"), always_inline)) inline __m256i load_lane(const std::byte* p, std::byte* to) {
  const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  if constexpr (kCopy) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), words);
  return words;
}

template <int kLanes, bool kCopy>
__attribute__((target("avx2"), always_inline)) inline Columns load_columns(const std::byte* p, std::byte* to) {
  if constexpr (kLanes == 1) {
    const __m256i words = load_lane<kCopy>(p, to);
    return {words, words};
  } else {
    constexpr std::size_t kHalf = kLanes / 2 * kLane;
    const Columns a = load_columns<kLanes / 2, kCopy>(p, to);
    const Columns b = load_columns<kLanes / 2, kCopy>(p + kHalf, kCopy ? to + kHalf : nullptr);
    return {_mm256_add_epi16(a.sum, b.sum), _mm256_avg_epu16(a.mean, b.mean)};
  }
}

// The sum of each column, in two parts that 16 bits hold: `wrapped` is exact modulo 2^16, and 256 * `about` is so near
// to the sum that it tells the rest. A lane cut off at 256 makes it wrong by less than 2^8, eight lanes at once by less
// than 2^8 + 12: over 128 lanes less than 2^13, where 2^15 is allowed.
struct ColumnSums {
  __m256i wrapped;
  __m256i about;

  template <int kLanes>
  __attribute__((target("avx2"), always_inline)) void add(const Columns& columns) {
    constexpr int kShift = kLanes == 8 ? 5 : kLanes == 4 ? 6 : kLanes == 2 ? 7 : 8;
    wrapped = _mm256_add_epi16(wrapped, columns.sum);
    about = _mm256_add_epi16(about, _mm256_srli_epi16(columns.mean, kShift));
  }
  // Of all columns: less than 2^31.
  __attribute__((target("avx2"), always_inline)) std::uint64_t total() const {
    const __m256i rest = _mm256_sub_epi16(wrapped, _mm256_slli_epi16(about, 8));  // signed
    const __m256i pairs = _mm256_add_epi32(_mm256_madd_epi16(rest, _mm256_set1_epi16(1)),
                                           _mm256_madd_epi16(about, _mm256_set1_epi16(256)));
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    const __m128i one = _mm_add_epi32(two, _mm_shuffle_epi32(two, 1));
    return static_cast<std::uint32_t>(_mm_cvtsi128_si32(one));
  }
};

// `size` is even, at least a lane and at most kMostAtOnce. With kCopy the text is copied to `to` on the way. To widen
// every lane to 32 bits would take half as many instructions again.
template <bool kCopy>
__attribute__((target("avx2"))) std::uint64_t sum_lanes_avx2(const std::byte* p, std::size_t size, std::byte* to) {
  ColumnSums sums{_mm256_setzero_si256(), _mm256_setzero_si256()};
  const auto step = [&]<int kLanes>() __attribute__((target("avx2"), always_inline)) {
    sums.add<kLanes>(load_columns<kLanes, kCopy>(p, to));
    p += kLanes * kLane;
    if constexpr (kCopy) to += kLanes * kLane;
  };
  for (std::size_t blocks = size / (8 * kLane); blocks != 0; --blocks) step.template operator()<8>();
  if ((size & (4 * kLane)) != 0) step.template operator()<4>();
  if ((size & (2 * kLane)) != 0) step.template operator()<2>();
  if ((size & kLane) != 0) step.template operator()<1>();
  if (const std::size_t rest = size % kLane; rest != 0) {
    const std::byte* const last = p + rest - kLane;
    const __m256i words = load_lane<kCopy>(last, kCopy ? to + rest - kLane : nullptr);
    const __m256i keep = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kKeepLast.data() + rest));
    const __m256i kept = _mm256_and_si256(words, keep);
    sums.add<1>({kept, kept});
  }
  return sums.total();
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
