// The one exported symbol of a `so:` adapter, in terms of the stack's own entry, which LASTACK_SUT_ENTRY names.
#include "conformance/sut/lastack_sut.h"

extern "C" const lastack_sut_ops* LASTACK_SUT_ENTRY(uint32_t abi);

extern "C" __attribute__((visibility("default"))) const lastack_sut_ops* lastack_sut_entry(uint32_t abi) {
  return LASTACK_SUT_ENTRY(abi);
}
