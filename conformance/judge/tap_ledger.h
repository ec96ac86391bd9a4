// What a whole capture tells of its tap: evidence per host, and the findings that wait for the answer. Bounded; settled
// once, when the capture is over.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "conformance/judge/conduct.h"
#include "conformance/judge/judge.h"

namespace lastack {

class TapLedger {
 public:
  // A connection is over; `kept`: its report is the next one of those given to settle().
  void concluded(TrackedConnection& conn, bool kept);
  // Decides for each report where the tap was, and hands on what now holds.
  void settle(TapChoice choice, std::vector<ConnectionReport>& reports, const std::function<void(Finding&&)>& add);
  // What was seen of a host in all its connections.
  const TapEvidence& host(const IpAddress& address) const;
  std::size_t memory() const;

 private:
  struct Case {
    TapEvidence own[2];
    IpAddress host[2];
    std::uint32_t connection = 0;
    std::int8_t client = 0;
    bool kept = false;
    bool several_places = false;  // its packets were captured more than once
  };
  // Two taps in one file: what is plain in some connections holds of those that show too little.
  bool several_taps() const { return copied_ >= 3 && copied_ * 4 >= concluded_; }
  // An initial sequence number that a host has chosen.
  struct Isn {
    std::uint64_t packet = 0;
    Instant time{};
    std::uint32_t number = 0;
    std::uint32_t connection = 0;
    SocketAddress end;
    SocketAddress peer;
  };
  struct Host {
    TapEvidence evidence;
    std::vector<Isn> isns;
  };
  static void note_isn(Host& host, const TrackedConnection& conn, int end);
  static void judge_isns(Host& host, const std::function<void(Finding&&)>& add);
  TapDecision decide(const Case& c, TapChoice choice) const;

  std::unordered_map<std::string, Host> hosts_;
  std::vector<Case> cases_;  // of the reports that are kept, and of connections with findings
  std::vector<std::pair<std::size_t, Provisional>> waiting_;  // by case
  std::uint64_t concluded_ = 0;                               // connections
  std::uint64_t copied_ = 0;                                  // those with a packet that was captured more than once
  std::uint64_t gap_packet_ = 0;                              // evidence that the capture lacks packets
};

}  // namespace lastack
