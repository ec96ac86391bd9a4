// The systematic run before random fuzzing: from every start state, a plain acceptable segment with up to N of its
// fields changed to every other value of their tables, then the epilogue. Small embedded stacks' vulnerabilities mostly
// need a protocol state and one or two changed fields in one packet, and that space is small enough to walk through.
// The same oracles as `program`.
//
//   sweep [--changes 0..3] [--sut core|so:PATH] [--start STATE] [--all]
//
// Stops at the first finding and prints it as a program, unless --all. Exit status 0, 7 for a finding, 4 usage, 6 no
// such stack.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>

#include "fuzz/machine.h"
#include "fuzz/program_tables.h"

namespace {

using namespace lastack::fuzz;

// The fields of the one segment, by how much their values matter. Windows and options are values of the segment like
// the others.
constexpr std::array<std::uint8_t, 6> kFields = {arg_flags, arg_seq, arg_ack, arg_len, arg_window, arg_options};

class Sweep {
 public:
  Sweep(const lastack_sut_ops* sut, bool all) : sut_(sut), all_(all) {}

  // True when it may go on.
  bool run_start(std::uint8_t start, unsigned changes) {
    Program program;
    program.set(HeaderField::start, start);
    program.set(HeaderField::msl, 1);
    program.steps = {Step{}};
    return vary(program, 0, changes);
  }
  std::uint64_t runs() const { return runs_; }
  std::size_t findings() const { return ids_.size(); }

 private:
  bool vary(Program& program, std::size_t first_field, unsigned changes) {
    if (!run_one(program)) return false;
    if (changes == 0) return true;
    for (std::size_t f = first_field; f < kFields.size(); ++f) {
      std::uint8_t& value = program.steps[0].arg[kFields[f]];
      const std::size_t values = arg_values(Kind::program, Op::segment, kFields[f]);
      for (std::uint8_t v = 1; v < values; ++v) {
        value = v;
        if (!vary(program, f + 1, changes - 1)) return false;
      }
      value = 0;
    }
    return true;
  }

  bool run_one(const Program& program) {
    ++runs_;
    const RunResult result = run_program(program, {.sut = sut_});
    if (!result.error.empty()) {
      std::fprintf(stderr, "sweep: %s\n", result.error.c_str());
      std::exit(6);
    }
    if (!result.failure) return true;
    if (ids_.insert(result.failure->id()).second) {
      std::printf("%s# FINDING %s: %s\n\n", to_text(program).c_str(), result.failure->id().c_str(),
                  result.failure->text.c_str());
      std::fflush(stdout);
    }
    return all_;
  }

  const lastack_sut_ops* sut_;
  bool all_;
  std::uint64_t runs_ = 0;
  std::set<std::string> ids_;
};

[[noreturn]] void usage() {
  std::fprintf(stderr, "usage: sweep [--changes 0..3] [--sut core|so:PATH] [--start STATE] [--all]\n");
  std::exit(4);
}

}  // namespace

int main(int argc, char** argv) {
  unsigned changes = 2;
  std::string sut = "core", start;
  bool all = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--all") {
      all = true;
      continue;
    }
    if (i + 1 == argc) usage();
    const std::string value = argv[++i];
    if (word == "--changes" && value.size() == 1 && value[0] >= '0' && value[0] <= '3') {
      changes = static_cast<unsigned>(value[0] - '0');
    } else if (word == "--sut") {
      sut = value;
    } else if (word == "--start") {
      start = value;
    } else {
      usage();
    }
  }
  std::string error;
  const lastack_sut_ops* ops = load_sut(sut, error);
  if (ops == nullptr) {
    std::fprintf(stderr, "sweep: %s\n", error.c_str());
    return 6;
  }
  Sweep sweep(ops, all);
  const auto starts = header_layout(static_cast<std::size_t>(HeaderField::start)).choice.values;
  bool known = start.empty();
  for (std::size_t s = 0; s < starts.size(); ++s) {
    if (!start.empty() && start != starts[s]) continue;
    known = true;
    if (!sweep.run_start(static_cast<std::uint8_t>(s), changes)) break;
  }
  if (!known) usage();
  std::printf("%llu programs, %zu findings\n", static_cast<unsigned long long>(sweep.runs()), sweep.findings());
  return sweep.findings() == 0 ? 0 : 7;
}
