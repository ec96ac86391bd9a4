// What one end did over time, kept for the rules about order, reactions and timers (rules/near.cpp, recovery.cpp,
// timing.cpp, probing.cpp): a few numbers per end, nothing per packet. On the path only; findings that are sound only
// at the end's own tap wait until the capture has shown where the tap was.
#pragma once

#include <cstdint>
#include <string>

#include "conformance/judge/coverage.h"
#include "conformance/judge/judge.h"
#include "conformance/judge/vantage.h"

namespace lastack {

struct Context;
struct SegmentInfo;
struct TrackedConnection;

// A finding that holds only if the tap was at the accused end.
struct Provisional {
  Finding finding;
  std::uint8_t accused = 0;
  bool needs_complete = false;  // it is about something that is not in the capture: any gap leaves it open
  bool needs_given = false;     // an inferred tap does not do
  bool only_note = false;       // even there
  bool note_elsewhere = false;  // with the tap elsewhere it is still worth a note
  std::string open_elsewhere;   // with the tap elsewhere it stays open, for this reason
};

// One interval that should grow from one expiry to the next.
struct Backoff {
  std::uint64_t first_packet = 0;  // the first repetition
  Instant last{};
  Duration interval{0};
  Duration first_interval{0};
  std::uint16_t count = 0;  // repetitions
  std::uint16_t flat = 0;   // in a row that did not come later than the one before
  friend bool operator==(const Backoff&, const Backoff&) = default;
};

// How the amount in flight grows from one round trip to the next.
struct Growth {
  Position round_end = 0;        // the round is over when this is acknowledged
  std::uint32_t first_peak = 0;  // octets in flight at most, in the first round
  std::uint32_t peak = 0;
  std::uint32_t acks = 0;
  std::uint32_t rounds = 0;
  friend bool operator==(const Growth&, const Growth&) = default;
};

struct Conduct {
  TapEvidence tap;

  // As the sender of text.
  Instant timer_start{};            // the retransmission time-out runs since then (RFC 6298 5.1-5.3)
  Backoff timeout;                  // repetitions of the segment at SND.UNA while the peer is silent
  bool repeated = false;            // the segment at SND.UNA has been repeated
  std::uint8_t duplicate_acks = 0;  // since SND.UNA moved
  bool sacked = false;              // since SND.UNA moved, or ever before it all was acknowledged
  std::uint32_t repeat_size = 0;    // of the last repetition
  Instant third_duplicate{};
  Position repeat_end = 0;  // of the last repetition: what follows it at once?
  Instant repeat_time{};
  std::uint8_t after_timeout = 0;  // 1: the time-out's segment is out; 2: acknowledgements have come since
  std::uint8_t news_at_hole = 0;
  std::uint32_t burst = 0;  // segments since that ACK
  std::uint32_t burst_acks = 0;
  std::uint32_t timeout_tsval = 0;
  Position timeout_next = 0;  // SND.NXT at the time-out
  std::uint64_t timeout_packet = 0;
  Growth growth;
  bool recovering = false;           // fast retransmit is under way
  bool deflated_at = false;          // the ACK that ends the recovery has come; a burst may follow
  std::uint32_t flight_at_loss = 0;  // octets
  Position recover = 0;
  Instant recovered_time{};
  std::uint32_t largest = 0;    // its largest segment so far
  bool ack_acceptable = false;  // the newest ACK stood in a segment that it must have processed
  std::uint8_t resent_acked = 0;
  std::uint8_t small_run = 0;  // small segments in a row without a reason
  Instant acceptable_ack{};

  // Probing a shut window, and an idle peer.
  Instant shut_since{};
  Instant opened{};
  Duration was_shut{0};
  Backoff probes;
  bool shut = false;
  std::uint8_t unanswered_probes = 0;
  Instant active{};  // last text or news from either end

  // As the receiver of text.
  Position due_end = 0;  // in order and not yet acknowledged, since due_since
  Instant due_since{};
  std::uint64_t due_packet = 0;
  std::uint8_t late = 0;        // acknowledgements that came too late
  std::uint8_t unpromised = 0;  // later than the profile says
  std::uint16_t timely = 0;
  std::uint16_t full_unacked = 0;  // full-sized segments since its last ACK
  std::uint8_t stretched = 0;      // ACKs for too many, in a row
  std::uint16_t above = 0;         // segments beyond a hole, in a row, that drew no ACK
  std::uint16_t above_seen = 0;    // in this hole
  std::uint8_t partial = 0;        // acknowledgements that left out what had arrived beyond the hole
  std::uint8_t silly = 0;          // times that it opened a shut window by too little
  std::uint8_t refused = 0;        // text after its own FIN, at a shut window
  std::uint64_t above_packet = 0;
  Position largest_window = 0;  // that it offered
  Position news[2] = {0, 0};    // the last two segments that arrived beyond the hole
  Instant news_time[2] = {};

  // A reply that it owes (RFC 9293 3.10.7.4, RFC 5961).
  std::uint8_t owed = 0;        // see near.cpp
  std::uint8_t owed_times = 0;  // stimuli without any reply, 1 s apart or more
  std::uint64_t owed_packet = 0;
  Instant owed_since{};
  Instant last_challenge{};
  std::uint64_t window_reset = 0;  // the packet with a reset inside the window, not at RCV.NXT
  std::uint64_t outside_reset = 0;
  std::uint64_t exact_reset = 0;
  Instant exact_reset_time{};
  friend bool operator==(const Conduct&, const Conduct&) = default;
};

namespace conduct {
// One segment on the path, before its facts are noted.
void segment(Context& c);
// A SYN on a tuple in use that waits for its answer (incarnation.h).
void waiting_syn(TrackedConnection& conn, int sender, const SegmentInfo& seg);
// The connection is over, or the capture.
void conclude(TrackedConnection& conn, Instant now);
}  // namespace conduct

}  // namespace lastack
