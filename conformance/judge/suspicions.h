// What the two files that settle suspicions share: the rulings, and what a later segment says of an earlier one.
// suspicions.cpp holds the list and most kinds, suspicions_of_stamps.cpp those about timestamps.
#pragma once

#include <cstdint>
#include <string>

#include "conformance/judge/connection.h"

namespace lastack {

enum class Ruling : std::uint8_t { keep, drop, violated, open };

inline Ruling open_because(Suspicion& s, const std::string& reason) {
  leave_undecided(s.draft, reason);
  return Ruling::open;
}

// Segments this close to the claim may stand in the wrong order in the file (several capture queues).
inline bool may_be_swapped(const Context& c, const Suspicion& s) {
  return c.seg.number <= s.draft.packet + 4 || c.seg.time - s.draft.time < std::chrono::milliseconds(5);
}

Ruling settle_timestamp_echo(Context& c, Suspicion& s);
Ruling settle_syn_echo(Context& c, Suspicion& s);
Ruling settle_stale_echo(Context& c, Suspicion& s);
Ruling settle_clock_astray(Context& c, Suspicion& s);
Ruling settle_clock_fell(Context& c, Suspicion& s);
Ruling last_word_on_stamps(const TrackedConnection& conn, Suspicion& s);

}  // namespace lastack
