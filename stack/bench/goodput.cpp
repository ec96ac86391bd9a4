// Goodput over a simulated path: how much text one connection moves in a given virtual time, through links that delay,
// limit the rate and lose packets by a seed (stack/sim/link.h). The same path for every contender. Nothing here depends
// on the machine: the same arguments give the same numbers.
//
//   lastack_bench_goodput list                            name, version, configuration, one contender a line
//   lastack_bench_goodput run NAME LOSS_PPM RTT_US RATE_BPS SECONDS SEED     {"octets":..,"frames":..,"lost":..}
//   lastack_bench_goodput smoke                           exit status 0 when the path does what it says
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "stack/bench/path_contenders.h"
#include "stack/sim/link.h"

namespace lastack::bench {
namespace {

std::vector<const bench_path_contender*> load(const std::filesystem::path& folder) {
  std::vector<const bench_path_contender*> all = core_path_contenders();
  std::vector<std::filesystem::path> files;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder, missing)) {
    if (entry.path().extension() == ".so") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* symbol = library == nullptr ? nullptr : dlsym(library, "bench_path_entry");
    if (symbol == nullptr) {
      std::fprintf(stderr, "goodput: %s left out: %s\n", file.c_str(), dlerror());
      continue;
    }
    const auto* contender = reinterpret_cast<decltype(&bench_path_entry)>(symbol)();
    if (contender->abi == BENCH_PATH_ABI) all.push_back(contender);
  }
  return all;
}

struct Conditions {
  std::uint32_t loss_ppm = 0;  // of what the sender sends; acknowledgments are not lost
  std::uint64_t rtt_us = 0;
  std::uint64_t rate_bps = 0;
  std::uint64_t seconds = 0;
  std::uint64_t seed = 0;
};

struct Outcome {
  std::uint64_t octets = 0;
  std::uint64_t frames = 0;
  std::uint64_t lost = 0;
  std::uint64_t queue_full = 0;
};

Instant at(std::uint64_t us) { return Instant{} + std::chrono::microseconds(us); }
std::uint64_t us_of(Instant t) { return static_cast<std::uint64_t>((t.time_since_epoch().count() + 999) / 1000); }

// What waits for the link is at most what the path holds, and a few packets: a router's buffer of one bandwidth-delay
// product.
std::size_t buffer_of(const Conditions& c) {
  return std::max<std::size_t>(c.rate_bps / 8 * c.rtt_us / 1'000'000, 32 * 1500);
}

class Run {
 public:
  Run(const bench_path_contender& contender, const Conditions& conditions)
      : stack_(contender),
        forward_(link(conditions, conditions.loss_ppm), conditions.seed),
        backward_(link(conditions, 0), conditions.seed + 1),
        end_us_(conditions.seconds * 1'000'000) {}

