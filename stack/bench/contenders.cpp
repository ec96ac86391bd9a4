// Peers are loaded with dlopen and stay loaded: a contender's code outlives everything that was made by it.
#include "stack/bench/contenders.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>

namespace lastack::bench {

Contenders::Contenders(const std::filesystem::path& folder) : all_{core_contender()} {
  std::vector<std::filesystem::path> files;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
    if (entry.path().extension() == ".so") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* symbol = library == nullptr ? nullptr : dlsym(library, "bench_contender_entry");
    if (symbol == nullptr) {
      std::fprintf(stderr, "bench: %s left out: %s\n", file.c_str(), dlerror());
      continue;
    }
    const auto* contender = reinterpret_cast<decltype(&bench_contender_entry)>(symbol)();
    if (contender->abi == BENCH_ABI) all_.push_back(contender);
  }
}

std::vector<std::string> Contenders::names() const {
  std::vector<std::string> names;
  for (const auto* contender : all_) {
    if (std::find(names.begin(), names.end(), contender->name) == names.end()) names.emplace_back(contender->name);
  }
  return names;
}

std::unique_ptr<Pair> Contenders::create(const std::string& name, const bench_config& config, std::string* why) const {
  *why = "no contender of this name";
  for (const auto* contender : all_) {
    if (contender->name != name) continue;
    const char* reason = "no reason given";
    if (void* pair = contender->create(&config, &reason)) return std::make_unique<Pair>(contender, pair);
    *why = reason;
  }
  return nullptr;
}

}  // namespace lastack::bench
