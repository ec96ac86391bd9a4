// What leaves, and when: Nagle, silly windows, delayed ACKs, retransmission, probes, congestion control, PUSH and
// urgent data.
#include "stack/test/core_fixture.h"
#include "stack/wire/checksum.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

class Output : public CoreFixture, public testing::WithParamInterface<Isns> {
 protected:
  void begin(const HostConfig& config = plain(), std::uint16_t window = 65535, std::uint16_t mss = 1000) {
    start(config, GetParam());
    establish(window, mss);
  }
  void window(std::uint16_t octets, SeqNum ack) {
    Segment update = from_peer(kAck, theirs(1), ack);
    update.wnd = octets;
    rx(update);
  }
};
INSTANTIATE_TEST_SUITE_P(Isns, Output, testing::ValuesIn(kIsns));

//= rfc9293 3.7.4 SHLD-7
TEST_P(Output, NagleHoldsSmallSegmentsWhileSomethingIsUnacknowledged) {
  begin();
  send(10);
  EXPECT_EQ(tx_text(), "PSH,ACK seq=1 ack=1 len=10");
  send(10);
  send(1500);
  EXPECT_EQ(tx_text(), "ACK seq=11 ack=1 len=1000");
  rx(kAck, theirs(1), ours(1011));
  EXPECT_EQ(tx_text(), "PSH,ACK seq=1011 ack=1 len=510");
}

TEST_P(Output, WithoutNagleEverySendLeaves) {
  HostConfig config = plain();
  config.tcp.nagle = false;
  begin(config);
  send(10);
  send(10);
  EXPECT_EQ(tx_text(), "PSH,ACK seq=1 ack=1 len=20");
  send(10);
  EXPECT_EQ(tx_text(), "PSH,ACK seq=21 ack=1 len=10");
}

//= rfc9293 3.8.6.2.1 MUST-38
TEST_P(Output, ASmallWindowIsUsedOnlyAfterTheOverride) {
  begin(plain(), 5000);
  send(3000);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000; ACK seq=1001 ack=1 len=1000; PSH,ACK seq=2001 ack=1 len=1000");
  window(100, ours(3001));
  send(2000);
  EXPECT_EQ(tx_text(), "");
  EXPECT_EQ(advance(300ms), "200ms ACK seq=3001 ack=1 len=100");
}

TEST_P(Output, SndWndLimitsWhatLeaves) {
  begin(plain(), 2500);
  send(5000);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000; ACK seq=1001 ack=1 len=1000");
  window(2500, ours(1001));
  EXPECT_EQ(tx_text(), "ACK seq=2001 ack=1 len=1000");
}

//= rfc9293 3.8.6.1 MUST-36 SHLD-29 SHLD-30 MUST-37
TEST_P(Output, AClosedWindowIsProbedWithBackOffAndForEver) {
  begin();
  window(0, ours(1));
  send(100);
  EXPECT_EQ(tx_text(), "");
  EXPECT_EQ(advance(8s), "1000ms ACK seq=1 ack=1 len=1; 3000ms ACK seq=1 ack=1 len=1; 7000ms ACK seq=1 ack=1 len=1");
  for (int i = 0; i < 100; ++i) {
    window(0, ours(1));
    advance(60s);
    ASSERT_EQ(state(), State::established);
  }
  window(1000, ours(1));
  EXPECT_EQ(tx_text().substr(0, 12), "ACK seq=1 ac") << "the refused octet again";
}

TEST_P(Output, AnAcceptedProbeGoesOn) {
  begin();
  window(0, ours(1));
  send(100);
  advance(1s);
  window(0, ours(2));
  EXPECT_EQ(tx_text(), "");
  window(1000, ours(2));
  EXPECT_EQ(tx_text(), "PSH,ACK seq=2 ack=1 len=99");
}

TEST_P(Output, AFinBeforeAClosedWindowWaitsForAProbe) {
  begin();
  window(0, ours(1));
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  EXPECT_EQ(tx_text(), "");
  EXPECT_EQ(advance(1s), "1000ms FIN,ACK seq=1 ack=1");
  window(1000, ours(2));
  EXPECT_EQ(state(), State::fin_wait_2);
}

//= rfc6298 5.1 5.4 5.5 5.6
TEST_P(Output, TheOldestSegmentIsSentAgainWithBackOff) {
  begin();
  send(2000);
  EXPECT_EQ(tx().size(), 2U);
  EXPECT_EQ(advance(8s),
            "1000ms ACK seq=1 ack=1 len=1000; 3000ms ACK seq=1 ack=1 len=1000; 7000ms ACK seq=1 ack=1 len=1000");
  EXPECT_TRUE(told(Event::Kind::soft_error)) << "R1 is 3";
  rx(kAck, theirs(1), ours(1001));
  EXPECT_EQ(tx_text(), "PSH,ACK seq=1001 ack=1 len=1000");
  EXPECT_EQ(tcb().rtt.rto(), 8s) << "Karn: no sample from what was sent again, the back-off stays";
}

