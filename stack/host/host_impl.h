// The host's inside: its tables and queues, and what each input does with them. Split over host.cpp (contract, life of
// connections), receive.cpp (packets in), passive_open.cpp (listeners), records.cpp and idle.cpp (connections as small
// records) and calls.cpp (user calls).
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "stack/base/check.h"
#include "stack/base/fifo.h"
#include "stack/host/chained_table.h"
#include "stack/host/connection.h"
#include "stack/host/connection_store.h"
#include "stack/host/due_queue.h"
#include "stack/host/fast_open.h"
#include "stack/host/half_open.h"
#include "stack/host/host.h"
#include "stack/host/icmp.h"
#include "stack/host/idle.h"
#include "stack/host/isn.h"
#include "stack/host/time_wait.h"
#include "stack/host/timers_of_host.h"
#include "stack/tcb/packed_tcb.h"
#include "stack/tcp/effects.h"
#include "stack/tcp/expected.h"
#include "stack/tcp/output.h"
#include "stack/tcp/steady.h"
#include "stack/wire/plain.h"
#include "stack/wire/segment.h"
#include "stack/wire/syn.h"

namespace lastack {

struct Listener {
  ConnId id = ConnId::none;
  std::uint16_t port = 0;
  std::uint32_t backlog = 0;
  std::uint32_t waiting = 0;  // connections in SYN-RECEIVED or not yet accepted
  std::deque<ConnId> ready;   // to be accepted
  bool noisy = false;
  Instant cookies_until{};  // the last SYN cookie may come back until then
};

// A segment without a TCB: a RST, or a SYN,ACK with a cookie.
struct Reply {
  SocketAddress local;
  SocketAddress remote;
  Segment segment;
};

struct Host::Impl {
  Impl(const HostConfig& host_config, Instant start);

  // Life of connections (host.cpp).
  SocketPair pair_of(const SocketAddress& local, const SocketAddress& remote) const {
    return {table_key, local, remote};
  }
  Connection& create(const SocketPair& sockets, bool passive, ConnId id);
  // What the host gives every new TCB.
  void prepare(Tcb& tcb) const;
  // RFC 7323 5.4: timestamps of different connections start at different values.
  //= rfc7323 7
  std::uint32_t timestamp_offset(const SocketAddress& local, const SocketAddress& remote) const {
    return static_cast<std::uint32_t>(hash_sockets(port_key, local, remote) >> 32);
  }
  // For the user's calls: wakes what is only a record.
  Connection* find(ConnId id) {
    Connection* const held = find_held(id);
    return held != nullptr ? held : find_record(id);
  }
  Connection* find_held(ConnId id) { return recent != nullptr && recent->id == id ? recent : look_up(id); }
  Connection* look_up(ConnId id);
  // Whose turn it is; null when it is gone, or a listener.
  Connection* first_of(DueQueue& queue) {
    Connection* const first = queue.first();
    return first != nullptr ? first : find_held(queue.first_id());
  }
  // Of those that are not buried: what a packet can be for.
  Connection* find(const SocketPair& sockets) {
    Connection* const found = look_up(sockets);
    return found != nullptr ? found : find_record(sockets);
  }
  // Not of those that are only a record. Where it is not the recent one, incoming_sockets says for whom the packet is.
  template <typename Packet>
  Connection* find_awake(const Packet& packet);
  Connection* look_up(const SocketPair& sockets);
  State state(const Connection* connection, ConnId id) {
    if (connection != nullptr) return connection->buried ? State::closed : connection->tcb.state();
    return find_listener(id) == nullptr ? State::closed : State::listen;
  }
  Listener* find_listener(ConnId id);
  Listener* listener_on(std::uint16_t port);
  void erase_listener(std::uint16_t port);
  // After every input that touched the connection: its place in the queues follows from its variables.
  [[gnu::noinline]] void after_input(Connection& connection) {
    connection.tcb.flow = Flow::unknown;
    after_control(connection);
  }
  // The same after what keeps Tcb::flow true by itself (tcp/control.h).
  [[gnu::noinline]] void after_control(Connection& connection) {
    constexpr StateSet kEnding{State::closed, State::listen, State::time_wait};
    check(connection);
    tell(connection);
    if (kEnding.contains(connection.tcb.state())) return after_end(connection);
    heap.update(connection);
    if (connection.listener != ConnId::none || connection.fast_open_pending) after_opening(connection);
    want_output(connection);
  }
  [[gnu::noinline]] void after_end(Connection& connection);
  [[gnu::noinline]] void after_opening(Connection& connection);
  // The same after a SEND or RECEIVE, which tell nothing and end nothing.
  void after_call(Connection& connection) {
    if (connection.tcb.state() != State::established) return after_input(connection);
    check(connection);
    connection.tcb.flow = Flow::unknown;
    heap.update(connection);
    want_output(connection);
  }
  // And after an input that left a steady connection steady (tcp/steady.h).
  [[gnu::always_inline]] void after_steady(Connection& connection) {
    check(connection);
    tell(connection);
    heap.update(connection);
    if (!has_nothing_to_send(connection.tcb)) queue_output(connection);
  }
  void queue_output(Connection& connection) {
    if (connection.in_output) return;
    connection.in_output = true;
    output.push(connection);
    ++sends_due;
  }
  void tell(Connection& connection) {
    if (connection.tcb.signals == 0 || connection.noisy) return;
    connection.noisy = true;
    noisy.push(connection);
    ++events_due;
  }
  void want_output(Connection& connection) {
    if (!connection.in_output && !nothing_to_send(connection.tcb)) queue_output(connection);
  }
  [[gnu::noinline]] void bury(Connection& connection);
  void leave_listener(Connection& connection);
  void become_ready(Connection& connection);
  void clear_graves();
  void erase(Connection& connection);
  void reply(const SocketAddress& local, const SocketAddress& remote, const Effects& effects);
  void reply(const SocketAddress& local, const SocketAddress& remote, const Segment& segment);
  void advance(Instant to) {
    if (to > now) now = to;
    if (unsettled != 0) [[unlikely]]
      settle();
  }
  // What came before an input: a TextReader must not make one, and the dead are buried.
  [[gnu::noinline]] void settle();
  void dig_grave(Connection& connection) {
    graves.push_back(&connection);
    unsettled |= kGraves;
  }
  SeqNum next_iss(const SocketAddress& local, const SocketAddress& remote);
  ConnId next_id() { return ConnId{++last_id}; }

