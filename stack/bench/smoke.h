// Proof that the benchmark measures what it says: for every contender, that both ends write checksums and refuse wrong
// ones, that text arrives whole, how many frames a connection takes, and that a connection with its checksums off does
// neither.
#pragma once

#include "stack/bench/contenders.h"

namespace lastack::bench {

// Prints a line a check; 0 when all hold.
int smoke(const Contenders& contenders);

}  // namespace lastack::bench
