// The user calls of 3.10.1 to 3.10.5 on one TCB. What concerns several connections (listening, handles) is the host's.
#pragma once

#include <cstdint>

#include "stack/base/bytes.h"
#include "stack/base/result.h"
#include "stack/base/time.h"
#include "stack/tcb/tcb.h"
#include "stack/tcp/call_error.h"
#include "stack/tcp/effects.h"

namespace lastack {

struct ReceiveResult {
  std::size_t octets = 0;
  std::size_t unread = 0;      // what is left in the queue
  bool end_of_stream = false;  // the peer's FIN has been reached: nothing more will come
  bool pushed = false;
  bool urgent_ahead = false;
};

struct SendFlags {
  bool push = false;
  bool urgent = false;
};

void open_active(Tcb& tcb, SeqNum iss, Instant now);
Result<std::size_t, CallError> send_call(Tcb& tcb, Instant now, Bytes data, SendFlags flags);
Result<ReceiveResult, CallError> receive_call(Tcb& tcb, MutableBytes buffer);
// RECEIVE of text that the user has seen in place: up to `octets` of it are done with.
Result<ReceiveResult, CallError> consume_call(Tcb& tcb, std::size_t octets);
// The reader has taken `octets` from `begin` on: whether a pushed end is among them. It is told once.
//= rfc9293 3.9.1.3 MAY-17
inline bool take_push_mark(Tcb& tcb, SeqNum begin, std::uint32_t octets) {
  if (!tcb.rcv.pushed || octets == 0) return false;
  if (!after(tcb.rcv.push_end, begin) || after(tcb.rcv.push_end, begin + octets)) return false;
  tcb.rcv.pushed = false;
  return true;
}
// Whether send_call takes text at all in this state.
bool takes_text(const Tcb& tcb);
// 3.10.4 CLOSE: no more to send; receiving goes on.
Status<CallError> close_call(Tcb& tcb, Instant now);
// 3.6.1: the application is gone altogether.
Status<CallError> full_close_call(Tcb& tcb, Instant now, Effects& effects);
Status<CallError> abort_call(Tcb& tcb, Effects& effects);

}  // namespace lastack
