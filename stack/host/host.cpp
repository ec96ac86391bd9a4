// The contract's outputs, and the life of a connection from its creation to its grave.
#include "stack/host/host.h"

#include <algorithm>
#include <bit>

#include "stack/base/check.h"
#include "stack/host/host_impl.h"
#include "stack/tcp/control.h"
#include "stack/tcp/expected.h"
#include "stack/tcp/segment_arrives.h"
#include "stack/tcp/timeouts.h"

namespace lastack {

namespace {

constexpr std::size_t kMostReplies = 256;
constexpr std::size_t kMostGraves = 4096;

//= rfc9293 3.6 MUST-12
std::optional<CallError> end_reason(std::uint16_t signals) {
  const auto has = [&](Signal s) { return (signals & static_cast<std::uint16_t>(s)) != 0; };
  if (has(Signal::refused)) return CallError::connection_refused;
  if (has(Signal::reset)) return CallError::connection_reset;
  if (has(Signal::timed_out)) return CallError::user_timeout;
  return std::nullopt;
}

// In the order of Signal's bits.
constexpr Event::Kind kEventOfSignal[] = {
    Event::Kind::connected,   Event::Kind::urgent,     Event::Kind::readable, Event::Kind::writable,
    Event::Kind::peer_closed, Event::Kind::soft_error, Event::Kind::refused,  Event::Kind::reset,
    Event::Kind::timed_out,   Event::Kind::closed,
};

// Takes the first of the signals that the connection has not told yet.
Event take_signal(Connection& connection) {
  std::uint16_t& signals = connection.tcb.signals;
  const Event::Kind kind = kEventOfSignal[std::countr_zero(signals)];
  signals = static_cast<std::uint16_t>(signals & (signals - 1U));
  return Event{connection.id, kind, kind == Event::Kind::soft_error ? connection.icmp : 0U};
}

}  // namespace

Host::Impl::Impl(const HostConfig& host_config, Instant start)
    : config(host_config),
      now(start),
      isn_key(expand_seed(host_config.seed)),
      port_key(expand_seed(host_config.seed ^ 0x706f'7274U)),
      table_key(expand_seed(host_config.seed ^ 0x7461'626cU).k0),
      cookie_key(expand_seed(host_config.seed ^ 0x636f'6f6bU)),
      fast_open_key(expand_seed(host_config.seed ^ 0x6661'7374U)) {}

Connection* Host::Impl::look_up(ConnId id) {
  Connection* const found = connections.find(id);
  if (found != nullptr) recent = found;
  return found;
}

Connection* Host::Impl::look_up(const SocketPair& sockets) {
  Connection* const found = table.find(sockets);
  if (found != nullptr) recent = found;
  return found;
}

void Host::Impl::erase(Connection& connection) {
  if (recent == &connection) recent = nullptr;
  if (output.forget(connection)) --sends_due;
  if (noisy.forget(connection)) --events_due;
  connections.erase(connection);
}

Listener* Host::Impl::find_listener(ConnId id) {
  if (recent_listener != nullptr && recent_listener->id == id) return recent_listener;
  const auto it = listener_ports.find(static_cast<std::int32_t>(id));
  return it == listener_ports.end() ? nullptr : listener_on(it->second);
}

Listener* Host::Impl::listener_on(std::uint16_t port) {
  if (recent_listener != nullptr && recent_listener->port == port) return recent_listener;
  const auto it = listeners.find(port);
  if (it == listeners.end()) return nullptr;
  recent_listener = it->second.get();
  return recent_listener;
}

void Host::Impl::erase_listener(std::uint16_t port) {
  recent_listener = nullptr;
  listeners.erase(port);
}

SeqNum Host::Impl::next_iss(const SocketAddress& local, const SocketAddress& remote) {
  if (iss_queue.empty()) return initial_sequence_number(isn_key, now, local, remote);
  const SeqNum iss = iss_queue.front();
  iss_queue.pop_front();
  return iss;
}

void Host::Impl::prepare(Tcb& tcb) const {
  if (config.tcp.timestamps) tcb.ts.offset = timestamp_offset(tcb.local, tcb.remote);
}

Connection& Host::Impl::create(const SocketPair& sockets, bool passive, ConnId id) {
  Connection& created = connections.emplace(id, sockets, config.tcp, config.mtu, passive);
  prepare(created.tcb);
  table.insert(created);
  stay_awake(created);
  return created;
}

// It is in TIME-WAIT, or gone.
void Host::Impl::after_end(Connection& connection) {
  if (connection.tcb.state() != State::time_wait) {
    connection.tcb.flow = Flow::unknown;
    return bury(connection);
  }
  heap.remove(connection);
  time_wait.update(connection);
  after_opening(connection);
  // The turn for output comes in any case: after it the connection may rest.
  queue_output(connection);
}

// It was not yet accepted, or counted as a pending Fast Open.
void Host::Impl::after_opening(Connection& connection) {
  if ((connection.tcb.signals & static_cast<std::uint16_t>(Signal::connected)) != 0) become_ready(connection);
  if (connection.fast_open_pending && connection.tcb.state() != State::syn_received) {
    connection.fast_open_pending = false;
    --fast_open_pending;
  }
}

void Host::Impl::become_ready(Connection& connection) {
  if (connection.listener == ConnId::none || connection.ready) return;
  Listener* const listener = find_listener(connection.listener);
  if (listener == nullptr) return;
  connection.ready = true;
  listener->ready.push_back(connection.id);
  if (!listener->noisy) {
    listener->noisy = true;
    noisy.push(listener->id);
    ++events_due;
  }
}

void Host::Impl::leave_listener(Connection& connection) {
  if (connection.listener == ConnId::none) return;
  Listener* const listener = find_listener(connection.listener);
  if (listener != nullptr) {
    --listener->waiting;
    if (connection.ready) std::erase(listener->ready, connection.id);
  }
  connection.listener = ConnId::none;
}

// The connection is gone; its variables stay for STATUS until the application gives the handle back, and 2MSL longer.
void Host::Impl::bury(Connection& connection) {
  if (!connection.buried) {
    connection.buried = true;
    heap.remove(connection);
    ConnectionList::remove(connection);
    table.erase(connection);
    const Tcb& tcb = connection.tcb;
    if (std::exchange(connection.fast_open_pending, false)) {
      //= rfc7413 5.1
      // The RST of a host whose address was forged must not make room for the next forged SYN.
      if (tcb.closed_by == Cause::rst) {
        fast_open_resets.push_back(now + config.tcp.fast_open_reset_hold);
      } else {
        --fast_open_pending;
      }
    }
    // RFC 7413 4.1.3.1: no answer at all is a negative answer, too.
    if (tcb.fast_open && !tcb.passive && tcb.closed_by != Cause::close_call && tcb.closed_by != Cause::abort_call)
      fast_open_cache.refuse(now + tcb.config().fast_open_retry, tcb.remote);
    connection.end_reason = end_reason(tcb.signals);
    // What no application has ever seen, no application gives back.
    if (connection.listener != ConnId::none) connection.released = true;
    leave_listener(connection);
    if (connection.released) dig_grave(connection);
  }
}

void Host::Impl::settle() {
  const bool reading = (unsettled & kReading) != 0;
  LASTACK_CHECK(!reading);  // a TextReader has called the host
  clear_graves();
  unsettled = graves.empty() ? 0 : kGraves;
}

// A handle that was given back answers CLOSED without a connection behind it; only its events are still to be told.
void Host::Impl::clear_graves() {
  while (!graves.empty()) {
    Connection& first = *graves.front();
    if (first.tcb.signals != 0 && graves.size() <= kMostGraves) return;
    erase(first);
    graves.pop_front();
  }
}

void Host::Impl::reply(const SocketAddress& local, const SocketAddress& remote, const Effects& effects) {
  if (!effects.reset) return;
  Segment segment;
  segment.seq = effects.reset->seq;
  segment.flags = kRst;
  if (effects.reset->has_ack) {
    segment.flags = segment.flags | kAck;
    segment.ack = effects.reset->ack;
  }
  if (config.tcp.timestamps) segment.options.timestamps = effects.reset->timestamps;
  reply(local, remote, segment);
}

void Host::Impl::reply(const SocketAddress& local, const SocketAddress& remote, const Segment& segment) {
  if (replies.size() >= kMostReplies) return;
  replies.push_back({local, remote, segment});
  ++sends_due;
  replies.back().segment.src_port = local.port;
  replies.back().segment.dst_port = remote.port;
}

Written Host::Impl::transmit_shortly(Tcb& tcb, MutableBytes out) {
  if (tcb.flow != Flow::steady && tcb.send_queue.size() == 0) {
    if (tcb.snd.syn_due) return sends_first_syn(tcb) ? write_first_syn(tcb, now, out, config.checksums) : Written{};
    // Whether one without text is steady, its next arrival finds out.
    if (quiet(tcb)) return write_control(tcb, now, out, config.checksums);
  }
  if (steady(tcb)) {
    const Written written = write_next(tcb, now, out, config.checksums);
    if (written.size != 0 || written.was_last) return written;
  }
  return write_expected(tcb, now, out, config.checksums);
}

Written Host::Impl::transmit(Tcb& tcb, MutableBytes out) {
  if (config.header_prediction) {
    const Written written = transmit_shortly(tcb, out);
    if (written.size != 0 || written.was_last) return written;
  }
  if (nothing_to_send(tcb) || !next_segment(tcb, now, outgoing)) return {0, true};
  const std::size_t size = write(tcb, out);
  tcb.flow = Flow::unknown;
  return {size, nothing_to_send(tcb)};
}

//= rfc9293 3.9.2 MUST-45 MUST-48 MUST-49 SHLD-22
std::size_t Host::Impl::write(const Tcb& tcb, MutableBytes out) {
  const Config& choices = tcb.config();
  const Segment& segment = outgoing.segment;
  PlainHeaders headers{tcb.local, tcb.remote, segment.seq, segment.ack, segment.flags, segment.wnd};
  headers.urg = segment.urg;
  headers.options = &segment.options;
  headers.hop_limit = choices.hop_limit;
  headers.dscp_ecn = static_cast<std::uint8_t>((choices.dscp << 2) | outgoing.ecn);
  headers.dont_fragment = choices.path_mtu_discovery;
  // RFC 6864 4.1: an atomic datagram needs no identification.
  if (!headers.dont_fragment) headers.id = ip_id = static_cast<std::uint16_t>((ip_id + 1U) & 0xffffU);
  const TextPieces text = tcb.send_queue.pieces(outgoing.text_offset, outgoing.text_size);
  const std::size_t size = write_plain(out, headers, text, config.checksums);
  LASTACK_CHECK(size != 0);
  return size;
}

std::size_t Host::Impl::write_reply(MutableBytes out) {
  const Reply next = replies.front();
  replies.pop_front();
  --sends_due;
  IpHeader ip;
  ip.src = next.local.ip;
  ip.dst = next.remote.ip;
  ip.hop_limit = config.tcp.hop_limit;
  return write_packet(out, ip, next.segment, tcp_header_size(next.segment), config.checksums);
}

Host::Host(const HostConfig& config, Instant now) : impl_(std::make_unique<Impl>(config, now)) {}
Host::~Host() = default;

void Host::on_packet(Instant now, Bytes packet) {
  impl_->advance(now);
  impl_->receive_packet(packet, nullptr);
}

void Host::on_packet(Instant now, Bytes packet, TextReader& reader) {
  impl_->advance(now);
  impl_->receive_packet(packet, &reader);
}

void Host::on_timeout(Instant now) {
  Impl& host = *impl_;
  host.advance(now);
  // First, so that they stand in their order among the others.
  for (Idle* due = host.idle.earliest(); due != nullptr && host.idle.next_deadline() <= host.now;
       due = host.idle.earliest()) {
    host.wake(*due);
  }
  for (Connection* oldest = host.time_wait.oldest(); oldest != nullptr && host.time_wait.earliest() <= host.now;
       oldest = host.time_wait.oldest()) {
    run_timeouts(oldest->tcb, host.now);
    host.after_input(*oldest);
  }
  for (Connection* first = host.heap.top(); first != nullptr && host.heap.earliest() <= host.now;
       first = host.heap.top()) {
    run_timeouts(first->tcb, host.now);
    host.after_input(*first);
  }
  host.run_record_timeouts();
}

// Half of these calls, and of the next function's, find nothing.
std::size_t Host::poll_transmit(Instant now, MutableBytes out) {
  Impl& host = *impl_;
  host.advance(now);
  return host.has_output(host.now) ? host.next_packet(out) : 0;
}

bool Host::has_output(Instant now) const { return impl_->has_output(std::max(now, impl_->now)); }

std::size_t Host::Impl::next_packet(MutableBytes out) {
  if (!replies.empty()) return write_reply(out);
  if (!syn_acks.empty()) {
    if (const std::size_t size = send_syn_ack(out)) return size;
  }
  while (!output.empty()) {
    Connection* const connection = first_of(output);
    const Written written = connection == nullptr ? Written{0, true} : transmit(connection->tcb, out);
    if (written.was_last) {
      output.pop();
      --sends_due;
      if (connection == nullptr) continue;
      connection->in_output = false;
    }
    if (written.size != 0) {
      check(*connection);
      if (connection->tcb.state() != State::time_wait) heap.update(*connection);
    }
    if (written.was_last) rest_if_in_time_wait(*connection);
    if (written.size != 0) return written.size;
  }
  if (now >= look_at) let_rest();
  return 0;
}

//= rfc9293 3.9.1.8 MUST-47 U-01
std::optional<Event> Host::poll_event() {
  Impl& host = *impl_;
  host.check_counts();
  return host.events_due == 0 ? std::nullopt : host.next_event();
}

void Host::Impl::all_told(Connection& connection) {
  noisy.pop();
  --events_due;
  connection.noisy = false;
  rest_if_in_time_wait(connection);
}

std::optional<Event> Host::Impl::next_event() {
  std::optional<Event> event;
  if (!farewells.empty()) {
    event = farewells.front();
    farewells.pop_front();
    --events_due;
    return event;
  }
  while (!noisy.empty()) {
    Connection* const connection = first_of(noisy);
    if (connection == nullptr) {
      const ConnId id = noisy.first_id();
      noisy.pop();
      --events_due;
      Listener* const listener = find_listener(id);
      if (listener == nullptr) continue;
      listener->noisy = false;
      event = {id, Event::Kind::acceptable, 0};
      return event;
    }
    if (connection->tcb.signals == 0) {  // told by another way
      all_told(*connection);
      continue;
    }
    event = take_signal(*connection);
    if (connection->tcb.signals == 0) all_told(*connection);
    return event;
  }
  return event;
}

std::optional<Instant> Host::next_timeout() const {
  impl_->heap.top();  // makes earliest() exact; nothing else looks at it
  const Instant next = std::min({impl_->heap.earliest(), impl_->time_wait.earliest(), impl_->half_open.next_deadline(),
                                 impl_->resting.next_deadline(), impl_->idle.next_deadline()});
  return next == kNever ? std::nullopt : std::optional(next);
}

void Host::set_next_iss(SeqNum iss) { impl_->iss_queue.push_back(iss); }

std::optional<ConnId> Host::find(std::uint16_t local_port, const SocketAddress& remote) const {
  const IpAddress& ip = remote.ip.version == IpVersion::v4 ? impl_->config.ip4 : impl_->config.ip6;
  const SocketPair sockets = impl_->pair_of({ip, local_port}, remote);
  if (const Connection* const connection = impl_->table.find(sockets)) return connection->id;
  if (const HalfOpen* const record = impl_->half_open.find(sockets)) return record->id;
  if (const TimeWait* const record = impl_->resting.find(sockets)) return record->id;
  if (const Idle* const record = impl_->idle.find(sockets)) return record->id;
  return std::nullopt;
}

SocketAddress Host::remote(ConnId conn) const {
  const Connection* const connection = impl_->find(conn);
  return connection == nullptr ? SocketAddress{} : connection->tcb.remote;
}

//= rfc9293 3.10.6
State Host::state(ConnId conn) const {
  if (const Connection* const held = impl_->find_held(conn)) return impl_->state(held, conn);
  if (const Idle* const record = impl_->idle.find(conn)) return record->state;
  return impl_->state(impl_->find_record(conn), conn);
}

const Tcb* Host::tcb(ConnId conn) const {
  const Connection* const connection = impl_->find(conn);
  return connection == nullptr ? nullptr : &connection->tcb;
}

Config* Host::config(ConnId conn) {
  Connection* const connection = impl_->find(conn);
  return connection == nullptr ? nullptr : &connection->tcb.change_config();
}

Config& Host::defaults() { return impl_->config.tcp; }

const Disposition& Host::last_disposition() const { return impl_->last_disposition; }

std::size_t Host::memory() const {
  std::size_t octets = sizeof(Impl) + impl_->table.memory() + impl_->heap.memory() + impl_->replies.memory() +
                       impl_->half_open.memory() + impl_->resting.memory() + impl_->idle.memory() +
                       impl_->fast_open_cache.memory() + impl_->syn_acks.memory() + impl_->farewells.memory() +
                       impl_->connections.memory();
  impl_->connections.for_each(
      [&](const Connection& connection) { octets += sizeof(Connection) - sizeof(Tcb) + connection.tcb.memory(); });
  return octets;
}

std::size_t Host::connections() const {
  return impl_->table.size() + impl_->half_open.size() + impl_->resting.size() + impl_->idle.size();
}

std::size_t Host::tcbs() const { return impl_->table.size(); }

bool Host::issued(ConnId conn) const {
  const auto number = static_cast<std::int32_t>(conn);
  return number > 0 && number <= impl_->last_id;
}

}  // namespace lastack
