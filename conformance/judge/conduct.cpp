// The order in which the rules over time are asked (rules/near.h), and the fate of what waits for the tap.
#include "conformance/judge/conduct.h"

#include "conformance/judge/connection.h"
#include "conformance/judge/rules/near.h"

namespace lastack::conduct {

namespace {

void as_sender(Context& c) {
  if (c.seg.len() != 0) {
    if (near::repeats(c)) {
      near::repetition(c);
    } else if (c.self.numbers_known && c.end > c.self.next) {
      near::new_text(c);  // or the FIN
    }
  }
  near::never_repeated(c);
  near::probes(c);
  near::closing(c);
}

}  // namespace

void segment(Context& c) {
  note_tap_evidence(c);
  if (c.conn.next_syn.present || c.self.isn_ambiguous || c.peer.isn_ambiguous) return;
  near::replies(c);
  near::arrival(c);
  if (c.flags().syn() && !c.flags().rst()) near::opening(c);
  if (c.flags().syn() || c.flags().rst()) return;
  near::sent_order(c);
  as_sender(c);
  if (c.flags().ack()) {
    near::acknowledgement(c);
    near::ack_of_text(c);
    near::window(c);
  }
  if (c.seg.len() != 0) near::text_arrival(c);
}

void waiting_syn(TrackedConnection& conn, int sender, const SegmentInfo& seg) {
  near::arrival_of_syn(conn, sender, seg);
}

void conclude(TrackedConnection& conn, Instant now) { near::conclude(conn, now); }

}  // namespace lastack::conduct
