// Header prediction changes no octet: the same traffic with it and without it gives the same packets at the same times,
// and leaves the same variables after every packet, over good and bad networks, with every option on and off; and it is
// really taken where it should be.
#include "stack/tcp/expected.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>
#include <vector>

#include "stack/sim/recorder.h"
#include "stack/sim/transfer.h"
#include "stack/sim/world.h"
#include "stack/tcp/control.h"
#include "stack/tcp/steady.h"
#include "stack/test/books.h"
#include "stack/test/two_cores.h"
#include "stack/wire/common.h"
#include "stack/wire/syn.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;
using namespace test;

struct Traffic {
  std::uint64_t hash = 0;
  std::uint64_t packets = 0;
  std::uint64_t common = 0;  // as header prediction asks for
  Instant end{};
  Transcript transcript;
  std::uint64_t pushes = 0;  // that the users were told of
  std::vector<Books::Value> books;
};

class CountCommon : public WireTap {
 public:
  void on_sent(Instant, NodeId, Bytes packet, Fate) override {
    if (CommonSegment common; common.look_at(packet)) ++count;
  }
  void on_arrived(Instant, NodeId, Bytes) override {}
  std::uint64_t count = 0;
};

HostConfig predicting(unsigned number, const Config& choices, bool prediction) {
  HostConfig config = one_of_two_hosts(number, choices);
  config.tcp.msl = 1s;
  config.header_prediction = prediction;
  return config;
}

