// 3.10.8: what happens when a timer of a connection is due.
#pragma once

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"

namespace lastack {

void run_timeouts(Tcb& tcb, Instant now);

}  // namespace lastack
