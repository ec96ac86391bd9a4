#include "stack/bench/work.h"

#include <malloc.h>

#include <array>
#include <vector>

#include "stack/wire/segment.h"

namespace lastack::bench {

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// The configurations: {checksums, features, resident, tap, tap_context}.
constexpr bench_config kPlain{1, 0, 0, nullptr, nullptr};
constexpr bench_config kOffload{0, 0, 0, nullptr, nullptr};
constexpr bench_config kFeatures{1, 1, 0, nullptr, nullptr};
constexpr bench_config kResidents{1, 0, kResident, nullptr, nullptr};
constexpr bench_config kManyResidents{1, 0, 100'000, nullptr, nullptr};

void nothing(const Pair&, const bench_config&) {}

void fill(const Pair& pair, const bench_config& config) {
  bench_count ignored{};
  pair.contender().connections(pair.get(), config.resident + 1, &ignored);
}

void bulk(const Pair& pair, std::uint64_t units, bench_count& count) {
  pair.contender().bulk(pair.get(), units * kMiB, &count);
}

void connections(const Pair& pair, std::uint64_t units, bench_count& count) {
  pair.contender().connections(pair.get(), units, &count);
}

// A peer that is only frames: SYN, ACK, PSH with 29 octets of text, FIN; 193 octets with their IP headers.
class Script {
 public:
  static constexpr std::size_t kFrames = 4;
  struct Frame {
    std::array<std::byte, 128> octets{};
    std::size_t size = 0;
    const std::uint8_t* data() const { return reinterpret_cast<const std::uint8_t*>(octets.data()); }
  };

  // `iss` is what the stack chose: its SYN,ACK was seen with it.
  Script(std::uint16_t source_port, SeqNum iss) {
    const SeqNum irs(1000);
    Segment syn = blank(source_port);
    syn.seq = irs;
    syn.flags = kSyn;
    syn.options.mss = BENCH_MSS;
    write(0, syn);
    Segment ack = blank(source_port);
    ack.seq = irs + 1;
    ack.ack = iss + 1;
    ack.flags = kAck;
    write(1, ack);
    Segment text = ack;
    text.flags = kPsh | kAck;
    text.payload = kText;
    write(2, text);
    Segment fin = ack;
    fin.seq = text.end();
    fin.flags = kFin | kAck;
    write(3, fin);
  }

  const Frame& frame(std::size_t i) const { return frames_[i]; }

 private:
  static constexpr std::array<std::byte, 29> kText{};

  static Segment blank(std::uint16_t source_port) {
    Segment segment;
    segment.src_port = source_port;
    segment.dst_port = BENCH_PORT;
    segment.wnd = 64240;
    return segment;
  }

  void write(std::size_t i, const Segment& segment) {
    IpHeader ip;
    ip.src = *IpAddress::parse("192.0.2.2");
    ip.dst = *IpAddress::parse("192.0.2.1");
    frames_[i].size = write_packet(frames_[i].octets, ip, segment);
    LASTACK_CHECK(frames_[i].size != 0);
  }

  std::array<Frame, kFrames> frames_;
};

void arrive(const Pair& pair, const Script::Frame& frame) {
  pair.contender().arrive(pair.get(), frame.data(), frame.size);
}

// The ISS that this contender's passive endpoint chooses first after a reset.
SeqNum first_iss(const Pair& pair) {
  std::array<std::uint8_t, BENCH_MTU> out{};
  pair.contender().reset(pair.get());
  arrive(pair, Script(50'000, SeqNum(0)).frame(0));
  const std::size_t size = pair.contender().next_frame(pair.get(), out.data(), out.size());
  const auto answer = parse_packet(as_bytes(out.data(), size));
  LASTACK_CHECK(answer.ok() && answer->tcp.flags == (kSyn | kAck));
  return answer->tcp.seq;
}

void replay(const Pair& pair, std::uint64_t units, bench_count& count) {
  const Script script(50'000, first_iss(pair));
  std::array<std::uint8_t, BENCH_MTU> out{};
  for (std::uint64_t i = 0; i < units; ++i) {
    pair.contender().reset(pair.get());
    for (std::size_t j = 0; j < Script::kFrames; ++j) {
      arrive(pair, script.frame(j));
      ++count.frames;
      while (pair.contender().next_frame(pair.get(), out.data(), out.size()) != 0) ++count.frames;
    }
  }
}

constexpr Work kWork[] = {
    {"bulk", "bulk", kPlain, nothing, bulk, "MiB"},
    {"bulk-offload", "bulk", kOffload, nothing, bulk, "MiB"},
    {"bulk-features", "features", kFeatures, nothing, bulk, "MiB"},
    {"connection", "connection", kPlain, nothing, connections, "connection"},
    {"connection-features", "features", kFeatures, nothing, connections, "connection"},
    {"connection-tw1023", "timewait", kResidents, fill, connections, "connection"},
    {"connection-tw100000", "timewait", kManyResidents, fill, connections, "connection"},
    {"replay", "replay", kPlain, nothing, replay, "input"},
};

std::uint64_t octets_in_use(const Pair& pair) {
  const struct mallinfo2 heap = mallinfo2();
  std::uint64_t octets = heap.uordblks + heap.hblkhd;
  if (pair.contender().pool_octets != nullptr) octets += pair.contender().pool_octets(pair.get());
  return octets;
}

// SYNs from `n` sources that never answer, starting with source number `first`.
void half_open(const Pair& pair, std::uint32_t first, std::uint32_t n) {
  std::array<std::uint8_t, BENCH_MTU> out{};
  pair.contender().admit(pair.get(), n);
  for (std::uint32_t i = first; i < first + n; ++i) {
    arrive(pair, Script(static_cast<std::uint16_t>(1024 + i), SeqNum(0)).frame(0));
    while (pair.contender().next_frame(pair.get(), out.data(), out.size()) != 0) {
    }
  }
}

// Makes `n` more; `before` are there already. Returns how many TCBs that are.
std::uint64_t hold(const Pair& pair, Held kind, std::uint32_t before, std::uint32_t n) {
  bench_count ignored{};
  switch (kind) {
    case Held::idle: return pair.contender().open_idle(pair.get(), n);
    case Held::at_rest: {
      const std::uint64_t tcbs = pair.contender().open_idle(pair.get(), n);
      if (pair.contender().rest != nullptr) pair.contender().rest(pair.get());
      return tcbs;
    }
    case Held::half_open: half_open(pair, before, n); return n;
    case Held::time_wait: pair.contender().connections(pair.get(), n, &ignored); return n;
  }
  return 0;
}

}  // namespace

std::span<const Work> all_work() { return kWork; }

const Work* find_work(std::string_view name) {
  for (const Work& work : kWork) {
    if (name == work.name) return &work;
  }
  return nullptr;
}

double octets_per_connection(const Pair& pair, Held kind, std::uint32_t held) {
  // A few first: what a stack makes once and keeps is not the connection's.
  constexpr std::uint32_t kFirst = 16;
  if (hold(pair, kind, 0, kFirst) == 0) return -1;
  const std::uint64_t before = octets_in_use(pair);
  const std::uint64_t tcbs = hold(pair, kind, kFirst, held);
  if (tcbs == 0) return -1;
  const std::uint64_t after = octets_in_use(pair);
  return (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(tcbs);
}

}  // namespace lastack::bench
