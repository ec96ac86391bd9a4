// The user timeout of a connection, and the option by which two ends speak of it (RFC 5482).
#pragma once

#include <cstdint>
#include <optional>

#include "stack/base/time.h"
#include "stack/tcb/tcb.h"
#include "stack/wire/segment.h"

namespace lastack {

// Zero: none.
Duration user_timeout_of(const Tcb& tcb);
// What our own option says, as on the wire; nothing when it is off or there is nothing to say.
std::optional<std::uint16_t> user_timeout_to_offer(const Config& config);
// An acceptable segment, with or without SYN.
void take_user_timeout_option(Tcb& tcb, const Segment& segment);

}  // namespace lastack
