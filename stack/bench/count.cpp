// Does an exact amount of work once and says what it was, for a counter of instructions around it (callgrind) and for
// memory, which needs no clock. Also the smoke test, which proves that what is measured is what the table says.
//
//   lastack_bench_count list
//   lastack_bench_count run WORK CONTENDER UNITS      {"frames":..,"octets":..,"allocations":..}
//   lastack_bench_count memory KIND CONTENDER N       {"octets_per_connection":..}
//   lastack_bench_count smoke
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// Under callgrind with --instr-atstart=no only the work is counted, and what comes before it takes a fraction of the
// time.
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#endif

#include "stack/bench/heap.h"
#include "stack/bench/smoke.h"
#include "stack/bench/work.h"

namespace lastack::bench {
namespace {

int list(const Contenders& contenders) {
  for (const auto* contender : contenders.all()) {
    std::printf("contender\t%s\t%s\t%s\n", contender->name, contender->version, contender->configuration);
  }
  for (const Work& work : all_work()) std::printf("work\t%s\t%s\t%s\n", work.name, work.group, work.unit);
  return 0;
}

int unsupported(const std::string& why) {
  std::printf("{\"unsupported\":\"%s\"}\n", why.c_str());
  return 0;
}

int run(const Contenders& contenders, const char* work_name, const char* name, std::uint64_t units) {
  const Work* work = find_work(work_name);
  if (work == nullptr) return 4;
  std::string why;
  const auto pair = contenders.create(name, work->config, &why);
  if (pair == nullptr) return unsupported(why);
  work->prime(*pair, work->config);
  bench_count count{};
  const std::uint64_t before = allocations();
  CALLGRIND_START_INSTRUMENTATION;
  work->run(*pair, units, count);
  std::printf("{\"frames\":%llu,\"octets\":%llu,\"allocations\":%llu}\n", static_cast<unsigned long long>(count.frames),
              static_cast<unsigned long long>(count.octets), static_cast<unsigned long long>(allocations() - before));
  return 0;
}

int memory(const Contenders& contenders, const std::string& kind, const char* name, std::uint32_t n) {
  const Held held = kind == "idle"        ? Held::idle
                    : kind == "at-rest"   ? Held::at_rest
                    : kind == "half-open" ? Held::half_open
                                          : Held::time_wait;
  // Only a TIME-WAIT table has a size that is chosen beforehand; lwIP needs it for the others too.
  bench_config config{1, 0, kResident, nullptr, nullptr};
  std::string why;
  const auto pair = contenders.create(name, config, &why);
  if (pair == nullptr) return unsupported(why);
  const double octets = octets_per_connection(*pair, held, n);
  if (octets < 0) return unsupported("it could not hold that many");
  std::printf("{\"octets_per_connection\":%.1f}\n", octets);
  return 0;
}

}  // namespace
}  // namespace lastack::bench

int main(int argc, char** argv) {
  using namespace lastack::bench;
  const char* folder = std::getenv("LASTACK_BENCH_PEERS");
  const Contenders contenders(folder == nullptr ? "" : folder);
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "list" && argc == 2) return list(contenders);
  if (verb == "smoke" && argc == 2) return smoke(contenders);
  if (verb == "run" && argc == 5) return run(contenders, argv[2], argv[3], std::strtoull(argv[4], nullptr, 10));
  if (verb == "memory" && argc == 5) {
    return memory(contenders, argv[2], argv[3], static_cast<std::uint32_t>(std::strtoul(argv[4], nullptr, 10)));
  }
  std::fprintf(
      stderr,
      "usage: %s list | smoke | run WORK CONTENDER UNITS | memory idle|at-rest|half-open|time-wait CONTENDER N\n",
      argv[0]);
  return 4;
}
