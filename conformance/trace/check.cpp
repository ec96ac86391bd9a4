#include "conformance/trace/check.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "conformance/trace/copies.h"
#include "conformance/trace/decapsulate.h"

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

// From the file to the judge: one packet after the other, skipped ones counted by reason.
class Reading {
 public:
  Reading(CaptureReader& reader, Judge& judge, CheckReport& report, const CheckOptions& options)
      : reader_(reader), judge_(judge), report_(report), options_(options) {}

  void run() {
    constexpr std::uint64_t kProgressEvery = 1 << 14;
    CapturedPacket packet;
    while (reader_.next(packet)) {
      if (options_.progress && packet.number % kProgressEvery == 0 &&
          !options_.progress(reader_.source().raw_offset(), reader_.source().raw_size())) {
        report_.stopped = true;
        break;
      }
      one(packet);
    }
    decapsulator_.reassembler().finish();
    report_.joined = decapsulator_.reassembler().joined() - whole_;
    skipped(Skip::fragment) += decapsulator_.reassembler().lost();
    report_.lost = reader_.lost();
    if (report_.lost != 0) judge_.note_capture_loss(report_.lost);
  }

 private:
  std::uint64_t& skipped(Skip skip) { return report_.skips[static_cast<std::size_t>(skip)]; }

  void one(const CapturedPacket& packet) {
    if (packet.time < last_time_ && report_.backwards++ == 0) report_.first_backwards = packet.number;
    last_time_ = packet.time;
    Decapsulated found;
    const std::uint64_t joined = decapsulator_.reassembler().joined();
    const Skip skip = decapsulator_.find(packet, found);
    if (decapsulator_.reassembler().joined() != joined) ++whole_;  // the last piece stands for the packet
    if (skip == Skip::fragment) return;                            // counted by the reassembler
    if (skip != Skip::none) {
      ++skipped(skip);
      return;
    }
    const Sighting sighting = copies_.see(found, packet.time);
    const PacketOrigin origin{found.context, sighting == Sighting::copy, sighting == Sighting::again};
    judge_.observed(packet.time, found.packet, packet.number, found.wire_size, origin);
  }

  CaptureReader& reader_;
  Judge& judge_;
  CheckReport& report_;
  const CheckOptions& options_;
  Decapsulator decapsulator_;
  CopyFilter copies_;
  Instant last_time_{};
  std::uint64_t whole_ = 0;  // frames that completed a packet
};

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

void collect(Judge& judge, CheckReport& report, std::uint64_t packets, const CheckOptions& options) {
  report.counts = judge.counts();
  // What the judge was given and could not use.
  const JudgeCounts& n = report.counts;
  const std::uint64_t cut = n.packets - n.segments - n.copies - n.skipped;
  report.skips[static_cast<std::size_t>(Skip::cut)] += cut;
  report.skips[static_cast<std::size_t>(Skip::malformed)] += n.skipped;
  report.counts.skipped = std::accumulate(report.skips.begin(), report.skips.end(), std::uint64_t{0});
  report.counts.packets = packets;
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

namespace {

std::string counted(std::uint64_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

}  // namespace

std::vector<std::string> notes(const CheckReport& report) {
  std::vector<std::string> all;
  std::string reasons;
  for (std::size_t i = 0; i < kSkips; ++i) {
    if (report.skips[i] == 0) continue;
    reasons += (reasons.empty() ? "" : ", ") + std::to_string(report.skips[i]) + " " + describe(static_cast<Skip>(i));
  }
  if (!reasons.empty()) all.push_back(counted(report.counts.skipped, "packet", "packets") + " not judged: " + reasons);
  if (report.counts.copies != 0) {
    all.push_back(counted(report.counts.copies, "packet is a copy", "packets are copies") +
                  " of others, captured at another place or twice: each is judged once");
  }
  if (report.joined != 0) all.push_back(counted(report.joined, "fragment", "fragments") + " joined to whole packets");
  if (report.lost != 0) {
    all.push_back("the capture says that it lost " + counted(report.lost, "packet", "packets") +
                  ": what rests on having seen every packet is left open");
  }
  if (report.counts.let_go != 0) {
    all.push_back(counted(report.counts.let_go, "connection was", "connections were") +
                  " let go before its end, as too many were open at a time: the rest of one counts as another");
  }
  if (report.backwards != 0) {
    all.push_back("time runs backwards " + counted(report.backwards, "time", "times") + ", first at packet " +
                  std::to_string(report.first_backwards));
  }
  return all;
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
  judge_options.max_quiet_reports = options.max_connections_listed;
  if (options.max_connections != 0) judge_options.max_connections = options.max_connections;
  judge_options.tap = options.tap;
  judge_options.profile = options.profile;
  Judge judge(judge_options);
  Reading(reader, judge, report, options).run();
  judge.finish();
  collect(judge, report, reader.packets(), options);
  report.compression = reader.source().compression();
  report.format = reader.format();
  report.error = reader.error();
  report.unreadable = report.error && report.format == "unknown";
  return report;
}

}  // namespace lastack