//= rfc9293 3.8.3 MUST-20 MUST-21
TEST_P(Output, AfterR2TheConnectionIsGivenUpWithoutRst) {
  begin();
  send(10);
  tx();
  advance(99s);
  EXPECT_EQ(state(), State::established);
  EXPECT_EQ(advance(60s), "");
  EXPECT_EQ(state(), State::closed);
  EXPECT_TRUE(told(Event::Kind::timed_out));
}

TEST_P(Output, TheRetransmissionTimerStopsWhenAllIsAcknowledged) {
  begin();
  send(10);
  tx();
  rx(kAck, theirs(1), ours(11));
  EXPECT_FALSE(tcb().timers.armed(TimerKind::retransmit));
  EXPECT_EQ(advance(60s), "");
}

//= rfc6298 2.2 2.3 2.4
TEST_P(Output, TheRoundTripTimeIsSmoothed) {
  begin();
  send(10);
  tx();
  advance(400ms);
  rx(kAck, theirs(1), ours(11));
  // The handshake was measured first, with zero: SRTT 0, RTTVAR 0; then RTTVAR = 100 ms, SRTT = 50 ms, and 2.4 rounds
  // up.
  EXPECT_EQ(tcb().rtt.srtt(), 50ms);
  EXPECT_EQ(tcb().rtt.rttvar(), 100ms);
  EXPECT_EQ(tcb().rtt.rto(), 1s);
}

//= rfc5681 3.2
TEST_P(Output, TheThirdDuplicateSendsAgainAndRecoveryFollows) {
  begin();
  send(6000);
  EXPECT_EQ(tx().size(), 6U);
  for (int i = 0; i < 2; ++i) rx(kAck, theirs(1), ours(1));
  EXPECT_EQ(tx_text(), "");
  rx(kAck, theirs(1), ours(1));
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000");
  EXPECT_EQ(tcb().congestion.ssthresh, 3000U);
  EXPECT_EQ(tcb().congestion.cwnd, 6000U);
  // RFC 6582: a partial ACK shows the next hole.
  rx(kAck, theirs(1), ours(2001));
  EXPECT_EQ(tx_text(), "ACK seq=2001 ack=1 len=1000");
  rx(kAck, theirs(1), ours(6001));
  EXPECT_EQ(tcb().recovery.phase, RecoveryPhase::open);
}

TEST_P(Output, AWindowUpdateIsNoDuplicateAck) {
  begin();
  send(6000);
  tx();
  for (std::uint16_t i = 0; i < 5; ++i) window(static_cast<std::uint16_t>(60000 + i), ours(1));
  EXPECT_EQ(tx_text(), "");
}

//= rfc6928 2
TEST_P(Output, TheInitialWindowIsTenSegments) {
  begin();
  send(20000);
  EXPECT_EQ(tx().size(), 10U);
  rx(kAck, theirs(1), ours(1001));
  EXPECT_EQ(tx().size(), 2U) << "slow start: one for the ACK, one for its growth";
}

//= rfc9293 3.8.6.3 SHLD-18 SHLD-19 MUST-40
TEST_P(Output, AcksAreDelayedForOneSegmentAtMost) {
  HostConfig config = plain();
  config.tcp.delayed_ack = true;
  begin(config);
  rx(kAck, theirs(1), ours(1), 10);
  EXPECT_EQ(tx_text(), "");
  EXPECT_EQ(advance(500ms), "40ms ACK seq=1 ack=11");
  rx(kAck, theirs(11), ours(1), 10);
  rx(kAck, theirs(21), ours(1), 10);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=31");
  rx(kAck, theirs(31), ours(1), 10);
  send(5);
  EXPECT_EQ(tx_text(), "PSH,ACK seq=1 ack=41 len=5") << "piggybacked";
  EXPECT_FALSE(tcb().timers.armed(TimerKind::delayed_ack));
}

//= rfc9293 3.8.6.2.2 MUST-39
TEST_P(Output, TheWindowOpensOnlyByAWorthwhileAmount) {
  HostConfig config = plain();
  config.tcp.rcv_buf = 4000;
  begin(config);
  for (std::uint32_t i = 0; i < 4; ++i) rx(kAck, theirs(1 + 1000 * i), ours(1), 1000);
  tx();
  EXPECT_EQ(tcb().rcv.wnd, 0U);
  EXPECT_EQ(receive(999), 999U);
  EXPECT_EQ(tx_text(), "");
  EXPECT_EQ(receive(1), 1U);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=4001");
  EXPECT_EQ(tcb().rcv.wnd, 1000U);
}

