// Octets and programs: decode and encode of program.h.
#include "fuzz/program.h"

#include <algorithm>

#include "fuzz/program_tables.h"

namespace lastack::fuzz {
namespace {

std::uint8_t bits_to_value(const Choice& choice, std::uint32_t bits) {
  if (choice.name == nullptr) return 0;
  if (!choice.weights.empty()) return choice.weights[bits % choice.weights.size()];
  return static_cast<std::uint8_t>(bits % choice.values.size());
}

std::uint32_t value_to_bits(const Choice& choice, std::uint8_t value) {
  if (choice.name == nullptr) return 0;
  if (choice.weights.empty()) return value;
  const auto at = std::find(choice.weights.begin(), choice.weights.end(), value);
  return at == choice.weights.end() ? 0 : static_cast<std::uint32_t>(at - choice.weights.begin());
}

constexpr std::uint32_t mask(std::uint8_t width) { return (1U << width) - 1; }

// Octet 0: operation in the low four bits, slot in the next two. Octets 1 to 3: the arguments, low bits first.
Step decode_step(Kind kind, const std::byte* p) {
  const std::uint8_t first = load_u8(p);
  const std::uint32_t rest = load_u8(p + 1) | static_cast<std::uint32_t>(load_u8(p + 2)) << 8U |
                             static_cast<std::uint32_t>(load_u8(p + 3)) << 16U;
  Step step;
  step.op = op_codes(kind)[first & 15U];
  const std::uint8_t slots = kind == Kind::program ? 4 : 2;
  step.slot = static_cast<std::uint8_t>((first >> 4U) % slots);
  // Three of four programs are about one connection: more of them only where the two highest bits ask for it.
  if (kind == Kind::program && (first >> 6U) != 3) step.slot = 0;
  const OpLayout& layout = op_layout(step.op);
  for (std::size_t i = 0; i < kArgs; ++i) {
    step.arg[i] = bits_to_value(layout.args[i], (rest >> kArgShift[i]) & mask(kArgWidth[i]));
  }
  return step;
}

void encode_step(Kind kind, const Step& step, std::vector<std::byte>& out) {
  const auto codes = op_codes(kind);
  const auto code = static_cast<std::uint32_t>(std::find(codes.begin(), codes.end(), step.op) - codes.begin());
  const std::uint32_t several = kind == Kind::program && step.slot != 0 ? 0xC0U : 0U;
  std::uint32_t rest = 0;
  const OpLayout& layout = op_layout(step.op);
  for (std::size_t i = 0; i < kArgs; ++i) {
    rest |= (value_to_bits(layout.args[i], step.arg[i]) & mask(kArgWidth[i])) << kArgShift[i];
  }
  out.push_back(static_cast<std::byte>(code | static_cast<std::uint32_t>(step.slot << 4U) | several));
  out.push_back(static_cast<std::byte>(rest & 0xFFU));
  out.push_back(static_cast<std::byte>((rest >> 8U) & 0xFFU));
  out.push_back(static_cast<std::byte>((rest >> 16U) & 0xFFU));
}

}  // namespace

Program decode(Kind kind, Bytes input) {
  Program program;
  program.kind = kind;
  for (std::size_t i = 0; i < kHeaderFields; ++i) {
    const HeaderLayout& layout = header_layout(i);
    const std::uint32_t octet = layout.octet < input.size() ? load_u8(&input[layout.octet]) : 0;
    program.header[i] = bits_to_value(layout.choice, (octet >> layout.shift) & mask(layout.width));
  }
  for (std::size_t at = kHeaderOctets; at + kStepOctets <= input.size() && program.steps.size() < kMaxSteps;
       at += kStepOctets) {
    program.steps.push_back(decode_step(kind, &input[at]));
  }
  return program;
}

std::vector<std::byte> encode(const Program& program) {
  std::array<std::uint32_t, kHeaderOctets> header{};
  for (std::size_t i = 0; i < kHeaderFields; ++i) {
    const HeaderLayout& layout = header_layout(i);
    header[layout.octet] |= (value_to_bits(layout.choice, program.header[i]) & mask(layout.width)) << layout.shift;
  }
  std::vector<std::byte> out;
  out.reserve(header.size());
  for (const std::uint32_t octet : header) out.push_back(static_cast<std::byte>(octet));
  for (const Step& step : program.steps) encode_step(program.kind, step, out);
  return out;
}

}  // namespace lastack::fuzz
