// A small seeded generator (SplitMix64) for everything in the simulator that looks like chance. The standard library's
// engines and distributions are avoided because distributions differ between libraries, and a seed must give the same
// trace everywhere.
#pragma once

#include <cstdint>

#include "stack/base/seq.h"

namespace lastack {

class Prng {
 public:
  constexpr explicit Prng(std::uint64_t seed) : state_(seed) {}

  LASTACK_WRAPS constexpr std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  // 0 .. bound-1; 0 for bound 0. The bias of the remainder is below 2^-32 for the bounds used here.
  constexpr std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }

  // True in `ppm` of a million cases. Draws even when the answer is certain, so that changing one rate leaves the rest
  // of the sequence in place.
  constexpr bool chance(std::uint32_t ppm) { return below(1'000'000) < ppm; }

 private:
  std::uint64_t state_;
};

}  // namespace lastack
