// One mistake, one finding: which packet, whose, and under which rule, for single wrong fields all over a connection;
// and what looks like them but has an honest reason.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_talk.h"

namespace lastack::test {
namespace {

struct Fault {
  const char* name;
  std::function<void(Talk&)> talk;
  const char* rule;
  std::uint64_t packet;
  int sender;  // 0: a, 1: b
};

constexpr std::uint32_t kFar = 0x9000'0000U;

// Opened, and some data each way: a is at 111, b at 321.
Talk& going(Talk& t) {
  return t.open()
      .a({.seq = 101, .ack = 301, .len = 10})
      .b({.seq = 301, .ack = 111, .len = 20})
      .a({.seq = 111, .ack = 321});
}

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all = {
      {"syn_number_is_off",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 99}).b({.flags = "SA", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 301});
         t.a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
       },
       "isn-changed", 1, 0},
      {"syn_ack_number_is_off",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = kFar, .ack = 101}).a({.seq = 101, .ack = 301});
         t.a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111}).b({.seq = 301, .ack = 111, .len = 5});
         t.a({.seq = 111, .ack = 306});
       },
       "isn-changed", 2, 1},
      {"syn_ack_acknowledges_wrongly",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = kFar}).a({.seq = 101, .ack = 301});
       },
       "syn-ack-number", 2, 1},
      {"syn_ack_wrong_and_refused",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 102}).a({.flags = "R", .seq = 102});
       },
       "syn-ack-number", 2, 1},
      {"third_ack_far_off",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101}).a({.seq = 101, .ack = kFar});
         t.b({.seq = 301, .ack = 101, .len = 4}).a({.seq = 101, .ack = 305});
       },
       "ack-before-isn", 3, 0},
      {"ack_zero",
       [](Talk& t) {
         going(t).b({.seq = 321, .ack = 111, .len = 5}).a({.seq = 111, .ack = 0}).a({.seq = 111, .ack = 326});
       },
       "ack-before-isn", 8, 0},
      {"ack_far_ahead",
       [](Talk& t) { going(t).b({.seq = 321, .ack = 111, .len = 5}).a({.seq = 111, .ack = 0x7000'0000}); },
       "ack-of-unsent-data", 8, 0},
      {"empty_segment_far_ahead",
       [](Talk& t) { going(t).b({.seq = 321, .ack = 111, .len = 5}).a({.seq = 0x7000'0000, .ack = 326}); },
       "unsent-sequence", 8, 0},
      {"empty_segment_far_behind",
       [](Talk& t) { going(t).b({.seq = 321, .ack = 111, .len = 5}).a({.seq = kFar, .ack = 326}); }, "before-isn", 8,
       0},
      {"data_far_behind",
       [](Talk& t) {
         going(t).a({.seq = kFar, .ack = 321, .len = 10}).b({.seq = 321, .ack = 121});
         t.a({.seq = 121, .ack = 321, .len = 10}).b({.seq = 321, .ack = 131});
       },
       "before-isn", 7, 0},
      {"data_far_ahead",
       [](Talk& t) {
         going(t).a({.seq = 0x7000'0000, .ack = 321, .len = 10}).b({.seq = 321, .ack = 121});
         t.a({.seq = 121, .ack = 321, .len = 10}).b({.seq = 321, .ack = 131});
       },
       "data-beyond-window", 7, 0},
      {"fin_far_ahead",
       [](Talk& t) {
         going(t).a({.flags = "FA", .seq = 0x7000'0000, .ack = 321}).b({.seq = 321, .ack = 112});
         t.b({.flags = "FA", .seq = 321, .ack = 112}).a({.seq = 112, .ack = 322});
       },
       "data-beyond-window", 7, 0},
      {"fin_ack_counts_a_fin_to_come",
       [](Talk& t) {
         going(t).a({.flags = "FA", .seq = 111, .ack = 322});
         t.b({.flags = "FA", .seq = 321, .ack = 112}).a({.seq = 112, .ack = 322});
       },
       "ack-of-unsent-data", 7, 0},
      {"ack_falls_while_the_sequence_has_moved_on",  // no timestamps, no IP identifications: SND.NXT is the witness
       [](Talk& t) { going(t).a({.seq = 111, .ack = 321, .len = 5}).a({.seq = 116, .ack = 315}); }, "ack-goes-back", 8,
       0},
      {"ack_of_what_had_not_arrived",  // and those after it say so
       [](Talk& t) {
         t.timestamps = true;
         going(t).b({.seq = 321, .ack = 111, .len = 10}).b({.seq = 331, .ack = 111, .len = 10});
         t.b({.seq = 341, .ack = 111, .len = 10}).a({.seq = 111, .ack = 331}).a({.seq = 111, .ack = 351});
         for (int i = 0; i < 5; ++i) t.a({.seq = 111, .ack = 331});
         t.a({.seq = 111, .ack = 341}).a({.seq = 111, .ack = 351});
       },
       "ack-of-missing-data", 11, 0},
      {"ack_that_falls_once",  // and those after it take the part of the one before
       [](Talk& t) {
         t.timestamps = true;
         going(t).b({.seq = 321, .ack = 111, .len = 10}).b({.seq = 331, .ack = 111, .len = 10});
         t.a({.seq = 111, .ack = 341}).a({.seq = 111, .ack = 331}).a({.seq = 111, .ack = 341});
       },
       "ack-goes-back", 10, 0},
      {"fin_without_a_number",  // the only text is the FIN
       [](Talk& t) { t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.seq = 301, .ack = 101}); },
       "fin-not-counted", 5, 1},
      {"fin_left_out_for_good",
       [](Talk& t) {
         going(t);
         for (int i = 0; i < 5; ++i) {
           t.a({.flags = "FA", .seq = 111, .ack = 321}).b({.seq = 321, .ack = 111}).wait(std::chrono::seconds(1 << i));
         }
       },
       "fin-not-counted", 14, 1},
      {"third_segment_one_too_high",  // no timestamps, no IP identifications: the data follows too soon
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101}).a({.seq = 102, .ack = 301});
         t.gap = std::chrono::milliseconds(1);
         t.a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111}).a({.seq = 111, .ack = 301, .len = 3});
       },
       "unsent-sequence", 3, 0},
      {"one_of_a_row_of_acks_one_too_low",
       [](Talk& t) {
         going(t).b({.seq = 321, .ack = 111, .len = 5}).b({.seq = 326, .ack = 111, .len = 5});
         t.gap = std::chrono::microseconds(500);
         t.b({.seq = 331, .ack = 111, .len = 5});
         t.a({.seq = 111, .ack = 326}).a({.seq = 110, .ack = 331}).a({.seq = 111, .ack = 336});
       },
       "ack-sequence", 11, 0},
      {"ack_leaves_out_the_fin_that_it_echoes",
       [](Talk& t) {
         t.timestamps = true;
         going(t).b({.flags = "FA", .seq = 321, .ack = 111});
         t.a({.seq = 111, .ack = 322}).a({.flags = "FA", .seq = 111, .ack = 322}).b({.seq = 322, .ack = 111});
       },
       "fin-not-counted", 10, 1},
      {"reset_acknowledges_far_off", [](Talk& t) { going(t).a({.flags = "RA", .seq = 111, .ack = kFar}); }, "reset-ack",
       7, 0},
      {"payload_overlaps_with_other_octets",
       [](Talk& t) {
         going(t).a({.seq = 111, .ack = 321, .len = 40}).a({.seq = 151, .ack = 321, .len = 40});
         t.a({.seq = 131, .ack = 321, .len = 40, .fill = 'y'});
       },
       "payload-changed", 9, 0},
      {"fin_in_the_middle",  // the stream goes on over its number: only the FIN was wrong
       [](Talk& t) {
         going(t).a({.flags = "FA", .seq = 111, .ack = 321, .len = 10}).a({.seq = 121, .ack = 321, .len = 10});
         t.a({.seq = 131, .ack = 321, .len = 10})
             .b({.seq = 321, .ack = 141})
             .a({.flags = "FA", .seq = 141, .ack = 321});
       },
       "data-after-fin", 7, 0},
      {"jump_by_its_own_length",  // what follows has the same numbers and other text
       [](Talk& t) {
         going(t).a({.seq = 121, .ack = 321, .len = 10}).a({.seq = 121, .ack = 321, .len = 10, .fill = 'y'});
         t.a({.seq = 131, .ack = 321, .len = 10}).b({.seq = 321, .ack = 141});
       },
       "sequence-jump", 7, 0},
      {"syn_with_fin",
       [](Talk& t) {
         t.a({.flags = "SF", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 301});
         t.a({.seq = 101, .ack = 301, .len = 9}).b({.seq = 301, .ack = 110}).b({.seq = 301, .ack = 110, .len = 9});
         t.a({.seq = 110, .ack = 310});
       },
       "syn-with-fin", 1, 0},
      {"syn_in_the_middle",
       [](Talk& t) {
         going(t).a({.flags = "SA", .seq = 111, .ack = 321, .len = 10});
         t.b({.seq = 321, .ack = 121}).a({.seq = 121, .ack = 321, .len = 10});
       },
       "isn-changed", 7, 0},
      {"ack_of_what_was_not_sent_then_reset",
       [](Talk& t) {
         going(t).b({.seq = 321, .ack = 111, .len = 5}).a({.seq = 111, .ack = 0x7000'0000, .len = 4});
         t.a({.flags = "RA", .seq = 115, .ack = 326});
       },
       "ack-of-unsent-data", 8, 0},
      {"syn_with_an_option_twice",  // the SYN-ACK is not blamed for what that may have meant
       [](Talk& t) {
         t.a({.flags = "S",
              .seq = 100,
              .tweak =
                  [](Segment& s) {
                    s.options.mss = 1460;
                    s.options.user_timeout = 1;
                  },
              .raw =
                  [](auto& p) {
                    p[kIpv4HeaderSize + 24] = std::byte{2};
                    fix_checksum(p);
                  }});
         t.b({.flags = "SA", .seq = 300, .ack = 101, .tweak = [](Segment& s) { s.options.window_scale = 7; }});
         t.a({.seq = 101, .ack = 301});
       },
       "option-repeated", 1, 0},
      {"ect_on_the_syn",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100, .raw = [](auto& p) { p[1] |= std::byte{1}; }});
         t.b({.flags = "SA", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 301});
       },
       "ect-on-control", 1, 0},
      {"sack_block_before_the_isn",
       [](Talk& t) {
         t.open([](Segment& s) { s.options.sack_permitted = true; }).a({.seq = 201, .ack = 301, .len = 10});
         t.b({.seq = 301, .ack = 101, .tweak = [](Segment& s) {
                s.options.sack_count = 1;
                s.options.sack[0] = {SeqNum(50), SeqNum(60)};  // far off, a box may have renumbered all else
              }});
       },
       "sack-of-unsent-data", 5, 1},
  };
  return all;
}

