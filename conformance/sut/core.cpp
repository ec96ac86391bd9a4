// The built-in core as a stack under test: the C ABI of lastack_sut.h on top of stack/host/host.h. The harness reaches
// the core only through here, as it reaches every other stack.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>

#include "conformance/sut/core_options.h"
#include "conformance/sut/lastack_sut.h"
#include "stack/host/host.h"

namespace lastack {

namespace {

struct CoreSut {
  CoreSut(const HostConfig& config, Instant now) : host(config, now) {}

  Host host;
  std::unordered_map<std::int32_t, std::uint32_t> events;  // by connection, since its last LASTACK_APP_EVENTS
  std::unordered_map<std::int32_t, std::string> reasons;
};

CoreSut& self(void* sut) { return *static_cast<CoreSut*>(sut); }

IpAddress address_of(const lastack_sut_addr& address) {
  const IpVersion version = address.family == 6 ? IpVersion::v6 : IpVersion::v4;
  return IpAddress::from_bytes(version, reinterpret_cast<const std::byte*>(address.ip));
}

SocketAddress socket_of(const lastack_sut_addr& address) { return {address_of(address), address.port}; }

lastack_sut_addr to_c(const SocketAddress& socket) {
  lastack_sut_addr address{};
  address.family = socket.ip.version == IpVersion::v6 ? 6 : 4;
  std::memcpy(address.ip, socket.ip.octets.data(), socket.ip.size());
  address.port = socket.port;
  return address;
}

void copy_text(char* to, std::size_t size, const std::string& text) {
  if (size != 0) std::snprintf(to, size, "%s", text.c_str());
}

int refuse(lastack_sut_ret* ret, const std::string& text) {
  copy_text(ret->error, sizeof ret->error, text);
  return LASTACK_ERROR;
}

int refuse(lastack_sut_ret* ret, CallError error) { return refuse(ret, to_string(error)); }

std::uint32_t event_bit(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::connected: return LASTACK_EVENT_CONNECTED;
    case Event::Kind::readable: return LASTACK_EVENT_READABLE;
    case Event::Kind::peer_closed: return LASTACK_EVENT_EOF;
    case Event::Kind::urgent: return LASTACK_EVENT_URGENT;
    case Event::Kind::soft_error: return LASTACK_EVENT_SOFT_ERROR;
    case Event::Kind::reset: return LASTACK_EVENT_RESET;
    case Event::Kind::refused: return LASTACK_EVENT_REFUSED;
    case Event::Kind::timed_out: return LASTACK_EVENT_TIMEOUT;
    case Event::Kind::closed: return LASTACK_EVENT_CLOSED;
    case Event::Kind::acceptable:
    case Event::Kind::writable: return 0;
  }
  return 0;
}

const char* event_reason(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::peer_closed: return "connection closing";
    case Event::Kind::reset: return "connection reset";
    case Event::Kind::refused: return "connection refused";
    case Event::Kind::timed_out: return "connection aborted due to user timeout";
    case Event::Kind::soft_error: return "soft error reported";
    case Event::Kind::connected:
    case Event::Kind::acceptable:
    case Event::Kind::readable:
    case Event::Kind::writable:
    case Event::Kind::urgent:
    case Event::Kind::closed: return nullptr;
  }
  return nullptr;
}

void collect_events(CoreSut& sut) {
  while (const auto event = sut.host.poll_event()) {
    const auto conn = static_cast<std::int32_t>(event->conn);
    const std::uint32_t bit = event_bit(event->kind);
    if (bit != 0) sut.events[conn] |= bit;
    if (const char* reason = event_reason(event->kind)) sut.reasons[conn] = reason;
  }
}

