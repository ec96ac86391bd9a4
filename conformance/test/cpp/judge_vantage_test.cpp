// Where the tap was: inferred from times, checksums and hop limits, given by the caller, and what it means for rules
// that are sound at an endpoint's own tap only.
#include <gtest/gtest.h>

#include "conformance/judge/vantage.h"
#include "conformance/test/cpp/judge_talk.h"

namespace lastack::test {

namespace {

TapDecision infer(const TapEvidence& first, const TapEvidence& second) {
  const TapEvidence ends[2] = {first, second};
  return infer_tap(ends, ends);
}

TEST(Vantage, QuickReactionsOfOneEndOnly) {
  EXPECT_EQ(infer({.fast = 10, .slow = 2}, {.slow = 8}).tap, Tap::at_first);
  EXPECT_EQ(infer({.slow = 8}, {.fast = 10}).tap, Tap::at_second);
}

TEST(Vantage, BothQuickIsALan) { EXPECT_EQ(infer({.fast = 10}, {.fast = 10}).tap, Tap::unknown); }

TEST(Vantage, BothSlowIsThePath) { EXPECT_EQ(infer({.slow = 10}, {.slow = 10}).tap, Tap::path); }

TEST(Vantage, OneHandshakeIsNotEnough) { EXPECT_EQ(infer({.fast = 1}, {.slow = 1}).tap, Tap::unknown); }

TEST(Vantage, ChecksumsNeedASecondWitness) {
  EXPECT_EQ(infer({.offloaded = 9}, {.summed = 9}).tap, Tap::unknown);
  EXPECT_EQ(infer({.offloaded = 9, .first_hop = 20}, {.summed = 9, .later_hop = 20}).tap, Tap::at_first);
}

TEST(Vantage, BothEndsOnOneMachine) {
  EXPECT_EQ(infer({.offloaded = 9, .first_hop = 20}, {.offloaded = 9, .first_hop = 20}).tap, Tap::unknown);
}

TEST(Vantage, PacketsThatHaveTravelledAreNotAtHome) {
  EXPECT_EQ(infer({.fast = 10, .later_hop = 20}, {.slow = 9, .first_hop = 3}).tap, Tap::unknown);
  EXPECT_EQ(infer({.fast = 10, .first_hop = 20, .lost_behind = 4}, {.slow = 9}).tap, Tap::unknown);
}

// The ACK falls in a late packet: the client's own tap shows it to be wrong, the path does not.
void falling_ack(Talk& t) {
  t.open();
  for (std::uint32_t i = 0; i < 4; ++i)
    t.b({.seq = 301 + i * 10, .ack = 101, .len = 10}).a({.seq = 101, .ack = 311 + i * 10});
  for (std::uint32_t i = 0; i < 4; ++i) t.b({.seq = 341 + i * 10, .ack = 101, .len = 10});
  t.a({.seq = 101, .ack = 321});
}

TEST(Vantage, OrderIsJudgedAtTheEndsOwnTap) {
  Talk near(TapChoice::client);
  falling_ack(near);
  EXPECT_TRUE(near.violates("ack-goes-back")) << near.text();
  EXPECT_NE(near.text().find("tap at the client: given"), std::string::npos) << near.text();
  for (const TapChoice tap : {TapChoice::infer, TapChoice::server, TapChoice::path}) {
    Talk far(tap);
    falling_ack(far);
    EXPECT_FALSE(far.violates("ack-goes-back")) << far.text();
  }
}

TEST(Vantage, NeighboursMayHaveBeenSwapped) {
  Talk t(TapChoice::client);
  t.gap = std::chrono::milliseconds(1);
  t.open().b({.seq = 301, .ack = 101, .len = 10}).b({.seq = 311, .ack = 101, .len = 10});
  t.a({.seq = 101, .ack = 321}).a({.seq = 101, .ack = 311});
  EXPECT_EQ(t.text(), "");
}

TEST(Vantage, InferredFromTheWholeCapture) {
  Talk t;
  t.open();
  for (std::uint32_t i = 0; i < 6; ++i) {  // the client answers at once, the server after 20 ms
    t.gap = std::chrono::milliseconds(20);
    t.b({.seq = 301 + i * 10, .ack = 101 + i, .len = 10});
    t.gap = std::chrono::microseconds(100);
    t.a({.seq = 101 + i, .ack = 311 + i * 10, .len = 1});
  }
  t.findings();
  const auto reports = t.judge.take_connections();
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].tap.tap, Tap::at_first) << reports[0].tap.why;
}

// Found by the campaign: what passes twice has perhaps arrived when it passes again.
TEST(Vantage, WhatComesAgainTellsNotHowSoonItIsAnswered) {
  for (const bool again : {true, false}) {
    Talk t;
    t.open();
    for (std::uint32_t i = 0; i < 6; ++i) {
      t.gap = std::chrono::milliseconds(20);
      t.b({.seq = 301 + i * 10, .ack = 101 + i, .len = 10});
      if (again) t.b({.seq = 301 + i * 10, .ack = 101 + i, .len = 10});
      t.gap = std::chrono::microseconds(100);
      t.a({.seq = 101 + i, .ack = 311 + i * 10, .len = 1});
    }
    t.findings();
    const auto reports = t.judge.take_connections();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].tap.tap, again ? Tap::unknown : Tap::at_first) << reports[0].tap.why;
  }
}

