// A TextReader changes no octet: whoever reads text where it lies in the packet makes the same packets and leaves the
// same variables as whoever reads the receive queue after each packet; and in a good network no text is copied.
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "stack/sim/recorder.h"
#include "stack/sim/transfer.h"
#include "stack/sim/world.h"
#include "stack/test/books.h"
#include "stack/test/two_cores.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;
using namespace test;

enum class Reads : std::uint8_t { in_place, afterwards };

struct Plan {
  std::uint64_t octets_to_send = 0;
  std::uint32_t stream_out = 0;
  // The application reads up to a multiple of this, then no more of the same packet.
  std::uint64_t stops_at = std::numeric_limits<std::uint64_t>::max();
  bool close_after_peer = false;
};

// One host and the user of one connection, who reads when a packet arrives.
class Application final : public Node, public TextReader {
 public:
  Application(const HostConfig& config, Reads reads, const Plan& plan)
      : config_(config), host_(config, Instant{}), reads_(reads), plan_(plan), text_(plan.octets_to_send) {
    for (std::size_t i = 0; i < text_.size(); ++i) text_[i] = stream_octet(i, plan_.stream_out);
  }

  void on_packet(Instant now, Bytes packet) override {
    packet_ = packet;
    if (reads_ == Reads::in_place) {
      host_.on_packet(now, packet, *this);
    } else {
      host_.on_packet(now, packet);
      read(now);
    }
    packet_ = {};
  }
  void on_timeout(Instant now) override { host_.on_timeout(now); }
  std::size_t poll_transmit(Instant now, MutableBytes out) override { return host_.poll_transmit(now, out); }
  std::optional<Instant> next_timeout(Instant) override { return host_.next_timeout(); }
  bool owns(const IpAddress& address) const override { return address == config_.ip4 || address == config_.ip6; }

  std::size_t take(ConnId conn, Bytes text) noexcept override {
    EXPECT_EQ(conn, conn_);
    EXPECT_FALSE(text.empty());
    const std::uint64_t before_stop = plan_.stops_at - received_ % plan_.stops_at;
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(text.size(), before_stop));
    for (std::size_t i = 0; i < taken && wrong_at.empty(); ++i) {
      if (text[i] != stream_octet(received_ + i, 1 - plan_.stream_out)) wrong_at = std::to_string(received_ + i);
    }
    received_ += taken;
    const bool in_packet = text.data() >= packet_.data() && text.data() < packet_.data() + packet_.size();
    if (in_packet) in_place += taken;
    return taken;
  }

  void attach(Instant now, ConnId conn) {
    conn_ = conn;
    read(now);
  }
  // What can be done now; true when the host may have something to send.
  bool run(Instant now) {
    while (const auto event = host_.poll_event()) {
      if (event->kind == Event::Kind::readable && event->conn == conn_) ++readable;
      if (event->kind == Event::Kind::peer_closed) peer_closed_ = true;
    }
    if (conn_ == ConnId::none) return false;
    if (peer_closed_) read_all(now);
    if (closed) return false;
    const bool sent = send(now);
    if (sent_ < text_.size() || (plan_.close_after_peer && !peer_closed_)) return sent;
    EXPECT_TRUE(host_.shutdown(now, conn_).ok());
    return closed = true;
  }
  Host& host() { return host_; }
  ConnId conn() const { return conn_; }
  std::uint64_t received() const { return received_; }

  bool closed = false;
  std::uint64_t in_place = 0;  // octets
  std::uint64_t readable = 0;  // events
  std::string wrong_at;        // the position of the first octet that was not what was sent

 private:
  // What the host does for a TextReader.
  void read(Instant now) {
    while (conn_ != ConnId::none) {
      const Bytes text = host_.peek(conn_);
      if (text.empty()) return;
      const std::size_t octets = text.size();
      const std::size_t taken = take(conn_, text);
      if (!host_.consume(now, conn_, taken) || taken < octets) return;
    }
  }
  void read_all(Instant now) {
    for (std::uint64_t before = received_ + 1; before != received_;) {
      before = received_;
      read(now);
    }
  }
  bool send(Instant now) {
    bool acted = false;
    while (sent_ < text_.size()) {
      const Bytes rest = Bytes(text_).subspan(sent_);
      const auto taken = host_.send(now, conn_, rest.first(std::min<std::size_t>(rest.size(), 3000)));
      if (!taken) return acted;
      acted = true;
      sent_ += *taken;
    }
    return acted;
  }

  HostConfig config_;
  Host host_;
  Reads reads_;
  Plan plan_;
  std::vector<std::byte> text_;  // all that it sends
  Bytes packet_;
  ConnId conn_ = ConnId::none;
  std::size_t sent_ = 0;
  std::uint64_t received_ = 0;
  bool peer_closed_ = false;
};

