// What honest stacks did in recorded traffic and was once held against them (false_alarms.py): what the path damaged
// and no checksum shows, what the capture cut, and what a network card put together.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_silence.h"

namespace lastack::test {

TEST(JudgeSilence, SegmentDamagedOnThePathAndSentAgain) {
  for (const std::size_t octet : {4U, 8U, 13U, 14U, 20U}) {  // numbers, flags, window, text
    Talk t;
    t.open().a({.seq = 101, .ack = 301, .len = 10, .raw = flipped(octet, 0x40)});
    t.a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
    EXPECT_EQ(violations(t), 0) << "octet " << octet << "\n" << t.text();
  }
}

TEST(JudgeSilence, EmptySegmentDamagedWhereThePathDamagesOthers) {
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 10, .raw = flipped(22, 1)}).a({.seq = 101, .ack = 301, .len = 10});
  t.b({.seq = 301, .ack = 111, .raw = flipped(14, 1)}).b({.seq = 301, .ack = 111});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, WrongChecksumThatWasAcknowledgedIsNoDamage) {
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 10, .raw = flipped(22, 1)}).b({.seq = 301, .ack = 111});
  EXPECT_TRUE(t.violates("checksum")) << t.text();
}

TEST(JudgeSilence, RepetitionOfADamagedSegmentIsMissingWithWhatFollows) {
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 10, .raw = flipped(22, 1)}).b({.seq = 301, .ack = 141});
  t.wait(std::chrono::milliseconds(20)).a({.seq = 151, .ack = 301, .len = 10});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: an ACK that the path had damaged, in a capture that kept three packets of ten.
TEST(JudgeSilence, WrongChecksumOfAnAckWhereThePathMayHaveDamagedIt) {
  const auto talk = [](bool complete) {
    Talk t;
    t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111, .raw = flipped(17, 0x2d)});
    for (int i = 0; i < 120; ++i) {
      const auto sent = static_cast<unsigned>(i) * 10;
      if (complete || i % 50 != 49) t.a({.seq = 111 + sent, .ack = 301, .len = 10});
      t.b({.seq = 301, .ack = 121 + sent});
    }
    return t;
  };
  EXPECT_TRUE(talk(true).violates("checksum"));
  Talk lacking = talk(false);
  EXPECT_EQ(violations(lacking), 0) << lacking.text();
}

