// Loss recovery, one connection and a scripted peer in virtual time: RFC 6675, RFC 8985, RFC 6937, RFC 5682, what
// D-SACK undoes, and RFC 6582 where the peer has no SACK.
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

class RecoveryTest : public CoreFixture, public testing::WithParamInterface<Isns> {
 protected:
  static HostConfig with(LossDetection detection) {
    HostConfig config = plain();
    config.tcp.sack = true;
    config.tcp.loss_detection = detection;
    config.tcp.initial_window = 30;
    return config;
  }
  // ESTABLISHED with SACK, the handshake's round trip measured as `rtt`, segments of 1000 octets.
  void begin(const HostConfig& config, Duration rtt = 100ms, bool sack = true) {
    start(config, GetParam());
    listen();
    Segment syn = from_peer(kSyn, theirs(0), SeqNum(0));
    syn.options.mss = 1000;
    syn.options.sack_permitted = sack;
    rx(syn);
    tx();
    now_ += rtt;
    rx(kAck, theirs(1), ours(1));
    accept();
    tx();
  }
  struct Block {
    std::uint32_t left, right;
  };
  // An ACK with blocks; numbers relative to ours.
  void ack(std::uint32_t number, std::initializer_list<Block> blocks = {}) {
    Segment segment = from_peer(kAck, theirs(1), ours(number));
    for (const Block& block : blocks)
      segment.options.sack[segment.options.sack_count++] = {ours(block.left), ours(block.right)};
    rx(segment);
  }
  const Recovery& recovery() const { return tcb().recovery; }
  const SackSender& sender() const { return *tcb().sack_sender; }
};
INSTANTIATE_TEST_SUITE_P(Isns, RecoveryTest, testing::ValuesIn(kIsns));

