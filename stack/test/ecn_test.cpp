// Explicit Congestion Notification, RFC 3168 6.1.
#include "stack/tcp/ecn.h"

#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

const Flags kSetupSyn = kSyn | kEce | kCwr;
constexpr std::uint8_t kEct1 = 1;

class Ecn : public CoreFixture {
 protected:
  static HostConfig with_ecn() {
    HostConfig config = plain();
    config.tcp.ecn = true;
    return config;
  }
  Segment ecn_syn(Flags flags = kSetupSyn) {
    Segment syn = from_peer(flags, theirs(0), ours(1));
    syn.options.mss = 1000;
    return syn;
  }
  void establish_passive(const HostConfig& config = with_ecn()) {
    start(config);
    listen();
    rx(ecn_syn());
    EXPECT_EQ(tx_text(), "SYN,ACK,ECE seq=0 ack=1");
    rx(kAck, theirs(1), ours(1));
    accept();
    ASSERT_EQ(state(), State::established);
  }
  // One ACK with ECE for everything sent so far; CE text that the peer got.
  void echo(std::uint32_t ack) { rx(kAck | kEce, theirs(1), ours(ack)); }
  void text(std::uint32_t seq, std::size_t octets, std::uint8_t ecn, Flags flags = kAck) {
    rx(from_peer(flags, theirs(seq), ours(1), octets), ecn);
  }
};

//= rfc3168 6.1.1
struct SynCase {
  const char* name;
  Flags flags;
  bool agreed;
};
class EcnSyn : public Ecn, public testing::WithParamInterface<SynCase> {};
INSTANTIATE_TEST_SUITE_P(Flags, EcnSyn,
                         testing::Values(SynCase{"none", kSyn, false}, SynCase{"ece", kSyn | kEce, false},
                                         SynCase{"cwr", kSyn | kCwr, false}, SynCase{"both", kSetupSyn, true}),
                         [](const auto& i) { return i.param.name; });

TEST_P(EcnSyn, OnlyBothFlagsAskForEcn) {
  start(with_ecn());
  listen();
  rx(ecn_syn(GetParam().flags));
  const auto answer = tx();
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].flags, GetParam().agreed ? kSyn | kAck | kEce : kSyn | kAck);
  EXPECT_EQ(ecn_fields_[0], kNotEct);
  rx(kAck, theirs(1), ours(1));
  accept();
  send(10);
  const auto sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(ecn_fields_[0], GetParam().agreed ? kEct0 : kNotEct);
}

class EcnSynAck : public Ecn, public testing::WithParamInterface<SynCase> {};
INSTANTIATE_TEST_SUITE_P(Flags, EcnSynAck,
                         testing::Values(SynCase{"none", kSyn | kAck, false}, SynCase{"ece", kSyn | kAck | kEce, true},
                                         SynCase{"cwr", kSyn | kAck | kCwr, false},
                                         SynCase{"reflected", kSetupSyn | kAck, false}),
                         [](const auto& i) { return i.param.name; });

TEST_P(EcnSynAck, OnlyEceAloneAgrees) {
  start(with_ecn());
  connect();
  EXPECT_EQ(tx_text(), "SYN,ECE,CWR seq=0");
  rx(ecn_syn(GetParam().flags));
  tx();
  send(10);
  const auto sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(ecn_fields_[0], GetParam().agreed ? kEct0 : kNotEct);
}

TEST_F(Ecn, IsOffUnlessAskedFor) {
  start(plain());
  connect();
  EXPECT_EQ(tx_text(), "SYN seq=0");
  rx(ecn_syn(kSyn | kAck | kEce));
  tx();
  send(10);
  EXPECT_EQ((tx(), ecn_fields_.at(0)), kNotEct) << "nobody asked for what the peer grants";
}

//= rfc3168 6.1.1.1
TEST_F(Ecn, ASynWithoutAnswerIsRepeatedWithoutEcn) {
  start(with_ecn());
  connect();
  tx();
  EXPECT_EQ(advance(1s), "1000ms SYN seq=0");
  rx(ecn_syn(kSyn | kAck | kEce));
  tx();
  send(10);
  EXPECT_EQ((tx(), ecn_fields_.at(0)), kNotEct) << "6.1.1: a SYN that was not ECN-setup forbids ECT";
  text(1, 10, kCe);
  EXPECT_EQ(tx_text(), "ACK,ECE seq=11 ack=11") << "the commitment of the first SYN remains";
}

TEST_F(Ecn, ASynThatFallsBackTakesTheAgreementBack) {
  HostConfig config = with_ecn();
  config.tcp.repeat_syn_ack = true;
  start(config);
  listen();
  rx(ecn_syn());
  EXPECT_EQ(tx_text(), "SYN,ACK,ECE seq=0 ack=1");
  rx(ecn_syn(kSyn));
  EXPECT_EQ(tx_text(), "SYN,ACK seq=0 ack=1");
  rx(ecn_syn());
  EXPECT_EQ(tx_text(), "SYN,ACK seq=0 ack=1") << "and nothing brings it again";
}

