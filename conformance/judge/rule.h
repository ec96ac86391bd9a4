// What a rule is: its name, the clause it comes from, its level, and where it is sound. The functions that ask the
// rules are in rules/<topic>.cpp; this file only says what there is to know about a rule without running it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace lastack {

// The requirement level of the clause. `spec` is plain specification text without a keyword: as binding as a MUST.
enum class Level : std::uint8_t { must, must_not, spec, should, should_not };
const char* to_string(Level level);
// MUST, MUST NOT and plain specification: what makes a verdict "not conformant". SHOULDs are asked for separately.
constexpr bool is_mandatory(Level level) {
  return level == Level::must || level == Level::must_not || level == Level::spec;
}

// Where a rule may be believed.
enum class Soundness : char {
  anywhere = 'A',     // about fields and facts that never change: survives loss, duplication and reordering
  path = 'P',         // what an endpoint knows passed the tap first: sound as long as the capture has no gaps
  endpoint = 'E',     // order and time of what the endpoint itself sends: sound at its own tap
  statistical = 'S',  // a note, never a violation
};

struct RuleInfo {
  const char* id;      // "ack-of-unsent-data"
  const char* clause;  // "RFC 9293 3.10.7.4 (E-3.10.7.4-5-ESTABLISHED-ack-unsent)"
  Level level;
  Soundness soundness;
  const char* sentence;  // what the rule demands
};

// Every rule of the judge, in the order of the topics.
std::span<const RuleInfo> judge_rules();
// The rule with this id, or nullptr.
const RuleInfo* find_judge_rule(const char* id);

}  // namespace lastack