class JudgeFault : public testing::TestWithParam<Fault> {};

TEST_P(JudgeFault, IsFoundOnceAtItsPacket) {
  Talk talk;
  GetParam().talk(talk);
  const auto& found = talk.findings();
  ASSERT_EQ(found.size(), 1U) << talk.text();
  EXPECT_EQ(found[0].verdict, Verdict::violated) << talk.text();
  EXPECT_STREQ(found[0].rule->id, GetParam().rule) << talk.text();
  EXPECT_EQ(found[0].packet, GetParam().packet) << talk.text();
  EXPECT_EQ(found[0].endpoint.port, GetParam().sender == 0 ? 4000 : 80) << talk.text();
}

INSTANTIATE_TEST_SUITE_P(Faults, JudgeFault, testing::ValuesIn(faults()),
                         [](const testing::TestParamInfo<Fault>& of) { return std::string(of.param.name); });

struct Honest {
  const char* name;
  std::function<void(Talk&)> talk;
};

const std::vector<Honest>& honest() {
  static const std::vector<Honest> all = {
      {"both_numbers_of_an_older_connection",
       [](Talk& t) { going(t).a({.seq = kFar, .ack = kFar + 100}).a({.seq = kFar, .ack = kFar + 100, .len = 10}); }},
      {"straggler_of_the_connection_before_with_the_same_isn",
       [](Talk& t) {
         going(t).a({.flags = "R", .seq = 111});
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 70'000'000, .ack = 101});
         t.a({.seq = 101, .ack = 70'000'001}).a({.seq = 101, .ack = 321});
       }},
      {"acks_in_the_wrong_order",
       [](Talk& t) {
         going(t).a({.seq = 111, .ack = 321, .len = 10}).a({.seq = 121, .ack = 321, .len = 10});
         t.b({.seq = 321, .ack = 131}).b({.seq = 321, .ack = 121});
       }},
      {"acks_swapped_behind_lost_data",  // the capture lacks 121-130; its ACK stands before an older one
       [](Talk& t) {
         t.timestamps = true;
         going(t).a({.seq = 111, .ack = 321, .len = 10});
         t.b({.seq = 321, .ack = 131, .tweak = [](Segment& s) { s.options.timestamps->value += 100; }});
         t.b({.seq = 321, .ack = 121});
         t.a({.seq = 131, .ack = 321, .len = 10});
       }},
      {"repacketised",
       [](Talk& t) {
         going(t).a({.seq = 111, .ack = 321, .len = 10}).a({.seq = 121, .ack = 321, .len = 10});
         t.wait(std::chrono::seconds(1)).a({.seq = 111, .ack = 321, .len = 15}).a({.seq = 116, .ack = 321, .len = 4});
       }},
      {"keep_alive_garbage",
       [](Talk& t) { going(t).wait(std::chrono::hours(2)).a({.seq = 110, .ack = 321, .len = 1, .fill = 0}); }},
      {"urgent_pointer_that_stands_for_further",
       [](Talk& t) {
         going(t).a({.flags = "UA", .seq = 111, .ack = 321, .len = 5, .tweak = [](Segment& s) { s.urg = 0xffff; }});
         t.a({.flags = "FA", .seq = 116, .ack = 321});
       }},
      {"reset_of_a_syn_that_carried_text",
       [](Talk& t) { t.a({.flags = "S", .seq = 100, .len = 3}).b({.flags = "RA", .seq = 0, .ack = 104}); }},
  };
  return all;
}

