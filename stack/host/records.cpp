// Connections as small records: half-open ones until their handshake is over, and TIME-WAIT once nobody holds its
// handle. Whatever needs the whole TCB wakes it: a packet, a user call, STATUS.
#include <algorithm>

#include "stack/host/host_impl.h"
#include "stack/tcb/mutation.h"
#include "stack/tcp/control.h"
#include "stack/tcp/output.h"
#include "stack/tcp/timeouts.h"

namespace lastack {

namespace {

constexpr std::size_t kMostFarewells = 4096;

std::size_t list_of(const HalfOpen& record) {
  return std::min<std::size_t>(record.sent == 0 ? 0 : record.sent - 1U, kHalfOpenLists - 1);
}

}  // namespace

Connection* Host::Impl::find_record(const SocketPair& sockets) {
  if (HalfOpen* const record = half_open.find(sockets)) return &wake(*record);
  if (TimeWait* const record = resting.find(sockets)) return &wake(*record);
  if (Idle* const record = idle.find(sockets)) return &wake(*record);
  return nullptr;
}

Connection* Host::Impl::find_record(ConnId id) {
  if (id == ConnId::none || find_listener(id) != nullptr) return nullptr;
  if (HalfOpen* const record = half_open.find(id)) return &wake(*record);
  if (TimeWait* const record = resting.find(id)) return &wake(*record);
  if (Idle* const record = idle.find(id)) return &wake(*record);
  return nullptr;
}

Connection& Host::Impl::wake(HalfOpen& record) {
  Connection& connection = wake_for_input(record);
  after_input(connection);
  return connection;
}

Connection& Host::Impl::wake_for_input(HalfOpen& record) {
  Connection& connection = create(sockets_of(record), true, record.id);
  connection.listener = record.listener;
  Tcb& tcb = connection.tcb;
  config.header_prediction ? replay_quickly(tcb, record) : replay(tcb, record);
  tcb.timers.arm(TimerKind::retransmit, record.deadline);
  half_open.remove(record);
  recent = &connection;
  check(connection);
  return connection;
}

Connection& Host::Impl::wake(TimeWait& record) {
  Connection& connection = create(sockets_of(record), record.passive, record.id);
  connection.released = true;
  restore(connection.tcb, record);
  resting.remove(record);
  recent = &connection;
  after_input(connection);
  return connection;
}

void Host::Impl::want_syn_ack(HalfOpen& record) {
  record.due = true;
  syn_acks.push_back({&record, record.id});
  ++sends_due;
}

// The next SYN,ACK that is due; 0 when there is none.
std::size_t Host::Impl::send_syn_ack(MutableBytes out) {
  while (!syn_acks.empty()) {
    const auto [record, id] = syn_acks.front();
    syn_acks.pop_front();
    --sends_due;
    if (record->id != id || !record->due) continue;
    if (config.header_prediction && kMut == 0 && record->sent == 0 && sends_plain_syns(config.tcp))
      return send_first_syn_ack(*record, out);
    Tcb tcb(config.tcp, local_of(*record), record->remote, config.mtu, true);
    prepare(tcb);
    replay(tcb, *record);
    record->due = false;
    if (!next_segment(tcb, now, outgoing)) continue;
    if (record->sent == 0) half_open.schedule(*record, 0, tcb.timers.earliest());
    if (record->sent != 0xff) ++record->sent;
    return write(tcb, out);
  }
  return 0;
}

std::size_t Host::Impl::send_first_syn_ack(HalfOpen& record, MutableBytes out) {
  const SocketAddress local = local_of(record);
  const std::uint32_t offset = config.tcp.timestamps ? timestamp_offset(local, record.remote) : 0;
  const std::uint32_t clock = config.tcp.timestamps ? timestamp_value(offset, now) : 0;
  record.due = false;
  record.sent = 1;
  half_open.schedule(record, 0, first_deadline(record, config.tcp));
  const std::size_t size = write_syn(out, local, record.remote, first_syn_ack(record, config.tcp),
                                     first_syn_ack_options(record, config.tcp, config.mtu, clock), config.checksums);
  LASTACK_CHECK(size != 0);
  return size;
}

//= rfc9293 3.8.3 MUST-23
//= rfc4987 3.3
void Host::Impl::half_open_timeout(HalfOpen& record) {
  // Nobody has asked for the SYN,ACK that is due: there is nothing to repeat yet.
  if (record.due) return half_open.schedule(record, list_of(record), now + config.tcp.initial_rto);
  Tcb tcb(config.tcp, local_of(record), record.remote, config.mtu, true);
  replay(tcb, record);
  tcb.timers.arm(TimerKind::retransmit, record.deadline);
  run_timeouts(tcb, now);
  if (tcb.state() == State::closed) {
    Connection& connection = wake(record);
    run_timeouts(connection.tcb, now);
    return after_input(connection);
  }
  half_open.schedule(record, list_of(record) + 1 < kHalfOpenLists ? list_of(record) + 1 : kHalfOpenLists - 1,
                     tcb.timers.earliest());
  want_syn_ack(record);
}

void Host::Impl::run_record_timeouts() {
  for (HalfOpen* first = half_open.earliest(); first != nullptr && first->deadline <= now;
       first = half_open.earliest()) {
    half_open_timeout(*first);
  }
  for (TimeWait* first = resting.earliest(); first != nullptr && first->deadline <= now; first = resting.earliest()) {
    if (farewells.size() < kMostFarewells) {
      farewells.push_back({first->id, Event::Kind::closed, 0});
      ++events_due;
    }
    resting.remove(*first);
  }
}

void Host::Impl::rest_in_time_wait(Connection& connection) {
  const Tcb& tcb = connection.tcb;
  if (!connection.released || connection.buried) return;
  if (connection.listener != ConnId::none || !fits_time_wait(tcb)) return;
  TimeWait& record = resting.add(connection.sockets(), connection.id);
  remember(record, tcb);
  resting.schedule(record, 0, tcb.timers.deadline(TimerKind::time_wait));
  ConnectionList::remove(connection);
  table.erase(connection);
  erase(connection);
}

}  // namespace lastack
