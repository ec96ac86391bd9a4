// A half-open connection as the SYN that began it: what a flood of SYNs costs (RFC 4987 3.5, SYN cache). The TCB in
// SYN-RECEIVED is made from it when it is needed, by the functions that would have made it at once.
#pragma once

#include <cstdint>

#include "stack/host/timed_records.h"
#include "stack/tcb/tcb.h"
#include "stack/wire/segment.h"
#include "stack/wire/syn.h"

namespace lastack {

struct HalfOpen : TimedRecord {
  ConnId listener = ConnId::none;
  SeqNum iss;
  SeqNum irs;
  Instant since{};
  std::uint32_t ts_value = 0;
  std::uint16_t mss = 0;
  std::uint16_t window = 0;
  std::uint8_t shift = 0;
  std::uint8_t offers = 0;  // which options and flags the SYN had
  std::uint8_t sent = 0;    // SYN,ACKs
  bool due = false;         // another SYN,ACK is to be sent
};
// One list for each number of repetitions: within it all have the same interval.
inline constexpr std::size_t kHalfOpenLists = 12;
using HalfOpenTable = TimedRecords<HalfOpen, kHalfOpenLists>;

// Text and FIN do not fit into a record.
inline bool fits_half_open(const Segment& syn) { return syn.payload.empty() && !syn.flags.fin(); }
void remember_syn(HalfOpen& record, const Segment& syn);
Segment syn_of(const HalfOpen& record);
// The first SYN,ACK, of a host that sends plain SYNs: what next_segment makes of the TCB that replay() makes, without
// making it. `clock`: our timestamp.
CommonHeaders first_syn_ack(const HalfOpen& record, const Config& config);
SynOptions first_syn_ack_options(const HalfOpen& record, const Config& config, std::uint16_t mtu, std::uint32_t clock);
// When that TCB's first timer would be due.
Instant first_deadline(const HalfOpen& record, const Config& config);
// `tcb` is new; it becomes what it would be now, with every SYN,ACK sent that was sent and the next one due if it is.
void replay(Tcb& tcb, const HalfOpen& record);
// The same without the detour, where one SYN,ACK has been sent and no other is due, as usual.
void replay_quickly(Tcb& tcb, const HalfOpen& record);

}  // namespace lastack
