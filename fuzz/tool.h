// The actions of lastack-fuzz-tool, each of which works on one program. tool_main.cpp reads the command line.
#pragma once

#include <string>
#include <vector>

#include "fuzz/machine.h"

namespace lastack::fuzz {

enum class Target : std::uint8_t { program, world, canary };

struct Stacks {
  Target target = Target::program;
  const lastack_sut_ops* sut = nullptr;
  const lastack_sut_ops* sut_b = nullptr;
};

RunResult run(const Program& program, const Stacks& stacks, Observer* observer = nullptr);

// Runs in a child process. The oracle's id, or for a crash what the child said last; empty when all holds. `text` gets
// the details.
std::string run_in_child(const Program& program, const Stacks& stacks, std::string& text);

// transcript.cpp: the run, line by line. When the stack crashes, the lines before it have been written already.
void write_transcript(const Program& program, const Stacks& stacks);
// The run's packets with the steps as comments.
std::string pcapng_of(const Program& program, const Stacks& stacks);
// scenario.cpp: a pytest function, on standard output.
void write_scenario(const Program& program, const Stacks& stacks, const std::string& name, const std::string& finding);
// minimize.cpp: fewest steps and plainest fields with the same id.
Program minimize(const Program& program, const Stacks& stacks, const std::string& id);

// coverage_report.cpp: which state-by-event cells of the core the programs reach.
struct CellReport {
  std::size_t reached = 0;
  std::size_t total = 0;
  std::vector<std::string> cells;  // "ESTABLISHED, ACK in window: 1234"
  std::vector<std::string> missing;
};
CellReport cell_report();

}  // namespace lastack::fuzz