void* create(const lastack_sut_cfg* cfg, char* error, size_t error_size) {
  if (cfg == nullptr || cfg->size < sizeof(lastack_sut_cfg)) {
    copy_text(error, error_size, "lastack_sut_cfg is too small");
    return nullptr;
  }
  HostConfig config;
  config.ip4 = IpAddress::from_bytes(IpVersion::v4, reinterpret_cast<const std::byte*>(cfg->ip4));
  config.ip6 = IpAddress::from_bytes(IpVersion::v6, reinterpret_cast<const std::byte*>(cfg->ip6));
  if (cfg->mtu != 0) config.mtu = cfg->mtu;
  config.seed = cfg->seed;
  // RFC 791 and RFC 8200: what every host must be able to take, and what the largest headers leave room for.
  if (config.mtu < 128) {
    copy_text(error, error_size, "mtu below 128");
    return nullptr;
  }
  constexpr std::uint32_t kLargestBuffer = 1U << 30;  // RFC 7323 2.3: the largest window
  if (cfg->rcv_buf != 0) config.tcp.rcv_buf = std::min(cfg->rcv_buf, kLargestBuffer);
  if (cfg->snd_buf != 0) config.tcp.snd_buf = std::min(cfg->snd_buf, kLargestBuffer);
  if (cfg->msl_ms != 0) config.tcp.msl = std::chrono::milliseconds(cfg->msl_ms);
  if (cfg->options != nullptr) {
    if (const auto wrong = apply_options(cfg->options, config.tcp)) {
      copy_text(error, error_size, *wrong);
      return nullptr;
    }
  }
  copy_text(error, error_size, "");  // nothing was ignored
  return new CoreSut(config, instant_from_us(cfg->now_us));
}

void destroy(void* sut) { delete static_cast<CoreSut*>(sut); }

int rx(void* sut, uint64_t now_us, const uint8_t* packet, size_t len) {
  self(sut).host.on_packet(instant_from_us(now_us), as_bytes(packet, len));
  collect_events(self(sut));
  return LASTACK_OK;
}

long tx(void* sut, uint64_t now_us, uint8_t* packet, size_t cap) {
  const MutableBytes out(reinterpret_cast<std::byte*>(packet), cap);
  return static_cast<long>(self(sut).host.poll_transmit(instant_from_us(now_us), out));
}

int tick(void* sut, uint64_t now_us) {
  self(sut).host.on_timeout(instant_from_us(now_us));
  collect_events(self(sut));
  return LASTACK_OK;
}

uint64_t next(void* sut, uint64_t /*now_us*/) {
  const auto deadline = self(sut).host.next_timeout();
  return deadline ? us_from_instant(*deadline) : UINT64_MAX;
}

int set_option(CoreSut& sut, const lastack_sut_call& call, lastack_sut_ret* ret) {
  if (call.name == nullptr) return refuse(ret, "no option named");
  Config* const config = call.conn < 0 ? nullptr : sut.host.config(ConnId{call.conn});
  if (call.conn >= 0 && config == nullptr) return refuse(ret, CallError::connection_does_not_exist);
  if (const auto wrong = apply_option(call.name, call.value, config == nullptr ? sut.host.defaults() : *config))
    return refuse(ret, *wrong);
  // RFC 5482 3: what the application has chosen for this connection, the peer's option does not change.
  if (config != nullptr && std::string_view(call.name) == "user_timeout_ms") config->user_timeout_changeable = false;
  if (config != nullptr) sut.host.config_changed(instant_from_us(call.now_us), ConnId{call.conn});
  return LASTACK_OK;
}

int take_events(CoreSut& sut, const lastack_sut_call& call, lastack_sut_ret* ret) {
  const auto found = sut.events.find(call.conn);
  if (found != sut.events.end()) {
    ret->flags = found->second;
    sut.events.erase(found);
  }
  const auto reason = sut.reasons.find(call.conn);
  if (reason != sut.reasons.end()) {
    copy_text(ret->error, sizeof ret->error, reason->second);
    sut.reasons.erase(reason);
  }
  return LASTACK_OK;
}

template <typename T>
int finish(const Result<T, CallError>& result, lastack_sut_ret* ret) {
  return result ? int{LASTACK_OK} : refuse(ret, result.error());
}

int return_connection(const Result<ConnId, CallError>& result, lastack_sut_ret* ret) {
  if (!result) return refuse(ret, result.error());
  ret->conn = static_cast<std::int32_t>(*result);
  return LASTACK_OK;
}

