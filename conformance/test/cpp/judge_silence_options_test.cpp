// What honest stacks did in recorded traffic and was once held against them (false_alarms.py): SACK blocks, timestamps,
// MPTCP and urgent text.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_silence.h"

namespace lastack::test {

// Its TSecr was a claim when it came first, behind a gap of the capture; the second time it shows nothing new.
TEST(JudgeSilence, OldAckEchoesWhatWasDoubtedBefore) {
  Talk t;
  t.timestamps = true;
  t.a({.flags = "S", .seq = 100, .tweak = with_stamp(1000, 0)});
  t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_stamp(5000, 1000)});
  t.a({.seq = 101, .ack = 301, .tweak = with_stamp(1010, 5000)});
  t.a({.seq = 101, .ack = 301, .len = 10, .tweak = with_stamp(1010, 5000)});
  const auto late = with_stamp(5100, 1200);
  t.b({.seq = 701, .ack = 111, .len = 100, .tweak = late}).b({.seq = 801, .ack = 111, .len = 100, .tweak = late});
  t.a({.seq = 111, .ack = 901, .tweak = with_stamp(1220, 5100)}).b({.seq = 301, .ack = 111, .tweak = late});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, BlockAroundADuplicateReportIsAcknowledgedAlready) {
  Talk t;
  t.open(with_sack).a({.seq = 101, .ack = 301, .len = 50}).a({.seq = 201, .ack = 301, .len = 50});
  t.a({.seq = 151, .ack = 301, .len = 80});
  t.b({.seq = 301, .ack = 251, .tweak = two_blocks(201, 231, 201, 251)});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: what is older than a segment with a wrong echo was not sent after it.
TEST(JudgeSilence, ClockOfASegmentWithAWrongEcho) {
  Talk t;
  t.timestamps = true;
  t.open();
  for (std::uint32_t i = 0; i < 3; ++i)
    t.a({.seq = 101 + i * 10, .ack = 301, .len = 10, .tweak = with_stamp(2000 + i * 20, 500'020)});
  t.b({.seq = 301, .ack = 111, .tweak = with_stamp(600'000, 2040)});
  t.b({.seq = 301, .ack = 131, .tweak = with_stamp(600'050, 2000)});  // this echo is wrong
  t.b({.seq = 301, .ack = 121, .tweak = with_stamp(600'020, 2040)});  // and this overtaken
  EXPECT_TRUE(t.violates("timestamp-echo-goes-back")) << t.text();
  EXPECT_FALSE(t.violates("ack-goes-back")) << t.text();
}

// Found by the campaign: Linux acknowledges a FIN that was behind a hole before it clears its blocks.
TEST(JudgeSilence, BlocksUpToAFinThatIsAcknowledged) {
  for (const bool fin : {true, false}) {
    Talk t;
    t.open([](Segment& s) { s.options.sack_permitted = true; });
    t.b({.flags = "FA", .seq = 301, .ack = 101}).a({.seq = 101, .ack = 302, .len = 10});
    t.a({.seq = 121, .ack = 302, .len = 10}).a({.flags = fin ? "FA" : "A", .seq = 141, .ack = 302, .len = 10});
    const std::uint32_t end = fin ? 152 : 151;
    t.b({.seq = 302, .ack = 111, .tweak = two_blocks(141, end, 121, 131)});
    t.a({.seq = 111, .ack = 302, .len = 30}).b({.seq = 302, .ack = end, .tweak = two_blocks(141, end, 121, 131)});
    EXPECT_EQ(violations(t), fin ? 0 : 1) << t.text();
  }
}

// Found by the pairs of stacks: a SACK block stands before the text that it reports, which carries a FIN.
TEST(JudgeSilence, BlockBeforeTheTextWithAFin) {
  const auto block = [](Segment& s) {
    s.options.sack_count = 1;
    s.options.sack[0] = {SeqNum(111), SeqNum(121)};
  };
  for (const bool soon : {true, false}) {
    Talk t;
    t.open(with_sack).a({.seq = 101, .ack = 301});
    t.gap = std::chrono::microseconds(100);
    t.b({.seq = 301, .ack = 101, .tweak = block});
    for (int i = 0; i < (soon ? 0 : 5); ++i) t.from_port(4001).open().from_port(4000);
    if (!soon) t.wait(std::chrono::milliseconds(20));
    t.a({.flags = "FA", .seq = 111, .ack = 301, .len = 10}).b({.seq = 301, .ack = 101, .tweak = block});
    EXPECT_EQ(violations(t) != 0, !soon) << t.text();
  }
}

// Found by the campaign: a sampled capture, in which the FIN is missing as well as much of the text.
TEST(JudgeSilence, BlocksWithTheAckOfAFinThatIsMissing) {
  const auto blocks = [](Segment& s) {
    s.options.sack_count = 2;
    s.options.sack[0] = {SeqNum(121), SeqNum(131)};
    s.options.sack[1] = {SeqNum(101), SeqNum(111)};
  };
  for (const bool sampled : {true, false}) {
    Talk t;
    t.open(with_sack).a({.seq = 101, .ack = 301, .len = 20});
    if (!sampled) t.a({.seq = 121, .ack = 301, .len = 20});
    t.a({.seq = 141, .ack = 301}).b({.seq = 301, .ack = 141, .len = 5});
    t.b({.seq = 306, .ack = 141, .tweak = blocks});
    EXPECT_EQ(t.violates("sack-block-below-ack"), !sampled) << t.text();
  }
}

// Found by the campaign: with MPTCP the window of the header is no edge for the subflow.
TEST(JudgeSilence, WindowOfMptcp) {
  for (const bool mptcp : {true, false}) {
    Talk t;
    const auto option = [mptcp](std::vector<std::byte>& p) {
      if (mptcp) p[kIpv4HeaderSize + 22] = std::byte{30};
      fix_checksum(p);
    };
    t.timestamps = true;
    t.gap = std::chrono::milliseconds(300);
    t.a({.flags = "S", .seq = 100, .raw = option})
        .b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 500, .raw = option});
    t.a({.seq = 101, .ack = 301}).a({.seq = 101, .ack = 301, .len = 400}).b({.seq = 301, .ack = 501, .wnd = 100});
    t.a({.seq = 501, .ack = 301, .len = 124})
        .b({.seq = 301, .ack = 501, .wnd = 100})
        .b({.seq = 301, .ack = 501, .wnd = 100});
    EXPECT_EQ(t.violates("data-beyond-window"), !mptcp) << t.text();
  }
}

// Found by the campaign: a card cut an urgent segment in two.
TEST(JudgeSilence, PiecesOfAnUrgentSegment) {
  const auto pointer = [](std::uint16_t up) { return [up](Segment& s) { s.urg = up; }; };
  for (const std::uint16_t second : {std::uint16_t{60}, std::uint16_t{61}}) {
    Talk t;
    t.open().a({.flags = "UPA", .seq = 141, .ack = 301, .len = 20, .tweak = pointer(20)});
    t.a({.flags = "FA", .seq = 161, .ack = 301}).b({.seq = 301, .ack = 101});
    t.a({.flags = "UA", .seq = 101, .ack = 301, .len = 30, .tweak = pointer(60)});
    t.a({.flags = "UPA", .seq = 131, .ack = 301, .len = 10, .tweak = pointer(second)});
    EXPECT_EQ(violations(t), second == 60 ? 0 : 1) << t.text();
  }
}

// Found by the campaign: the pieces of an urgent segment that is sent again come before the FIN, and out of order.
TEST(JudgeSilence, PiecesOfAnUrgentSegmentBeforeTheFin) {
  const auto pointer = [](std::uint16_t up) { return [up](Segment& s) { s.urg = up; }; };
  const auto piece = [&](Talk& t, std::uint32_t seq) {
    t.a({.flags = "UA", .seq = seq, .ack = 301, .len = 20, .tweak = pointer(60)});
  };
  for (const bool in_order : {true, false}) {
    Talk t;
    t.open();
    piece(t, in_order ? 101 : 121);
    piece(t, in_order ? 121 : 101);
    t.a({.flags = "UPA", .seq = 141, .ack = 301, .len = 20, .tweak = pointer(20)});
    t.a({.flags = "FA", .seq = 161, .ack = 301}).b({.seq = 301, .ack = 162});
    EXPECT_EQ(violations(t), 0) << t.text();
  }
  Talk lost;  // the first piece, before the tap; the last one carries the FIN
  lost.open().a({.flags = "UFA", .seq = 121, .ack = 301, .len = 20, .tweak = pointer(40)});
  lost.a({.flags = "UA", .seq = 101, .ack = 301, .len = 20, .tweak = pointer(40)}).b({.seq = 301, .ack = 142});
  EXPECT_EQ(violations(lost), 0) << lost.text();
}

// Found by the campaign: the receiver had dropped text again that it had reported, so that what filled no hole here
// lay beyond one there.
TEST(JudgeSilence, NewestBlockAfterTextWasDropped) {
  const auto block = [](std::uint32_t left, std::uint32_t right) {
    return [=](Segment& s) {
      s.options.sack_count = 1;
      s.options.sack[0] = {SeqNum(left), SeqNum(right)};
    };
  };
  Talk t(TapChoice::server);
  t.open(with_sack).a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
  t.a({.seq = 121, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111, .tweak = block(121, 131)});
  t.a({.seq = 111, .ack = 301, .len = 10}).b({.seq = 301, .ack = 121});  // 121 to 130 dropped
  t.a({.seq = 181, .ack = 301, .len = 10}).b({.seq = 301, .ack = 121, .tweak = block(181, 191)});
  t.a({.seq = 171, .ack = 301, .len = 10}).b({.seq = 301, .ack = 121, .tweak = block(171, 191)});
  t.a({.seq = 131, .ack = 301, .len = 10}).b({.seq = 301, .ack = 121, .tweak = two_blocks(131, 141, 171, 191)});
  EXPECT_FALSE(t.violates("sack-newest-first")) << t.text();
}

// Found by the pairs of stacks: the first block reports what is missing from the capture.
TEST(JudgeSilence, NewestBlockOfTextThatIsMissing) {
  for (const bool missing : {true, false}) {
    Talk t(TapChoice::server);
    t.open(with_sack).a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
    t.a({.seq = 121, .ack = 301, .len = 10}).a({.seq = 141, .ack = 301, .len = 10});
    t.a({.seq = 151, .ack = 301, .len = 10});
    const std::uint32_t first = missing ? 181 : 121;
    t.b({.seq = 301, .ack = 111, .tweak = two_blocks(first, first + 10, 141, 161)});
    EXPECT_EQ(t.violates("sack-newest-first"), !missing) << t.text();
  }
}

}  // namespace lastack::test
