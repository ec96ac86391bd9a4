// Implementation of sut.h.
#include "fuzz/sut.h"

#include <dlfcn.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// The built-in core behind the C ABI (conformance/sut/core.cpp).
extern "C" const lastack_sut_ops* lastack_core_sut_entry(std::uint32_t abi);

namespace lastack::fuzz {

const lastack_sut_ops* load_sut(const std::string& name, std::string& error) {
  const lastack_sut_ops* ops = nullptr;
  if (name == "core") {
    ops = lastack_core_sut_entry(LASTACK_SUT_ABI);
  } else if (name.rfind("so:", 0) == 0) {
    void* library = dlopen(name.substr(3).c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      error = dlerror();
      return nullptr;
    }
    const auto entry = reinterpret_cast<lastack_sut_entry_fn>(dlsym(library, "lastack_sut_entry"));
    if (entry == nullptr) {
      error = name + " exports no lastack_sut_entry";
      return nullptr;
    }
    ops = entry(LASTACK_SUT_ABI);
  } else {
    error = "unknown stack '" + name + "': use core or so:PATH";
    return nullptr;
  }
  if (ops == nullptr || ops->abi != LASTACK_SUT_ABI || ops->size < sizeof(lastack_sut_ops)) {
    error = name + " does not speak version " + std::to_string(LASTACK_SUT_ABI) + " of the contract";
    return nullptr;
  }
  return ops;
}

const lastack_sut_ops* sut_from_environment(const char* variable) {
  const char* name = std::getenv(variable);
  std::string error;
  const lastack_sut_ops* ops = load_sut(name == nullptr ? "core" : name, error);
  if (ops != nullptr) return ops;
  std::fprintf(stderr, "%s: %s\n", variable, error.c_str());
  std::exit(6);
}

IpAddress local_address(bool ipv6) {
  static const IpAddress kV4 = *IpAddress::parse("192.0.2.1"), kV6 = *IpAddress::parse("2001:db8::1");
  return ipv6 ? kV6 : kV4;
}

IpAddress peer_address(bool ipv6) {
  static const IpAddress kV4 = *IpAddress::parse("192.0.2.2"), kV6 = *IpAddress::parse("2001:db8::2");
  return ipv6 ? kV6 : kV4;
}

lastack_sut_addr to_sut_addr(const IpAddress& ip, std::uint16_t port) {
  lastack_sut_addr addr{};
  addr.family = ip.version == IpVersion::v4 ? 4 : 6;
  std::memcpy(addr.ip, ip.octets.data(), ip.size());
  addr.port = port;
  return addr;
}

Sut::Sut(const lastack_sut_ops& ops, lastack_sut_cfg config, const std::string& options) : ops_(ops) {
  config.size = sizeof config;
  config.options = options.c_str();
  std::array<char, 256> error{};
  handle_ = ops_.create(&config, error.data(), error.size());
  if (handle_ == nullptr) error_ = error.data();
}

Sut::~Sut() {
  if (handle_ != nullptr) ops_.destroy(handle_);
}

std::size_t Sut::tx(std::uint64_t now, MutableBytes out) {
  const long size = ops_.tx(handle_, now, reinterpret_cast<std::uint8_t*>(out.data()), out.size());
  if (size < 0 || static_cast<std::size_t>(size) > out.size()) {
    broken_ = true;
    return 0;
  }
  return static_cast<std::size_t>(size);
}

bool Sut::info(std::uint64_t now, std::int32_t conn, lastack_sut_info& out) {
  if (ops_.info == nullptr || !can(LASTACK_CAP_INFO)) return false;
  out = lastack_sut_info{};
  out.size = sizeof out;
  const int result = ops_.info(handle_, now, conn, &out);
  note(result);
  return result == LASTACK_OK;
}

int Sut::app(const lastack_sut_call& call, lastack_sut_ret& ret) {
  ret = lastack_sut_ret{};
  ret.size = sizeof ret;
  ret.conn = -1;
  const int result = ops_.app(handle_, &call, &ret);
  note(result);
  return result;
}

lastack_sut_call Sut::call(std::uint64_t now, lastack_app_op op, std::int32_t conn) {
  lastack_sut_call call{};
  call.size = sizeof call;
  call.now_us = now;
  call.op = op;
  call.conn = conn;
  return call;
}

}  // namespace lastack::fuzz
