// Header prediction, both ways: the segments that nearly all of a connection consists of once it is established, with
// nothing else going on. Arriving, that is text or the FIN at RCV.NXT, or the ACK of something new, our SYN and FIN
// included; leaving, a full segment of new text, a FIN or an ACK alone.
//
// Each function must leave the TCB exactly as the whole procedure would (segment_arrives, next_segment), and write the
// same octets: they are the same steps without those that have nothing to do here. test/expected_test.cpp runs the
// same traffic both ways.
#pragma once

#include <cstddef>

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"
#include "stack/tcp/disposition.h"
#include "stack/tcp/output.h"
#include "stack/wire/ip.h"
#include "stack/wire/segment.h"

namespace lastack {

// Of a common segment (wire/common.h).
bool is_expected(const Tcb& tcb, const Segment& segment, Instant now);
Disposition take_expected(Tcb& tcb, const Segment& segment, Instant now);

// The answer to our SYN, when it is a SYN,ACK and nothing else.
bool is_expected_syn_ack(const Tcb& tcb, const Segment& segment);
Disposition take_expected_syn_ack(Tcb& tcb, const Segment& segment, Instant now);

struct Written {
  std::size_t size = 0;   // octets of the packet; 0: there is nothing to send, or only next_segment can tell
  bool was_last = false;  // nothing more is to be sent before the next input
};
// Nothing but new text, a FIN or an ACK could be sent now, without any option but the timestamp.
inline bool sends_only_expected(const Tcb& tcb) {
  if (!kSynchronized.contains(tcb.state()) || tcb.congestion.smss == 0 || !nothing_to_repeat(tcb)) return false;
  if (tcb.snd.probe || tcb.snd.keepalive_probe || tcb.snd.urgent || tcb.ecn.agreed) return false;
  if (tcb.user_timeout_due || tcb.duplicate_due) return false;
  if (tcb.receive_queue.has_gap() || tcb.path_mtu < tcb.link_mtu || tcb.recovery.frto_new != 0) return false;
  return tcb.config().path_mtu_discovery;
}
Written write_expected(Tcb& tcb, Instant now, MutableBytes out, Checksums checksums);

}  // namespace lastack
