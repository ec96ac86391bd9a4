// 3.10.7.1 and 3.10.7.2, row by row.
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

struct ClosedRow {
  const char* row;  // of rfc9293-events
  Flags flags;
  std::size_t octets;
  const char* reply;  // SEQ as it is, ACK as it is
};

constexpr std::uint32_t kSeq = 1000, kAckNumber = 91;

// Absolute numbers: these replies depend on nothing of ours.
std::string absolute(const std::vector<Segment>& sent) {
  std::string text;
  for (const Segment& s : sent) {
    text += flags_text(s.flags) + " seq=" + std::to_string(s.seq.raw());
    if (s.flags.ack()) text += " ack=" + std::to_string(s.ack.raw());
  }
  return text;
}

class Closed : public CoreFixture, public testing::WithParamInterface<ClosedRow> {};

TEST_P(Closed, AnswersAsTheTextSays) {
  start(plain());
  rx(GetParam().flags, SeqNum(kSeq), SeqNum(kAckNumber), GetParam().octets);
  EXPECT_EQ(absolute(tx()), GetParam().reply) << GetParam().row;
  EXPECT_EQ(host().connections(), 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Closed,
    testing::Values(ClosedRow{"E-3.10.7.1-CLOSED-rst", kRst, 0, ""},
                    ClosedRow{"E-3.10.7.1-CLOSED-rst", kRst | kAck, 5, ""},
                    ClosedRow{"E-3.10.7.1-CLOSED-noack-syn", kSyn, 0, "RST,ACK seq=0 ack=1001"},
                    ClosedRow{"E-3.10.7.1-CLOSED-noack-syn-data", kSyn, 10, "RST,ACK seq=0 ack=1011"},
                    ClosedRow{"E-3.10.7.1-CLOSED-noack-fin", kFin, 0, "RST,ACK seq=0 ack=1001"},
                    ClosedRow{"E-3.10.7.1-CLOSED-noack-synfin", kSyn | kFin, 0, "RST,ACK seq=0 ack=1002"},
                    ClosedRow{"E-3.10.7.1-CLOSED-noack-null", Flags{}, 0, "RST,ACK seq=0 ack=1000"},
                    ClosedRow{"E-3.10.7.1-CLOSED-ack-synack", kSyn | kAck, 0, "RST seq=91"},
                    ClosedRow{"E-3.10.7.1-CLOSED-ack-data", kAck, 10, "RST seq=91"}));

class Listen : public CoreFixture, public testing::WithParamInterface<ClosedRow> {};

TEST_P(Listen, AnswersAsTheTextSaysAndStays) {
  start(plain());
  listen();
  rx(GetParam().flags, SeqNum(kSeq), SeqNum(kAckNumber), GetParam().octets);
  EXPECT_EQ(absolute(tx()), GetParam().reply) << GetParam().row;
  EXPECT_EQ(state(), State::listen);
  EXPECT_EQ(host().connections(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Rows, Listen,
                         testing::Values(ClosedRow{"E-3.10.7.2-LISTEN-rst", kRst, 0, ""},
                                         ClosedRow{"E-3.10.7.2-LISTEN-rst", kRst | kSyn, 0, ""},
                                         ClosedRow{"E-3.10.7.2-LISTEN-ack", kAck, 0, "RST seq=91"},
                                         ClosedRow{"E-3.10.7.2-LISTEN-ack", kSyn | kAck, 0, "RST seq=91"},
                                         ClosedRow{"E-3.10.7.2-LISTEN-ack", kFin | kAck, 7, "RST seq=91"},
                                         ClosedRow{"E-3.10.7.2-LISTEN-other-fin", kFin, 0, ""},
                                         ClosedRow{"E-3.10.7.2-LISTEN-other-null", Flags{}, 0, ""},
                                         ClosedRow{"E-3.10.7.2-LISTEN-other-xmas", kFin | kPsh | kUrg, 0, ""},
                                         ClosedRow{"E-3.10.7.2-LISTEN-other-data", kPsh, 5, ""}));

class ListenFixture : public CoreFixture, public testing::WithParamInterface<Isns> {};
INSTANTIATE_TEST_SUITE_P(Isns, ListenFixture, testing::ValuesIn(kIsns));

TEST_P(ListenFixture, SynOpens) {
  start(plain(), GetParam());
  listen();
  rx(kSyn, theirs(0), SeqNum(0));
  EXPECT_EQ(tx_text(), "SYN,ACK seq=0 ack=1");
  find();
  EXPECT_EQ(state(), State::syn_received);
  EXPECT_EQ(tcb().snd.una, ours(0));
  EXPECT_EQ(tcb().snd.nxt, ours(1));
  EXPECT_EQ(tcb().rcv.irs, theirs(0));
  EXPECT_EQ(tcb().rcv.nxt, theirs(1));
  EXPECT_EQ(host().state(listener_), State::listen);
}

TEST_P(ListenFixture, TextAndFinOfTheSynWaitForTheThirdSegment) {
  start(plain(), GetParam());
  listen();
  rx(kSyn | kFin, theirs(0), SeqNum(0), 10);
  EXPECT_EQ(tx_text(), "SYN,ACK seq=0 ack=1");
  rx(kAck, theirs(1), ours(1));
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=12");
  accept();
  EXPECT_EQ(state(), State::close_wait);
  EXPECT_EQ(receive(), 10U);
}

TEST_P(ListenFixture, TextOfTheSynThatComesAgainIsTakenOnce) {
  start(plain(), GetParam());
  listen();
  rx(kSyn, theirs(0), SeqNum(0), 10);
  tx();
  rx(kAck, theirs(1), ours(1), 15);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=16");
  accept();
  EXPECT_EQ(receive(), 15U);
}

class Backlog : public CoreFixture {};

TEST_F(Backlog, WhatDoesNotFitIsDropped) {
  HostConfig config = plain();
  config.tcp.syn_cookies = false;
  start(config);
  listener_ = *host().listen(now_, kPort, 1);
  rx(kSyn, theirs(0), SeqNum(0));
  EXPECT_EQ(tx().size(), 1U);
  Segment second = from_peer(kSyn, theirs(0), SeqNum(0));
  second.src_port = 4001;
  rx(second);
  EXPECT_TRUE(tx().empty());
  EXPECT_EQ(host().last_disposition().action, Action::dropped);
  // The place is free again once the first one was accepted.
  rx(kAck, theirs(1), ours(1));
  accept();
  rx(second);
  EXPECT_EQ(tx().size(), 1U);
}

TEST_F(Backlog, ClosingTheListenerResetsWhatNobodyWillAccept) {
  start(plain());
  listen();
  rx(kSyn, theirs(0), SeqNum(0));
  rx(kAck, theirs(1), ours(1));
  tx();
  EXPECT_TRUE(host().close(now_, listener_).ok());
  EXPECT_EQ(tx_text(), "RST seq=1");
  EXPECT_EQ(host().connections(), 0U);
  EXPECT_EQ(host().state(listener_), State::closed);
}

class BadAddresses : public CoreFixture {};

//= rfc9293 3.9.2.3 MUST-57 MUST-63
TEST_F(BadAddresses, SegmentsOfImpossiblePeersAreIgnored) {
  start(plain());
  listen();
  for (const char* source : {"0.0.0.0", "224.0.0.1", "255.255.255.255"}) {
    std::array<std::byte, 100> packet{};
    IpHeader ip;
    ip.src = *IpAddress::parse(source);
    ip.dst = IpAddress::v4(0xc000'0201U);
    const std::size_t size = write_packet(packet, ip, from_peer(kSyn, theirs(0), SeqNum(0)));
    host().on_packet(now_, Bytes(packet).first(size));
    EXPECT_TRUE(tx().empty()) << source;
  }
}

}  // namespace
}  // namespace lastack
