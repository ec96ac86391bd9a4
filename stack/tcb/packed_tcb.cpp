#include "stack/tcb/packed_tcb.h"

#include <cstring>

namespace lastack {

namespace {

// Choices of a connection's own are compared with these, which nobody can change.
constexpr Config kBuiltIn{};
constexpr std::size_t kConfigWords = sizeof(Config) / sizeof(std::uint64_t);
static_assert(std::is_trivially_copyable_v<Config> && sizeof(Config) % sizeof(std::uint64_t) == 0);

template <typename F>
void own_config(F& f, Tcb& t) {
  if (!f(t.own_config != nullptr, false)) return;
  std::uint64_t words[kConfigWords], usual[kConfigWords];
  Config& config = t.change_config();
  std::memcpy(words, &config, sizeof words);
  std::memcpy(usual, &kBuiltIn, sizeof usual);
  for (std::size_t i = 0; i < kConfigWords; ++i) words[i] = f(words[i], usual[i]);
  std::memcpy(&config, words, sizeof words);
}

template <typename F>
void queues(F& f, Tcb& t) {
  const std::uint32_t to_send = f(t.send_queue.limit(), kBuiltIn.snd_buf);
  const std::uint32_t to_read = f(t.receive_queue.limit(), kBuiltIn.rcv_buf);
  const std::uint8_t runs = f(t.receive_queue.max_runs(), kBuiltIn.max_reassembly_gaps);
  if (to_send != t.send_queue.limit()) t.send_queue = ByteRing(to_send);
  if (to_read != t.receive_queue.limit() || runs != t.receive_queue.max_runs())
    t.receive_queue = ReceiveQueue(to_read, runs);
}

template <typename F>
void numbers(F& f, Tcb& t) {
  SendVariables& snd = t.snd;
  ReceiveVariables& rcv = t.rcv;
  const State state = f(t.state(), State::established);
  t.restore(state, f(t.fin_number(), SeqNum{}));
  rcv.irs = f(rcv.irs, SeqNum{});
  rcv.nxt = f(rcv.nxt, rcv.irs + 1);
  rcv.wnd = f(rcv.wnd, 0xffffU);
  rcv.up = f(rcv.up, SeqNum{});
  rcv.shift = f(rcv.shift, 0);
  rcv.urgent = f(rcv.urgent, false);
  rcv.fin = f(rcv.fin, false);
  rcv.fin_waits = f(rcv.fin_waits, false);
  rcv.pushed = f(rcv.pushed, false);
  rcv.fin_seq = f(rcv.fin_seq, SeqNum{});
  rcv.push_end = f(rcv.push_end, rcv.pushed ? rcv.nxt : SeqNum{});
  rcv.last_ack_sent = f(rcv.last_ack_sent, rcv.nxt);
  rcv.duplicate.left = f(rcv.duplicate.left, SeqNum{});
  rcv.duplicate.right = f(rcv.duplicate.right, rcv.duplicate.left);
  snd.iss = f(snd.iss, SeqNum{});
  snd.nxt = f(snd.nxt, snd.iss + 1);
  snd.una = f(snd.una, snd.nxt);
  snd.resend = f(snd.resend, snd.nxt);
  snd.wnd = f(snd.wnd, 0xffffU);
  snd.max_wnd = f(snd.max_wnd, snd.wnd);
  snd.up = f(snd.up, snd.iss);
  snd.wl1 = f(snd.wl1, rcv.nxt);
  snd.wl2 = f(snd.wl2, snd.una);
  snd.mss = f(snd.mss, 1460);
  snd.shift = f(snd.shift, 0);
  snd.urgent = f(snd.urgent, false);
  snd.fin_queued = f(snd.fin_queued, false);
  snd.syn_due = f(snd.syn_due, false);
  snd.resend_one = f(snd.resend_one, false);
  snd.probe = f(snd.probe, false);
  snd.keepalive_probe = f(snd.keepalive_probe, false);
  snd.push_queued = f(snd.push_queued, false);
  snd.push_end = f(snd.push_end, snd.push_queued ? snd.nxt : SeqNum{});
  t.octets_read = f(t.octets_read, octets_between(rcv.irs + 1, rcv.fin ? rcv.nxt - 1 : rcv.nxt));
}

template <typename F>
void times(F& f, Tcb& t) {
  t.last_received = f(t.last_received, Instant{});
  t.last_sent = f(t.last_sent, t.last_received);
  t.first_sent = f(t.first_sent, t.last_received);
  t.ack_limit_began = f(t.ack_limit_began, Instant{});
  t.path_mtu_lowered_at = f(t.path_mtu_lowered_at, Instant{});
  t.adopted_user_timeout = f(t.adopted_user_timeout, Duration(0));
  const Instant keepalive = f(t.timers.deadline(TimerKind::keepalive), kNever);
  if (keepalive != kNever) t.timers.arm(TimerKind::keepalive, keepalive);
}

template <typename F>
void options(F& f, Tcb& t, const PackingContext& context) {
  t.ts.on = f(t.ts.on, false);
  t.ts.recent = f(t.ts.recent, 0);
  t.ts.recent_at = f(t.ts.recent_at, t.ts.on ? t.last_received : Instant{});
  t.ts.offset = f(t.ts.offset, context.timestamp_offset);
  t.sack = f(t.sack, t.ts.on);
  t.scaling = f(t.scaling, t.ts.on);
  EcnVariables& ecn = t.ecn;
  ecn.asked = f(ecn.asked, false);
  ecn.plain = f(ecn.plain, false);
  ecn.agreed = f(ecn.agreed, false);
  ecn.echo = f(ecn.echo, false);
  ecn.cwr_due = f(ecn.cwr_due, false);
  ecn.reduced_at = f(ecn.reduced_at, t.snd.iss);
  ecn.hold_until = f(ecn.hold_until, Instant{});
}

template <typename F>
void rest(F& f, Tcb& t, const PackingContext& context) {
  t.link_mtu = f(t.link_mtu, context.link_mtu);
  t.path_mtu = f(t.path_mtu, t.link_mtu);
  t.evidence.acked = f(t.evidence.acked, 0);
  t.evidence.tried = f(t.evidence.tried, 0);
  t.evidence.tried_end = f(t.evidence.tried_end, t.evidence.tried != 0 ? t.snd.nxt : SeqNum{});
  t.evidence.pending = f(t.evidence.pending, 0);
  t.evidence.pending_seq = f(t.evidence.pending_seq, SeqNum{});
  t.evidence.pending_at = f(t.evidence.pending_at, Instant{});
  t.challenge_acks = f(t.challenge_acks, 0);
  t.invalid_acks = f(t.invalid_acks, 0);
  t.unacked_segments = f(t.unacked_segments, 0);
  t.retransmissions = f(t.retransmissions, 0);
  t.probes = f(t.probes, 0);
  t.keepalive_probes = f(t.keepalive_probes, 0);
  t.passive = f(t.passive, false);
  t.fast_opened = f(t.fast_opened, false);
  t.user_timeout_due = f(t.user_timeout_due, false);
  t.reader_gone = f(t.reader_gone, false);
}

template <typename F>
void cubic(F& f, CubicState& c, Instant last_ack) {
  c.w_max = f(c.w_max, 0);
  c.cwnd_prior = f(c.cwnd_prior, c.w_max);
  c.w_est = f(c.w_est, 0);
  c.k_ms = f(c.k_ms, 0);
  c.est_credit = f(c.est_credit, 0);
  c.elapsed = f(c.elapsed, Duration(0));
  c.last_ack = f(c.last_ack, last_ack);
  c.in_epoch = f(c.in_epoch, false);
}

template <typename F>
void congestion(F& f, Tcb& t) {
  Congestion& c = t.congestion;
  c.smss = f(c.smss, t.effective_mss());
  c.cwnd = f(c.cwnd, 10 * c.smss);
  c.ssthresh = f(c.ssthresh, 0xffff'ffffU);
  c.acked_in_avoidance = f(c.acked_in_avoidance, 0);
  c.used_until = f(c.used_until, t.snd.nxt);
  c.lost_syn = f(c.lost_syn, false);
  c.kind = f(c.kind, CongestionControl::reno);
  cubic(f, c.cubic, t.last_sent);
}

template <typename F>
void recovery(F& f, Tcb& t) {
  Recovery& r = t.recovery;
  r.phase = f(r.phase, RecoveryPhase::open);
  r.point_valid = f(r.point_valid, false);
  r.send_one = f(r.send_one, false);
  r.partial_ack_seen = f(r.partial_ack_seen, false);
  r.frto = f(r.frto, FrtoStep::off);
  r.frto_new = f(r.frto_new, 0);
  r.event = f(r.event, RetransmitEvent::timeout);
  r.point = f(r.point, SeqNum{});
  r.duplicate_acks = f(r.duplicate_acks, 0);
  r.flight_at_first = f(r.flight_at_first, 0);
  r.frto_end = f(r.frto_end, SeqNum{});
  r.pipe_prev = f(r.pipe_prev, 0);
  r.rto_at = f(r.rto_at, t.last_sent + t.rtt.rto());
}

template <typename F>
void undo(F& f, Undo& u, const Tcb& t) {
  u.possible = f(u.possible, false);
  u.from = f(u.from, SeqNum{});
  u.outstanding = f(u.outstanding, 0);
  u.resent = f(u.resent, false);
  u.resent_end = f(u.resent_end, SeqNum{});
  u.before.cwnd = f(u.before.cwnd, 0);
  u.before.ssthresh = f(u.before.ssthresh, 0);
  cubic(f, u.before.cubic, u.before.cwnd == 0 ? Instant{} : t.last_sent);
}

template <typename F>
void rack(F& f, Rack& r, const Tcb& t) {
  r.valid = f(r.valid, true);
  r.xmit = f(r.xmit, t.last_sent);
  r.end = f(r.end, t.snd.una);
  r.rtt = f(r.rtt, t.rtt.srtt());
  r.rtt_of = f(r.rtt_of, r.xmit);
  r.ack_began = f(r.ack_began, false);
  r.fack = f(r.fack, t.snd.una);
  r.min_rtt.pack(f, r.rtt, t.last_sent);
  r.reordering_seen = f(r.reordering_seen, false);
  r.dsack_round_on = f(r.dsack_round_on, false);
  r.dsack_round = f(r.dsack_round, SeqNum{});
  r.reo_wnd_mult = f(r.reo_wnd_mult, 1);
  r.reo_wnd_persist = f(r.reo_wnd_persist, 16);
  r.reduced_until = f(r.reduced_until, SeqNum{});
  r.reduced = f(r.reduced, false);
}

template <typename F>
void sack_sender(F& f, Tcb& t) {
  if (!f(t.sack_sender != nullptr, false)) return;
  if (!t.sack_sender) {
    t.sack_sender = std::make_unique<SackSender>();
    t.sack_sender->board.begin_at(t.snd.nxt);
  }
  SackSender& s = *t.sack_sender;
  rack(f, s.rack, t);
  s.probe.due = f(s.probe.due, false);
  s.probe.in_flight = f(s.probe.in_flight, false);
  s.probe.is_retransmission = f(s.probe.is_retransmission, false);
  s.probe.sampled = f(s.probe.sampled, true);
  s.probe.end = f(s.probe.end, SeqNum{});
  s.prr.delivered = f(s.prr.delivered, 0);
  s.prr.out = f(s.prr.out, 0);
  s.prr.recover_flight = f(s.prr.recover_flight, 0);
  undo(f, s.undo, t);
  s.rescue_after = f(s.rescue_after, SeqNum{});
  s.rescue_spent = f(s.rescue_spent, false);
  s.rescuing = f(s.rescuing, false);
}

// All of a TCB at rest. What is_at_rest excludes has no place here.
template <typename F>
void everything(F& f, Tcb& t, const PackingContext& context) {
  own_config(f, t);
  queues(f, t);
  numbers(f, t);
  times(f, t);
  options(f, t, context);
  rest(f, t, context);
  t.rtt.pack(f, t.snd.nxt, t.last_sent);
  congestion(f, t);
  recovery(f, t);
  sack_sender(f, t);
}

bool waits_only_for_silence(const Timers& timers) {
  for (std::size_t i = 0; i < kTimers; ++i) {
    const auto kind = static_cast<TimerKind>(i);
    if (kind != TimerKind::keepalive && timers.armed(kind)) return false;
  }
  return true;
}

bool same_choices(const Tcb& a, const Tcb& b) {
  if (!a.own_config || !b.own_config) return !a.own_config && !b.own_config;
  return *a.own_config == *b.own_config;
}

bool same_sender(const Tcb& a, const Tcb& b) {
  if (!a.sack_sender || !b.sack_sender) return !a.sack_sender && !b.sack_sender;
  const SackSender& x = *a.sack_sender;
  const SackSender& y = *b.sack_sender;
  return x.rack == y.rack && x.probe == y.probe && x.prr == y.prr && x.undo == y.undo &&
         x.rescue_after == y.rescue_after && x.rescue_spent == y.rescue_spent && x.rescuing == y.rescuing &&
         x.board.end() == y.board.end();
}

}  // namespace

bool is_at_rest(const Tcb& t) {
  constexpr StateSet kMayRest{State::established, State::close_wait, State::fin_wait_2};
  if (!kMayRest.contains(t.state()) || t.flight() != 0 || t.send_queue.size() != 0) return false;
  if (t.receive_queue.unread() != 0 || t.receive_queue.has_gap() || t.signals != 0) return false;
  if (t.ack_due || t.ack_delayed || t.duplicate_due || t.fast_open) return false;
  if (t.snd.syn_due || t.snd.resend_one || t.snd.probe || t.snd.keepalive_probe) return false;
  if (t.sack_sender) {
    const SackSender& s = *t.sack_sender;
    if (!s.board.empty() || s.board.end() != t.snd.nxt || s.probe.due || s.reorder_at != Instant::max()) return false;
  }
  return waits_only_for_silence(t.timers);
}

void pack(Tcb& tcb, Packer& f, const PackingContext& context) { everything(f, tcb, context); }

void unpack(Tcb& tcb, std::span<const std::uint8_t> packed, const PackingContext& context) {
  Unpacker f(packed);
  everything(f, tcb, context);
  LASTACK_CHECK(f.at_end());
}

bool same_at_rest(const Tcb& a, const Tcb& b) {
  return a.state() == b.state() && a.fin_number() == b.fin_number() && a.local == b.local && a.remote == b.remote &&
         a.snd == b.snd && a.rcv == b.rcv && a.ts == b.ts && a.ecn == b.ecn && a.rtt == b.rtt &&
         a.congestion == b.congestion && a.recovery == b.recovery && same_choices(a, b) && same_sender(a, b) &&
         a.timers.deadline(TimerKind::keepalive) == b.timers.deadline(TimerKind::keepalive) &&
         a.send_queue.limit() == b.send_queue.limit() && a.receive_queue.limit() == b.receive_queue.limit() &&
         a.receive_queue.max_runs() == b.receive_queue.max_runs() && a.adopted_user_timeout == b.adopted_user_timeout &&
         a.path_mtu_lowered_at == b.path_mtu_lowered_at && a.first_sent == b.first_sent &&
         a.last_received == b.last_received && a.last_sent == b.last_sent && a.ack_limit_began == b.ack_limit_began &&
         a.octets_read == b.octets_read && a.link_mtu == b.link_mtu && a.path_mtu == b.path_mtu &&
         a.evidence == b.evidence && a.challenge_acks == b.challenge_acks && a.invalid_acks == b.invalid_acks &&
         a.unacked_segments == b.unacked_segments && a.retransmissions == b.retransmissions && a.probes == b.probes &&
         a.keepalive_probes == b.keepalive_probes && a.passive == b.passive && a.sack == b.sack &&
         a.scaling == b.scaling && a.fast_opened == b.fast_opened && a.user_timeout_due == b.user_timeout_due &&
         a.reader_gone == b.reader_gone;
}

}  // namespace lastack
