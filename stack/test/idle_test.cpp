// A connection at rest is a record, and nobody can tell: the same random traffic with every connection folded at every
// moment at which it may be, and with none folded, gives the same packets, events and STATUS. Then when it happens by
// itself, what it costs, and what wakes it.
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <vector>

#include "stack/sim/prng.h"
#include "stack/sim/world.h"
#include "stack/test/core_fixture.h"
#include "stack/test/two_cores.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;
using namespace test;

// What can be asked of a connection.
std::string status(const Host& host, ConnId conn) {
  std::string text = to_string(host.state(conn));
  const Tcb* const t = host.tcb(conn);
  if (t == nullptr) return text;
  const auto add = [&](const char* name, auto value) { text += std::string(" ") + name + "=" + std::to_string(value); };
  const auto number = [&](const char* name, SeqNum value) { add(name, value.raw()); };
  number("una", t->snd.una), number("nxt", t->snd.nxt), number("wl1", t->snd.wl1), number("wl2", t->snd.wl2);
  number("s.up", t->snd.up), number("iss", t->snd.iss), number("rcv", t->rcv.nxt), number("irs", t->rcv.irs);
  number("r.up", t->rcv.up), number("acked", t->rcv.last_ack_sent);
  add("wnd", t->snd.wnd), add("max", t->snd.max_wnd), add("offer", t->rcv.wnd), add("mss", t->effective_mss());
  add("rto", t->rtt.rto().count()), add("srtt", t->rtt.srtt().count()), add("cwnd", t->congestion.cwnd);
  add("ssthresh", t->congestion.ssthresh), add("recent", t->ts.recent), add("offset", t->ts.offset);
  add("unread", t->receive_queue.unread()), add("queued", t->send_queue.size()), add("read", t->octets_read);
  for (std::size_t i = 0; i < kTimers; ++i)
    add("timer", t->timers.deadline(static_cast<TimerKind>(i)).time_since_epoch().count());
  return text;
}

// Logs its host's events, and folds what it can whenever there is nothing to send.
class Folding final : public Node {
 public:
  Folding(const HostConfig& config, bool fold, std::string& log)
      : config_(config), fold_(fold), log_(log), host(config, Instant{}) {}
  void on_packet(Instant now, Bytes packet) override { host.on_packet(now, packet); }
  void on_timeout(Instant now) override { host.on_timeout(now); }
  std::size_t poll_transmit(Instant now, MutableBytes out) override {
    const std::size_t size = host.poll_transmit(now, out);
    if (size == 0) settle(now);
    return size;
  }
  std::optional<Instant> next_timeout(Instant) override { return host.next_timeout(); }
  bool owns(const IpAddress& address) const override { return address == config_.ip4 || address == config_.ip6; }
  void settle(Instant now) {
    while (const auto event = host.poll_event()) {
      log_ += std::to_string(now.time_since_epoch().count()) + " event " +
              std::to_string(static_cast<int>(event->kind)) + " of " + std::to_string(static_cast<int>(event->conn)) +
              "\n";
    }
    if (fold_) folded += host.compact(now);
  }

 private:
  HostConfig config_;
  bool fold_;
  std::string& log_;

 public:
  Host host;
  std::size_t folded = 0;
};

struct Outcome {
  std::string log;
  std::uint64_t hash = 0;
  std::uint64_t packets = 0;
  std::size_t folded = 0;
};

class RandomTraffic {
 public:
  RandomTraffic(const Config& choices, const LinkConfig& link, std::uint64_t seed, bool fold)
      : prng_(seed), ends_{{{folding(1, choices), fold, log_}, {folding(2, choices), fold, log_}}} {
    for (Folding& end : ends_) world_.add(end);
    world_.join(0, 1, link, link, seed);
  }