//= rfc3168 6.1.4 6.1.5
TEST_F(Ecn, OnlyNewTextIsEct) {
  establish_passive();
  send(2000);
  auto sent = tx();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(ecn_fields_[0], kEct0);
  EXPECT_EQ(ecn_fields_[1], kEct0);
  now_ += 1s;
  host().on_timeout(now_);
  sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(ecn_fields_[0], kNotEct) << "a repetition";
  text(1, 10, kEct0);
  sent = tx();
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(ecn_fields_.back(), kNotEct) << "a pure ACK";
}

//= rfc3168 6.1.6
TEST_F(Ecn, AWindowProbeIsNot) {
  establish_passive();
  Segment closed = from_peer(kAck, theirs(1), ours(1));
  closed.wnd = 0;
  rx(closed);
  send(10);
  EXPECT_EQ(tx_text(), "");
  now_ += 1s;
  host().on_timeout(now_);
  const auto sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(ecn_fields_[0], kNotEct);
}

//= rfc3168 6.1.3
TEST_F(Ecn, CeIsEchoedUntilCwr) {
  establish_passive();
  text(1, 10, kEct0);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=11");
  text(11, 10, kCe);
  EXPECT_EQ(tx_text(), "ACK,ECE seq=1 ack=21");
  text(21, 10, kEct1);
  EXPECT_EQ(tx_text(), "ACK,ECE seq=1 ack=31") << "until CWR";
  text(31, 10, kEct0, kAck | kCwr);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=41");
  text(41, 10, kCe, kAck | kCwr);
  EXPECT_EQ(tx_text(), "ACK,ECE seq=1 ack=51") << "CWR ends the old echo, CE begins a new one";
}

//= rfc3168 6.1.5
TEST_F(Ecn, CeOutsideTheWindowIsIgnored) {
  establish_passive();
  text(1, 10, kEct0);
  tx();
  text(1, 10, kCe);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=11") << "old";
  text(80'000, 10, kCe);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=11") << "beyond";
}

//= rfc3168 6.1.6 RFC3168-6.1.6-b
TEST_F(Ecn, CeOnAWindowProbeCounts) {
  HostConfig config = with_ecn();
  config.tcp.rcv_buf = 1000;
  establish_passive(config);
  text(1, 1000, kEct0);
  EXPECT_EQ(tx().at(0).wnd, 0);
  text(1001, 1, kCe);
  EXPECT_EQ(tx_text(), "ACK,ECE seq=1 ack=1001");
}

TEST_F(Ecn, WithoutAgreementCeMeansNothing) {
  start(with_ecn());
  establish();
  text(1, 10, kCe);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=11");
}

//= rfc3168 6.1.2
TEST_F(Ecn, AnEchoHalvesTheWindowOncePerWindow) {
  establish_passive();
  send(10'000);
  EXPECT_EQ(tx().size(), 10U);
  const std::uint32_t cwnd = tcb().congestion.cwnd;
  ASSERT_EQ(cwnd, 10'000U);
  echo(1001);
  EXPECT_EQ(tcb().congestion.cwnd, cwnd / 2);
  EXPECT_EQ(tcb().congestion.ssthresh, cwnd / 2 - 500) << "half of what is in flight";
  echo(2001);
  echo(10'001);
  EXPECT_EQ(tcb().congestion.cwnd, cwnd / 2) << "of the same window of data, and no growth either";
  send(2000);
  auto sent = tx();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].flags, kAck | kCwr);
  EXPECT_FALSE(sent[1].flags.cwr()) << "on the first only";
  echo(11'001);
  EXPECT_EQ(tcb().congestion.cwnd, cwnd / 4) << "a new window";
}

TEST_F(Ecn, AWindowReducedByLossIsToldToo) {
  establish_passive();
  send(3000);
  tx();
  now_ += 1s;
  host().on_timeout(now_);
  auto sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(sent[0].flags.cwr()) << "SHOULD NOT on a repetition";
  echo(3001);
  EXPECT_EQ(tcb().congestion.ssthresh, 2000U) << "the time-out has reduced this window";
  send(1000);
  sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(sent[0].flags.cwr());
}

//= rfc3168 6.1.2 RFC3168-6.1.2-c
TEST_F(Ecn, WithOneSegmentOfWindowTheTimerSetsThePace) {
  establish_passive();
  for (std::uint32_t i = 0; i < 4; ++i) {
    send(1000);
    tx();
    echo(1001 + 1000 * i);
  }
  ASSERT_EQ(tcb().congestion.cwnd, 1000U) << "10 segments, 5, 2.5, 1.25, 1";
  send(1000);
  tx();
  now_ += 10ms;
  echo(5001);
  send(1000);
  EXPECT_EQ(tx_text(), "");
  const auto rto = std::chrono::duration_cast<std::chrono::milliseconds>(tcb().rtt.rto()).count();
  EXPECT_EQ(advance(1500ms), std::to_string(rto) + "ms PSH,ACK,CWR seq=5001 ack=1 len=1000");
}

}  // namespace
}  // namespace lastack
