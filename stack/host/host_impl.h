// The host's inside: its tables and queues, and what each input does with them. Split over host.cpp (contract, life of
// connections), receive.cpp (packets in) and calls.cpp (user calls).
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "stack/host/connection.h"
#include "stack/host/connection_table.h"
#include "stack/host/host.h"
#include "stack/host/icmp.h"
#include "stack/host/isn.h"
#include "stack/host/timers_of_host.h"
#include "stack/tcp/effects.h"
#include "stack/tcp/output.h"
#include "stack/wire/segment.h"

namespace lastack {

struct Listener {
  ConnId id = ConnId::none;
  std::uint16_t port = 0;
  std::uint32_t backlog = 0;
  std::uint32_t waiting = 0;  // connections in SYN-RECEIVED or not yet accepted
  std::deque<ConnId> ready;   // to be accepted
  bool noisy = false;
};

// A RST without a TCB.
struct Reply {
  SocketAddress local;
  SocketAddress remote;
  ResetSegment reset;
};

struct Host::Impl {
  Impl(const HostConfig& host_config, Instant start);

  // Life of connections (host.cpp).
  Connection& create(const SocketAddress& local, const SocketAddress& remote, bool passive);
  Connection* find(ConnId id) { return recent != nullptr && recent->id == id ? recent : look_up(id); }
  Connection* look_up(ConnId id);
  Connection* find(const SocketAddress& local, const SocketAddress& remote);
  State state(const Connection* connection, ConnId id) {
    if (connection != nullptr) return connection->buried ? State::closed : connection->tcb.state();
    return find_listener(id) == nullptr ? State::closed : State::listen;
  }
  Listener* find_listener(ConnId id);
  Listener* listener_on(std::uint16_t port);
  void after_input(Connection& connection);
  void bury(Connection& connection);
  void leave_listener(Connection& connection);
  void become_ready(Connection& connection);
  void forget_old_graves();
  void erase(ConnId id);
  void reply(const SocketAddress& local, const SocketAddress& remote, const Effects& effects);
  void advance(Instant to) {
    now = std::max(now, to);
    if (!graves.empty()) forget_old_graves();
  }
  SeqNum next_iss(const SocketAddress& local, const SocketAddress& remote);
  ConnId next_id() { return ConnId{++last_id}; }

  // Packets in (receive.cpp).
  void receive_packet(Bytes packet);
  void segment_for_listener(Listener& listener, const SocketAddress& local, const SocketAddress& remote,
                            const Segment& segment, const Tcb* previous);
  bool reopens_from_time_wait(Connection& connection, const Segment& segment);
  void icmp_arrives(const IpPacket& packet);
  bool ours(const IpAddress& address) const { return address == config.ip4 || address == config.ip6; }

  // Packets out (host.cpp).
  // Writes `outgoing`, which next_segment has filled, as a packet.
  std::size_t write(const Tcb& tcb, MutableBytes out);
  std::size_t write_reply(MutableBytes out);

  // Calls (calls.cpp).
  template <typename Call>
  Result<ReceiveResult, CallError> receive(Instant at, ConnId conn, Call call);
  void abort(Connection& connection);
  Status<CallError> close_listener(ConnId id);
  std::optional<std::uint16_t> ephemeral_port(const SocketAddress& remote);

  HostConfig config;
  Instant now;
  HashKey isn_key;
  HashKey port_key;
  ConnectionTable table;
  // The connection that the last look-up found. Inputs come in runs for one connection: its packet, its output, its
  // events, its user's calls. Both ways to look one up try this one first.
  Connection* recent = nullptr;
  TimerHeap heap;
  TimeWaitList time_wait;
  std::unordered_map<std::int32_t, std::unique_ptr<Connection>> connections;
  std::unordered_map<std::uint16_t, std::unique_ptr<Listener>> listeners;  // by port
  std::unordered_map<std::int32_t, std::uint16_t> listener_ports;          // by handle
  std::deque<SeqNum> iss_queue;
  std::deque<ConnId> output;
  std::deque<Reply> replies;
  std::deque<ConnId> noisy;
  std::deque<std::pair<Instant, ConnId>> graves;  // released and CLOSED, in order of burial
  Disposition last_disposition;
  Outgoing outgoing;  // between next_segment and write
  std::int32_t last_id = 0;
  std::uint16_t next_port_offset = 0;
  std::uint16_t ip_id = 0;
};

}  // namespace lastack
