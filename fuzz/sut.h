// A stack under test through the C ABI, as the fuzz programs use it: loading, one instance with RAII, and calls with
// their boilerplate filled in. It adds no behaviour.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "conformance/sut/lastack_sut.h"
#include "stack/base/bytes.h"
#include "stack/wire/ip_address.h"

namespace lastack::fuzz {

// "core" or "so:PATH"; nullptr with a reason when it cannot be had. A loaded library stays for the life of the process.
const lastack_sut_ops* load_sut(const std::string& name, std::string& error);
// The stack that the environment variable names, the core without one. Exits with status 6 when it cannot be had.
const lastack_sut_ops* sut_from_environment(const char* variable);

// The addresses of the programs' world: the stack (or the first of two) and its peer.
IpAddress local_address(bool ipv6);
IpAddress peer_address(bool ipv6);
lastack_sut_addr to_sut_addr(const IpAddress& ip, std::uint16_t port);

inline constexpr std::uint64_t kNever = UINT64_MAX;

class Sut {
 public:
  // `options` as of lastack_sut_cfg. Check ok() before anything else.
  Sut(const lastack_sut_ops& ops, lastack_sut_cfg config, const std::string& options);
  ~Sut();
  Sut(const Sut&) = delete;
  Sut& operator=(const Sut&) = delete;

  bool ok() const { return handle_ != nullptr; }
  const std::string& error() const { return error_; }
  bool can(std::uint64_t capability) const { return (ops_.caps & capability) != 0; }
  // Some call has been answered LASTACK_INTERNAL, which ends the run.
  bool broken() const { return broken_; }

  void rx(std::uint64_t now, Bytes packet) { note(ops_.rx(handle_, now, raw(packet), packet.size())); }
  std::size_t tx(std::uint64_t now, MutableBytes out);
  void tick(std::uint64_t now) { note(ops_.tick(handle_, now)); }
  std::uint64_t next(std::uint64_t now) { return ops_.next(handle_, now); }
  bool info(std::uint64_t now, std::int32_t conn, lastack_sut_info& out);

  // Any call; the result code is returned, the rest is in `ret`.
  int app(const lastack_sut_call& call, lastack_sut_ret& ret);
  static lastack_sut_call call(std::uint64_t now, lastack_app_op op, std::int32_t conn = -1);

 private:
  static const std::uint8_t* raw(Bytes b) { return reinterpret_cast<const std::uint8_t*>(b.data()); }
  void note(int result) { broken_ = broken_ || result == LASTACK_INTERNAL; }

  const lastack_sut_ops& ops_;
  void* handle_ = nullptr;
  std::string error_;
  bool broken_ = false;
};

}  // namespace lastack::fuzz