  // Null text when it went well.
  const char* go(Outcome& outcome) {
    const char* why = "no reason given";
    void* pair = stack_.create(&why);
    if (pair == nullptr) return why;
    std::uint64_t now = 0;
    while (now <= end_us_) {
      stack_.run(pair, now);
      take_all(pair, now);
      const std::uint64_t next = next_event(pair, now);
      if (next == UINT64_MAX) break;
      now = std::max(next, now);
      deliver(pair, now);
      // A stack that asks for the same instant again and again would never let the time pass.
      if (now == last_ && ++repeats_ > 100'000) break;
      if (now != last_) repeats_ = 0;
      last_ = now;
    }
    outcome.octets = stack_.received(pair);
    outcome.frames = forward_.counts().sent + backward_.counts().sent;
    outcome.lost = forward_.counts().lost;
    outcome.queue_full = forward_.counts().queue_full;
    stack_.destroy(pair);
    return repeats_ > 100'000 ? "it asked for the same instant without end" : nullptr;
  }

 private:
  static LinkConfig link(const Conditions& c, std::uint32_t loss_ppm) {
    LinkConfig config;
    config.delay = std::chrono::microseconds(c.rtt_us / 2);
    config.loss_ppm = loss_ppm;
    config.rate_bps = c.rate_bps;
    config.queue_octets = buffer_of(c);
    return config;
  }

  void take_all(void* pair, std::uint64_t now) {
    std::array<std::uint8_t, 2048> frame{};
    int to_receiver = 0;
    while (const std::size_t size = stack_.take(pair, now, &to_receiver, frame.data(), frame.size())) {
      (to_receiver != 0 ? forward_ : backward_).send(at(now), as_bytes(frame.data(), size));
    }
  }

  std::uint64_t next_event(void* pair, std::uint64_t now) const {
    std::uint64_t next = stack_.next(pair, now);
    for (const Link* link : {&forward_, &backward_}) {
      if (const auto arrival = link->next_arrival()) next = std::min(next, us_of(*arrival));
    }
    return next;
  }

  void deliver(void* pair, std::uint64_t now) {
    for (Link* link : {&forward_, &backward_}) {
      while (const auto packet = link->receive(at(now))) {
        stack_.arrive(pair, now, link == &forward_ ? 1 : 0, reinterpret_cast<const std::uint8_t*>(packet->data()),
                      packet->size());
        take_all(pair, now);
      }
    }
  }

  const bench_path_contender& stack_;
  Link forward_;
  Link backward_;
  std::uint64_t end_us_;
  std::uint64_t last_ = UINT64_MAX;
  std::uint64_t repeats_ = 0;
};

const bench_path_contender* find(const std::vector<const bench_path_contender*>& all, const char* name) {
  for (const auto* contender : all) {
    if (std::strcmp(contender->name, name) == 0) return contender;
  }
  return nullptr;
}

int run(const bench_path_contender* contender, char** arguments) {
  if (contender == nullptr) {
    std::fprintf(stderr, "goodput: no contender of this name\n");
    return 4;
  }
  const auto number = [&](int i) { return std::strtoull(arguments[i], nullptr, 10); };
  const Conditions conditions{static_cast<std::uint32_t>(number(0)), number(1), number(2), number(3), number(4)};
  Outcome outcome;
  if (const char* why = Run(*contender, conditions).go(outcome)) {
    std::printf("{\"unsupported\":\"%s\"}\n", why);
    return 0;
  }
  std::printf("{\"octets\":%llu,\"frames\":%llu,\"lost\":%llu,\"queue_full\":%llu}\n",
              static_cast<unsigned long long>(outcome.octets), static_cast<unsigned long long>(outcome.frames),
              static_cast<unsigned long long>(outcome.lost), static_cast<unsigned long long>(outcome.queue_full));
  return 0;
}

// On a path that loses nothing the rate must be filled; one that loses must lose about its share, and cost something.
int smoke(const std::vector<const bench_path_contender*>& all) {
  int failures = 0;
  for (const auto* contender : all) {
    Outcome clean, lossy, again;
    const Conditions path{0, 20'000, 10'000'000, 10, 1};
    Conditions losing = path;
    losing.loss_ppm = 50'000;
    const char* why = Run(*contender, path).go(clean);
    if (why == nullptr) why = Run(*contender, losing).go(lossy);
    if (why == nullptr) why = Run(*contender, losing).go(again);
    const double filled = static_cast<double>(clean.octets) * 8 / (10e6 * 10);
    const double share = lossy.frames == 0 ? 0 : static_cast<double>(lossy.lost) / static_cast<double>(lossy.frames);
    const bool good = why == nullptr && filled > 0.2 && filled <= 1.0 && share > 0.01 && share < 0.06 &&
                      lossy.octets < clean.octets && lossy.octets > 0 && again.octets == lossy.octets;
    if (!good) ++failures;
    std::printf("  %-16s %-4s fills %.2f of the rate; %.3f lost, %.2f of the rate with 5 %% loss%s%s\n",
                contender->name, good ? "ok" : "FAIL", filled, share, static_cast<double>(lossy.octets) * 8 / 100e6,
                why == nullptr ? "" : ": ", why == nullptr ? "" : why);
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace lastack::bench

int main(int argc, char** argv) {
  using namespace lastack::bench;
  const char* folder = std::getenv("LASTACK_BENCH_PEERS");
  const auto all = load(folder == nullptr ? std::filesystem::path() : std::filesystem::path(folder) / "path");
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "list" && argc == 2) {
    for (const auto* c : all) std::printf("%s\t%s\t%s\n", c->name, c->version, c->configuration);
    return 0;
  }
  if (verb == "smoke" && argc == 2) return smoke(all);
  if (verb == "run" && argc == 8) return run(find(all, argv[2]), argv + 3);
  std::fprintf(stderr, "usage: lastack_bench_goodput list | smoke | run NAME LOSS_PPM RTT_US RATE_BPS SECONDS SEED\n");
  return 4;
}
