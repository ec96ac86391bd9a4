// Runs a program of kind `world`: two stacks through the C ABI, one connection between them, and a network that loses,
// doubles, damages and holds back packets as the steps say: hostile, but fair, because what it loses is bounded. A
// judge sits at each end.
#pragma once

#include <array>
#include <memory>

#include "fuzz/machine.h"
#include "stack/sim/world.h"

namespace lastack::fuzz {

RunResult run_world(const Program& program, const RunOptions& options);

// A stack behind the C ABI as an endpoint of the simulator.
class SutNode final : public Node {
 public:
  SutNode(Sut& sut, const IpAddress& ip4, const IpAddress& ip6) : sut_(sut), ip4_(ip4), ip6_(ip6) {}
  void on_packet(Instant now, Bytes packet) override { sut_.rx(us_from_instant(now), packet); }
  void on_timeout(Instant now) override { sut_.tick(us_from_instant(now)); }
  std::size_t poll_transmit(Instant now, MutableBytes out) override { return sut_.tx(us_from_instant(now), out); }
  std::optional<Instant> next_timeout(Instant now) override;
  bool owns(const IpAddress& address) const override { return address == ip4_ || address == ip6_; }

 private:
  Sut& sut_;
  IpAddress ip4_, ip6_;
};

class WorldMachine final : public WireTap {
 public:
  WorldMachine(const Program& program, const RunOptions& options);
  RunResult run();

  void on_sent(Instant now, NodeId from, Bytes packet, Fate fate) override;
  void on_arrived(Instant now, NodeId to, Bytes packet) override;

 private:
  // More losses than this in one run could legally end the connection: R2 is at least 100 s (RFC 9293 MUST-23), and the
  // default user timeout of five minutes (3.9.1) is five probes of a closed window.
  static constexpr int kMaxLosses = 3;
  static constexpr std::uint64_t kMaxEventsAtOnce = 20'000;
  static constexpr std::uint64_t kMaxEvents = 200'000;
  static constexpr std::uint16_t kClientPort = 4000;

  struct End {
    std::unique_ptr<Sut> sut;
    std::unique_ptr<SutNode> endpoint;
    std::unique_ptr<Judge> judge;
    std::size_t findings_seen = 0;
    std::int32_t listener = -1;
    std::int32_t conn = -1;
    std::uint64_t given = 0;      // octets that SEND took
    std::uint64_t delivered = 0;  // octets that RECEIVE gave
    bool end_of_stream = false;
    bool shut = false;
    std::int32_t state = LASTACK_CLOSED;
  };

  bool failed() const { return failure_.has_value(); }
  void fail(Oracle oracle, const std::string& text);
  std::uint64_t now_us() const { return us_from_instant(world_.now()); }
  void create(std::size_t index, const lastack_sut_ops& ops);
  void open();
  void step(const Step& step);
  void set_fate(const Step& step);
  void set_option(const Step& step);
  void run_events(unsigned count);
  void advance(TimeChoice choice);
  void one_event();
  void send(std::size_t index, std::uint32_t octets, std::uint32_t flags);
  bool receive(std::size_t index, std::uint32_t octets);
  void finish(std::size_t index, Finish how);
  int call(std::size_t index, const lastack_sut_call& call, lastack_sut_ret& ret);
  void accept();
  void watch();
  void epilogue();
  bool opening(std::size_t index);
  bool gone(std::size_t index);
  void check_end();

  const Program& program_;
  RunOptions options_;
  bool ipv6_;
  World world_{Instant(std::chrono::seconds(1))};
  std::array<End, 2> ends_;
  int losses_ = 0;
  bool tainted_ = false;  // CLOSE with unread octets, ABORT: loss of octets is legal
  std::uint64_t most_octets_ = 65'536;
  std::uint64_t events_ = 0;
  int step_index_ = -1;
  std::optional<Failure> failure_;
  std::string error_;
  std::vector<std::byte> user_;
};

}  // namespace lastack::fuzz
