// The rules that look at an endpoint over time: each has a conversation at a tap that it fires on (a violation at the
// accused end's tap, or a note), and one close to it in which it keeps silent.
#include <gtest/gtest.h>

#include "conformance/test/cpp/judge_talk.h"

namespace lastack::test {

namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct ConductCase {
  std::string rule;
  std::function<void(Talk&)> fires;
  std::function<void(Talk&)> silent;
  Verdict verdict = Verdict::note;
  TapChoice tap = TapChoice::infer;
};

constexpr auto kViolated = Verdict::violated;
constexpr auto kServer = TapChoice::server;

void permit_sack(Segment& s) { s.options.sack_permitted = true; }

std::function<void(Segment&)> blocks(std::vector<std::pair<std::uint32_t, std::uint32_t>> list) {
  return [=](Segment& s) {
    s.options.sack_count = 0;
    for (const auto& [left, right] : list) s.options.sack[s.options.sack_count++] = {SeqNum(left), SeqNum(right)};
  };
}

// `side` sends `count` segments of `size` octets.
void stream(Talk& t, int side, std::uint32_t seq, std::uint32_t ack, int count, std::uint32_t size) {
  for (int i = 0; i < count; ++i, seq += size) {
    const S s{.seq = seq, .ack = ack, .len = size};
    side == 0 ? t.a(s) : t.b(s);
  }
}

// The server says five octets and repeats them after each of these times.
void repeat(Talk& t, std::vector<Duration> intervals) {
  t.open().b({.seq = 301, .ack = 101, .len = 5});
  for (const Duration d : intervals) t.wait(d - t.gap).b({.seq = 301, .ack = 101, .len = 5});
}

// The client's SYN again after each of these times, without an answer.
void open_unheard(Talk& t, const std::vector<Duration>& intervals) {
  t.a({.flags = "S", .seq = 100});
  for (const Duration d : intervals) t.wait(d - t.gap).a({.flags = "S", .seq = 100});
}

// A stimulus three times, a good second apart, then something of the server that is no answer to it.
void ignored(Talk& t, const S& stimulus, int times) {
  t.open();
  t.a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
  for (int i = 0; i < times; ++i) t.wait(seconds(2)).a(stimulus);
  t.wait(seconds(2)).b({.seq = 301, .ack = 111, .len = 3});
}

// The server fills the client's window, which stays shut.
void shut(Talk& t, Duration how_long) {
  t.open().b({.seq = 301, .ack = 101, .len = 500}).a({.seq = 101, .ack = 801, .wnd = 0}).wait(how_long);
}

void fast_recovery(Talk& t, int burst) {
  t.open();
  t.gap = milliseconds(1);
  stream(t, 1, 301, 101, 7, 500);
  t.a({.seq = 101, .ack = 301});
  for (int i = 0; i < 4; ++i) t.a({.seq = 101, .ack = 301});
  t.b({.seq = 301, .ack = 101, .len = 500});
  t.a({.seq = 101, .ack = 3801});
  stream(t, 1, 3801, 101, burst, 500);
}

// Each ACK is for two segments; the window grows as RFC 5681 says, or by an eighth of a segment more each time.
void avoid_congestion(Talk& t, bool extra) {
  constexpr std::uint32_t kSize = 500;
  t.open();
  t.gap = microseconds(100);
  double window = 20;
  std::uint32_t next = 301;
  for (std::uint32_t una = 301, acks = 0; acks < 200; ++acks) {
    for (; next + kSize <= una + static_cast<std::uint32_t>(window) * kSize; next += kSize) {
      t.b({.seq = next, .ack = 101, .len = kSize});
    }
    una += 2 * kSize;
    window += 1 / window + (extra ? 0.125 : 0);
    t.a({.seq = 101, .ack = una});
  }
}

// The server aborts; the client, which does not hear of it, goes on.
void after_abort(Talk& t, bool answered) {
  t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111, .len = 10}).a({.seq = 111, .ack = 311});
  t.b({.flags = "RA", .seq = 311, .ack = 111});
  for (int i = 0; i < 4; ++i) {
    t.wait(seconds(2)).a({.seq = 111, .ack = 311, .len = 10});
    if (answered) t.b({.flags = "R", .seq = 311});
  }
  t.wait(seconds(2));
  t.from_port(1).a({.flags = "S", .seq = 5});  // the capture goes on
}

