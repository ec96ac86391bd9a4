// What leaves, and when: segmentation, the sender's side of flow control, Nagle, retransmission, probes,
// acknowledgments (RFC 9293 3.8). Pull-driven: the host asks for one segment at a time until there is none.
#pragma once

#include <cstdint>

#include "stack/base/check.h"
#include "stack/base/time.h"
#include "stack/tcb/tcb.h"
#include "stack/wire/segment.h"

namespace lastack {

// No recovery is going on, and nothing waits to be sent again.
inline bool nothing_to_repeat(const Tcb& tcb) {
  if (tcb.recovery.phase != RecoveryPhase::open || tcb.snd.syn_due) return false;
  if (tcb.sack_sender) return tcb.sack_sender->board.lost() == 0 && !tcb.sack_sender->probe.due;
  return !tcb.snd.resend_one && tcb.snd.resend == tcb.snd.nxt;
}

struct Outgoing {
  Segment segment;                // everything but the payload
  std::uint32_t text_offset = 0;  // where its text begins in the send queue
  std::uint32_t text_size = 0;
  std::uint8_t ecn = 0;  // of its IP header
};

// Neither a probe nor anything that was sent before is due.
inline bool nothing_sent_besides(const Tcb& tcb) {
  return !tcb.snd.probe && !tcb.snd.keepalive_probe && tcb.path_mtu >= tcb.link_mtu && nothing_to_repeat(tcb);
}

// Quick, and true only if next_segment would find nothing; where it is false there may be something.
inline bool nothing_to_send(const Tcb& tcb) {
  if (tcb.ack_due || (tcb.snd.fin_queued ? !tcb.fin_sent() : tcb.snd.nxt != tcb.text_end())) return false;
#if defined(LASTACK_INVARIANTS)
  LASTACK_CHECK(tcb.flow != Flow::quiet || nothing_sent_besides(tcb));
#endif
  return tcb.flow == Flow::quiet || nothing_sent_besides(tcb);  // the first means the second (tcp/control.h)
}
// Fills `out` with the next segment to send and accounts for it; false when there is none now.
bool next_segment(Tcb& tcb, Instant now, Outgoing& out);
// After any input: arms or stops the retransmission, persist, user, delayed-ACK and keep-alive timers to fit the
// variables.
void settle_timers(Tcb& tcb, Instant now);
// What that comes to while nothing is on its way and nothing waits to be sent; without keep-alive, which it stops, too.
inline void stop_timers_of_sender(Tcb& tcb) {
  tcb.timers.stop(TimerKind::persist);
  tcb.timers.stop(TimerKind::keepalive);
  tcb.timers.stop(TimerKind::retransmit);
  tcb.timers.stop(TimerKind::user);
}
// The option set and window of our SYN.
void prepare_open(Tcb& tcb, SeqNum iss, Instant now);
// What settle_timers does once a new TCB has a SYN or SYN,ACK to send.
void start_handshake_timers(Tcb& tcb, Instant now);
// Our SYN or SYN,ACK leaves, the first time or again.
void note_syn_sent(Tcb& tcb, Instant now);
std::uint32_t timestamp_value(std::uint32_t offset, Instant now);
inline std::uint32_t timestamp_value(const Tcb& tcb, Instant now) { return timestamp_value(tcb.ts.offset, now); }
std::uint8_t own_window_shift(const Config& config);
// Of the option on our SYN.
std::uint16_t mss_to_announce(std::uint16_t mtu, IpVersion version);

}  // namespace lastack
