// Where was the tap? Of every connection in a capture: at one of its ends, on the path between them, or unknown. Only
// what the packets themselves show counts, collected per end and per host, and only a confident answer switches on the
// rules that are sound at an endpoint's own tap (class E).
#pragma once

#include <cstdint>
#include <string>

#include "stack/base/time.h"

namespace lastack {

struct Context;

// What the caller says of the tap (`lastack check --tap`).
enum class TapChoice : std::uint8_t { infer, client, server, path };

// What speaks for and against the tap being at one end (or host).
struct TapEvidence {
  // How soon it reacted to what had passed towards it: within kFast, after kSlow or more.
  std::uint32_t fast = 0;
  std::uint32_t slow = 0;
  // Its empty segments: checksum left to the network card, or right.
  std::uint32_t offloaded = 0;
  std::uint32_t summed = 0;
  // Checksums of all its segments that are right, and that are neither right nor plainly left to a card.
  std::uint32_t right = 0;
  std::uint32_t wrong = 0;
  // Its packets had a hop limit that hosts start with, or another one.
  std::uint32_t first_hop = 0;
  std::uint32_t later_hop = 0;
  // Its segments overtook each other or came twice; or it lacked what had passed towards it: not its own tap.
  std::uint32_t disorder = 0;
  std::uint32_t lost_behind = 0;

  void add(const TapEvidence& other);
  friend bool operator==(const TapEvidence&, const TapEvidence&) = default;
};

enum class Tap : std::uint8_t { unknown, at_first, at_second, path };  // at_first: at ConnectionReport::endpoints[0]
constexpr Tap tap_at(int end) { return end == 0 ? Tap::at_first : Tap::at_second; }

struct TapDecision {
  Tap tap = Tap::unknown;
  bool given = false;  // by the caller
  std::string why;
};

// `own`: of the two ends in this connection; `host`: of their addresses in the whole capture.
TapDecision infer_tap(const TapEvidence own[2], const TapEvidence host[2]);
// `client`: the end that sent the first SYN.
TapDecision given_tap(TapChoice choice, int client);

// Notes what one segment shows, before the facts are noted.
void note_tap_evidence(const Context& c);

}  // namespace lastack
