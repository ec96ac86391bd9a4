// The description that the decoder, the text form and the minimiser of program.h share: for every header field and
// every argument of every operation, its name, its values' names, and which values an octet's bits stand for.
#pragma once

#include <cstdint>
#include <span>

#include "fuzz/program.h"

namespace lastack::fuzz {

struct Choice {
  const char* name = nullptr;               // nullptr: the argument does not exist
  std::span<const char* const> values;      // value 0 is the plain one, left out of the text
  std::span<const std::uint8_t> weights{};  // bits -> value; empty: bits modulo the number of values
};

struct HeaderLayout {
  Choice choice;
  std::uint8_t octet;
  std::uint8_t shift;
  std::uint8_t width;
};

struct OpLayout {
  const char* name;
  std::array<Choice, kArgs> args;
};

// Bits of a step's 24 argument bits: 5, 3, 4, 4, 4, 4.
inline constexpr std::array<std::uint8_t, kArgs> kArgWidth = {5, 3, 4, 4, 4, 4};
inline constexpr std::array<std::uint8_t, kArgs> kArgShift = {0, 5, 8, 12, 16, 20};

const HeaderLayout& header_layout(std::size_t field);
const OpLayout& op_layout(Op op);
// The operation of each value of a step's first four bits.
std::span<const Op, 16> op_codes(Kind kind);

}  // namespace lastack::fuzz
