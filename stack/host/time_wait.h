// A connection in TIME-WAIT that no application holds any more, as the numbers that still matter: enough to answer the
// peer's last FIN, to refuse old segments, and to judge a new SYN (RFC 9293 3.6.1, RFC 6191). Everything else of the
// TCB is given back.
#pragma once

#include <cstdint>

#include "stack/host/timed_records.h"
#include "stack/tcb/tcb.h"

namespace lastack {

struct TimeWait : TimedRecord {
  SeqNum iss, irs, snd_nxt, rcv_nxt, wl1, wl2;
  std::uint32_t snd_wnd = 0;
  std::uint32_t max_wnd = 0;
  std::uint32_t rcv_wnd = 0;
  std::uint32_t ts_recent = 0;
  std::uint32_t ts_offset = 0;
  Instant ts_recent_at{};
  Instant ack_limit_began{};
  std::uint16_t challenge_acks = 0;
  std::uint16_t invalid_acks = 0;
  std::uint16_t mss = 0;
  std::uint8_t snd_shift : 4 = 0;
  std::uint8_t rcv_shift : 4 = 0;
  bool timestamps : 1 = false;
  bool sack : 1 = false;
  bool scaling : 1 = false;
  bool passive : 1 = false;
};
using TimeWaitTable = TimedRecords<TimeWait, 1>;

// Whether nothing of this TCB is lost in a record.
bool fits_time_wait(const Tcb& tcb);
void remember(TimeWait& record, const Tcb& tcb);
// `tcb` is new, for the same sockets.
void restore(Tcb& tcb, const TimeWait& record);

}  // namespace lastack
