// What honest stacks did in recorded traffic and was once held against them (false_alarms.py): windows that move while
// ACKs are missing, and probes.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_silence.h"

namespace lastack::test {

TEST(JudgeSilence, CaptureBeginsWithAKeepAliveProbe) {
  Talk t;
  t.a({.seq = 100, .ack = 301}).b({.seq = 301, .ack = 101}).a({.seq = 101, .ack = 301}).b({.seq = 301, .ack = 101});
  t.a({.seq = 100, .ack = 301}).b({.seq = 301, .ack = 101}).a({.flags = "FA", .seq = 101, .ack = 301});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, AckBesideAWindowThatShrank) {
  Talk t;
  t.open().b({.seq = 301, .ack = 101, .wnd = 100}).a({.seq = 101, .ack = 301, .len = 60});
  // 40 octets more were sent and not captured; the window shrinks to nothing, and the sender stays inside it.
  t.a({.seq = 201, .ack = 301}).b({.seq = 301, .ack = 161, .wnd = 0}).b({.seq = 301, .ack = 161, .len = 20, .wnd = 0});
  t.a({.seq = 161, .ack = 321});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, AckThatOpensTheWindowStandsBehindAnOlderOne) {
  Talk t;
  t.gap = std::chrono::microseconds(50);
  t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 100}).a({.seq = 101, .ack = 301});
  t.a({.seq = 101, .ack = 301, .len = 100});
  t.a({.seq = 201, .ack = 301, .len = 50});  // stands before both ACKs, whose order is that of sending
  t.b({.seq = 301, .ack = 151, .wnd = 80}).b({.seq = 301, .ack = 201, .wnd = 100});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: the ACK of the last text is missing, and a capture without times does not show how long after
// it the keep-alive came.
TEST(JudgeSilence, KeepAliveInACaptureWithoutTimes) {
  for (const bool times : {true, false}) {
    Talk t;
    if (!times) t.gap = Duration::zero();
    t.timestamps = true;
    t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 300, .ack = 111}).a({.seq = 111, .ack = 301, .len = 10});
    EXPECT_EQ(t.violates("ack-sequence"), times) << t.text();
  }
}

// Found by the campaign: of two SYN-ACKs the capture lacks the first, and the keep-alive after a second looks like the
// answer to the other one.
TEST(JudgeSilence, KeepAliveBehindARepeatedSynAck) {
  const auto talk = [](bool timestamps, Duration later, std::uint32_t echo) {
    Talk t;
    t.timestamps = timestamps;
    const auto stamped = [=](Segment& s) {
      if (timestamps) s.options.timestamps = Timestamps{2000, echo};
    };
    t.a({.flags = "S", .seq = 100}).wait(later).b({.flags = "SA", .seq = 300, .ack = 101});
    t.a({.seq = 100, .ack = 301, .tweak = stamped}).a({.seq = 101, .ack = 301});
    return t.violates("handshake-ack-sequence");
  };
  EXPECT_TRUE(talk(true, {}, 500'020));
  EXPECT_FALSE(talk(true, {}, 499'000));  // of a SYN-ACK before
  EXPECT_TRUE(talk(false, {}, 0));
  EXPECT_FALSE(talk(false, std::chrono::milliseconds(1020), 0));
  EXPECT_FALSE(talk(false, -std::chrono::hours(1), 0));  // the clock was set back
}

// Found by the campaign: with MPTCP Linux sends past the subflow's window, and numbers its ACKs at that window's end.
TEST(JudgeSilence, NumbersInsideAWindowThatOptionsChange) {
  for (const bool mptcp : {true, false}) {
    Talk t;
    t.timestamps = true;
    const auto kind_30 = [mptcp](std::vector<std::byte>& p) {
      if (!mptcp) return;
      constexpr std::size_t kKindOfTimestamps = kIpv4HeaderSize + 22;
      p[kKindOfTimestamps] = std::byte{30};
      fix_checksum(p);
    };
    t.a({.flags = "S", .seq = 100, .raw = kind_30}).b({.flags = "SA", .seq = 300, .ack = 101, .raw = kind_30});
    t.a({.seq = 101, .ack = 301}).a({.seq = 101, .ack = 301, .len = 50}).a({.seq = 151, .ack = 301, .len = 50});
    t.b({.seq = 301, .ack = 201, .len = 10}).a({.seq = 151, .ack = 311});
    EXPECT_EQ(violations(t), mptcp ? 0 : 1) << t.text();
  }
}

// Found by the campaign: a filter let only text through, and the window update was an empty segment.
TEST(JudgeSilence, WindowUpdateThatAFilterLeftOut) {
  for (const bool filtered : {true, false}) {
    Talk t;
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 600});
    if (!filtered) t.a({.seq = 101, .ack = 301});
    for (std::uint32_t i = 0; i < 30; ++i) {
      t.a({.seq = 101 + i * 10, .ack = 301 + i, .len = 10});
      t.b({.seq = 301 + i, .ack = 111 + i * 10, .len = 1, .wnd = static_cast<std::uint16_t>(600 - i * 10)});
      if (!filtered) t.a({.seq = 111 + i * 10, .ack = 302 + i});
    }
    t.a({.seq = 401, .ack = 331, .len = 400}).wait(std::chrono::milliseconds(300));
    t.b({.seq = 331, .ack = 401, .len = 1, .wnd = 310}).b({.seq = 332, .ack = 401, .len = 1, .wnd = 310});
    EXPECT_EQ(violations(t), filtered ? 0 : 1) << t.text();
  }
}

// Found by the campaign: the ACKs that had opened the window are missing, and the receiver shut it without notice.
TEST(JudgeSilence, WindowShutAfterAGap) {
  for (const bool gap : {true, false}) {
    Talk t;
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 200}).a({.seq = 101, .ack = 301});
    if (!gap) t.a({.seq = 101, .ack = 301, .len = 100});
    t.a({.seq = 201, .ack = 301, .len = 100})
        .b({.seq = 301, .ack = 301, .wnd = 0})
        .a({.seq = 301, .ack = 301, .len = 100});
    t.wait(std::chrono::milliseconds(50)).b({.seq = 301, .ack = 301, .wnd = 0}).b({.seq = 301, .ack = 301, .wnd = 0});
    EXPECT_EQ(t.violates("data-beyond-window"), !gap) << t.text();
  }
}

