// One mixing step for hash tables: multiply to 128 bits and fold.
#pragma once

#include <cstdint>

namespace lastack {

__extension__ using Uint128 = unsigned __int128;

constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace lastack
