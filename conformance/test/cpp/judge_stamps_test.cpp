// Timestamps (RFC 7323): one wrong stamp is found, in its own packet only, and what a path or the capture may have done
// to right ones accuses nobody.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_silence.h"

namespace lastack::test {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The packets that a rule convicts.
std::vector<std::uint64_t> convicted(Talk& t, const std::string& rule) {
  std::vector<std::uint64_t> packets;
  for (const Finding& f : t.findings()) {
    if (f.verdict == Verdict::violated && f.rule->id == rule) packets.push_back(f.packet);
  }
  return packets;
}

using Packets = std::vector<std::uint64_t>;

// A SYN with TSval 1000, and an answer that echoes `echo` after `delay`; the clock of the SYN's sender ticks in
// milliseconds.
void answer_to_syn(Talk& t, std::uint32_t echo, Duration delay = milliseconds(10)) {
  t.gap = delay;
  t.a({.flags = "S", .seq = 100, .tweak = with_stamp(1'000'000, 0)});
  t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_stamp(5000, echo)});
  const auto passed = static_cast<std::uint32_t>(2 * std::chrono::duration_cast<milliseconds>(delay).count());
  t.a({.seq = 101, .ack = 301, .tweak = with_stamp(1'000'000 + passed, 5000)});
}

}  // namespace

TEST(JudgeStamps, SynAckEchoesItsSyn) {
  for (const std::uint32_t wrong : {0U, 999'999U, 1'000'001U, 1'900'000'000U}) {
    Talk t;
    answer_to_syn(t, wrong);
    EXPECT_EQ(convicted(t, "timestamp-echo-unsent"), Packets{2}) << t.text();
    EXPECT_EQ(violations(t), 1);
  }
  Talk right;
  answer_to_syn(right, 1'000'000);
  EXPECT_EQ(right.text(), "");
}

// Another SYN of the same attempt may be missing: sent before the capture began, or since the one that is there.
TEST(JudgeStamps, SynAckMayEchoAnUnseenSyn) {
  Talk earlier;
  answer_to_syn(earlier, 999'000);
  Talk later;
  answer_to_syn(later, 1'001'000, milliseconds(1020));
  for (Talk* t : {&earlier, &later}) {
    EXPECT_EQ(violations(*t), 0) << t->text();
    EXPECT_TRUE(t->finds("timestamp-echo-unsent", Verdict::inconclusive)) << t->text();
  }
}

// An older connection of the same ports answers the SYN; after the reset it is sent again at once, which is missing.
TEST(JudgeStamps, SynAgainAfterAResetIsMissing) {
  for (const bool older : {true, false}) {
    Talk t;
    t.a({.flags = "S", .seq = 100, .tweak = with_stamp(1'000'000, 0)});
    if (older) t.b({.seq = 4'000'000'000, .ack = 77'000}).a({.flags = "R", .seq = 77'000});
    t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_stamp(5000, 1'000'026)});
    t.a({.seq = 101, .ack = 301, .tweak = with_stamp(1'000'050, 5000)});
    EXPECT_EQ(t.violates("timestamp-echo-unsent"), !older) << t.text();
  }
}

// Found by the campaign: of a simultaneous open the capture has only the SYN-ACKs, which were sent after the SYNs.
TEST(JudgeStamps, SynAckOfSimultaneousOpenMayEchoAnUnseenSyn) {
  Talk t;
  t.a({.flags = "SA", .seq = 100, .ack = 301, .tweak = with_stamp(1011, 5000)});
  t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_stamp(5011, 1000)});
  for (std::uint32_t i = 0; i < 4; ++i) {
    t.wait(milliseconds(200)).a({.seq = 101, .ack = 301, .tweak = with_stamp(1221 + 200 * i, 5011)});
  }
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeStamps, RepeatedSynsAreBothEchoed) {
  for (const std::uint32_t echo : {1000U, 2000U}) {
    Talk t;
    t.a({.flags = "S", .seq = 100, .tweak = with_stamp(1000, 0)}).wait(seconds(1));
    t.a({.flags = "S", .seq = 100, .tweak = with_stamp(2000, 0)});
    t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_stamp(5000, echo)});
    t.a({.seq = 101, .ack = 301, .tweak = with_stamp(2020, 5000)});
    EXPECT_EQ(violations(t), 0) << t.text();
  }
}