int receive(CoreSut& sut, Instant now, const lastack_sut_call& call, lastack_sut_ret* ret) {
  const MutableBytes buffer(reinterpret_cast<std::byte*>(call.buffer), call.cap);
  const auto result = sut.host.receive(now, ConnId{call.conn}, buffer);
  if (!result) return refuse(ret, result.error());
  ret->count = result->octets;
  if (result->end_of_stream) ret->flags |= LASTACK_RECV_EOF;
  if (result->pushed) ret->flags |= LASTACK_RECV_PUSH;
  if (result->urgent_ahead) ret->flags |= LASTACK_RECV_URGENT;
  return LASTACK_OK;
}

int send(CoreSut& sut, Instant now, const lastack_sut_call& call, lastack_sut_ret* ret) {
  const SendFlags flags{(call.flags & LASTACK_SEND_PUSH) != 0, (call.flags & LASTACK_SEND_URGENT) != 0};
  const auto taken = sut.host.send(now, ConnId{call.conn}, as_bytes(call.data, call.len), flags);
  if (!taken) return refuse(ret, taken.error());
  ret->count = *taken;
  return LASTACK_OK;
}

int dispatch(CoreSut& sut, const lastack_sut_call& call, lastack_sut_ret* ret) {
  const Instant now = instant_from_us(call.now_us);
  const ConnId conn{call.conn};
  switch (call.op) {
    case LASTACK_APP_LISTEN: return return_connection(sut.host.listen(now, call.local.port, call.backlog), ret);
    case LASTACK_APP_CONNECT:
      return return_connection(
          sut.host.connect(now, call.local.port, socket_of(call.remote), as_bytes(call.data, call.len)), ret);
    case LASTACK_APP_ACCEPT: {
      const auto accepted = sut.host.accept(conn);
      if (accepted) ret->remote = to_c(sut.host.remote(*accepted));
      return return_connection(accepted, ret);
    }
    case LASTACK_APP_SEND: return send(sut, now, call, ret);
    case LASTACK_APP_RECV: return receive(sut, now, call, ret);
    case LASTACK_APP_SHUTDOWN: return finish(sut.host.shutdown(now, conn), ret);
    case LASTACK_APP_CLOSE: return finish(sut.host.close(now, conn), ret);
    case LASTACK_APP_ABORT: return finish(sut.host.abort(now, conn), ret);
    case LASTACK_APP_SET_ISS:
      if (call.value > 0xffff'ffffU) return refuse(ret, "an initial sequence number has 32 bits");
      sut.host.set_next_iss(SeqNum(static_cast<std::uint32_t>(call.value)));
      return LASTACK_OK;
    case LASTACK_APP_FIND: {
      const auto found = sut.host.find(call.local.port, socket_of(call.remote));
      if (!found) return refuse(ret, CallError::connection_does_not_exist);
      ret->conn = static_cast<std::int32_t>(*found);
      return LASTACK_OK;
    }
    case LASTACK_APP_SET: return set_option(sut, call, ret);
    case LASTACK_APP_EVENTS: return take_events(sut, call, ret);
    default:
      copy_text(ret->error, sizeof ret->error, "app operation " + std::to_string(call.op));
      return LASTACK_UNSUPPORTED;
  }
}

int app(void* sut, const lastack_sut_call* call, lastack_sut_ret* ret) {
  ret->conn = -1;
  ret->flags = 0;
  ret->count = 0;
  ret->error[0] = '\0';
  const int result = dispatch(self(sut), *call, ret);
  collect_events(self(sut));
  return result;
}

void fill_timers(const Tcb& tcb, lastack_sut_info* info) {
  static_assert(kTimers == LASTACK_TIMERS);
  for (std::size_t i = 0; i < kTimers; ++i) {
    const auto kind = static_cast<TimerKind>(i);
    info->timer_us[i] = tcb.timers.armed(kind) ? us_from_instant(tcb.timers.deadline(kind)) : UINT64_MAX;
  }
}

std::uint64_t us(Duration d) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
}

