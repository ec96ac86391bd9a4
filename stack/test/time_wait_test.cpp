// TIME-WAIT: reopening from it (RFC 6191), its small record, its end.
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

class TimeWaitFixture : public CoreFixture {
 protected:
  // Our application has closed and given its handle back; the peer's FIN is theirs(1), so theirs(2) is next.
  void enter_time_wait(const HostConfig& config, std::optional<std::uint32_t> stamp = {}) {
    start(config);
    listen();
    rx(stamped(kSyn, 0, 0, stamp));
    tx();
    rx(stamped(kAck, 1, 1, stamp));
    accept();
    EXPECT_TRUE(host().close(now_, conn_).ok());
    tx();
    rx(stamped(kAck, 1, 2, stamp));
    rx(stamped(kFin | kAck, 1, 2, stamp));
    tx();
    events();
    tx();
    ASSERT_EQ(host().connections(), 1U);
  }
  Segment stamped(Flags flags, std::uint32_t seq, std::uint32_t ack, std::optional<std::uint32_t> stamp) {
    Segment segment = from_peer(flags, theirs(seq), ours(ack));
    if (stamp) segment.options.timestamps = Timestamps{*stamp, 0};
    return segment;
  }
  static HostConfig with_timestamps() {
    HostConfig config = plain();
    config.tcp.timestamps = true;
    return config;
  }
};

struct Reopening {
  const char* name;
  std::optional<std::uint32_t> old_stamp;
  std::uint32_t seq;  // theirs(); 2 is above the old FIN
  std::optional<std::uint32_t> new_stamp;
  bool opens;
};
class Reopen : public TimeWaitFixture, public testing::WithParamInterface<Reopening> {};
INSTANTIATE_TEST_SUITE_P(
    Rfc6191, Reopen,
    testing::Values(Reopening{"newer_stamp", 1000, 1, 1001, true}, Reopening{"equal_stamp_above", 1000, 2, 1000, true},
                    Reopening{"equal_stamp_not_above", 1000, 1, 1000, false},
                    Reopening{"older_stamp", 1000, 2, 999, false}, Reopening{"stamp_gone_above", 1000, 2, {}, true},
                    Reopening{"stamp_gone_not_above", 1000, 1, {}, false}, Reopening{"new_stamp", {}, 1, 5, true},
                    Reopening{"none_above", {}, 2, {}, true}, Reopening{"none_not_above", {}, 1, {}, false}),
    [](const auto& i) { return i.param.name; });

//= rfc6191 2
TEST_P(Reopen, BySynWhatCannotBeOld) {
  enter_time_wait(with_timestamps(), GetParam().old_stamp);
  rx(stamped(kSyn, GetParam().seq, 0, GetParam().new_stamp));
  const auto answer = tx();
  EXPECT_EQ(!answer.empty() && answer[0].flags == (kSyn | kAck), GetParam().opens);
  find();
  EXPECT_EQ(state(), GetParam().opens ? State::syn_received : State::time_wait);
}

TEST_F(TimeWaitFixture, CostsLittleOnceNobodyHoldsIt) {
  start(plain());
  const std::size_t empty = host().memory();
  enter_time_wait(plain());
  EXPECT_LT(host().memory(), empty + 64 * (200U + 100U)) << "a block of TIME-WAIT records, and one of half-open ones";
}

TEST_F(TimeWaitFixture, StillAcknowledgesTheFinAndBeginsAnew) {
  enter_time_wait(plain());
  EXPECT_EQ(advance(200s), "");
  rx(kFin | kAck, theirs(1), ours(2));
  EXPECT_EQ(tx_text(), "ACK seq=2 ack=2");
  advance(200s);
  EXPECT_EQ(host().connections(), 1U) << "2 MSL are 240 s, from the last FIN";
  advance(41s);
  EXPECT_EQ(host().connections(), 0U);
  EXPECT_TRUE(told(Event::Kind::closed));
}

TEST_F(TimeWaitFixture, ShowsItsVariablesWhenAsked) {
  enter_time_wait(plain());
  EXPECT_EQ(state(), State::time_wait);
  EXPECT_EQ(tcb().snd.nxt, ours(2));
  EXPECT_EQ(tcb().rcv.nxt, theirs(2));
  tx();
  EXPECT_EQ(host().state(conn_), State::time_wait) << "and again as a record";
}

//= rfc1337 3
TEST_F(TimeWaitFixture, ARstEndsItOrIsIgnored) {
  enter_time_wait(plain());
  rx(kRst, theirs(2), SeqNum(0));
  EXPECT_EQ(host().connections(), 0U);
  HostConfig config = plain();
  config.tcp.time_wait_ignores_rst = true;
  enter_time_wait(config);
  rx(kRst, theirs(2), SeqNum(0));
  EXPECT_EQ(host().connections(), 1U);
}

// RFC 5961 7: waking up does not refill the allowance.
TEST_F(TimeWaitFixture, IsThrottledLikeAnyOther) {
  HostConfig config = plain();
  config.tcp.challenge_ack_limit = 3;
  enter_time_wait(config);
  std::size_t answers = 0;
  for (int i = 0; i < 10; ++i) {
    rx(kSyn, theirs(1), SeqNum(0));
    answers += tx().size();
  }
  EXPECT_EQ(answers, 3U);
}

}  // namespace
}  // namespace lastack
