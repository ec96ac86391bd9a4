// Window scale, timestamps and PAWS (RFC 7323), the receiver's side of SACK (RFC 2018).
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

class Extensions : public CoreFixture, public testing::WithParamInterface<Isns> {
 protected:
  static HostConfig all_on() {
    HostConfig config = plain();
    config.tcp.timestamps = true;
    config.tcp.sack = true;
    config.tcp.window_scale = true;
    return config;
  }
  // A SYN with every option; our SYN,ACK is returned.
  Segment open(const HostConfig& config, std::uint32_t ts_value = 1000, std::uint8_t shift = 7) {
    start(config, GetParam());
    listen();
    Segment syn = from_peer(kSyn, theirs(0), SeqNum(0));
    syn.options.mss = 1000;
    syn.options.window_scale = shift;
    syn.options.sack_permitted = true;
    syn.options.timestamps = Timestamps{ts_value, 0};
    syn.wnd = 100;
    rx(syn);
    const auto sent = tx();
    EXPECT_EQ(sent.size(), 1U);
    return sent.empty() ? Segment{} : sent[0];
  }
  Segment stamped(Flags flags, std::uint32_t seq, std::uint32_t ack, std::uint32_t ts_value, std::size_t octets = 0) {
    Segment segment = from_peer(flags, theirs(seq), ours(ack), octets);
    segment.options.timestamps = Timestamps{ts_value, 0};
    segment.wnd = 100;
    return segment;
  }
  void establish_stamped(std::uint32_t ts_value = 1000) {
    open(all_on(), ts_value);
    rx(stamped(kAck, 1, 1, ts_value));
    accept();
  }
};
INSTANTIATE_TEST_SUITE_P(Isns, Extensions, testing::ValuesIn(kIsns));

TEST_P(Extensions, TheSynAckOffersWhatTheSynOffered) {
  HostConfig config = all_on();
  config.tcp.rcv_buf = 1'000'000;
  const Segment answer = open(config);
  EXPECT_EQ(answer.options.window_scale, 4);
  EXPECT_TRUE(answer.options.sack_permitted);
  ASSERT_TRUE(answer.options.timestamps.has_value());
  EXPECT_EQ(answer.options.timestamps->echo, 1000U);
  EXPECT_EQ(answer.wnd, 65535) << "RFC 7323 2.2: never scaled in a SYN";
}

TEST_P(Extensions, NothingIsOfferedThatTheSynDidNot) {
  start(all_on(), GetParam());
  listen();
  rx(kSyn, theirs(0), SeqNum(0));
  const auto sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(sent[0].options.window_scale || sent[0].options.sack_permitted || sent[0].options.timestamps);
}

//= rfc7323 2.2 2.3
TEST_P(Extensions, WindowsAreScaledOutsideTheSyn) {
  open(all_on(), 1000, 15);  // above 14 counts as 14
  find();
  EXPECT_EQ(tcb().snd.wnd, 100U);
  EXPECT_EQ(tcb().snd.shift, 14);
  rx(stamped(kAck, 1, 1, 1000));
  EXPECT_EQ(tcb().snd.wnd, 100U << 14);
}

TEST_P(Extensions, OurWindowIsScaledToo) {
  HostConfig config = all_on();
  config.tcp.rcv_buf = 1'000'000;
  open(config);
  rx(stamped(kAck, 1, 1, 1000));
  accept();
  rx(stamped(kAck, 1, 1, 1000, 100));
  const auto sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_GE(scaled(WireWindow{sent[0].wnd}, 4), 999'000U);
}

//= rfc7323 4.3
TEST_P(Extensions, TheEchoIsOfTheSegmentAtTheLeftEdge) {
  establish_stamped();
  rx(stamped(kAck, 11, 1, 1200, 10));
  auto sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].options.timestamps->echo, 1000U) << "a segment beyond a gap does not count";
  rx(stamped(kAck, 1, 1, 1100, 10));
  sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].options.timestamps->echo, 1100U);
}

//= rfc7323 5.3
TEST_P(Extensions, PawsRefusesOldTimestamps) {
  establish_stamped(5);
  rx(stamped(kAck, 1, 1, 4, 10));
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1");
  rx(stamped(kAck, 1, 1, 0xffff'fff0U, 10));
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1");
  rx(stamped(kRst, 1, 0, 4));
  EXPECT_EQ(state(), State::closed) << "RFC 7323 5.2: a RST needs no timestamp";
}

TEST_P(Extensions, ASegmentWithoutTimestampIsDropped) {
  establish_stamped();
  rx(kAck, theirs(1), ours(1), 10);
  EXPECT_EQ(tx_text(), "");
  EXPECT_EQ(tcb().rcv.nxt, theirs(1));
}

//= rfc7323 4.1
TEST_P(Extensions, ATimestampMeasuresWhatWasSentAgain) {
  establish_stamped();
  send(100);
  tx();
  advance(1s);
  const auto again = tcb().snd.nxt;
  Segment ack = stamped(kAck, 1, 101, 1000);
  ack.options.timestamps->echo =
      (SeqNum(tcb().ts.offset) + 2000U).raw();  // our clock stood at 2 s when it was sent again
  advance(300ms);
  rx(ack);
  EXPECT_EQ(tcb().snd.una, again);
  EXPECT_EQ(tcb().rtt.srtt(), Duration(300ms) / 8);
}

TEST_P(Extensions, TextLeavesRoomForTheTimestamp) {
  establish_stamped();
  send(988);
  EXPECT_EQ(tx_text(), "PSH,ACK seq=1 ack=1 len=988");
}

//= rfc2018 3 4
TEST_P(Extensions, SackReportsTheNewestRunFirst) {
  establish_stamped();
  rx(stamped(kAck, 11, 1, 1000, 5));
  rx(stamped(kAck, 31, 1, 1000, 5));
  rx(stamped(kAck, 51, 1, 1000, 5));
  tx();
  rx(stamped(kAck, 71, 1, 1000, 5));
  auto sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_EQ(sent[0].options.sack_count, 3) << "as many as fit beside the timestamp";
  EXPECT_EQ(sent[0].options.sack[0], (SackBlock{theirs(71), theirs(76)}));
  EXPECT_EQ(sent[0].options.sack[1], (SackBlock{theirs(51), theirs(56)}));
  rx(stamped(kAck, 36, 1, 1000, 15));
  sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].options.sack[0], (SackBlock{theirs(31), theirs(56)}));
}

}  // namespace
}  // namespace lastack
