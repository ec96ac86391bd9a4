#include "stack/tcp/send_limits.h"

#include <algorithm>

#include "stack/tcb/mutation.h"
#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/output.h"
#include "stack/tcp/user_timeout.h"

namespace lastack {

//= rfc2018 4
void common_options(const Tcb& tcb, Instant now, Options& options) {
  if (tcb.ts.on) options.timestamps = Timestamps{timestamp_value(tcb, now), tcb.ts.recent};
  if (tcb.user_timeout_due) options.user_timeout = user_timeout_to_offer(tcb.config());
  // Text of the SYN waits in the queue at RCV.NXT until the connection is synchronized; it is no block beyond a gap
  // (RFC 2018 3).
  if (!tcb.sack || !tcb.syn_acknowledged() || (!tcb.receive_queue.has_gap() && !tcb.duplicate_due)) return;
  const int blocks = 4 - (tcb.ts.on ? 1 : 0) - (options.user_timeout ? 1 : 0);
  //= rfc2883 4
  //= RFC2883-4-c the run that the duplicate lies in has just changed, so it comes next
  const std::uint8_t first = tcb.duplicate_due ? 1 : 0;
  if (first != 0) options.sack[0] = tcb.rcv.duplicate;
  const std::uint8_t more =
      tcb.receive_queue.sack_blocks(options.sack.data() + first, static_cast<std::uint8_t>(blocks - first));
  options.sack_count = static_cast<std::uint8_t>(first + more);
}

namespace {

std::uint32_t option_octets(const Tcb& tcb, Instant now) {
  const bool reports = tcb.sack && (tcb.receive_queue.has_gap() || tcb.duplicate_due);
  if (!reports && !tcb.user_timeout_due) return tcb.ts.on ? 12 : 0;
  Options options;
  common_options(tcb, now, options);
  return static_cast<std::uint32_t>(options_size(options));
}

}  // namespace

//= rfc9293 3.7.1 U-22
//= rfc6691 2
std::uint32_t segment_limit(const Tcb& tcb, Instant now) { return tcb.effective_mss(option_octets(tcb, now)); }

//= rfc9293 3.8.6 MUST-34 SHLD-15
//= rfc7323 2.4
std::uint32_t window_left(const Tcb& tcb, SeqNum seq) {
  if constexpr (kMut == 21) return 0xffffU;
  const std::uint32_t used = octets_between(tcb.snd.una, seq);
  return tcb.snd.wnd > used ? tcb.snd.wnd - used : 0;
}

// How much of the queued text may leave now as one new segment (3.8.6.2.1 and 3.7.4).
//= rfc9293 3.8.6.2.1 MUST-38
//= rfc9293 3.7.4 SHLD-7 MUST-17
//= rfc9293 3.9.1.2 SHLD-27 SHLD-28 MAY-16
std::uint32_t sendable(const Tcb& tcb, Instant now) {
  const SeqNum end = tcb.text_end();
  if (!before(tcb.snd.nxt, end) || now < tcb.ecn.hold_until) return 0;
  const std::uint32_t queued = octets_between(tcb.snd.nxt, end);  // D
  const std::uint32_t usable = window_left(tcb, tcb.snd.nxt);     // U
  const std::uint32_t mss = segment_limit(tcb, now);
  // RFC 5682 2.1 step 2 b: two new segments, whatever cwnd says; what is sent again has no part in it.
  const std::uint32_t room = tcb.recovery.frto_new != 0 ? mss : congestion_room(tcb);
  const std::uint32_t octets = std::min({queued, usable, room, mss});
  if (octets == 0) return 0;
  const bool may_be_small = tcb.flight() == 0 || !tcb.config().nagle || tcb.snd.fin_queued;
  if (octets == mss) return octets;                                                                        // (1)
  if (may_be_small && octets == queued) return octets;                                                     // (2)
  if (may_be_small && octets == std::min(queued, usable) && octets >= tcb.snd.max_wnd / 2) return octets;  // (3)
  return tcb.snd.probe ? octets : 0;                                                                       // (4)
}

bool fin_sendable(const Tcb& tcb) {
  return tcb.snd.fin_queued && !tcb.fin_sent() && tcb.snd.nxt == tcb.fin_number() && window_left(tcb, tcb.snd.nxt) > 0;
}

//= rfc9293 3.8.6 MUST-35 SHLD-17
bool window_is_closed(const Tcb& tcb) {
  if (!tcb.syn_acknowledged() || tcb.snd.wnd != 0 || !kTransmitsText.contains(tcb.state())) return false;
  return before(tcb.snd.una, tcb.text_end()) || (tcb.snd.fin_queued && !tcb.fin_acknowledged());
}

}  // namespace lastack
