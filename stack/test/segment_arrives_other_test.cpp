// 3.10.7.4 in every state from SYN-RECEIVED to TIME-WAIT. The grid in conformance/test/cpp compares every combination
// with a second reading; these rows say what we chose where the text leaves a choice, and follow the variables.
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

constexpr State kAll[] = {State::syn_received, State::established, State::fin_wait_1, State::fin_wait_2,
                          State::close_wait,   State::closing,     State::last_ack,   State::time_wait};

// A connection in any state of 3.10.7.4, from a passive OPEN.
class OtherStates : public CoreFixture {
 protected:
  void reach(State target) {
    if (target == State::syn_received) {
      listen();
      rx(kSyn, theirs(0), SeqNum(0));
      tx();
      find();
    } else {
      establish();
      close_as(target);
    }
    tx();
    ASSERT_EQ(state(), target);
  }
  // What we will send, and expect, next.
  SeqNum nxt() const { return tcb().snd.nxt; }
  SeqNum rcv_nxt() const { return tcb().rcv.nxt; }
  std::string the_ack() const {
    return "ACK seq=" + std::to_string(octets_between(ours(0), nxt())) +
           " ack=" + std::to_string(octets_between(theirs(0), rcv_nxt()));
  }

 private:
  void close_as(State target) {
    const bool first = target == State::fin_wait_1 || target == State::fin_wait_2 || target == State::closing ||
                       target == State::time_wait;
    if (first) {
      EXPECT_TRUE(host().shutdown(now_, conn_).ok());
      tx();
      if (target == State::fin_wait_2 || target == State::time_wait) rx(kAck, theirs(1), ours(2));
      if (target == State::closing) rx(kFin | kAck, theirs(1), ours(1));
      if (target == State::time_wait) rx(kFin | kAck, theirs(1), ours(2));
    } else if (target != State::established) {
      rx(kFin | kAck, theirs(1), ours(1));
      if (target == State::last_ack) {
        EXPECT_TRUE(host().shutdown(now_, conn_).ok());
      }
    }
  }
};

