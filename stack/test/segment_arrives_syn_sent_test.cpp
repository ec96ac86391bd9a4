// 3.10.7.3, row by row, and the simultaneous open of Figure 7.
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

struct SynSentRow {
  const char* row;
  Flags flags;
  std::int32_t ack;  // relative to ISS
  std::size_t octets;
  const char* reply;
  State state;
};

class SynSent : public CoreFixture, public testing::WithParamInterface<std::tuple<SynSentRow, Isns>> {};

TEST_P(SynSent, AnswersAsTheTextSays) {
  const auto& [row, isns] = GetParam();
  start(plain(), isns);
  connect();
  EXPECT_EQ(tx_text(), "SYN seq=0");
  rx(row.flags, theirs(0), row.ack < 0 ? ours(0) - 1U : ours(static_cast<std::uint32_t>(row.ack)), row.octets);
  EXPECT_EQ(tx_text(), row.reply) << row.row;
  EXPECT_EQ(state(), row.state) << row.row << ": " << to_string(state());
}

INSTANTIATE_TEST_SUITE_P(
    Rows, SynSent,
    testing::Combine(
        testing::Values(
            SynSentRow{"E-3.10.7.3-SYN-SENT-ack-low", kSyn | kAck, 0, 0, "RST seq=0", State::syn_sent},
            SynSentRow{"E-3.10.7.3-SYN-SENT-ack-high", kSyn | kAck, 2, 0, "RST seq=2", State::syn_sent},
            SynSentRow{"E-3.10.7.3-SYN-SENT-ack-unacceptable", kAck, 2, 0, "RST seq=2", State::syn_sent},
            SynSentRow{"E-3.10.7.3-SYN-SENT-ack-unacceptable-rst", kRst | kAck, 2, 0, "", State::syn_sent},
            SynSentRow{"E-3.10.7.3-SYN-SENT-rst-ack-ok", kRst | kAck, 1, 0, "", State::closed},
            SynSentRow{"E-3.10.7.3-SYN-SENT-rst-noack", kRst, 1, 0, "", State::syn_sent},
            SynSentRow{"E-3.10.7.3-SYN-SENT-synrst-ack-ok", kSyn | kRst | kAck, 1, 0, "", State::closed},
            SynSentRow{"E-3.10.7.3-SYN-SENT-synack", kSyn | kAck, 1, 0, "ACK seq=1 ack=1", State::established},
            SynSentRow{"E-3.10.7.3-SYN-SENT-synack-data", kSyn | kAck, 1, 10, "ACK seq=1 ack=11", State::established},
            SynSentRow{"E-3.10.7.3-SYN-SENT-synack-fin", kSyn | kAck | kFin, 1, 0, "ACK seq=1 ack=2",
                       State::close_wait},
            SynSentRow{"E-3.10.7.3-SYN-SENT-syn", kSyn, 0, 0, "SYN,ACK seq=0 ack=1", State::syn_received},
            SynSentRow{"E-3.10.7.3-SYN-SENT-syn-data", kSyn, 0, 10, "SYN,ACK seq=0 ack=1", State::syn_received},
            SynSentRow{"E-3.10.7.3-SYN-SENT-ack-only", kAck, 1, 0, "", State::syn_sent},
            SynSentRow{"E-3.10.7.3-SYN-SENT-finack", kFin | kAck, 1, 0, "", State::syn_sent},
            SynSentRow{"E-3.10.7.3-SYN-SENT-null", kFin, 0, 3, "", State::syn_sent}),
        testing::ValuesIn(kIsns)));

class ActiveOpen : public CoreFixture {};

// 3.10.7.3 prints the assignments only for SYN-RECEIVED; RFC 1122 4.2.2.20 (c) wants them in ESTABLISHED.
TEST_F(ActiveOpen, TheWindowOfTheSynAckCounts) {
  start(plain());
  connect();
  tx();
  Segment syn_ack = from_peer(kSyn | kAck, theirs(0), ours(1));
  syn_ack.wnd = 1234;
  rx(syn_ack);
  EXPECT_EQ(tcb().snd.wnd, 1234U);
  EXPECT_EQ(tcb().snd.wl1, theirs(0));
  EXPECT_EQ(tcb().snd.wl2, ours(1));
}

//= rfc9293 3.5 MUST-10
TEST_F(ActiveOpen, SimultaneousOpenCompletesOnTheCrossingSynAck) {
  start(plain());
  connect();
  tx();
  rx(kSyn, theirs(0), SeqNum(0));
  EXPECT_EQ(tx_text(), "SYN,ACK seq=0 ack=1");
  rx(kSyn | kAck, theirs(0), ours(1));
  EXPECT_EQ(state(), State::established);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1");
}

TEST_F(ActiveOpen, SimultaneousOpenCompletesOnAPlainAckToo) {
  start(plain());
  connect();
  tx();
  rx(kSyn, theirs(0), SeqNum(0));
  tx();
  rx(kAck, theirs(1), ours(1));
  EXPECT_EQ(state(), State::established);
  EXPECT_EQ(tx_text(), "");
}

// E-3.10.7.4-2-SYN-RECEIVED-rst-active
TEST_F(ActiveOpen, ARstInSynReceivedRefuses) {
  start(plain());
  connect();
  tx();
  rx(kSyn, theirs(0), SeqNum(0));
  tx();
  rx(kRst, theirs(1), SeqNum(0));
  EXPECT_EQ(state(), State::closed);
  EXPECT_TRUE(told(Event::Kind::refused));
  const auto sent = host().send(now_, conn_, octets_of_stream(1));
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error(), CallError::connection_refused);
}

//= rfc9293 3.8.3 MUST-23
TEST_F(ActiveOpen, TheSynIsRepeatedWithBackOffForThreeMinutes) {
  start(plain());
  connect();
  tx();
  EXPECT_EQ(
      advance(std::chrono::seconds(200)),
      "1000ms SYN seq=0; 3000ms SYN seq=0; 7000ms SYN seq=0; 15000ms SYN seq=0; 31000ms SYN seq=0; 63000ms SYN seq=0; "
      "123000ms SYN seq=0");
  EXPECT_EQ(state(), State::closed);
  EXPECT_TRUE(told(Event::Kind::timed_out));
}

}  // namespace
}  // namespace lastack
