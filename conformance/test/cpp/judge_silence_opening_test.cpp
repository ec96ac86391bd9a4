// What honest stacks did in recorded traffic and was once held against them (false_alarms.py): SYNs, incarnations that
// follow each other on the same ports, and connections that the capture shows in part.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_silence.h"

namespace lastack::test {

TEST(JudgeSilence, SynOfALaterConnectionIsMissing) {
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 6}).b({.seq = 301, .ack = 107});
  t.a({.flags = "S", .seq = 65'100}).b({.flags = "FA", .seq = 65'301, .ack = 65'107});
  t.b({.flags = "SA", .seq = 66'000, .ack = 327'753}).a({.seq = 327'753, .ack = 66'001});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, LaterIncarnationWithoutItsSyns) {
  Talk t;
  t.a({.seq = 101, .ack = 301, .len = 5}).b({.seq = 301, .ack = 106}).a({.flags = "FA", .seq = 106, .ack = 301});
  t.b({.flags = "FA", .seq = 301, .ack = 107}).a({.seq = 107, .ack = 302});
  t.a({.seq = 65'700, .ack = 66'000, .len = 5}).b({.seq = 66'000, .ack = 65'705}).a({.seq = 65'705, .ack = 66'000});
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
  t.b({.seq = 302, .ack = 107, .tweak = newer, .raw = with_id(0)}).b({.seq = 302, .ack = 107});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, AnInitialNumberIsFoundWrongOnce) {
  Talk t;
  t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 5'000'001});
  t.b({.seq = 301, .ack = 5'000'001}).a({.seq = 5'000'001, .ack = 301, .len = 5}).b({.seq = 301, .ack = 5'000'006});
  for (const Finding& f : t.findings()) EXPECT_NE(f.expected, f.actual) << t.text();
}

TEST(JudgeSilence, LaterIncarnationWithoutItsSynsAndTheEndBeforeIt) {
  // A stack that reopens TIME-WAIT begins 65,537 after the last number; FINs, SYN and SYN-ACK fell into a gap.
  Talk t;
  t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.seq = 9'000, .ack = 65'639});
  t.b({.flags = "FA", .seq = 9'000, .ack = 65'639}).a({.seq = 65'639, .ack = 9'001});
  t.a({.flags = "FA", .seq = 65'639, .ack = 9'001}).b({.seq = 9'001, .ack = 65'640});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, NextIncarnationAfterAStartInMidstream) {
  Talk t;
  t.b({.flags = "FA", .seq = 301, .ack = 101}).a({.seq = 101, .ack = 302});
  t.a({.flags = "S", .seq = 700'000}).b({.flags = "SA", .seq = 900'000, .ack = 700'001});
  t.a({.seq = 700'001, .ack = 900'001}).a({.seq = 700'001, .ack = 900'001, .len = 3});
  t.b({.seq = 900'001, .ack = 700'004}).b({.flags = "FA", .seq = 900'001, .ack = 700'004});
  t.a({.seq = 700'004, .ack = 900'002});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: a listener without state, and the SYN that made it choose anew is missing.
TEST(JudgeSilence, ListenerWithoutStateAndAMissingSyn) {
  for (const bool late : {false, true}) {
    Talk t;
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101});
    t.wait(std::chrono::milliseconds(late ? 2000 : 200)).b({.flags = "SA", .seq = 70'000, .ack = 101});
    EXPECT_EQ(t.violates("isn-changed"), !late) << t.text();
  }
}

// Found by the campaign: a simultaneous open whose first SYN is missing.
TEST(JudgeSilence, SynAckOfASimultaneousOpenOffersWhatItsSynOffered) {
  const auto scaled = [](Segment& s) { s.options.window_scale = 7; };
  for (const bool simultaneous : {false, true}) {
    Talk t;
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .tweak = scaled});
    if (simultaneous) t.a({.flags = "SA", .seq = 100, .ack = 301});
    t.a({.seq = 101, .ack = 301}).b({.seq = 301, .ack = 101});
    EXPECT_EQ(t.violates("window-scale-not-offered"), !simultaneous) << t.text();
  }
}

// Found by the campaign: the ports used again, in a capture that kept three packets of ten.
TEST(JudgeSilence, PortsUsedAgainByAnEndOfWhichNothingWasCaptured) {
  for (const bool reset : {true, false}) {
    Talk t;
    t.b({.flags = "SA", .seq = 300, .ack = 101}).b({.flags = "FA", .seq = 301, .ack = 101});
    if (reset) t.b({.flags = "R", .seq = 302});
    t.a({.flags = "S", .seq = 2'000'100}).a({.seq = 2'000'101, .ack = 3'000'301});
    t.a({.seq = 2'000'101, .ack = 3'000'301, .len = 5}).b({.flags = "FA", .seq = 3'000'301, .ack = 2'000'101});
    EXPECT_EQ(violations(t), 0) << t.text();
  }
}

// Found by the campaign: of two connections of the same ports the first SYN and the second SYN-ACK were captured.
TEST(JudgeSilence, SynAckOfASynThatIsMissing) {
  for (const bool lacking : {true, false}) {
    Talk t;
    if (lacking) {
      for (std::uint16_t port = 5000; port < 5002; ++port) {
        t.from_port(port).open().a({.seq = 111, .ack = 301, .len = 10}).b({.seq = 301, .ack = 121});
      }
    }
    t.from_port(4000).a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 1'000'101});
    t.a({.seq = 1'000'101, .ack = 301}).b({.seq = 301, .ack = 1'000'101, .len = 10});
    EXPECT_EQ(violations(t), lacking ? 0 : 1) << t.text();
  }
}