  Outcome run() {
    const auto listener = ends_[1].host.listen(world_.now(), 80, 8);
    for (int i = 0; i < 3; ++i) {
      const auto conn = ends_[0].host.connect(world_.now(), 0, {folding(2, {}).ip4, 80});
      conns_[0].push_back(*conn);
      world_.flush(0);
    }
    for (int i = 0; i < 150; ++i) {
      while (const auto accepted = ends_[1].host.accept(*listener)) conns_[1].push_back(*accepted);
      const std::size_t end = prng_.below(2);
      if (!conns_[end].empty()) act(end, conns_[end][prng_.below(conns_[end].size())]);
      ends_[end].settle(world_.now());
      world_.flush(end);
      world_.run_until(world_.now() + pause());
    }
    return {log_, world_.trace_hash(), world_.packets(), ends_[0].folded + ends_[1].folded};
  }

 private:
  static HostConfig folding(unsigned number, const Config& choices) {
    HostConfig config = one_of_two_hosts(number, choices);
    config.tcp.rest_after = 0s;
    return config;
  }
  // Mostly a round trip or so, at times until everything is still.
  Duration pause() {
    switch (prng_.below(6)) {
      case 0: return 0s;
      case 1: return 5s;
      case 2: return std::chrono::seconds(prng_.below(200));
      default: return std::chrono::milliseconds(prng_.below(120));
    }
  }
  void note(const std::string& text) { log_ += text + "\n"; }
  void act(std::size_t end, ConnId conn) {
    Host& host = ends_[end].host;
    const Instant now = world_.now();
    std::vector<std::byte> buffer(prng_.below(8) == 0 ? 20'000 : prng_.below(3000));
    switch (prng_.below(24)) {
      case 0: note(status(host, conn)); break;
      case 1:
        if (Config* const own = host.config(conn)) own->nagle = prng_.below(2) == 0;
        host.config_changed(now, conn);
        break;
      case 2:
        if (prng_.below(8) == 0) note(std::to_string(host.shutdown(now, conn).ok()));
        break;
      case 3: note(to_string(host.state(conn))); break;
      case 4: note(host.peek(conn).empty() ? "nothing" : "something"); break;
      default:
        if (prng_.below(2) == 0) {
          const auto sent = host.send(now, conn, buffer, {.push = false, .urgent = prng_.below(20) == 0});
          note("sent " + (sent.ok() ? std::to_string(*sent) : std::string(to_string(sent.error()))));
        } else {
          const auto got = host.receive(now, conn, buffer);
          note("got " + (got.ok() ? std::to_string(got->octets) : std::string(to_string(got.error()))));
        }
    }
  }

  Prng prng_;
  std::string log_;
  std::array<Folding, 2> ends_;
  std::array<std::vector<ConnId>, 2> conns_;
  World world_;
};

std::vector<Choice> choices_at_rest() {
  Choices all;
  all.add("no_sack").sack = false;
  Config& cubic = all.add("cubic");
  cubic.congestion = CongestionControl::cubic;
  cubic.loss_detection = LossDetection::rfc6675;
  Config& marked = all.add("cubic_rack_ecn");
  marked.congestion = CongestionControl::cubic;
  marked.ecn = true;
  Config& small = all.add("small_windows");
  small.snd_buf = 9000;
  small.rcv_buf = 5000;
  small.max_reassembly_gaps = 3;
  Config& timers = all.add("keepalive_and_user_timeout");
  timers.keepalive = timers.user_timeout_option = true;
  timers.keepalive_idle = 3s;
  timers.keepalive_interval = 1s;
  timers.keepalive_probes = 3;
  return std::move(all).with_bare();
}

class Rest : public testing::TestWithParam<Network> {};

TEST_P(Rest, CannotBeTold) {
  std::size_t folded = 0;
  for (const Choice& choice : choices_at_rest()) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(std::string(choice.name) + ", seed " + std::to_string(seed));
      const Outcome with = RandomTraffic(choice.config, GetParam().link, seed, true).run();
      const Outcome without = RandomTraffic(choice.config, GetParam().link, seed, false).run();
      EXPECT_EQ(without.folded, 0U);
      EXPECT_EQ(with.packets, without.packets);
      EXPECT_EQ(with.hash, without.hash);
      ASSERT_TRUE(with.log == without.log) << where_they_part(with.log, without.log);
      folded += with.folded;
    }
  }
  EXPECT_GT(folded, 28U * 150U) << "hardly anything was folded";
}