struct Conversation {
  std::uint64_t hash = 0;
  Instant end{};
  Transcript transcript;
  std::vector<Books::Value> books;
  std::uint64_t in_place = 0;
  std::uint64_t readable = 0;
};

constexpr std::uint64_t kFromClient = 100'000;
constexpr std::uint64_t kFromServer = 40'000;

Conversation converse(Config choices, const LinkConfig& link, std::uint64_t seed, std::uint64_t stops_at, Reads reads) {
  choices.msl = 1s;
  World world;
  Application client(one_of_two_hosts(1, choices), reads, {kFromClient, 0, stops_at, false});
  Application server(one_of_two_hosts(2, choices), reads, {kFromServer, 1, stops_at, true});
  Transcript transcript;
  Books books;
  world.add(client);
  world.add(server);
  world.join(0, 1, link, link, seed);
  world.add_tap(transcript);
  world.add_tap(books);
  const auto listener = server.host().listen(world.now(), 80, 8);
  const HostConfig to = one_of_two_hosts(2, choices);
  const auto conn = client.host().connect(world.now(), 0, {seed % 2 == 0 ? to.ip6 : to.ip4, 80});
  EXPECT_TRUE(listener.ok() && conn.ok());
  client.attach(world.now(), *conn);
  books.watch(0, client.host(), *conn);
  world.flush(0);
  const auto done = [&] {
    if (server.conn() == ConnId::none) {
      if (const auto accepted = server.host().accept(*listener)) {
        server.attach(world.now(), *accepted);
        books.watch(1, server.host(), *accepted);
      }
    }
    if (client.run(world.now())) world.flush(0);
    if (server.run(world.now())) world.flush(1);
    return client.closed && server.closed && client.received() == kFromServer && server.received() == kFromClient &&
           world.silent();
  };
  EXPECT_TRUE(world.run_while_not(done, Instant{} + 1h));
  EXPECT_EQ(client.wrong_at + server.wrong_at, "");
  return {world.trace_hash(),
          world.now(),
          std::move(transcript),
          std::move(books.values),
          client.in_place + server.in_place,
          client.readable + server.readable};
}

std::vector<Choice> choices_of_readers() {
  Choices all;
  Config& plain = all.add("no_options");
  plain.timestamps = plain.sack = false;
  Config& small = all.add("small_windows");
  small.snd_buf = 9000;
  small.rcv_buf = 5000;
  Config& timers = all.add("keepalive");
  timers.keepalive = true;
  timers.keepalive_idle = 1s;
  Config& marks = all.add("pushed_and_acknowledged_at_once");
  marks.push_always = true;
  marks.delayed_ack = false;
  return std::move(all).with_bare();
}

class Reader : public testing::TestWithParam<Network> {};