TEST(JudgeSilence, RepetitionOfADamagedSegmentStandsBehindItsAck) {
  Talk t;
  t.open().a({.flags = "FA", .seq = 101, .ack = 301, .raw = flipped(14, 1)});
  t.b({.seq = 301, .ack = 102}).a({.flags = "FA", .seq = 101, .ack = 301});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, CutOptionsHideTheNewestTimestamp) {
  Talk t;
  t.timestamps = true;
  t.open();
  // The capture cut the options of the last text; an ACK sent before it arrives behind it.
  const auto cut_options = [](std::vector<std::byte>& p) { p.resize(kIpv4HeaderSize + kTcpHeaderSize); };
  t.b({.seq = 301, .ack = 101, .len = 3, .tweak = with_stamp(600'000, 1030), .raw = cut_options});
  t.b({.seq = 301, .ack = 101, .tweak = with_stamp(599'990, 1030)});
  // Its echo names the clock that was cut.
  t.a({.seq = 101, .ack = 304, .tweak = with_stamp(1100, 600'000)});
  t.b({.seq = 304, .ack = 101, .len = 3, .tweak = with_stamp(599'995, 1030)})
      .a({.seq = 101, .ack = 307, .tweak = with_stamp(1110, 599'995)});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, OneNumberAloneFarOffIsAMistakeStill) {
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111}).b({.seq = 301, .ack = 900'000'000});
  t.a({.seq = 111, .ack = 301, .len = 10}).b({.seq = 301, .ack = 121});
  EXPECT_TRUE(t.violates("ack-of-unsent-data")) << t.text();
}

TEST(JudgeSilence, ChecksumsThatANetworkCardFinishes) {
  for (const unsigned left : {0x0000U, 0xbeefU}) {
    Talk t;
    const auto unfinished = [=](std::vector<std::byte>& p) {
      store_be16(p.data() + kIpv4HeaderSize + 16, static_cast<std::uint16_t>(left));
    };
    t.a({.flags = "S", .seq = 100, .raw = unfinished}).b({.flags = "SA", .seq = 300, .ack = 101});
    t.a({.seq = 101, .ack = 301, .raw = unfinished}).a({.seq = 101, .ack = 301, .len = 10, .raw = unfinished});
    t.b({.seq = 301, .ack = 111});
    EXPECT_EQ(violations(t), 0) << t.text();
  }
}

// Found by the campaign: a number that the path damaged, in a segment that the capture cut, and all that came after.
TEST(JudgeSilence, WhatACutSegmentSaidMayHaveBeenDamaged) {
  const auto talk = [](Talk& t, bool damages, bool repeats) {
    t.ids = true;
    t.open();
    for (std::uint32_t i = 0; i < 9; ++i) t.b({.seq = 301 + i * 10, .ack = 101, .len = 10});
    if (damages) t.a({.seq = 101, .ack = 301, .raw = flipped(14, 1)});
    t.a({.seq = 101, .ack = 391, .len = 90, .cut = 100});
    if (repeats) t.a({.seq = 101, .ack = 391, .len = 90, .cut = 100});
    for (std::uint32_t i = 0; i < 4; ++i) t.b({.seq = 391 + i * 10, .ack = 191, .len = 10});
    t.a({.seq = 191, .ack = 381}).a({.seq = 191, .ack = 431});
  };
  Talk whole;
  talk(whole, false, false);
  EXPECT_TRUE(whole.violates("ack-goes-back")) << whole.text();
  Talk damaged;
  talk(damaged, true, false);
  EXPECT_FALSE(damaged.violates("ack-goes-back")) << damaged.text();
  Talk repeating;
  talk(repeating, false, true);
  EXPECT_FALSE(repeating.violates("ack-goes-back")) << repeating.text();
}

// Found by the campaign: the path flipped one bit of a number, and nothing else in the capture shows that it does so.
TEST(JudgeSilence, OneFlippedBitOfACutSegment) {
  constexpr std::uint32_t kIsn = 0x8000'0000;
  const auto talk = [](std::uint32_t seq, std::uint16_t cut) {
    Talk t;
    t.ids = true;
    t.a({.flags = "S", .seq = kIsn}).b({.flags = "SA", .seq = 300, .ack = kIsn + 1}).a({.seq = kIsn + 1, .ack = 301});
    t.a({.seq = seq, .ack = 301, .len = 90, .cut = cut});
    t.a({.seq = kIsn + 91 + cut, .ack = 301}).b({.seq = 301, .ack = kIsn + 1, .len = 10});
    return t.violates("before-isn");
  };
  EXPECT_TRUE(talk((kIsn + 1) ^ (1U << 31), 0));  // its checksum is right
  EXPECT_FALSE(talk((kIsn + 1) ^ (1U << 31), 100));
  EXPECT_TRUE(talk((kIsn + 1) ^ (3U << 30), 100));
  EXPECT_TRUE(talk(kIsn - 1023, 100));
}

TEST(JudgeSilence, OneFlippedBitInTheOptionsOfACutSegment) {
  for (const std::uint16_t cut : {std::uint16_t{0}, std::uint16_t{100}}) {
    Talk t;
    t.timestamps = true;
    const auto make_kind_65 = [cut](std::vector<std::byte>& p) {
      p[kIpv4HeaderSize + kTcpHeaderSize + 1] ^= std::byte{0x40};
      if (cut == 0) fix_checksum(p);
    };
    t.open().a({.seq = 101, .ack = 301, .len = 10, .raw = make_kind_65, .cut = cut}).b({.seq = 301, .ack = 111});
    EXPECT_EQ(t.violates("option-length"), cut == 0) << t.text();
  }
}

// Sizes are a network card's doing; what else is wrong with a large segment is not.
TEST(JudgeSilence, OnlyItsSizeIsExcusedOfALargeSegment) {
  Talk t;
  t.open([](Segment& s) { s.options.mss = 1460; });
  t.a({.seq = 101, .ack = 301, .len = 2000}).a({.seq = 2101, .ack = 301, .len = 2000});
  t.a({.seq = 40, .ack = 301, .len = 1999});
  EXPECT_TRUE(t.violates("before-isn")) << t.text();
  EXPECT_FALSE(t.violates("segment-over-mss")) << t.text();
}

TEST(JudgeSilence, NobodyIsAccusedOfAHeaderThatTheCaptureCut) {
  for (const bool cut : {false, true}) {
    Talk t;
    t.timestamps = true;
    const auto cut_options = [cut](std::vector<std::byte>& p) {
      if (cut) p.resize(kIpv4HeaderSize + kTcpHeaderSize + 4);
    };
    t.open().a({.seq = 40, .ack = 301, .len = 10, .raw = cut_options}).a({.seq = 101, .ack = 301, .len = 10});
    EXPECT_EQ(t.violates("before-isn"), !cut) << t.text();
    EXPECT_EQ(t.text().find("undecided: the capture cut its header") != std::string::npos, cut) << t.text();
  }
}

// Found by the campaign: a path damages many segments, and one of them so that its checksum is right by chance.
TEST(JudgeSilence, DamageThatTheChecksumMisses) {
  for (const std::uint32_t damaged : {1U, 12U}) {
    Talk t;
    t.timestamps = true;
    t.open();
    const auto flip = [](std::vector<std::byte>& p) { p.back() ^= std::byte{4}; };
    for (std::uint32_t i = 0; i < damaged; ++i) {
      t.a({.seq = 101 + i * 10, .ack = 301, .len = 10, .raw = flip}).a({.seq = 101 + i * 10, .ack = 301, .len = 10});
      t.b({.seq = 301, .ack = 111 + i * 10});
    }
    const auto misread = [](std::vector<std::byte>& p) {
      p[kIpv4HeaderSize + 20] = std::byte{5};  // a NOP
      fix_checksum(p);
    };
    t.a({.seq = 101 + damaged * 10, .ack = 301, .len = 10, .raw = misread});
    t.a({.seq = 101 + damaged * 10, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111 + damaged * 10});
    EXPECT_EQ(t.violates("option-length"), damaged == 1) << t.text();
  }
}

// Found by the campaign: two damaged ACKs, which nobody sends again; one of them out of order.
TEST(JudgeSilence, DamagedAcknowledgements) {
  for (const bool another : {true, false}) {
    Talk t;
    const auto flip = flipped(16, 0x2d);
    t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111, .raw = flip});
    for (std::uint32_t i = 1; i < 9; ++i) {
      t.a({.seq = 101 + i * 10, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111 + i * 10});
    }
    if (another) t.b({.seq = 300, .ack = 131, .raw = flip});
    t.b({.seq = 301, .ack = 191, .len = 3}).a({.seq = 191, .ack = 304});
    EXPECT_EQ(t.violates("checksum"), !another) << t.text();
  }
}

// Found by the campaign: loopback's packets are larger than segments, and one of them is missing.
TEST(JudgeSilence, IdentificationsAfterASegmentLargerThanTheMss) {
  Talk t;
  t.ids = true;
  t.open([](Segment& s) { s.options.mss = 1000; })
      .a({.seq = 101, .ack = 301, .len = 1500})
      .b({.seq = 301, .ack = 1601});
  t.skip_ids(0, 1);  // a FIN
  t.b({.flags = "FA", .seq = 301, .ack = 1602}).a({.seq = 1602, .ack = 302});
  EXPECT_FALSE(t.violates("unsent-sequence")) << t.text();
}

// Found in captures of others: a card put together what arrived, to sizes that are no multiple of anything.
TEST(JudgeSilence, SegmentsThatACardPutTogether) {
  for (const int large : {1, 2}) {
    Talk t;
    t.open([](Segment& s) { s.options.mss = 1460; })
        .a({.seq = 101, .ack = 301, .len = 2764})
        .b({.seq = 301, .ack = 2865});
    if (large == 2) t.a({.seq = 2865, .ack = 301, .len = 1624}).b({.seq = 301, .ack = 4489});
    EXPECT_EQ(t.violates("segment-over-mss"), large == 1) << t.text();
  }
}

TEST(JudgeSilence, CutSegmentThatIsSentAgainMayHaveBeenDamaged) {
  const auto reserved = [](std::vector<std::byte>& p) { p[kIpv4HeaderSize + 12] |= std::byte{2}; };
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 10, .raw = reserved, .cut = 100});
  t.a({.seq = 101, .ack = 301, .len = 10, .cut = 100}).b({.seq = 301, .ack = 211});
  EXPECT_EQ(violations(t), 0) << t.text();
  Talk once;
  once.open().a({.seq = 101, .ack = 301, .len = 10, .raw = reserved, .cut = 100}).b({.seq = 301, .ack = 211});
  EXPECT_TRUE(once.violates("reserved-bits")) << once.text();
}

// Found by the campaign: the path flipped one bit of the text, or of the flags, and the capture cut the segment.
TEST(JudgeSilence, OneBitOfACutSegment) {
  for (const char fill : {'y', 'w'}) {  // of 'x', one bit and four bits
    Talk t;
    t.open().a({.seq = 101, .ack = 301, .len = 10, .cut = 100});
    t.a({.seq = 101, .ack = 301, .len = 10, .fill = fill, .cut = 100}).b({.seq = 301, .ack = 211});
    EXPECT_EQ(t.violates("payload-changed"), fill == 'w') << t.text();
  }
  for (const std::uint16_t cut : {std::uint16_t{0}, std::uint16_t{100}}) {
    Talk t;
    t.open().a({.seq = 101, .ack = 301, .len = 110}).b({.seq = 301, .ack = 211});
    t.a({.flags = "SA", .seq = 101, .ack = 301, .len = 110U - cut, .cut = cut}).b({.seq = 301, .ack = 211});
    EXPECT_EQ(t.violates("isn-changed"), cut == 0) << t.text();
  }
}

// Found by the campaign: the only damage in a short capture is one flipped bit of an ACK, which is not sent again.
TEST(JudgeSilence, OneFlippedBitOfAnAckAlone) {
  for (const unsigned bits : {0x08U, 0x07U}) {
    Talk t;
    t.open().a({.seq = 101, .ack = 301, .len = 5}).b({.seq = 301, .ack = 106});
    t.a({.seq = 106, .ack = 301, .len = 5}).b({.seq = 301, .ack = 111, .raw = flipped(16, bits)});
    t.a({.flags = "FA", .seq = 111, .ack = 301}).b({.flags = "FA", .seq = 301, .ack = 112});
    t.a({.seq = 112, .ack = 302});
    EXPECT_EQ(t.violates("checksum"), bits == 0x07U) << t.text();
  }
}

}  // namespace lastack::test