INSTANTIATE_TEST_SUITE_P(Networks, Rest,
                         testing::Values(Network{"no_delay", {}}, Network{"delay", {.delay = 20ms}},
                                         Network{"everything",
                                                 {.delay = 20ms,
                                                  .jitter = 10ms,
                                                  .loss_ppm = 5 * kPercent,
                                                  .duplicate_ppm = 5 * kPercent,
                                                  .corrupt_ppm = 1 * kPercent,
                                                  .reorder_ppm = 5 * kPercent,
                                                  .reorder_delay = 60ms}}),
                         name_of<testing::TestParamInfo<Network>>);

// When it happens by itself, and what it is good for.
class AtRest : public CoreFixture {
 protected:
  void open(Duration rest_after, bool keepalive = false) {
    HostConfig config = plain();
    config.tcp.rest_after = rest_after;
    config.tcp.keepalive = keepalive;
    start(config);
    establish();
    events();
  }
  // Whether it is at rest after that time.
  bool rests_after(Duration by) {
    now_ += by;
    host_->on_timeout(now_);
    EXPECT_EQ(tx_text(), "");
    return host_->tcbs() == 0;
  }
};

TEST_F(AtRest, AfterTheTimeThatWasChosenAndNotBefore) {
  open(2s);
  EXPECT_FALSE(rests_after(1999ms));
  EXPECT_TRUE(rests_after(1ms));
  EXPECT_EQ(host_->connections(), 1U);
}

TEST_F(AtRest, NeverWhenThatWasChosen) {
  open(0s);
  EXPECT_FALSE(rests_after(3600s));
  host_->defaults().rest_after = 1s;
  EXPECT_TRUE(rests_after(2s)) << "the choice may change";
}

TEST_F(AtRest, ASegmentPutsItOff) {
  open(1s);
  now_ += 900ms;
  rx(kAck, theirs(1), ours(1));
  tx();
  EXPECT_FALSE(rests_after(999ms));
  EXPECT_TRUE(rests_after(1s));
}

TEST_F(AtRest, GivesTheRingsBack) {
  open(1s);
  send(8000);
  tx();
  for (std::uint32_t i = 0; i < 4; ++i) rx(kAck, theirs(1 + 1000 * i), ours(8001), 1000);
  EXPECT_EQ(receive(), 4000U);
  tx();
  events();
  const std::size_t with_rings = host_->memory();
  EXPECT_TRUE(rests_after(2s));
  EXPECT_EQ(tcb().snd.una, ours(8001)) << "awake again, with a TCB of the same size";
  EXPECT_LT(host_->memory() + 6000, with_rings);
}

// Unread text, an event that nobody took, a connection that nobody accepted, something in flight.
TEST_F(AtRest, NotWhileSomethingIsOpen) {
  open(1s);
  rx(kAck, theirs(1), ours(1), 10);
  tx();
  EXPECT_EQ(host_->compact(now_), 0U) << "unread, and an event";
  receive();
  EXPECT_EQ(host_->compact(now_), 0U) << "an event";
  events();
  EXPECT_EQ(host_->compact(now_), 1U);
  send(10);
  EXPECT_EQ(host_->compact(now_), 0U) << "to be sent";
  tx();
  EXPECT_EQ(host_->compact(now_), 0U) << "in flight";
  rx(kAck, theirs(11), ours(11));
  events();
  EXPECT_EQ(host_->compact(now_), 1U);
  rx(kAck, theirs(21), ours(11), 10);
  tx();
  EXPECT_EQ(host_->compact(now_), 0U) << "a gap";
}

TEST_F(AtRest, ConnectionsThatNobodyAcceptedStayAwake) {
  start(plain());
  listen();
  rx(kSyn, theirs(0), SeqNum(0));
  tx();
  rx(kAck, theirs(1), ours(1));
  tx();
  events();
  EXPECT_EQ(host_->compact(now_), 0U);
  accept();
  EXPECT_EQ(host_->compact(now_), 1U);
}

