// A stack that keeps its state in global variables and breaks the contract on request: what the tests of serve.cpp run
// against. An option of create (or the first octet of a packet) says how to break; without one it answers every packet
// with two octets: how often this process has created a stack, and the packet's first octet.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>

#include "conformance/sut/lastack_sut.h"

namespace {

int g_created = 0;  // the global state that must not leak from one test into the next
std::string g_fault;
std::deque<std::string> g_out;

void* create(const lastack_sut_cfg* cfg, char* error, size_t size) {
  ++g_created;
  g_out.clear();
  g_fault = cfg->options;
  error[0] = '\0';
  if (g_fault == "silent") return nullptr;
  if (g_fault == "cannot") std::snprintf(error, size, "unsupported: not on this machine");
  if (g_fault == "refuse") std::snprintf(error, size, "unknown option 'refuse'");
  if (g_fault == "ignore") std::snprintf(error, size, "sack,ecn");
  return g_fault == "cannot" || g_fault == "refuse" ? nullptr : &g_created;
}

void destroy(void*) {}

int rx(void*, uint64_t, const uint8_t* packet, size_t len) {
  const char first = len > 0 ? static_cast<char>(packet[0]) : '\0';
  if (g_fault == "abort") std::abort();
  if (g_fault == "segv") std::raise(SIGSEGV);
  if (g_fault == "exit") std::_Exit(3);
  if (g_fault == "result") return 7;
  g_out.push_back({static_cast<char>(g_created), first});
  return LASTACK_OK;
}

long tx(void*, uint64_t, uint8_t* packet, size_t cap) {
  if (g_fault == "endless") return 1;
  if (g_fault == "long") return static_cast<long>(cap) + 1;
  if (g_fault == "negative") return LASTACK_INTERNAL;
  if (g_out.empty()) return 0;
  const std::string front = g_out.front();
  g_out.pop_front();
  std::memcpy(packet, front.data(), front.size());
  return static_cast<long>(front.size());
}

int tick(void*, uint64_t) { return LASTACK_OK; }
uint64_t next(void*, uint64_t now) { return g_fault == "timer" ? now + 5 : UINT64_MAX; }

int app(void*, const lastack_sut_call* call, lastack_sut_ret* ret) {
  if (g_fault == "words") std::memset(ret->error, 0xff, sizeof ret->error);  // neither text nor terminated
  if (g_fault == "greedy") ret->count = call->cap + 1;
  if (g_fault == "words") return LASTACK_ERROR;
  return call->op == LASTACK_APP_RECV ? LASTACK_OK : LASTACK_UNSUPPORTED;
}

int info(void*, uint64_t, int32_t, lastack_sut_info* out) {
  out->valid = LASTACK_INFO_STATE;
  out->state = g_fault == "state" ? 99 : LASTACK_LISTEN;
  return LASTACK_OK;
}

const lastack_sut_ops kOps = {LASTACK_SUT_ABI,
                              sizeof(lastack_sut_ops),
                              "fault",
                              "1",
                              LASTACK_CAP_VIRTUAL_TIME | LASTACK_CAP_INFO,
                              nullptr,
                              create,
                              destroy,
                              rx,
                              tx,
                              tick,
                              next,
                              app,
                              info};

}  // namespace

extern "C" __attribute__((visibility("default"))) const lastack_sut_ops* lastack_sut_entry(uint32_t abi) {
  return abi == LASTACK_SUT_ABI ? &kOps : nullptr;
}
