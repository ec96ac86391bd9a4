// Programs: every octet decodes, octets and text say the same thing both ways, and errors in text name their line.
#include "fuzz/program.h"

#include <gtest/gtest.h>

#include "fuzz/program_tables.h"
#include "stack/sim/prng.h"

namespace lastack::fuzz {
namespace {

class EachKind : public testing::TestWithParam<Kind> {};

TEST_P(EachKind, AnyOctetsDecodeAndGoRoundThroughOctetsAndText) {
  Prng prng(1);
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::byte> input(prng.below(300));
    for (std::byte& b : input) b = static_cast<std::byte>(prng.next());
    const Program program = decode(GetParam(), input);
    ASSERT_LE(program.steps.size(), kMaxSteps);
    ASSERT_EQ(decode(GetParam(), encode(program)), program);
    std::string error;
    const auto again = from_text(to_text(program), error);
    ASSERT_TRUE(again) << error << "\n" << to_text(program);
    ASSERT_EQ(*again, program) << to_text(program);
  }
}

// Each value of each field and argument can be reached from octets: otherwise it could never be fuzzed.
TEST_P(EachKind, EveryValueHasOctets) {
  for (std::size_t field = 0; field < kHeaderFields; ++field) {
    for (std::uint8_t v = 0; v < header_values(static_cast<HeaderField>(field)); ++v) {
      Program program;
      program.kind = GetParam();
      program.header[field] = v;
      ASSERT_EQ(decode(GetParam(), encode(program)), program) << header_layout(field).choice.name << " " << int{v};
    }
  }
  for (const Op op : op_codes(GetParam())) {
    for (std::size_t arg = 0; arg < kArgs; ++arg) {
      for (std::uint8_t v = 0; v < arg_values(GetParam(), op, arg); ++v) {
        Program program;
        program.kind = GetParam();
        program.steps = {Step{.op = op}};
        program.steps[0].arg[arg] = v;
        ASSERT_EQ(decode(GetParam(), encode(program)), program) << to_text(program);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EachKind, testing::Values(Kind::program, Kind::world),
                         [](const auto& each) { return each.param == Kind::program ? "program" : "world"; });

TEST(ProgramText, PartialStepsAndShortHeadersAreFine) {
  EXPECT_EQ(decode(Kind::program, {}), Program{});
  const std::vector<std::byte> input(kHeaderOctets + kStepOctets + 3);
  EXPECT_EQ(decode(Kind::program, input).steps.size(), 1U);
}

struct BadText {
  const char* text;
  const char* error;
};

class BadProgram : public testing::TestWithParam<BadText> {};

TEST_P(BadProgram, IsRefusedWithItsLine) {
  std::string error;
  EXPECT_FALSE(from_text(GetParam().text, error));
  EXPECT_NE(error.find(GetParam().error), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadProgram,
    testing::Values(BadText{"", "ends before 'lastack program v1'"}, BadText{"# nothing\n", "ends before"},
                    BadText{"lastack program v2\n", "line 1: expected 'lastack program v1'"},
                    BadText{"lastack program v1\nheader colour=red\n", "line 2: unknown header field 'colour'"},
                    BadText{"lastack program v1\nheader ip=5\n", "line 2: '5' is not a value of ip (4, 6)"},
                    BadText{"lastack program v1\n\njump\n", "line 3: unknown step 'jump'"},
                    BadText{"lastack program v1\nrun events=1\n", "line 2: unknown step 'run'"},
                    BadText{"lastack world v1\nsegment flags=A\n", "line 2: unknown step 'segment'"},
                    BadText{"lastack program v1\nsend slot=4\n", "line 2: slot must be 0 to 3"},
                    BadText{"lastack program v1\nsend slot=1x\n", "line 2: slot must be 0 to 3"},
                    BadText{"lastack program v1\nsend octets\n", "line 2: expected name=value"},
                    BadText{"lastack program v1\nsend colour=red\n", "line 2: send has no argument 'colour'"},
                    BadText{"lastack program v1\nsend octets=7\n", "line 2: '7' is not a value of octets"}));

TEST(ProgramText, MoreThanTheLongestProgramIsRefused) {
  std::string text = "lastack program v1\n", error;
  for (int i = 0; i < 65; ++i) text += "send octets=1\n";
  EXPECT_FALSE(from_text(text, error));
  EXPECT_EQ(error, "line 66: more than 64 steps");
}

}  // namespace
}  // namespace lastack::fuzz
