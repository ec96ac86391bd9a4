// One stack, driven by a program that is its peer and its user. LASTACK_SUT names another stack than the core.
#include "fuzz/machine.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lastack::fuzz;
  static const lastack_sut_ops* const kSut = sut_from_environment("LASTACK_SUT");
  const Program program = decode(Kind::program, lastack::as_bytes(data, size));
  const RunResult result = run_program(program, {.sut = kSut});
  if (result.failure) die(*result.failure);
  return 0;
}
