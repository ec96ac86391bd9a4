// What honest stacks did in recorded traffic and was once held against them (false_alarms.py): sequence and
// acknowledgment numbers of what is repeated, missing or out of order.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_silence.h"

namespace lastack::test {

TEST(JudgeSilence, CaptureBeginsAfterAFinThatIsRepeated) {
  Talk t;
  t.a({.seq = 102, .ack = 301}).b({.flags = "R", .seq = 301}).a({.flags = "FA", .seq = 101, .ack = 301});
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

// ---- what follows was found on damaged captures of the false-alarm campaign
TEST(JudgeSilence, CaptureBeginsAmongRepetitions) {
  // Segments lost before the capture are repeated, with consecutive identifications; SND.NXT lies far beyond them.
  Talk t;
  t.ids = true;
  t.a({.seq = 1101, .ack = 301, .len = 100}).b({.seq = 301, .ack = 1001}).a({.seq = 1501, .ack = 301, .len = 100});
  t.a({.seq = 1801, .ack = 301, .len = 100}).a({.seq = 9001, .ack = 301}).a({.seq = 1901, .ack = 301, .len = 50});
  t.a({.seq = 9001, .ack = 301});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, CopyOfAnAckBehindTheFin) {
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 10}).a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
  t.a({.flags = "FA", .seq = 111, .ack = 301}).b({.seq = 301, .ack = 111});  // made by the network, and late
  t.b({.flags = "FA", .seq = 301, .ack = 112}).a({.seq = 112, .ack = 302});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: single octets in any order look as if the FIN among them had been numbered too high.
TEST(JudgeSilence, SingleOctetsAndTheirFinInAnyOrder) {
  Talk t;
  t.gap = std::chrono::microseconds(20);
  t.open().a({.seq = 101, .ack = 301, .len = 1}).a({.flags = "FA", .seq = 104, .ack = 301});
  t.a({.seq = 103, .ack = 301, .len = 1}).a({.seq = 102, .ack = 301, .len = 1});
  t.b({.seq = 301, .ack = 105}).b({.flags = "FA", .seq = 301, .ack = 105}).a({.seq = 105, .ack = 302});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: the capture begins while lost segments are sent again, and one ACK says that all has come.
TEST(JudgeSilence, CaptureBeginsWithRepetitions) {
  Talk t;
  for (std::uint32_t i = 0; i < 4; ++i) t.a({.seq = 1000 + i * 100, .ack = 301, .len = 100});
  t.b({.seq = 301, .ack = 3000}).a({.seq = 1400, .ack = 301, .len = 100}).b({.seq = 301, .ack = 3000});
  for (std::uint32_t i = 5; i < 30; ++i) t.a({.seq = 1000 + i * 100, .ack = 301, .len = 100});
  t.b({.seq = 301, .ack = 4000});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// The same with more pieces than are remembered.
TEST(JudgeSilence, ManySingleOctetsInAnyOrder) {
  Talk t;
  t.gap = std::chrono::microseconds(20);
  t.open();
  for (std::uint32_t i = 0; i < 15; ++i) t.a({.seq = 140 - i * 2 - 4, .ack = 301, .len = 1});
  t.a({.flags = "FA", .seq = 140, .ack = 301}).a({.seq = 138, .ack = 301, .len = 1});
  t.a({.seq = 139, .ack = 301, .len = 1});
  for (std::uint32_t seq = 101; seq < 138; ++seq) t.a({.seq = seq, .ack = 301, .len = 1});
  t.b({.seq = 301, .ack = 141}).b({.flags = "FA", .seq = 301, .ack = 141}).a({.seq = 141, .ack = 302});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: a filter by size left out the first octet, and the FIN came again alone.
TEST(JudgeSilence, FinAgainBehindAMissingOctet) {
  Talk t;
  t.open().a({.flags = "FA", .seq = 102, .ack = 301, .len = 39}).b({.seq = 301, .ack = 141, .len = 500});
  t.a({.flags = "FA", .seq = 141, .ack = 801}).b({.seq = 801, .ack = 142, .len = 100});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: an outage took new text, then a repetition of older text came through. That no IP
// identification is missing since then says nothing of what was sent before.
TEST(JudgeSilence, TextLostBeforeARepetitionThatCameThrough) {
  Talk t;
  t.ids = true;
  t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
  t.skip_ids(0, 4);  // what the outage took is counted, but not captured
  t.wait(std::chrono::milliseconds(400)).a({.seq = 111, .ack = 301, .len = 10}).b({.seq = 301, .ack = 121, .len = 5});
  t.a({.seq = 151, .ack = 306});
  t.wait(std::chrono::milliseconds(40)).a({.seq = 121, .ack = 306, .len = 10}).a({.seq = 131, .ack = 306, .len = 20});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: the host's own device dropped a segment behind the tap, and its sender did not count it.
TEST(JudgeSilence, SegmentDroppedBehindTheTap) {
  Talk t;
  t.timestamps = true;
  t.open().a({.seq = 101, .ack = 301, .len = 50}).a({.seq = 151, .ack = 301, .len = 50});
  t.b({.seq = 301, .ack = 101, .len = 10}).a({.seq = 151, .ack = 311}).b({.seq = 311, .ack = 101, .len = 10});
  t.a({.seq = 151, .ack = 321}).b({.seq = 321, .ack = 151}).a({.seq = 151, .ack = 321, .len = 50});
  EXPECT_EQ(violations(t), 0) << t.text();
  Talk known;
  known.timestamps = true;
  known.open().a({.seq = 101, .ack = 301, .len = 50}).a({.seq = 151, .ack = 301, .len = 50});
  known.b({.seq = 301, .ack = 201, .len = 10}).a({.seq = 151, .ack = 311});
  EXPECT_TRUE(known.violates("ack-sequence")) << known.text();
}

// Found by the campaign: the tail sent again, and what came next is missing.
TEST(JudgeSilence, RepetitionBeforeAGap) {
  for (const std::uint16_t missing : {std::uint16_t{0}, std::uint16_t{2}}) {
    Talk t;
    t.ids = true;
    t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111}).a({.seq = 111, .ack = 301, .len = 10});
    t.a({.seq = 111, .ack = 301, .len = 10}).b({.seq = 301, .ack = 121}).skip_ids(0, missing);
    t.a({.seq = 130, .ack = 301}).b({.seq = 301, .ack = 131}).a({.seq = 131, .ack = 301, .len = 10});
    t.b({.seq = 301, .ack = 141});
    EXPECT_EQ(t.violates("sequence-jump"), missing == 0) << t.text();
  }
}

// Found by the campaign: captures of both ends merged; an old segment comes again after a gap of the identifications.
TEST(JudgeSilence, LateCopyAfterAGap) {
  for (const bool copy : {true, false}) {
    Talk t;
    t.ids = true;
    t.open().a({.seq = 101, .ack = 301, .len = 10}).a({.seq = 111, .ack = 301}).skip_ids(0, 1);
    t.a({.seq = 101, .ack = 301, .len = 10});
    const std::uint16_t back = 65533;  // the ACK again
    if (copy) t.skip_ids(0, back).a({.seq = 111, .ack = 301}).skip_ids(0, 2);
    t.a({.seq = 121, .ack = 301}).b({.seq = 301, .ack = 121}).b({.seq = 301, .ack = 121});
    EXPECT_EQ(violations(t), 0) << t.text();
  }
}

// Found by the campaign: the ACK that opened the window is missing; the data echoes its timestamp.
TEST(JudgeSilence, DataThatAnswersAMissingAck) {
  for (const bool unseen : {true, false}) {
    Talk t;
    t.timestamps = true;
    const auto later = [&](Segment& s) { s.options.timestamps->echo += unseen ? 5 : 0; };
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 200}).a({.seq = 101, .ack = 301});
    t.a({.seq = 101, .ack = 301, .len = 200}).b({.seq = 301, .ack = 301, .wnd = 100});
    t.a({.seq = 301, .ack = 301, .len = 200, .tweak = later});
    t.b({.seq = 301, .ack = 401, .wnd = 50}).b({.seq = 301, .ack = 401, .wnd = 50});
    EXPECT_EQ(t.violates("data-beyond-window"), !unseen) << t.text();
  }
}

// Found by the campaign: after a FIN, numbers far beyond it, of an end whose peer is hardly captured.
TEST(JudgeSilence, NumbersBeyondAFinWhoseAckSaysLittle) {
  Talk t;
  t.a({.flags = "FA", .seq = 100, .ack = 301})
      .a({.seq = 1'200'100, .ack = 65'838})
      .a({.seq = 1'200'100, .ack = 65'838, .len = 5});
  t.b({.seq = 65'838, .ack = 1'200'105}).a({.flags = "FA", .seq = 1'200'105, .ack = 65'838});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: ports used again; of the new connection its text was captured first, and an ACK beyond the
// FIN.
TEST(JudgeSilence, AckBeyondAFinOfAnEndHardlyCaptured) {
  Talk t;
  t.b({.seq = 300, .ack = 101}).b({.flags = "FA", .seq = 300, .ack = 101}).b({.seq = 301, .ack = 102});
  t.a({.seq = 888'101, .ack = 65'839, .len = 6}).b({.seq = 65'839, .ack = 888'107});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: of an end nothing was captured but that the other acknowledged it, then ports used again.
TEST(JudgeSilence, NumbersFarFromWhatWasAcknowledged) {
  Talk t;
  t.a({.flags = "S", .seq = 100}).a({.seq = 101, .ack = 301, .len = 5}).a({.flags = "FA", .seq = 106, .ack = 301});
  t.b({.flags = "FA", .seq = 2'000'301, .ack = 2'000'101}).a({.flags = "FA", .seq = 2'000'109, .ack = 2'000'301});
  t.a({.seq = 2'000'110, .ack = 2'000'302});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: an ACK that was under way when the FIN passed the tap.
TEST(JudgeSilence, AckThatWasSentBeforeTheFinArrived) {
  Talk t;
  t.timestamps = true;
  std::uint32_t echoed = 0;
  t.open().a({.seq = 101, .ack = 301, .len = 10, .tweak = [&](Segment& s) { echoed = s.options.timestamps->value; }});
  t.b({.seq = 301, .ack = 111, .len = 10}).a({.flags = "FA", .seq = 111, .ack = 311});
  t.b({.seq = 311, .ack = 111, .tweak = [&](Segment& s) { s.options.timestamps->echo = echoed; }});
  t.b({.flags = "RA", .seq = 311, .ack = 111, .tweak = [&](Segment& s) { s.options.timestamps->echo = echoed; }});
  EXPECT_FALSE(t.violates("fin-not-counted")) << t.text();
}

// Found by the campaign: without times nothing tells how soon text was repeated.
TEST(JudgeSilence, RepetitionInACaptureWithoutTimes) {
  for (const bool times : {false, true}) {
    Talk t;
    t.gap = times ? std::chrono::microseconds(10) : Duration{0};
    t.open()
        .a({.seq = 102, .ack = 301})
        .a({.flags = "FA", .seq = 101, .ack = 301, .len = 1})
        .b({.seq = 301, .ack = 103});
    EXPECT_EQ(t.violates("unsent-sequence"), times) << t.text();
  }
}

// Found by the campaign: what an empty segment had shown to be sent came again with a newer ACK, and an ACK from before
// stood behind it.
TEST(JudgeSilence, AckFromBeforeARepetitionWhoseFirstIsMissing) {
  for (const bool claimed : {true, false}) {
    Talk t;
    t.open();
    if (claimed) t.a({.seq = 111, .ack = 301});
    t.b({.seq = 301, .ack = 101, .len = 10}).a({.seq = 101, .ack = 311, .len = 10}).a({.seq = 111, .ack = 301});
    EXPECT_EQ(t.violates("ack-goes-back"), !claimed) << t.text();
  }
  Talk numbered;
  numbered.ids = true;
  numbered.open().b({.seq = 301, .ack = 101, .len = 10}).skip_ids(0, 2).a({.seq = 101, .ack = 311, .len = 10});
  const std::uint16_t back = 65534;
  numbered.skip_ids(0, back).a({.seq = 111, .ack = 301});
  EXPECT_EQ(violations(numbered), 0) << numbered.text();
}

// Found by the campaign: what is repeated has new text behind it, and the next segment but one is of the same size.
TEST(JudgeSilence, RepetitionWithMoreBehindIt) {
  for (const std::uint32_t from : {111U, 113U}) {  // the ACK that was lost behind the tap, and no boundary
    Talk t;
    t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
    t.a({.seq = 111, .ack = 301, .len = 10}).b({.seq = 301, .ack = 121});
    t.a({.seq = from, .ack = 301, .len = 20}).b({.seq = 301, .ack = from + 20});
    t.a({.seq = 141, .ack = 301, .len = 10}).b({.seq = 301, .ack = from + 20});
    t.a({.seq = 131, .ack = 301, .len = 20}).b({.seq = 301, .ack = 151});
    EXPECT_EQ(t.violates("sequence-jump"), from == 113) << t.text();
  }
}

// Found by the campaign: an old segment is due an ACK of its own, which leaves after the FIN has come by.
TEST(JudgeSilence, AckThatAnswersAnOldSegmentBehindTheFin) {
  for (const bool old : {true, false}) {
    Talk t;
    t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111}).a({.seq = 111, .ack = 301, .len = 10});
    t.a({.seq = old ? 101U : 121U, .ack = 301}).b({.seq = 301, .ack = 121}).a({.flags = "FA", .seq = 121, .ack = 301});
    t.b({.seq = 301, .ack = 121}).b({.flags = "FA", .seq = 301, .ack = 122}).a({.seq = 122, .ack = 302});
    EXPECT_EQ(t.violates("fin-not-counted"), !old) << t.text();
  }
}

// Found by the campaign: the FIN is missing from the capture, and an ACK that it overtook comes long after its answer.
TEST(JudgeSilence, AckOfAMissingFinBeforeWhatItOvertook) {
  for (const std::uint32_t clock : {2000U, 2020U}) {
    Talk t;
    t.timestamps = true;
    t.open().a({.seq = 101, .ack = 301, .len = 10, .tweak = with_stamp(1990, 500'020)});
    t.b({.seq = 301, .ack = 111, .len = 10, .tweak = with_stamp(600'000, 1990)});
    for (std::uint32_t i = 0; i < 5; ++i)
      t.b({.seq = 311 + i * 10, .ack = 112, .len = 10, .tweak = with_stamp(600'010 + i, 2010)});
    t.wait(std::chrono::milliseconds(7)).a({.seq = 111, .ack = 311, .tweak = with_stamp(clock, 600'000)});
    EXPECT_EQ(t.violates("ack-of-unsent-data"), clock == 2020) << t.text();
  }
}

// Of a whole capture one packet is missing, with one octet: the keep-alive after it has the last number that was seen.
TEST(JudgeSilence, KeepAliveAfterAMissingOctet) {
  using std::chrono::milliseconds;
  for (const bool keep_alive : {true, false}) {  // or an answer that leaves the octet out
    Talk t;
    t.timestamps = true;
    t.open().a({.seq = 101, .ack = 301, .len = 9}).b({.seq = 301, .ack = 110}).wait(milliseconds(10));
    t.a({.seq = 110, .ack = 302}).wait(milliseconds(700));
    if (!keep_alive) t.a({.seq = 110, .ack = 302, .len = 5});
    t.wait(milliseconds(350)).b({.seq = 301, .ack = keep_alive ? 110U : 115U});
    EXPECT_EQ(t.violates("ack-of-unsent-data"), !keep_alive) << t.text();
  }
  for (const std::uint32_t acked : {302U, 301U}) {
    Talk t;
    t.timestamps = true;
    t.open().a({.seq = 101, .ack = 301, .len = 9}).b({.seq = 301, .ack = 110}).wait(milliseconds(10));
    t.a({.seq = 110, .ack = acked}).wait(milliseconds(700)).a({.seq = 109, .ack = acked});
    t.wait(milliseconds(10)).b({.seq = 302, .ack = 110}).wait(milliseconds(350));
    t.a({.seq = 110, .ack = acked, .len = 5}).wait(milliseconds(10)).b({.seq = 301, .ack = acked == 302 ? 110U : 115U});
    EXPECT_EQ(t.violates("unsent-sequence"), acked == 301) << t.text();
  }
}

// What jumped was lost behind the tap, and the hole is filled later: with the same text where it was sent in order.
TEST(JudgeSilence, HoleOfAJumpIsFilled) {
  for (const char text : {'y', 'x'}) {  // 'y': the numbers that it took are used again for other text
    Talk t;
    t.open().a({.seq = 111, .ack = 301, .len = 10, .fill = 'y'}).a({.seq = 111, .ack = 301, .len = 10, .fill = text});
    t.b({.seq = 301, .ack = 101}).a({.seq = 101, .ack = 301, .len = 10, .fill = 'y'});
    t.a({.seq = 121, .ack = 301, .len = 10}).b({.seq = 301, .ack = 131});
    EXPECT_EQ(t.violates("sequence-jump"), text == 'x') << t.text();
  }
  Talk damaged;  // in a way that no checksum shows: the same text, but for one octet
  damaged.open().a({.seq = 111, .ack = 301, .len = 10, .fill = 'y'});
  const auto one_octet = [](std::vector<std::byte>& p) {
    p[p.size() - 10] = std::byte{'x'};  // the first of the text
    fix_checksum(p);
  };
  damaged.a({.seq = 111, .ack = 301, .len = 10, .raw = one_octet, .fill = 'y'}).b({.seq = 301, .ack = 101});
  damaged.a({.seq = 101, .ack = 301, .len = 10, .fill = 'y'}).a({.seq = 121, .ack = 301, .len = 10});
  EXPECT_FALSE(damaged.violates("sequence-jump")) << damaged.text();
  Talk ended;  // by a FIN before the numbers of the text that jumped
  ended.open().a({.seq = 131, .ack = 301, .len = 10}).a({.flags = "FA", .seq = 111, .ack = 301});
  ended.b({.seq = 301, .ack = 101}).a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 112});
  EXPECT_TRUE(ended.violates("sequence-jump")) << ended.text();
}

// A FIN too early was lost behind the tap, so that the other end has received, and acknowledges, the one at the end.
TEST(JudgeSilence, AckOfTheFinThatArrived) {
  Talk t;
  t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.seq = 301, .ack = 101, .len = 10});
  t.a({.flags = "FA", .seq = 101, .ack = 311, .len = 10}).b({.flags = "A", .seq = 311, .ack = 112});
  EXPECT_TRUE(t.violates("fin-moved")) << t.text();
  EXPECT_FALSE(t.violates("ack-of-unsent-data")) << t.text();
}

// Found by the campaign: text is missing from the capture, and of what follows the second half comes again.
TEST(JudgeSilence, JumpToWhatIsAcknowledged) {
  for (const std::uint32_t acked : {121U, 111U}) {
    Talk t;
    t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111}).b({.seq = 301, .ack = acked});
    t.a({.seq = 121, .ack = 301, .len = 20}).a({.seq = 131, .ack = 301, .len = 10});
    EXPECT_EQ(t.violates("sequence-jump"), acked == 111) << t.text();
  }
}

// Found by the campaign: the first flight was lost before the tap, and its identifications with it, as the SYN-ACK has
// none. The repetition of its beginning is the first text that the capture has, and more had been sent.
TEST(JudgeSilence, FirstFlightThatWasLostBeforeTheTap) {
  for (const bool soon : {true, false}) {
    Talk t;
    t.ids = true;
    t.a({.flags = "S", .seq = 100});
    t.b({.flags = "SA", .seq = 300, .ack = 101, .raw = with_id(0)});
    t.a({.seq = 101, .ack = 301}).a({.seq = 101, .ack = 301, .len = 10});
    if (!soon) t.skip_ids(1, 6).wait(std::chrono::milliseconds(300));
    t.b({.seq = 301, .ack = 111, .len = 5}).a({.seq = 111, .ack = 306}).b({.seq = 320, .ack = 111});
    t.b({.seq = 306, .ack = 111, .len = 5}).a({.seq = 111, .ack = 311});
    EXPECT_EQ(t.violates("unsent-sequence"), soon) << t.text();
    EXPECT_EQ(violations(t), soon ? 1 : 0) << t.text();
  }
}

TEST(JudgeSilence, NewestAckOvertookAllTheOthers) {
  // A path that holds segments back: the tap's order says nothing of the clock, and the clock orders the ACKs.
  Talk t;
  t.timestamps = true;
  t.open();
  for (std::uint32_t i = 0; i < 8; ++i) t.a({.seq = 101 + 10 * i, .ack = 301, .len = 10});
  const auto clock = [](std::uint32_t ticks) {
    return [ticks](Segment& s) { s.options.timestamps->value = 1'000'000 + ticks; };
  };
  t.b({.seq = 301, .ack = 111, .tweak = clock(1)}).b({.seq = 301, .ack = 181, .tweak = clock(30)});
  for (int i = 0; i < 8; ++i) t.b({.seq = 301, .ack = 111, .tweak = clock(10)});
  for (std::uint32_t i = 0; i < 6; ++i) t.b({.seq = 301, .ack = 121 + 10 * i, .tweak = clock(20 + i)});
  t.a({.seq = 181, .ack = 301, .len = 10}).b({.seq = 301, .ack = 191, .tweak = clock(40)});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, SmallSegmentsInAnyOrder) {
  Talk t;
  t.timestamps = true;
  t.gap = std::chrono::microseconds(20);
  t.open().a({.seq = 101, .ack = 301, .len = 11});
  t.a({.seq = 167, .ack = 301, .len = 22})
      .a({.seq = 112, .ack = 301, .len = 11})
      .a({.seq = 134, .ack = 301, .len = 11});
  t.a({.seq = 189, .ack = 301, .len = 11})
      .a({.seq = 123, .ack = 301, .len = 11})
      .a({.seq = 145, .ack = 301, .len = 22});
  t.b({.seq = 301, .ack = 200});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, SegmentsOfOneSizeOfWhichTheFirstIsMissing) {
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 327});
  t.b({.seq = 301, .ack = 755, .len = 100});  // 428 to 754 are missing
  t.a({.seq = 1081, .ack = 401}).a({.seq = 1081, .ack = 401, .len = 327}).b({.seq = 401, .ack = 755});
  t.a({.seq = 755, .ack = 401, .len = 326}).b({.seq = 401, .ack = 1408});
  EXPECT_EQ(violations(t), 0) << t.text();
}

}  // namespace lastack::test
