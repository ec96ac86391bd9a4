#include "conformance/judge/tap_ledger.h"

#include <algorithm>
#include <utility>

#include "conformance/judge/connection.h"
#include "conformance/judge/rules/rules.h"

namespace lastack {

namespace {

constexpr std::size_t kMaxHosts = 65'536;
constexpr std::size_t kMaxWaiting = 20'000;

std::string key(const IpAddress& address) {
  const Bytes b = address.bytes();
  return {reinterpret_cast<const char*>(b.data()), b.size()};
}

// Who opened the connection; in mid-stream the end with the higher port.
int client_of(const TrackedConnection& c) {
  for (int e = 0; e < 2; ++e) {
    if (c.ends[e].syn.without_ack) return e;
    if (c.ends[e].syn.with_ack) return 1 - e;
  }
  return c.address[0].port >= c.address[1].port ? 0 : 1;
}

const char* role(int end, int client) { return end == client ? "client" : "server"; }

}  // namespace

const TapEvidence& TapLedger::host(const IpAddress& address) const {
  static const TapEvidence kNone;
  const auto found = hosts_.find(key(address));
  return found == hosts_.end() ? kNone : found->second.evidence;
}

void TapLedger::note_isn(Host& host, const TrackedConnection& conn, int end) {
  constexpr std::size_t kKept = 8;
  const Endpoint& e = conn.ends[end];
  if (e.syn.count == 0 || e.isn_ambiguous || host.isns.size() >= kKept) return;
  // A SYN that comes again on the same ports, unanswered, is the same attempt.
  for (const Isn& i : host.isns) {
    if (i.end == conn.address[end] && i.peer == conn.address[1 - end]) return;
  }
  host.isns.push_back(
      {e.syn.packet, e.syn.time, wire_number(e.iss), conn.id, conn.address[end], conn.address[1 - end]});
}

//= rfc9293 3.4.1 MUST-8
void TapLedger::judge_isns(Host& host, const std::function<void(Finding&&)>& add) {
  auto& isns = host.isns;
  std::sort(isns.begin(), isns.end(), [](const Isn& a, const Isn& b) { return a.packet < b.packet; });
  std::size_t same_step = 0;
  for (std::size_t i = 2; i < isns.size(); ++i) {
    const std::uint32_t step = octets_between(SeqNum(isns[i - 1].number), SeqNum(isns[i].number));
    const std::uint32_t step_before = octets_between(SeqNum(isns[i - 2].number), SeqNum(isns[i - 1].number));
    same_step = step == step_before ? same_step + 1 : 0;
    if (same_step == 0 || (step != 0 && same_step < 2)) continue;
    Finding f;
    f.packet = isns[i].packet;
    f.time = isns[i].time;
    f.connection = isns[i].connection;
    f.endpoint = isns[i].end;
    f.peer = isns[i].peer;
    f.verdict = Verdict::note;
    f.rule = &judge_rules()[static_cast<std::size_t>(RuleId::isn_predictable)];
    f.expected = "a number that the ones before do not give away";
    f.actual = "SEQ=" + std::to_string(isns[i].number);
    f.why = step == 0 ? "three connections in a row begin with it"
                      : "the fourth in a row that is " + std::to_string(step) + " more than the one before";
    add(std::move(f));
    return;
  }
}

void TapLedger::concluded(TrackedConnection& conn, bool kept) {
  if (conn.capture_gap && gap_packet_ == 0) gap_packet_ = conn.capture_gap_packet;
  ++concluded_;
  if (conn.copies != 0) ++copied_;
  for (int e = 0; e < 2; ++e) {
    const std::string k = key(conn.address[e].ip);
    if (hosts_.size() >= kMaxHosts && hosts_.count(k) == 0) continue;
    Host& h = hosts_[k];
    h.evidence.add(conn.conduct[e].tap);
    note_isn(h, conn, e);
  }
  const bool waits = !conn.provisional.empty() && waiting_.size() < kMaxWaiting;
  if (!kept && !waits) return;
  const int client = client_of(conn);
  cases_.push_back({{conn.conduct[0].tap, conn.conduct[1].tap},
                    {conn.address[0].ip, conn.address[1].ip},
                    conn.id,
                    static_cast<std::int8_t>(client),
                    kept,
                    conn.copies >= 2});
  for (Provisional& p : conn.provisional) {
    if (waits) waiting_.emplace_back(cases_.size() - 1, std::move(p));
  }
  conn.provisional.clear();
}

TapDecision TapLedger::decide(const Case& c, TapChoice choice) const {
  TapDecision d;
  if (choice != TapChoice::infer) {
    d = given_tap(choice, c.client);
  } else if (c.several_places || several_taps()) {
    d.why = "packets were captured more than once";
  } else if (!(c.host[0] == c.host[1])) {
    const TapEvidence hosts[2] = {host(c.host[0]), host(c.host[1])};
    d = infer_tap(c.own, hosts);
  } else {
    d.why = "both ends are one host";
  }
  if (d.tap == Tap::at_first || d.tap == Tap::at_second) {
    d.why = std::string("at the ") + role(d.tap == Tap::at_first ? 0 : 1, c.client) + ": " + d.why;
  }
  return d;
}

void TapLedger::settle(TapChoice choice, std::vector<ConnectionReport>& reports,
                       const std::function<void(Finding&&)>& add) {
  std::size_t next_report = 0;
  std::vector<TapDecision> decisions;
  std::vector<ConnectionReport*> report_of(cases_.size(), nullptr);
  decisions.reserve(cases_.size());
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    decisions.push_back(decide(cases_[i], choice));
    const bool there = next_report < reports.size() && reports[next_report].id == cases_[i].connection;
    if (!cases_[i].kept || !there) continue;
    report_of[i] = &reports[next_report++];
    report_of[i]->tap = decisions.back();
  }
  for (auto& [at, p] : waiting_) {
    const TapDecision& d = decisions[at];
    Finding& f = p.finding;
    if (d.tap != tap_at(p.accused)) {
      if (!p.note_elsewhere && p.open_elsewhere.empty()) continue;
      f.verdict = Verdict::note;
      if (!p.note_elsewhere) leave_undecided(f, p.open_elsewhere);
    } else if (p.only_note) {
      f.verdict = Verdict::note;
    } else if (p.needs_complete && gap_packet_ != 0) {
      leave_undecided(f, "the capture lacks packets (see packet " + std::to_string(gap_packet_) + ")");
    }
    if (f.verdict == Verdict::violated && p.needs_given && !d.given) {
      leave_undecided(f, "a filter in front of it may have dropped what arrived");
    }
    if (f.verdict != Verdict::note && d.tap == tap_at(p.accused)) f.tap = d.why;
    if (report_of[at] != nullptr && f.verdict != Verdict::note) {
      EndpointReport& e = report_of[at]->endpoints[p.accused];
      ++(f.verdict == Verdict::violated ? e.violations : e.inconclusive);
    }
    add(std::move(f));
  }
  for (auto& [address, known] : hosts_) judge_isns(known, add);
  waiting_.clear();
  cases_.clear();
}

std::size_t TapLedger::memory() const {
  return hosts_.size() * (sizeof(Host) + 64 + 8 * sizeof(Isn)) + cases_.capacity() * sizeof(Case) +
         waiting_.capacity() * sizeof(std::pair<std::size_t, Provisional>);
}

}  // namespace lastack
