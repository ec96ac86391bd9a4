// Questions about the list of rules (rule_table.cpp).
#include <cstring>
#include <vector>

#include "conformance/judge/rules/rules.h"

namespace lastack {

namespace {

std::vector<RuleInfo> make_infos() {
  std::vector<RuleInfo> infos;
  for (const RuleRow& row : rule_rows()) infos.push_back(row.info);
  return infos;
}

}  // namespace

const RuleRow& rule_row(RuleId id) { return rule_rows()[static_cast<std::size_t>(id)]; }
bool rule_needs_segment_only(const RuleInfo& rule) {
  const auto at = static_cast<std::size_t>(&rule - judge_rules().data());
  const auto is = [at](RuleId id) { return at == static_cast<std::size_t>(id); };
  return at <= static_cast<std::size_t>(RuleId::window_scale_limit) || is(RuleId::timestamp_echo_without_ack) ||
         is(RuleId::sack_block_empty) || is(RuleId::sack_block_below_ack);
}

std::span<const RuleInfo> judge_rules() {
  static const std::vector<RuleInfo> infos = make_infos();
  return infos;
}

const RuleInfo* find_judge_rule(const char* id) {
  for (const RuleRow& row : rule_rows()) {
    if (std::strcmp(row.info.id, id) == 0) return &row.info;
  }
  return nullptr;
}

const char* to_string(Level level) {
  switch (level) {
    case Level::must: return "MUST";
    case Level::must_not: return "MUST NOT";
    case Level::spec: return "SPEC";
    case Level::should: return "SHOULD";
    case Level::should_not: return "SHOULD NOT";
  }
  return "?";
}

}  // namespace lastack