class JudgeHonest : public testing::TestWithParam<Honest> {};

TEST_P(JudgeHonest, IsNotAccused) {
  Talk talk;
  GetParam().talk(talk);
  for (const Finding& f : talk.findings()) EXPECT_EQ(f.verdict, Verdict::inconclusive) << talk.text();
}

INSTANTIATE_TEST_SUITE_P(Honest, JudgeHonest, testing::ValuesIn(honest()),
                         [](const testing::TestParamInfo<Honest>& of) { return std::string(of.param.name); });

// More than 4 GB in one connection: numbers wrap, and the ISN comes by again.
TEST(JudgeLongTransfer, NumbersWrap) {
  Talk talk;
  talk.gap = std::chrono::milliseconds(1);
  const auto scaled = [](Segment& s) { s.options.window_scale = 14; };
  talk.open(scaled);
  constexpr std::uint16_t kStep = 60'000;
  std::uint32_t seq = 101;
  for (int i = 0; i < 80'000; ++i) {  // 4.8 GB
    talk.a({.seq = seq, .ack = 301, .cut = kStep});
    seq = (SeqNum(seq) + kStep).raw();
    talk.b({.seq = 301, .ack = seq});
  }
  talk.a({.flags = "FA", .seq = seq, .ack = 301}).b({.flags = "FA", .seq = 301, .ack = seq + 1});
  talk.a({.seq = seq + 1, .ack = 302});
  EXPECT_EQ(talk.text(), "");
}

}  // namespace
}  // namespace lastack::test
