// TCP Fast Open (RFC 7413) on one TCB: the option and the text of a SYN. Cookies are the host's (host/fast_open.h).
#pragma once

#include "stack/tcb/tcb.h"
#include "stack/tcp/output.h"

namespace lastack {

// Our SYN or SYN,ACK, the options filled in: adds the option and, with a cookie, the text that is queued.
void add_fast_open(Tcb& tcb, Outgoing& out);
// The peer's cookie was good: the text of its SYN, which open_from_listen has put aside, counts now.
void take_text_of_syn(Tcb& tcb);
// Our SYN is acknowledged, its text perhaps not: then it leaves again with the first ACK.
void resend_text_of_syn(Tcb& tcb);

}  // namespace lastack
