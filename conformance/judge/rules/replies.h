// Reactions that are due (Vantage::endpoint only): what arrived and must be answered, by when, and whether it was.
#pragma once

#include "conformance/judge/connection.h"

namespace lastack::replies {

// Before a segment is judged: a reaction that is overdue by now is reported.
void before_segment(Context& c);
// After it was noted: an arrival may make a reaction due, a sent segment may be it.
void after_segment(Context& c);
void check_overdue(TrackedConnection& conn, Instant now);

}  // namespace lastack::replies
