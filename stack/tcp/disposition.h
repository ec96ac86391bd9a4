// What became of a segment, and why: every path through SEGMENT ARRIVES ends in one of these. Nothing is dropped
// without a clause.
#pragma once

#include <cstdint>

namespace lastack {

enum class Action : std::uint8_t {
  accepted,    // processed to the end
  dropped,     // without any reply
  answered,    // dropped, with an ACK
  challenged,  // dropped, with a challenge ACK (or none, when the throttle of RFC 5961 7 is exhausted)
  reset,       // dropped, with a RST
  closed,      // the connection ended because of it
};
const char* to_string(Action action);

struct Disposition {
  Action action = Action::dropped;
  const char* clause = "";
};

}  // namespace lastack
