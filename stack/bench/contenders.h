// Who takes part: the core, which is linked in, and the peers that were built as shared objects. Owns how they are
// found and how one is chosen for a configuration; knows nothing of what they do.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "stack/bench/contender.h"

namespace lastack::bench {

// The core as a contender: core_contender.cpp.
const bench_contender* core_contender();

// A created pair of endpoints, destroyed with this object.
class Pair {
 public:
  Pair(const bench_contender* contender, void* pair) : contender_(contender), pair_(pair) {}
  ~Pair() { contender_->destroy(pair_); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  const bench_contender& contender() const { return *contender_; }
  void* get() const { return pair_; }

 private:
  const bench_contender* contender_;
  void* pair_;
};

class Contenders {
 public:
  // Loads every shared object of `folder` that speaks our ABI; a folder that is not there means that there are no
  // peers.
  explicit Contenders(const std::filesystem::path& folder);

  // Each name once, the core first.
  std::vector<std::string> names() const;
  // A pair of the first contender of this name that can do `config`; null when none can, with the reason.
  std::unique_ptr<Pair> create(const std::string& name, const bench_config& config, std::string* why) const;
  const std::vector<const bench_contender*>& all() const { return all_; }

 private:
  std::vector<const bench_contender*> all_;
};

}  // namespace lastack::bench
