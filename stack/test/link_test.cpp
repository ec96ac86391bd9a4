// Links: what a seed decides, in which order packets arrive, and that every kind of damage happens at its rate.
#include "stack/sim/link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "stack/sim/trace_hash.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

Bytes bytes_of(const std::string& text) { return as_bytes(text.data(), text.size()); }
std::string text_of(Bytes b) { return {reinterpret_cast<const char*>(b.data()), b.size()}; }

std::string receive_all(Link& link, Instant until) {
  std::string all;
  while (const auto packet = link.receive(until)) all += text_of(*packet);
  return all;
}

TEST(Link, DeliversInOrderAfterTheDelay) {
  Link link({.delay = 10ms}, 1);
  const Instant start{};
  link.send(start, bytes_of("a"));
  link.send(start, bytes_of("b"));
  ASSERT_EQ(link.next_arrival(), start + 10ms);
  EXPECT_FALSE(link.receive(start + 10ms - 1ns));
  EXPECT_EQ(receive_all(link, start + 10ms), "ab");
  EXPECT_EQ(link.next_arrival(), std::nullopt);
  EXPECT_EQ(link.counts().delivered, 2U);
}

TEST(Link, ScriptedFatesComeBeforeChance) {
  Link link({.loss_ppm = 1'000'000, .reorder_delay = 5ms}, 1);
  for (const Fate fate : {Fate::hold_back, Fate::duplicate, Fate::lose, Fate::deliver}) link.script(fate);
  for (const char* name : {"a", "b", "c", "d", "e"}) link.send(Instant{}, bytes_of(name));
  EXPECT_EQ(receive_all(link, Instant{} + 4ms), "bbd");
  EXPECT_EQ(receive_all(link, Instant{} + 5ms), "a");
  EXPECT_EQ(link.counts().lost, 2U) << "c by the script, e by the rate";
}

TEST(Link, CorruptionChangesExactlyOneOctet) {
  Link link({.corrupt_ppm = 1'000'000}, 7);
  const std::string original(100, 'x');
  link.send(Instant{}, bytes_of(original));
  const std::string damaged = receive_all(link, Instant{});
  ASSERT_EQ(damaged.size(), original.size());
  EXPECT_EQ(std::count(damaged.begin(), damaged.end(), 'x'), 99);
}

TEST(Link, TheRateSpacesPackets) {
  Link link({.rate_bps = 8000}, 1);  // one octet each millisecond
  link.send(Instant{}, bytes_of("0123456789"));
  link.send(Instant{}, bytes_of("abc"));
  ASSERT_EQ(link.next_arrival(), Instant{} + 10ms);
  EXPECT_EQ(receive_all(link, Instant{} + 12ms), "0123456789");
  EXPECT_EQ(receive_all(link, Instant{} + 13ms), "abc");
}

TEST(Link, AFullQueueAndABlackHoleLosePackets) {
  Link link({.rate_bps = 8000, .queue_octets = 15, .mtu = 12}, 1);
  EXPECT_EQ(link.send(Instant{}, bytes_of("0123456789")), Fate::deliver);
  EXPECT_EQ(link.send(Instant{}, bytes_of("0123456789")), Fate::lose);
  EXPECT_EQ(link.send(Instant{}, bytes_of("0123456789abc")), Fate::lose);
  EXPECT_EQ(link.counts().queue_full, 1U);
  EXPECT_EQ(link.counts().too_big, 1U);
}

// Rates are those asked for, within five standard deviations.
TEST(Link, RatesAreThoseOfTheConfig) {
  Link link({.delay = 1ms, .loss_ppm = 50'000, .duplicate_ppm = 20'000, .reorder_ppm = 100'000, .reorder_delay = 3ms},
            42);
  for (int i = 0; i < 100'000; ++i) {
    link.send(Instant{}, bytes_of("x"));
    while (link.receive(Instant{} + 10ms)) {
    }
  }
  EXPECT_NEAR(static_cast<double>(link.counts().lost), 5000, 350);
  EXPECT_NEAR(static_cast<double>(link.counts().duplicated), 1900, 220);
  EXPECT_NEAR(static_cast<double>(link.counts().held_back), 9310, 470);
}

std::uint64_t hash_of_run(std::uint64_t seed) {
  Link link({.delay = 1ms, .jitter = 5ms, .loss_ppm = 100'000, .duplicate_ppm = 100'000, .corrupt_ppm = 100'000}, seed);
  TraceHash hash;
  for (int i = 0; i < 200; ++i) {
    link.send(Instant{} + i * 1ms, bytes_of("packet " + std::to_string(i)));
    while (const auto packet = link.receive(Instant{} + i * 1ms)) hash.add(*packet);
  }
  return hash.value();
}

TEST(Link, TheSeedDecidesEverything) {
  EXPECT_EQ(hash_of_run(5), hash_of_run(5));
  EXPECT_NE(hash_of_run(5), hash_of_run(6));
}

}  // namespace
}  // namespace lastack