// Found by the campaign: a filter left out all empty segments, so the ACKs that had opened the window, and what came
// back was an offer of less. The sender repeats from beyond the last ACK seen: it had another.
TEST(JudgeSilence, WindowTakenBackWhereAcksAreMissing) {
  for (const std::uint32_t repeated : {101U, 501U, 701U}) {  // 701: a probe of the tail
    Talk t;
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 200}).a({.seq = 101, .ack = 301});
    for (const std::uint32_t seq : {101U, 301U, 501U, 701U}) t.a({.seq = seq, .ack = 301, .len = 200});
    t.wait(std::chrono::milliseconds(200)).a({.seq = repeated, .ack = 301, .len = 200});
    t.b({.seq = 301, .ack = 501, .wnd = 200}).b({.seq = 301, .ack = 501, .wnd = 200});
    EXPECT_EQ(t.violates("data-beyond-window"), repeated != 501) << repeated << t.text();
  }
}

// Found by the campaign: the path shuffles, so that the zero window comes after the one that opens it.
TEST(JudgeSilence, NumbersInsideAZeroWindowThatWasOvertaken) {
  for (const std::uint16_t wnd : {std::uint16_t{0}, std::uint16_t{1000}}) {
    Talk t;
    t.timestamps = true;
    t.a({.flags = "S", .seq = 100, .wnd = 10}).b({.flags = "SA", .seq = 300, .ack = 101});
    t.a({.seq = 101, .ack = 301, .wnd = 10}).b({.seq = 301, .ack = 101, .len = 10});
    t.a({.seq = 101, .ack = 311, .wnd = wnd}).a({.seq = 101, .ack = 311, .wnd = 2000});
    t.b({.seq = 311, .ack = 101, .len = 10}).a({.seq = 101, .ack = 321, .len = 5, .wnd = 2000});
    t.b({.seq = 311, .ack = 106}).b({.seq = 321, .ack = 106});
    EXPECT_EQ(t.violates("ack-sequence"), wnd != 0) << t.text();
  }
}

