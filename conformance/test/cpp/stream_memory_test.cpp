// The ring that remembers what was sent: what it has forgotten it does not compare.
#include "conformance/judge/stream_memory.h"

#include <gtest/gtest.h>

#include <vector>

#include "conformance/test/cpp/judge_talk.h"

namespace lastack {
namespace {

std::vector<std::byte> octets(std::size_t count, unsigned value) { return {count, static_cast<std::byte>(value)}; }

TEST(StreamMemory, TheSameOctetsAgainAreNoDifference) {
  StreamBudget budget;
  StreamMemory memory;
  memory.remember(1000, octets(500, 7), 1, 500, budget);
  EXPECT_FALSE(memory.compare(1000, octets(500, 7)));
  EXPECT_FALSE(memory.compare(1200, octets(800, 7)));
}

TEST(StreamMemory, AnotherOctetNamesItsPlaceAndThePacket) {
  StreamBudget budget;
  StreamMemory memory;
  memory.remember(1000, octets(500, 7), 1, 500, budget);
  memory.remember(1500, octets(500, 8), 2, 1000, budget);
  auto changed = octets(400, 7);
  changed[399] = std::byte{9};
  const auto difference = memory.compare(1101, changed);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->at, 1500);
  EXPECT_EQ(difference->packet, 2U);
}

// A ring that grows keeps what it held; what had been overwritten before stays forgotten.
TEST(StreamMemory, ALargerRingDoesNotRememberWhatASmallerHadForgotten) {
  StreamBudget budget;
  StreamMemory memory;
  Position at = 1000;
  for (std::uint64_t packet = 1; packet <= 8; ++packet, at += 1448) {
    memory.remember(at, octets(1448, 7), packet, 1448, budget);
  }
  memory.remember(at, octets(1448, 7), 9, 100'000, budget);
  EXPECT_FALSE(memory.compare(1000, octets(1448, 7)));
  EXPECT_FALSE(memory.compare(1000 + 4 * 1448, octets(1448, 7)));
  EXPECT_TRUE(memory.compare(at - 1448, octets(1448, 9)));
}

// Nobody repeats anything any more: 20,000 closed connections must not hold their octets, nor use up the budget of
// others.
TEST(StreamMemory, IsGivenBackWhenBothFinsAreAcknowledged) {
  test::Talk t;
  t.open().a({"PA", 101, 301, 1000}).b({"A", 301, 1101}).a({"FA", 1101, 301}).b({"FA", 301, 1102});
  const std::size_t before = t.judge.memory();
  t.a({"A", 1102, 302});
  EXPECT_LE(t.judge.memory() + 1000, before);
}

TEST(StreamMemory, IsGivenBackAfterAReset) {
  test::Talk t;
  t.open().a({"PA", 101, 301, 1000});
  const std::size_t before = t.judge.memory();
  t.b({"RA", 301, 1101});
  EXPECT_LE(t.judge.memory() + 1000, before);
}

}  // namespace
}  // namespace lastack
