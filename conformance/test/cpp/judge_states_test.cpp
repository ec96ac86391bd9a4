// The states that the judge follows at a tap: every state of RFC 9293 3.3.2 on both sides, and the odd ways into and
// out of a connection.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_talk.h"

namespace lastack::test {
namespace {

struct Way {
  const char* name;
  std::function<void(Talk&)> talk;
  const char* a;
  const char* b;
  std::size_t connections = 1;
};

const std::vector<Way>& ways() {
  static const std::vector<Way> all = {
      {"syn", [](Talk& t) { t.a({.flags = "S", .seq = 100}); }, "SYN-SENT", "CLOSED|LISTEN|SYN-RECEIVED"},
      {"syn_ack", [](Talk& t) { t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101}); },
       "SYN-SENT|ESTABLISHED", "SYN-RECEIVED"},
      {"three_way", [](Talk& t) { t.open(); }, "ESTABLISHED", "SYN-RECEIVED|ESTABLISHED"},
      {"data_from_the_server", [](Talk& t) { t.open().b({.seq = 301, .ack = 101, .len = 5}); }, "ESTABLISHED",
       "ESTABLISHED"},
      {"simultaneous_open",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.flags = "S", .seq = 300});
         t.a({.flags = "SA", .seq = 100, .ack = 301}).b({.flags = "SA", .seq = 300, .ack = 101});
         t.a({.seq = 101, .ack = 301, .len = 1}).b({.seq = 301, .ack = 102, .len = 1});
       },
       "ESTABLISHED", "ESTABLISHED"},
      {"fin",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 5}).a({.seq = 101, .ack = 306});
         t.a({.flags = "FA", .seq = 101, .ack = 306});
       },
       "FIN-WAIT-1", "ESTABLISHED|CLOSE-WAIT"},
      {"half_close",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 5}).a({.flags = "FA", .seq = 101, .ack = 306});
         t.b({.seq = 306, .ack = 102}).b({.seq = 306, .ack = 102, .len = 5});
       },
       "FIN-WAIT-1|FIN-WAIT-2", "CLOSE-WAIT"},
      {"both_closed",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 5}).a({.flags = "FA", .seq = 101, .ack = 306});
         t.b({.flags = "FA", .seq = 306, .ack = 102}).a({.seq = 102, .ack = 307});
       },
       "TIME-WAIT", "CLOSED|LAST-ACK"},
      {"simultaneous_close",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 5}).a({.seq = 101, .ack = 306});
         t.a({.flags = "FA", .seq = 101, .ack = 306}).b({.flags = "FA", .seq = 306, .ack = 101});
         t.a({.seq = 102, .ack = 307});
       },
       "CLOSING", "FIN-WAIT-1|FIN-WAIT-2|CLOSING|TIME-WAIT"},
      {"reset",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 5}).a({.seq = 101, .ack = 306}).b({.flags = "R", .seq = 306});
       },
       "CLOSED|ESTABLISHED", "CLOSED"},
      {"reset_from_syn_sent_then_again",  // an old ACK is answered, the attempt goes on (3.10.7.3)
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).b({.seq = 900, .ack = 50}).a({.flags = "R", .seq = 50});
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 301});
         t.b({.seq = 301, .ack = 101, .len = 5});
       },
       "ESTABLISHED", "ESTABLISHED"},
      {"port_reuse",
       [](Talk& t) {
         t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.flags = "FA", .seq = 301, .ack = 102});
         t.a({.seq = 102, .ack = 302});
         t.a({.flags = "S", .seq = 5000}).b({.flags = "SA", .seq = 9000, .ack = 5001}).a({.seq = 5001, .ack = 9001});
         t.b({.seq = 9001, .ack = 5001, .len = 5});
       },
       "ESTABLISHED", "ESTABLISHED", 2},
      {"port_reuse_with_the_same_isn",
       [](Talk& t) {
         t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.flags = "FA", .seq = 301, .ack = 102});
         t.a({.seq = 102, .ack = 302});
         t.a({.flags = "S", .seq = 100}).b({.flags = "SA", .seq = 9000, .ack = 101}).a({.seq = 101, .ack = 9001});
         t.b({.seq = 9001, .ack = 101, .len = 5});
       },
       "ESTABLISHED", "ESTABLISHED", 2},
      {"port_reuse_whose_syns_were_not_captured",
       [](Talk& t) {
         t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.flags = "FA", .seq = 301, .ack = 102});
         t.a({.seq = 102, .ack = 302});
         t.a({.seq = 4000001, .ack = 8000001}).a({.seq = 4000001, .ack = 8000001, .len = 7});
         t.b({.seq = 8000001, .ack = 4000008, .len = 5}).a({.seq = 4000008, .ack = 8000006});
       },
       "ESTABLISHED", "ESTABLISHED", 2},
      {"midstream",
       [](Talk& t) {
         t.a({.seq = 5000, .ack = 9000, .len = 100})
             .b({.seq = 9000, .ack = 5100})
             .a({.seq = 5100, .ack = 9000, .len = 9});
       },
       "ESTABLISHED", "ESTABLISHED"},
      {"one_direction",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).a({.seq = 101, .ack = 301}).a({.seq = 101, .ack = 301, .len = 50});
         t.a({.seq = 151, .ack = 901}).a({.flags = "FA", .seq = 151, .ack = 901});
       },
       "FIN-WAIT-1", "CLOSED|LISTEN|SYN-RECEIVED"},
      {"fast_open",
       [](Talk& t) {
         const auto cookie = [](Segment& s) { s.options.unknown = true; };
         t.a({.flags = "S", .seq = 100, .len = 20, .tweak = cookie}).b({.flags = "SA", .seq = 300, .ack = 121});
         t.b({.seq = 301, .ack = 121, .len = 5}).a({.seq = 121, .ack = 306});
       },
       "ESTABLISHED", "ESTABLISHED"},
  };
  return all;
}

class JudgeState : public testing::TestWithParam<Way> {};

TEST_P(JudgeState, BothEndsAreFollowed) {
  Talk talk;
  GetParam().talk(talk);
  EXPECT_EQ(talk.text(), "");
  const auto reports = talk.judge.take_connections();
  ASSERT_EQ(reports.size(), GetParam().connections);
  EXPECT_EQ(reports.back().endpoints[0].state, GetParam().a);
  EXPECT_EQ(reports.back().endpoints[1].state, GetParam().b);
}

INSTANTIATE_TEST_SUITE_P(States, JudgeState, testing::ValuesIn(ways()),
                         [](const testing::TestParamInfo<Way>& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace lastack::test
