// Loss recovery: what an ACK and a time-out mean for what was sent, and what is to be sent again. loss_recovery.cpp
// leads; without SACK newreno.cpp decides, with SACK sack_recovery.cpp, rack.cpp and spurious.cpp. Internal to tcp/.
#pragma once

#include <algorithm>
#include <optional>

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"
#include "stack/wire/segment.h"

namespace lastack {

// One ACK, after SND.UNA and the round-trip time were brought up to date.
struct AckNews {
  const Segment& segment;
  Instant now;
  std::uint32_t acked = 0;  // octets by which SND.UNA moved
  bool duplicate = false;   // as RFC 5681 2 has it, for peers without SACK
};

void recover_on_ack(Tcb& tcb, const AckNews& news);
// The time-out of what was sent first; `first`: the segment at SND.UNA has not timed out before.
void recover_on_timeout(Tcb& tcb, Instant now, bool first);
// Text or FIN [seq, end) leaves; `again` says that it left before.
void note_text_sent(Tcb& tcb, SeqNum seq, SeqNum end, Instant now, bool again);
// Everything in flight is to be sent again (a smaller path MTU, a window that was closed).
void resend_everything(Tcb& tcb);

// RFC 6298 5.1 and 5.3: the time-out counts from now.
void restart_retransmission_timer(Tcb& tcb, Instant now);
// The same timer for the earliest of time-out, loss probe and reordering, after one of them may have changed.
void schedule_retransmission_timer(Tcb& tcb, Instant now);
// The timer is due for something else than the time-out: true when that was it.
bool early_retransmission_event(Tcb& tcb, Instant now);

// With SACK: octets that may be sent again now, at most one segment's.
struct ResendRange {
  SeqNum begin;
  SeqNum end;
};
std::optional<ResendRange> next_lost(const Tcb& tcb);
// RFC 6675 4 NextSeg (3) and (4), when there is nothing else to send.
std::optional<ResendRange> last_resort(Tcb& tcb, std::uint32_t mss);
// What may still go into the network by congestion control, for new text.
std::uint32_t congestion_room(const Tcb& tcb);

// newreno.cpp
void newreno_ack(Tcb& tcb, const AckNews& news);
void newreno_timeout(Tcb& tcb);
// sack_recovery.cpp
void sack_ack(Tcb& tcb, const AckNews& news);
void sack_timeout(Tcb& tcb, Instant now, bool frto);
void enter_fast_recovery(Tcb& tcb);
// rack.cpp
// RACK_sent_after (RFC 8985 6.2 step 2).
inline bool rack_sent_after(Instant t1, SeqNum end1, Instant t2, SeqNum end2) {
  return t1 != t2 ? t1 > t2 : after(end1, end2);
}
void rack_delivered(Tcb& tcb, const AckNews& news, const Delivered& run);
// Steps 4 and 5: marks what is lost; true when something was. Sets the reordering time.
bool rack_detect_loss(Tcb& tcb, Instant now);
void rack_see_dsack(Tcb& tcb, bool dsack);
void rack_leave_recovery(Tcb& tcb);
Duration rack_reordering_window(const Tcb& tcb);
void process_probe_ack(Tcb& tcb, const AckNews& news, std::optional<SeqNum> dsack_end, bool repeats);
bool wants_loss_probe(const Tcb& tcb);
//= RFC8985-7.2-a
inline Instant loss_probe_time(const Tcb& tcb, Instant now) {
  if (!tcb.rtt.measured()) return now + std::chrono::seconds(1);
  Duration wait = std::max(2 * tcb.rtt.srtt(), tcb.config().min_loss_probe);
  if (tcb.flight() <= tcb.congestion.smss) wait += tcb.config().max_ack_delay;
  return now + wait;
}
void loss_probe_timeout(Tcb& tcb);
// spurious.cpp
bool frto_begins(const Tcb& tcb);
void frto_start(Tcb& tcb);
// `reported`: octets newly reported; `beyond_point`: some of them, or SND.UNA, beyond the recovery point. True when the
// time-out turned out to be spurious, and cwnd is what it was.
bool frto_ack(Tcb& tcb, const AckNews& news, std::uint32_t reported, bool beyond_point);
void see_duplicate_report(Tcb& tcb, SeqNum left, SeqNum right);

}  // namespace lastack
