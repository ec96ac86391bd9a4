// What one's own stack promises, where the RFCs leave a choice: legal choices that statistical rules and SHOULDs are
// asked with. Without a profile the RFC's own value holds. Read from TOML by the Python side (lastack/profiles/).
#pragma once

#include <cstdint>
#include <string_view>

#include "stack/base/time.h"

namespace lastack {

struct Profile {
  Duration minimum_rto = std::chrono::seconds(1);        // RFC 6298 2.4
  Duration initial_rto = std::chrono::seconds(1);        // RFC 6298 2.1
  Duration maximum_rto = std::chrono::seconds(60);       // RFC 6298 2.5: no doubling is asked for beyond it
  std::uint32_t initial_window = 10;                     // segments, RFC 6928 2
  Duration ack_delay = std::chrono::milliseconds(500);   // RFC 9293 3.8.6.3 MUST-40
  std::uint32_t ack_every = 2;                           // full-sized segments, SHLD-19
  Duration keep_alive = std::chrono::hours(2);           // MUST-28
  Duration keep_alive_retry = std::chrono::seconds(10);  // RFC 2525 2.9
  std::uint32_t linear_timeouts = 0;                     // of a SYN, before its time-out doubles
};

// Sets one value by the name that it has in a profile file; durations are seconds. False: no such name, or out of
// range.
bool set_profile_value(Profile& profile, std::string_view name, double value);

}  // namespace lastack
