// Running programs: the start states are what their names say, the oracles see what they are for (by the canary), and a
// run can be repeated.
#include "fuzz/machine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fuzz/canary_sut.h"
#include "fuzz/program_tables.h"
#include "fuzz/world_machine.h"
#include "stack/sim/prng.h"

namespace lastack::fuzz {
namespace {

const lastack_sut_ops* core() {
  std::string error;
  return load_sut("core", error);
}

Program parsed(const std::string& text) {
  std::string error;
  const auto program = from_text(text, error);
  EXPECT_TRUE(program) << error;
  return program.value_or(Program{});
}

class LastState final : public Observer {
 public:
  void on_step(int, const std::string&) override {}
  void on_packet(std::uint64_t, std::uint8_t, bool, Bytes, const char*) override {}
  void on_call(const Call&) override {}
  void on_time(std::uint64_t) override {}
  void on_state(std::uint64_t, std::uint8_t, std::uint8_t, std::int32_t s) override { state = state_name(s); }
  std::string state = "CLOSED";
};

struct StartCase {
  Start start;
  const char* state;
};

class StartStates : public testing::TestWithParam<StartCase> {};

TEST_P(StartStates, AreWhatTheirNamesSay) {
  for (const bool ipv6 : {false, true}) {
    for (std::uint8_t iss = 0; iss < header_values(HeaderField::sut_iss); ++iss) {
      Program program;
      program.set(HeaderField::start, static_cast<std::uint8_t>(GetParam().start));
      program.set(HeaderField::ip, ipv6 ? 1 : 0);
      program.set(HeaderField::sut_iss, iss);
      program.set(HeaderField::peer_iss, static_cast<std::uint8_t>(7 - iss));
      LastState last;
      const RunResult result = run_program(program, {.sut = core(), .observer = &last, .epilogue = false});
      EXPECT_FALSE(result.failure) << result.failure->id() << ": " << result.failure->text;
      EXPECT_EQ(last.state, GetParam().state);
      const RunResult whole = run_program(program, {.sut = core()});
      EXPECT_FALSE(whole.failure) << whole.failure->id() << ": " << whole.failure->text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Starts, StartStates,
    testing::Values(StartCase{Start::closed, "CLOSED"}, StartCase{Start::listen, "CLOSED"},
                    StartCase{Start::syn_sent, "SYN-SENT"}, StartCase{Start::syn_received, "SYN-RECEIVED"},
                    StartCase{Start::established, "ESTABLISHED"}, StartCase{Start::established_active, "ESTABLISHED"},
                    StartCase{Start::fin_wait_1, "FIN-WAIT-1"}, StartCase{Start::fin_wait_2, "FIN-WAIT-2"},
                    StartCase{Start::close_wait, "CLOSE-WAIT"}, StartCase{Start::closing, "CLOSING"},
                    StartCase{Start::last_ack, "LAST-ACK"}, StartCase{Start::time_wait, "TIME-WAIT"},
                    StartCase{Start::in_flight, "ESTABLISHED"}, StartCase{Start::zero_window, "ESTABLISHED"},
                    StartCase{Start::out_of_order, "ESTABLISHED"}, StartCase{Start::simultaneous, "SYN-RECEIVED"}),
    [](const auto& each) {
      const auto values = header_layout(static_cast<std::size_t>(HeaderField::start)).choice.values;
      std::string name = values[static_cast<std::size_t>(each.param.start)];
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

constexpr const char* kCanarySteps =
    "lastack program v1\n"
    "header start=established\n"
    "segment flags=A window=0\n"
    "send octets=10\n"
    "segment flags=PA window=0 len=10\n"
    "segment flags=A\n";

TEST(Canary, ThePlantedFaultIsSeenAndOnlyThere) {
  const Program program = parsed(kCanarySteps);
  const RunResult faulty = run_program(program, {.sut = canary_sut()});
  ASSERT_TRUE(faulty.failure);
  EXPECT_EQ(faulty.failure->id(), "sent_octets");
  EXPECT_EQ(faulty.failure->step, 3);
  const RunResult clean = run_program(program, {.sut = core()});
  EXPECT_FALSE(clean.failure) << clean.failure->text;
}

TEST(Canary, DiesWithItsOwnAssertion) {
  const RunResult faulty = run_program(parsed(kCanarySteps), {.sut = canary_sut()});
  ASSERT_TRUE(faulty.failure);
  EXPECT_DEATH(die(*faulty.failure), "Assertion `sent_octets .* failed");
}

// Random programs: nothing is found, and a second run is the same.
TEST(RandomPrograms, AreRepeatableAndHold) {
  Prng prng(2024);
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::byte> input(kHeaderOctets + 4 * prng.below(24));
    for (std::byte& b : input) b = static_cast<std::byte>(prng.next());
    const Kind kind = i % 2 == 0 ? Kind::program : Kind::world;
    const Program program = decode(kind, input);
    const auto go = [&] {
      return kind == Kind::program ? run_program(program, {.sut = core()})
                                   : run_world(program, {.sut = core(), .sut_b = core()});
    };
    const RunResult first = go();
    ASSERT_FALSE(first.failure) << to_text(program) << first.failure->id() << ": " << first.failure->text;
    ASSERT_EQ(first.error, "");
    ASSERT_EQ(go().hash, first.hash) << to_text(program);
  }
}

}  // namespace
}  // namespace lastack::fuzz