void fill(const Tcb& tcb, lastack_sut_info* info) {
  info->valid = LASTACK_INFO_STATE | LASTACK_INFO_ISS | LASTACK_INFO_IRS | LASTACK_INFO_SND_UNA | LASTACK_INFO_SND_NXT |
                LASTACK_INFO_SND_WND | LASTACK_INFO_SND_WL | LASTACK_INFO_RCV_NXT | LASTACK_INFO_RCV_WND |
                LASTACK_INFO_URGENT | LASTACK_INFO_MSS | LASTACK_INFO_RTO | LASTACK_INFO_CWND | LASTACK_INFO_QUEUES |
                LASTACK_INFO_TIMERS | LASTACK_INFO_OPTIONS;
  info->iss = tcb.snd.iss.raw();
  info->irs = tcb.rcv.irs.raw();
  info->snd_una = tcb.snd.una.raw();
  info->snd_nxt = tcb.snd.nxt.raw();
  info->snd_wnd = tcb.snd.wnd;
  info->snd_wl1 = tcb.snd.wl1.raw();
  info->snd_wl2 = tcb.snd.wl2.raw();
  info->snd_up = tcb.snd.up.raw();
  info->rcv_nxt = tcb.rcv.nxt.raw();
  info->rcv_wnd = tcb.rcv.wnd;
  info->rcv_up = tcb.rcv.up.raw();
  info->mss = tcb.effective_mss();
  info->rto_us = us(tcb.rtt.rto());
  info->srtt_us = us(tcb.rtt.srtt());
  info->cwnd = tcb.congestion.cwnd;
  info->ssthresh = tcb.congestion.ssthresh;
  info->unsent = before(tcb.snd.nxt, tcb.text_end()) ? octets_between(tcb.snd.nxt, tcb.text_end()) : 0;
  info->unread = tcb.receive_queue.unread();
  fill_timers(tcb, info);
  info->snd_scale = tcb.snd.shift;
  info->rcv_scale = tcb.rcv.shift;
  info->sack = tcb.sack ? 1 : 0;
  info->timestamps = tcb.ts.on ? 1 : 0;
  info->ecn = tcb.ecn.agreed ? 1 : 0;
}

int info(void* sut, uint64_t /*now_us*/, int32_t conn, lastack_sut_info* out) {
  const Host& host = self(sut).host;
  const std::uint32_t size = out->size;
  std::memset(out, 0, sizeof *out);
  out->size = size;
  const ConnId id{conn};
  const Tcb* const tcb = host.tcb(id);
  const State state = host.state(id);
  if (tcb == nullptr && state != State::listen && !host.issued(id)) return LASTACK_ERROR;
  if (tcb != nullptr) fill(*tcb, out);
  out->valid |= LASTACK_INFO_STATE;
  out->state = static_cast<std::int32_t>(state);
  return LASTACK_OK;
}

constexpr lastack_sut_ops kOps = {
    LASTACK_SUT_ABI,
    sizeof(lastack_sut_ops),
    "core",
    "0.1.0",
    LASTACK_CAP_VIRTUAL_TIME | LASTACK_CAP_SET_ISS | LASTACK_CAP_INFO | LASTACK_CAP_IPV6 | LASTACK_CAP_TIMESTAMPS |
        LASTACK_CAP_SACK | LASTACK_CAP_WINDOW_SCALE | LASTACK_CAP_DETERMINISTIC | LASTACK_CAP_MULTI |
        LASTACK_CAP_URGENT | LASTACK_CAP_SIMULTANEOUS_OPEN | LASTACK_CAP_ECN | LASTACK_CAP_FAST_OPEN,
    "initial_window=10,min_rto_ms=1000,msl_ms=120000,delayed_ack_ms=40,rfc5961=1,congestion=reno",
    create,
    destroy,
    rx,
    tx,
    tick,
    next,
    app,
    info,
};

}  // namespace

}  // namespace lastack

extern "C" const lastack_sut_ops* lastack_core_sut_entry(uint32_t abi) {
  return abi == LASTACK_SUT_ABI ? &lastack::kOps : nullptr;
}
