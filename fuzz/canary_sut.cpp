// Implementation of canary_sut.h: the core's operations with rx and tx wrapped.
#include "fuzz/canary_sut.h"

#include <string>
#include <vector>

#include "fuzz/sut.h"
#include "stack/wire/segment.h"

namespace lastack::fuzz {
namespace {

enum class Progress : std::uint8_t { nothing, window_closed, text_came, window_open, done };

struct Canary {
  void* core;
  Progress progress = Progress::nothing;
};

const lastack_sut_ops& core() {
  static std::string error;
  static const lastack_sut_ops* const kCore = load_sut("core", error);
  return *kCore;
}

Canary* self(void* sut) { return static_cast<Canary*>(sut); }

void* create(const lastack_sut_cfg* config, char* error, std::size_t error_size) {
  void* inner = core().create(config, error, error_size);
  return inner == nullptr ? nullptr : new Canary{inner};
}

void destroy(void* sut) {
  core().destroy(self(sut)->core);
  delete self(sut);
}

void watch(Canary& canary, const Segment& segment) {
  if (!segment.flags.ack() || segment.flags.syn() || segment.flags.rst()) return;
  if (canary.progress == Progress::nothing && segment.wnd == 0) {
    canary.progress = Progress::window_closed;
  } else if (canary.progress == Progress::window_closed && !segment.payload.empty()) {
    canary.progress = Progress::text_came;
  } else if (canary.progress == Progress::text_came && segment.wnd != 0) {
    canary.progress = Progress::window_open;
  }
}

int rx(void* sut, std::uint64_t now, const std::uint8_t* packet, std::size_t size) {
  const auto parsed = parse_packet(as_bytes(packet, size));
  if (parsed.ok()) watch(*self(sut), parsed->tcp);
  return core().rx(self(sut)->core, now, packet, size);
}

long tx(void* sut, std::uint64_t now, std::uint8_t* packet, std::size_t cap) {
  const long size = core().tx(self(sut)->core, now, packet, cap);
  if (size <= 0 || self(sut)->progress != Progress::window_open) return size;
  const auto parsed = parse_packet(as_bytes(packet, static_cast<std::size_t>(size)));
  if (!parsed.ok() || parsed->tcp.payload.empty()) return size;
  std::vector<std::byte> payload(parsed->tcp.payload.begin(), parsed->tcp.payload.end());
  payload[0] ^= std::byte{0xFF};
  Segment segment = parsed->tcp;
  segment.payload = payload;
  const IpHeader ip{
      .src = parsed->ip.src, .dst = parsed->ip.dst, .hop_limit = parsed->ip.hop_limit, .id = parsed->ip.id};
  self(sut)->progress = Progress::done;
  return static_cast<long>(write_packet({reinterpret_cast<std::byte*>(packet), cap}, ip, segment));
}

int tick(void* sut, std::uint64_t now) { return core().tick(self(sut)->core, now); }
std::uint64_t next(void* sut, std::uint64_t now) { return core().next(self(sut)->core, now); }
int app(void* sut, const lastack_sut_call* call, lastack_sut_ret* ret) {
  return core().app(self(sut)->core, call, ret);
}
int info(void* sut, std::uint64_t now, std::int32_t conn, lastack_sut_info* out) {
  return core().info(self(sut)->core, now, conn, out);
}

}  // namespace

const lastack_sut_ops* canary_sut() {
  static const lastack_sut_ops kOps = {.abi = LASTACK_SUT_ABI,
                                       .size = sizeof(lastack_sut_ops),
                                       .name = "core",
                                       .version = "canary",
                                       .caps = core().caps,
                                       .profile = core().profile,
                                       .create = create,
                                       .destroy = destroy,
                                       .rx = rx,
                                       .tx = tx,
                                       .tick = tick,
                                       .next = next,
                                       .app = app,
                                       .info = info};
  return &kOps;
}

}  // namespace lastack::fuzz