// One connection, text both ways (the server sends a third), until both ends are gone or an hour has passed.
Traffic run(const Config& choices, const LinkConfig& link, std::uint64_t seed, bool v6, bool prediction) {
  World world;
  HostNode client_end(predicting(1, choices, prediction), Instant{});
  HostNode server_end(predicting(2, choices, prediction), Instant{});
  const std::size_t chunk = seed % 2 == 0 ? 4096 : 700;
  Transfer client(client_end.host(), {.octets_to_send = 100'000, .stream_out = 0, .stream_in = 1, .chunk = chunk});
  Transfer server(
      server_end.host(),
      {.octets_to_send = 40'000, .stream_out = 1, .stream_in = 0, .chunk = chunk, .close_after_peer = true});
  Transcript transcript;
  CountCommon common;
  Books books;
  world.add(client_end);
  world.add(server_end);
  world.join(0, 1, link, link, seed);
  world.add_tap(transcript);
  world.add_tap(common);
  world.add_tap(books);
  const auto listener = server_end.host().listen(world.now(), 80, 8);
  const HostConfig to = predicting(2, choices, prediction);
  const auto conn = client_end.host().connect(world.now(), 0, {v6 ? to.ip6 : to.ip4, 80});
  EXPECT_TRUE(listener.ok() && conn.ok());
  client.attach(*conn);
  books.watch(0, client_end.host(), *conn);
  world.flush(0);
  (void)world.run_while_not(
      [&] {
        if (!server.attached()) {
          if (const auto accepted = server_end.host().accept(*listener)) {
            server.attach(*accepted);
            books.watch(1, server_end.host(), *accepted);
          }
        }
        if (client.run(world.now())) world.flush(0);
        if (server.run(world.now())) world.flush(1);
        return client.closed() && server.closed() && world.silent();
      },
      Instant{} + 1h);
  EXPECT_EQ(client.error() + server.error(), "");
  return {world.trace_hash(),     world.packets(),
          common.count,           world.now(),
          std::move(transcript),  client.pushes() + server.pushes(),
          std::move(books.values)};
}

std::vector<Choice> choices_of_traffic() {
  Choices all;
  all.add("no_sack").sack = false;
  all.add("no_timestamps").timestamps = false;
  Config& cubic = all.add("cubic");
  cubic.congestion = CongestionControl::cubic;
  cubic.loss_detection = LossDetection::rfc6675;
  Config& small = all.add("small_windows");
  small.snd_buf = 9000;
  small.rcv_buf = 5000;
  Config& large = all.add("large_windows");
  large.snd_buf = large.rcv_buf = 400'000;
  Config& ecn = all.add("ecn");
  ecn.ecn = true;
  Config& timers = all.add("keepalive_and_user_timeout");
  timers.keepalive = timers.user_timeout_option = true;
  timers.keepalive_idle = 1s;
  Config& marks = all.add("marked_and_pushed");
  marks.push_always = true;
  marks.dscp = 10;
  marks.hop_limit = 3;
  Config& fragments = all.add("no_path_mtu_discovery");
  fragments.path_mtu_discovery = false;
  fragments.delayed_ack = false;
  return std::move(all).with_bare();
}

class Prediction : public testing::TestWithParam<Network> {};

TEST_P(Prediction, ChangesNothing) {
  for (const Choice& choice : choices_of_traffic()) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(std::string(choice.name) + ", seed " + std::to_string(seed));
      const bool v6 = seed % 4 == 3;
      const Traffic with = run(choice.config, GetParam().link, seed, v6, true);
      const Traffic without = run(choice.config, GetParam().link, seed, v6, false);
      EXPECT_EQ(with.packets, without.packets);
      EXPECT_EQ(with.end, without.end);
      EXPECT_EQ(with.hash, without.hash);
      EXPECT_EQ(with.pushes, without.pushes);
      EXPECT_GT(with.pushes, 0U);
      EXPECT_GT(with.common, with.packets / 4);
      EXPECT_EQ(where_books_part(with.books, without.books), "");
      if (HasFailure()) {
        ADD_FAILURE() << where_they_part(with.transcript.text(), without.transcript.text());
        return;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Networks, Prediction,
    testing::Values(Network{"no_delay", {}}, Network{"delay", {.delay = 20ms}},
                    Network{"loss", {.delay = 20ms, .loss_ppm = 3 * kPercent}},
                    Network{"reordering", {.delay = 10ms, .reorder_ppm = 5 * kPercent, .reorder_delay = 15ms}},
                    Network{"duplicates", {.delay = 10ms, .duplicate_ppm = 20 * kPercent}},
                    Network{"corruption", {.delay = 10ms, .corrupt_ppm = 4 * kPercent}},
                    Network{"slow_link", {.delay = 10ms, .rate_bps = 1'000'000, .queue_octets = 30'000}},
                    Network{"everything",
                            {.delay = 20ms,
                             .jitter = 10ms,
                             .loss_ppm = 3 * kPercent,
                             .duplicate_ppm = 3 * kPercent,
                             .corrupt_ppm = 1 * kPercent,
                             .reorder_ppm = 3 * kPercent,
                             .reorder_delay = 60ms}}),
    name_of<testing::TestParamInfo<Network>>);

// Two hosts in ESTABLISHED, by hand.
class Pair : public testing::Test {
 protected:
  void SetUp() override {
    const auto listener = server_.listen(now_, 80, 1);
    client_conn_ = *client_.connect(now_, 4000, {server_config_.ip4, 80});
    exchange();
    server_conn_ = *server_.accept(*listener);
  }
  // The next packet, or nothing.
  Bytes next(Host& from) { return Bytes(buffer_).first(from.poll_transmit(now_, buffer_)); }
  void exchange() {
    for (int rounds = 0; rounds < 4; ++rounds) {
      for (Bytes p = next(client_); !p.empty(); p = next(client_)) server_.on_packet(now_, p);
      for (Bytes p = next(server_); !p.empty(); p = next(server_)) client_.on_packet(now_, p);
    }
  }
  // Whether the short way takes it.
  bool expected(Bytes packet, Host& at, ConnId conn) {
    CommonSegment common;
    if (!common.look_at(packet)) return false;
    Segment segment;
    common.fill(segment);
    return is_expected(*at.tcb(conn), segment, now_);
  }

  // Whether tcp/control.h does.
  bool control(Bytes packet, Host& at, ConnId conn) {
    CommonSegment common;
    return common.look_at(packet) && common.text().empty() && is_control(*at.tcb(conn), common, now_);
  }

  static bool steady(Host& at, ConnId conn) { return is_steady(*at.tcb(conn)); }

  Instant now_ = instant_from_us(1'000'000);
  HostConfig server_config_ = predicting(2, {}, true);
  Host client_{predicting(1, {}, true), now_};
  Host server_{server_config_, now_};
  ConnId client_conn_ = ConnId::none;
  ConnId server_conn_ = ConnId::none;
  std::array<std::byte, 2048> buffer_{};
};

TEST_F(Pair, FullSegmentsAndTheirAcksAreExpected) {
  const std::vector<std::byte> text(3 * 1448, std::byte{7});
  ASSERT_EQ(*client_.send(now_, client_conn_, text), text.size());
  for (int i = 0; i < 3; ++i) {
    const Bytes packet = next(client_);
    EXPECT_TRUE(expected(packet, server_, server_conn_)) << "segment " << i;
    server_.on_packet(now_, packet);
    EXPECT_EQ(server_.last_disposition().action, Action::accepted);
  }
  const Bytes ack = next(server_);
  EXPECT_TRUE(expected(ack, client_, client_conn_));
  client_.on_packet(now_, ack);
  EXPECT_FALSE(expected(ack, client_, client_conn_)) << "again it would be a duplicate";
}

TEST_F(Pair, TheAckThatEndsTheHandshakeIsControl) {
  ASSERT_TRUE(client_.connect(now_, 4001, {server_config_.ip4, 80}).ok());
  server_.on_packet(now_, next(client_));
  client_.on_packet(now_, next(server_));
  const auto half_open = server_.find(80, {predicting(1, {}, true).ip4, 4001});
  ASSERT_TRUE(half_open);
  EXPECT_TRUE(control(next(client_), server_, *half_open));
}

TEST_F(Pair, FinsAndTheirAcksAreControl) {
  ASSERT_TRUE(client_.close(now_, client_conn_).ok());
  const Bytes fin = next(client_);
  EXPECT_TRUE(control(fin, server_, server_conn_));
  server_.on_packet(now_, fin);
  EXPECT_FALSE(control(fin, server_, server_conn_)) << "again it is old";
  const Bytes ack = next(server_);
  EXPECT_TRUE(control(ack, client_, client_conn_));
}

TEST_F(Pair, SynsAreReadAndWrittenInPlace) {
  const ConnId conn = *client_.connect(now_, 4001, {server_config_.ip4, 80});
  EXPECT_TRUE(sends_first_syn(*client_.tcb(conn)));
  const Bytes syn = next(client_);
  EXPECT_TRUE(SynSegment(syn).is_one());
  server_.on_packet(now_, syn);
  EXPECT_TRUE(SynSegment(next(server_)).is_one());
}

TEST_F(Pair, AreQuietFromTheHandshakeToTheEnd) {
  const auto both_are_quiet = [&] {
    return client_.tcb(client_conn_)->flow == Flow::quiet && server_.tcb(server_conn_)->flow == Flow::quiet;
  };
  EXPECT_TRUE(both_are_quiet());
  EXPECT_TRUE(closes_quietly(*client_.tcb(client_conn_)));
  ASSERT_TRUE(client_.close(now_, client_conn_).ok());
  exchange();
  EXPECT_EQ(client_.state(client_conn_), State::fin_wait_2);
  EXPECT_TRUE(both_are_quiet());
  EXPECT_TRUE(closes_quietly(*server_.tcb(server_conn_)));
  ASSERT_TRUE(server_.close(now_, server_conn_).ok());
  EXPECT_TRUE(both_are_quiet());
  exchange();
  EXPECT_EQ(client_.state(client_conn_), State::time_wait);
  EXPECT_EQ(server_.state(server_conn_), State::closed);
}

TEST_F(Pair, TextIsTheEndOfQuiet) {
  const std::vector<std::byte> text(100, std::byte{7});
  ASSERT_EQ(*client_.send(now_, client_conn_, text), text.size());
  EXPECT_NE(client_.tcb(client_conn_)->flow, Flow::quiet);
  server_.on_packet(now_, next(client_));
  EXPECT_NE(server_.tcb(server_conn_)->flow, Flow::quiet);
  EXPECT_FALSE(closes_quietly(*server_.tcb(server_conn_)));
}

TEST_F(Pair, AFinBehindTextIsNotControl) {
  const std::vector<std::byte> text(100, std::byte{7});
  ASSERT_EQ(*client_.send(now_, client_conn_, text), text.size());
  ASSERT_TRUE(client_.shutdown(now_, client_conn_).ok());
  EXPECT_FALSE(control(next(client_), server_, server_conn_));
}

TEST_F(Pair, WhatIsOutOfOrderIsNotExpected) {
  const std::vector<std::byte> text(2 * 1448, std::byte{7});
  ASSERT_EQ(*client_.send(now_, client_conn_, text), text.size());
  const Bytes first = next(client_);
  const std::vector<std::byte> kept(first.begin(), first.end());
  const Bytes second = next(client_);
  EXPECT_FALSE(expected(second, server_, server_conn_)) << "beyond a gap";
  server_.on_packet(now_, second);
  EXPECT_FALSE(expected(kept, server_, server_conn_)) << "fills a gap";
  server_.on_packet(now_, kept);
  EXPECT_FALSE(expected(kept, server_, server_conn_)) << "old";
}

// The shortest way (tcp/steady.h) is open as soon as the connection is, closes with what it knows nothing of, and opens
// again.
TEST_F(Pair, AQuietConnectionIsSteady) {
  EXPECT_TRUE(steady(client_, client_conn_));
  EXPECT_TRUE(steady(server_, server_conn_));
  const std::vector<std::byte> text(3 * 1448, std::byte{7});
  ASSERT_EQ(*client_.send(now_, client_conn_, text), text.size());
  exchange();
  EXPECT_TRUE(steady(client_, client_conn_));
  EXPECT_TRUE(steady(server_, server_conn_));
  ASSERT_TRUE(client_.shutdown(now_, client_conn_).ok());
  EXPECT_FALSE(steady(client_, client_conn_)) << "a FIN is to be sent";
}

// It is copied into the queue while it is summed; where the sum is wrong, it was never there.
TEST_F(Pair, TextWithAWrongChecksumIsNotTaken) {
  std::vector<std::byte> text(1448);
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::byte>(i % 251);
  ASSERT_EQ(*client_.send(now_, client_conn_, text), text.size());
  const Bytes good = next(client_);
  std::vector<std::byte> bad(good.begin(), good.end());
  bad.back() ^= std::byte{1};
  ASSERT_TRUE(expected(bad, server_, server_conn_) && steady(server_, server_conn_));
  server_.on_packet(now_, bad);
  EXPECT_EQ(server_.last_disposition().action, Action::dropped);
  EXPECT_TRUE(server_.peek(server_conn_).empty());
  server_.on_packet(now_, good);
  const Bytes read = server_.peek(server_conn_);
  EXPECT_TRUE(std::equal(read.begin(), read.end(), text.begin(), text.end()));
}

TEST_F(Pair, AGapIsNotSteady) {
  const std::vector<std::byte> text(2 * 1448, std::byte{7});
  ASSERT_EQ(*client_.send(now_, client_conn_, text), text.size());
  const Bytes first = next(client_);
  const std::vector<std::byte> kept(first.begin(), first.end());
  server_.on_packet(now_, next(client_));
  EXPECT_FALSE(steady(server_, server_conn_));
  server_.on_packet(now_, kept);
  EXPECT_TRUE(steady(server_, server_conn_));
}

TEST_F(Pair, ATimeOutIsNotSteadyUntilAllIsSentAgain) {
  client_.config(client_conn_)->loss_detection = LossDetection::newreno;
  server_.config(server_conn_)->delayed_ack = false;
  const std::vector<std::byte> text(1448, std::byte{7});
  ASSERT_EQ(*client_.send(now_, client_conn_, text), text.size());
  ASSERT_FALSE(next(client_).empty());  // lost
  now_ = *client_.next_timeout();
  client_.on_timeout(now_);
  EXPECT_FALSE(steady(client_, client_conn_));
  exchange();
  EXPECT_TRUE(steady(client_, client_conn_));
}

}  // namespace
}  // namespace lastack
