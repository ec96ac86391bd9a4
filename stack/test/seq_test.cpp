#include "stack/base/seq.h"

#include <gtest/gtest.h>

#include <concepts>

namespace lastack {
namespace {

template <typename T>
concept HasLess = requires(T a, T b) {
  a < b;
};
static_assert(!HasLess<SeqNum>, "the order of sequence numbers is not transitive");

TEST(SeqNum, WrapsAtTwoToThe32) {
  EXPECT_EQ(SeqNum(0xffff'ffffU) + 1, SeqNum(0));
  EXPECT_EQ(SeqNum(5) - 10U, SeqNum(0xffff'fffbU));
  EXPECT_EQ(SeqNum(4) - SeqNum(0xffff'fffeU), 6);
  EXPECT_EQ(SeqNum(0xffff'fffeU) - SeqNum(4), -6);
}

TEST(SeqNum, OrderHoldsAcrossTheWrap) {
  EXPECT_TRUE(before(SeqNum(0xffff'ff00U), SeqNum(0x10)));
  EXPECT_FALSE(before(SeqNum(0x10), SeqNum(0xffff'ff00U)));
  EXPECT_TRUE(at_or_before(SeqNum(7), SeqNum(7)));
  EXPECT_TRUE(after(SeqNum(1), SeqNum(0xffff'ffffU)));
  EXPECT_EQ(later_of(SeqNum(0xffff'ffffU), SeqNum(3)), SeqNum(3));
  EXPECT_EQ(earlier_of(SeqNum(0xffff'ffffU), SeqNum(3)), SeqNum(0xffff'ffffU));
}

TEST(SeqNum, DistanceOfTwoToThe31DoesNotTrap) { EXPECT_EQ(SeqNum(0x8000'0000U) - SeqNum(0), INT32_MIN); }

TEST(SeqNum, WindowIsHalfOpen) {
  EXPECT_TRUE(in_window(SeqNum(100), SeqNum(100), 10));
  EXPECT_TRUE(in_window(SeqNum(109), SeqNum(100), 10));
  EXPECT_FALSE(in_window(SeqNum(110), SeqNum(100), 10));
  EXPECT_FALSE(in_window(SeqNum(99), SeqNum(100), 10));
  EXPECT_FALSE(in_window(SeqNum(100), SeqNum(100), 0));
  EXPECT_TRUE(in_window(SeqNum(2), SeqNum(0xffff'fffcU), 10));
}

}  // namespace
}  // namespace lastack