// Found by the campaign: the SYN-ACK echoes the timestamp of another SYN, which a gap took.
TEST(JudgeSilence, SynAckThatEchoesAnotherSyn) {
  for (const std::uint32_t later : {0U, 40U}) {
    Talk t;
    t.timestamps = true;
    std::uint32_t value = 0;
    const auto stamp = [&](Segment& s) { value = s.options.timestamps->value; };
    const auto echo = [&](Segment& s) { s.options.timestamps->echo = value + later; };
    t.a({.flags = "S", .seq = 100, .tweak = stamp});
    t.b({.flags = "SA", .seq = 300, .ack = 1'000'101, .tweak = echo}).a({.seq = 1'000'101, .ack = 301});
    t.b({.seq = 301, .ack = 1'000'101, .len = 10});
    EXPECT_EQ(violations(t), later == 0 ? 1 : 0) << t.text();
  }
}

// Found by the campaign: ports used again while the other end is in LAST-ACK, and the repeated SYN stands behind its
// answer.
TEST(JudgeSilence, SameSynAgainBehindItsAnswer) {
  Talk t;
  t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.flags = "FA", .seq = 301, .ack = 102});
  t.a({.flags = "S", .seq = 65'000}).b({.flags = "RA", .seq = 302, .ack = 102}).a({.flags = "R", .seq = 102});
  t.b({.flags = "SA", .seq = 90'000, .ack = 65'001}).b({.flags = "RA", .seq = 302, .ack = 102});
  t.a({.flags = "S", .seq = 65'000}).a({.seq = 65'001, .ack = 90'001}).b({.seq = 90'001, .ack = 65'001, .len = 5});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: a late reset of the connection before, between two SYNs of which only the first asks for ECN.
TEST(JudgeSilence, EcnAskedByAnEarlierSynThanALateReset) {
  for (const bool asked : {true, false}) {
    Talk t;
    t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.flags = "FA", .seq = 301, .ack = 102});
    t.a({.seq = 102, .ack = 302}).a({.flags = asked ? "SEC" : "S", .seq = 70'000});
    t.b({.flags = "RA", .seq = 302, .ack = 102}).a({.flags = "S", .seq = 70'000});
    t.b({.flags = "SAE", .seq = 16'000'000, .ack = 70'001}).a({.seq = 70'001, .ack = 16'000'001});
    EXPECT_EQ(t.violates("ecn-not-offered"), !asked) << t.text();
    EXPECT_EQ(violations(t), asked ? 0 : 1) << t.text();
  }
  for (const bool asked : {true, false}) {  // the reset ends a connection that was not over
    Talk t;
    t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.seq = 301, .ack = 102});
    t.a({.flags = asked ? "SEC" : "S", .seq = 70'000}).b({.flags = "RA", .seq = 301, .ack = 102});
    t.a({.flags = "S", .seq = 70'000}).b({.flags = "SAE", .seq = 16'000'000, .ack = 70'001});
    t.a({.seq = 70'001, .ack = 16'000'001});
    EXPECT_EQ(violations(t), asked ? 0 : 1) << t.text();
  }
}

// Found by the campaign: both SYNs of a simultaneous open came before the capture.
TEST(JudgeSilence, SimultaneousOpenWithoutItsSyns) {
  Talk t;
  t.a({.flags = "SAE", .seq = 100, .ack = 301}).b({.flags = "SAE", .seq = 300, .ack = 101});
  t.a({.seq = 101, .ack = 301}).b({.seq = 301, .ack = 101});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: the identifications say that the SYN-ACK of a simultaneous open is missing.
TEST(JudgeSilence, SimultaneousOpenWhoseSynAckIsMissing) {
  const auto scale = [](Segment& s) { s.options.window_scale = 7; };
  for (const std::uint16_t missing : {std::uint16_t{0}, std::uint16_t{1}}) {
    Talk t;
    t.ids = true;
    t.a({.flags = "S", .seq = 100}).skip_ids(0, missing);
    t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = scale}).a({.seq = 101, .ack = 301});
    EXPECT_EQ(t.violates("window-scale-not-offered"), missing == 0) << t.text();
  }
}

// Found by the campaign: one of the SYNs did; the answer echoes it.
TEST(JudgeSilence, SimultaneousOpenWhoseFirstSynIsEchoed) {
  const auto scale = [](Segment& s) { s.options.window_scale = 7; };
  for (const bool older : {true, false}) {
    Talk t;
    t.timestamps = true;
    const auto echo = [&](Segment& s) { s.options.timestamps->echo -= older ? 7 : 0; };
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .tweak = scale});
    t.a({.seq = 101, .ack = 301, .tweak = echo});
    EXPECT_EQ(t.violates("window-scale-not-offered"), !older) << t.text();
  }
}

// Found by the campaign: of the connection before, only one end's segments were captured; it speaks into the next SYN.
TEST(JudgeSilence, TheOtherEndIsStillInAConnectionOfWhichOnlyItsHalfWasSeen) {
  Talk t;
  t.b({.flags = "SA", .seq = 300, .ack = 5'000'000}).a({.flags = "R", .seq = 5'000'000});
  t.a({.flags = "S", .seq = 21'000'000}).b({.flags = "SA", .seq = 300, .ack = 5'000'000});
  t.a({.flags = "R", .seq = 5'000'000}).b({.seq = 301, .ack = 5'000'000}).a({.flags = "R", .seq = 5'000'000});
  t.a({.flags = "S", .seq = 21'000'000}).b({.flags = "SA", .seq = 9'000'000, .ack = 21'000'001});
  t.a({.seq = 21'000'001, .ack = 9'000'001}).b({.seq = 9'000'001, .ack = 21'000'001, .len = 4});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: a sampled capture of a simultaneous open; the SYN-ACK carries what its sender's own SYN
// offers.
TEST(JudgeSilence, OptionsOfASimultaneousOpenThatIsMissing) {
  const auto scale = [](Segment& s) { s.options.window_scale = 7; };
  for (const std::uint32_t next : {0U, 301U, 306U}) {
    Talk t;
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .tweak = scale});
    if (next != 0) t.a({.seq = 101, .ack = next, .len = 4});
    t.b({.seq = 306, .ack = 105});
    EXPECT_EQ(t.violates("window-scale-not-offered"), next == 301) << next << t.text();
  }
  for (const bool unseen : {true, false}) {  // the accused echoes a timestamp that was not seen
    Talk t;
    t.timestamps = true;
    const auto later = [&](Segment& s) { s.options.timestamps->echo += unseen ? 5 : 0; };
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101, .tweak = scale});
    t.b({.seq = 301, .ack = 101, .tweak = later}).a({.seq = 101, .ack = 301, .len = 4});
    EXPECT_EQ(t.violates("window-scale-not-offered"), !unseen) << t.text();
  }
}

// Found by the campaign: the answer to the SYN of the connection before comes again, after the next SYN.
TEST(JudgeSilence, SynAckOfTheConnectionBeforeComesAgain) {
  Talk t;
  t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101}).a({.flags = "R", .seq = 101});
  t.a({.flags = "S", .seq = 70'000}).b({.flags = "SA", .seq = 300, .ack = 101}).a({.flags = "R", .seq = 101});
  t.a({.flags = "S", .seq = 70'000}).b({.flags = "SA", .seq = 9'000, .ack = 70'001}).a({.seq = 70'001, .ack = 9'001});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: a SYN repeated without ECN; the first one was sent before the capture began.
TEST(JudgeSilence, SynRepeatedWithoutEcnWhereTheCaptureBegins) {
  for (const bool midway : {true, false}) {
    Talk t;
    if (midway) t.from_port(5000).a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
    t.from_port(4000)
        .a({.flags = "S", .seq = 100})
        .b({.flags = "SAE", .seq = 300, .ack = 101})
        .a({.seq = 101, .ack = 301});
    EXPECT_EQ(t.violates("ecn-not-offered"), !midway) << t.text();
  }
  for (const bool echoed : {true, false}) {  // the answer echoes the first SYN, a second before
    Talk t;
    t.a({.flags = "S", .seq = 100, .tweak = with_stamp(2000, 0)});
    t.b({.flags = "SAE", .seq = 300, .ack = 101, .tweak = with_stamp(70, echoed ? 2000U : 1000U)});
    t.a({.seq = 101, .ack = 301, .tweak = with_stamp(2001, 70)});
    EXPECT_EQ(t.violates("ecn-not-offered"), echoed) << t.text();
  }
  for (const bool given_up :
       {true, false}) {  // no segment is from before, but another SYN shows that some were repeated
    Talk t;
    t.from_port(5000).a({.flags = "SEC", .seq = 100}).a({.flags = given_up ? "S" : "SEC", .seq = 100});
    t.from_port(4000).a({.flags = "S", .seq = 100}).b({.flags = "SAE", .seq = 300, .ack = 101});
    t.a({.seq = 101, .ack = 301});
    EXPECT_EQ(t.violates("ecn-not-offered"), !given_up) << t.text();
  }
}

// Found in captures of others: a box on the path forgot a connection and ended it, by a FIN that is numbered too low.
TEST(JudgeSilence, FinOfAForgottenConnection) {
  Talk t;
  for (int i = 0; i < 6; ++i)
    t.wait(std::chrono::seconds(1)).b({.flags = "FA", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 1531});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// More connections at a time than the judge may follow: the least recently used ones are concluded, and what comes of
// them afterwards is a capture that begins in mid-stream.
TEST(JudgeSilence, MoreConnectionsThanAreFollowedAtATime) {
  constexpr std::uint16_t kConnections = 300;
  Talk t(JudgeOptions{.vantage = Vantage::path, .max_connections = 10, .max_quiet_reports = 1});
  const auto number_of = [](std::uint16_t port) {
    return static_cast<std::uint32_t>(std::uint64_t{port} * 2'654'435'761U % (1U << 30U));
  };
  const auto each = [&](auto&& say) {
    for (std::uint16_t port = 1; port <= kConnections; ++port) say(t.from_port(port), number_of(port));
  };
  each([](Talk& c, std::uint32_t n) { c.a({.flags = "S", .seq = n}).b({.flags = "SA", .seq = 2 * n, .ack = n + 1}); });
  each([](Talk& c, std::uint32_t n) {
    c.a({.seq = n + 1, .ack = 2 * n + 1}).a({.seq = n + 1, .ack = 2 * n + 1, .len = 9});
  });
  const std::size_t held = t.judge.memory();
  each([](Talk& c, std::uint32_t n) {
    c.b({.seq = 2 * n + 1, .ack = n + 10}).b({.seq = 2 * n + 1, .ack = n + 10, .len = 5});
  });
  each([](Talk& c, std::uint32_t n) {
    c.a({.seq = n + 10, .ack = 2 * n + 6}).a({.flags = "FA", .seq = n + 10, .ack = 2 * n + 6});
  });
  each([](Talk& c, std::uint32_t n) {
    c.b({.flags = "FA", .seq = 2 * n + 6, .ack = n + 11}).a({.seq = n + 11, .ack = 2 * n + 7});
  });
  EXPECT_LT(t.judge.memory(), held + held / 2);
  expect_nobody_accused(t);
  EXPECT_GT(t.judge.counts().connections, std::uint64_t{kConnections});  // their later parts count as others
  EXPECT_EQ(t.judge.counts().let_go, t.judge.counts().connections - 10);
}

// A connection of which nothing was heard for more than a day is let go; what it says afterwards is held against
// nobody, nor is a new one on its ports.
TEST(JudgeSilence, LetGoAfterADayOfSilence) {
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 9}).b({.seq = 301, .ack = 110}).wait(std::chrono::hours(30));
  t.from_port(7).open().from_port(4000);
  t.a({.seq = 110, .ack = 301, .len = 9}).b({.seq = 301, .ack = 119}).b({.seq = 301, .ack = 119, .len = 4});
  t.a({.seq = 119, .ack = 305}).wait(std::chrono::hours(30)).from_port(8).open().from_port(4000);
  t.a({.flags = "S", .seq = 5}).b({.flags = "SA", .seq = 9, .ack = 6}).a({.seq = 6, .ack = 10});
  expect_nobody_accused(t);
}

// Found by the campaign: one direction only, of which the sender was in TIME-WAIT at last.
TEST(JudgeSilence, EcnInTimeWaitWhereTheOtherFinIsMissing) {
  for (const bool fin : {true, false}) {
    Talk t;
    t.a({.flags = "SEC", .seq = 100}).a({.seq = 101, .ack = 301}).a({.seq = 101, .ack = 301, .len = 5, .raw = ect});
    t.a({.flags = fin ? "FA" : "A", .seq = 106, .ack = 301});
    t.a({.seq = fin ? 107U : 106U, .ack = fin ? 302U : 301U, .raw = ect});
    EXPECT_EQ(t.violates("ect-on-control"), !fin) << t.text();
  }
  for (const std::uint32_t fins : {0U, 1U}) {  // the same, both FINs missing
    Talk t;
    t.a({.flags = "SEC", .seq = 100}).b({.flags = "SAE", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 301});
    t.a({.seq = 101, .ack = 301, .len = 5, .raw = ect}).b({.seq = 301, .ack = 106});
    t.a({.seq = 106 + fins, .ack = 301 + fins, .raw = ect});
    EXPECT_EQ(t.violates("ect-on-control"), fins == 0) << t.text();
  }
}

// Found by the campaign: a simultaneous open of which one SYN was lost; the SYN-ACK repeats its options.
TEST(JudgeSilence, OptionsOfAnOwnSynThatWasLost) {
  for (const std::uint16_t port : {std::uint16_t{4000}, std::uint16_t{80}}) {
    Talk t;
    t.from_port(port).a({.flags = "S", .seq = 100});
    t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = [](Segment& s) { s.options.window_scale = 7; }});
    t.a({.seq = 101, .ack = 301});
    EXPECT_EQ(t.violates("window-scale-not-offered"), port == 4000) << t.text();
  }
}

// Found by the campaign: a reset ends what a SYN-ACK belongs to that leaves behind it, and a copy of the SYN begins
// anew.
TEST(JudgeSilence, SynAckOfTheAttemptBeforeAReset) {
  for (const std::uint32_t echo : {1500U, 2000U}) {
    Talk t;
    t.timestamps = true;
    t.a({.flags = "S", .seq = 100, .tweak = with_stamp(2000, 0)});
    t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_stamp(600'000, echo)});
    t.b({.flags = "SA", .seq = 70'000, .ack = 101, .tweak = with_stamp(600'010, 2000)});
    EXPECT_EQ(t.violates("isn-changed"), echo == 2000) << t.text();
  }
}

// Found by the campaign: an old connection, of which the capture has nothing, still repeats its SYN-ACK when a SYN of a
// new one comes; then, established, it answers that SYN again (RFC 9293 3.10.7.4).
TEST(JudgeSilence, SynMeetsAConnectionFromBeforeTheCapture) {
  for (const std::uint32_t echo : {1500U, 2000U}) {
    Talk t;
    t.a({.flags = "S", .seq = 40'000'000, .tweak = with_stamp(2000, 0)});
    t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = with_stamp(600'000, echo)}).a({.flags = "R", .seq = 101});
    t.b({.seq = 301, .ack = 101, .tweak = with_stamp(600'010, echo)}).a({.flags = "R", .seq = 101});
    EXPECT_EQ(violations(t) == 0, echo == 1500) << t.text();
  }
}

TEST(JudgeSilence, KeepAliveAfterTheClockWasSetBack) {
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 5});
  t.wait(-std::chrono::hours(1)).b({.seq = 300, .ack = 106}).a({.seq = 106, .ack = 301});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// The capture's order is not the path's: ACKs that were sent after the text and the FIN stand before them.
TEST(JudgeSilence, AckBehindTheFinStandsBeforeTheText) {
  Talk t;
  t.a({.seq = 106, .ack = 306}).open().a({.seq = 107, .ack = 307}).a({.seq = 101, .ack = 301, .len = 5});
  t.b({.seq = 301, .ack = 106}).b({.seq = 301, .ack = 106, .len = 5});
  t.a({.flags = "FA", .seq = 106, .ack = 306}).b({.flags = "FA", .seq = 306, .ack = 107});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, CopyOfTheSynAckIsAnsweredAfterTheFin) {
  // At the server's tap; the path has doubled the SYN-ACK. The answer to the FIN cannot be there before 80 ms.
  Talk t;
  t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101}).wait(std::chrono::milliseconds(80));
  t.a({.seq = 101, .ack = 301}).b({.flags = "FA", .seq = 301, .ack = 101}).a({.seq = 101, .ack = 301});
  t.wait(std::chrono::milliseconds(60)).a({.seq = 101, .ack = 301, .len = 8}).b({.flags = "R", .seq = 301});
  EXPECT_EQ(violations(t), 0) << t.text();
}

}  // namespace lastack::test
