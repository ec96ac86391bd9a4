// Turns any stack behind lastack_sut.h into a `cmd:` program: PROTOCOL.md on standard input and output.
#pragma once

#include "conformance/sut/lastack_sut.h"

namespace lastack::sut {

// Serves until end of input or `bye`; returns the exit status of the program. A null `entry`, or one that does not
// speak our ABI, is told to the harness in the reply to `hello`, with `missing` as the reason where it is not empty.
int serve(lastack_sut_entry_fn entry, const char* missing = "");

}  // namespace lastack::sut