//= rfc9293 3.8.5 MUST-30 MUST-62
TEST_P(Output, UrgentTextPointsBehindItself) {
  begin();
  EXPECT_TRUE(host().send(now_, conn_, octets_of_stream(5), {false, true}).ok());
  const auto sent = tx();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(sent[0].flags.urg());
  EXPECT_EQ(sent[0].urg, 5);
}

//= rfc9293 3.8.4 MUST-25 MUST-26 MUST-27
TEST_P(Output, KeepAliveAsksAnIdlePeer) {
  HostConfig config = plain();
  config.tcp.keepalive = true;
  config.tcp.keepalive_idle = 100s;
  config.tcp.keepalive_interval = 10s;
  config.tcp.keepalive_probes = 2;
  begin(config);
  EXPECT_EQ(advance(100s), "100000ms ACK seq=0 ack=1");
  rx(kAck, theirs(1), ours(1));
  EXPECT_EQ(advance(105s), "100000ms ACK seq=0 ack=1");
  EXPECT_EQ(advance(100s), "5000ms ACK seq=0 ack=1");
  EXPECT_EQ(state(), State::closed);
}

TEST_P(Output, TextBeforeTheFinAndLastAckWhenItLeaves) {
  begin(plain(), 1000);
  rx(kFin | kAck, theirs(1), ours(1));
  tx();
  window(1000, ours(1));
  Segment small = from_peer(kAck, theirs(2), ours(1));
  small.wnd = 1000;
  rx(small);
  send(1500);
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=2 len=1000");
  EXPECT_EQ(state(), State::close_wait) << "the FIN has not left";
  rx(kAck, theirs(2), ours(1001));
  EXPECT_EQ(tx_text(), "FIN,PSH,ACK seq=1001 ack=2 len=500");
  EXPECT_EQ(state(), State::last_ack);
}

TEST_P(Output, AFinIsSentAgainInClosing) {
  begin();
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  tx();
  rx(kFin | kAck, theirs(1), ours(1));
  tx();
  EXPECT_EQ(advance(1s), "1000ms FIN,ACK seq=1 ack=2");
}

TEST_P(Output, AMssOfZeroStillMakesProgress) {
  start(plain(), GetParam());
  establish(65535, 0);
  send(3);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1; ACK seq=2 ack=1 len=1; PSH,ACK seq=3 ack=1 len=1");
}

