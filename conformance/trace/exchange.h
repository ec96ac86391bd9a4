// Records what passed on chosen connections of a capture, segment by segment, with what the judge then knows of both
// ends: the material of ladders, explanations and scenarios. Bounded: what is left out is counted.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "conformance/judge/connection.h"
#include "conformance/trace/check.h"

namespace lastack {

struct ExchangeOptions {
  std::vector<std::uint32_t> connections{};  // only these; empty: all
  std::vector<std::uint64_t> packets{};      // only the steps around these packets; empty: every step
  std::size_t before = 4;                    // steps of the same connection kept before such a packet, and after it
  std::size_t after = 2;
  std::size_t max_steps = 10'000;
  std::size_t max_payload = 0;  // octets of each payload that are kept
};

// One end after a segment. Numbers as on the wire; what the capture does not show is absent.
struct EndView {
  std::string possible;    // every state that the capture leaves open: "SYN-RECEIVED|ESTABLISHED"
  std::string if_arrived;  // the same if everything that passed the tap arrived
  std::optional<std::uint32_t> snd_una, snd_nxt, rcv_nxt;
  std::optional<std::int64_t> may_send;  // octets after SND.NXT that the other end's window still permits
};

struct ExchangeStep {
  std::uint64_t packet = 0;
  Instant time{};
  std::uint8_t sender = 0;    // index into the connection's endpoints
  std::uint64_t skipped = 0;  // steps left out since the last one that was kept
  SegmentInfo segment;        // without borrowed bytes
  std::vector<std::byte> options, payload;
  EndView ends[2];
};

struct Exchange {
  std::uint32_t connection = 0;
  SocketAddress endpoints[2];
  std::vector<ExchangeStep> steps;
  std::uint64_t omitted = 0;  // steps beyond the limit
  // What each end's numbers count from: its SYN's number, else the one before the first that the capture shows.
  std::optional<SeqNum> isn[2]{};
  bool syn_seen[2]{};
};

class ExchangeRecorder {
 public:
  explicit ExchangeRecorder(ExchangeOptions options);
  SegmentObserver observer();
  // Everything that was asked for has been seen: the rest of the file need not be read.
  bool complete() const { return !wanted_.empty() && seen_ == wanted_.size() && open_ == 0; }
  const std::vector<Exchange>& exchanges() const { return exchanges_; }

 private:
  struct Window {
    std::size_t exchange = 0;
    std::deque<ExchangeStep> recent;
    std::size_t after_left = 0;
    std::uint64_t skipped = 0;
  };

  void step(const TrackedConnection& c, int side, const SegmentInfo& seg);
  static void note_numbers(Exchange& exchange, int side, const Segment& tcp);
  void keep(Window& window, ExchangeStep&& step);
  Window& window_of(const TrackedConnection& c);

  ExchangeOptions options_;
  std::unordered_set<std::uint64_t> wanted_;
  std::unordered_set<std::uint32_t> connections_;
  std::unordered_map<std::uint32_t, Window> windows_;
  std::vector<Exchange> exchanges_;
  std::size_t seen_ = 0;
  std::size_t open_ = 0;  // windows that still want steps after a packet
  std::size_t kept_ = 0;
};

// Judges the capture and records: one JSON document with the check's `report` and the `exchanges`.
std::string exchange_to_json(const std::string& path, CheckOptions check, const ExchangeOptions& options);

}  // namespace lastack
