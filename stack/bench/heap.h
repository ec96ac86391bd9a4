// Counts the calls of operator new in this process, to show that the core needs no heap for a segment in steady state.
// The counting replaces the global operator, so it stands in an executable of its own.
#pragma once

#include <cstdint>

namespace lastack::bench {

std::uint64_t allocations();

}  // namespace lastack::bench
