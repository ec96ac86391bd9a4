// What honest stacks did in recorded traffic and was once held against them (false_alarms.py): resets: of another
// incarnation, out of order, from hosts in between, and connections made anew after them.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_silence.h"

namespace lastack::test {

TEST(JudgeSilence, ResetAcknowledgesTheOldSegmentThatItAnswers) {
  // lwIP and others: <SEQ=SEG.ACK><ACK=SEG.SEQ+SEG.LEN>, here to a segment that came again.
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 10}).a({.seq = 111, .ack = 301, .len = 10}).b({.seq = 301, .ack = 121});
  t.b({.seq = 301, .ack = 121, .len = 5}).a({.seq = 101, .ack = 301, .len = 10});
  t.b({.flags = "RA", .seq = 306, .ack = 111});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, ResetsFromAHostInBetween) {
  // As some national filters do: resets at and beyond SND.NXT, all from nearer than the server.
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 50});
  for (const std::uint32_t seq : {301U, 1761U, 4681U}) {
    t.b({.flags = "RA", .seq = seq, .ack = 151, .raw = hops(88)});
  }
  t.b({.flags = "R", .seq = 900'000, .raw = hops(88)}).b({.seq = 301, .ack = 151, .len = 20});
  EXPECT_EQ(violations(t), 0) << t.text();
}

TEST(JudgeSilence, TextFromAHostInBetween) {
  // A page is put in before the server's own one, which then carries other octets under the same numbers.
  Talk t;
  t.open().a({.seq = 101, .ack = 301, .len = 50});
  t.b({.flags = "FPA", .seq = 301, .ack = 151, .len = 200, .raw = hops(120), .fill = 'q'});
  t.a({.seq = 151, .ack = 502}).b({.seq = 301, .ack = 151, .len = 400}).b({.seq = 701, .ack = 151, .len = 40});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: the end of a connection whose SYN-ACK is missing.
TEST(JudgeSilence, ResetOfAConnectionWhoseSynAckIsMissing) {
  for (const std::uint16_t wnd : {std::uint16_t{0}, std::uint16_t{900}}) {
    Talk t;
    t.a({.flags = "S", .seq = 100}).b({.flags = "RA", .seq = 301, .ack = 101, .wnd = wnd});
    EXPECT_EQ(t.violates("reset-of-syn"), wnd == 0) << t.text();
  }
}

TEST(JudgeSilence, ResetThatAcknowledgesSingleOctetsInAnyOrder) {
  for (const std::uint32_t ack : {105U, 106U}) {
    Talk t;
    t.gap = std::chrono::microseconds(20);
    t.open().a({.seq = 101, .ack = 301, .len = 1}).b({.seq = 301, .ack = 102, .len = 5});
    t.a({.flags = "FA", .seq = 104, .ack = 301}).a({.seq = 103, .ack = 301, .len = 1});
    t.a({.seq = 102, .ack = 301, .len = 1}).b({.flags = "RA", .seq = 306, .ack = ack});
    EXPECT_EQ(t.violates("reset-ack"), ack == 106) << t.text();
  }
}

// Found by the campaign: all of a later connection of these ports is missing but its reset.
TEST(JudgeSilence, ResetOfALaterConnectionThatIsMissing) {
  for (const int pause : {10, 700}) {
    Talk t;
    t.open().b({.flags = "FA", .seq = 301, .ack = 101}).a({.seq = 101, .ack = 301, .len = 3});
    t.b({.flags = "R", .seq = 301}).wait(std::chrono::milliseconds(pause)).b({.flags = "R", .seq = 23'000'000});
    EXPECT_EQ(t.violates("reset-number"), pause == 10) << t.text();
  }
  for (const std::uint32_t later :
       {6'000'000U, 60'000'000U}) {  // the ISN of 300 was chosen about 400 ms before, or earlier
    Talk t;
    t.open().wait(std::chrono::milliseconds(300)).b({.flags = "FA", .seq = 301, .ack = 101});
    t.a({.seq = 101, .ack = 301, .len = 3}).b({.flags = "R", .seq = 301});
    t.wait(std::chrono::milliseconds(20)).b({.flags = "R", .seq = 300 + later});
    EXPECT_EQ(t.violates("reset-number"), later == 60'000'000) << t.text();
  }
  for (const bool fin : {true, false}) {  // its end is missing, too, but for the other FIN
    Talk t;
    t.open().wait(std::chrono::milliseconds(300)).a({.flags = fin ? "FA" : "A", .seq = 101, .ack = 301});
    t.wait(std::chrono::milliseconds(20)).b({.flags = "R", .seq = 6'000'300});
    EXPECT_EQ(t.violates("reset-number"), !fin) << t.text();
  }
}

// Found by the campaign: text and the reset after it, in the order of times that are off by 0.2 ms.
TEST(JudgeSilence, ResetThatStandsBeforeTheTextItFollows) {
  Talk t;
  t.timestamps = true;
  t.open()
      .a({.seq = 101, .ack = 301, .len = 10})
      .b({.seq = 301, .ack = 111, .len = 10})
      .b({.seq = 311, .ack = 111, .len = 10});
  t.gap = std::chrono::microseconds(50);
  t.a({.flags = "RA", .seq = 171, .ack = 321}).a({.seq = 111, .ack = 311}).a({.seq = 111, .ack = 321});
  t.a({.seq = 111, .ack = 321, .len = 60}).a({.flags = "R", .seq = 171});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: a filter let SYN, FIN and RST through only.
TEST(JudgeSilence, ResetAfterTextThatAFilterLeftOut) {
  for (const bool filtered : {true, false}) {
    Talk t;
    for (std::uint16_t port = 4000; port < 4003; ++port) {
      t.from_port(port).a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101});
      if (!filtered) t.a({.seq = 101, .ack = 301});
    }
    t.a({.flags = "RA", .seq = 160'101, .ack = 301});
    EXPECT_EQ(t.violates("reset-number"), !filtered) << t.text();
  }
}

// Found by the campaign: a listener with SYN cookies made a connection of the ACK that came after its reset.
TEST(JudgeSilence, MadeAnewAfterAReset) {
  for (const char* flags : {"A", "FA", "PA"}) {
    for (const bool answered : {true, false}) {
      Talk t(TapChoice::server);
      t.open().a({.seq = 101, .ack = 301, .len = 2}).a({.flags = "FA", .seq = 103, .ack = 301});
      t.b({.flags = "FA", .seq = 301, .ack = 104}).b({.flags = "RA", .seq = 302, .ack = 104});
      if (answered) t.a({.seq = 104, .ack = 302});
      for (std::uint16_t port = 4001; port < 4006; ++port) t.from_port(port).open();
      t.from_port(4000).b({.flags = flags, .seq = 302, .ack = 104, .len = flags[0] == 'P' ? 3U : 0U});
      EXPECT_EQ(t.violates("segment-after-reset"), !answered) << flags << answered << t.text();
      EXPECT_EQ(violations(t) != 0, !answered) << flags << answered << t.text();
    }
  }
}

// The same on the path, where the ACK may have passed before the reset, or may be missing; or the reset is: then only
// numbers as near to the SYN-ACK's are left that Linux takes for a cookie of its own.
TEST(JudgeSilence, MadeAnewAfterAResetAsThePathSeesIt) {
  for (const bool reset : {true, false}) {
    for (const std::size_t text : {0U, 3U}) {
      for (const std::size_t before : {0U, 2U, 3U}) {
        Talk t;
        t.open();
        if (before != 0) t.b({.seq = 301, .ack = 101, .len = before});
        const std::uint32_t fin = 301 + static_cast<std::uint32_t>(before);
        t.a({.flags = "FA", .seq = 101, .ack = fin}).b({.flags = "FA", .seq = fin, .ack = 102});
        t.a({.seq = 102, .ack = fin + 1});
        if (reset) t.b({.flags = "RA", .seq = fin + 1, .ack = 102});
        t.b({.flags = text == 0 ? "FA" : "A", .seq = fin + 1, .ack = 102, .len = text});
        const bool silent = reset || before != 3;
        EXPECT_EQ(t.violates(text == 0 ? "fin-moved" : "data-after-fin"), !silent) << before << t.text();
        EXPECT_EQ(violations(t), silent ? 0 : 1) << before << t.text();
      }
    }
  }
}

// Found by the campaign: late resets of the connection before, around a SYN and its answer.
TEST(JudgeSilence, ResetsOfTheConnectionBefore) {
  Talk t;
  t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.flags = "FA", .seq = 301, .ack = 102});
  t.a({.seq = 102, .ack = 302}).a({.flags = "S", .seq = 65'000}).b({.flags = "RA", .seq = 302, .ack = 102});
  t.a({.flags = "S", .seq = 65'000}).b({.flags = "R", .seq = 302});
  t.b({.flags = "SA", .seq = 16'000'000, .ack = 65'001}).b({.flags = "R", .seq = 302});
  t.a({.seq = 65'001, .ack = 16'000'001}).b({.seq = 16'000'001, .ack = 65'001, .len = 5});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: of a later connection of the same ports only the reset was captured.
TEST(JudgeSilence, ResetOfAConnectionThatIsMissing) {
  for (const std::uint32_t after : {2'000'000U, 200'000'000U}) {  // in the 150 ms since
    Talk t;
    t.open().wait(std::chrono::milliseconds(150));
    t.b({.flags = "R", .seq = 301 + after}).b({.flags = "R", .seq = 302 + after});
    EXPECT_EQ(t.violates("reset-number"), after == 200'000'000U) << t.text();
  }
  for (const std::uint32_t ack : {102U, 16'000'102U}) {  // the end of the one before is missing, too
    Talk t;
    t.open().b({.flags = "FA", .seq = 301, .ack = 101}).a({.seq = 101, .ack = 302});
    t.b({.flags = "RA", .seq = 16'500'302, .ack = ack});
    EXPECT_EQ(t.violates("reset-number"), ack == 102) << t.text();
  }
  for (const std::uint32_t ack : {302U, 65'000U}) {
    Talk t;
    t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.flags = "FA", .seq = 301, .ack = 102});
    t.a({.seq = 102, .ack = 302}).a({.flags = "RA", .seq = 500'102, .ack = ack});
    EXPECT_EQ(t.violates("reset-number"), ack == 302) << t.text();
  }
}

// Found by the campaign: a reset behind text that the path had lost, with MPTCP.
TEST(JudgeSilence, ResetBeyondTheWindowOfAnMptcpHandshake) {
  const auto kind_30 = [](std::vector<std::byte>& p) {
    p[kIpv4HeaderSize + 22] = std::byte{30};
    fix_checksum(p);
  };
  Talk t;
  t.timestamps = true;
  t.a({.flags = "S", .seq = 100, .raw = kind_30})
      .b({.flags = "SA", .seq = 300, .ack = 101, .wnd = 200, .raw = kind_30});
  t.a({.seq = 101, .ack = 301}).a({.seq = 101, .ack = 301, .len = 150}).b({.seq = 301, .ack = 251, .wnd = 200});
  t.a({.seq = 251, .ack = 301, .len = 50}).a({.flags = "RA", .seq = 351, .ack = 301});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found by the campaign: lwIP answers old segments by resets that acknowledge.
TEST(JudgeSilence, ResetThatAnswersAnOldSegmentAndAcknowledges) {
  Talk t;
  t.open();
  for (std::uint32_t i = 0; i < 6; ++i)
    t.b({.seq = 301 + i * 10, .ack = 101, .len = 10}).a({.seq = 101, .ack = 311 + i * 10});
  t.a({.seq = 101, .ack = 361, .len = 10}).b({.flags = "RA", .seq = 321, .ack = 111});
  EXPECT_EQ(violations(t), 0) << t.text();
}

// Found in captures of others: a reset with odd bits, by a box that sends in the name of an end.
TEST(JudgeSilence, OddBitsOfAnotherHost) {
  for (const bool same : {true, false}) {
    Talk t;
    t.open().b({.seq = 301, .ack = 101, .len = 10}).a({.seq = 101, .ack = 311});
    t.b({.flags = "R", .seq = 311, .raw = [same](std::vector<std::byte>& p) {
           p[kIpv4HeaderSize + 12] |= std::byte{0xe};
           if (!same) p[8] = std::byte{126};
           store_be16(p.data() + 10, 0);
           store_be16(p.data() + 10, internet_checksum({p.data(), kIpv4HeaderSize}));
           fix_checksum(p);
         }});
    EXPECT_EQ(t.violates("reserved-bits"), same) << t.text();
  }
}

// Found by the campaign: packets are missing from the capture, among them the ACKs that opened the window.
TEST(JudgeSilence, ResetBeyondAWindowThatAMissingAckOpened) {
  for (const std::uint32_t newer : {0U, 5U}) {
    Talk t;
    t.timestamps = true;
    t.open();
    t.a({.flags = "RA", .seq = 140'101, .ack = 301, .tweak = [newer](Segment& s) {
           s.options.timestamps->echo += newer;
         }});
    EXPECT_EQ(t.violates("reset-number"), newer == 0) << t.text();
  }
}

// Found by the campaign: a client gives up in SYN-SENT with a reset, which the SYN-ACK meets on its way.
TEST(JudgeSilence, ResetFromSynSentBehindTheSynAck) {
  for (const std::uint32_t seq : {100U, 99U}) {
    Talk t;
    t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101}).a({.flags = "RA", .seq = seq});
    EXPECT_EQ(t.violates("reset-number"), seq == 99) << t.text();
  }
}

// Who has opened actively is no listener: nothing makes its connection anew, and it lives on after its reset.
TEST(JudgeSilence, LivesOnAfterItsOwnReset) {
  for (const TapChoice tap : {TapChoice::client, TapChoice::path}) {
    for (const int after : {1, 3}) {
      Talk t(tap);
      t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
      t.a({.flags = "RA", .seq = 111, .ack = 301});
      for (int i = 0; i < after; ++i) {
        const auto seq = static_cast<std::uint32_t>(111 + i * 10);
        t.wait(std::chrono::seconds(3)).a({.seq = seq, .ack = 301, .len = 10}).b({.seq = 301, .ack = seq + 10});
      }
      // One packet may stand in the wrong place of the file.
      const bool sure = tap == TapChoice::client && after > 1;
      EXPECT_EQ(t.violates("segment-after-reset"), sure) << after << t.text();
      EXPECT_EQ(violations(t) != 0, sure) << after << t.text();
    }
  }
}

}  // namespace lastack::test
