// Two hosts over every kind of bad network: every octet arrives once and in order, both ways, both ends close, the
// exchange falls silent, and the same seed gives the same trace. A failure prints the seed's parameters and the end of
// the transcript.
#include "stack/sim/world.h"

#include <gtest/gtest.h>

#include <ostream>

#include "stack/sim/recorder.h"
#include "stack/sim/transfer.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

struct Case {
  const char* name;
  LinkConfig link;
  std::uint64_t octets;
  bool ipv6 = false;
  friend std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }
};

struct Result {
  std::uint64_t hash = 0;
  Instant end{};
  std::uint64_t packets = 0;
  std::uint64_t highest_burst = 0;
};

HostConfig host_config(unsigned number) {
  HostConfig config;
  config.ip4 = IpAddress::v4(0xC0000200U + number);
  config.ip6 = *IpAddress::parse("2001:db8::" + std::to_string(number));
  config.seed = number;
  config.tcp.msl = 1s;
  return config;
}

// Runs one whole connection: both sides send `octets`, the client closes when it has sent all, the server when it has
// seen that.
class Connection {
 public:
  Connection(const Case& c, std::uint64_t seed)
      : client_end_(host_config(1), Instant{}),
        server_end_(host_config(2), Instant{}),
        client_(client_end_.host(), {.octets_to_send = c.octets, .stream_out = 0, .stream_in = 1}),
        server_(server_end_.host(),
                {.octets_to_send = c.octets, .stream_out = 1, .stream_in = 0, .close_after_peer = true}) {
    world_.add(client_end_);
    world_.add(server_end_);
    world_.join(0, 1, c.link, c.link, seed);
    world_.add_tap(transcript_);
    const auto listener = server_end_.host().listen(world_.now(), 80, 8);
    EXPECT_TRUE(listener.ok());
    listener_ = *listener;
    const HostConfig to = host_config(2);
    const auto conn = client_end_.host().connect(world_.now(), 0, {c.ipv6 ? to.ip6 : to.ip4, 80});
    EXPECT_TRUE(conn.ok());
    client_.attach(*conn);
    world_.flush(0);
  }

  Result run() {
    Result result;
    const Instant limit = Instant{} + 4h;
    const bool finished = world_.run_while_not(
        [&] {
          result.highest_burst = std::max(result.highest_burst, world_.events_at_this_instant());
          users();
          return gone();
        },
        limit);
    EXPECT_TRUE(finished) << transcript_.text();
    EXPECT_EQ(client_.error(), "") << transcript_.text();
    EXPECT_EQ(server_.error(), "") << transcript_.text();
    EXPECT_EQ(client_.received(), server_.sent());
    EXPECT_EQ(server_.received(), client_.sent());
    EXPECT_TRUE(client_.end_of_stream() && server_.end_of_stream());
    EXPECT_TRUE(client_.all_sent() && server_.all_sent());
    result.hash = world_.trace_hash();
    result.end = world_.now();
    result.packets = world_.packets();
    return result;
  }

 private:
  void users() {
    if (!server_.attached()) {
      const auto accepted = server_end_.host().accept(listener_);
      if (accepted.ok()) server_.attach(*accepted);
    }
    if (client_.run(world_.now())) world_.flush(0);
    if (server_.run(world_.now())) world_.flush(1);
  }

  bool gone() {
    return client_.closed() && server_.closed() && client_end_.host().state(client_.conn()) == State::closed &&
           server_end_.host().state(server_.conn()) == State::closed && world_.silent();
  }

  HostNode client_end_, server_end_;
  Transfer client_, server_;
  World world_;
  Transcript transcript_;
  ConnId listener_ = ConnId::none;
};

class BadNetwork : public testing::TestWithParam<Case> {};

TEST_P(BadNetwork, EveryOctetOnceAndInOrderBothWaysAndBothEndsClose) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(std::string(GetParam().name) + ", seed " + std::to_string(seed));
    const Result result = Connection(GetParam(), seed).run();
    EXPECT_LT(result.highest_burst, 2000U) << "with the clock standing still, the exchange must fall silent";
    if (HasFailure()) return;
  }
}

TEST_P(BadNetwork, TheSameSeedGivesTheSameTrace) {
  const Result first = Connection(GetParam(), 99).run();
  const Result second = Connection(GetParam(), 99).run();
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_EQ(first.end, second.end);
  EXPECT_EQ(first.packets, second.packets);
}

constexpr std::uint64_t kSmall = 20'000, kLarge = 300'000;

INSTANTIATE_TEST_SUITE_P(
    World, BadNetwork,
    testing::Values(Case{"no_delay", {}, kLarge}, Case{"no_octets", {.delay = 10ms}, 0},
                    Case{"delay_1ms", {.delay = 1ms}, kLarge}, Case{"delay_500ms", {.delay = 500ms}, kLarge},
                    Case{"loss_1", {.delay = 25ms, .loss_ppm = 10'000}, kLarge},
                    Case{"loss_5", {.delay = 25ms, .loss_ppm = 50'000}, kLarge},
                    Case{"loss_20", {.delay = 5ms, .loss_ppm = 200'000}, kSmall},
                    Case{"loss_5_delay_500ms", {.delay = 500ms, .loss_ppm = 50'000}, kSmall},
                    Case{"reordering", {.delay = 10ms, .reorder_ppm = 200'000, .reorder_delay = 15ms}, kLarge},
                    Case{"jitter", {.delay = 10ms, .jitter = 40ms}, kLarge},
                    Case{"duplicates", {.delay = 10ms, .duplicate_ppm = 300'000}, kLarge},
                    Case{"corruption", {.delay = 10ms, .corrupt_ppm = 50'000}, kLarge},
                    Case{"everything",
                         {.delay = 20ms,
                          .jitter = 10ms,
                          .loss_ppm = 50'000,
                          .duplicate_ppm = 50'000,
                          .corrupt_ppm = 20'000,
                          .reorder_ppm = 50'000,
                          .reorder_delay = 60ms},
                         kLarge},
                    Case{"everything_ipv6",
                         {.delay = 20ms,
                          .jitter = 10ms,
                          .loss_ppm = 50'000,
                          .duplicate_ppm = 50'000,
                          .corrupt_ppm = 20'000,
                          .reorder_ppm = 50'000,
                          .reorder_delay = 60ms},
                         kLarge,
                         true},
                    Case{"slow_link", {.delay = 10ms, .rate_bps = 1'000'000, .queue_octets = 30'000}, kLarge}),
    [](const testing::TestParamInfo<Case>& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace lastack
