// CHECK: for our own bugs only, never for what a peer or a user can cause. Always on, in release builds too.
// The text has glibc's assertion format and each site traps by itself, so that crash deduplication tells two sites
// apart.
#pragma once

#include <cstdio>

namespace lastack {

[[noreturn]] __attribute__((noinline, cold)) inline void check_failed(const char* file, int line, const char* text) {
  std::fprintf(stderr, "lastack: %s:%d: Assertion `%s' failed.\n", file, line, text);
  std::fflush(stderr);
  __builtin_trap();
}

}  // namespace lastack

#define LASTACK_CHECK(expression)                               \
  do {                                                          \
    if (!(expression)) [[unlikely]]                             \
      ::lastack::check_failed(__FILE__, __LINE__, #expression); \
  } while (false)
