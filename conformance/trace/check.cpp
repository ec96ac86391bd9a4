#include "conformance/trace/check.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "conformance/trace/link_layer.h"

namespace lastack {

namespace {

bool contains(const std::vector<std::string>& list, const char* id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

bool is_wanted(const Finding& f, const CheckOptions& options) {
  const bool advisory = f.verdict == Verdict::violated && !is_mandatory(f.rule->level);
  if (advisory && !options.advisories && !options.strict) return false;
  if (!options.rules.empty() && !contains(options.rules, f.rule->id)) return false;
  return !contains(options.skip_rules, f.rule->id);
}

void judge_packets(CaptureReader& reader, Judge& judge, CheckReport& report, const CheckOptions& options) {
  constexpr std::uint64_t kProgressEvery = 1 << 14;
  while (const auto packet = reader.next()) {
    if (options.progress && packet->number % kProgressEvery == 0 &&
        !options.progress(reader.source().raw_offset(), reader.source().raw_size())) {
      report.stopped = true;
      return;
    }
    const LinkPayload payload = find_ip(packet->link_type, packet->bytes);
    if (!payload.is_ip) {
      if (!link_type_is_known(packet->link_type)) ++report.other_link_packets;
      ++report.counts.packets;
      ++report.counts.skipped;
      continue;
    }
    judge.observed(packet->time, packet->bytes.subspan(payload.offset), packet->number,
                   packet->wire_size - payload.offset);
  }
}

// A violated SHOULD is advice unless the check is strict.
bool counts(const Finding& f, const CheckOptions& options) { return options.strict || is_mandatory(f.rule->level); }

EndpointVerdict verdict_of(const std::vector<Finding>& findings, std::uint32_t connection,
                           const SocketAddress& endpoint, const CheckOptions& options) {
  EndpointVerdict verdict = EndpointVerdict::ok;
  for (const Finding& f : findings) {
    if (f.verdict == Verdict::note) continue;
    if (f.connection != connection || f.endpoint != endpoint || !counts(f, options)) continue;
    if (f.verdict == Verdict::violated) return EndpointVerdict::violation;
    verdict = EndpointVerdict::inconclusive;
  }
  return verdict;
}

// Connections with findings are all listed, the others up to the limit.
void list_connections(std::vector<ConnectionReport>&& reports, CheckReport& report, const CheckOptions& options) {
  std::unordered_set<std::uint32_t> with_findings;
  for (const Finding& f : report.findings) with_findings.insert(f.connection);
  std::size_t without = 0;
  for (ConnectionReport& r : reports) {
    const bool interesting = with_findings.count(r.id) != 0;
    if (!interesting && without++ >= options.max_connections_listed) continue;
    CheckedConnection checked{std::move(r), {}};
    for (int e = 0; e < 2 && interesting; ++e) {
      checked.verdict[e] = verdict_of(report.findings, checked.report.id, checked.report.endpoints[e].address, options);
    }
    report.connections.push_back(std::move(checked));
  }
  report.connections_omitted = report.counts.connections - report.connections.size();
}

void collect(Judge& judge, CheckReport& report, const CheckOptions& options) {
  const std::uint64_t not_ip = report.counts.packets;
  report.counts = judge.counts();
  report.counts.packets += not_ip;
  report.counts.skipped += not_ip;
  const bool selective = !options.rules.empty() || !options.skip_rules.empty();
  std::uint64_t violated = 0;
  std::uint64_t advised = 0;
  std::uint64_t open = 0;
  for (const Finding& f : judge.findings()) {
    if (!is_wanted(f, options)) continue;
    if (f.verdict == Verdict::violated) {
      ++(counts(f, options) ? violated : advised);
    } else if (f.verdict == Verdict::inconclusive) {
      ++open;
    }
    report.findings.push_back(f);
  }
  if (selective) {
    report.counts.violations = violated;
    report.counts.advisories = advised;
    report.counts.inconclusive = open;
  } else if (options.strict) {
    report.counts.violations += std::exchange(report.counts.advisories, 0);
  }
  list_connections(judge.take_connections(), report, options);
}

}  // namespace

const char* to_string(EndpointVerdict verdict) {
  switch (verdict) {
    case EndpointVerdict::ok: return "OK";
    case EndpointVerdict::violation: return "VIOLATION";
    case EndpointVerdict::inconclusive: return "INCONCLUSIVE";
  }
  return "?";
}

std::vector<std::string> unknown_rules(const CheckOptions& options) {
  std::vector<std::string> unknown;
  for (const auto* list : {&options.rules, &options.skip_rules}) {
    for (const std::string& id : *list) {
      if (find_judge_rule(id.c_str()) == nullptr) unknown.push_back(id);
    }
  }
  return unknown;
}

CheckReport check_file(const std::string& path, const CheckOptions& options) {
  CheckReport report;
  report.file = path;
  std::string why;
  auto source = ByteSource::open(path, why);
  if (!source) {
    report.unreadable = true;
    report.error = CaptureError{why, 0, 0};
    return report;
  }
  CaptureReader reader(std::move(*source));
  JudgeOptions judge_options;
  judge_options.vantage = Vantage::path;
  judge_options.max_findings = options.max_findings;
  judge_options.observer = options.observer;
  judge_options.tap = options.tap;
  judge_options.profile = options.profile;
  Judge judge(judge_options);
  judge_packets(reader, judge, report, options);
  judge.finish();
  collect(judge, report, options);
  report.format = reader.format();
  report.error = reader.error();
  report.unreadable = report.error && report.format == "unknown";
  return report;
}

}  // namespace lastack
