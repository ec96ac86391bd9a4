#include "stack/bench/smoke.h"

#include <cstdio>

#include "stack/bench/heap.h"
#include "stack/bench/work.h"
#include "stack/wire/checksum.h"
#include "stack/wire/segment.h"

namespace lastack::bench {

namespace {

// What a tap saw, and what it does to each frame.
struct Tap {
  enum class Damage : std::uint8_t { none, text, ip_header, acknowledgment } damage = Damage::none;
  std::uint64_t frames = 0;
  std::uint64_t wrong_checksums = 0;
  std::uint64_t full_segments = 0;
  std::uint64_t with_timestamps = 0;
  std::uint64_t fins = 0;
};

void watch(void* context, std::uint8_t* octets, std::size_t size) {
  auto& tap = *static_cast<Tap*>(context);
  ++tap.frames;
  const auto whole = parse_packet(as_bytes(octets, size));
  if (!whole) {
    ++tap.wrong_checksums;
    return;
  }
  const std::size_t text = whole->tcp.payload.size();
  if (text + whole->tcp.header_size == BENCH_MSS + kTcpHeaderSize) ++tap.full_segments;
  if (whole->tcp.options.timestamps) ++tap.with_timestamps;
  if (whole->tcp.flags.fin()) ++tap.fins;
  if (tap.damage == Tap::Damage::text && text != 0) octets[size - 1] ^= 1;
  if (tap.damage == Tap::Damage::ip_header && text != 0)
    octets[8] ^= 1;  // the time to live: only the IP checksum covers it
  if (tap.damage == Tap::Damage::acknowledgment && text == 0 && !whole->tcp.flags.syn())
    octets[size - 5] ^= 1;  // the window
}

class Checker {
 public:
  Checker(const Contenders& contenders, std::string name) : contenders_(contenders), name_(std::move(name)) {}

  // One transfer; what arrived. `supported` turns false when this contender cannot do the configuration.
  bench_count transfer(bench_config config, Tap& tap, std::uint64_t octets) {
    config.tap = watch;
    config.tap_context = &tap;
    bench_count count{};
    std::string why;
    const auto pair = contenders_.create(name_, config, &why);
    supported_ = pair != nullptr;
    if (pair != nullptr) pair->contender().bulk(pair->get(), octets, &count);
    if (!supported_) std::printf("  %-10s unsupported: %s\n", name_.c_str(), why.c_str());
    return count;
  }
  bool supported() const { return supported_; }

  void expect(bool holds, const char* what) {
    if (!holds) ++failures_;
    std::printf("  %-10s %-4s %s\n", name_.c_str(), holds ? "ok" : "FAIL", what);
  }
  int failures() const { return failures_; }

 private:
  const Contenders& contenders_;
  std::string name_;
  bool supported_ = false;
  int failures_ = 0;
};

constexpr std::uint64_t kOctets = 100 * BENCH_MSS;

void check_transfer(Checker& check) {
  Tap tap;
  const bench_count count = check.transfer({1, 0, 0, nullptr, nullptr}, tap, kOctets);
  check.expect(count.octets == kOctets, "all text arrives");
  check.expect(tap.wrong_checksums == 0, "every frame carries right IP and TCP checksums");
  check.expect(tap.full_segments >= 95, "the text comes in full segments of 1460 octets");
  check.expect(count.frames == tap.frames && count.frames >= 150 && count.frames <= 165,
               "there is an ACK for every second segment");
  check.expect(tap.with_timestamps == 0, "features off: no timestamps");

  Tap features;
  const bench_count with = check.transfer({1, 1, 0, nullptr, nullptr}, features, kOctets);
  if (check.supported()) {
    check.expect(with.octets == kOctets && features.with_timestamps == features.frames,
                 "features on: timestamps in every frame");
  }
}

void check_checksums(Checker& check) {
  Tap text{.damage = Tap::Damage::text};
  check.expect(check.transfer({1, 0, 0, nullptr, nullptr}, text, kOctets).octets == 0,
               "the receiver verifies the TCP checksum of text");
  Tap header{.damage = Tap::Damage::ip_header};
  check.expect(check.transfer({1, 0, 0, nullptr, nullptr}, header, kOctets).octets == 0,
               "the receiver verifies the IP checksum");
  Tap ack{.damage = Tap::Damage::acknowledgment};
  check.expect(check.transfer({1, 0, 0, nullptr, nullptr}, ack, kOctets).octets < kOctets,
               "the sender verifies the checksum of an ACK");

  Tap offload;
  const bench_count off = check.transfer({0, 0, 0, nullptr, nullptr}, offload, kOctets);
  if (check.supported()) {
    check.expect(off.octets == kOctets && offload.wrong_checksums == offload.frames,
                 "checksums off: neither made nor verified");
  }
}

void check_connections(Checker& check, const Contenders& contenders, const std::string& name) {
  std::string why;
  bench_count count{};
  const auto pair = contenders.create(name, {1, 0, 0, nullptr, nullptr}, &why);
  constexpr std::uint64_t kConnections = 50;
  if (pair != nullptr) pair->contender().connections(pair->get(), kConnections, &count);
  check.expect(count.frames == 7 * kConnections, "a connection takes 7 frames, every time");
}

void check_replay(Checker& check, const Contenders& contenders, const std::string& name) {
  std::string why;
  Tap tap;
  bench_count count{};
  const auto pair = contenders.create(name, {1, 0, 0, watch, &tap}, &why);
  constexpr std::uint64_t kInputs = 10;
  if (pair != nullptr) find_work("replay")->run(*pair, kInputs, count);
  check.expect(count.frames >= 6 * kInputs && count.frames <= 8 * kInputs,
               "the replay of 4 frames is answered by 2 to 4");
  check.expect(tap.fins == kInputs, "each replay goes through to the stack's own FIN");
}

// Four times the text takes no more from the heap: what a transfer needs is there after its first window.
void check_heap(Checker& check, const Contenders& contenders, const std::string& name) {
  constexpr std::uint64_t kOneMiB = 1U << 20;
  for (const bool features : {false, true}) {
    std::uint64_t taken[2] = {};
    for (const std::uint64_t times : {1U, 4U}) {
      std::string why;
      bench_count count{};
      const auto pair = contenders.create(name, {1, static_cast<std::uint8_t>(features), 0, nullptr, nullptr}, &why);
      const std::uint64_t before = allocations();
      if (pair != nullptr) pair->contender().bulk(pair->get(), times * kOneMiB, &count);
      taken[times == 1 ? 0 : 1] = allocations() - before;
      check.expect(count.octets == times * kOneMiB, times == 1 ? "1 MiB arrives" : "4 MiB arrive");
    }
    check.expect(taken[0] != 0 && taken[0] == taken[1],
                 !features ? "no use of the heap per segment" : "nor with all features on");
  }
}

}  // namespace

int smoke(const Contenders& contenders) {
  int failures = 0;
  for (const std::string& name : contenders.names()) {
    Checker check(contenders, name);
    check_transfer(check);
    check_checksums(check);
    check_connections(check, contenders, name);
    check_replay(check, contenders, name);
    if (name == "lastack") check_heap(check, contenders, name);
    failures += check.failures();
  }
  std::printf("%s\n",
              failures == 0 ? "the benchmark measures what it says" : "the benchmark does NOT measure what it says");
  return failures == 0 ? 0 : 1;
}

}  // namespace lastack::bench
