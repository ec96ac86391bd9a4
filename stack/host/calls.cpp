// The user calls of 3.10.1 to 3.10.6, as far as they concern handles, listeners and ports; the rest is in
// tcp/user_calls.cpp.
#include <algorithm>

#include "stack/host/host_impl.h"
#include "stack/tcb/coverage.h"
#include "stack/tcp/control.h"

namespace lastack {

namespace {

constexpr std::uint32_t kFirstEphemeral = 49152;
constexpr std::uint32_t kEphemeralPorts = 16384;

}  // namespace

// RFC 6056 3.3.3: an offset that an outsider cannot guess, per remote socket, and a counter.
std::optional<std::uint16_t> Host::Impl::ephemeral_port(const SocketAddress& remote) {
  const IpAddress& ip = remote.ip.version == IpVersion::v4 ? config.ip4 : config.ip6;
  const auto offset = static_cast<std::uint32_t>(hash_sockets(port_key, {ip, 0}, remote) % kEphemeralPorts);
  for (std::uint32_t attempt = 0; attempt < kEphemeralPorts; ++attempt) {
    const auto port = static_cast<std::uint16_t>(kFirstEphemeral + (offset + next_port_offset) % kEphemeralPorts);
    next_port_offset = static_cast<std::uint16_t>((next_port_offset + 1U) % kEphemeralPorts);
    const SocketPair sockets = pair_of({ip, port}, remote);
    if (listener_on(port) == nullptr && table.find(sockets) == nullptr && half_open.find(sockets) == nullptr &&
        resting.find(sockets) == nullptr && idle.find(sockets) == nullptr)
      return port;
  }
  return std::nullopt;
}

//= rfc9293 3.10.1
//= rfc9293 3.9.1.1 MUST-41
Result<ConnId, CallError> Host::listen(Instant now, std::uint16_t port, std::uint32_t backlog) {
  impl_->advance(now);
  cover(State::closed, call_event(UserCall::open_passive));
  if (port == 0) return CallError::invalid_argument;
  if (impl_->listener_on(port) != nullptr) return CallError::connection_already_exists;
  auto listener = std::make_unique<Listener>();
  listener->id = impl_->next_id();
  listener->port = port;
  listener->backlog = backlog;
  const ConnId id = listener->id;
  impl_->listener_ports.emplace(static_cast<std::int32_t>(id), port);
  impl_->listeners.emplace(port, std::move(listener));
  return id;
}

//= rfc9293 3.10.1 MUST-44 MUST-46
Result<ConnId, CallError> Host::connect(Instant now, std::uint16_t local_port, const SocketAddress& remote,
                                        Bytes first) {
  Impl& host = *impl_;
  host.advance(now);
  if (remote.port == 0 || remote.ip.is_unspecified()) return CallError::remote_socket_unspecified;
  const IpAddress& ip = remote.ip.version == IpVersion::v4 ? host.config.ip4 : host.config.ip6;
  if (remote.ip.is_multicast_or_broadcast() || remote.ip == ip || ip.version != remote.ip.version)
    return CallError::invalid_argument;
  if (local_port == 0) {
    const auto chosen = host.ephemeral_port(remote);
    if (!chosen) return CallError::insufficient_resources;
    local_port = *chosen;
  }
  const SocketPair sockets = host.pair_of({ip, local_port}, remote);
  if (const Connection* const existing = host.find(sockets)) {
    cover(existing->tcb.state(), call_event(UserCall::open_active));
    return CallError::connection_already_exists;
  }
  cover(host.listener_on(local_port) == nullptr ? State::closed : State::listen, call_event(UserCall::open_active));
  const SeqNum iss = host.next_iss(sockets.local, remote);
  Connection& connection = host.create(sockets, false, host.next_id());
  if (host.config.tcp.fast_open) connection.tcb.fast_open = host.fast_open_cache.begin(host.now, remote);
  open_active(connection.tcb, iss, host.now);
  if (!first.empty()) (void)send_call(connection.tcb, host.now, first, {});
  host.after_input(connection);
  return connection.id;
}

Result<ConnId, CallError> Host::accept(ConnId listener_id) {
  Listener* const listener = impl_->find_listener(listener_id);
  if (listener == nullptr) return CallError::connection_does_not_exist;
  if (listener->ready.empty()) return CallError::would_block;
  const ConnId id = listener->ready.front();
  listener->ready.pop_front();
  --listener->waiting;
  Connection* const connection = impl_->find_held(id);
  connection->listener = ConnId::none;
  return id;
}

Result<std::size_t, CallError> Host::send(Instant now, ConnId conn, Bytes data, SendFlags flags) {
  Impl& host = *impl_;
  host.advance(now);
  Connection* const connection = host.find(conn);
  cover(host.state(connection, conn), call_event(UserCall::send));
  // While something is in flight there is no more to it than this: no timer changes, and nothing is to be told.
  if (connection != nullptr && host.config.header_prediction && steady(connection->tcb) &&
      connection->tcb.flight() != 0 && !flags.push && !flags.urgent) {
    const std::size_t octets = connection->tcb.send_queue.append(data);
    if (octets == 0 && !data.empty()) return CallError::insufficient_resources;
    check(*connection);
    if (octets != 0) host.queue_output(*connection);
    return octets;
  }
  if (connection == nullptr) {
    return host.find_listener(conn) == nullptr ? CallError::connection_does_not_exist
                                               : CallError::remote_socket_unspecified;
  }
  if (connection->released) return CallError::connection_closing;
  if (connection->end_reason) return *std::exchange(connection->end_reason, std::nullopt);
  auto taken = send_call(connection->tcb, host.now, data, flags);
  if (taken) host.after_call(*connection);
  return taken;
}

std::size_t Host::send_room(ConnId conn) const {
  const Connection* const connection = impl_->find(conn);
  if (connection == nullptr || connection->released || !takes_text(connection->tcb)) return 0;
  return connection->tcb.send_queue.room();
}

// RECEIVE, whichever way the text is taken.
template <typename Call>
Result<ReceiveResult, CallError> Host::Impl::receive(Instant at, ConnId conn, Call call) {
  advance(at);
  Connection* const connection = find(conn);
  cover(state(connection, conn), call_event(UserCall::receive));
  if (connection == nullptr) {
    // 3.10.3 LISTEN: the request would wait.
    if (find_listener(conn) != nullptr) return ReceiveResult{};
    return CallError::connection_does_not_exist;
  }
  if (connection->end_reason) return *std::exchange(connection->end_reason, std::nullopt);
  auto result = call(connection->tcb);
  if (result && !connection->buried) after_call(*connection);
  return result;
}

Result<ReceiveResult, CallError> Host::receive(Instant now, ConnId conn, MutableBytes buffer) {
  return impl_->receive(now, conn, [&](Tcb& tcb) { return receive_call(tcb, buffer); });
}

Bytes Host::peek(ConnId conn) const {
  const Connection* const connection = impl_->find(conn);
  return connection == nullptr || connection->tcb.reader_gone ? Bytes{} : connection->tcb.receive_queue.front();
}

Result<ReceiveResult, CallError> Host::consume(Instant now, ConnId conn, std::size_t octets) {
  Impl& host = *impl_;
  Connection* const connection = host.find_held(conn);
  if (!host.config.header_prediction || connection == nullptr || !steady(connection->tcb))
    return host.receive(now, conn, [&](Tcb& tcb) { return consume_call(tcb, octets); });
  host.advance(now);
  cover(State::established, call_event(UserCall::receive));
  const ReceiveResult result = consume_next(connection->tcb, octets);
  host.after_steady(*connection);
  return result;
}

void Host::config_changed(Instant now, ConnId conn) {
  Impl& host = *impl_;
  host.advance(now);
  if (Connection* const connection = host.find(conn); connection != nullptr && !connection->buried) {
    connection->tcb.timers.stop(TimerKind::user);
    // RFC 5482 3: "in the next possible outgoing segment whenever it starts using a new user timeout".
    connection->tcb.user_timeout_due = connection->tcb.config().user_timeout_option;
    settle_timers(connection->tcb, host.now);
    host.after_input(*connection);
  }
}

Status<CallError> Host::shutdown(Instant now, ConnId conn) {
  Impl& host = *impl_;
  host.advance(now);
  Connection* const connection = host.find(conn);
  cover(host.state(connection, conn), call_event(UserCall::shutdown));
  if (connection == nullptr) {
    if (host.find_listener(conn) != nullptr) return close(now, conn);
    return CallError::connection_does_not_exist;
  }
  auto done = close_call(connection->tcb, host.now);
  if (done) host.after_input(*connection);
  return done;
}

Status<CallError> Host::close(Instant now, ConnId conn) {
  Impl& host = *impl_;
  host.advance(now);
  Connection* const connection = host.find(conn);
  cover(host.state(connection, conn), call_event(UserCall::close));
  if (connection == nullptr && host.find_listener(conn) != nullptr) return host.close_listener(conn);
  if (connection == nullptr || connection->released) return CallError::connection_does_not_exist;
  connection->released = true;
  if (connection->buried) {
    host.dig_grave(*connection);
    return CallError::connection_does_not_exist;
  }
  if (closes_quietly(connection->tcb)) {
    close_quietly(connection->tcb, host.now);
    host.after_control(*connection);
    return Unit{};
  }
  Effects effects;
  auto done = full_close_call(connection->tcb, host.now, effects);
  host.reply(connection->tcb.local, connection->tcb.remote, effects);
  host.after_input(*connection);
  return done;
}

Status<CallError> Host::abort(Instant now, ConnId conn) {
  Impl& host = *impl_;
  host.advance(now);
  Connection* const connection = host.find(conn);
  cover(host.state(connection, conn), call_event(UserCall::abort));
  if (connection == nullptr && host.find_listener(conn) != nullptr) return host.close_listener(conn);
  if (connection == nullptr) return CallError::connection_does_not_exist;
  const bool was_released = std::exchange(connection->released, true);
  if (connection->buried) {
    if (!was_released) host.dig_grave(*connection);
    return CallError::connection_does_not_exist;
  }
  host.abort(*connection);
  return Unit{};
}

void Host::Impl::abort(Connection& connection) {
  Effects effects;
  (void)abort_call(connection.tcb, effects);
  reply(connection.tcb.local, connection.tcb.remote, effects);
  after_input(connection);
}

//= rfc9293 3.10.4
Status<CallError> Host::Impl::close_listener(ConnId id) {
  const Listener* const listener = find_listener(id);
  // Connections that nobody can accept any more are of no use to the peer either.
  std::vector<HalfOpen*> half;
  half_open.for_each([&](HalfOpen& record) {
    if (record.listener == id) half.push_back(&record);
  });
  for (HalfOpen* const record : half) wake(*record);
  std::vector<ConnId> orphans;
  connections.for_each([&](const Connection& connection) {
    if (connection.listener == id) orphans.push_back(connection.id);
  });
  std::sort(orphans.begin(), orphans.end());
  for (const ConnId orphan : orphans) abort(*find(orphan));
  erase_listener(listener->port);
  listener_ports.erase(static_cast<std::int32_t>(id));
  return Unit{};
}

}  // namespace lastack