void small_pieces(Talk& t, const char* flags) {
  t.open();
  t.gap = microseconds(100);
  stream(t, 1, 301, 101, 2, 500);
  for (std::uint32_t i = 0; i < 10; ++i) t.b({.flags = flags, .seq = 1301 + i * 20, .ack = 101, .len = 20});
}

void connections(Talk& t, const std::vector<std::uint32_t>& numbers) {
  std::uint16_t port = 5000;
  for (const std::uint32_t n : numbers)
    t.from_port(port++).a({.flags = "S", .seq = n}).b({.flags = "RA", .ack = n + 1});
}

void keep_alives(Talk& t, Duration apart, int count, bool answered) {
  t.open().a({.seq = 101, .ack = 301, .len = 5}).b({.seq = 301, .ack = 106});
  for (int i = 0; i < count; ++i) {
    t.wait(apart).b({.seq = 300, .ack = 106});
    if (answered) t.a({.seq = 106, .ack = 301});
  }
}

// One segment is missing, and `count` arrive beyond it; it comes again, and then each of them.
void hole(Talk& t, int count, bool kept) {
  t.open();
  stream(t, 0, 101, 301, 1, 500);
  t.b({.seq = 301, .ack = 601});
  stream(t, 0, 1101, 301, count, 500);
  t.wait(seconds(1));
  stream(t, 0, 601, 301, 1, 500);
  const auto end = 1101 + static_cast<std::uint32_t>(count) * 500;
  t.b({.seq = 301, .ack = kept ? end : 1101});
  if (kept) return;
  for (std::uint32_t seq = 1101; seq < end; seq += 500) {
    t.a({.seq = seq, .ack = 301, .len = 500}).b({.seq = 301, .ack = seq + 500});
  }
}

