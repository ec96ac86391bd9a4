// The core with a fault planted at its edge, which several steps must meet: the canary. If fuzzing this does not fail
// within seconds, the alarm is broken, whatever the other targets say.
//
// The fault: when the peer has closed its window, then sent text, then opened the window again, the first octet of the
// next text that the stack sends is wrong (an off-by-one in a ring, as it were).
#pragma once

#include "conformance/sut/lastack_sut.h"

namespace lastack::fuzz {

const lastack_sut_ops* canary_sut();

}  // namespace lastack::fuzz
