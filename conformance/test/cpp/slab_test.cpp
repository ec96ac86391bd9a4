// Rooms of a slab: each object has one of its own, aligned, and begins and ends like any other object.
#include "conformance/judge/slab.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace lastack {
namespace {

int alive = 0;

struct Thing {
  Thing() { ++alive; }
  Thing(const Thing&) = delete;
  Thing& operator=(const Thing&) = delete;
  ~Thing() { --alive; }
  alignas(64) std::uint64_t number = 7;
  std::vector<std::uint64_t> more;
  std::byte rest[1500]{};
};

TEST(Slab, ManyObjectsKeepApart) {
  constexpr std::uint64_t kMany = 5000;  // several chunks in huge pages
  Slab<Thing> slab;
  std::vector<Slab<Thing>::Pointer> things;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    things.push_back(slab.make());
    ASSERT_EQ(things.back()->number, 7U);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(things.back().get()) % alignof(Thing), 0U);
    things.back()->number = i;
    things.back()->more = {i};
  }
  EXPECT_EQ(alive, static_cast<int>(kMany));
  for (std::uint64_t i = 0; i < kMany; ++i) {
    ASSERT_EQ(things[i]->number, i);
    ASSERT_EQ(things[i]->more, std::vector<std::uint64_t>{i});
  }
  things.clear();
  EXPECT_EQ(alive, 0);
}

TEST(Slab, ARoomIsUsedAgainAndTheObjectInItIsNew) {
  if (!kSlabChunks) GTEST_SKIP() << "AddressSanitizer: no room is used again";
  Slab<Thing> slab;
  std::vector<Slab<Thing>::Pointer> things;
  for (int i = 0; i < 10; ++i) things.push_back(slab.make());
  Thing* const third = things[2].get();
  Thing* const eighth = things[7].get();
  third->number = 99;
  third->more = {1, 2, 3};
  things[7].reset();
  things[2].reset();
  EXPECT_EQ(alive, 8);
  things[2] = slab.make();
  things[7] = slab.make();
  EXPECT_EQ(things[2].get(), third);
  EXPECT_EQ(things[7].get(), eighth);
  EXPECT_EQ(third->number, 7U);
  EXPECT_TRUE(third->more.empty());
}

}  // namespace
}  // namespace lastack