const std::vector<ConductCase>& conduct_cases() {
  static const std::vector<ConductCase> all = {
      {"sack-newest-first",
       [](Talk& t) {
         t.open(permit_sack).a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
         t.a({.seq = 121, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111, .tweak = blocks({{121, 131}})});
         t.a({.seq = 141, .ack = 301, .len = 10}).a({.seq = 151, .ack = 301, .len = 10});
         t.b({.seq = 301, .ack = 111, .tweak = blocks({{121, 131}, {141, 161}})});
       },
       [](Talk& t) {  // a duplicate is reported in front
         t.open(permit_sack).a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
         t.a({.seq = 121, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111, .tweak = blocks({{121, 131}})});
         t.a({.seq = 141, .ack = 301, .len = 10}).a({.seq = 151, .ack = 301, .len = 10});
         t.b({.seq = 301, .ack = 111, .tweak = blocks({{101, 111}, {141, 161}, {121, 131}})});
       },
       kViolated, kServer},
      {"challenge-missing", [](Talk& t) { ignored(t, {.flags = "R", .seq = 120}, 3); },
       [](Talk& t) { ignored(t, {.flags = "R", .seq = 120}, 2); }, kViolated, kServer},
      {"unacceptable-not-answered", [](Talk& t) { ignored(t, {.seq = 101, .ack = 301, .len = 10}, 3); },
       [](Talk& t) { ignored(t, {.seq = 101, .ack = 301, .len = 0}, 3); }, kViolated, kServer},
      {"fin-not-acknowledged-again",
       [](Talk& t) {
         t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.seq = 301, .ack = 102});
         for (int i = 0; i < 3; ++i) t.wait(seconds(2)).a({.flags = "FA", .seq = 101, .ack = 301});
         t.wait(seconds(2)).b({.seq = 301, .ack = 102, .len = 5});
       },
       [](Talk& t) {
         t.open().a({.flags = "FA", .seq = 101, .ack = 301}).b({.seq = 301, .ack = 102});
         for (int i = 0; i < 3; ++i) {
           t.wait(seconds(2)).a({.flags = "FA", .seq = 101, .ack = 301}).b({.seq = 301, .ack = 102});
         }
       },
       kViolated, kServer},
      {"window-reset-obeyed",
       [](Talk& t) {
         t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
         t.a({.flags = "R", .seq = 120}).a({.seq = 111, .ack = 301, .len = 10}).b({.flags = "R", .seq = 301});
       },
       [](Talk& t) {
         t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
         t.a({.flags = "R", .seq = 120}).b({.seq = 301, .ack = 111}).a({.flags = "R", .seq = 111});
         t.a({.seq = 111, .ack = 301, .len = 10}).b({.flags = "R", .seq = 301});
       },
       kViolated, kServer},
      {"outside-reset-answered",
       [](Talk& t) {
         t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
         t.a({.flags = "R", .seq = 50}).b({.seq = 301, .ack = 111});
       },
       [](Talk& t) {  // what it answers may be the segment after the reset
         t.open().a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
         t.a({.flags = "R", .seq = 50}).a({.seq = 101, .ack = 301, .len = 10}).b({.seq = 301, .ack = 111});
       },
       kViolated, kServer},
      {"closed-without-reset", [](Talk& t) { after_abort(t, false); }, [](Talk& t) { after_abort(t, true); }, kViolated,
       kServer},
      {"rto-not-backed-off",
       [](Talk& t) {
         repeat(t, {seconds(1), seconds(1), seconds(1), seconds(1), seconds(1)});
       },
       [](Talk& t) {
         repeat(t, {milliseconds(700), seconds(1), seconds(2), seconds(4), seconds(8)});
       },
       kViolated, kServer},
      {"no-retransmission",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 5});
         for (std::uint32_t i = 0; i < 9; ++i) {
           t.wait(seconds(10)).a({.seq = 101 + i, .ack = 301, .len = 1}).b({.seq = 306, .ack = 102 + i});
         }
       },
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 5});
         for (std::uint32_t i = 0; i < 9; ++i) {
           t.wait(seconds(10)).a({.seq = 101 + i, .ack = 301, .len = 1}).b({.seq = 306, .ack = 102 + i});
           if (i == 0) t.b({.seq = 301, .ack = 102, .len = 5});
         }
       },
       Verdict::note, kServer},
      {"acknowledged-data-resent",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 50}).a({.seq = 101, .ack = 351});
         for (int i = 0; i < 2; ++i)
           t.wait(seconds(1)).b({.seq = 301, .ack = 101, .len = 50}).a({.seq = 101, .ack = 351});
       },
       [](Talk& t) {  // a probe of one old octet
         t.open().b({.seq = 301, .ack = 101, .len = 50}).a({.seq = 101, .ack = 351});
         for (int i = 0; i < 4; ++i)
           t.wait(seconds(1)).b({.seq = 350, .ack = 101, .len = 1}).a({.seq = 101, .ack = 351});
       },
       kViolated, kServer},
      {"rto-below-minimum",
       [](Talk& t) {
         repeat(t, {milliseconds(200), milliseconds(400), milliseconds(800)});
       },
       [](Talk& t) {
         repeat(t, {milliseconds(200), seconds(1), seconds(2)});
       }},
      {"rto-below-round-trip",
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).wait(milliseconds(600));
         t.b({.flags = "SA", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 301, .len = 500});
         t.wait(milliseconds(190)).a({.seq = 101, .ack = 301, .len = 500});
       },
       [](Talk& t) {
         t.a({.flags = "S", .seq = 100}).wait(milliseconds(600));
         t.b({.flags = "SA", .seq = 300, .ack = 101}).a({.seq = 101, .ack = 301, .len = 500});
         t.wait(milliseconds(1000)).a({.seq = 101, .ack = 301, .len = 500});
       }},
      {"no-slow-start-after-timeout",
       [](Talk& t) {
         t.open();
         stream(t, 1, 301, 101, 5, 500);
         t.wait(seconds(1)).b({.seq = 301, .ack = 101, .len = 500});
         t.wait(milliseconds(50)).a({.seq = 101, .ack = 2801});
         stream(t, 1, 2801, 101, 19, 500);
       },
       [](Talk& t) {
         t.open();
         stream(t, 1, 301, 101, 5, 500);
         t.wait(seconds(1)).b({.seq = 301, .ack = 101, .len = 500});
         t.wait(milliseconds(50)).a({.seq = 101, .ack = 2801});
         stream(t, 1, 2801, 101, 2, 500);
         t.a({.seq = 101, .ack = 3801});
         stream(t, 1, 3801, 101, 4, 500);
       }},
      {"initial-window", [](Talk& t) { stream(t.open(), 1, 301, 101, 13, 536); },
       [](Talk& t) { stream(t.open(), 1, 301, 101, 12, 536); }},
      {"window-not-deflated", [](Talk& t) { fast_recovery(t, 8); }, [](Talk& t) { fast_recovery(t, 3); }},
      {"fast-retransmit-missing",
       [](Talk& t) {
         t.open();
         stream(t, 1, 301, 101, 6, 500);
         for (int i = 0; i < 6; ++i) t.a({.seq = 101, .ack = 301});
         t.wait(seconds(1)).b({.seq = 301, .ack = 101, .len = 500});
       },
       [](Talk& t) {
         t.open();
         stream(t, 1, 301, 101, 6, 500);
         for (int i = 0; i < 6; ++i) t.a({.seq = 101, .ack = 301});
         t.b({.seq = 301, .ack = 101, .len = 500});
       }},
      {"window-grows-too-fast", [](Talk& t) { avoid_congestion(t, true); },
       [](Talk& t) { avoid_congestion(t, false); }},
      {"repetition-with-stump",
       [](Talk& t) {
         t.gap = milliseconds(1);
         t.timestamps = true;
         t.open();
         stream(t, 1, 301, 101, 4, 460);
         t.wait(seconds(1)).b({.seq = 301, .ack = 101, .len = 460}).b({.seq = 761, .ack = 101, .len = 12});
       },
       [](Talk& t) {
         t.gap = milliseconds(1);
         t.timestamps = true;
         t.open();
         stream(t, 1, 301, 101, 4, 460);
         t.wait(seconds(1)).b({.seq = 301, .ack = 101, .len = 460}).b({.seq = 761, .ack = 101, .len = 460});
       }},
      {"stretch-ack",
       [](Talk& t) {
         t.open();
         for (std::uint32_t i = 0; i < 5; ++i) {
           stream(t, 0, 101 + i * 1500, 301, 3, 500);
           t.b({.seq = 301, .ack = 1601 + i * 1500});
         }
       },
       [](Talk& t) {
         t.open();
         // In bursts, as a tap far from the receiver sees them: three ACKs of two each come behind six segments.
         for (std::uint32_t i = 0; i < 5; ++i) {
           stream(t, 0, 101 + i * 3000, 301, 6, 500);
           for (std::uint32_t k = 1; k <= 3; ++k) t.b({.seq = 301, .ack = 101 + i * 3000 + k * 1000});
         }
       }},
      {"duplicate-ack-missing", [](Talk& t) { hole(t, 9, true); }, [](Talk& t) { hole(t, 5, true); }},
      {"beyond-hole-not-kept", [](Talk& t) { hole(t, 9, false); }, [](Talk& t) { hole(t, 9, true); }},
      {"window-not-probed",
       [](Talk& t) {
         shut(t, seconds(90));
         t.gap = milliseconds(1);
         t.a({.seq = 101, .ack = 801}).b({.seq = 801, .ack = 101, .len = 500});
       },
       [](Talk& t) {
         shut(t, seconds(90));
         t.a({.seq = 101, .ack = 801}).wait(seconds(1)).b({.seq = 801, .ack = 101, .len = 500});
       }},
      {"window-probe-not-backed-off",
       [](Talk& t) {
         shut(t, seconds(1));
         for (int i = 0; i < 6; ++i)
           t.wait(seconds(2)).b({.seq = 801, .ack = 101, .len = 1}).a({.seq = 101, .ack = 801, .wnd = 0});
       },
       [](Talk& t) {
         shut(t, seconds(1));
         for (int i = 0; i < 6; ++i)
           t.wait(seconds(1 << i)).b({.seq = 801, .ack = 101, .len = 1}).a({.seq = 101, .ack = 801, .wnd = 0});
       }},
      {"silly-window-offered",
       [](Talk& t) {
         t.open();
         for (std::uint32_t i = 0, seq = 301; i < 4; ++i) {
           t.b({.seq = seq, .ack = 101, .len = 500});
           seq += 500;
           t.a({.seq = 101, .ack = seq, .wnd = 0})
               .a({.seq = 101, .ack = seq, .wnd = 10})
               .b({.seq = seq, .ack = 101, .len = 10});
           seq += 10;
           t.a({.seq = 101, .ack = seq});
         }
       },
       [](Talk& t) {
         t.open();
         for (std::uint32_t i = 0, seq = 301; i < 4; ++i) {
           t.b({.seq = seq, .ack = 101, .len = 500});
           seq += 500;
           t.a({.seq = 101, .ack = seq, .wnd = 0}).a({.seq = 101, .ack = seq, .wnd = 500});
           t.b({.seq = seq, .ack = 101, .len = 500});
           seq += 500;
           t.a({.seq = 101, .ack = seq});
         }
       }},
      {"silly-window-sent", [](Talk& t) { small_pieces(t, "A"); }, [](Talk& t) { small_pieces(t, "PA"); }},
      {"isn-predictable",
       [](Talk& t) {
         connections(t, {777, 777, 777});
       },
       [](Talk& t) {
         connections(t, {777, 777, 778});
       }},
      {"keep-alive-interval", [](Talk& t) { keep_alives(t, std::chrono::minutes(13), 3, true); },
       [](Talk& t) { keep_alives(t, hours(2), 3, true); }},
      {"keep-alive-retry",
       [](Talk& t) {
         keep_alives(t, hours(2), 1, false);
         for (int i = 0; i < 4; ++i) t.wait(seconds(1)).b({.seq = 300, .ack = 106});
       },
       [](Talk& t) {
         keep_alives(t, hours(2), 1, false);
         for (int i = 0; i < 4; ++i) t.wait(seconds(75)).b({.seq = 300, .ack = 106});
       }},
      {"keep-alive-with-data",
       [](Talk& t) { t.open().b({.seq = 301, .ack = 101, .len = 500}).wait(seconds(1)).b({.seq = 800, .ack = 101}); },
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 500}).a({.seq = 101, .ack = 801}).wait(seconds(1));
         t.b({.seq = 800, .ack = 101});
       }},
      {"close-with-data-pending",
       [](Talk& t) {
         shut(t, seconds(1));
         t.a({.flags = "FA", .seq = 101, .ack = 801, .wnd = 0}).b({.seq = 801, .ack = 102});
         for (int i = 0; i < 4; ++i)
           t.wait(seconds(5 << i)).b({.seq = 801, .ack = 102, .len = 1}).a({.seq = 102, .ack = 801, .wnd = 0});
       },
       [](Talk& t) {
         shut(t, seconds(1));
         t.a({.flags = "FA", .seq = 101, .ack = 801, .wnd = 0}).b({.seq = 801, .ack = 102});
         for (int i = 0; i < 2; ++i)
           t.wait(seconds(5 << i)).b({.seq = 801, .ack = 102, .len = 1}).a({.seq = 102, .ack = 801, .wnd = 0});
       }},
      {"syn-repeated-early",
       [](Talk& t) {
         open_unheard(t, {milliseconds(300), milliseconds(600), milliseconds(1200)});
       },
       [](Talk& t) {
         open_unheard(t, {milliseconds(30), milliseconds(970), seconds(2), seconds(4)});
       }},
      {"syn-not-backed-off",
       [](Talk& t) {
         open_unheard(t, {seconds(1), seconds(1), seconds(1), seconds(1)});
       },
       [](Talk& t) {
         open_unheard(t, {seconds(1), seconds(1), seconds(2), seconds(4), seconds(8)});
       }},
      {"fin-not-prompt",
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 40}).wait(milliseconds(150)).a({.seq = 101, .ack = 341});
         t.b({.flags = "FA", .seq = 341, .ack = 101});
       },
       [](Talk& t) {
         t.open().b({.seq = 301, .ack = 101, .len = 40}).a({.seq = 101, .ack = 341}).wait(milliseconds(150));
         t.b({.flags = "FA", .seq = 341, .ack = 101});
       }},
  };
  return all;
}

