// RACK-TLP (RFC 8985): loss by the time at which things were sent, and a probe when the end of a flight stays silent.
#include <algorithm>

#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/output.h"

namespace lastack {

namespace {

bool uses_rack(const Tcb& tcb) { return tcb.config().loss_detection == LossDetection::rack; }

// 6.2 step 2: whose transmission was it that arrived? For a run that was sent again, two signs that it was the first.
bool is_ambiguous(const Tcb& tcb, const AckNews& news, const Delivered& run, Duration rtt) {
  if (!run.resent) return false;
  const Rack& rack = tcb.sack_sender->rack;
  const auto& stamp = news.segment.options.timestamps;
  if (tcb.ts.on && stamp && before(SeqNum(stamp->echo), SeqNum(timestamp_value(tcb, run.sent)))) return true;
  return rack.min_rtt.known() && rtt < rack.min_rtt.value();
}

// RFC 8985 9.3: without RFC 6937, a lost retransmission is another sign of congestion (RFC 5681 4.3).
//= RFC8985-9.3-a RFC5681-4.3-a
void react_to_lost_retransmission(Tcb& tcb) {
  Rack& rack = tcb.sack_sender->rack;
  if (tcb.config().proportional_rate || tcb.recovery.phase != RecoveryPhase::fast) return;
  if (rack.reduced && before(tcb.snd.una, rack.reduced_until)) return;
  rack.reduced = true;
  rack.reduced_until = tcb.snd.nxt;
  tcb.congestion.reduce(CongestionEvent::loss, tcb.congestion.cwnd);
  tcb.congestion.cwnd = tcb.congestion.ssthresh;
}

}  // namespace

//= rfc8985 6.2
void rack_delivered(Tcb& tcb, const AckNews& news, const Delivered& run) {
  Rack& rack = tcb.sack_sender->rack;
  const Duration rtt = news.now - run.sent;
  if (!run.resent) rack.min_rtt.add(rtt, news.now);
  // Step 3. What the cumulative ACK covers comes first, the blocks follow in order.
  if (!rack.valid || after(run.end, rack.fack)) {
    rack.fack = run.end;
  } else if (before(run.end, rack.fack) && !run.resent) {
    rack.reordering_seen = true;
  }
  if (is_ambiguous(tcb, news, run, rtt)) return;
  if (rack.ack_began || run.sent >= rack.rtt_of) {
    rack.rtt = rtt;
    rack.rtt_of = run.sent;
    rack.ack_began = false;
  }
  if (!rack.valid || rack_sent_after(run.sent, run.end, rack.xmit, rack.end)) {
    rack.xmit = run.sent;
    rack.end = run.end;
    rack.valid = true;
  }
}

// Step 4, the part that adapts.
//= RFC8985-3.3.2-b
void rack_see_dsack(Tcb& tcb, bool dsack) {
  Rack& rack = tcb.sack_sender->rack;
  if (rack.dsack_round_on && at_or_after(tcb.snd.una, rack.dsack_round)) rack.dsack_round_on = false;
  if (rack.dsack_round_on || !dsack) return;
  rack.dsack_round_on = true;
  rack.dsack_round = tcb.snd.nxt;
  if (rack.reo_wnd_mult != 0xffff) ++rack.reo_wnd_mult;
  rack.reo_wnd_persist = 16;
}

void rack_leave_recovery(Tcb& tcb) {
  Rack& rack = tcb.sack_sender->rack;
  rack.reduced = false;
  if (rack.reo_wnd_persist != 0) --rack.reo_wnd_persist;
  if (rack.reo_wnd_persist == 0) rack.reo_wnd_mult = 1;
}

//= rfc8985 6.2
//= RFC8985-3.3.2-a
Duration rack_reordering_window(const Tcb& tcb) {
  const SackSender& s = *tcb.sack_sender;
  if (!s.rack.reordering_seen) {
    if (tcb.recovery.phase != RecoveryPhase::open) return Duration(0);
    // Three segments: by their octets, or by the reports that came one after the other.
    if (s.board.sacked() > 2 * tcb.congestion.smss || tcb.recovery.duplicate_acks >= 3) return Duration(0);
  }
  if (!s.rack.min_rtt.known()) return Duration(0);
  return std::min(s.rack.reo_wnd_mult * s.rack.min_rtt.value() / 4, tcb.rtt.srtt());
}

// Step 5.
//= RFC8985-6.2-a
bool rack_detect_loss(Tcb& tcb, Instant now) {
  SackSender& s = *tcb.sack_sender;
  s.reorder_at = Instant::max();
  if (!s.rack.valid) return false;
  const Duration waits = s.rack.rtt + rack_reordering_window(tcb);
  bool found = false;
  bool retransmission = false;
  Instant latest{};
  for (std::size_t i = 0; i < s.board.size(); ++i) {
    const SendRecord& record = s.board[i];
    if (record.sacked || record.lost) continue;
    if (!rack_sent_after(s.rack.xmit, s.rack.end, record.sent, s.board.end_of(i))) continue;
    const Instant at = record.sent + waits;
    if (at > now) {
      latest = std::max(latest, at);
      s.reorder_at = latest;
      continue;
    }
    retransmission = retransmission || record.resent;
    s.board.mark_lost(i);
    found = true;
  }
  if (retransmission) react_to_lost_retransmission(tcb);
  return found;
}

//= rfc8985 7.2
bool wants_loss_probe(const Tcb& tcb) {
  const SackSender& s = *tcb.sack_sender;
  return tcb.recovery.phase == RecoveryPhase::open && uses_rack(tcb) && tcb.config().loss_probe &&
         s.board.sacked() == 0 && s.board.lost() == 0 && !s.probe.in_flight && tcb.snd.wnd != 0;
}

//= RFC8985-7.3-b
void loss_probe_timeout(Tcb& tcb) {
  LossProbe& probe = tcb.sack_sender->probe;
  probe.due = !probe.in_flight && probe.sampled && tcb.recovery.phase == RecoveryPhase::open;
}

// `repeats`: a duplicate ACK without any block.
//= rfc8985 7.4
void process_probe_ack(Tcb& tcb, const AckNews& news, std::optional<SeqNum> dsack_end, bool repeats) {
  LossProbe& probe = tcb.sack_sender->probe;
  if (!probe.in_flight || before(news.segment.ack, probe.end)) return;
  const bool reported = !probe.is_retransmission || dsack_end == probe.end;
  if (!reported && after(news.segment.ack, probe.end)) {
    probe.in_flight = false;
    // The probe has repaired a loss, and congestion it was all the same.
    tcb.congestion.reduce(CongestionEvent::loss, tcb.flight() + news.acked);
    tcb.congestion.cwnd = std::min(tcb.congestion.cwnd, tcb.congestion.ssthresh);
  } else if (reported || repeats) {
    probe.in_flight = false;
  }
}

}  // namespace lastack
