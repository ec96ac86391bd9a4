// Who takes part in the goodput measurement: the core, once for each congestion controller, and the peers that were
// built as shared objects.
#pragma once

#include <vector>

#include "stack/bench/path.h"

namespace lastack::bench {

// core_path.cpp
std::vector<const bench_path_contender*> core_path_contenders();

}  // namespace lastack::bench