// Below even the first TSval of the peer, which it has echoed already.
TEST(JudgeStamps, EchoFallsBelowTheFirst) {
  for (const std::uint32_t echo : {1000U, 20U}) {
    Talk t;
    t.timestamps = true;
    t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
    t.b({.seq = 301, .ack = 111, .len = 10, .tweak = with_stamp(600'000, echo)});
    EXPECT_EQ(convicted(t, "timestamp-echo-goes-back"), Packets{6}) << t.text();
  }
}

// Within one burst: the numbers show the order of sending where all that was sent is there, at the sender's own tap.
TEST(JudgeStamps, BurstAtItsOwnTap) {
  const auto burst = [](Talk& t, std::uint32_t value, std::uint32_t echo) {
    t.timestamps = true;
    t.open();
    t.gap = microseconds(2);
    t.b({.seq = 301, .ack = 101, .len = 10, .tweak = with_stamp(500'100, 1030)});
    t.b({.seq = 311, .ack = 101, .len = 10, .tweak = with_stamp(500'101, 1030)});
    t.b({.seq = 321, .ack = 101, .len = 10, .tweak = with_stamp(500'101, 1030)});
    t.b({.seq = 331, .ack = 101, .len = 10, .tweak = with_stamp(value, echo)});
    t.b({.seq = 341, .ack = 101, .len = 10, .tweak = with_stamp(500'101, 1030)});
  };
  struct Case {
    TapChoice tap;
    std::uint32_t value, echo;
    const char* rule;
  };
  for (const Case& k : {Case{TapChoice::server, 500'100, 1030, "timestamp-goes-back"},
                        Case{TapChoice::server, 500'101, 1029, "timestamp-echo-goes-back"}}) {
    Talk near(k.tap);
    burst(near, k.value, k.echo);
    EXPECT_EQ(convicted(near, k.rule), Packets{7}) << near.text();
    Talk far(TapChoice::path);
    burst(far, k.value, k.echo);
    EXPECT_EQ(violations(far), 0) << far.text();
  }
  Talk right(TapChoice::server);
  burst(right, 500'101, 1030);
  EXPECT_EQ(violations(right), 0) << right.text();
}

// A swap of neighbours in the capture shows in their numbers; a repetition may be the old packet.
TEST(JudgeStamps, SwappedOrRepeatedAtItsOwnTap) {
  for (const bool swapped : {true, false}) {
    Talk t(TapChoice::server);
    t.timestamps = true;
    t.open();
    t.gap = microseconds(2);
    t.b({.seq = 301, .ack = 101, .len = 10, .tweak = with_stamp(500'100, 1030)});
    t.b({.seq = swapped ? 321U : 311U, .ack = 101, .len = 10, .tweak = with_stamp(500'102, 1030)});
    t.b({.seq = swapped ? 311U : 301U, .ack = 101, .len = 10, .tweak = with_stamp(500'100, 1030)});
    EXPECT_EQ(violations(t), 0) << t.text();
  }
}

TEST(JudgeStamps, OneValueFarOff) {
  for (const std::uint32_t off : {1U << 30, 1U << 29, 0xc000'0000U, 0x8000'0000U}) {
    Talk t;
    t.timestamps = true;
    t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
    t.a({.seq = 111, .ack = 301, .len = 10, .tweak = [=](Segment& s) { s.options.timestamps->value += off; }});
    t.b({.seq = 301, .ack = 121, .tweak = with_stamp(500'100, 1040)});
    for (std::uint32_t i = 0; i < 4; ++i) t.a({.seq = 121 + 10 * i, .ack = 301, .len = 10});
    EXPECT_EQ(convicted(t, "timestamp-goes-back"), Packets{6}) << t.text();
    EXPECT_EQ(violations(t), 1) << t.text();
  }
}

// Its receiver echoes it, as it must.
TEST(JudgeStamps, ValueFarOffIsEchoed) {
  Talk t;
  t.timestamps = true;
  t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
  t.a({.seq = 111, .ack = 301, .len = 10, .tweak = with_stamp(1'080'000'000, 500'050)});
  t.b({.seq = 301, .ack = 121, .tweak = with_stamp(500'100, 1'080'000'000)});
  t.a({.seq = 121, .ack = 301, .len = 10, .tweak = with_stamp(1090, 500'100)});
  t.b({.seq = 301, .ack = 121, .tweak = with_stamp(500'120, 1'080'000'000)});
  for (const Finding& f : t.findings()) EXPECT_EQ(f.packet, 6U) << to_string(f);
}

// The clock jumps and stays there (a connection moved to another machine), or a SYN had no clock at all.
TEST(JudgeStamps, JumpThatLasts) {
  Talk t;
  t.timestamps = true;
  t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
  for (std::uint32_t i = 0; i < 4; ++i) {
    t.a({.seq = 111 + 10 * i, .ack = 301, .len = 10, .tweak = with_stamp(1'080'000'000 + i, 500'050)});
  }
  EXPECT_EQ(violations(t), 0) << t.text();
  Talk zero;
  zero.timestamps = true;
  zero.a({.flags = "S", .seq = 100, .tweak = with_stamp(0, 0)})
      .b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_stamp(500'020, 0)});
  for (std::uint32_t i = 0; i < 4; ++i) {
    zero.a({.seq = 101 + 10 * i, .ack = 301, .len = 10, .tweak = with_stamp(3'000'000'000 + i, 500'020)});
  }
  EXPECT_EQ(violations(zero), 0) << zero.text();
}

// A single stamp a little too high, or too low: it alone is wrong, not what follows it.
TEST(JudgeStamps, OneValueALittleOff) {
  for (const TapChoice tap : {TapChoice::path, TapChoice::client}) {
    for (const std::uint32_t off : {100'000U, 0xffff'ffe7U}) {  // the second is -25
      const auto wrong = [off](Segment& s) {
        s.options.timestamps->value = (SeqNum(s.options.timestamps->value) + off).raw();
      };
      Talk t(tap);
      t.timestamps = true;
      t.ids = tap == TapChoice::path;
      t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
      t.a({.seq = 111, .ack = 301, .len = 10, .tweak = wrong});
      for (std::uint32_t i = 0; i < 8; ++i) t.a({.seq = 121 + 10 * i, .ack = 301, .len = 10});
      EXPECT_EQ(convicted(t, "timestamp-goes-back"), Packets{6}) << off << t.text();
      EXPECT_EQ(violations(t), 1) << off << t.text();
    }
  }
}

// TSecr stays at the SYN's TSval for ever.
TEST(JudgeStamps, EchoThatIsNeverRenewed) {
  for (const bool frozen : {true, false}) {
    Talk t;
    t.timestamps = true;
    t.open();
    for (std::uint32_t i = 0; i < 6; ++i) {
      t.a({.seq = 101 + 10 * i, .ack = 301, .len = 10});
      t.b({.seq = 301, .ack = 111 + 10 * i, .tweak = [=](Segment& s) {
             if (frozen) s.options.timestamps->echo = 1010;
           }});
    }
    EXPECT_EQ(convicted(t, "timestamp-echo-stale"), frozen ? Packets{5} : Packets{}) << t.text();
    EXPECT_EQ(violations(t), frozen ? 1 : 0) << t.text();
  }
}

// RFC 7323 4.3: of segments acknowledged together the first one's is echoed, and before a hole nothing new.
TEST(JudgeStamps, EchoOfTheFirstUnacknowledged) {
  Talk t;
  t.timestamps = true;
  t.open();
  for (std::uint32_t i = 0; i < 6; ++i) {
    const std::uint32_t first = 2000 + 100 * i;
    t.a({.seq = 101 + 30 * i, .ack = 301, .len = 10, .tweak = with_stamp(first, 500'020)});
    t.a({.seq = 121 + 30 * i, .ack = 301, .len = 10, .tweak = with_stamp(first + 20, 500'020)});
    t.b({.seq = 301, .ack = 111 + 30 * i, .tweak = with_stamp(600'000 + 10 * i, first)});
    t.a({.seq = 111 + 30 * i, .ack = 301, .len = 10, .tweak = with_stamp(first + 10, 500'020)});
    t.b({.seq = 301, .ack = 131 + 30 * i, .tweak = with_stamp(600'005 + 10 * i, first + 10)});
  }
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Linux takes no timestamp of a segment that acknowledges less than another one before it.
TEST(JudgeStamps, EchoAfterTextWithAnOldAck) {
  Talk t;
  t.timestamps = true;
  t.open().b({.seq = 301, .ack = 101, .len = 20});
  for (std::uint32_t i = 0; i < 4; ++i) {
    const std::uint32_t seq = 101 + 20 * i;
    const std::uint32_t echo = i == 0 ? 500'040 : 600'000 + i - 1;
    t.a({.seq = seq + 10, .ack = 321 + 20 * i, .len = 10, .tweak = with_stamp(2010 + 20 * i, echo)});
    t.a({.seq = seq, .ack = 301 + 20 * i, .len = 10, .tweak = with_stamp(2000 + 20 * i, echo)});
    t.b({.seq = 321 + 20 * i, .ack = seq + 20, .len = 20, .tweak = with_stamp(600'000 + i, 1030)});
  }
  EXPECT_EQ(violations(t), 0) << t.text();
}

// The capture lacks the first copy of the text, which is what was echoed.
TEST(JudgeStamps, EchoOfACopyThatIsMissing) {
  Talk t;
  t.timestamps = true;
  t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
  t.a({.seq = 111, .ack = 301, .len = 10, .tweak = with_stamp(1500, 500'050)});
  t.b({.seq = 301, .ack = 121, .tweak = with_stamp(500'500, 1070)});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Never used after both SYNs had it: a box may be to blame, but not at that end's own tap.
TEST(JudgeStamps, NeverUsedAfterTheSyns) {
  for (const TapChoice tap : {TapChoice::client, TapChoice::server, TapChoice::infer}) {
    Talk t(tap);
    t.timestamps = true;
    const auto without = [](Segment& s) { s.options.timestamps.reset(); };
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101});
    t.a({.seq = 101, .ack = 301, .tweak = without}).a({.seq = 101, .ack = 301, .len = 10, .tweak = without});
    EXPECT_EQ(t.violates("timestamps-missing"), tap == TapChoice::client) << t.text();
    EXPECT_EQ(t.finds("timestamps-missing", Verdict::inconclusive), tap != TapChoice::client) << t.text();
  }
}

// A capture without a clock does not show whether weeks have passed.
TEST(JudgeStamps, WeeksMayHavePassedWhereNoClockRuns) {
  for (const bool clock : {true, false}) {
    Talk t;
    t.ids = true;
    t.gap = clock ? milliseconds(10) : milliseconds(0);
    t.a({.flags = "S", .seq = 100, .tweak = with_stamp(1, 0)});
    t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_stamp(1, 1)});
    t.a({.seq = 101, .ack = 301, .tweak = with_stamp(5, 1)});
    t.a({.seq = 101, .ack = 301, .len = 5, .tweak = with_stamp(2'246'400'010, 1)});
    t.b({.seq = 301, .ack = 106, .tweak = with_stamp(2'246'400'010, 2'246'400'010)});
    t.a({.seq = 106, .ack = 301, .len = 5, .tweak = with_stamp(2'246'400'020, 2'246'400'010)});
    EXPECT_EQ(t.violates("timestamp-goes-back"), clock) << t.text();
    EXPECT_EQ(violations(t) != 0, clock) << t.text();
  }
}

}  // namespace lastack::test