class ConductRule : public testing::TestWithParam<ConductCase> {};

TEST_P(ConductRule, Fires) {
  Talk talk(GetParam().tap);
  GetParam().fires(talk);
  EXPECT_TRUE(talk.finds(GetParam().rule, GetParam().verdict)) << "findings:\n" << talk.text();
}

TEST_P(ConductRule, KeepsSilent) {
  Talk talk(GetParam().tap);
  GetParam().silent(talk);
  EXPECT_FALSE(talk.finds(GetParam().rule, GetParam().verdict)) << "findings:\n" << talk.text();
  for (const Finding& f : talk.findings()) {  // the client plays the stranger where the server's replies are asked for
    const bool stranger = GetParam().tap == kServer && f.endpoint.port != 80;
    EXPECT_TRUE(stranger || f.verdict != Verdict::violated) << to_string(f);
  }
}

// What holds at an endpoint's own tap only is not held against it from elsewhere.
TEST_P(ConductRule, AccusesNobodyFromThePath) {
  Talk talk(TapChoice::path);
  GetParam().fires(talk);
  EXPECT_FALSE(talk.violates(GetParam().rule)) << "findings:\n" << talk.text();
}

std::string conduct_test_name(const testing::TestParamInfo<ConductCase>& param) {
  std::string name = param.param.rule;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Rules, ConductRule, testing::ValuesIn(conduct_cases()), conduct_test_name);

}  // namespace

std::vector<std::string> rules_with_conduct_cases() {
  std::vector<std::string> names;
  for (const ConductCase& c : conduct_cases()) names.push_back(c.rule);
  return names;
}

}  // namespace lastack::test
