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
// Whether send_call takes text at all in this state.
bool takes_text(const Tcb& tcb);
// 3.10.4 CLOSE: no more to send; receiving goes on.
Status<CallError> close_call(Tcb& tcb, Instant now);
// 3.6.1: the application is gone altogether.
Status<CallError> full_close_call(Tcb& tcb, Instant now, Effects& effects);
Status<CallError> abort_call(Tcb& tcb, Effects& effects);

}  // namespace lastack
