// Header prediction changes no octet and no event of connections that are mostly beginning and end: many short ones,
// each ended in another way, over good and bad networks.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stack/sim/recorder.h"
#include "stack/sim/world.h"
#include "stack/test/two_cores.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;
using namespace test;

constexpr unsigned kConnections = 36;
constexpr std::uint16_t kFirstPort = 5000;
constexpr unsigned kEndings = 7;

HostConfig short_lived(unsigned number, const Config& choices, bool prediction) {
  HostConfig config = one_of_two_hosts(number, choices);
  config.tcp.msl = 2s;
  config.header_prediction = prediction;
  return config;
}

struct Story {
  std::uint64_t hash = 0;
  std::uint64_t packets = 0;
  std::size_t left = 0;  // connections whose RST was lost
  std::string events;
  Transcript transcript;
};

// Two hosts, and the users of all connections between them. Which of the endings a connection has follows from its
// client's port.
class Churn {
 public:
  Churn(const Config& choices, const LinkConfig& link, std::uint64_t seed, bool prediction)
      : to_{short_lived(2, choices, prediction).ip4, 80},
        client_(short_lived(1, choices, prediction), Instant{}),
        server_(short_lived(2, choices, prediction), Instant{}) {
    world_.add(client_);
    world_.add(server_);
    world_.join(0, 1, link, link, seed);
    world_.add_tap(transcript_);
    (void)server_.host().listen(world_.now(), 80, 5);
  }

  Story run() {
    for (unsigned i = 0; i < kConnections; ++i) {
      (void)client_.host().connect(world_.now(), static_cast<std::uint16_t>(kFirstPort + i), to_);
      go_on(world_.now() + (i % 3 == 0 ? 0ms : 25ms));
    }
    go_on(world_.now() + 20min);
    const std::size_t left = client_.host().connections() + server_.host().connections();
    return {world_.trace_hash(), world_.packets(), left, events_, std::move(transcript_)};
  }

 private:
  void go_on(Instant until) {
    settle();
    for (auto next = world_.next_event(); next && *next <= until; next = world_.next_event()) {
      world_.step();
      settle();
    }
    world_.run_until(until);
  }
  // The users take what the hosts tell, until there is nothing.
  void settle() {
    world_.flush(0);
    world_.flush(1);
    for (bool acted = true; acted;) {
      acted = false;
      while (const auto event = client_.host().poll_event()) acted = take(client_.host(), *event, false) || acted;
      while (const auto event = server_.host().poll_event()) acted = take(server_.host(), *event, true) || acted;
      world_.flush(0);
      world_.flush(1);
    }
  }
  bool take(Host& host, const Event& event, bool at_server) {
    events_ += std::to_string(world_.now().time_since_epoch().count()) + (at_server ? " S " : " C ") +
               std::to_string(static_cast<int>(event.conn)) + " " + std::to_string(static_cast<int>(event.kind)) + "\n";
    if (event.kind == Event::Kind::acceptable) {
      while (const auto accepted = host.accept(event.conn)) begin(host, *accepted, true);
      return true;
    }
    if (event.kind == Event::Kind::connected && !at_server) begin(host, event.conn, false);
    if (event.kind == Event::Kind::readable) read(host, event.conn, at_server);
    if (event.kind == Event::Kind::peer_closed) end(host, event.conn, at_server);
    if (event.kind >= Event::Kind::reset) (void)host.close(world_.now(), event.conn);
    return true;
  }
  unsigned ending(const Host& host, ConnId conn, bool at_server) const {
    if (at_server) return (host.remote(conn).port - kFirstPort) % kEndings;
    return (static_cast<unsigned>(conn) - 1U) % kEndings;  // the client's handles count from 1, as its ports do
  }
  void send(Host& host, ConnId conn, std::size_t octets) {
    (void)host.send(world_.now(), conn, std::vector<std::byte>(octets, std::byte{7}));
  }
  void begin(Host& host, ConnId conn, bool at_server) {
    const unsigned how = ending(host, conn, at_server);
    if (at_server) {
      if (how == 1 || how == 2 || how == 4) (void)host.close(world_.now(), conn);
      if (how == 6) (void)host.abort(world_.now(), conn);
      return;
    }
    if (how == 0) send(host, conn, 200);
    if (how == 4) send(host, conn, 3000);
    if (how == 5) send(host, conn, 1);
    if (how == 5) (void)host.shutdown(world_.now(), conn);
    if (how == 0 || how == 2 || how == 4) (void)host.close(world_.now(), conn);
    if (how == 3) (void)host.abort(world_.now(), conn);
  }
  void read(Host& host, ConnId conn, bool at_server) {
    if (at_server && ending(host, conn, at_server) == 4) return;
    std::vector<std::byte> text(500);
    (void)host.receive(world_.now(), conn, text);
  }
  void end(Host& host, ConnId conn, bool at_server) {
    if (at_server && ending(host, conn, at_server) == 5) send(host, conn, 500);
    (void)host.close(world_.now(), conn);
  }

  SocketAddress to_;
  World world_;
  HostNode client_;
  HostNode server_;
  Transcript transcript_;
  std::string events_;
};

std::vector<Choice> choices_of_churn() {
  Choices all;
  all.add("without_mss").send_mss = false;
  Config& everything = all.add("ecn_and_user_timeout");
  everything.ecn = everything.keepalive = everything.user_timeout_option = true;
  everything.rcv_buf = 400'000;
  everything.dscp = 10;
  Config& limits = all.add("short_timers");
  limits.user_timeout = 500ms;
  limits.window_shift = 3;
  limits.reset_on_unread_close = limits.time_wait_restart = limits.delayed_ack = false;
  Config& fragments = all.add("no_path_mtu_discovery");
  fragments.path_mtu_discovery = false;
  fragments.repeat_syn_ack = true;
  return std::move(all).with_bare();
}

class ShortConnections : public testing::TestWithParam<Network> {};

TEST_P(ShortConnections, HaveTheSameStoryWithoutPrediction) {
  for (const Choice& choice : choices_of_churn()) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE(std::string(choice.name) + ", seed " + std::to_string(seed));
      const Story with = Churn(choice.config, GetParam().link, seed, true).run();
      const Story without = Churn(choice.config, GetParam().link, seed, false).run();
      EXPECT_GT(with.packets, 7 * kConnections / 2);
      EXPECT_EQ(with.packets, without.packets);
      EXPECT_EQ(with.hash, without.hash);
      EXPECT_EQ(with.events, without.events);
      EXPECT_EQ(with.left, without.left);
      if (!HasFailure()) continue;
      ADD_FAILURE() << where_they_part(with.transcript.text(), without.transcript.text());
      return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, ShortConnections,
                         testing::Values(Network{"no_delay", {}}, Network{"delay", {.delay = 20ms}},
                                         Network{"loss", {.delay = 20ms, .loss_ppm = 8 * kPercent}},
                                         Network{"reordering",
                                                 {.delay = 10ms, .reorder_ppm = 20 * kPercent, .reorder_delay = 15ms}},
                                         Network{"duplicates", {.delay = 10ms, .duplicate_ppm = 30 * kPercent}},
                                         Network{"corruption", {.delay = 10ms, .corrupt_ppm = 8 * kPercent}}),
                         name_of<testing::TestParamInfo<Network>>);

}  // namespace
}  // namespace lastack
