// lastack-fuzz-tool: what a person, or the lastack command, does with an input of the targets program, world and
// canary. The command line is described in README.md.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/canary_sut.h"
#include "fuzz/tool.h"

namespace {

using namespace lastack::fuzz;
namespace fs = std::filesystem;

constexpr int kOk = 0, kUsage = 4, kUnreadable = 6, kFinding = 7;

constexpr const char* kUsageText =
    "usage: lastack-fuzz-tool [--target program|world|canary] [--sut core|so:PATH] [--sut-b core|so:PATH] ACTION "
    "FILE...\n"
    "  --run FILE...            one line for each file\n"
    "  --text FILE              the program as text\n"
    "  --transcript FILE        every call and packet\n"
    "  --scenario FILE          a pytest function; --name NAME names it\n"
    "  --pcapng OUT FILE        the packets\n"
    "  --minimize OUT FILE      the smallest program with the same finding, as text\n"
    "  --compile OUT FILE       text to octets\n"
    "  --coverage PATH...       state-by-event cells reached; --json\n";

struct Arguments {
  std::string target, sut = "core", sut_b = "core", action, out, name = "test_finding";
  bool json = false;
  std::vector<fs::path> files;
};

[[noreturn]] void usage(const std::string& what) {
  std::fprintf(stderr, "lastack-fuzz-tool: %s\n%s", what.c_str(), kUsageText);
  std::exit(kUsage);
}

[[noreturn]] void unreadable(const std::string& what) {
  std::fprintf(stderr, "lastack-fuzz-tool: %s\n", what.c_str());
  std::exit(kUnreadable);
}

Arguments parse(int argc, char** argv) {
  static const std::vector<std::string> kActions = {"--run",    "--text",     "--transcript", "--scenario",
                                                    "--pcapng", "--minimize", "--compile",    "--coverage"};
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto next = [&]() -> std::string {
      if (++i == argc) usage(word + " needs a value");
      return argv[i];
    };
    if (word == "--help" || word == "-h") {
      std::fputs(kUsageText, stdout);
      std::exit(kOk);
    }
    if (word == "--target")
      arguments.target = next();
    else if (word == "--sut")
      arguments.sut = next();
    else if (word == "--sut-b")
      arguments.sut_b = next();
    else if (word == "--name")
      arguments.name = next();
    else if (word == "--json")
      arguments.json = true;
    else if (std::find(kActions.begin(), kActions.end(), word) != kActions.end()) {
      if (!arguments.action.empty()) usage("two actions: " + arguments.action + " and " + word);
      arguments.action = word;
      if (word == "--pcapng" || word == "--minimize" || word == "--compile") arguments.out = next();
    } else if (word.rfind("--", 0) == 0)
      usage("unknown option " + word);
    else
      arguments.files.emplace_back(word);
  }
  if (arguments.action.empty()) usage("no action");
  if (arguments.files.empty()) usage("no file");
  return arguments;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in.is_open() || fs::is_directory(path)) unreadable(path.string() + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_file(const fs::path& path, const std::string& data) {
  std::ofstream out(path, std::ios::binary);
  out.write(data.data(), static_cast<std::streamsize>(data.size()));
  out.close();
  if (!out) unreadable(path.string() + ": cannot be written");
}

struct Input {
  Program program;
  Stacks stacks;
};

Target target_of(const Arguments& arguments, const fs::path& path, bool world_text) {
  const auto by_name = [&](const std::string& name) -> std::optional<Target> {
    if (name == "program") return Target::program;
    if (name == "world") return Target::world;
    if (name == "canary") return Target::canary;
    return std::nullopt;
  };
  if (!arguments.target.empty()) {
    const auto target = by_name(arguments.target);
    if (!target) usage("unknown target '" + arguments.target + "': program, world or canary");
    return *target;
  }
  if (world_text) return Target::world;
  const std::string file = path.filename().string();
  return by_name(file.substr(0, file.find('-'))).value_or(Target::program);
}

const lastack_sut_ops* stack_named(const std::string& name) {
  std::string error;
  const lastack_sut_ops* ops = load_sut(name, error);
  if (ops == nullptr) unreadable(error);
  return ops;
}

Input load(const Arguments& arguments, const fs::path& path) {
  const std::string data = read_file(path);
  Input input;
  // A text program says what it is, whatever its name.
  const bool text =
      path.extension() == ".steps" || data.rfind("lastack program", 0) == 0 || data.rfind("lastack world", 0) == 0;
  if (text) {
    std::string error;
    const auto program = from_text(data, error);
    if (!program) unreadable(path.string() + ": " + error);
    input.program = *program;
    input.stacks.target = target_of(arguments, path, program->kind == Kind::world);
    if ((input.stacks.target == Target::world) != (program->kind == Kind::world))
      usage(path.string() + " is not of that target");
  } else {
    input.stacks.target = target_of(arguments, path, false);
    const Kind kind = input.stacks.target == Target::world ? Kind::world : Kind::program;
    input.program = decode(kind, lastack::as_bytes(data.data(), data.size()));
  }
  input.stacks.sut = input.stacks.target == Target::canary ? canary_sut() : stack_named(arguments.sut);
  input.stacks.sut_b = stack_named(arguments.sut_b);
  return input;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

int run_files(const Arguments& arguments) {
  int status = kOk;
  for (const fs::path& path : arguments.files) {
    const Input input = load(arguments, path);
    std::string text;
    const std::string id = run_in_child(input.program, input.stacks, text);
    if (id.empty()) {
      std::printf("%s: ok\n", path.c_str());
    } else {
      std::printf("%s: FINDING %s: %s\n", path.c_str(), id.c_str(), first_line(text).c_str());
      status = kFinding;
    }
    std::fflush(stdout);
  }
  return status;
}

int minimize_file(const Arguments& arguments) {
  const Input input = load(arguments, arguments.files[0]);
  std::string text;
  const std::string id = run_in_child(input.program, input.stacks, text);
  if (id.empty()) {
    std::printf("%s: ok, there is nothing to minimize\n", arguments.files[0].c_str());
    return kOk;
  }
  const Program small = minimize(input.program, input.stacks, id);
  write_file(arguments.out, to_text(small) + "# finding: " + id + "\n");
  std::printf("%s: %zu steps -> %zu steps, %s\n", arguments.out.c_str(), input.program.steps.size(), small.steps.size(),
              id.c_str());
  return kFinding;
}

int scenario(const Arguments& arguments) {
  const Input input = load(arguments, arguments.files[0]);
  std::string text;
  const std::string id = run_in_child(input.program, input.stacks, text);
  write_scenario(input.program, input.stacks, arguments.name, id.empty() ? "" : id + ": " + first_line(text));
  return id.empty() ? kOk : kFinding;
}

void print_cells(const CellReport& report, bool json) {
  if (!json) {
    for (const std::string& cell : report.cells) std::printf("%s\n", cell.c_str());
    for (const std::string& cell : report.missing) std::printf("not reached: %s\n", cell.c_str());
    std::printf("%zu of %zu cells\n", report.reached, report.total);
    return;
  }
  std::printf("{\"reached\":%zu,\"total\":%zu,\"missing\":[", report.reached, report.total);
  for (std::size_t i = 0; i < report.missing.size(); ++i)
    std::printf("%s\"%s\"", i == 0 ? "" : ",", report.missing[i].c_str());
  std::printf("]}\n");
}

int coverage(const Arguments& arguments) {
  std::vector<fs::path> files;
  for (const fs::path& path : arguments.files) {
    if (!fs::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
  }
  int status = kOk;
  for (const fs::path& path : files) {
    const Input input = load(arguments, path);
    // In this process, because the counters are the core's own.
    if (run(input.program, input.stacks).failure) status = kFinding;
  }
  print_cells(cell_report(), arguments.json);
  return status;
}

int act(const Arguments& arguments) {
  if (arguments.action == "--run") return run_files(arguments);
  if (arguments.action == "--coverage") return coverage(arguments);
  if (arguments.files.size() != 1) usage(arguments.action + " takes one file");
  if (arguments.action == "--minimize") return minimize_file(arguments);
  if (arguments.action == "--scenario") return scenario(arguments);
  const Input input = load(arguments, arguments.files[0]);
  if (arguments.action == "--text") {
    std::fputs(to_text(input.program).c_str(), stdout);
  } else if (arguments.action == "--transcript") {
    write_transcript(input.program, input.stacks);
  } else if (arguments.action == "--pcapng") {
    write_file(arguments.out, pcapng_of(input.program, input.stacks));
  } else {
    const auto octets = encode(input.program);
    write_file(arguments.out, std::string(reinterpret_cast<const char*>(octets.data()), octets.size()));
  }
  return kOk;
}

}  // namespace

int main(int argc, char** argv) { return act(parse(argc, argv)); }