TEST_P(Reader, ChangesNothing) {
  std::uint64_t in_place = 0;
  for (const Choice& choice : choices_of_readers()) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(std::string(choice.name) + ", seed " + std::to_string(seed));
      // One that always reads all of it, and one that does not.
      const std::uint64_t stops_at = seed <= 2 ? std::numeric_limits<std::uint64_t>::max() : 5003;
      const LinkConfig& link = GetParam().link;
      const bool is_good = link.loss_ppm + link.reorder_ppm + link.duplicate_ppm == 0;
      const Conversation with = converse(choice.config, link, seed, stops_at, Reads::in_place);
      const Conversation without = converse(choice.config, link, seed, stops_at, Reads::afterwards);
      EXPECT_EQ(with.hash, without.hash);
      EXPECT_EQ(with.end, without.end);
      EXPECT_EQ(where_books_part(with.books, without.books), "");
      EXPECT_EQ(without.in_place, 0U);
      EXPECT_GT(without.readable, 0U);
      EXPECT_LT(with.readable, without.readable);
      in_place += with.in_place;
      if (is_good && seed <= 2) {
        EXPECT_LE(with.readable, 1U) << "text that ends the handshake comes before accept()";
        EXPECT_GT(with.in_place, (kFromClient + kFromServer) * 9 / 10) << "text may also come with a FIN";
      }
      if (HasFailure()) {
        ADD_FAILURE() << where_they_part(with.transcript.text(), without.transcript.text());
        return;
      }
    }
  }
  EXPECT_GT(in_place, 0U);
}

INSTANTIATE_TEST_SUITE_P(Networks, Reader,
                         testing::Values(Network{"no_delay", {}}, Network{"delay", {.delay = 20ms}},
                                         Network{"loss", {.delay = 20ms, .loss_ppm = 3 * kPercent}},
                                         Network{"reordering",
                                                 {.delay = 10ms, .reorder_ppm = 5 * kPercent, .reorder_delay = 15ms}},
                                         Network{"duplicates", {.delay = 10ms, .duplicate_ppm = 20 * kPercent}},
                                         Network{"all_of_it",
                                                 {.delay = 20ms,
                                                  .jitter = 10ms,
                                                  .loss_ppm = 3 * kPercent,
                                                  .duplicate_ppm = 3 * kPercent,
                                                  .reorder_ppm = 3 * kPercent,
                                                  .reorder_delay = 60ms}}),
                         name_of<testing::TestParamInfo<Network>>);

// By hand: the server reads, the client sends.
class ByHand : public testing::Test, public TextReader {
 protected:
  void SetUp() override {
    listener_ = *server_.listen(now_, 80, 1);
    client_conn_ = *client_.connect(now_, 4000, {server_config_.ip4, 80});
    server_.on_packet(now_, next(client_), *this);
    client_.on_packet(now_, next(server_));
    server_.on_packet(now_, next(client_), *this);
  }
  void accept() { server_conn_ = *server_.accept(listener_); }
  // The next packet of the client or the server, or nothing.
  std::vector<std::byte> next(Host& from) {
    std::vector<std::byte> packet(2048);
    packet.resize(from.poll_transmit(now_, packet));
    return packet;
  }
  std::vector<std::byte> segment(std::size_t octets) {
    const std::vector<std::byte> text(octets, std::byte{static_cast<unsigned char>(++segments_)});
    EXPECT_EQ(*client_.send(now_, client_conn_, text), octets);
    return next(client_);
  }
  std::size_t take(ConnId conn, Bytes text) noexcept override {
    EXPECT_EQ(conn, server_conn_);
    where_ = text.data();
    const std::size_t taken = std::min(text.size(), appetite_);
    seen_.insert(seen_.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(taken));
    ++asked_;
    if (calls_back_) (void)server_.poll_transmit(now_, back_);
    return taken;
  }
  bool readable_is_told() {
    bool told = false;
    while (const auto event = server_.poll_event()) told = told || event->kind == Event::Kind::readable;
    return told;
  }

  static HostConfig without_nagle() {
    HostConfig config = one_of_two_hosts(1, {});
    config.tcp.nagle = false;
    return config;
  }

