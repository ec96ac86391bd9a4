// The short way of nearly every segment: the next one in order on a connection about which nothing is open. No rule
// but those over time can say anything of it, and most facts stay as they are. It leaves every fact as the whole
// procedure (judge_segment) would: test/cpp/in_order_test.cpp compares both, and so does each conversation of the
// judge's tests. On the path only.
#pragma once

#include "conformance/judge/connection.h"

namespace lastack {

// Both ends are in the middle of an exchange, and nothing waits for evidence or for an answer. Asked after each segment
// that went the whole way; one that goes the short way changes none of it.
bool is_quiet(const TrackedConnection& conn);

// False: the segment is not of that kind, and nothing was noted. `conn` must be quiet.
bool judge_in_order(TrackedConnection& conn, int side, const SegmentInfo& seg);

// For tests: all that two judges have noted of a connection is the same.
bool same_facts(const TrackedConnection& a, const TrackedConnection& b);

}  // namespace lastack
