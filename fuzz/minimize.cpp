// Minimising by step: delta debugging over the steps, then every field to its plainest value that keeps the finding.
// The finding is held by its oracle id, so that a smaller program cannot drift to another one.
#include <algorithm>

#include "fuzz/program_tables.h"
#include "fuzz/tool.h"

namespace lastack::fuzz {
namespace {

class Minimizer {
 public:
  Minimizer(const Stacks& stacks, std::string id) : stacks_(stacks), id_(std::move(id)) {}

  bool keeps(const Program& candidate) const {
    std::string ignored;
    return run_in_child(candidate, stacks_, ignored) == id_;
  }

  // Removes runs of steps, long ones first.
  bool fewer_steps(Program& program) const {
    bool changed = false;
    for (std::size_t length = std::max<std::size_t>(program.steps.size() / 2, 1); length >= 1; length /= 2) {
      for (std::size_t at = 0; at + length <= program.steps.size();) {
        Program candidate = program;
        const auto first = candidate.steps.begin() + static_cast<std::ptrdiff_t>(at);
        candidate.steps.erase(first, first + static_cast<std::ptrdiff_t>(length));
        if (keeps(candidate)) {
          program = candidate;
          changed = true;
        } else {
          at += length;
        }
      }
    }
    return changed;
  }

  bool plainer_fields(Program& program) const {
    bool changed = false;
    const auto try_change = [&](auto&& change) {
      Program candidate = program;
      change(candidate);
      if (candidate == program || !keeps(candidate)) return;
      program = candidate;
      changed = true;
    };
    for (std::size_t field = 0; field < kHeaderFields; ++field) {
      try_change([&](Program& p) { p.header[field] = 0; });
    }
    for (std::size_t i = 0; i < program.steps.size(); ++i) {
      if (program.kind == Kind::program) try_change([&](Program& p) { p.steps[i].slot = 0; });
      for (std::size_t arg = 0; arg < kArgs; ++arg) {
        if (program.steps[i].arg[arg] == 0) continue;
        try_change([&](Program& p) { p.steps[i].arg[arg] = 0; });
      }
    }
    return changed;
  }

 private:
  const Stacks& stacks_;
  std::string id_;
};

}  // namespace

Program minimize(const Program& program, const Stacks& stacks, const std::string& id) {
  const Minimizer minimizer(stacks, id);
  Program best = program;
  // Plainer fields can make further steps unnecessary.
  for (int round = 0; round < 4; ++round) {
    const bool fewer = minimizer.fewer_steps(best);
    const bool plainer = minimizer.plainer_fields(best);
    if (!fewer && !plainer) break;
  }
  return best;
}

}  // namespace lastack::fuzz