TEST_F(AtRest, StateIsToldWithoutWaking) {
  open(1s);
  host_->compact(now_);
  EXPECT_EQ(host_->state(conn_), State::established);
  EXPECT_EQ(host_->find(kPort, peer()), conn_);
  EXPECT_EQ(host_->tcbs(), 0U);
  EXPECT_EQ(tcb().snd.nxt, ours(1));
  EXPECT_EQ(host_->tcbs(), 1U);
}

TEST_F(AtRest, KeepAliveIsPunctual) {
  open(1s, true);
  const Instant due = now_ + 7200s;
  EXPECT_TRUE(rests_after(2s));
  EXPECT_EQ(host_->next_timeout(), due);
  EXPECT_EQ(advance(7200s), "7198000ms ACK seq=0 ack=1");
  rx(kAck, theirs(1), ours(1));
  EXPECT_EQ(host_->compact(now_), 1U);
  EXPECT_EQ(host_->next_timeout(), due + 2s + 7200s);
  EXPECT_TRUE(host_->abort(now_, conn_).ok());
  tx();
  EXPECT_EQ(host_->next_timeout(), std::nullopt) << "its deadline has gone with it";
}

TEST_F(AtRest, AResetAndACallFindIt) {
  open(1s);
  host_->compact(now_);
  rx(kRst, theirs(1), SeqNum(0));
  EXPECT_EQ(state(), State::closed);
  EXPECT_TRUE(told(Event::Kind::reset));
  const auto sent = host_->send(now_, conn_, octets_of_stream(1));
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error(), CallError::connection_reset);
}

TEST_F(AtRest, ChoicesOfItsOwnSurvive) {
  open(1s);
  host_->config(conn_)->nagle = false;
  host_->config(conn_)->hop_limit = 7;
  host_->compact(now_);
  host_->defaults().hop_limit = 9;
  EXPECT_FALSE(host_->config(conn_)->nagle);
  EXPECT_EQ(host_->config(conn_)->hop_limit, 7);
}

TEST_F(AtRest, ItsPortIsTaken) {
  open(1s);
  host_->compact(now_);
  const auto again = host_->connect(now_, kPort, peer());
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error(), CallError::connection_already_exists);
}

// Ten thousand: what each costs, and that each is found by its handle and by its sockets.
TEST_F(AtRest, ManyCostLittle) {
  constexpr std::uint16_t kMany = 10'000;
  start(plain());
  const auto listener = host_->listen(now_, kPort, 2);
  const std::size_t empty = host_->memory();
  std::vector<ConnId> conns;
  for (std::uint16_t i = 0; i < kMany; ++i) {
    Segment syn = from_peer(kSyn, theirs(0), SeqNum(0));
    syn.src_port = static_cast<std::uint16_t>(1000 + i);
    rx(syn);
    const auto answer = tx();
    Segment ack = from_peer(kAck, theirs(1), answer.at(0).seq + 1);
    ack.src_port = syn.src_port;
    rx(ack);
    tx();
    conns.push_back(*host_->accept(*listener));
    events();
  }
  const std::size_t awake = host_->memory();
  EXPECT_EQ(host_->compact(now_), kMany);
  const std::size_t folded = host_->memory();
  EXPECT_LT(folded - empty, kMany * 160U);
  EXPECT_LT(4 * (folded - empty), awake - empty);
  EXPECT_EQ(host_->connections(), kMany);
  for (std::uint16_t i = 0; i < kMany; ++i) {
    const SocketAddress remote{peer().ip, static_cast<std::uint16_t>(1000 + i)};
    ASSERT_EQ(host_->find(kPort, remote), conns[i]);
    ASSERT_EQ(host_->remote(conns[i]), remote) << "woken by its handle";
    ASSERT_TRUE(host_->abort(now_, conns[i]).ok());
  }
  tx();
  EXPECT_EQ(host_->connections(), 0U);
  EXPECT_EQ(host_->compact(now_), 0U);
}

}  // namespace
}  // namespace lastack
