// The timed benchmarks: every work of the table for every contender, as Google Benchmark runs them. ci/bench runs this
// with repetitions in random order, so that each repetition of one contender has one of the others beside it.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "stack/bench/work.h"

namespace lastack::bench {
namespace {

// Large enough that opening one connection does not show, small enough for several rounds in the least time of a
// benchmark.
std::uint64_t units_at_once(const Work& work) { return std::strcmp(work.unit, "MiB") == 0 ? 16 : 500; }

void measure(benchmark::State& state, const Contenders& contenders, const std::string& name, const Work& work) {
  std::string why;
  const auto pair = contenders.create(name, work.config, &why);
  if (pair == nullptr) {
    state.SkipWithError(why.c_str());
    return;
  }
  work.prime(*pair, work.config);
  bench_count count{};
  const std::uint64_t units = units_at_once(work);
  for (auto _ : state) work.run(*pair, units, count);
  const auto done = static_cast<double>(state.iterations()) * static_cast<double>(units);
  using benchmark::Counter;
  state.counters["units"] = Counter(done, Counter::kIsRate);
  state.counters["frames"] = Counter(static_cast<double>(count.frames), Counter::kIsRate);
  state.counters["octets"] = Counter(static_cast<double>(count.octets), Counter::kIsRate);
}

}  // namespace
}  // namespace lastack::bench

// The peers' folder is in the environment, because Google Benchmark owns the command line.
int main(int argc, char** argv) {
  using namespace lastack::bench;
  const char* folder = std::getenv("LASTACK_BENCH_PEERS");
  const Contenders contenders(folder == nullptr ? "" : folder);
  for (const Work& work : all_work()) {
    for (const std::string& name : contenders.names()) {
      benchmark::RegisterBenchmark(
          (std::string(work.name) + "/" + name).c_str(),
          [&contenders, name, &work](benchmark::State& state) { measure(state, contenders, name, work); });
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 4;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
