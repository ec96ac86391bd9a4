// The JSON form of a check report, schema 1. Times are seconds since 1970 with microseconds.
#include <nlohmann/json.hpp>

#include "conformance/trace/check.h"

namespace lastack {

namespace {

using Json = nlohmann::ordered_json;

double seconds(Instant t) { return std::chrono::duration<double>(t.time_since_epoch()).count(); }

Json json_of(const Finding& f) {
  Json json = {{"packet", f.packet},
               {"time", seconds(f.time)},
               {"connection", f.connection},
               {"endpoint", f.endpoint.text()},
               {"peer", f.peer.text()},
               {"verdict", to_string(f.verdict)},
               {"rule", f.rule->id},
               {"clause", f.rule->clause},
               {"level", to_string(f.rule->level)},
               {"soundness", std::string(1, static_cast<char>(f.rule->soundness))},
               {"requires", f.rule->sentence},
               {"expected", f.expected},
               {"actual", f.actual},
               {"why", f.why}};
  if (!f.tap.empty()) json["tap"] = f.tap;
  return json;
}

// At which end the tap was, and what shows it.
Json json_of(const TapDecision& tap, const ConnectionReport& report) {
  Json json = {{"at", "unknown"}, {"given", tap.given}, {"why", tap.why}};
  switch (tap.tap) {
    case Tap::unknown: break;
    case Tap::path: json["at"] = "path"; break;
    case Tap::at_first: json["at"] = report.endpoints[0].address.text(); break;
    case Tap::at_second: json["at"] = report.endpoints[1].address.text(); break;
  }
  return json;
}

Json json_of(const CheckedConnection& c) {
  Json endpoints = Json::array();
  for (int e = 0; e < 2; ++e) {
    const EndpointReport& end = c.report.endpoints[e];
    endpoints.push_back({{"address", end.address.text()},
                         {"verdict", to_string(c.verdict[e])},
                         {"packets", end.packets},
                         {"octets", end.octets},
                         {"state", end.state}});
  }
  return {{"id", c.report.id},
          {"endpoints", std::move(endpoints)},
          {"first_packet", c.report.first_packet},
          {"last_packet", c.report.last_packet},
          {"first_time", seconds(c.report.first_time)},
          {"last_time", seconds(c.report.last_time)},
          {"handshake", c.report.handshake},
          {"tap", json_of(c.report.tap, c.report)}};
}

}  // namespace

std::string finding_to_json(const Finding& finding) { return json_of(finding).dump(); }

std::string to_json(const CheckReport& report) {
  Json json = {{"schema", 1}, {"file", report.file}, {"format", report.format}, {"compression", report.compression}};
  json["error"] = nullptr;
  if (report.error) {
    json["error"] = {{"message", report.error->text},
                     {"offset", report.error->offset},
                     {"packet", report.error->packet},
                     {"unreadable", report.unreadable}};
  }
  json["stopped"] = report.stopped;
  const JudgeCounts& n = report.counts;
  json["summary"] = {{"packets", n.packets},
                     {"segments", n.segments},
                     {"connections", n.connections},
                     {"violations", n.violations},
                     {"inconclusive", n.inconclusive},
                     {"advisories", n.advisories},
                     {"notes", n.notes},
                     {"skipped", n.skipped},
                     {"copies", n.copies},
                     {"joined", report.joined},
                     {"cut", n.cut},
                     {"other_link_packets", report.skips[static_cast<std::size_t>(Skip::unknown_link)]},
                     {"lost_by_capture", report.lost},
                     {"backwards", report.backwards},
                     {"connections_omitted", report.connections_omitted}};
  Json reasons = Json::object();
  for (std::size_t i = 0; i < kSkips; ++i) {
    if (report.skips[i] != 0) reasons[to_string(static_cast<Skip>(i))] = report.skips[i];
  }
  json["summary"]["skipped_reasons"] = std::move(reasons);
  json["capture_notes"] = notes(report);
  Json findings = Json::array();
  for (const Finding& f : report.findings) findings.push_back(json_of(f));
  json["findings"] = std::move(findings);
  Json connections = Json::array();
  for (const CheckedConnection& c : report.connections) connections.push_back(json_of(c));
  json["connections"] = std::move(connections);
  // File names need not be UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lastack
