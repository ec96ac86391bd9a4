// A `cmd:` program for the one stack it is linked with; LASTACK_SUT_ENTRY names that stack's entry.
#include "conformance/sut/serve.h"

extern "C" const lastack_sut_ops* LASTACK_SUT_ENTRY(uint32_t abi);

int main() { return lastack::sut::serve(LASTACK_SUT_ENTRY); }
