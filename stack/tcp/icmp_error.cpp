#include "stack/tcp/icmp_error.h"

#include "stack/tcp/arrival.h"
#include "stack/tcp/path_mtu.h"

namespace lastack {

namespace {

bool aborts(const Tcb& tcb) {
  switch (tcb.config().hard_errors) {
    case HardErrorPolicy::ignore: return false;
    case HardErrorPolicy::before_established: return !kSynchronized.contains(tcb.state());
    case HardErrorPolicy::always: return tcb.state() != State::time_wait;
  }
  return false;
}

}  // namespace

//= rfc9293 3.9.2.2 MUST-56 SHLD-25 SHLD-26
void icmp_error(Tcb& tcb, IcmpKind kind, std::uint16_t mtu, SeqNum seq, Instant now) {
  switch (kind) {
    case IcmpKind::packet_too_big: return packet_too_big(tcb, mtu, seq, now);
    case IcmpKind::hard:
      if (aborts(tcb)) {
        tcb.signal(kSynchronized.contains(tcb.state()) ? Signal::reset : Signal::refused);
        return become_closed(tcb, Cause::icmp_hard_error);
      }
      [[fallthrough]];
    case IcmpKind::soft: tcb.signal(Signal::soft_error); return;
  }
}

}  // namespace lastack
