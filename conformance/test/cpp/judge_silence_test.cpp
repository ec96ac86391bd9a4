// What honest stacks did in recorded traffic and was once held against them (false_alarms.py): rebuilt segment by
// segment. The judge must not call any of it a violation; where packets may be missing it may say so.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_talk.h"
#include "stack/wire/checksum.h"

namespace lastack::test {

namespace {

int violations(Talk& t) {
  int n = 0;
  for (const Finding& f : t.findings()) n += f.verdict == Verdict::violated ? 1 : 0;
  return n;
}

std::function<void(std::vector<std::byte>&)> flipped(std::size_t octet, unsigned bits) {
  return [=](std::vector<std::byte>& p) { p[kIpv4HeaderSize + octet] ^= static_cast<std::byte>(bits); };
}

std::function<void(Segment&)> two_blocks(std::uint32_t l1, std::uint32_t r1, std::uint32_t l2, std::uint32_t r2) {
  return [=](Segment& s) {
    s.options.sack_count = 2;
    s.options.sack[0] = {SeqNum(l1), SeqNum(r1)};
    s.options.sack[1] = {SeqNum(l2), SeqNum(r2)};
  };
}

}  // namespace

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

TEST(JudgeSilence, CaptureBeginsWithAKeepAliveProbe) {
  Talk t;
  t.a({.seq = 100, .ack = 301}).b({.seq = 301, .ack = 101}).a({.seq = 101, .ack = 301}).b({.seq = 301, .ack = 101});
  t.a({.seq = 100, .ack = 301}).b({.seq = 301, .ack = 101}).a({.flags = "FA", .seq = 101, .ack = 301});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, CaptureBeginsAfterAFinThatIsRepeated) {
  Talk t;
  t.a({.seq = 102, .ack = 301}).b({.flags = "R", .seq = 301}).a({.flags = "FA", .seq = 101, .ack = 301});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, LaterIncarnationWithoutItsSyns) {
  Talk t;
  t.a({.seq = 101, .ack = 301, .len = 5}).b({.seq = 301, .ack = 106}).a({.flags = "FA", .seq = 106, .ack = 301});
  t.b({.flags = "FA", .seq = 301, .ack = 107}).a({.seq = 107, .ack = 302});
  t.a({.seq = 65'700, .ack = 66'000, .len = 5}).b({.seq = 66'000, .ack = 65'705}).a({.seq = 65'705, .ack = 66'000});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, BlockAroundADuplicateReportIsAcknowledgedAlready) {
  Talk t;
  t.open(with_sack).a({.seq = 101, .ack = 301, .len = 50}).a({.seq = 201, .ack = 301, .len = 50});
  t.a({.seq = 151, .ack = 301, .len = 80});
  t.b({.seq = 301, .ack = 251, .tweak = two_blocks(201, 231, 201, 251)});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, RepeatedSynIsReportedAsADuplicate) {
  Talk t;
  const auto syn_again = [](Segment& s) {
    s.options.sack_count = 1;
    s.options.sack[0] = {SeqNum(300), SeqNum(301)};
  };
  t.open(with_sack).b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_sack});
  t.a({.seq = 101, .ack = 301, .tweak = syn_again});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, TimeWaitAnswersWithIdentificationZero) {
  Talk t;
  t.timestamps = true;
  t.ids = true;
  t.open().a({.seq = 101, .ack = 301, .len = 5}).b({.seq = 301, .ack = 106}).b({.flags = "FA", .seq = 301, .ack = 106});
  t.a({.flags = "FA", .seq = 106, .ack = 302});
  // Two ACKs, swapped by the capture: the later one from TIME-WAIT, without an identification.
  const auto newer = [](Segment& s) { s.options.timestamps->value += 100; };
  const auto no_id = [](std::vector<std::byte>& p) {
    p[4] = p[5] = std::byte{0};
    p[10] = p[11] = std::byte{0};
    store_be16(p.data() + 10, internet_checksum({p.data(), kIpv4HeaderSize}));
  };
  t.b({.seq = 302, .ack = 107, .tweak = newer, .raw = no_id}).b({.seq = 302, .ack = 107});
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

TEST(JudgeSilence, MissingPacketsElsewhereLeavePathRulesOpen) {
  Talk t;
  t.open();
  std::uint32_t next = 101;
  for (int i = 0; i < 400; ++i) {
    const bool captured = i != 20 && i != 350;
    if (captured) t.a({.seq = next, .ack = 301, .len = 10});
    next += 10;
    t.b({.seq = 301, .ack = next});
  }
  EXPECT_EQ(violations(t), 0) << t.text();
  Talk lossless;
  lossless.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 118});
  lossless.a({.seq = 111, .ack = 301, .len = 10, .fill = 'y'}).b({.seq = 301, .ack = 121});
  EXPECT_TRUE(lossless.violates("ack-of-unsent-data")) << lossless.text();
}

}  // namespace lastack::test
