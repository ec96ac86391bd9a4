// The rules that look at an endpoint over time (conduct.h). Each is asked for every segment on the path that its name
// speaks of, before the segment's facts are noted.
#pragma once

#include "conformance/judge/conduct.h"
#include "conformance/judge/connection.h"
#include "conformance/judge/rules/rules.h"

namespace lastack::near {

// Far enough after an earlier packet that neither several capture queues nor coarse clocks can have swapped them; where
// a second lies between them, nor an error in the order of their neighbours.
inline bool well_after(const Context& c, std::uint64_t packet, Instant time) {
  const Duration elapsed = c.seg.time - time;
  return c.seg.number > packet + 2 && elapsed > std::chrono::milliseconds(5) &&
         (c.seg.number > packet + 4 || elapsed > std::chrono::seconds(1));
}
// It continues the stream after an earlier segment numbered `at` (endpoint.h), and at its sender's tap no other order
// of the two would have given them these numbers. After both FINs nothing counts on any more.
inline bool continues_after(const Context& c, Position at) {
  return at != kOutOfSequence && c.seq == c.self.next && c.end > at && !(c.self.fin && c.peer.fin);
}
// SND.UNA of this end, as far as ACKs have passed; and the octets that wait for one.
inline Position una(const Endpoint& sender, const Endpoint& receiver) {
  return receiver.acked ? receiver.ack_max : (sender.syn.count != 0 ? sender.iss + 1 : sender.next);
}
inline bool in_flight(const Endpoint& sender, const Endpoint& receiver) {
  return sender.numbers_known && sender.next > una(sender, receiver);
}
// Text or FIN at or before `next` that had been seen already.
inline bool repeats(const Context& c) {
  return c.seg.len() != 0 && c.self.numbers_known && c.seq < c.self.next && c.self.sent.covers(c.seq, c.end);
}
inline double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
std::string seconds_text(Duration d);
// Notes one more repetition; true when it is the third in a row that did not come later than the one before.
bool is_flat(Backoff& b, const Context& c, Duration since, Duration maximum);

// near.cpp: order of what the end sends, and replies that it owes.
void sent_order(Context& c);
void replies(Context& c);
void arrival(Context& c);
void conclude(TrackedConnection& conn, Instant now);  // what is still owed
void arrival_of_syn(TrackedConnection& conn, int sender, const SegmentInfo& seg);

// recovery.cpp: what a sender repeats, when, and how much follows.
void opening(Context& c);
void repetition(Context& c);
void new_text(Context& c);
void never_repeated(Context& c);
void ack_of_text(Context& c);

// timing.cpp: acknowledgements of a receiver.
void acknowledgement(Context& c);
void text_arrival(Context& c);

// probing.cpp: shut windows, idle connections, and how they are closed.
void probes(Context& c);
void window(Context& c);
inline void note_room(Context& c, Position room) {
  Conduct& own = c.conn.conduct[c.side];
  own.largest_window = std::max(own.largest_window, room);
}
void closing(Context& c);

}  // namespace lastack::near
