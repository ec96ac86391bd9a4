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
#include "conformance/trace/skip.h"

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
  std::size_t max_connections = 0;             // tracked at a time; 0: as many as JudgeOptions says
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
  std::string format;                 // "pcap", "pcapng"
  bool unreadable = false;            // not a capture at all: nothing was judged
  std::optional<CaptureError> error;  // why reading stopped; everything before was judged
  bool stopped = false;               // by `progress`; everything before was judged
  std::string compression;            // "none", "gzip" ...
  // violations and inconclusive count what `findings` would hold without limit. Every packet is a segment that was
  // judged, a copy of one, a fragment that was joined to one, or skipped.
  JudgeCounts counts;
  SkipCounts skips{};                 // counts.skipped, by reason
  std::uint64_t joined = 0;           // fragments that are part of a segment with a later number
  std::uint64_t lost = 0;             // packets that the capturing program says it lost
  std::uint64_t backwards = 0;        // packets with a time before that of the packet before them
  std::uint64_t first_backwards = 0;  // the first of them
  std::vector<Finding> findings;      // by packet number
  std::vector<CheckedConnection> connections;
  std::uint64_t connections_omitted = 0;
};

// `path` "-" is standard input. Throws nothing; what is wrong with the file is in the report.
CheckReport check_file(const std::string& path, const CheckOptions& options = {});

// Unknown rule ids in the options, for a usage error before a long run.
std::vector<std::string> unknown_rules(const CheckOptions& options);

// What a reader has to know about the capture besides the findings: what was not judged and why. A sentence each.
std::vector<std::string> notes(const CheckReport& report);

// The whole report as one JSON document, schema 1.
std::string to_json(const CheckReport& report);
std::string finding_to_json(const Finding& finding);

}  // namespace lastack
