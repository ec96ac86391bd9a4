// The sum is exact, over 16-bit or 32-bit native words into 64 bits, and its carries are folded once at the end. RFC
// 1071 section 2 shows why any word size and byte order give the same folded sum. Where the machine has AVX2 the long
// pieces go through it: a checksum is otherwise half of what a full segment costs.
#include "stack/wire/checksum.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lastack {

namespace {

// Any size, for what is short or left over.
std::uint64_t sum_words(const std::byte* p, std::size_t size) {
  std::uint64_t sum = 0;
  while (size >= 8) {
    std::uint64_t pair = 0;
    std::memcpy(&pair, p, sizeof pair);
    sum += (pair & 0xffff'ffffU) + (pair >> 32);
    p += 8;
    size -= 8;
  }
  if (size >= 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, p, sizeof word);
    sum += word;
    p += 4;
    size -= 4;
  }
  if (size >= 2) {
    std::uint16_t word = 0;
    std::memcpy(&word, p, sizeof word);
    sum += word;
    p += 2;
    size -= 2;
  }
  if (size == 1) {
    std::byte pair[2] = {*p, std::byte{0}};  // the odd octet is padded with zero on the right
    std::uint16_t word = 0;
    std::memcpy(&word, pair, sizeof word);
    sum += word;
  }
  return sum;
}

#if defined(__x86_64__)
constexpr std::size_t kLane = 32;  // octets of one AVX2 register: 16 words
constexpr std::size_t kMostLanes =
    2048;  // at once: additions of less than 2^17 that a signed lane of 32 bits holds with room

// Adds neighbouring words of 16 bits to signed lanes of 32. The one multiply-add that does this takes its words as
// signed, so each is moved down by 2^15 first (the xor), and the sum is moved up again at the end.
__attribute__((target("avx2"))) std::uint64_t sum_lanes_avx2(const std::byte* p, std::size_t lanes) {
  const __m256i offset = _mm256_set1_epi16(INT16_MIN);
  const __m256i ones = _mm256_set1_epi16(1);
  const auto pairs = [&](const std::byte* at) __attribute__((target("avx2"), always_inline)) {
    const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    return _mm256_madd_epi16(_mm256_xor_si256(words, offset), ones);
  };
  __m256i even = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();
  std::size_t left = lanes;
  for (; left >= 4; left -= 4, p += 4 * kLane) {
    even = _mm256_add_epi32(even, pairs(p));
    odd = _mm256_add_epi32(odd, pairs(p + kLane));
    even = _mm256_add_epi32(even, pairs(p + 2 * kLane));
    odd = _mm256_add_epi32(odd, pairs(p + 3 * kLane));
  }
  for (; left > 0; --left, p += kLane) even = _mm256_add_epi32(even, pairs(p));
  alignas(kLane) std::int32_t sums[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(sums), _mm256_add_epi32(even, odd));
  std::int64_t sum = static_cast<std::int64_t>(lanes * kLane / 2) << 15;
  for (const std::int32_t part : sums) sum += part;
  return static_cast<std::uint64_t>(sum);
}

const bool has_avx2 = __builtin_cpu_supports("avx2");

std::uint64_t sum_octets(const std::byte* p, std::size_t size) {
  std::uint64_t sum = 0;
  while (has_avx2 && size >= 2 * kLane) {
    const std::size_t lanes = std::min(size / kLane, kMostLanes);
    sum += sum_lanes_avx2(p, lanes);
    p += lanes * kLane;
    size -= lanes * kLane;
  }
  return sum + sum_words(p, size);
}
#else
std::uint64_t sum_octets(const std::byte* p, std::size_t size) { return sum_words(p, size); }
#endif

}  // namespace

std::uint64_t portable_sum(Bytes data) { return sum_words(data.data(), data.size()); }

void ChecksumAccumulator::add(Bytes data) { sum_ += sum_octets(data.data(), data.size()); }

std::uint16_t ChecksumAccumulator::finish() const {
  std::uint64_t s = sum_;
  s = (s & 0xffff'ffffU) + (s >> 32);
  s = (s & 0xffff'ffffU) + (s >> 32);  // below 2^32 now
  s = (s & 0xffffU) + (s >> 16);       // at most 0x1fffe
  s = (s & 0xffffU) + (s >> 16);
  const auto native = static_cast<std::uint16_t>(~s & 0xffffU);
  return __builtin_bswap16(native);
}

//= rfc8200 8.1
void add_pseudo_header(ChecksumAccumulator& sum, const IpAddress& src, const IpAddress& dst, std::uint8_t protocol,
                       std::uint32_t length) {
  sum.add_address(src);
  sum.add_address(dst);
  sum.add_be16(protocol);
  sum.add_be16(static_cast<std::uint16_t>(length >> 16));
  sum.add_be16(static_cast<std::uint16_t>(length & 0xffffU));
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
