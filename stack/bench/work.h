// What is measured, in units that can be repeated: one table, from which the timed benchmarks, the instruction counts
// and the smoke test are all made. Owns the frames of the replay. Knows contenders only through their contract.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "stack/bench/contender.h"
#include "stack/bench/contenders.h"

namespace lastack::bench {

struct Work {
  const char* name;   // "bulk", "connection-tw100000", ...
  const char* group;  // of ci/bench --only
  bench_config config;
  // Brings a new pair into the state in which the measurement starts.
  void (*prime)(const Pair& pair, const bench_config& config);
  // Does `units` units: a MiB, a connection, a replayed input.
  void (*run)(const Pair& pair, std::uint64_t units, bench_count& count);
  const char* unit;
};

std::span<const Work> all_work();
const Work* find_work(std::string_view name);

// Memory for connections that are there and idle, octets for each TCB (or what stands for one). `idle`: just opened;
// `at_rest`: 2 s later.
enum class Held : std::uint8_t { idle, at_rest, half_open, time_wait };
constexpr std::uint32_t kResident = 1023;  // what every contender can hold at once
// `held` TCBs more are made between the two looks at the memory. Negative when the contender cannot.
double octets_per_connection(const Pair& pair, Held kind, std::uint32_t held);

}  // namespace lastack::bench
