// What lwIP knows of a connection, in RFC 9293's variables. lwIP counts time in slow ticks of 500 ms; deadlines are the
// ticks at which it will act.
#include <algorithm>

#include "conformance/sut/lwip_stack.h"

namespace lastack::lwip {
namespace {

constexpr std::int64_t kTwoMslTicks = 2 * TCP_MSL / TCP_SLOW_INTERVAL;
constexpr std::int64_t kFinWaitTicks = TCP_FIN_WAIT_TIMEOUT / TCP_SLOW_INTERVAL;
constexpr std::int64_t kPersistTicks[] = {3, 6, 12, 24, 48, 96, 120};  // lwIP's tcp_persist_backoff

int32_t state_of(const tcp_pcb& pcb) {
  switch (pcb.state) {
    case ::CLOSED: return LASTACK_CLOSED;
    case ::LISTEN: return LASTACK_LISTEN;
    case ::SYN_SENT: return LASTACK_SYN_SENT;
    case ::SYN_RCVD: return LASTACK_SYN_RECEIVED;
    case ::ESTABLISHED: return LASTACK_ESTABLISHED;
    case ::FIN_WAIT_1: return LASTACK_FIN_WAIT_1;
    case ::FIN_WAIT_2: return LASTACK_FIN_WAIT_2;
    case ::CLOSE_WAIT: return LASTACK_CLOSE_WAIT;
    case ::CLOSING: return LASTACK_CLOSING;
    case ::LAST_ACK: return LASTACK_LAST_ACK;
    case ::TIME_WAIT: return LASTACK_TIME_WAIT;
  }
  return LASTACK_CLOSED;
}

std::uint64_t octets_in(const tcp_seg* queue) {
  std::uint64_t octets = 0;
  for (; queue != nullptr; queue = queue->next) octets += queue->len;
  return octets;
}

// Whether the next tick can change anything that a peer or a user sees.
bool is_busy(const tcp_pcb& pcb) {
  constexpr auto kPending = TF_ACK_DELAY | TF_ACK_NOW | TF_CLOSEPEND | TF_NAGLEMEMERR;
  const bool resting = pcb.state == ::ESTABLISHED || pcb.state == ::CLOSE_WAIT || pcb.state == ::FIN_WAIT_2;
  return !resting || pcb.unsent != nullptr || pcb.unacked != nullptr || pcb.ooseq != nullptr ||
         pcb.refused_data != nullptr || (pcb.flags & kPending) != 0 || pcb.persist_backoff > 0 || pcb.rtime >= 0;
}

}  // namespace

// The time of the `ticks`-th slow tick from now. tcp_tmr() runs the slow timer at every odd call.
std::uint64_t Stack::after_slow_ticks(std::int64_t ticks) const {
  if (next_tcp_us_ == kNever) return kNever;
  const std::uint64_t first = next_tcp_us_ + (tcp_timer_calls_ % 2 == 0 ? 0 : kTcpTimerUs);
  return first + static_cast<std::uint64_t>(std::max<std::int64_t>(ticks, 1) - 1) * kSlowTimerUs;
}

// When a connection in which nothing is under way will act by itself.
std::uint64_t Stack::idle_deadline(const tcp_pcb& pcb) const {
  const std::int64_t quiet =
      sequence_number(std::uint64_t{tcp_ticks} - pcb.tmr);  // slow ticks since it last heard something
  if (pcb.state == ::TIME_WAIT) return after_slow_ticks(kTwoMslTicks + 1 - quiet);
  if (pcb.state == ::FIN_WAIT_2)
    return (pcb.flags & TF_RXCLOSED) != 0 ? after_slow_ticks(kFinWaitTicks + 1 - quiet) : kNever;
  if (!ip_get_option(&pcb, SOF_KEEPALIVE)) return kNever;
  const std::int64_t idle = (pcb.keep_idle + pcb.keep_cnt_sent * pcb.keep_intvl) / TCP_SLOW_INTERVAL;
  return after_slow_ticks(idle + 1 - quiet);
}

// lwIP wants its timer four times a second as long as there is a connection. This is the first time at which the timer
// will do something.
std::uint64_t Stack::next_tcp_deadline() const {
  if (next_tcp_us_ == kNever) return kNever;
  std::uint64_t deadline = kNever;
  for (const tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    if (is_busy(*pcb)) return next_tcp_us_;
    deadline = std::min(deadline, idle_deadline(*pcb));
  }
  for (const tcp_pcb* pcb = tcp_tw_pcbs; pcb != nullptr; pcb = pcb->next)
    deadline = std::min(deadline, idle_deadline(*pcb));
  return deadline;
}

void Stack::fill_timers(const tcp_pcb& pcb, lastack_sut_info* out) const {
  std::fill(std::begin(out->timer_us), std::end(out->timer_us), kNever);
  if (pcb.state == ::TIME_WAIT) {
    out->timer_us[LASTACK_TIMER_TIME_WAIT] = idle_deadline(pcb);
    return;
  }
  if (pcb.persist_backoff > 0) {
    const auto step = std::min<std::size_t>(pcb.persist_backoff, std::size(kPersistTicks)) - 1;
    out->timer_us[LASTACK_TIMER_PERSIST] = after_slow_ticks(kPersistTicks[step] - pcb.persist_cnt);
  } else if (pcb.rtime >= 0) {
    out->timer_us[LASTACK_TIMER_RETRANSMIT] = after_slow_ticks(pcb.rto - pcb.rtime);
  }
  if ((pcb.flags & TF_ACK_DELAY) != 0) out->timer_us[LASTACK_TIMER_DELAYED_ACK] = next_tcp_us_;
  if (pcb.state == ::ESTABLISHED || pcb.state == ::CLOSE_WAIT)
    out->timer_us[LASTACK_TIMER_KEEPALIVE] = idle_deadline(pcb);
}

void Stack::fill_info(const Connection& connection, lastack_sut_info* out) const {
  const tcp_pcb& pcb = *connection.pcb;
  out->valid = LASTACK_INFO_STATE | LASTACK_INFO_ISS | LASTACK_INFO_SND_UNA | LASTACK_INFO_SND_NXT |
               LASTACK_INFO_SND_WND | LASTACK_INFO_SND_WL | LASTACK_INFO_MSS | LASTACK_INFO_RTO | LASTACK_INFO_CWND |
               LASTACK_INFO_QUEUES | LASTACK_INFO_TIMERS | LASTACK_INFO_OPTIONS;
  out->state = state_of(pcb);
  out->iss = connection.iss;
  out->snd_una = pcb.lastack;
  out->snd_nxt = pcb.snd_nxt;
  out->snd_wnd = pcb.snd_wnd;
  out->snd_wl1 = pcb.snd_wl1;
  out->snd_wl2 = pcb.snd_wl2;
  if (pcb.state != ::SYN_SENT) {  // before, lwIP has nothing of the peer's
    out->valid |= LASTACK_INFO_IRS | LASTACK_INFO_RCV_NXT | LASTACK_INFO_RCV_WND;
    out->irs = connection.irs;
    out->rcv_nxt = pcb.rcv_nxt;
    out->rcv_wnd = pcb.rcv_wnd;
  }
  out->mss = pcb.mss;
  out->rto_us = static_cast<std::uint64_t>(std::max<std::int64_t>(pcb.rto, 0)) * kSlowTimerUs;
  out->srtt_us = static_cast<std::uint64_t>(std::max<std::int64_t>(pcb.sa, 0)) * kSlowTimerUs / 8;
  out->cwnd = pcb.cwnd;
  out->ssthresh = pcb.ssthresh;
  out->unsent = octets_in(pcb.unsent);
  out->unread = connection.unread_octets();
  fill_timers(pcb, out);
  const bool scaled = (pcb.flags & TF_WND_SCALE) != 0;
  out->snd_scale = scaled ? pcb.snd_scale : std::uint8_t{0};
  out->rcv_scale = scaled ? pcb.rcv_scale : std::uint8_t{0};
}

int Stack::info(std::int32_t number, lastack_sut_info* out) {
  const Connection* connection = find_number(number);
  if (connection == nullptr) return LASTACK_ERROR;
  const std::uint32_t size = out->size;
  *out = {};
  if (connection->pcb != nullptr && !connection->is_listener) {
    fill_info(*connection, out);
  } else if (connection->pcb != nullptr) {
    out->valid = LASTACK_INFO_STATE;
    out->state = LASTACK_LISTEN;
  } else {
    *out = connection->last;  // the last variables of a connection that is gone
    out->valid = (out->valid & ~std::uint64_t{LASTACK_INFO_TIMERS}) | LASTACK_INFO_STATE;
    out->state = LASTACK_CLOSED;
    out->unread = connection->unread_octets();
  }
  out->size = size;
  return LASTACK_OK;
}

}  // namespace lastack::lwip
