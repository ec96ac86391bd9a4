// A segment on its way through the steps of 3.10.7.4: as it came, and what is left of it after trimming to the window.
// Internal to tcp/.
#pragma once

#include <optional>

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"
#include "stack/tcp/disposition.h"
#include "stack/tcp/effects.h"
#include "stack/wire/segment.h"

namespace lastack {

struct Arrival {
  Arrival(const Segment& s, Instant at, Effects& fx)
      : segment(s),
        now(at),
        effects(fx),
        text_seq(s.flags.syn() ? s.seq + 1 : s.seq),
        text(s.payload),
        fin(s.flags.fin()) {}

  const Segment& segment;
  Instant now;
  Effects& effects;
  SeqNum text_seq;  // number of the first octet of `text`
  Bytes text;
  std::uint8_t ecn = 0;  // of the IP header
  bool fin;              // a FIN that is left after trimming; its number is fin_seq()

  SeqNum fin_seq() const { return text_seq + static_cast<std::uint32_t>(text.size()); }
};

// A step either ends the processing or lets the next one go on.
using StepResult = std::optional<Disposition>;

StepResult first_check_sequence_number(Tcb& tcb, Arrival& in);
StepResult second_check_rst(Tcb& tcb, Arrival& in);
StepResult fourth_check_syn(Tcb& tcb, Arrival& in);
StepResult fifth_check_ack(Tcb& tcb, Arrival& in);
void sixth_check_urg(Tcb& tcb, Arrival& in);
StepResult seventh_process_text(Tcb& tcb, Arrival& in);
void eighth_check_fin(Tcb& tcb, Arrival& in);

Disposition syn_sent_segment_arrives(Tcb& tcb, Arrival& in);

// Shared by the steps.
void trim_to_window(const Tcb& tcb, Arrival& in);
Disposition challenge(Tcb& tcb, Instant now, const char* clause);
bool allow_limited_ack(Tcb& tcb, Instant now, std::uint16_t& counter, std::uint16_t limit);
void enter_established(Tcb& tcb, Cause cause);
void enter_time_wait(Tcb& tcb, Cause cause, Instant now);
void restart_time_wait(Tcb& tcb, Instant now);
void become_closed(Tcb& tcb, Cause cause);
// Takes the options of the peer's SYN: MSS, window scale, SACK, timestamps.
void negotiate(Tcb& tcb, const Segment& syn, Instant now);
// The peer's SYN counts.
void synchronize(Tcb& tcb, const Segment& syn, Instant now);
void hold_text_of_syn(Tcb& tcb, Arrival& in);
std::uint32_t acknowledge_up_to(Tcb& tcb, const Segment& segment, Instant now);
// RFC 7323 4.1: the round trip that the peer's TSecr tells, when SND.UNA has moved by `acked`. False when it tells
// none.
bool sample_echo(Tcb& tcb, std::uint32_t echo, std::uint32_t acked, Instant now);
// Of an ACK in the range that may be acceptable.
StepResult established_ack_processing(Tcb& tcb, const Segment& segment, Instant now);
// The changes of state that the ACK of our FIN makes.
StepResult change_state_on_ack(Tcb& tcb, Instant now);
// SYN-RECEIVED, an acceptable ACK.
void complete_handshake(Tcb& tcb, const Segment& segment);
// Text at RCV.NXT has been taken: an ACK of it is due, now or by and by.
//= rfc9293 3.8.6.3 SHLD-18 SHLD-19 MUST-40
//= rfc5681 4.2
[[gnu::always_inline]] inline void acknowledge_in_order(Tcb& tcb, bool gap_before, Instant now) {
  const Config& config = tcb.config();
  if (tcb.unacked_segments != 0xff) ++tcb.unacked_segments;
  if (!config.delayed_ack || gap_before || tcb.unacked_segments >= 2) {
    tcb.ack_due = true;
    return;
  }
  tcb.ack_delayed = true;
  if (!tcb.timers.armed(TimerKind::delayed_ack))
    tcb.timers.arm(TimerKind::delayed_ack, now + config.delayed_ack_timeout);
}
void take_text(Tcb& tcb, SeqNum seq, Bytes text, bool pushed, Instant now);
// Everything up to the peer's FIN has been taken: now the FIN is.
void take_fin(Tcb& tcb, Instant now);
// RFC 7323 5.2: whether PAWS would refuse it.
bool older_than_recent(const Tcb& tcb, std::uint32_t value, Instant now);
void record_timestamp(Tcb& tcb, const Segment& segment, Instant now);
// False when the segment is older than the one that the window comes from (SND.WL1, SND.WL2).
bool update_send_window(Tcb& tcb, const Segment& segment);

}  // namespace lastack
