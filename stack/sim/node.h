// What the simulator needs of a stack: packets in, packets out, timers. One small virtual interface, so that the same
// world can run our Host, and any stack behind the C ABI beside it.
#pragma once

#include <optional>

#include "stack/base/bytes.h"
#include "stack/base/check.h"
#include "stack/base/time.h"
#include "stack/host/host.h"
#include "stack/wire/ip_address.h"

namespace lastack {

class Node {
 public:
  virtual ~Node() = default;
  virtual void on_packet(Instant now, Bytes packet) = 0;
  virtual void on_timeout(Instant now) = 0;
  virtual std::size_t poll_transmit(Instant now, MutableBytes out) = 0;
  virtual std::optional<Instant> next_timeout(Instant now) = 0;
  virtual bool owns(const IpAddress& address) const = 0;
};

class HostNode final : public Node {
 public:
  HostNode(const HostConfig& config, Instant now) : config_(config), host_(config, now) {}
  void on_packet(Instant now, Bytes packet) override { host_.on_packet(now, packet); }
  void on_timeout(Instant now) override { host_.on_timeout(now); }
  std::size_t poll_transmit(Instant now, MutableBytes out) override {
    const bool any = host_.has_output(now);
    const std::size_t size = host_.poll_transmit(now, out);
    LASTACK_CHECK(any || size == 0);  // what has_output promises
    return size;
  }
  std::optional<Instant> next_timeout(Instant) override { return host_.next_timeout(); }
  bool owns(const IpAddress& address) const override { return address == config_.ip4 || address == config_.ip6; }
  Host& host() { return host_; }

 private:
  HostConfig config_;
  Host host_;
};

}  // namespace lastack
