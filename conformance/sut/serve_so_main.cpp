// A `cmd:` program for a stack in a shared object: lastack-sut-so PATH. Runs a `so:` stack in a process of its own, so
// that its crash is a finding and not the end of the run, and so that a stack with global variables starts afresh for
// every test.
#include <dlfcn.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "conformance/sut/serve.h"

int main(int argc, char** argv) {
  if (argc != 2 || argv[1][0] == '-') {
    std::fprintf(
        stderr,
        "usage: %s PATH\nServes the stack in the shared object PATH (lastack_sut.h) on standard input and output.\n",
        argv[0]);
    return argc == 2 && std::strcmp(argv[1], "--help") == 0 ? 0 : 4;
  }
  std::string path = argv[1];
  if (path.find('/') == std::string::npos) path = "./" + path;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  std::string missing = library != nullptr ? "" : std::string("cannot load the shared object: ") + dlerror();
  lastack_sut_entry_fn entry = nullptr;
  if (library != nullptr) {
    void* symbol = dlsym(library, "lastack_sut_entry");
    static_assert(sizeof symbol == sizeof entry);
    std::memcpy(&entry, &symbol, sizeof entry);
    if (entry == nullptr) missing = path + " does not export lastack_sut_entry";
  }
  return lastack::sut::serve(entry, missing.c_str());
}
