#include "stack/tcp/expected.h"

#include "stack/base/check.h"
#include "stack/tcb/coverage.h"
#include "stack/tcb/mutation.h"
#include "stack/tcp/accounts.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/control.h"
#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/output.h"
#include "stack/tcp/segment_arrives.h"
#include "stack/tcp/send_limits.h"
#include "stack/wire/common.h"

namespace lastack {

namespace {

// While the connection closes.
bool is_expected_at_an_end(const Tcb& tcb, const Segment& seg) {
  const State state = tcb.state();
  const bool bare = seg.payload.empty() && !seg.flags.fin();
  if (!kEstablishedAckProcessing.contains(state) || !tcb.syn_acknowledged()) return false;
  // Text that nobody will read may end the connection.
  if (tcb.reader_gone && (!seg.payload.empty() || tcb.receive_queue.unread() != 0)) return false;
  return bare ? seg.ack != tcb.snd.una : kReceivesText.contains(state);
}

}  // namespace

bool is_expected(const Tcb& tcb, const Segment& seg, Instant now) {
  if constexpr (kMut != 0) return false;  // the faults are in the whole procedure
  const auto octets = static_cast<std::uint32_t>(seg.payload.size());
  if (seg.seq != tcb.rcv.nxt || octets >= tcb.rcv.wnd) return false;
  if (before(seg.ack, tcb.snd.una) || after(seg.ack, tcb.snd.nxt)) return false;
  if (seg.wnd == 0 || tcb.snd.wnd == 0 || tcb.probes != 0 || tcb.ecn.agreed) return false;
  if (tcb.receive_queue.has_gap() || tcb.rcv.fin_waits || tcb.duplicate_due) return false;
  const auto& stamp = seg.options.timestamps;
  if (stamp.has_value() != tcb.ts.on || (stamp && older_than_recent(tcb, stamp->value, now))) return false;
  if (tcb.state() != State::established || tcb.reader_gone) return is_expected_at_an_end(tcb, seg);
  // An ACK of nothing new is perhaps a duplicate.
  return octets != 0 || seg.ack != tcb.snd.una || seg.flags.fin();
}

Disposition take_expected(Tcb& tcb, const Segment& seg, Instant now) {
  cover(tcb.state(), segment_event(segment_class(seg.flags), Placement::in_window));
  tcb.last_received = now;
  tcb.keepalive_probes = 0;
  if (tcb.ts.on) record_timestamp(tcb, seg, now);  // first
  const bool new_ack = seg.ack != tcb.snd.una;
  if (new_ack) {
    (void)established_ack_processing(tcb, seg, now);
  } else {
    update_send_window(tcb, seg);
    if (tcb.sack_sender) recover_on_ack(tcb, {seg, now, 0, false});
  }
  if (tcb.state() != State::established) {
    if (const auto end = change_state_on_ack(tcb, now)) {
      settle_timers(tcb, now);
      return *end;
    }
  }
  if (!seg.payload.empty()) take_text(tcb, seg.seq, seg.payload, seg.flags.psh(), now);  // seventh
  if (seg.flags.fin()) take_fin(tcb, now);                                               // eighth
  // Without a new ACK the timers run as they have to, unless they wait for the window or for silence.
  const bool waits = tcb.flight() == 0 && tcb.snd.nxt != tcb.text_end();
  if (new_ack || waits || tcb.config().keepalive || seg.flags.fin()) settle_timers(tcb, now);
  return {Action::accepted, "3.10.7.4"};
}

bool is_expected_syn_ack(const Tcb& tcb, const Segment& seg) {
  if (kMut != 0 || tcb.state() != State::syn_sent || tcb.fast_open) return false;
  return seg.flags == (kSyn | kAck) && seg.payload.empty() && seg.ack == tcb.snd.nxt;
}

Disposition take_expected_syn_ack(Tcb& tcb, const Segment& seg, Instant now) {
  cover(tcb.state(), segment_event(segment_class(seg.flags), Placement::in_window));
  tcb.last_received = now;
  tcb.keepalive_probes = 0;
  tcb.duplicate_due = false;
  synchronize(tcb, seg, now);
  tcb.snd.syn_due = false;
  take_ack_of_syn(tcb, tcb.ts.on ? seg.options.timestamps->echo : 0, now);
  update_send_window(tcb, seg);
  enter_established(tcb, Cause::syn_ack);
  tcb.ack_due = true;
  look_at_opened(tcb);
  tcb.timers.stop(TimerKind::user);
  tcb.flow == Flow::quiet ? settle_quiet_timers(tcb, now) : settle_timers(tcb, now);
  return {Action::accepted, "3.10.7.3 fourth"};
}

namespace {

// Writes a segment with these octets of new text and this FIN, and accounts for it.
std::size_t write_new(Tcb& tcb, Instant now, std::uint32_t octets, bool fin, MutableBytes out, Checksums checksums) {
  const SeqNum seq = tcb.snd.nxt;
  const SeqNum end = seq + octets;
  CommonHeaders headers = next_headers(tcb, tcb.effective_mss(), now);
  if (octets != 0 && pushes(tcb, seq, end)) headers.flags = kPsh | kAck;
  if (fin) headers.flags = kFin | kAck;
  const TextPieces text = tcb.send_queue.pieces(octets_between(tcb.snd.una, seq), octets);
  const std::size_t size = write_common(out, tcb.local, tcb.remote, headers, text, checksums);
  LASTACK_CHECK(size != 0);
  if (octets != 0 || fin) note_sent(tcb, seq, end + (fin ? 1U : 0U), now);
  return size;
}

}  // namespace

Written write_expected(Tcb& tcb, Instant now, MutableBytes out, Checksums checksums) {
  if (kMut != 0 || !sends_only_expected(tcb)) return {};
  if (tcb.snd.fin_queued && !tcb.fin_sent()) {
    if (!fin_sendable(tcb)) return {};
    restart_after_idling(tcb, now);
    if (tcb.state() == State::close_wait) tcb.enter(State::last_ack, Cause::close_call);
    return {write_new(tcb, now, 0, true, out, checksums), true};
  }
  const std::uint32_t queued = tcb.fin_sent() ? 0 : octets_between(tcb.snd.nxt, tcb.text_end());
  std::uint32_t octets = 0;
  if (queued != 0) {
    octets = tcb.effective_mss();
    // Less than a full segment is for `sendable`; nothing in flight, for the restart after idling.
    if (std::min(queued, window_left(tcb, tcb.snd.nxt)) < octets || congestion_room(tcb) < octets || tcb.flight() == 0)
      return {};
  } else if (!tcb.ack_due) {
    return {0, true};
  }
  return {write_new(tcb, now, octets, false, out, checksums), queued == octets};
}

}  // namespace lastack
