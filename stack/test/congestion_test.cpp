// The congestion controllers by themselves: Reno's byte counting, CUBIC's function, what a timeout and an idle time do.
#include "stack/tcb/congestion.h"

#include <gtest/gtest.h>

namespace lastack {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kMss = 1000;

Congestion begun(CongestionControl kind, std::uint32_t cwnd, std::uint32_t ssthresh) {
  Config config;
  config.congestion = kind;
  Congestion c;
  c.begin(config, kMss, SeqNum(0));
  c.cwnd = cwnd;
  c.ssthresh = ssthresh;
  return c;
}

// One round trip in which the whole window is used, an ACK for each segment.
void round_trip(Congestion& c, Instant& now, Duration rtt, SeqNum& una) {
  const std::uint32_t segments = c.cwnd / kMss;
  c.sent(c.cwnd, una + segments * kMss);
  for (std::uint32_t i = 0; i < segments; ++i) {
    una += kMss;
    now += rtt / segments;
    c.acknowledged(una, {kMss, now, rtt});
  }
}

//= rfc5681 3.1
TEST(Reno, GrowsByOneSegmentInARoundTrip) {
  Congestion c = begun(CongestionControl::reno, 10 * kMss, 5 * kMss);
  Instant now{};
  SeqNum una(0xffff'fff0);
  for (std::uint32_t i = 1; i <= 20; ++i) {
    round_trip(c, now, 100ms, una);
    EXPECT_NEAR(c.cwnd, (10 + i) * kMss, kMss) << "round trip " << i;
  }
}

//= RFC5681-3.1-d
TEST(Reno, SplitAcksDoNotOpenTheWindowFasterInSlowStart) {
  Congestion c = begun(CongestionControl::reno, 10 * kMss, 100 * kMss);
  c.sent(10 * kMss, SeqNum(10 * kMss));
  for (std::uint32_t i = 1; i <= 10; ++i) c.acknowledged(SeqNum(100 * i), {100, Instant{}, 1ms});
  EXPECT_EQ(c.cwnd, 11 * kMss);
}

TEST(Reno, AWindowThatIsNotUsedDoesNotGrow) {
  Congestion c = begun(CongestionControl::reno, 10 * kMss, 100 * kMss);
  for (std::uint32_t i = 0; i < 50; ++i) {
    c.sent(kMss, SeqNum((i + 1) * kMss));
    c.acknowledged(SeqNum((i + 1) * kMss), {kMss, Instant{}, 1ms});
  }
  EXPECT_EQ(c.cwnd, 10 * kMss);
}

//= RFC5681-3.1-f
TEST(Reno, ATimeoutHalvesOnceForOneSegment) {
  Congestion c = begun(CongestionControl::reno, 20 * kMss, 100 * kMss);
  c.on_timeout(20 * kMss, true);
  EXPECT_EQ(c.ssthresh, 10 * kMss);
  EXPECT_EQ(c.cwnd, kMss);
  c.on_timeout(20 * kMss, false);
  EXPECT_EQ(c.ssthresh, 10 * kMss);
  c.on_timeout(kMss, true);
  EXPECT_EQ(c.ssthresh, 2 * kMss) << "never below two segments";
}

TEST(CubeRoot, IsTheLargestNumberWhoseCubeFits) {
  for (const std::uint64_t x : {0ULL, 1ULL, 2ULL, 7ULL, 1000ULL, 4217ULL, 1'388'888ULL}) {
    EXPECT_EQ(cube_root(x * x * x), x);
    if (x != 0) {
      EXPECT_EQ(cube_root(x * x * x - 1), x - 1);
    }
    EXPECT_EQ(cube_root(x * x * x + 1), x == 0 ? 1U : x);
  }
}

//= RFC9438-4.6-a
TEST(Cubic, LosesThreeTenths) {
  Congestion c = begun(CongestionControl::cubic, 100 * kMss, 200 * kMss);
  c.reduce(CongestionEvent::loss, 100 * kMss);
  EXPECT_EQ(c.ssthresh, 70 * kMss);
  EXPECT_EQ(c.cubic.w_max, 100 * kMss);
}

//= RFC9438-4.7-a
TEST(Cubic, ASecondLossBelowTheFormerMaximumLowersIt) {
  Congestion c = begun(CongestionControl::cubic, 100 * kMss, 200 * kMss);
  c.reduce(CongestionEvent::loss, 100 * kMss);
  c.cwnd = 80 * kMss;
  c.reduce(CongestionEvent::loss, 80 * kMss);
  EXPECT_EQ(c.cubic.w_max, 68 * kMss) << "80 * (1 + 0.7) / 2";
}

// W_max = 100 segments, K = cbrt(30 / 0.4) = 4.217 s: concave up to there, flat around it, convex beyond.
//= RFC9438-4.4-a
TEST(Cubic, FollowsItsFunction) {
  Congestion c = begun(CongestionControl::cubic, 100 * kMss, 200 * kMss);
  c.reduce(CongestionEvent::loss, 100 * kMss);
  c.cwnd = c.ssthresh + kMss;  // beyond slow start
  Instant now{};
  SeqNum una(0x7fff'fff0);
  const Duration rtt = 400ms;  // long enough for Reno to be slower
  const Instant begin = now;
  while (now - begin < 8s) {
    round_trip(c, now, rtt, una);
    const double t = std::chrono::duration<double>(now - begin).count();
    const double k = static_cast<double>(c.cubic.k_ms) / 1000;
    const double model = (0.4 * (t - k) * (t - k) * (t - k) + 100) * kMss;
    EXPECT_NEAR(c.cwnd, model, 0.04 * model) << "after " << t << " s";
  }
  EXPECT_NEAR(c.cubic.k_ms, 4170, 10) << "cbrt(29 / 0.4)";
  EXPECT_GT(c.cwnd, 110 * kMss);
}

//= RFC9438-4.3-a
TEST(Cubic, IsNoSlowerThanRenoOnShortPaths) {
  Congestion c = begun(CongestionControl::cubic, 20 * kMss, 200 * kMss);
  c.reduce(CongestionEvent::loss, 20 * kMss);
  c.cwnd = c.ssthresh + kMss;
  Instant now{};
  SeqNum una(0);
  // From 15 at alpha = 9/17 to 20, then at 1.
  for (int i = 0; i < 30; ++i) round_trip(c, now, 5ms, una);
  EXPECT_GE(c.cwnd, 38 * kMss);
  EXPECT_LE(c.cwnd, 42 * kMss);
}

//= RFC9438-4.2-a
TEST(Cubic, AnIdleTimeDoesNotCount) {
  Congestion c = begun(CongestionControl::cubic, 100 * kMss, 200 * kMss);
  c.reduce(CongestionEvent::loss, 100 * kMss);
  c.cwnd = c.ssthresh + kMss;
  Instant now{};
  SeqNum una(0);
  round_trip(c, now, 100ms, una);
  const std::uint32_t before_idle = c.cwnd;
  now += 60s;
  c.resume(now);
  round_trip(c, now, 100ms, una);
  EXPECT_LT(c.cwnd, before_idle + before_idle / 10) << "no jump to where 60 s would have led";
}

//= RFC9438-4.8-a
TEST(Cubic, AfterATimeoutTheMaximumIsWhereSlowStartEnds) {
  Congestion c = begun(CongestionControl::cubic, 100 * kMss, 200 * kMss);
  c.on_timeout(100 * kMss, true);
  EXPECT_EQ(c.ssthresh, 70 * kMss);
  EXPECT_EQ(c.cwnd, kMss);
  Instant now{};
  SeqNum una(0);
  while (c.cwnd <= c.ssthresh) round_trip(c, now, 100ms, una);
  round_trip(c, now, 100ms, una);
  EXPECT_EQ(c.cubic.k_ms, 0U);
}

//= rfc9438 4.9
TEST(Cubic, WhatWasNoLossIsUndone) {
  Congestion c = begun(CongestionControl::cubic, 100 * kMss, 200 * kMss);
  const CongestionMemory before = c.remember();
  c.reduce(CongestionEvent::loss, 100 * kMss);
  c.cwnd = c.ssthresh;
  c.restore(before);
  EXPECT_EQ(c.cwnd, 100 * kMss);
  EXPECT_EQ(c.ssthresh, 200 * kMss);
  EXPECT_EQ(c.cubic.w_max, 0U);
}

}  // namespace
}  // namespace lastack
