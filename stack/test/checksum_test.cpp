#include "stack/wire/checksum.h"

#include <gtest/gtest.h>

#include <vector>

namespace lastack {
namespace {

// The definition, octet pair by octet pair (RFC 1071 section 1), to compare the fast sum with.
std::uint16_t reference(const std::vector<std::byte>& data) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < data.size(); i += 2) {
    const std::uint32_t high = std::to_integer<std::uint32_t>(data[i]) << 8;
    const std::uint32_t low = i + 1 < data.size() ? std::to_integer<std::uint32_t>(data[i + 1]) : 0;
    sum += high | low;
    sum = (sum & 0xffffU) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum & 0xffffU);
}

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> data(size);
  std::uint32_t x = 0x12345678;
  for (auto& b : data) {
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    b = static_cast<std::byte>(x & 0xffU);
  }
  return data;
}

std::uint16_t folded(std::uint64_t sum) {
  while ((sum >> 16) != 0) sum = (sum & 0xffffU) + (sum >> 16);
  return __builtin_bswap16(static_cast<std::uint16_t>(~sum & 0xffffU));
}

TEST(Checksum, MatchesTheDefinitionAtEveryLength) {
  for (std::size_t size = 0; size < 300; ++size) {
    const auto data = pattern(size);
    EXPECT_EQ(internet_checksum(data), reference(data)) << size;
  }
}

TEST(Checksum, ExampleOfRfc1071Section3) {
  const std::vector<std::byte> data{std::byte{0x00}, std::byte{0x01}, std::byte{0xf2}, std::byte{0x03},
                                    std::byte{0xf4}, std::byte{0xf5}, std::byte{0xf6}, std::byte{0xf7}};
  EXPECT_EQ(internet_checksum(data), static_cast<std::uint16_t>(~0xddf2U));
}

TEST(Checksum, AllOnesDoesNotOverflow) {
  const std::vector<std::byte> data(65535, std::byte{0xff});
  EXPECT_EQ(internet_checksum(data), reference(data));
}

// Long enough for whole vector blocks, a remainder of every size, and several pieces; at aligned and odd addresses.
TEST(Checksum, VectorCodeAgreesWithPortableCode) {
  const auto data = pattern(200'000);
  for (std::size_t start = 0; start < 3; ++start) {
    for (std::size_t size = 120; size < 1600; ++size) {
      const Bytes piece = Bytes(data).subspan(start, size);
      ASSERT_EQ(internet_checksum(piece), folded(portable_sum(piece))) << start << " " << size;
    }
    for (const std::size_t size : {65'535U, 65'536U, 65'537U, 131'199U, 199'997U}) {
      const Bytes piece = Bytes(data).subspan(start, size);
      EXPECT_EQ(internet_checksum(piece), folded(portable_sum(piece))) << start << " " << size;
    }
  }
  for (const std::byte fill : {std::byte{0x00}, std::byte{0x7f}, std::byte{0x80}, std::byte{0xff}}) {
    const std::vector<std::byte> extreme(150'000, fill);
    EXPECT_EQ(internet_checksum(extreme), folded(portable_sum(extreme))) << std::to_integer<int>(fill);
  }
}

// Columns of words that are all as large or as small as they can be, up to and beyond what is summed at once.
TEST(Checksum, VectorCodeHoldsExtremes) {
  for (const unsigned even : {0x00U, 0x01U, 0x7fU, 0xffU}) {
    for (const unsigned odd : {0x00U, 0x80U, 0xffU}) {
      std::vector<std::byte> data(8'500);
      for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i % 2 == 0 ? even : odd);
      for (std::size_t size = 32; size < data.size(); size += size < 4'200 ? 2 : 34) {
        const Bytes text = Bytes(data).first(size);
        ASSERT_EQ(internet_checksum(text), folded(portable_sum(text))) << even << " " << odd << " " << size;
      }
    }
  }
}

// Copied and summed in one pass: at every size, in one piece and in two.
TEST(Checksum, CopyingSumsTheSameAndCopiesAll) {
  const auto data = pattern(700);
  for (std::size_t size = 0; size < data.size(); ++size) {
    for (const std::size_t first : {size, size / 2, size / 3}) {
      const Bytes text = Bytes(data).first(size);
      std::vector<std::byte> to(size + 1, std::byte{0x5a});
      ChecksumAccumulator sum;
      sum.copy(to.data(), {text.first(first), text.subspan(first)});
      ASSERT_EQ(sum.finish(), reference(std::vector(text.begin(), text.end()))) << size << " " << first;
      ASSERT_TRUE(std::equal(text.begin(), text.end(), to.begin()) && to.back() == std::byte{0x5a}) << size;
    }
  }
}

TEST(Checksum, PiecesAddUp) {
  const auto data = pattern(100);
  ChecksumAccumulator sum;
  sum.add(Bytes(data).first(40));
  sum.add(Bytes(data).subspan(40));
  EXPECT_EQ(sum.finish(), reference(data));
}

TEST(Checksum, PseudoHeaderCoversAddressesProtocolAndLength) {
  const auto a = *IpAddress::parse("192.0.2.1");
  const auto b = *IpAddress::parse("192.0.2.2");
  const auto segment = pattern(20);
  std::vector<std::byte> whole{std::byte{192}, std::byte{0}, std::byte{2}, std::byte{1}, std::byte{192}, std::byte{0},
                               std::byte{2},   std::byte{2}, std::byte{0}, std::byte{6}, std::byte{0},   std::byte{20}};
  whole.insert(whole.end(), segment.begin(), segment.end());
  EXPECT_EQ(tcp_checksum(a, b, segment), reference(whole));
}

}  // namespace
}  // namespace lastack
