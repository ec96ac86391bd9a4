// Checks one capture file: every TCP connection in it, both endpoints, judged from the path. Streaming: memory is
// bounded by the connections that are open at a time, not by the file.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "conformance/judge/judge.h"
#include "conformance/trace/capture_reader.h"

namespace lastack {

struct CheckOptions {
  bool advisories = false;              // report violated SHOULDs too
  bool strict = false;                  // they are violations then
  std::vector<std::string> rules;       // only these rule ids; empty: all
  std::vector<std::string> skip_rules;  // none of these
  TapChoice tap = TapChoice::infer;     // where the capture was taken
  Profile profile{};                    // what the stacks promise
  std::size_t max_findings = 10'000;
  std::size_t max_connections_listed = 1'000;  // connections without findings beyond this are only counted
  SegmentObserver observer{};                  // see JudgeOptions
  // Called now and then with octets read and the file's size (0: unknown); false stops.
  std::function<bool(std::uint64_t, std::uint64_t)> progress;
};

enum class EndpointVerdict : std::uint8_t { ok, violation, inconclusive };
const char* to_string(EndpointVerdict verdict);

struct CheckedConnection {
  ConnectionReport report;
  EndpointVerdict verdict[2] = {EndpointVerdict::ok, EndpointVerdict::ok};
};

struct CheckReport {
  std::string file;
  std::string format;                    // "pcap", "pcapng"
  bool unreadable = false;               // not a capture at all: nothing was judged
  std::optional<CaptureError> error;     // why reading stopped; everything before was judged
  bool stopped = false;                  // by `progress`; everything before was judged
  JudgeCounts counts;                    // violations and inconclusive count what `findings` would hold without limit
  std::uint64_t other_link_packets = 0;  // frames of unknown link types
  std::vector<Finding> findings;         // by packet number
  std::vector<CheckedConnection> connections;
  std::uint64_t connections_omitted = 0;
};

// `path` "-" is standard input. Throws nothing; what is wrong with the file is in the report.
CheckReport check_file(const std::string& path, const CheckOptions& options = {});

// Unknown rule ids in the options, for a usage error before a long run.
std::vector<std::string> unknown_rules(const CheckOptions& options);

// The whole report as one JSON document, schema 1.
std::string to_json(const CheckReport& report);
std::string finding_to_json(const Finding& finding);

}  // namespace lastack
