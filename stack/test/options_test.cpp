#include "stack/wire/options.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

namespace lastack {
namespace {

std::vector<std::byte> octets(std::initializer_list<int> values) {
  std::vector<std::byte> v;
  for (const int x : values) v.push_back(static_cast<std::byte>(x));
  return v;
}

TEST(Options, KnownKindsRoundTrip) {
  Options o;
  o.mss = 1460;
  o.window_scale = 7;
  o.sack_permitted = true;
  o.timestamps = Timestamps{1, 2};
  std::byte area[kMaxOptionOctets];
  const std::size_t size = write_options(area, o);
  EXPECT_EQ(size, options_size(o));
  EXPECT_EQ(size % 4, 0U);
  Options back;
  ASSERT_FALSE(parse_options({area, size}, back));
  EXPECT_EQ(back.mss, 1460);
  EXPECT_EQ(back.window_scale, 7);
  EXPECT_TRUE(back.sack_permitted);
  EXPECT_EQ(back.timestamps, (Timestamps{1, 2}));
  EXPECT_FALSE(back.wrong_length || back.duplicate || back.unknown || back.nonzero_after_end);
}

TEST(Options, SackBlocksRoundTripAsManyAsFit) {
  for (std::uint8_t n = 1; n <= kMaxSackBlocks; ++n) {
    Options o;
    o.sack_count = n;
    for (std::uint32_t i = 0; i < n; ++i) o.sack[i] = {SeqNum(i * 100), SeqNum(i * 100 + 50)};
    std::byte area[kMaxOptionOctets];
    const std::size_t size = write_options(area, o);
    Options back;
    ASSERT_FALSE(parse_options({area, size}, back));
    ASSERT_EQ(back.sack_count, n);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(back.sack[i], o.sack[i]);
  }
}

TEST(Options, FastOpenAndUserTimeoutRoundTrip) {
  Options o;
  o.user_timeout = 0x8005;
  o.fast_open = true;
  o.fast_open_size = 8;
  std::byte area[kMaxOptionOctets];
  Options back;
  ASSERT_FALSE(parse_options({area, write_options(area, o)}, back));
  EXPECT_EQ(back.user_timeout, 0x8005);
  EXPECT_TRUE(back.fast_open);
  EXPECT_EQ(back.fast_open_size, 8);
}

//= rfc9293 3.2 MUST-6
TEST(Options, UnknownKindIsSkippedByItsLength) {
  Options o;
  ASSERT_FALSE(parse_options(octets({77, 4, 9, 9, 2, 4, 1, 0}), o));
  EXPECT_TRUE(o.unknown);
  EXPECT_EQ(o.mss, 256);
}

//= rfc9293 3.1 MUST-68
TEST(Options, IllegalLengthsAreErrorsAtTheLengthOctet) {
  struct Row {
    std::vector<std::byte> area;
    std::size_t offset;
  };
  for (const auto& row : {Row{octets({2, 0, 0, 0}), 1}, Row{octets({2, 1, 0, 0}), 1}, Row{octets({1, 2, 40, 0}), 2},
                          Row{octets({1, 1, 1, 2}), 3}}) {
    Options o;
    const auto error = parse_options(row.area, o);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fault, WireFault::tcp_bad_option_length);
    EXPECT_EQ(error->offset, row.offset);
  }
}

TEST(Options, WrongLengthOfAKnownKindIsSkippedAndSaid) {
  Options o;
  ASSERT_FALSE(parse_options(octets({2, 6, 1, 2, 3, 4, 0, 0}), o));
  EXPECT_TRUE(o.wrong_length);
  EXPECT_FALSE(o.mss);
  Options sack;
  ASSERT_FALSE(parse_options(octets({5, 4, 0, 0}), sack));
  EXPECT_TRUE(sack.wrong_length);
  EXPECT_EQ(sack.sack_count, 0);
}

TEST(Options, FirstOfADuplicateCounts) {
  Options o;
  ASSERT_FALSE(parse_options(octets({2, 4, 1, 0, 2, 4, 2, 0}), o));
  EXPECT_TRUE(o.duplicate);
  EXPECT_EQ(o.mss, 256);
}

//= rfc9293 3.1 MUST-69
TEST(Options, PaddingAfterEndIsZero) {
  Options clean;
  ASSERT_FALSE(parse_options(octets({1, 0, 0, 0}), clean));
  EXPECT_FALSE(clean.nonzero_after_end);
  Options dirty;
  ASSERT_FALSE(parse_options(octets({1, 0, 0, 9}), dirty));
  EXPECT_TRUE(dirty.nonzero_after_end);
}

TEST(Options, EveryTwoOctetStartIsSurvived) {
  for (int kind = 0; kind < 256; ++kind) {
    for (int length = 0; length < 256; ++length) {
      auto area = octets({kind, length});
      area.resize(kMaxOptionOctets, std::byte{0xff});
      Options o;
      (void)parse_options(area, o);
      EXPECT_LE(o.sack_count, kMaxSackBlocks);
      EXPECT_LE(o.fast_open_size, o.fast_open_cookie.size());
    }
  }
}

}  // namespace
}  // namespace lastack