  Instant now_ = instant_from_us(1'000'000);
  HostConfig server_config_ = one_of_two_hosts(2, {});
  Host client_{without_nagle(), now_};
  Host server_{server_config_, now_};
  ConnId listener_ = ConnId::none;
  ConnId client_conn_ = ConnId::none;
  ConnId server_conn_ = ConnId::none;
  int segments_ = 0;
  std::size_t appetite_ = 100'000;
  const std::byte* where_ = nullptr;
  std::vector<std::byte> seen_;
  int asked_ = 0;
  bool calls_back_ = false;
  std::array<std::byte, 2048> back_{};
};

TEST_F(ByHand, SeesTheTextInThePacketItself) {
  accept();
  const auto packet = segment(700);
  server_.on_packet(now_, packet, *this);
  EXPECT_EQ(where_, packet.data() + packet.size() - 700);
  EXPECT_EQ(seen_, std::vector<std::byte>(700, std::byte{1}));
  EXPECT_TRUE(server_.peek(server_conn_).empty());
  EXPECT_FALSE(readable_is_told());
  EXPECT_EQ(server_.tcb(server_conn_)->octets_read, 700U);
}

TEST_F(ByHand, WhatItLeavesIsInTheQueueAndShownAgain) {
  accept();
  appetite_ = 300;
  server_.on_packet(now_, segment(700), *this);
  EXPECT_EQ(server_.peek(server_conn_).size(), 400U);
  EXPECT_TRUE(readable_is_told());
  appetite_ = 100'000;
  server_.on_packet(now_, segment(200), *this);
  std::vector<std::byte> all(900, std::byte{1});
  std::fill(all.begin() + 700, all.end(), std::byte{2});
  EXPECT_EQ(seen_, all);
  EXPECT_TRUE(server_.peek(server_conn_).empty());
  EXPECT_FALSE(readable_is_told());
}

TEST_F(ByHand, TextBehindAGapIsShownInOrder) {
  accept();
  const auto first = segment(500);
  const auto second = segment(600);
  server_.on_packet(now_, second, *this);
  EXPECT_EQ(asked_, 0);
  server_.on_packet(now_, first, *this);
  std::vector<std::byte> all(1100, std::byte{1});
  std::fill(all.begin() + 500, all.end(), std::byte{2});
  EXPECT_EQ(seen_, all);
  EXPECT_FALSE(readable_is_told());
}

TEST_F(ByHand, AWrongChecksumIsNotShown) {
  accept();
  auto packet = segment(700);
  packet.back() ^= std::byte{1};
  server_.on_packet(now_, packet, *this);
  EXPECT_EQ(asked_, 0);
  packet.back() ^= std::byte{1};
  server_.on_packet(now_, packet, *this);
  EXPECT_EQ(seen_.size(), 700U);
}

TEST_F(ByHand, NobodyIsAskedBeforeAccept) {
  server_.on_packet(now_, segment(700), *this);
  EXPECT_EQ(asked_, 0);
  accept();
  EXPECT_EQ(server_.peek(server_conn_).size(), 700U);
}

TEST_F(ByHand, NobodyIsAskedAfterClose) {
  accept();
  ASSERT_TRUE(server_.close(now_, server_conn_).ok());
  server_.on_packet(now_, segment(700), *this);
  EXPECT_EQ(asked_, 0);
}

TEST_F(ByHand, TextThatComesWithAFinIsShown) {
  accept();
  const std::vector<std::byte> text(700, std::byte{1});
  ASSERT_TRUE(client_.send(now_, client_conn_, text).ok() && client_.shutdown(now_, client_conn_).ok());
  server_.on_packet(now_, next(client_), *this);
  EXPECT_EQ(seen_, text);
  EXPECT_EQ(server_.state(server_conn_), State::close_wait);
  EXPECT_FALSE(readable_is_told());
}

TEST_F(ByHand, AReaderThatCallsTheHostIsStopped) {
  accept();
  const auto packet = segment(700);
  calls_back_ = true;
  EXPECT_DEATH(server_.on_packet(now_, packet, *this), "Assertion `!reading' failed");
}

}  // namespace
}  // namespace lastack
