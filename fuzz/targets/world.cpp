// Two stacks and a network that the program makes hostile but fair. LASTACK_SUT and LASTACK_SUT_B name other stacks
// than the core.
#include "fuzz/target.h"
#include "fuzz/world_machine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lastack::fuzz;
  static const lastack_sut_ops* const kA = sut_from_environment("LASTACK_SUT");
  static const lastack_sut_ops* const kB = sut_from_environment("LASTACK_SUT_B");
  const Program program = decode(Kind::world, lastack::as_bytes(data, size));
  const RunResult result = run_world(program, {.sut = kA, .sut_b = kB});
  if (result.failure) die(*result.failure);
  return 0;
}
