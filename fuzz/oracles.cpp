// Implementation of oracles.h.
#include "fuzz/oracles.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace lastack::fuzz {
namespace {

void print_assertion(int line, const std::string& what, const Failure& failure) {
  std::fprintf(stderr, "%s\nlastack-fuzz: oracles.cpp:%d: Assertion `%s' failed.\n", failure.text.c_str(), line,
               what.c_str());
  std::fflush(stderr);
}

#define X(name, sentence)                                                             \
  [[noreturn]] __attribute__((noinline)) void oracle_##name(const Failure& failure) { \
    print_assertion(__LINE__, #name " " sentence, failure);                           \
    __builtin_trap();                                                                 \
  }
LASTACK_ORACLES(X)
#undef X

constexpr std::size_t kRules = 160;

// One function per rule of the judge; N only makes them different functions.
template <std::size_t N>
[[noreturn]] __attribute__((noinline)) void judge_rule(const Failure& failure) {
  print_assertion(static_cast<int>(N), failure.id(), failure);
  __builtin_trap();
}

using Death = void (*)(const Failure&);
template <std::size_t... N>
constexpr std::array<Death, sizeof...(N)> rule_deaths(std::index_sequence<N...>) {
  return {judge_rule<N>...};
}
constexpr auto kRuleDeaths = rule_deaths(std::make_index_sequence<kRules>());

}  // namespace

const char* oracle_name(Oracle oracle) {
  switch (oracle) {
#define X(name, sentence) \
  case Oracle::name: return #name;
    LASTACK_ORACLES(X)
#undef X
  }
  return "?";
}

const char* oracle_sentence(Oracle oracle) {
  switch (oracle) {
#define X(name, sentence) \
  case Oracle::name: return sentence;
    LASTACK_ORACLES(X)
#undef X
  }
  return "?";
}

std::string Failure::id() const {
  if (oracle == Oracle::judge && rule != nullptr) return std::string("judge:") + rule->id;
  return oracle_name(oracle);
}

bool is_known(const Failure& failure) {
  static const std::string kKnown = [] {
    const char* value = std::getenv("LASTACK_FUZZ_KNOWN");
    return "," + std::string(value == nullptr ? "" : value) + ",";
  }();
  if (kKnown.size() == 2) return false;
  return kKnown.find("," + failure.id() + ",") != std::string::npos ||
         kKnown.find(std::string(",") + oracle_name(failure.oracle) + ",") != std::string::npos;
}

void die(const Failure& failure) {
  if (failure.rule != nullptr) {
    const auto index = static_cast<std::size_t>(failure.rule - judge_rules().data());
    kRuleDeaths[index % kRules](failure);
  }
  switch (failure.oracle) {
#define X(name, sentence) \
  case Oracle::name: oracle_##name(failure);
    LASTACK_ORACLES(X)
#undef X
  }
  __builtin_trap();
}

}  // namespace lastack::fuzz
