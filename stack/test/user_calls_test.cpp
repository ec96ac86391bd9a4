// 3.10.1 to 3.10.6: what each call does in each state, with the RFC's words for its errors.
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

class Calls : public CoreFixture {
 protected:
  CallError send_error() {
    const auto result = host().send(now_, conn_, octets_of_stream(1));
    EXPECT_FALSE(result.ok());
    return result.ok() ? CallError::would_block : result.error();
  }
  CallError close_error() {
    const auto result = host().shutdown(now_, conn_);
    EXPECT_FALSE(result.ok());
    return result.ok() ? CallError::would_block : result.error();
  }
};

TEST_F(Calls, OpenErrors) {
  start(plain());
  EXPECT_EQ(host().connect(now_, 0, {IpAddress::v4(0), 80}).error(), CallError::remote_socket_unspecified);
  EXPECT_EQ(host().connect(now_, 0, {peer().ip, 0}).error(), CallError::remote_socket_unspecified);
  //= rfc9293 3.9.2.3 MUST-46
  EXPECT_EQ(host().connect(now_, 0, {IpAddress::v4(0xe000'0001U), 80}).error(), CallError::invalid_argument);
  listen();
  EXPECT_EQ(host().listen(now_, kPort, 1).error(), CallError::connection_already_exists);
  connect();  // MUST-42: an active OPEN from a port that listens
  EXPECT_EQ(host().connect(now_, kPort, peer()).error(), CallError::connection_already_exists);
  EXPECT_EQ(host().state(listener_), State::listen);
}

TEST_F(Calls, OnNothing) {
  start(plain());
  EXPECT_EQ(send_error(), CallError::connection_does_not_exist);
  EXPECT_EQ(close_error(), CallError::connection_does_not_exist);
  EXPECT_EQ(host().abort(now_, conn_).error(), CallError::connection_does_not_exist);
  EXPECT_EQ(host().receive(now_, conn_, {}).error(), CallError::connection_does_not_exist);
  EXPECT_EQ(host().state(conn_), State::closed);
}

TEST_F(Calls, OnAListener) {
  start(plain());
  listen();
  EXPECT_EQ(send_error(), CallError::remote_socket_unspecified);
  EXPECT_EQ(host().accept(listener_).error(), CallError::would_block);
  EXPECT_TRUE(host().shutdown(now_, listener_).ok());
  EXPECT_EQ(state(), State::closed);
}

// E-3.10.2-SYN-SENT-queue, -full; E-3.10.4-SYN-SENT
TEST_F(Calls, InSynSentTextWaits) {
  HostConfig config = plain();
  config.tcp.snd_buf = 10;
  start(config);
  connect();
  EXPECT_EQ(send(10), 10U);
  EXPECT_EQ(send_error(), CallError::insufficient_resources);
  EXPECT_EQ(tx_text(), "SYN seq=0");
  rx(kSyn | kAck, theirs(0), ours(1));
  EXPECT_EQ(tx_text(), "PSH,ACK seq=1 ack=1 len=10") << "the ACK of the SYN rides along";
}

TEST_F(Calls, CloseInSynSentForgets) {
  start(plain());
  connect();
  tx();
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  EXPECT_EQ(state(), State::closed);
  EXPECT_EQ(tx_text(), "");
  rx(kSyn | kAck, theirs(0), ours(1));
  EXPECT_EQ(tx_text(), "RST seq=1");
}

// E-3.10.4-SYN-RECEIVED-idle, -pending
TEST_F(Calls, CloseInSynReceived) {
  start(plain());
  listen();
  rx(kSyn, theirs(0), SeqNum(0));
  tx();
  find();
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  EXPECT_EQ(state(), State::fin_wait_1);
  EXPECT_EQ(tx_text(), "FIN,ACK seq=1 ack=1");
  EXPECT_EQ(advance(1s), "1000ms SYN,ACK seq=0 ack=1; FIN,ACK seq=1 ack=1");
  rx(kAck, theirs(1), ours(2));
  EXPECT_EQ(state(), State::fin_wait_2);
}

TEST_F(Calls, CloseInSynReceivedWaitsForText) {
  start(plain());
  listen();
  rx(kSyn, theirs(0), SeqNum(0));
  tx();
  find();
  send(5);
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  EXPECT_EQ(state(), State::syn_received);
  EXPECT_EQ(tx_text(), "");
  rx(kAck, theirs(1), ours(1));
  EXPECT_EQ(state(), State::fin_wait_1);
  EXPECT_EQ(tx_text(), "FIN,PSH,ACK seq=1 ack=1 len=5");
}

TEST_F(Calls, AfterCloseNothingMoreIsSent) {
  start(plain());
  establish();
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  EXPECT_EQ(send_error(), CallError::connection_closing);
  EXPECT_EQ(close_error(), CallError::connection_closing);
  tx();
  rx(kAck, theirs(1), ours(2));
  EXPECT_EQ(state(), State::fin_wait_2);
  EXPECT_EQ(close_error(), CallError::connection_closing);
  rx(kAck, theirs(1), ours(2), 10);
  EXPECT_EQ(receive(), 10U) << "half-close: receiving goes on";
}

TEST_F(Calls, TextOfTheSynIsDeliveredAfterACloseInSynReceived) {
  start(plain());
  listen();
  rx(kSyn, theirs(0), SeqNum(0), 10);
  tx();
  find();
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  tx();
  rx(kAck, theirs(1), ours(1), 15);
  EXPECT_EQ(tx_text(), "ACK seq=2 ack=16");
  EXPECT_EQ(receive(), 15U);
}

// 3.10.3: text that came before an orderly end is not lost.
TEST_F(Calls, TextCanBeReadAfterTheEnd) {
  start(plain());
  establish();
  rx(kFin | kAck, theirs(1), ours(1), 10);
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  tx();
  rx(kAck, theirs(12), ours(2));
  EXPECT_EQ(state(), State::closed);
  std::array<std::byte, 6> buffer{};
  EXPECT_FALSE(host().receive(now_, conn_, buffer)->end_of_stream);
  const auto rest = host().receive(now_, conn_, buffer);
  EXPECT_EQ(rest->octets, 4U);
  EXPECT_TRUE(rest->end_of_stream);
  EXPECT_EQ(host().receive(now_, conn_, buffer).error(), CallError::connection_does_not_exist);
}

//= rfc9293 3.10.5
TEST_F(Calls, AbortSendsARst) {
  start(plain());
  establish();
  send(100);
  tx();
  EXPECT_TRUE(host().abort(now_, conn_).ok());
  EXPECT_EQ(tx_text(), "RST seq=101");
  EXPECT_EQ(state(), State::closed);
  EXPECT_EQ(host().abort(now_, conn_).error(), CallError::connection_does_not_exist);
}

// E-3.10.5-SYN-SENT, -CLOSING, -LAST-ACK, -TIME-WAIT: no RST.
TEST_F(Calls, AbortIsSilentInLastAck) {
  start(plain());
  establish();
  rx(kFin | kAck, theirs(1), ours(1));
  EXPECT_TRUE(host().shutdown(now_, conn_).ok());
  tx();
  ASSERT_EQ(state(), State::last_ack);
  EXPECT_TRUE(host().abort(now_, conn_).ok());
  EXPECT_EQ(tx_text(), "");
}

//= rfc9293 3.6.1 MAY-1 SHLD-3
TEST_F(Calls, AFullCloseWithUnreadTextResets) {
  start(plain());
  establish();
  rx(kAck, theirs(1), ours(1), 10);
  tx();
  EXPECT_TRUE(host().close(now_, conn_).ok());
  EXPECT_EQ(tx_text(), "RST seq=1");
  EXPECT_EQ(state(), State::closed);
}

TEST_F(Calls, TextAfterAFullCloseResets) {
  start(plain());
  establish();
  EXPECT_TRUE(host().close(now_, conn_).ok());
  EXPECT_EQ(tx_text(), "FIN,ACK seq=1 ack=1");
  rx(kAck, theirs(1), ours(2), 10);
  EXPECT_EQ(tx_text(), "RST seq=2");
  EXPECT_EQ(state(), State::closed);
}

TEST_F(Calls, ResetIsToldToTheNextCallOnce) {
  start(plain());
  establish();
  rx(kAck, theirs(1), ours(1), 10);
  rx(kRst, theirs(11), SeqNum(0));
  tx();
  EXPECT_EQ(host().receive(now_, conn_, {}).error(), CallError::connection_reset);
  EXPECT_EQ(host().receive(now_, conn_, {}).error(), CallError::connection_does_not_exist);
}

//= rfc9293 3.10.8
TEST_F(Calls, TheUserTimeoutAbortsWithoutRst) {
  HostConfig config = plain();
  config.tcp.user_timeout = 20s;
  start(config);
  establish();
  send(10);
  tx();
  advance(19s);
  EXPECT_EQ(state(), State::established);
  advance(1s);
  EXPECT_EQ(state(), State::closed);
  EXPECT_EQ(send_error(), CallError::user_timeout);
}

TEST_F(Calls, AHandleThatWasGivenBackAnswersClosed) {
  start(plain());
  establish();
  EXPECT_TRUE(host().abort(now_, conn_).ok());
  EXPECT_NE(host().tcb(conn_), nullptr);
  EXPECT_EQ(tcb().rcv.nxt, theirs(1));
  EXPECT_TRUE(told(Event::Kind::closed));
  tx();
  EXPECT_EQ(host().tcb(conn_), nullptr) << "with its last event its memory is gone";
  EXPECT_EQ(state(), State::closed);
  EXPECT_TRUE(host().issued(conn_));
}

}  // namespace
}  // namespace lastack