class EveryState : public OtherStates, public testing::WithParamInterface<std::tuple<State, Isns>> {
 protected:
  void begin() {
    start(plain(), std::get<1>(GetParam()));
    reach(std::get<0>(GetParam()));
  }
  State target() const { return std::get<0>(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(States, EveryState, testing::Combine(testing::ValuesIn(kAll), testing::ValuesIn(kIsns)));

// E-3.10.7.4-1-*-seq-unacceptable
TEST_P(EveryState, OutsideTheWindowIsAcknowledgedAndDropped) {
  begin();
  const SeqNum una = tcb().snd.una;
  const std::string ack = the_ack();
  for (const SeqNum seq : {rcv_nxt() - 1U, rcv_nxt() + tcb().rcv.wnd, rcv_nxt() + 0x8000'0000U}) {
    rx(kAck, seq, nxt());
    EXPECT_EQ(tx_text(), ack);
    EXPECT_EQ(state(), target());
    EXPECT_EQ(tcb().snd.una, una);
    EXPECT_EQ(host().last_disposition().action, Action::answered);
  }
}

// E-3.10.7.4-1-*-seq-unacceptable-rst, E-3.10.7.4-2-*-rst-inwindow
TEST_P(EveryState, OnlyAnExactRstResets) {
  begin();
  const std::string ack = the_ack();
  rx(kRst, rcv_nxt() - 1U, SeqNum(0));
  rx(kRst, rcv_nxt() + tcb().rcv.wnd, SeqNum(0));
  EXPECT_EQ(tx_text(), "");
  rx(kRst, rcv_nxt() + 1U, SeqNum(0));
  EXPECT_EQ(tx_text(), ack);
  EXPECT_EQ(host().last_disposition().action, Action::challenged);
  EXPECT_EQ(state(), target());
  rx(kRst, rcv_nxt(), SeqNum(0));
  EXPECT_EQ(tx_text(), "");
  EXPECT_EQ(state(), State::closed);
  EXPECT_EQ(host().connections(), 0U);
  EXPECT_EQ(host().state(listener_), State::listen);
  constexpr StateSet kToldOf{State::established, State::fin_wait_1, State::fin_wait_2, State::close_wait};
  EXPECT_EQ(told(Event::Kind::reset), kToldOf.contains(target()));
}

// E-3.10.7.4-4-*-syn. In SYN-RECEIVED from a passive OPEN the connection goes back to LISTEN.
TEST_P(EveryState, ASynIsChallenged) {
  begin();
  const std::string ack = the_ack();
  Segment syn = from_peer(kSyn | kAck, rcv_nxt() + 5U, nxt());
  rx(syn);
  if (target() == State::syn_received) {
    EXPECT_EQ(tx_text(), "");
    EXPECT_EQ(host().connections(), 0U);
    EXPECT_EQ(host().state(listener_), State::listen);
    return;
  }
  EXPECT_EQ(tx_text(), ack);
  EXPECT_EQ(state(), target());
}

// E-3.10.7.4-5-*-noack: data or FIN without ACK is neither processed nor acknowledged.
TEST_P(EveryState, WithoutAckNothingIsProcessed) {
  begin();
  const SeqNum before_segment = rcv_nxt();
  rx(kFin | kPsh | kUrg, rcv_nxt(), SeqNum(0), 5);
  EXPECT_EQ(tx_text(), "");
  EXPECT_EQ(state(), target());
  EXPECT_EQ(rcv_nxt(), before_segment);
}

// E-3.10.7.4-5-*-ack-range. In SYN-RECEIVED the older rule stays: a RST.
TEST_P(EveryState, AnAckOfNothingSentIsRefused) {
  begin();
  const std::string ack = the_ack();
  const SeqNum before_segment = rcv_nxt();
  rx(kAck, rcv_nxt(), nxt() + 1U, 10);
  if (target() == State::syn_received) {
    EXPECT_EQ(tx_text(), "RST seq=" + std::to_string(octets_between(ours(0), nxt() + 1U)));
  } else {
    EXPECT_EQ(tx_text(), ack);
  }
  EXPECT_EQ(state(), target());
  EXPECT_EQ(rcv_nxt(), before_segment);
}

struct Isn : OtherStates, testing::WithParamInterface<Isns> {
  void SetUp() override { start(plain(), GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Isns, Isn, testing::ValuesIn(kIsns));

// E-3.10.7.4-5-SYN-RECEIVED-ack-ok, -ack-low
TEST_P(Isn, SynReceivedNeedsTheAckOfItsSyn) {
  reach(State::syn_received);
  rx(kAck, theirs(1), ours(0));
  EXPECT_EQ(tx_text(), "RST seq=0");
  EXPECT_EQ(state(), State::syn_received);
  Segment third = from_peer(kAck, theirs(1), ours(1));
  third.wnd = 777;
  rx(third);
  EXPECT_EQ(state(), State::established);
  EXPECT_EQ(tx_text(), "");
  EXPECT_EQ(tcb().snd.una, ours(1));
  EXPECT_EQ(tcb().snd.wnd, 777U);
  EXPECT_EQ(tcb().snd.wl1, theirs(1));
  EXPECT_EQ(tcb().snd.wl2, ours(1));
}

// E-3.10.7.4-X-synrcvd-data-ack, -finack
TEST_P(Isn, TheThirdSegmentMayCarryTextAndFin) {
  reach(State::syn_received);
  rx(kFin | kAck, theirs(1), ours(1), 20);
  EXPECT_EQ(state(), State::close_wait);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=22");
  accept();
  EXPECT_EQ(receive(), 20U);
}

TEST_P(Isn, ARepeatedSynInSynReceivedGetsAnAck) {
  reach(State::syn_received);
  rx(kSyn, theirs(0), SeqNum(0));
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1");
  host().config(conn_)->repeat_syn_ack = true;
  rx(kSyn, theirs(0), SeqNum(0));
  EXPECT_EQ(tx_text(), "SYN,ACK seq=0 ack=1");
}

// E-3.10.7.4-1-ANY-straddle, -overrun, -ooo, -queue
TEST_P(Isn, OnlyTheNewPartOfASegmentIsUsed) {
  establish();
  rx(kAck, theirs(1), ours(1), 10);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=11");
  rx(kAck, theirs(1), ours(1), 25);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=26");
  EXPECT_EQ(receive(), 25U);
}

TEST_P(Isn, GapsAreFilledInAnyOrder) {
  establish();
  rx(kAck, theirs(21), ours(1), 10);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1");
  rx(kFin | kAck, theirs(41), ours(1), 10);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1");
  rx(kAck, theirs(26), ours(1), 15);  // overlaps the first and touches the second
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=1");
  EXPECT_EQ(tcb().receive_queue.out_of_order(), 30U);
  rx(kAck, theirs(1), ours(1), 20);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=52");
  EXPECT_EQ(receive(), 50U);
  EXPECT_EQ(state(), State::close_wait);
}

TEST_P(Isn, NothingIsTakenBeyondTheFin) {
  establish();
  rx(kFin | kAck, theirs(11), ours(1));
  rx(kAck, theirs(1), ours(1), 30);
  EXPECT_EQ(tx_text(), "ACK seq=1 ack=12");
  EXPECT_EQ(receive(), 10U);
  EXPECT_EQ(state(), State::close_wait);
}

// E-3.10.7.4-5-ESTABLISHED-wnd-update, -wnd-stale
TEST_P(Isn, OldSegmentsDoNotChangeTheSendWindow) {
  establish();
  rx(kAck, theirs(1), ours(1), 5);
  rx(kAck, theirs(6), ours(1), 5);
  Segment old = from_peer(kAck, theirs(1), ours(1), 11);
  old.wnd = 5;
  rx(old);
  EXPECT_EQ(tcb().snd.wnd, 65535U);
  Segment newer = from_peer(kAck, theirs(12), ours(1));
  newer.wnd = 500;
  rx(newer);
  EXPECT_EQ(tcb().snd.wnd, 500U);
}

// E-3.10.7.4-5-FIN-WAIT-1-*, -8-FIN-WAIT-1-*
TEST_P(Isn, SimultaneousClose) {
  establish();
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  EXPECT_EQ(tx_text(), "FIN,ACK seq=1 ack=1");
  EXPECT_EQ(state(), State::fin_wait_1);
  rx(kFin | kAck, theirs(1), ours(1));
  EXPECT_EQ(state(), State::closing);
  EXPECT_EQ(tx_text(), "ACK seq=2 ack=2");
  rx(kAck, theirs(2), ours(2));
  EXPECT_EQ(state(), State::time_wait);
  EXPECT_EQ(tx_text(), "");
}

TEST_P(Isn, AnAckOfTextOnlyLeavesFinWait1) {
  establish();
  send(100);
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  EXPECT_EQ(tx_text(), "FIN,PSH,ACK seq=1 ack=1 len=100");
  rx(kAck, theirs(1), ours(101));
  EXPECT_EQ(state(), State::fin_wait_1);
  rx(kFin | kAck, theirs(1), ours(102));
  EXPECT_EQ(state(), State::time_wait);
}

TEST_P(Isn, LastAckEndsWithTheAckOfTheFin) {
  reach(State::last_ack);
  rx(kAck, theirs(2), ours(1));
  EXPECT_EQ(state(), State::last_ack);
  rx(kAck, theirs(2), ours(2));
  EXPECT_EQ(state(), State::closed);
  EXPECT_EQ(tx_text(), "");
}

// E-3.10.7.4-5-TIME-WAIT-fin-rexmit
TEST_P(Isn, ARepeatedFinRestartsTwoMsl) {
  reach(State::time_wait);
  advance(std::chrono::seconds(200));
  rx(kFin | kAck, theirs(1), ours(2));
  EXPECT_EQ(tx_text(), "ACK seq=2 ack=2");
  advance(std::chrono::seconds(239));
  EXPECT_EQ(state(), State::time_wait);
  advance(std::chrono::seconds(1));
  EXPECT_EQ(state(), State::closed);
}

TEST_P(Isn, APlainAckInTimeWaitIsNotAnswered) {
  reach(State::time_wait);
  rx(kAck, theirs(2), ours(2));
  EXPECT_EQ(tx_text(), "");
}

//= rfc9293 3.6.1 MAY-2
TEST_P(Isn, TimeWaitGivesWayToANewerSyn) {
  reach(State::time_wait);
  host().set_next_iss(ours(1'000'000));
  rx(kSyn, theirs(5000), SeqNum(0));
  EXPECT_EQ(tx_text(), "SYN,ACK seq=1000000 ack=5001");
  find();
  EXPECT_EQ(state(), State::syn_received);
}

TEST_P(Isn, TimeWaitChallengesAnOldSyn) {
  reach(State::time_wait);
  rx(kSyn, theirs(1), SeqNum(0));
  EXPECT_EQ(tx_text(), "ACK seq=2 ack=2");
  EXPECT_EQ(state(), State::time_wait);
}

//= rfc9293 3.8.6 MUST-66
TEST_P(Isn, AZeroWindowRefusesTextButTakesTheAckAndTheRst) {
  HostConfig config = plain();
  config.tcp.rcv_buf = 100;
  start(config, GetParam());
  establish();
  send(50);
  tx();
  rx(kAck, theirs(1), ours(1), 100);
  tx();
  ASSERT_EQ(tcb().rcv.wnd, 0U);
  rx(kAck, theirs(101), ours(51), 1);
  EXPECT_EQ(tx_text(), "ACK seq=51 ack=101");
  EXPECT_EQ(tcb().snd.una, ours(51));
  rx(kRst, theirs(101), SeqNum(0), 3);
  EXPECT_EQ(state(), State::closed);
}

// RFC 5961 7, and two hosts that disagree.
TEST_P(Isn, ChallengesAndAnswersAreThrottledPerConnection) {
  HostConfig config = plain();
  config.tcp.challenge_ack_limit = 3;
  config.tcp.invalid_ack_limit = 2;
  start(config, GetParam());
  establish();
  std::size_t challenges = 0, answers = 0;
  for (int i = 0; i < 10; ++i) {
    rx(kRst, theirs(2), SeqNum(0));
    challenges += tx().size();
    rx(kAck, theirs(0), ours(1));
    answers += tx().size();
  }
  EXPECT_EQ(challenges, 3U);
  EXPECT_EQ(answers, 2U);
  rx(kAck, theirs(0), ours(1), 1);
  EXPECT_EQ(tx().size(), 1U) << "old text is always answered";
  advance(std::chrono::seconds(5));
  rx(kRst, theirs(2), SeqNum(0));
  EXPECT_EQ(tx().size(), 1U);
}

//= rfc9293 3.8.5 MUST-31 MUST-32
TEST_P(Isn, UrgentTextIsToldOnceAndEnds) {
  establish();
  Segment urgent = from_peer(kAck | kUrg, theirs(1), ours(1), 5);
  urgent.urg = 8;
  rx(urgent);
  EXPECT_TRUE(told(Event::Kind::urgent));
  std::array<std::byte, 100> buffer{};
  EXPECT_TRUE(host().receive(now_, conn_, buffer)->urgent_ahead);
  urgent.seq = theirs(6);
  urgent.urg = 3;
  rx(urgent);
  EXPECT_FALSE(told(Event::Kind::urgent));
  EXPECT_FALSE(host().receive(now_, conn_, buffer)->urgent_ahead);
}

}  // namespace
}  // namespace lastack