// Found by the campaign: the receiver had taken back a part of its window, and the sender stayed inside it.
TEST(JudgeSilence, NumbersInsideAWindowThatWasTakenBack) {
  for (const std::uint16_t then : {std::uint16_t{50}, std::uint16_t{200}}) {
    Talk t;
    t.timestamps = true;
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 200}).a({.seq = 101, .ack = 301});
    t.a({.seq = 101, .ack = 301, .len = 50}).b({.seq = 301, .ack = 101, .wnd = then});
    t.a({.seq = 151, .ack = 301, .len = 50}).b({.seq = 301, .ack = 201, .len = 10, .wnd = 500});
    t.a({.seq = 151, .ack = 311});
    EXPECT_EQ(t.violates("ack-sequence"), then == 200) << t.text();
  }
}

TEST(JudgeSilence, CaptureBeginsWithKeepAlivesOnly) {
  Talk t;
  for (int i = 0; i < 6; ++i) t.wait(std::chrono::seconds(1)).a({.seq = 100, .ack = 301}).b({.seq = 301, .ack = 101});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: an ACK numbered at the edge of the window, behind which the FIN lies, stands before both.
TEST(JudgeSilence, AckBeforeAFinThatTheWindowHasNoRoomFor) {
  for (const std::size_t len : {10U, 11U}) {
    Talk t;
    t.gap = std::chrono::microseconds(200);
    t.open().b({.seq = 301, .ack = 101, .wnd = 10});
    t.a({.seq = 111, .ack = 301}).a({.flags = "FA", .seq = 101, .ack = 301, .len = len});
    t.b({.seq = 301, .ack = 102 + static_cast<std::uint32_t>(len), .wnd = 10});
    EXPECT_EQ(t.violates("unsent-sequence"), len == 11) << t.text();
  }
}

// Found by the campaign: both ends probe, and the FIN crosses the answer to a probe. A probe of its own is no answer.
TEST(JudgeSilence, FinThatCrossesTheAnswerToAProbe) {
  for (const bool quiet : {true, false}) {
    Talk t;
    t.open().a({.seq = 101, .ack = 301, .len = 5}).b({.seq = 301, .ack = 106});
    t.wait(std::chrono::seconds(1)).a({.seq = 105, .ack = 301}).b({.seq = 300, .ack = 106});
    if (quiet) t.a({.seq = 106, .ack = 301});
    t.a({.flags = "FA", .seq = 106, .ack = 301}).b({.seq = 301, .ack = 106});
    t.b({.flags = "FA", .seq = 301, .ack = 107}).a({.seq = 107, .ack = 302});
    EXPECT_EQ(violations(t), 0) << t.text();
  }
}

TEST(JudgeSilence, WindowOfAnAckOfMissingText) {
  Talk t;
  t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 1500}).a({.seq = 101, .ack = 301});
  t.a({.seq = 101, .ack = 301, .len = 500}).b({.seq = 301, .ack = 601, .wnd = 1000});
  t.b({.seq = 301, .ack = 1601, .wnd = 2000});  // of what is missing
  for (std::uint32_t i = 0; i < 4; ++i) t.a({.seq = 1601 + 500 * i, .ack = 301, .len = 500});
  t.b({.seq = 301, .ack = 1601, .wnd = 500}).b({.seq = 301, .ack = 1601, .wnd = 0});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, TextBeyondTheWindowAcknowledgesWhatIsMissing) {
  Talk t;
  t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 1500}).a({.seq = 101, .ack = 301});
  t.a({.seq = 101, .ack = 301, .len = 500}).b({.seq = 301, .ack = 601, .wnd = 1000});
  t.a({.seq = 2101, .ack = 1301, .len = 500});  // the missing text of b opened the window
  t.b({.seq = 1301, .ack = 601, .wnd = 1200}).b({.seq = 1301, .ack = 601, .wnd = 1200});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, StaysInsideAWindowThatWasTakenBackAndOfferedAgain) {
  Talk t;
  t.timestamps = true;
  t.open().a({.seq = 101, .ack = 301, .len = 500}).b({.seq = 301, .ack = 601, .wnd = 5000});
  t.a({.seq = 2101, .ack = 301}).a({.seq = 2101, .ack = 301, .len = 500});  // 601 to 2100 were lost before the tap
  t.b({.seq = 301, .ack = 601, .wnd = 1000});
  t.a({.seq = 601, .ack = 301, .len = 500}).b({.seq = 301, .ack = 1101, .wnd = 5000});
  t.a({.seq = 1101, .ack = 301});  // sent before that ACK had come
  EXPECT_FALSE(t.violates("unsent-sequence")) << t.text();
}

}  // namespace lastack::test
