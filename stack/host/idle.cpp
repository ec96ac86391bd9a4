// Coming to rest: which connections become records, and when. Whatever needs the TCB wakes it (records.cpp).
#include "stack/host/idle.h"

#include "stack/host/host_impl.h"
#include "stack/tcb/packed_tcb.h"

namespace lastack {

namespace {

constexpr std::size_t kLooksAtOnce = 64;
// How often to look when nothing is to be folded: the choice may change.
constexpr Duration kPace = 1s;
constexpr Duration kLongest = std::chrono::hours(24);

// Nobody has to be told anything, and no queue holds it.
bool may_rest(const Connection& c) {
  return !c.buried && !c.in_output && !c.noisy && !c.fast_open_pending && !c.end_reason && c.listener == ConnId::none &&
         is_at_rest(c.tcb);
}

Instant last_use(const Tcb& tcb) { return std::max(tcb.last_received, tcb.last_sent); }

}  // namespace

PackingContext Host::Impl::packing_context(const SocketAddress& local, const SocketAddress& remote) const {
  return {timestamp_offset(local, remote), config.mtu};
}

// An awake connection is looked at again and again, at most once in Config::rest_after.
void Host::Impl::stay_awake(Connection& connection) {
  awake.append(connection, now);
  if (awake.oldest() == &connection) look_at = now + rest_pace();
}

Duration Host::Impl::rest_pace() const {
  const Duration after = config.tcp.rest_after;
  return after == Duration(0) ? kPace : std::min<Duration>(after, kLongest);
}

void Host::Impl::let_rest() {
  bool folded = false;
  for (std::size_t looks = 0; looks < kLooksAtOnce; ++looks) {
    Connection* const oldest = awake.oldest();
    if (oldest == nullptr || now - oldest->looked_at < rest_pace()) break;
    const Duration after = config.tcp.rest_after;
    if (after != Duration(0) && now - last_use(oldest->tcb) >= after && may_rest(*oldest)) {
      fold(*oldest);
      folded = true;
    } else {
      awake.append(*oldest, now);
    }
  }
  look_at = awake.oldest() == nullptr ? kNever : awake.oldest()->looked_at + rest_pace();
  if (folded) shrink();
}

void Host::Impl::fold(Connection& connection) {
  Tcb& tcb = connection.tcb;
  const PackingContext context = packing_context(tcb.local, tcb.remote);
  Packer packer;
  pack(tcb, packer, context);
#if defined(LASTACK_INVARIANTS)
  Tcb again(config.tcp, tcb.local, tcb.remote, config.mtu, tcb.passive);
  unpack(again, packer.octets(), context);
  LASTACK_CHECK(same_at_rest(tcb, again));
#endif
  Idle& record =
      idle.add(connection.sockets(), connection.id, packer.octets(), tcb.timers.deadline(TimerKind::keepalive));
  record.state = tcb.state();
  record.released = connection.released;
  record.icmp = connection.icmp;
  heap.remove(connection);
  ConnectionList::remove(connection);
  table.erase(connection);
  erase(connection);
}

Connection& Host::Impl::wake(Idle& record) {
  const SocketPair sockets = sockets_of(record);
  Connection& connection = create(sockets, false, record.id);
  connection.released = record.released;
  connection.icmp = record.icmp;
  unpack(connection.tcb, record.packed(), packing_context(sockets.local, sockets.remote));
  idle.remove(record, connection.tcb.timers.deadline(TimerKind::keepalive));
  check(connection);
  heap.update(connection);
  recent = &connection;
  return connection;
}

// What many connections needed when they were awake.
void Host::Impl::shrink() {
  table.shrink();
  heap.shrink();
  connections.shrink();
}

std::size_t Host::compact(Instant now) {
  Impl& host = *impl_;
  host.advance(now);
  std::size_t folded = 0;
  for (Connection* next = host.awake.oldest(); next != nullptr;) {
    Connection& connection = *std::exchange(next, host.awake.younger(*next));
    if (!may_rest(connection)) continue;
    host.fold(connection);
    ++folded;
  }
  host.shrink();
  return folded;
}

}  // namespace lastack