//= RFC6675-5-b RFC6675-5-c
//= RFC2018-5-a
TEST_P(RecoveryTest, TheThirdReportSendsTheFirstHoleAgain) {
  HostConfig config = with(LossDetection::rfc6675);
  config.tcp.proportional_rate = false;
  begin(config);
  send(10'000);
  EXPECT_EQ(tx().size(), 10U);
  ack(1, {{1001, 2001}});
  ack(1, {{1001, 3001}});
  EXPECT_EQ(tx_text(), "");
  ack(1, {{1001, 4001}});
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000");
  EXPECT_EQ(recovery().phase, RecoveryPhase::fast);
  EXPECT_EQ(tcb().congestion.ssthresh, 5000U);
  EXPECT_EQ(tcb().congestion.cwnd, 5000U);
  EXPECT_EQ(sender().board.pipe(), 7000U) << "six unreported, and the one sent again";
  ack(10'001);
  EXPECT_EQ(recovery().phase, RecoveryPhase::open);
}

//= RFC6675-5-a
TEST_P(RecoveryTest, OneReportOfMoreThanTwoSegmentsIsEnough) {
  begin(with(LossDetection::rfc6675));
  send(10'000);
  tx();
  ack(1, {{1001, 3002}});
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000");
}

//= RFC6675-4-b
TEST_P(RecoveryTest, HolesFirstThenNewTextThenDoubtThenOneRescue) {
  HostConfig config = with(LossDetection::rfc6675);
  config.tcp.proportional_rate = false;
  begin(config);
  send(12'000);
  EXPECT_EQ(tx().size(), 12U);
  // 1, 3001 and 9001 are missing; above the last hole is only one segment.
  ack(1, {{1001, 3001}});
  EXPECT_EQ(tx_text(), "");
  ack(1, {{4001, 9001}, {1001, 3001}});
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000; ACK seq=3001 ack=1 len=1000") << "both are lost, and cwnd has room";
  send(1000);
  ack(1, {{10'001, 11'001}, {4001, 9001}, {1001, 3001}});
  EXPECT_EQ(tx_text(), "PSH,ACK seq=12001 ack=1 len=1000; ACK seq=9001 ack=1 len=1000")
      << "new text before what is only doubtful";
  ack(3001, {{10'001, 11'001}, {4001, 9001}});
  EXPECT_EQ(tx_text(), "PSH,ACK seq=12001 ack=1 len=1000") << "the rescue: the highest octets";
  ack(9001, {{10'001, 11'001}});
  EXPECT_EQ(tx_text(), "") << "one rescue in one recovery";
}

//= RFC6675-5.1-a
//= RFC2018-5.1-a
TEST_P(RecoveryTest, ATimeoutForgetsReportsAndStartsNoRecoveryBeforeItsPoint) {
  HostConfig config = with(LossDetection::rfc6675);
  config.tcp.frto = false;
  begin(config);
  send(5000);
  tx();
  ack(1, {{2001, 3001}});
  EXPECT_EQ(advance(1s), "1000ms ACK seq=1 ack=1 len=1000");
  EXPECT_EQ(sender().board.sacked(), 0U);
  ack(1001, {{2001, 5001}});
  EXPECT_EQ(tx_text(), "ACK seq=1001 ack=1 len=1000") << "what is reported afterwards counts";
  EXPECT_EQ(recovery().phase, RecoveryPhase::timeout);
  ack(5001);
  EXPECT_EQ(recovery().phase, RecoveryPhase::open);
  EXPECT_EQ(tx_text(), "");
}

//= RFC2018-8-a
TEST_P(RecoveryTest, AReceiverThatRenegesGetsItsOctetsAgain) {
  for (const LossDetection detection : {LossDetection::rfc6675, LossDetection::rack}) {
    begin(with(detection));
    send(5000);
    tx();
    ack(1, {{1001, 5001}});
    EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000");
    now_ += 100ms;
    ack(1001);
    std::string sent = tx_text() + advance(30s);
    EXPECT_NE(sent.find("seq=1001 ack=1 len=1000"), std::string::npos);
    for (const std::uint32_t number : {2001U, 3001U, 4001U}) {
      ack(number);
      sent = tx_text() + advance(30s);
      EXPECT_NE(sent.find("seq=" + std::to_string(number)), std::string::npos) << sent;
    }
    ack(5001);
    EXPECT_EQ(tcb().flight(), 0U);
  }
}

// RFC 6937 3.1, the first example in octets: ssthresh is half of 20 segments. RecoverFS counts the two of limited
// transmit, so a little more than every second report lets one leave.
//= RFC6937-3-a
TEST_P(RecoveryTest, ProportionalRateSpreadsTheReduction) {
  HostConfig config = with(LossDetection::rfc6675);
  config.tcp.initial_window = 20;
  config.tcp.snd_buf = 200'000;
  begin(config);
  send(60'000);
  EXPECT_EQ(tx().size(), 20U);
  std::string pattern;
  for (std::uint32_t i = 1; i < 20; ++i) {
    ack(1, {{1001, 1001 + 1000 * i}});
    const std::string sent = tx_text();
    pattern += sent.empty() ? '.' : sent.starts_with("ACK seq=1 ") ? 'R' : 'N';
  }
  EXPECT_EQ(pattern, "NNR...N.N.N.N...NNN") << "from the 14th on pipe is at ssthresh";
  EXPECT_EQ(tcb().congestion.ssthresh, 10'000U);
}

//= RFC8985-6.2-a
//= RFC8985-6.2-b
TEST_P(RecoveryTest, WhatWasSentEarlierIsLostAfterAQuarterOfTheRoundTrip) {
  begin(with(LossDetection::rack));
  send(3000);
  EXPECT_EQ(tx().size(), 3U);
  now_ += 100ms;
  ack(1, {{2001, 3001}});
  EXPECT_EQ(tx_text(), "") << "it may only have been overtaken";
  EXPECT_EQ(advance(24ms), "");
  EXPECT_EQ(advance(2ms), "1ms ACK seq=1 ack=1 len=1000; ACK seq=1001 ack=1 len=1000");
  EXPECT_EQ(recovery().phase, RecoveryPhase::fast);
}

//= RFC8985-3.3.2-a
TEST_P(RecoveryTest, ThreeReportedSegmentsLeaveNoDoubt) {
  begin(with(LossDetection::rack));
  send(10'000);
  tx();
  now_ += 100ms;
  ack(1, {{1001, 4001}});
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000");
}

TEST_P(RecoveryTest, ReorderingThatWasSeenWidensTheWindow) {
  begin(with(LossDetection::rack));
  send(10'000);
  tx();
  now_ += 100ms;
  ack(1, {{1001, 2001}});
  ack(2001);  // the first came late
  EXPECT_TRUE(sender().rack.reordering_seen);
  ack(2001, {{3001, 7001}});
  EXPECT_EQ(tx_text(), "") << "four reports do not suffice any more";
  EXPECT_EQ(advance(30ms), "25ms ACK seq=2001 ack=1 len=1000");
}

//= RFC8985-3.3.2-b
TEST_P(RecoveryTest, ARoundWithADuplicateReportEndsWithAnyAck) {
  begin(with(LossDetection::rack));
  send(3000);
  tx();
  ack(1001);
  ack(2001, {{1, 1001}});
  EXPECT_TRUE(sender().rack.dsack_round_on);
  EXPECT_EQ(sender().rack.reo_wnd_mult, 2);
  ack(3001);
  EXPECT_FALSE(sender().rack.dsack_round_on) << "or it would seem to be on again when the numbers have gone half round";
  send(1000);
  tx();
  ack(4001, {{1, 1001}});
  EXPECT_EQ(sender().rack.reo_wnd_mult, 3);
}

// 9.1, the second example: R1 is lost, R2 arrives.
TEST_P(RecoveryTest, ALostRetransmissionIsFoundByTheOneSentAfterIt) {
  begin(with(LossDetection::rack));
  send(10'000);
  tx();
  now_ += 100ms;
  ack(1, {{2001, 6001}});
  EXPECT_EQ(tx_text().substr(0, 24), "ACK seq=1 ack=1 len=1000");
  now_ += 1ms;
  ack(1, {{2001, 10'001}});
  EXPECT_EQ(tx_text(), "ACK seq=1001 ack=1 len=1000");
  now_ += 100ms;
  ack(1, {{1001, 10'001}});
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000");
}

//= RFC8985-9.3-a
TEST_P(RecoveryTest, ALostRetransmissionIsASecondSignOfCongestion) {
  HostConfig config = with(LossDetection::rack);
  config.tcp.proportional_rate = false;
  begin(config);
  send(20'000);
  tx();
  now_ += 100ms;
  ack(1, {{2001, 20'001}});
  EXPECT_EQ(tx().size(), 2U);
  EXPECT_EQ(tcb().congestion.cwnd, 10'000U);
  now_ += 1ms;
  now_ += 100ms;
  ack(1, {{1001, 20'001}});
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000") << "both left together: a tie that the numbers break";
  EXPECT_EQ(tcb().congestion.cwnd, 5000U);
}

//= RFC8985-7.2-a
//= RFC8985-7.3-a
//= RFC8985-7.3-b
//= RFC8985-7.3-c
TEST_P(RecoveryTest, ASilentTailIsProbedOnceWithItsLastSegment) {
  begin(with(LossDetection::rack));
  send(3000);
  tx();
  EXPECT_EQ(advance(900ms), "200ms PSH,ACK seq=2001 ack=1 len=1000") << "twice the round trip";
  EXPECT_EQ(advance(400ms), "300ms ACK seq=1 ack=1 len=1000") << "then the time-out, a full RTO after the probe";
}

TEST_P(RecoveryTest, TheAckOfOneSegmentMayBeDelayed) {
  begin(with(LossDetection::rack));
  send(500);
  tx();
  EXPECT_EQ(advance(900ms), "400ms PSH,ACK seq=1 ack=1 len=500");
}

//= RFC8985-7.3-a
TEST_P(RecoveryTest, TheProbeIsNewTextWhereThereIsSome) {
  HostConfig config = with(LossDetection::rack);
  config.tcp.initial_window = 3;
  begin(config);
  send(5000);
  EXPECT_EQ(tx().size(), 3U);
  EXPECT_EQ(advance(900ms), "200ms ACK seq=3001 ack=1 len=1000");
  ack(1, {{3001, 4001}});
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000; ACK seq=1001 ack=1 len=1000")
      << "the probe shows that everything before it is lost";
}

//= rfc8985 7.4
TEST_P(RecoveryTest, AProbeThatRepairedALossIsAnsweredByASmallerWindow) {
  begin(with(LossDetection::rack));
  send(10'000);
  tx();
  advance(200ms);
  now_ += 100ms;
  ack(10'001);  // nobody can tell yet
  EXPECT_EQ(tcb().congestion.cwnd, 30'000U);
  send(1000);
  tx();
  now_ += 100ms;
  ack(11'001);
  EXPECT_LT(tcb().congestion.cwnd, 30'000U);
}

//= rfc8985 7.4
TEST_P(RecoveryTest, AProbeInVainCostsNothing) {
  begin(with(LossDetection::rack));
  send(10'000);
  tx();
  advance(200ms);
  now_ += 100ms;
  ack(10'001, {{9001, 10'001}});  // D-SACK: both copies came
  send(1000);
  tx();
  now_ += 100ms;
  ack(11'001);
  EXPECT_GE(tcb().congestion.cwnd, 30'000U);
}

//= rfc2883 4
//= rfc9438 4.9
TEST_P(RecoveryTest, ARecoveryInVainIsUndone) {
  for (const LossDetection detection : {LossDetection::rfc6675, LossDetection::rack}) {
    begin(with(detection));
    send(10'000);
    tx();
    now_ += 100ms;
    const std::uint32_t cwnd = tcb().congestion.cwnd;
    ack(1, {{1001, 5001}});
    EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000");
    now_ += 10ms;
    ack(5001);  // the first had only been late
    now_ += 90ms;
    ack(10'001, {{1, 1001}});
    EXPECT_EQ(recovery().phase, RecoveryPhase::open);
    EXPECT_GE(tcb().congestion.cwnd, cwnd);
    EXPECT_EQ(tcb().congestion.ssthresh, 0xffff'ffffU);
  }
}

TEST_P(RecoveryTest, ADuplicateOfAnotherSegmentUndoesNothing) {
  begin(with(LossDetection::rack));
  send(10'000);
  tx();
  now_ += 100ms;
  ack(1, {{1001, 5001}});
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000");
  now_ += 100ms;
  ack(10'001, {{3001, 4001}});
  EXPECT_EQ(tcb().congestion.ssthresh, 5000U);
}

//= RFC5682-2.1-a
TEST_P(RecoveryTest, ADelayedAckAfterATimeoutSendsNewTextAndThenUndoesIt) {
  for (const bool sack : {false, true}) {
    HostConfig config = with(LossDetection::rack);
    config.tcp.initial_window = 10;
    config.tcp.loss_probe = false;
    begin(config, 100ms, sack);
    send(30'000);
    EXPECT_EQ(tx().size(), 10U);
    EXPECT_EQ(advance(1s), "1000ms ACK seq=1 ack=1 len=1000");
    now_ += 10ms;
    ack(1001);
    EXPECT_EQ(tx_text(), "ACK seq=10001 ack=1 len=1000; ACK seq=11001 ack=1 len=1000");
    ack(2001);
    EXPECT_EQ(recovery().phase, RecoveryPhase::open);
    EXPECT_EQ(tcb().congestion.cwnd, 11'000U) << "RFC 4015: FlightSize and what this ACK took";
    EXPECT_EQ(tx_text(), "ACK seq=12001 ack=1 len=1000");
    ack(12'001);
    EXPECT_GE(tcb().rtt.srtt(), 100ms);
  }
}

TEST_P(RecoveryTest, ATrueTimeoutGoesOnWithWhatIsMissing) {
  for (const bool sack : {false, true}) {
    HostConfig config = with(LossDetection::rack);
    config.tcp.initial_window = 10;
    config.tcp.loss_probe = false;
    begin(config, 100ms, sack);
    send(30'000);
    tx();
    EXPECT_EQ(advance(1s), "1000ms ACK seq=1 ack=1 len=1000");
    now_ += 100ms;
    ack(1001);
    EXPECT_EQ(tx_text(), "ACK seq=10001 ack=1 len=1000; ACK seq=11001 ack=1 len=1000");
    now_ += 100ms;
    if (sack) {
      ack(1001, {{10'001, 11'001}});
    } else {
      ack(1001);
    }
    const std::string sent = tx_text();
    EXPECT_EQ(sent.substr(0, 27), "ACK seq=1001 ack=1 len=1000") << sent;
    EXPECT_EQ(recovery().phase, RecoveryPhase::timeout);
    EXPECT_LE(tcb().congestion.cwnd, 3000U);
  }
}

//= RFC6582-3.2-e
TEST_P(RecoveryTest, OnlyTheFirstPartialAckRestartsTheTimer) {
  begin(with(LossDetection::newreno), 100ms, false);
  send(10'000);
  tx();
  for (int i = 0; i < 3; ++i) ack(1);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000");
  now_ += 100ms;
  ack(2001);
  const Instant deadline = tcb().timers.deadline(TimerKind::retransmit);
  EXPECT_EQ(deadline, now_ + 1s);
  tx();
  now_ += 100ms;
  ack(4001);
  EXPECT_EQ(tcb().timers.deadline(TimerKind::retransmit), deadline);
}

//= RFC5681-3.2-e
TEST_P(RecoveryTest, LimitedTransmitDoesNotCountAsFlight) {
  HostConfig config = with(LossDetection::newreno);
  config.tcp.initial_window = 10;
  begin(config, 100ms, false);
  send(30'000);
  EXPECT_EQ(tx().size(), 10U);
  for (int i = 0; i < 2; ++i) ack(1);
  EXPECT_EQ(tx().size(), 2U);
  ack(1);
  tx();
  EXPECT_EQ(tcb().congestion.ssthresh, 5000U);
}

//= RFC8985-4-a
TEST_P(RecoveryTest, WithoutSackThereIsNoScoreboardAndNoProbe) {
  begin(with(LossDetection::rack), 100ms, false);
  send(3000);
  tx();
  EXPECT_EQ(tcb().sack_sender, nullptr);
  EXPECT_EQ(advance(1s), "1000ms ACK seq=1 ack=1 len=1000");
}

//= rfc6298 5.7
TEST_P(RecoveryTest, ALostSynMakesTheTextBeginWithThreeSecondsEvenWhenMeasured) {
  HostConfig config = plain();
  config.tcp.timestamps = true;
  start(config, GetParam());
  connect();
  tx();
  advance(1s);
  Segment answer = from_peer(kSyn | kAck, theirs(0), ours(1));
  answer.options.timestamps = Timestamps{7, (SeqNum(tcb().ts.offset) + 2000U).raw()};
  now_ += 50ms;
  rx(answer);
  EXPECT_EQ(tcb().rtt.srtt(), 50ms);
  EXPECT_EQ(tcb().rtt.rto(), 3s);
}

// RFC 7323 Appendix G: with ten samples in a window each counts a tenth.
TEST(RttEstimatorTest, ManySamplesInAWindowCountForLessEach) {
  Config config;
  config.min_rto = 1ms;
  RttEstimator one(config);
  RttEstimator many(config);
  one.sample(100ms, config);
  many.sample(100ms, config);
  one.sample(200ms, config);
  for (int i = 0; i < 10; ++i) many.sample_timestamp(200ms, 20'000, 1000, config);
  EXPECT_NEAR(std::chrono::duration<double>(one.srtt()).count(), 0.1125, 0.0001);
  EXPECT_NEAR(std::chrono::duration<double>(many.srtt()).count(), 0.1125, 0.002);
  EXPECT_NEAR(std::chrono::duration<double>(many.rttvar()).count(), std::chrono::duration<double>(one.rttvar()).count(),
              0.005);
}

TEST(RecentMinimumTest, AnOldPathIsForgotten) {
  RecentMinimum minimum;
  Instant now{};
  EXPECT_FALSE(minimum.known());
  minimum.add(10ms, now);
  minimum.add(50ms, now + 100s);
  EXPECT_EQ(minimum.value(), 10ms);
  for (int s = 100; s <= 500; s += 50) minimum.add(50ms, now + std::chrono::seconds(s));
  EXPECT_EQ(minimum.value(), 50ms);
}

}  // namespace
}  // namespace lastack
