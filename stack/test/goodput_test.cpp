// Recovery between two hosts: every way of finding loss, with every controller, over links that lose, reorder, double,
// damage and delay, and over a path whose MTU falls; and the goodput that RFC 5681 and RFC 9438 promise at 1 % loss.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <ostream>

#include "stack/sim/transfer.h"
#include "stack/sim/world.h"
#include "stack/wire/checksum.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

HostConfig host_config(unsigned number, const Config& tcp) {
  HostConfig config;
  config.ip4 = IpAddress::v4(0xC000'0200U + number);
  config.ip6 = *IpAddress::parse("2001:db8::" + std::to_string(number));
  config.seed = number;
  config.tcp = tcp;
  config.tcp.msl = 1s;
  return config;
}

// The router before the narrow part of the path: what is lost on it for its size is reported (RFC 1191).
class NarrowPath final : public WireTap {
 public:
  NarrowPath(World& world, Node& sender) : world_(world), sender_(sender) {}
  void narrow(std::size_t mtu) { mtu_ = mtu; }
  void on_sent(Instant, NodeId from, Bytes packet, Fate) override {
    if (from != 0 || packet.size() <= mtu_) return;
    report_.assign(28, std::byte{0});
    report_.insert(report_.end(), packet.begin(), packet.begin() + 28);
    std::byte* const icmp = report_.data() + 20;
    store_u8(icmp, 3);
    store_u8(icmp + 1, 4);
    store_be16(icmp + 6, static_cast<std::uint16_t>(mtu_));
    store_be16(icmp + 2, internet_checksum({icmp, report_.size() - 20}));
    IpHeader outer;
    outer.src = IpAddress::v4(0xC000'02FEU);
    outer.dst = IpAddress::v4(0xC000'0201U);
    outer.protocol = kProtocolIcmp;
    write_ip_header(report_.data(), outer, report_.size() - 20);
  }
  void on_arrived(Instant, NodeId, Bytes) override {}
  // The report reaches the sender; true when there was one.
  bool deliver() {
    if (report_.empty()) return false;
    sender_.on_packet(world_.now(), report_);
    report_.clear();
    return true;
  }

 private:
  World& world_;
  Node& sender_;
  std::size_t mtu_ = 65535;
  std::vector<std::byte> report_;
};

struct Plan {
  Config tcp;
  LinkConfig there;
  LinkConfig back;
  std::uint64_t octets = 0;
  std::uint64_t seed = 1;
  std::size_t later_mtu = 0;  // after a third of the octets
};

struct Outcome {
  Duration text_time{0};  // until the last octet was read
  std::uint64_t packets = 0;
};

// One connection that carries `octets` one way and is closed by both ends.
class OneWay {
 public:
  explicit OneWay(const Plan& plan)
      : plan_(plan),
        client_end_(host_config(1, plan.tcp), Instant{}),
        server_end_(host_config(2, plan.tcp), Instant{}),
        client_(client_end_.host(), {.octets_to_send = plan.octets, .chunk = 16384}),
        server_(server_end_.host(), {.stream_out = 1, .stream_in = 0, .chunk = 16384, .close_after_peer = true}),
        path_(world_, client_end_) {
    world_.add(client_end_);
    world_.add(server_end_);
    world_.join(0, 1, plan.there, plan.back, plan.seed);
    world_.add_tap(path_);
    listener_ = *server_end_.host().listen(world_.now(), 80, 8);
    client_.attach(*client_end_.host().connect(world_.now(), 0, {host_config(2, plan.tcp).ip4, 80}));
    world_.flush(0);
  }

  Outcome run() {
    Outcome outcome;
    std::uint64_t most_at_once = 0;
    const bool finished = world_.run_while_not(
        [&] {
          most_at_once = std::max(most_at_once, world_.events_at_this_instant());
          users();
          if (outcome.text_time == Duration(0) && server_.received() == plan_.octets)
            outcome.text_time = world_.now() - Instant{};
          return gone();
        },
        Instant{} + 2h);
    EXPECT_TRUE(finished) << "received " << server_.received() << " of " << plan_.octets;
    EXPECT_EQ(client_.error() + server_.error(), "");
    EXPECT_EQ(server_.received(), plan_.octets);
    EXPECT_TRUE(client_.end_of_stream() && server_.end_of_stream());
    EXPECT_LT(most_at_once, 4000U);
    outcome.packets = world_.packets();
    return outcome;
  }

 private:
  void users() {
    if (!server_.attached()) {
      const auto accepted = server_end_.host().accept(listener_);
      if (accepted.ok()) server_.attach(*accepted);
    }
    if (plan_.later_mtu != 0 && server_.received() > plan_.octets / 3) {
      LinkConfig narrow = plan_.there;
      narrow.mtu = plan_.later_mtu;
      world_.link(0, 1).set_config(narrow);
      path_.narrow(plan_.later_mtu);
    }
    if (path_.deliver()) world_.flush(0);
    if (client_.run(world_.now())) world_.flush(0);
    if (server_.run(world_.now())) world_.flush(1);
  }
  bool gone() {
    return client_.closed() && server_.closed() && client_end_.host().state(client_.conn()) == State::closed &&
           server_end_.host().state(server_.conn()) == State::closed && world_.silent();
  }

  Plan plan_;
  HostNode client_end_, server_end_;
  Transfer client_, server_;
  World world_;
  NarrowPath path_;
  ConnId listener_ = ConnId::none;
};

struct Way {
  const char* name;
  bool sack;
  LossDetection detection;
  CongestionControl control;
  bool proportional_rate = true;
  friend std::ostream& operator<<(std::ostream& out, const Way& way) { return out << way.name; }
  Config config() const {
    Config config;
    config.sack = sack;
    config.loss_detection = detection;
    config.congestion = control;
    config.proportional_rate = proportional_rate;
    // At 20 % loss six time-outs in a row do happen, and R2's 100 s would end the connection, rightly.
    config.r2 = 1h;
    config.user_timeout = Duration(0);
    return config;
  }
};

constexpr Way kWays[] = {
    {"newreno", false, LossDetection::newreno, CongestionControl::reno},
    {"newreno_cubic", false, LossDetection::newreno, CongestionControl::cubic},
    {"rfc6675", true, LossDetection::rfc6675, CongestionControl::reno},
    {"rfc6675_without_prr", true, LossDetection::rfc6675, CongestionControl::reno, false},
    {"rack", true, LossDetection::rack, CongestionControl::reno},
    {"rack_cubic", true, LossDetection::rack, CongestionControl::cubic},
    {"rack_uncontrolled", true, LossDetection::rack, CongestionControl::none},
};

class EveryWay : public testing::TestWithParam<Way> {
 protected:
  void transfer(const LinkConfig& link, std::uint64_t octets, std::uint64_t seeds, std::size_t later_mtu = 0) {
    for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Plan plan;
      plan.tcp = GetParam().config();
      plan.there = plan.back = link;
      plan.octets = octets;
      plan.seed = seed;
      plan.later_mtu = later_mtu;
      OneWay(plan).run();
    }
  }
};

TEST_P(EveryWay, CarriesEveryOctetOverLossAndDelay) {
  for (const std::uint32_t loss : {0U, 10'000U, 50'000U, 200'000U}) {
    for (const Duration delay : {Duration(1ms), Duration(50ms), Duration(500ms)}) {
      SCOPED_TRACE("loss " + std::to_string(loss / 10'000) + " %, delay " +
                   std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(delay).count()) + " ms");
      transfer({.delay = delay, .loss_ppm = loss}, loss > 100'000 ? 60'000 : 300'000, 3);
    }
  }
}

TEST_P(EveryWay, CarriesEveryOctetOverReorderingDuplicationAndDamage) {
  transfer({.delay = 10ms, .reorder_ppm = 200'000, .reorder_delay = 15ms}, 300'000, 3);
  transfer({.delay = 10ms, .jitter = 40ms}, 300'000, 3);
  transfer({.delay = 10ms, .duplicate_ppm = 300'000}, 300'000, 3);
  transfer({.delay = 10ms, .corrupt_ppm = 50'000}, 300'000, 3);
  transfer({.delay = 20ms,
            .jitter = 10ms,
            .loss_ppm = 50'000,
            .duplicate_ppm = 50'000,
            .corrupt_ppm = 20'000,
            .reorder_ppm = 50'000,
            .reorder_delay = 60ms},
           300'000, 5);
}

TEST_P(EveryWay, CarriesEveryOctetWhereThePathNarrows) {
  transfer({.delay = 10ms}, 300'000, 2, 1000);
  transfer({.delay = 10ms, .loss_ppm = 20'000}, 300'000, 3, 600);
}

INSTANTIATE_TEST_SUITE_P(Recovery, EveryWay, testing::ValuesIn(kWays),
                         [](const auto& each) { return std::string(each.param.name); });

// RFC 9438 3.2, the response function of AIMD(1, 0.5) that is RFC 5681's: an average window of sqrt(1.5 / p) segments.
// At 50 ms and 1 % CUBIC's own function (5.1) asks for less, 3.5 segments, and 4.3 makes it do as well as Reno.
double model_octets_per_second(double loss, double rtt, double mss) { return std::sqrt(1.5 / loss) * mss / rtt; }

class Goodput : public testing::TestWithParam<Way> {};

TEST_P(Goodput, IsWithinTenPercentOfTheModelAtOnePercentLoss) {
  constexpr std::uint64_t kOctets = 8'000'000;
  Plan plan;
  plan.tcp = GetParam().config();
  plan.tcp.snd_buf = plan.tcp.rcv_buf = 1U << 20;
  plan.there = {.delay = 25ms, .loss_ppm = 10'000};
  plan.back = {.delay = 25ms};
  plan.octets = kOctets;
  double seconds = 0;
  constexpr std::uint64_t kSeeds = 4;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    plan.seed = seed;
    seconds += std::chrono::duration<double>(OneWay(plan).run().text_time).count();
    if (HasFailure()) return;
  }
  const double goodput = static_cast<double>(kOctets * kSeeds) / seconds;
  const double model = model_octets_per_second(0.01, 0.05, 1448);
  RecordProperty("percent_of_model", std::to_string(100 * goodput / model));
  std::printf("%-20s %.0f octets/s, %.0f %% of sqrt(1.5/p) MSS/RTT\n", GetParam().name, goodput, 100 * goodput / model);
  EXPECT_GE(goodput, 0.9 * model);
}

constexpr Way kControlled[] = {
    {"newreno", false, LossDetection::newreno, CongestionControl::reno},
    {"rfc6675", true, LossDetection::rfc6675, CongestionControl::reno},
    {"rack", true, LossDetection::rack, CongestionControl::reno},
    {"rfc6675_cubic", true, LossDetection::rfc6675, CongestionControl::cubic},
    {"rack_cubic", true, LossDetection::rack, CongestionControl::cubic},
};
INSTANTIATE_TEST_SUITE_P(Recovery, Goodput, testing::ValuesIn(kControlled),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace lastack