  // Packets in (receive.cpp).
  // `reader`: who takes its text, or null.
  void receive_packet(Bytes packet, TextReader* reader);
  // Whether text that arrives next can be shown where it lies.
  static bool reads_in_place(const Connection& connection) {
    return connection.tcb.receive_queue.unread() == 0 && connection.listener == ConnId::none;
  }
  // How much of it the reader has taken.
  std::uint32_t show(TextReader& reader, const Connection& connection, Bytes text);
  // Shows what the packet left in the queue of the connection that it was for.
  void show_unread(TextReader* reader) {
    if (reader != nullptr && recent != nullptr) show_queue(*reader, *recent);
  }
  [[gnu::noinline]] void show_queue(TextReader& reader, Connection& connection);
  // Of a common segment without text; false when the connection is not waiting for it.
  bool receive_control(Connection& connection, const CommonSegment& segment);
  // `common` by value: what has an address does not stay in registers.
  [[gnu::noinline]] void receive_common(Connection* connection, CommonSegment common);
  Connection* wake_half_open();
  [[gnu::noinline]] void receive_syn(SynSegment syn);
  [[gnu::noinline]] void receive_other_packet(Bytes packet);
  template <typename Packet>
  void receive_segment(Connection* connection, const Packet& packet, const Segment& segment);
  void receive_any_packet(Bytes packet);
  void segment_for_connection(Connection& connection, const Segment& segment, std::uint8_t ecn);
  // No connection is awake for it: it is for one that is only a record, for a listener, or for nobody.
  void segment_for_others(const SocketPair& sockets, const Segment& segment, std::uint8_t ecn);
  void client_hears_of_fast_open(Connection& connection, const Segment& segment);
  bool reopens_from_time_wait(Connection& connection, const Segment& segment);
  void icmp_arrives(const IpPacket& packet);
  bool ours(const IpAddress& address) const { return address == config.ip4 || address == config.ip6; }

  // Listeners (passive_open.cpp).
  void segment_for_listener(Listener& listener, const SocketPair& sockets, const Segment& segment, const Tcb* previous);
  void begin_half_open(Listener& listener, const SocketPair& sockets, const Segment& syn, SeqNum iss);
  void open_at_once(Listener& listener, const SocketPair& sockets, const Segment& syn, SeqNum iss);
  void answer_with_cookie(Listener& listener, const SocketPair& sockets, const Segment& syn);
  bool fast_open_has_room();
  bool opens_by_cookie(Listener& listener, const SocketPair& sockets, const Segment& ack);

