// The pcapng writer: the blocks, octet by octet where a reader depends on it.
#include "stack/sim/pcapng.h"

#include <gtest/gtest.h>

namespace lastack {
namespace {

std::uint32_t le32(const std::string& s, std::size_t at) {
  std::uint32_t v = 0;
  for (std::size_t i = 4; i > 0; --i) v = (v << 8U) | static_cast<std::uint8_t>(s[at + i - 1]);
  return v;
}

// The type and offset of every block; fails when the two lengths of a block differ or a block is not a multiple of 4.
std::vector<std::pair<std::uint32_t, std::size_t>> blocks(const std::string& file) {
  std::vector<std::pair<std::uint32_t, std::size_t>> found;
  std::size_t at = 0;
  while (at + 12 <= file.size()) {
    const std::uint32_t length = le32(file, at + 4);
    EXPECT_EQ(length % 4, 0U);
    if (length < 12 || at + length > file.size()) break;
    EXPECT_EQ(le32(file, at + length - 4), length) << "block at " << at;
    found.emplace_back(le32(file, at), at);
    at += length;
  }
  EXPECT_EQ(at, file.size());
  return found;
}

TEST(Pcapng, BlocksAreWellFormed) {
  PcapngWriter writer("test", "a section comment");
  const std::string packet = "\x45 five";
  writer.packet(Instant(std::chrono::seconds(5)), as_bytes(packet.data(), packet.size()), PacketDirection::inbound,
                "step 1");
  writer.packet(Instant(std::chrono::nanoseconds(0x1'2345'6789LL)), as_bytes(packet.data(), packet.size()));
  const std::string& file = writer.data();
  const auto found = blocks(file);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].first, 0x0A0D0D0AU);
  EXPECT_EQ(le32(file, found[0].second + 8), 0x1A2B3C4DU);
  EXPECT_EQ(found[1].first, 1U);
  EXPECT_EQ(le32(file, found[1].second + 8) & 0xFFFFU, 101U) << "link type RAW";
  EXPECT_EQ(found[2].first, 6U);
  EXPECT_EQ(le32(file, found[2].second + 20), packet.size());
  EXPECT_EQ(file.substr(found[2].second + 28, packet.size()), packet);
  EXPECT_NE(file.find("step 1", found[2].second), std::string::npos);
  EXPECT_EQ(le32(file, found[3].second + 12), 1U) << "the high half of the time";
  EXPECT_EQ(le32(file, found[3].second + 16), 0x23456789U);
}

}  // namespace
}  // namespace lastack
