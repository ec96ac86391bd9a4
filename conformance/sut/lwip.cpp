// lwIP (the distribution's shared library, untouched) as a stack under test: lastack_sut.h around lwip_stack.h.
// Says what this build of lwIP can do and which wishes it cannot honour; the protocol is all lwIP's.
#include <lwip/init.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <string>

#include "conformance/sut/lwip_stack.h"

namespace {

using lastack::lwip::Choices;
using lastack::lwip::LibraryMemory;
using lastack::lwip::Stack;

void say(char* error, std::size_t size, const std::string& text) {
  if (error != nullptr && size > 0) std::snprintf(error, size, "%s", text.c_str());
}

// Reads "name=value,name=value". Standard names that lwIP has no choice in go to `ignored`. Returns what is wrong, or
// "".
std::string read_options(const char* text, Choices* choices, std::string* ignored) {
  std::string rest = text != nullptr ? text : "";
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string item = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    const std::size_t equals = item.find('=');
    const std::string name = item.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : item.substr(equals + 1);
    const bool has = name == "window_scale";  // compiled in: always offered; the others are compiled out
    const bool compiled = has || name == "timestamps" || name == "sack" || name == "ecn";
    if (!compiled && name != "delayed_ack" && name != "nagle" && name != "hop_limit" && name != "dscp") {
      return "unknown option '" + name + "'";
    }
    const unsigned maximum = name == "hop_limit" ? 255 : name == "dscp" ? 63 : 1;
    unsigned number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || number > maximum) {
      return "option '" + name + "' needs a value from 0 to " + std::to_string(maximum);
    }
    const bool on = number != 0;
    if (name == "delayed_ack") choices->delayed_ack = on;
    if (name == "nagle") choices->nagle = on;
    if (name == "hop_limit") choices->hop_limit = static_cast<std::uint8_t>(number);
    if (name == "dscp") choices->traffic_class = static_cast<std::uint8_t>(number << 2);
    if (compiled && on != has) *ignored += (ignored->empty() ? "" : ",") + name;
  }
  return "";
}

void* create(const lastack_sut_cfg* cfg, char* error, std::size_t error_size) {
  say(error, error_size, "");
  if (cfg == nullptr || cfg->size != sizeof(lastack_sut_cfg))
    return say(error, error_size, "not an ABI 1 configuration"), nullptr;
  const char* reason = nullptr;
  const LibraryMemory* memory = LibraryMemory::find(&reason);
  if (memory == nullptr) return say(error, error_size, reason), nullptr;
  Choices choices;
  std::string ignored;
  const std::string wrong = read_options(cfg->options, &choices, &ignored);
  if (!wrong.empty()) return say(error, error_size, wrong), nullptr;
  if (cfg->rcv_buf != 0 && cfg->rcv_buf != TCP_WND) {
    return say(error, error_size,
               "unsupported: lwIP's receive buffer is fixed when it is compiled: " + std::to_string(TCP_WND)),
           nullptr;
  }
  if (cfg->msl_ms != 0 && cfg->msl_ms != TCP_MSL) {
    return say(error, error_size,
               "unsupported: lwIP's MSL is fixed when it is compiled: " + std::to_string(TCP_MSL) + " ms"),
           nullptr;
  }
  if (cfg->snd_buf > TCP_SND_BUF) {
    return say(error, error_size, "unsupported: lwIP's send buffer is at most " + std::to_string(TCP_SND_BUF)), nullptr;
  }
  choices.snd_buf = cfg->snd_buf;
  auto stack = std::make_unique<Stack>(memory, *cfg, choices);
  if (!stack->start())
    return say(error, error_size, "the lwIP library in this process is not the one that the adapter was built for"),
           nullptr;
  say(error, error_size, ignored);
  return stack.release();
}

void destroy(void* sut) { delete static_cast<Stack*>(sut); }

Stack* enter(void* sut, std::uint64_t now_us) {
  auto* stack = static_cast<Stack*>(sut);
  stack->enter(now_us);
  return stack;
}

int rx(void* sut, std::uint64_t now_us, const std::uint8_t* packet, std::size_t len) {
  enter(sut, now_us)->receive(packet, len);
  return LASTACK_OK;
}

long tx(void* sut, std::uint64_t now_us, std::uint8_t* packet, std::size_t cap) {
  return enter(sut, now_us)->transmit(packet, cap);
}

int tick(void* sut, std::uint64_t now_us) {
  enter(sut, now_us)->run_timers();
  return LASTACK_OK;
}

std::uint64_t next(void* sut, std::uint64_t now_us) { return enter(sut, now_us)->next_timer(); }

int app(void* sut, const lastack_sut_call* call, lastack_sut_ret* ret) {
  if (call == nullptr || ret == nullptr || call->size != sizeof *call || ret->size != sizeof *ret)
    return LASTACK_INTERNAL;
  *ret = {};
  ret->size = sizeof *ret;
  ret->conn = -1;
  return enter(sut, call->now_us)->user_call(*call, ret);
}

int info(void* sut, std::uint64_t now_us, std::int32_t conn, lastack_sut_info* out) {
  if (out == nullptr || out->size != sizeof *out) return LASTACK_INTERNAL;
  return enter(sut, now_us)->info(conn, out);
}

// No simultaneous open: lwIP ignores a SYN without ACK in SYN-SENT.
constexpr std::uint64_t kCaps = LASTACK_CAP_VIRTUAL_TIME | LASTACK_CAP_SET_ISS | LASTACK_CAP_INFO | LASTACK_CAP_IPV6 |
                                LASTACK_CAP_WINDOW_SCALE | LASTACK_CAP_DETERMINISTIC | LASTACK_CAP_MULTI;

const lastack_sut_ops kOps = {
    .abi = LASTACK_SUT_ABI,
    .size = sizeof(lastack_sut_ops),
    .name = "lwip",
    .version = LWIP_VERSION_STRING,
    .caps = kCaps,
    .profile = "msl_ms=60000,delayed_ack_ms=250,rcv_buf=65535,timer_granularity_ms=500,backlog=unlimited",
    .create = create,
    .destroy = destroy,
    .rx = rx,
    .tx = tx,
    .tick = tick,
    .next = next,
    .app = app,
    .info = info,
};

}  // namespace

extern "C" __attribute__((visibility("default"))) const lastack_sut_ops* lastack_lwip_sut_entry(std::uint32_t abi) {
  return abi == LASTACK_SUT_ABI ? &kOps : nullptr;
}