  // Small records (records.cpp).
  SocketAddress local_of(const Record& record) const {
    return {record.remote.ip.version == IpVersion::v4 ? config.ip4 : config.ip6, record.local_port};
  }
  SocketPair sockets_of(const Record& record) const { return {local_of(record), record.remote, record.hash}; }
  Connection* find_record(const SocketPair& sockets);
  Connection* find_record(ConnId id);
  Connection& wake(HalfOpen& record);
  // The same without after_input, which follows the input.
  Connection& wake_for_input(HalfOpen& record);
  Connection& wake(TimeWait& record);
  void want_syn_ack(HalfOpen& record);
  std::size_t send_syn_ack(MutableBytes out);
  std::size_t send_first_syn_ack(HalfOpen& record, MutableBytes out);
  void half_open_timeout(HalfOpen& record);
  // Called when there is nothing to send and nothing to tell.
  void rest_if_in_time_wait(Connection& connection) {
    if (connection.tcb.state() == State::time_wait && !connection.noisy && !connection.in_output)
      rest_in_time_wait(connection);
  }
  void rest_in_time_wait(Connection& connection);
  void run_record_timeouts();

  // Connections at rest (idle.cpp).
  Connection& wake(Idle& record);
  void stay_awake(Connection& connection);
  Duration rest_pace() const;
  void let_rest();
  void fold(Connection& connection);
  void shrink();
  PackingContext packing_context(const SocketAddress& local, const SocketAddress& remote) const;

  // Packets out (host.cpp).
  bool has_output(Instant at) const {
    check_counts();
    return sends_due != 0 || at >= look_at;
  }
  // Writes `outgoing`, which next_segment has filled, as a packet.
  std::size_t write(const Tcb& tcb, MutableBytes out);
  [[gnu::noinline]] std::size_t next_packet(MutableBytes out);
  // The next packet of this connection.
  Written transmit(Tcb& tcb, MutableBytes out);
  // By one of the short ways, if it is one of theirs; as write_expected tells it.
  Written transmit_shortly(Tcb& tcb, MutableBytes out);
  [[gnu::noinline]] std::optional<Event> next_event();
  // The first connection in noisy has told everything.
  void all_told(Connection& connection);
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
  std::uint64_t table_key;  // of SocketPair
  ConnectionTable table;
  // The connection that the last look-up found. Inputs come in runs for one connection: its packet, its output, its
  // events, its user's calls. Both ways to look one up try this one first.
  Connection* recent = nullptr;
  TimerHeap heap;
  TimeWaitList time_wait;
  ConnectionStore connections;
  std::unordered_map<std::uint16_t, std::unique_ptr<Listener>> listeners;  // by port
  std::unordered_map<std::int32_t, std::uint16_t> listener_ports;          // by handle
  Listener* recent_listener = nullptr;                                     // that was last looked up
  Fifo<SeqNum> iss_queue;
  DueQueue output;
  Fifo<Reply> replies;
  DueQueue noisy;
  // How many stand in output, replies and syn_acks, and in noisy and farewells: what callers ask all the time.
  std::size_t sends_due = 0;
  std::size_t events_due = 0;
  void check_counts() const {
#if defined(LASTACK_INVARIANTS)
    LASTACK_CHECK(sends_due == output.size() + replies.size() + syn_acks.size());
    LASTACK_CHECK(events_due == noisy.size() + farewells.size());
#endif
  }
  Fifo<Connection*> graves;  // released and CLOSED: gone when their last event is told
  // Bits of one number, so that each input asks for both at once.
  static constexpr std::uint32_t kReading = 1;  // a TextReader is being asked
  static constexpr std::uint32_t kGraves = 2;
  std::uint32_t unsettled = 0;
  HalfOpenTable half_open;
  Fifo<std::pair<HalfOpen*, ConnId>> syn_acks;  // records that are due; one that is gone has another id
  TimeWaitTable resting;
  IdleTable idle;
  AwakeList awake;
  Instant look_at = kNever;  // at the oldest of them
  Fifo<Event> farewells;     // of connections that ended as records
  HashKey cookie_key;
  HashKey fast_open_key;
  FastOpenCache fast_open_cache;
  std::uint32_t fast_open_pending = 0;
  Fifo<Instant> fast_open_resets;  // until when those count that a RST has ended
  Disposition last_disposition;
  PlainPacket incoming;         // during receive_packet
  Segment incoming_common;      // the same, of a common segment
  Segment incoming_syn;         // the same, of a SYN that wire/syn.h reads
  SocketPair incoming_sockets;  // the same, where it is not for the recent connection
  Outgoing outgoing;            // between next_segment and write
  std::int32_t last_id = 0;
  std::uint16_t next_port_offset = 0;
  std::uint16_t ip_id = 0;
};

}  // namespace lastack
