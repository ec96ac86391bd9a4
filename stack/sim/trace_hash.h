// A hash over what happened and when (FNV-1a, 64 bits): two runs with the same seed must give the same value. It shows
// nondeterminism; it is not meant against an adversary.
#pragma once

#include <cstdint>

#include "stack/base/bytes.h"
#include "stack/base/seq.h"

namespace lastack {

class TraceHash {
 public:
  LASTACK_WRAPS void add(std::uint64_t v) { state_ = (state_ ^ v) * kPrime; }

  LASTACK_WRAPS void add(Bytes data) {
    add(data.size());
    std::size_t i = 0;
    for (; i + 8 <= data.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, data.data() + i, sizeof word);
      add(word);
      state_ ^= state_ >> 32U;
    }
    for (; i < data.size(); ++i) add(load_u8(data.data() + i));
  }

  std::uint64_t value() const { return state_; }

 private:
  static constexpr std::uint64_t kPrime = 0x100000001B3ULL;
  std::uint64_t state_ = 0xCBF29CE484222325ULL;
};

}  // namespace lastack
