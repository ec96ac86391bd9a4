// The user calls of RFC 9293 3.10.1 to 3.10.5 on lwIP's raw API, and the callbacks through which lwIP reports to the
// user. Received data waits here until the user takes it; only then is lwIP told (tcp_recved), so that its window is
// honest.
#include <algorithm>
#include <cstdio>
#include <cstring>

#include "conformance/sut/lwip_stack.h"

namespace lastack::lwip {
namespace {

constexpr std::size_t kMaxChunk = 0xffff;  // tcp_write and tcp_recved count in 16 bits

constexpr const char* kNoConnection = "connection does not exist";
constexpr const char* kClosing = "connection closing";

int fail(lastack_sut_ret* ret, const char* text, int code = LASTACK_ERROR) {
  std::snprintf(ret->error, sizeof ret->error, "%s", text);
  return code;
}

const char* words_of(err_t error) {
  switch (error) {
    case ERR_MEM:
    case ERR_BUF: return "insufficient resources";
    case ERR_USE: return "connection already exists";
    case ERR_RTE: return "no route to the remote address";
    case ERR_CONN:
    case ERR_CLSD: return kNoConnection;
    case ERR_RST: return "connection reset";
    case ERR_ABRT: return "connection aborted";
    default:
      return lwip_strerr(error) != nullptr && lwip_strerr(error)[0] != '\0' ? lwip_strerr(error) : "refused by lwIP";
  }
}

err_t on_receive(void* argument, tcp_pcb*, pbuf* data, err_t) {
  auto* connection = static_cast<Connection*>(argument);
  if (data == nullptr) {
    connection->eof = true;
    connection->events |= LASTACK_EVENT_EOF;
  } else {
    connection->unread.push_back(data);
    connection->events |= LASTACK_EVENT_READABLE;
  }
  return ERR_OK;
}

// lwIP gives the connection up. By then the control block may be gone; then `last` says what the state was.
void on_error(void* argument, err_t error) {
  auto* connection = static_cast<Connection*>(argument);
  const bool opening =
      connection->pcb != nullptr ? connection->pcb->state == ::SYN_SENT : connection->last.state == LASTACK_SYN_SENT;
  if (error == ERR_RST) {
    connection->events |= opening ? LASTACK_EVENT_REFUSED : LASTACK_EVENT_RESET;
    connection->reason = opening ? "connection refused" : "connection reset";
  } else if (error == ERR_ABRT) {
    connection->events |= LASTACK_EVENT_TIMEOUT;
    connection->reason = "connection aborted due to user timeout";
  }
  if (error == ERR_CLSD) return;
  for (pbuf* data : connection->unread) pbuf_free(data);  // 3.10.7.4: all segment queues should be flushed
  connection->unread.clear();
  connection->first_offset = 0;
}

err_t on_connected(void* argument, tcp_pcb* pcb, err_t) {
  auto* connection = static_cast<Connection*>(argument);
  connection->irs = number_before(pcb->rcv_nxt);
  connection->events |= LASTACK_EVENT_CONNECTED;
  return ERR_OK;
}

void listen_to(Connection* connection) {
  tcp_arg(connection->pcb, connection);
  tcp_recv(connection->pcb, on_receive);
  tcp_err(connection->pcb, on_error);
}

err_t on_accept(void* argument, tcp_pcb* pcb, err_t error) {
  auto* listener = static_cast<Connection*>(argument);
  if (pcb == nullptr || error != ERR_OK) return ERR_VAL;  // lwIP had no memory for the SYN
  std::shared_ptr<Connection> connection = listener->stack->connection_of(pcb);
  listen_to(connection.get());
  connection->events |= LASTACK_EVENT_CONNECTED;
  listener->events |= LASTACK_EVENT_READABLE;
  listener->ready.push_back(std::move(connection));
  return ERR_OK;
}

// What SEND, RECEIVE, SHUTDOWN answer on a connection that is gone.
int gone(const Connection& connection, lastack_sut_ret* ret) {
  return fail(ret, connection.reason[0] != '\0' ? connection.reason : kNoConnection);
}

}  // namespace

Connection* Stack::find_number(std::int32_t number) const {
  if (number < 0 || static_cast<std::size_t>(number) >= by_number_.size()) return nullptr;
  return by_number_[static_cast<std::size_t>(number)].get();
}

int Stack::user_call(const lastack_sut_call& call, lastack_sut_ret* ret) {
  const int result = dispatch(call, ret);
  run_deferred();
  return result;
}

int Stack::dispatch(const lastack_sut_call& call, lastack_sut_ret* ret) {
  switch (call.op) {
    case LASTACK_APP_LISTEN: return listen(call, ret);
    case LASTACK_APP_CONNECT: return connect(call, ret);
    case LASTACK_APP_FIND: return find(call, ret);
    case LASTACK_APP_SET: return set(call, ret);
    case LASTACK_APP_SET_ISS: isses_.push_back(static_cast<std::uint32_t>(call.value)); return LASTACK_OK;
    default: break;
  }
  if (call.op < LASTACK_APP_LISTEN || call.op > LASTACK_APP_EVENTS)
    return fail(ret, "no such operation", LASTACK_UNSUPPORTED);
  Connection* connection = find_number(call.conn);
  if (connection == nullptr) return fail(ret, kNoConnection);
  switch (call.op) {
    case LASTACK_APP_ACCEPT: return accept(connection, ret);
    case LASTACK_APP_SEND: return send(connection, call, ret);
    case LASTACK_APP_RECV: return receive_data(connection, call, ret);
    case LASTACK_APP_SHUTDOWN: return shutdown(connection, ret);
    case LASTACK_APP_CLOSE: return close(connection, ret);
    case LASTACK_APP_ABORT: return abort(connection, ret);
    default: return take_events(connection, ret);
  }
}

int Stack::listen(const lastack_sut_call& call, lastack_sut_ret* ret) {
  tcp_pcb* pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
  if (pcb == nullptr) return fail(ret, words_of(ERR_MEM));
  ip_set_option(pcb, SOF_REUSEADDR);  // an active OPEN from the same port is no conflict (RFC 9293 3.10.1)
  const err_t bound = tcp_bind(pcb, IP_ANY_TYPE, call.local.port);
  if (bound != ERR_OK) {
    tcp_close(pcb);
    return fail(ret, words_of(bound));
  }
  err_t error = ERR_OK;
  tcp_pcb* listening =
      tcp_listen_with_backlog_and_err(pcb, static_cast<u8_t>(std::clamp<u32_t>(call.backlog, 1, 255)), &error);
  if (listening == nullptr) {
    tcp_close(pcb);
    return fail(ret, words_of(error));
  }
  auto listener = std::make_shared<Connection>();
  listener->stack = this;
  listener->pcb = listening;
  listener->is_listener = true;
  listener->local_port = call.local.port;
  by_pcb_[listening] = listener;
  tcp_arg(listening, listener.get());
  tcp_accept(listening, on_accept);
  expose(listener);
  ret->conn = listener->number;
  return LASTACK_OK;
}

int Stack::connect(const lastack_sut_call& call, lastack_sut_ret* ret) {
  ip_addr_t remote;
  if (!to_lwip(call.remote, &remote) || call.remote.port == 0 || ip_addr_isany(&remote))
    return fail(ret, "remote socket unspecified");
  tcp_pcb* pcb = tcp_new_ip_type(IP_GET_TYPE(&remote));
  if (pcb == nullptr) return fail(ret, words_of(ERR_MEM));
  std::shared_ptr<Connection> connection = connection_of(pcb);
  listen_to(connection.get());
  ip_set_option(pcb, SOF_REUSEADDR);
  err_t error = ERR_OK;
  if (call.local.port != 0) error = tcp_bind(pcb, IP_IS_V6(&remote) ? IP6_ADDR_ANY : IP4_ADDR_ANY, call.local.port);
  if (error == ERR_OK) error = tcp_connect(pcb, &remote, call.remote.port, on_connected);
  if (error != ERR_OK) {
    tcp_close(pcb);
    return fail(ret, words_of(error));
  }
  expose(connection);
  ret->conn = connection->number;
  return LASTACK_OK;
}

int Stack::accept(Connection* listener, lastack_sut_ret* ret) {
  if (!listener->is_listener || listener->pcb == nullptr) return fail(ret, "not a listener");
  if (listener->ready.empty()) return fail(ret, "would block");
  const std::shared_ptr<Connection> connection = listener->ready.front();
  listener->ready.pop_front();
  expose(connection);
  ret->conn = connection->number;
  ret->remote = from_lwip(connection->remote_ip, connection->remote_port);
  return LASTACK_OK;
}

int Stack::send(Connection* connection, const lastack_sut_call& call, lastack_sut_ret* ret) {
  if (connection->is_listener) return fail(ret, "remote socket unspecified");
  if (connection->shut) return fail(ret, kClosing);
  if (connection->pcb == nullptr) return gone(*connection, ret);
  if ((call.flags & LASTACK_SEND_URGENT) != 0) return fail(ret, "lwIP cannot send urgent data", LASTACK_UNSUPPORTED);
  tcp_pcb* pcb = connection->pcb;
  // lwIP takes a piece whole or not at all: when it has too few segments left for one, a smaller one may still fit.
  std::size_t chunk = kMaxChunk;
  while (ret->count < call.len && chunk > 0) {
    chunk = std::min({chunk, call.len - ret->count, static_cast<std::size_t>(tcp_sndbuf(pcb))});
    if (chunk == 0) break;
    const err_t error = tcp_write(pcb, call.data + ret->count, static_cast<u16_t>(chunk), TCP_WRITE_FLAG_COPY);
    if (error == ERR_OK) {
      ret->count += chunk;
    } else if (error == ERR_MEM) {
      chunk /= 2;
    } else {
      return fail(ret, words_of(error));
    }
  }
  tcp_output(pcb);
  return LASTACK_OK;
}

int Stack::receive_data(Connection* connection, const lastack_sut_call& call, lastack_sut_ret* ret) {
  if (connection->is_listener) return fail(ret, kNoConnection);
  if (connection->closed) return fail(ret, kClosing);
  while (ret->count < call.cap && !connection->unread.empty()) {
    pbuf* data = connection->unread.front();
    const std::size_t left = data->tot_len - connection->first_offset;
    const std::size_t take = std::min(call.cap - ret->count, left);
    pbuf_copy_partial(data, call.buffer + ret->count, static_cast<u16_t>(take),
                      static_cast<u16_t>(connection->first_offset));
    ret->count += take;
    connection->first_offset += take;
    if (take < left) break;
    if ((data->flags & PBUF_FLAG_PUSH) != 0) ret->flags |= LASTACK_RECV_PUSH;
    connection->unread.pop_front();
    connection->first_offset = 0;
    pbuf_free(data);
  }
  for (std::size_t told = 0; connection->pcb != nullptr && told < ret->count;) {
    const std::size_t chunk = std::min(ret->count - told, kMaxChunk);
    tcp_recved(connection->pcb, static_cast<u16_t>(chunk));
    told += chunk;
  }
  if (ret->count > 0 || !connection->unread.empty()) return LASTACK_OK;
  if (connection->reason[0] != '\0') return gone(*connection, ret);
  if (connection->eof) ret->flags |= LASTACK_RECV_EOF;
  if (!connection->eof && connection->pcb == nullptr) return gone(*connection, ret);
  return LASTACK_OK;
}

int Stack::shutdown(Connection* connection, lastack_sut_ret* ret) {
  if (connection->is_listener) return close(connection, ret);
  if (connection->shut) return fail(ret, kClosing);
  if (connection->pcb == nullptr) return gone(*connection, ret);
  // lwIP's tcp_shutdown refuses SYN-SENT, where RFC 9293 3.10.4 deletes the TCB: that is what its tcp_close does.
  const err_t error =
      connection->pcb->state == ::SYN_SENT ? tcp_close(connection->pcb) : tcp_shutdown(connection->pcb, 0, 1);
  if (error != ERR_OK) return fail(ret, words_of(error));
  connection->shut = true;
  return LASTACK_OK;
}

int Stack::close(Connection* connection, lastack_sut_ret* ret) {
  if (connection->closed) return fail(ret, kClosing);
  if (connection->is_listener) return close_listener(connection);
  if (connection->pcb == nullptr) return gone(*connection, ret);
  // Octets that the user never took make lwIP reset the connection (RFC 9293 3.6.1): it sees that its window is not
  // whole.
  for (pbuf* data : connection->unread) pbuf_free(data);
  connection->unread.clear();
  connection->first_offset = 0;
  const err_t error = tcp_close(connection->pcb);
  if (error != ERR_OK) return fail(ret, words_of(error));
  connection->closed = connection->shut = true;
  return LASTACK_OK;
}

int Stack::close_listener(Connection* listener) {
  listener->closed = listener->shut = true;
  if (listener->pcb != nullptr) tcp_close(listener->pcb);
  for (const std::shared_ptr<Connection>& waiting : listener->ready) {
    if (waiting->pcb == nullptr) continue;
    tcp_err(waiting->pcb, nullptr);
    tcp_abort(waiting->pcb);
  }
  listener->ready.clear();
  return LASTACK_OK;
}

int Stack::abort(Connection* connection, lastack_sut_ret* ret) {
  if (connection->is_listener) return close(connection, ret);
  if (connection->pcb == nullptr) return gone(*connection, ret);
  tcp_err(connection->pcb, nullptr);  // the user knows
  connection->closed = connection->shut = true;
  tcp_abort(connection->pcb);
  return LASTACK_OK;
}

int Stack::find(const lastack_sut_call& call, lastack_sut_ret* ret) {
  ip_addr_t remote;
  if (!to_lwip(call.remote, &remote)) return fail(ret, "remote socket unspecified");
  for (const auto& [memory, connection] : by_pcb_) {
    if (connection->is_listener || connection->local_port != call.local.port ||
        connection->remote_port != call.remote.port)
      continue;
    if (!ip_addr_cmp(&connection->remote_ip, &remote)) continue;
    expose(connection);
    ret->conn = connection->number;
    return LASTACK_OK;
  }
  return fail(ret, kNoConnection);
}

int Stack::set(const lastack_sut_call& call, lastack_sut_ret* ret) {
  const std::string name = call.name != nullptr ? call.name : "";
  if (name == "user_timeout_ms") return fail(ret, "lwIP has no user timeout", LASTACK_UNSUPPORTED);
  if (name != "delayed_ack" && name != "nodelay" && name != "keepalive" && name != "keepalive_ms") {
    return fail(ret, "no such option", LASTACK_UNSUPPORTED);
  }
  Connection* connection = find_number(call.conn);
  if (call.conn != -1 && (connection == nullptr || connection->pcb == nullptr || connection->is_listener))
    return fail(ret, kNoConnection);
  Choices& choices = connection != nullptr ? connection->choices : choices_;
  if (name == "delayed_ack") choices.delayed_ack = call.value != 0;
  if (name == "nodelay") choices.nagle = call.value == 0;
  if (name == "keepalive") choices.keepalive = call.value != 0;
  if (name == "keepalive_ms")
    choices.keepalive_ms = static_cast<std::uint32_t>(std::min<std::uint64_t>(call.value, UINT32_MAX));
  if (connection != nullptr) apply_choices(connection);
  return LASTACK_OK;
}

int Stack::take_events(Connection* connection, lastack_sut_ret* ret) {
  ret->flags = connection->events;
  connection->events = 0;
  std::snprintf(ret->error, sizeof ret->error, "%s", connection->reason);
  return LASTACK_OK;
}

}  // namespace lastack::lwip