class Icmp : public CoreFixture {
 protected:
  // Type 3 with `code` about our segment at `seq`.
  void unreachable(std::uint8_t code, SeqNum seq, std::uint16_t mtu = 0) {
    std::array<std::byte, 256> packet{};
    std::array<std::byte, 64> ours_again{};
    IpHeader inner;
    inner.src = IpAddress::v4(0xc000'0201U);
    inner.dst = peer().ip;
    Segment segment;
    segment.src_port = kPort;
    segment.dst_port = kPeerPort;
    segment.seq = seq;
    segment.flags = kAck;
    const std::size_t inner_size = write_packet(ours_again, inner, segment);
    const std::size_t size = 8 + inner_size;
    std::byte* const icmp = packet.data() + 20;
    store_u8(icmp, 3);
    store_u8(icmp + 1, code);
    store_be16(icmp + 6, mtu);
    std::memcpy(icmp + 8, ours_again.data(), inner_size);
    store_be16(icmp + 2, internet_checksum({icmp, size}));
    IpHeader outer;
    outer.src = IpAddress::v4(0xc000'02feU);
    outer.dst = IpAddress::v4(0xc000'0201U);
    outer.protocol = kProtocolIcmp;
    write_ip_header(packet.data(), outer, size);
    host().on_packet(now_, Bytes(packet).first(20 + size));
  }
};

//= rfc9293 3.9.2.2 MUST-54 MUST-56 SHLD-25
TEST_F(Icmp, SoftErrorsAreToldAndNothingElse) {
  start(plain());
  establish();
  send(10);
  tx();
  for (const std::uint8_t code : std::array<std::uint8_t, 3>{0, 1, 5}) {
    unreachable(code, ours(1));
    EXPECT_TRUE(told(Event::Kind::soft_error));
    EXPECT_EQ(state(), State::established);
  }
}

//= rfc9293 3.9.2.2 SHLD-26
TEST_F(Icmp, HardErrorsAbortWhenTheySpeakOfASegmentInFlight) {
  start(plain());
  establish();
  send(10);
  tx();
  unreachable(3, ours(500));
  EXPECT_EQ(state(), State::established) << "RFC 5927 4.1";
  unreachable(3, ours(1));
  EXPECT_EQ(state(), State::closed);
  EXPECT_EQ(tx_text(), "");
}

TEST_F(Icmp, ASmallerPathMtuCutsSmallerSegments) {
  start(plain());
  establish(65535, 1460);
  send(1400);
  EXPECT_EQ(tx_text(), "PSH,ACK seq=1 ack=1 len=1400");
  unreachable(4, ours(1), 1040);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1 len=1000; PSH,ACK seq=1001 ack=1 len=400");
}

// Nothing as large has arrived before: believed at once, also after smaller segments have.
//= rfc5927 7.2
TEST_F(Icmp, ASmallerPathMtuIsBelievedWhileTheLargestIsNew) {
  start(plain());
  establish(65535, 1460);
  send(100);
  tx();
  rx(kAck, theirs(1), ours(101));
  send(1400);
  tx();
  unreachable(4, ours(101), 1040);
  EXPECT_EQ(tx_text(), "ACK seq=101 ack=1 len=1000; PSH,ACK seq=1101 ack=1 len=400");
}

//= rfc5927 7.2
TEST_F(Icmp, WhatThePathHasCarriedItIsBelievedToCarryUntilATimeOut) {
  start(plain());
  establish(65535, 1460);
  send(1400);
  tx();
  rx(kAck, theirs(1), ours(1401));
  send(1400);
  tx();
  unreachable(4, ours(1401), 1040);
  EXPECT_EQ(tx_text(), "") << "it waits";
  EXPECT_EQ(advance(1s), "1000ms ACK seq=1401 ack=1 len=1000") << "the time-out shows that it was true";
  rx(kAck, theirs(1), ours(2401));
  EXPECT_EQ(tx_text(), "PSH,ACK seq=2401 ack=1 len=400");
}

//= rfc5927 7.2
TEST_F(Icmp, AnAckOfTheSegmentShowsThatTheReportWasWrong) {
  start(plain());
  establish(65535, 1460);
  send(1400);
  tx();
  rx(kAck, theirs(1), ours(1401));
  send(1400);
  tx();
  unreachable(4, ours(1401), 1040);
  rx(kAck, theirs(1), ours(2801));
  send(1400);
  EXPECT_EQ(tx_text(), "PSH,ACK seq=2801 ack=1 len=1400");
  EXPECT_EQ(advance(1s), "1000ms PSH,ACK seq=2801 ack=1 len=1400") << "not later either";
}

TEST_F(Icmp, MoreThanThePathHasCarriedIsBelievedAtOnce) {
  start(plain());
  establish(65535, 1460);
  send(1000);
  tx();
  rx(kAck, theirs(1), ours(1001));
  send(1400);
  tx();
  unreachable(4, ours(1001), 1240);
  EXPECT_EQ(tx_text(), "ACK seq=1001 ack=1 len=1200; PSH,ACK seq=2201 ack=1 len=200");
}

TEST_F(Icmp, HowOftenASegmentMustTimeOutIsAChoice) {
  for (const std::uint8_t times : std::array<std::uint8_t, 2>{0, 2}) {
    HostConfig config = plain();
    config.tcp.path_mtu_timeouts = times;
    start(config);
    establish(65535, 1460);
    send(1400);
    tx();
    rx(kAck, theirs(1), ours(1401));
    send(1400);
    tx();
    unreachable(4, ours(1401), 1040);
    if (times == 0) {
      EXPECT_EQ(tx_text(), "ACK seq=1401 ack=1 len=1000; PSH,ACK seq=2401 ack=1 len=400");
    } else {
      EXPECT_EQ(advance(3s), "1000ms PSH,ACK seq=1401 ack=1 len=1400; 3000ms ACK seq=1401 ack=1 len=1000");
    }
  }
}

//= rfc1191 6.3
TEST_F(Icmp, ALargerPathMtuIsTriedAgainLater) {
  HostConfig config = plain();
  config.tcp.nagle = false;
  start(config);
  establish(65535, 1460);
  send(1400);
  tx();
  unreachable(4, ours(1), 1040);
  tx();
  rx(kAck, theirs(1), ours(1401));
  now_ += 599s;
  send(1400);
  EXPECT_EQ(tx_text(), "ACK seq=1401 ack=1 len=1000; PSH,ACK seq=2401 ack=1 len=400");
  rx(kAck, theirs(1), ours(2801));
  now_ += 1s;
  send(1400);
  EXPECT_EQ(tx_text(), "PSH,ACK seq=2801 ack=1 len=1400");
}

}  // namespace
}  // namespace lastack
