#include "stack/tcp/path_mtu.h"

#include <algorithm>

#include "stack/tcp/loss_recovery.h"

namespace lastack {

namespace {

// RFC 1191 7.1: the plateaus, for routers that do not name the next hop's MTU.
std::uint16_t next_plateau(std::uint16_t mtu) {
  constexpr std::uint16_t kPlateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
  for (const std::uint16_t plateau : kPlateaus) {
    if (plateau < mtu) return plateau;
  }
  return 68;
}

void lower(Tcb& tcb, std::uint16_t mtu, Instant now) {
  tcb.set_path_mtu(mtu);
  tcb.path_mtu_lowered_at = now;
  tcb.evidence.acked = std::min(tcb.evidence.acked, mtu);
  tcb.evidence.tried = 0;
  tcb.evidence.pending = 0;
}

// What the ACKs since the last look say. SND.UNA is compared now and not with every ACK, which would cost each of them.
void look_at_acknowledgments(Tcb& tcb) {
  PathMtuEvidence& path = tcb.evidence;
  if (path.tried != 0 && at_or_after(tcb.snd.una, path.tried_end)) {
    path.acked = std::max(path.acked, path.tried);
    path.tried = 0;
  }
  if (path.pending != 0 && after(tcb.snd.una, path.pending_seq)) path.pending = 0;
}

}  // namespace

//= rfc1191 3
//= rfc8201 4
//= rfc7323 5.7
//= rfc9293 3.7.2
//= rfc5927 7.2
void packet_too_big(Tcb& tcb, std::uint16_t reported, SeqNum seq, Instant now) {
  const bool v4 = tcb.local.ip.version == IpVersion::v4;
  const std::uint16_t least = v4 ? 68 : 1280;
  const std::uint16_t mtu = std::max(least, reported == 0 ? next_plateau(tcb.path_mtu) : reported);
  if (!tcb.config().path_mtu_discovery || mtu >= tcb.path_mtu) return;
  look_at_acknowledgments(tcb);
  // "Path-MTU Update": larger packets have arrived, so that this one is believed when its segment does not.
  if (mtu < tcb.evidence.acked && tcb.retransmissions < tcb.config().path_mtu_timeouts) {
    tcb.evidence.pending = mtu;
    tcb.evidence.pending_seq = seq;
    tcb.evidence.pending_at = now;
    return;
  }
  lower(tcb, mtu, now);
  // What did not fit is sent again in smaller segments, at once.
  if (tcb.syn_acknowledged()) resend_everything(tcb);
}

void note_packet_size(Tcb& tcb, SeqNum end, std::uint32_t octets) {
  PathMtuEvidence& path = tcb.evidence;
  if (octets <= path.acked && path.tried == 0 && path.pending == 0) return;
  look_at_acknowledgments(tcb);
  if (octets <= std::max(path.acked, path.tried) || octets > tcb.path_mtu) return;
  path.tried = static_cast<std::uint16_t>(octets);
  path.tried_end = end;
}

//= rfc5927 7.2
void believe_pending_report(Tcb& tcb, Instant now) {
  look_at_acknowledgments(tcb);
  const PathMtuEvidence& path = tcb.evidence;
  if (path.pending == 0 || tcb.retransmissions < tcb.config().path_mtu_timeouts) return;
  // After R2 without progress there would be no connection any more: this is of another round of sequence numbers.
  if (now - path.pending_at > tcb.config().r2 || path.pending >= tcb.path_mtu) {
    tcb.evidence.pending = 0;
  } else {
    lower(tcb, path.pending, now);
  }
}

//= rfc1191 6.3
void try_larger_path_mtu(Tcb& tcb, Instant now) {
  const Duration age = tcb.config().path_mtu_age;
  if (age == Duration(0) || now - tcb.path_mtu_lowered_at < age) return;
  tcb.set_path_mtu(tcb.link_mtu);
}

}  // namespace lastack