TEST(Vantage, AGapLeavesAMissingReplyOpen) {
  Talk t(TapChoice::server);
  t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 131});  // 20 octets were never captured
  for (int i = 0; i < 3; ++i) t.wait(std::chrono::seconds(2)).a({.flags = "R", .seq = 150});
  t.wait(std::chrono::seconds(2)).b({.seq = 301, .ack = 131, .len = 3});
  EXPECT_FALSE(t.violates("challenge-missing")) << t.text();
}

// The capture began with the SYN and lost the rest of the handshake.
TEST(Vantage, AResetAfterAGapMayAnswerAnything) {
  Talk t;
  t.a({.flags = "S", .seq = 100}).b({.flags = "R", .seq = 4711});
  EXPECT_FALSE(t.violates("reset-of-syn")) << t.text();
}

TEST(Profile, KnowsItsNamesAndRanges) {
  Profile p;
  EXPECT_TRUE(set_profile_value(p, "minimum_rto", 0.2));
  EXPECT_EQ(p.minimum_rto, std::chrono::milliseconds(200));
  EXPECT_FALSE(set_profile_value(p, "minimum_rto", -1));
  EXPECT_FALSE(set_profile_value(p, "ack_delay", 0.6));  // MUST-40 is no choice
  EXPECT_FALSE(set_profile_value(p, "minimum", 1));
}

// The server acknowledges each of four segments after so long.
void late_acks(Talk& t, std::chrono::milliseconds delay) {
  t.open();
  for (std::uint32_t i = 0; i < 4; ++i) {
    t.a({.seq = 101 + i * 10, .ack = 301, .len = 10}).wait(delay - t.gap).b({.seq = 301, .ack = 111 + i * 10});
  }
}

TEST(Vantage, LateAcksAreJudgedAtTheReceiversTap) {
  Talk late(TapChoice::server);
  late_acks(late, std::chrono::milliseconds(700));
  EXPECT_TRUE(late.violates("data-not-acknowledged")) << late.text();
  Talk timely(TapChoice::server);
  late_acks(timely, std::chrono::milliseconds(480));
  EXPECT_EQ(timely.text(), "");
  Talk far(TapChoice::client);
  late_acks(far, std::chrono::milliseconds(700));
  EXPECT_EQ(far.text(), "");
}

TEST(Profile, ABrokenPromiseIsANote) {
  Profile own;
  own.ack_delay = std::chrono::milliseconds(40);
  Talk t(TapChoice::server, own);
  late_acks(t, std::chrono::milliseconds(480));
  EXPECT_TRUE(t.notes("data-not-acknowledged")) << t.text();
  EXPECT_FALSE(t.violates("data-not-acknowledged")) << t.text();
}

TEST(Profile, MayRepeatASynSoonerOrMoreOftenAtFirst) {
  const auto unheard = [](const Profile& profile, const std::vector<double>& intervals) {
    Talk t(TapChoice::infer, profile);
    t.a({.flags = "S", .seq = 100});
    for (const double s : intervals) {
      t.wait(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s)) - t.gap);
      t.a({.flags = "S", .seq = 100});
    }
    return t.text();
  };
  const std::vector<double> linux65 = {1, 1, 1, 1, 1, 2, 4, 8};
  EXPECT_NE(unheard({}, linux65).find("syn-not-backed-off"), std::string::npos);
  Profile own;
  own.linear_timeouts = 4;
  EXPECT_EQ(unheard(own, linux65), "");
  EXPECT_NE(unheard(own, {1, 1, 1, 1, 1, 1, 1, 1}).find("syn-not-backed-off"), std::string::npos);
  const std::vector<double> hasty = {0.3, 0.6, 1.2};
  EXPECT_NE(unheard(own, hasty).find("syn-repeated-early"), std::string::npos);
  own.initial_rto = std::chrono::milliseconds(300);
  EXPECT_EQ(unheard(own, hasty), "");
}

TEST(Profile, SaysWhatIsTooEarly) {
  Profile own;
  own.minimum_rto = std::chrono::milliseconds(200);
  for (const bool promised : {false, true}) {
    Talk t(TapChoice::infer, promised ? own : Profile{});
    t.open().b({.seq = 301, .ack = 101, .len = 5});
    for (const int ms : {200, 400, 800}) {
      t.wait(std::chrono::milliseconds(ms)).b({.seq = 301, .ack = 101, .len = 5});
    }
    EXPECT_EQ(t.notes("rto-below-minimum"), !promised) << t.text();
  }
}

}  // namespace
}  // namespace lastack::test
