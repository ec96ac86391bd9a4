#include "stack/tcp/icmp_error.h"

#include <algorithm>

#include "stack/tcp/arrival.h"
#include "stack/tcp/loss_recovery.h"

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

// RFC 1191 7.1: the plateaus, for routers that do not name the next hop's MTU.
std::uint16_t next_plateau(std::uint16_t mtu) {
  constexpr std::uint16_t kPlateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
  for (const std::uint16_t plateau : kPlateaus) {
    if (plateau < mtu) return plateau;
  }
  return 68;
}

//= rfc1191 3
//= rfc8201 4
//= rfc7323 5.7
//= rfc9293 3.7.2
void lower_path_mtu(Tcb& tcb, std::uint16_t reported, Instant now) {
  const bool v4 = tcb.local.ip.version == IpVersion::v4;
  const std::uint16_t least = v4 ? 68 : 1280;
  const std::uint16_t mtu = std::max(least, reported == 0 ? next_plateau(tcb.path_mtu) : reported);
  if (!tcb.config().path_mtu_discovery || mtu >= tcb.path_mtu) return;
  tcb.set_path_mtu(mtu);
  tcb.path_mtu_lowered_at = now;
  // What did not fit is sent again in smaller segments, at once.
  if (tcb.syn_acknowledged()) resend_everything(tcb);
}

}  // namespace

//= rfc9293 3.9.2.2 MUST-56 SHLD-25 SHLD-26
void icmp_error(Tcb& tcb, IcmpKind kind, std::uint16_t mtu, Instant now) {
  switch (kind) {
    case IcmpKind::packet_too_big: return lower_path_mtu(tcb, mtu, now);
    case IcmpKind::hard:
      if (aborts(tcb)) {
        tcb.signal(kSynchronized.contains(tcb.state()) ? Signal::reset : Signal::refused);
        return become_closed(tcb, Cause::icmp_hard_error);
      }
      [[fallthrough]];
    case IcmpKind::soft: tcb.signal(Signal::soft_error); return;
  }
}

//= rfc1191 6.3
void try_larger_path_mtu(Tcb& tcb, Instant now) {
  const Duration age = tcb.config().path_mtu_age;
  if (age == Duration(0) || now - tcb.path_mtu_lowered_at < age) return;
  tcb.set_path_mtu(tcb.link_mtu);
}

}  // namespace lastack
