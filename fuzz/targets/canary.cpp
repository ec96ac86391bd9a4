// `program` on a stack with a planted fault. It must fail within seconds; the nightly run is red when it does not.
#include "fuzz/canary_sut.h"
#include "fuzz/machine.h"
#include "fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lastack::fuzz;
  const Program program = decode(Kind::program, lastack::as_bytes(data, size));
  const RunResult result = run_program(program, {.sut = canary_sut()});
  if (result.failure) die(*result.failure);
  return 0;
}
