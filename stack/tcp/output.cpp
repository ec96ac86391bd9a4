#include "stack/tcp/output.h"

#include <algorithm>
#include <bit>

#include "stack/tcb/mutation.h"
#include "stack/tcp/accounts.h"
#include "stack/tcp/ecn.h"
#include "stack/tcp/fast_open.h"
#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/path_mtu.h"
#include "stack/tcp/send_limits.h"
#include "stack/tcp/user_timeout.h"
#include "stack/wire/ip.h"

namespace lastack {

namespace {

using std::chrono::duration_cast;

std::uint8_t smallest_shift(std::uint32_t buffer) {
  std::uint8_t shift = 0;
  while (shift < kMaxWindowShift && (buffer >> shift) > 0xffffU) ++shift;
  return shift;
}

void acknowledge(Tcb& tcb, Segment& segment) {
  segment.flags = segment.flags | (tcb.ecn.echo ? kAck | kEce : kAck);
  segment.ack = tcb.rcv.nxt;
  segment.wnd = pay_acknowledgment(tcb, tcb.effective_mss());
}

// A segment without anything but its ports; written in place, because every output begins with it.
void begin(const Tcb& tcb, Segment& segment) {
  segment = {};
  segment.src_port = tcb.local.port;
  segment.dst_port = tcb.remote.port;
}

//= rfc9293 3.7.1 MUST-14 MUST-65 MUST-67 SHLD-5 MAY-3
//= rfc6691 2
//= rfc2018 2
void syn_options(const Tcb& tcb, Instant now, Options& options) {
  const Config& config = tcb.config();
  const bool answer = tcb.state() != State::syn_sent;
  if (config.send_mss) options.mss = mss_to_announce(tcb.path_mtu, tcb.local.ip.version);
  // A SYN,ACK carries only what the peer's SYN carried (RFC 7323 2.2, 3.2; RFC 2018 2).
  if (answer ? tcb.scaling : config.window_scale) options.window_scale = tcb.rcv.shift;
  if (answer ? tcb.sack : config.sack) options.sack_permitted = true;
  if (answer ? tcb.ts.on : config.timestamps) {
    options.timestamps = Timestamps{timestamp_value(tcb, now), answer ? tcb.ts.recent : 0U};
  }
  options.user_timeout = user_timeout_to_offer(config);
}

bool emit_syn(Tcb& tcb, Instant now, Outgoing& out) {
  begin(tcb, out.segment);
  out.segment.flags = kSyn;
  out.segment.seq = tcb.snd.iss;
  const std::uint16_t window = offer_window_of_syn(tcb);
  const std::uint32_t offered = tcb.rcv.wnd;
  if (tcb.state() != State::syn_sent) acknowledge(tcb, out.segment);
  if constexpr (kMut == 1) out.segment.ack = tcb.rcv.irs;
  tcb.rcv.wnd = offered;
  out.segment.wnd = static_cast<std::uint16_t>(kMut == 28 ? window >> tcb.rcv.shift : window);
  syn_options(tcb, now, out.segment.options);
  out.segment.flags = out.segment.flags | ecn_setup_flags(tcb);
  if (tcb.fast_open) add_fast_open(tcb, out);
  note_syn_sent(tcb, now);
  return true;
}

void urgent_pointer(const Tcb& tcb, Segment& segment) {
  if (!tcb.snd.urgent || !after(tcb.snd.up, segment.seq)) return;
  //= rfc9293 3.8.5 MUST-62 RFC7323-A-a RFC6093-4-a
  segment.flags = segment.flags | kUrg;
  segment.urg = wire_window(octets_between(segment.seq, tcb.snd.up));
}

std::uint32_t packet_size(const Tcb& tcb, const Outgoing& out) {
  const std::size_t headers = ip_header_size(tcb.local.ip.version) + kTcpHeaderSize + options_size(out.segment.options);
  return static_cast<std::uint32_t>(headers) + out.text_size;
}

// Builds the segment that begins at `seq` with `octets` of text; the FIN goes along when it follows and `with_fin`
// allows it.
bool emit_text(Tcb& tcb, Instant now, SeqNum seq, std::uint32_t octets, bool with_fin, Outgoing& out) {
  begin(tcb, out.segment);
  out.segment.seq = seq;
  common_options(tcb, now, out.segment.options);
  out.text_offset = octets_between(tcb.text_begin(), seq);
  tcb.snd.probe = false;
  out.text_size = octets;
  const SeqNum text_end = seq + octets;
  if (octets != 0 && pushes(tcb, seq, text_end)) out.segment.flags = out.segment.flags | kPsh;
  const bool fin = with_fin && tcb.snd.fin_queued && text_end == tcb.fin_number();
  if (fin) {
    out.segment.flags = out.segment.flags | kFin;
    if (tcb.state() == State::close_wait) tcb.enter(State::last_ack, Cause::close_call);
  }
  urgent_pointer(tcb, out.segment);
  acknowledge(tcb, out.segment);
  note_sent(tcb, seq, text_end + (fin ? 1U : 0U), now);
  if (octets != 0) note_packet_size(tcb, text_end, packet_size(tcb, out));
  return true;
}

bool emit_new(Tcb& tcb, Instant now, Outgoing& out) {
  const std::uint32_t octets = sendable(tcb, now);
  if (octets == 0 && !fin_sendable(tcb)) return false;
  restart_after_idling(tcb, now);
  const bool with_fin = tcb.snd.fin_queued && window_left(tcb, tcb.snd.nxt + octets) > 0;
  emit_text(tcb, now, tcb.snd.nxt, octets, with_fin, out);
  if (octets != 0) ecn_mark_new_text(tcb, out);
  return true;
}

// One segment of what was sent before, from `seq`.
//= rfc9293 3.8.6 U-28
bool emit_again(Tcb& tcb, Instant now, SeqNum seq, std::uint32_t most, Outgoing& out) {
  const SeqNum end = earlier_of(tcb.snd.nxt, tcb.text_end());
  const std::uint32_t there = before(seq, end) ? octets_between(seq, end) : 0;
  const std::uint32_t octets = std::min({there, segment_limit(tcb, now), most});
  return emit_text(tcb, now, seq, octets, tcb.fin_sent(), out);
}

// Of cwnd, what is left beyond `seq` when everything from there on is sent again.
std::uint32_t go_back_room(const Tcb& tcb, SeqNum seq) {
  const Congestion& c = tcb.congestion;
  if (c.smss == 0 || tcb.config().congestion == CongestionControl::none) return 0xffff'ffffU;
  const std::uint32_t used = octets_between(tcb.snd.una, seq);
  return c.cwnd > used ? c.cwnd - used : 0;
}

// With SACK: what is lost, first to last, as congestion control permits; never a fraction of a segment because of it.
//= rfc6675 5
bool emit_range(Tcb& tcb, Instant now, const ResendRange& range, Outgoing& out) {
  const std::uint32_t most = std::min(octets_between(range.begin, range.end), window_left(tcb, range.begin));
  if (most == 0) return false;
  if (!tcb.recovery.send_one && congestion_room(tcb) < std::min(most, tcb.congestion.smss)) return false;
  tcb.recovery.send_one = false;
  return emit_again(tcb, now, range.begin, most, out);
}

// RFC 8985 7.3: new text whatever cwnd says, or the last segment again.
//= RFC8985-7.3-a
bool emit_loss_probe(Tcb& tcb, Instant now, Outgoing& out) {
  LossProbe& probe = tcb.sack_sender->probe;
  probe.due = false;
  if (tcb.flight() == 0 || tcb.snd.wnd == 0) return false;
  probe.in_flight = true;
  probe.sampled = false;
  const std::uint32_t mss = segment_limit(tcb, now);
  const std::uint32_t queued = before(tcb.snd.nxt, tcb.text_end()) ? octets_between(tcb.snd.nxt, tcb.text_end()) : 0;
  const bool held = now < tcb.ecn.hold_until;  // RFC 3168 6.1.2: nothing new
  const std::uint32_t octets = held ? 0 : std::min({queued, window_left(tcb, tcb.snd.nxt), mss});
  probe.is_retransmission = octets == 0;
  if (octets != 0) {
    emit_text(tcb, now, tcb.snd.nxt, octets, window_left(tcb, tcb.snd.nxt + octets) > 0, out);
    ecn_mark_new_text(tcb, out);
  } else {
    const Scoreboard& board = tcb.sack_sender->board;
    const SeqNum last = earlier_of(tcb.snd.nxt, tcb.text_end());
    const SeqNum begin = earlier_of(later_of(board[board.size() - 1].begin, last - mss), tcb.snd.nxt - 1);
    emit_again(tcb, now, begin, mss, out);
  }
  probe.end = tcb.snd.nxt;
  return true;
}

bool emit_resend(Tcb& tcb, Instant now, Outgoing& out) {
  if constexpr (kMut == 36) {
    if (tcb.state() == State::closing) return false;
  }
  if (tcb.sack_sender) {
    const auto lost = next_lost(tcb);
    return lost && emit_range(tcb, now, *lost, out);
  }
  if (tcb.snd.resend_one) {
    tcb.snd.resend_one = false;
    if (tcb.flight() != 0 && tcb.snd.wnd != 0) return emit_again(tcb, now, tcb.text_begin(), tcb.snd.wnd, out);
  }
  SeqNum& resend = tcb.snd.resend;
  if (before(resend, tcb.text_begin())) resend = tcb.text_begin();
  if (!before(resend, tcb.snd.nxt)) return false;
  //= rfc9293 3.8.6 SHLD-16
  const std::uint32_t most = std::min(window_left(tcb, resend), go_back_room(tcb, resend));
  if (most == 0) return false;
  const SeqNum from = resend;
  emit_again(tcb, now, from, most, out);
  resend = from + out.text_size + (out.segment.flags.fin() ? 1U : 0U);
  return true;
}

// Nothing is lost for certain and there is no new text: RFC 6675 4 NextSeg (3) and (4).
bool emit_last_resort(Tcb& tcb, Instant now, Outgoing& out) {
  if (!tcb.sack_sender || congestion_room(tcb) < tcb.congestion.smss) return false;
  const auto range = last_resort(tcb, segment_limit(tcb, now));
  return range && emit_range(tcb, now, *range, out);
}

// 3.8.6.1: one octet beyond the closed window (or the FIN, where nothing else is left).
//= rfc9293 3.8.6.1 MUST-36
bool emit_window_probe(Tcb& tcb, Instant now, Outgoing& out) {
  const bool text = before(tcb.snd.una, tcb.text_end());
  return emit_text(tcb, now, tcb.snd.una, text ? 1 : 0, !text, out);
}

// 3.8.4: SEG.SEQ = SND.NXT-1 makes the peer answer.
//= rfc9293 3.8.4 SHLD-12
bool emit_keepalive(Tcb& tcb, Instant now, Outgoing& out) {
  tcb.snd.keepalive_probe = false;
  begin(tcb, out.segment);
  out.segment.seq = tcb.snd.nxt - 1;
  common_options(tcb, now, out.segment.options);
  acknowledge(tcb, out.segment);
  return true;
}

// One ACK leaves, after everything that has arrived was processed.
//= rfc9293 3.10.7.4 first MUST-58 MUST-59
bool emit_ack(Tcb& tcb, Instant now, Outgoing& out) {
  begin(tcb, out.segment);
  out.segment.seq = tcb.snd.nxt;
  common_options(tcb, now, out.segment.options);
  urgent_pointer(tcb, out.segment);
  acknowledge(tcb, out.segment);
  return true;
}

}  // namespace

//= rfc7323 5.4
std::uint32_t timestamp_value(std::uint32_t offset, Instant now) {
  const auto ms = duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  return (SeqNum(static_cast<std::uint32_t>(ms & 0xffff'ffff)) + offset).raw();
}

std::uint8_t own_window_shift(const Config& config) {
  if (config.window_shift < 0) return smallest_shift(config.rcv_buf);
  return std::min<std::uint8_t>(static_cast<std::uint8_t>(config.window_shift), kMaxWindowShift);
}

//= rfc9293 3.7.1 MUST-67
std::uint16_t mss_to_announce(std::uint16_t mtu, IpVersion version) {
  const std::size_t headers = ip_header_size(version) + kTcpHeaderSize;
  return static_cast<std::uint16_t>(mtu > headers ? mtu - headers : 1U);
}

void prepare_open(Tcb& tcb, SeqNum iss, Instant now) {
  const Config& config = tcb.config();
  tcb.snd.iss = iss;
  tcb.snd.una = iss;
  tcb.snd.nxt = iss + 1;
  tcb.snd.up = iss;
  tcb.snd.resend = tcb.snd.nxt;
  tcb.ecn.reduced_at = iss;
  tcb.snd.syn_due = true;
  //= rfc9293 3.7.1 MUST-15
  tcb.snd.mss = tcb.local.ip.version == IpVersion::v4 ? 536 : 1220;
  tcb.rcv.wnd = std::min(tcb.receive_queue.room(), 0xffffU);
  if (config.window_scale) tcb.rcv.shift = own_window_shift(config);
  tcb.first_sent = now;
  tcb.last_received = now;
}

void start_handshake_timers(Tcb& tcb, Instant now) {
  restart_retransmission_timer(tcb, now);
  if (const Duration limit = user_timeout_of(tcb); limit != Duration(0)) tcb.timers.arm(TimerKind::user, now + limit);
}

void note_syn_sent(Tcb& tcb, Instant now) {
  tcb.snd.syn_due = false;
  if (tcb.retransmissions == 0) {
    tcb.rtt.sent_first(tcb.snd.iss + 1, now);
  } else {
    tcb.rtt.sent_again();
  }
  tcb.last_sent = now;
  if (!tcb.timers.armed(TimerKind::retransmit)) restart_retransmission_timer(tcb, now);
}

bool next_segment(Tcb& tcb, Instant now, Outgoing& out) {
  const State state = tcb.state();
  if (state == State::closed || state == State::listen) return false;
  out.text_size = 0;
  out.ecn = kNotEct;
  if (tcb.path_mtu < tcb.link_mtu) [[unlikely]]
    try_larger_path_mtu(tcb, now);
  if (tcb.snd.syn_due) return emit_syn(tcb, now, out);
  if (kTransmitsText.contains(state)) {
    if (emit_resend(tcb, now, out)) return true;
    if (tcb.snd.probe && window_is_closed(tcb)) return emit_window_probe(tcb, now, out);
    if (tcb.sack_sender && tcb.sack_sender->probe.due && emit_loss_probe(tcb, now, out)) return true;
    if (emit_new(tcb, now, out)) return true;
    if (tcb.recovery.phase == RecoveryPhase::fast && emit_last_resort(tcb, now, out)) return true;
  }
  if (state == State::syn_sent) return false;
  if (tcb.snd.keepalive_probe) return emit_keepalive(tcb, now, out);
  return tcb.ack_due && emit_ack(tcb, now, out);
}

}  // namespace lastack
