// TCP Fast Open, RFC 7413: server and client.
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

class FastOpenTest : public CoreFixture {
 protected:
  static HostConfig with_fast_open() {
    HostConfig config = plain();
    config.tcp.fast_open = true;
    return config;
  }
  Segment syn_with(std::size_t octets, const Options& cookie) {
    Segment syn = from_peer(kSyn, theirs(0), SeqNum(0), octets);
    syn.options.mss = 1000;
    syn.options.fast_open = true;
    syn.options.fast_open_size = cookie.fast_open_size;
    syn.options.fast_open_cookie = cookie.fast_open_cookie;
    return syn;
  }
  // Our SYN,ACK's answer to a request; the connection that was opened for it is reset.
  Options ask_for_cookie() {
    rx(syn_with(0, {}));
    const auto answer = tx();
    EXPECT_EQ(answer.size(), 1U);
    rx(kRst, theirs(1), SeqNum(0));
    while (host().poll_event()) {
    }
    return answer.empty() ? Options{} : answer[0].options;
  }
  // As a client: a first connection that brings a cookie, then closed by a RST.
  void learn_cookie() {
    connect();
    const auto syn = tx();
    ASSERT_EQ(syn.size(), 1U);
    EXPECT_TRUE(syn[0].options.fast_open);
    EXPECT_EQ(syn[0].options.fast_open_size, 0) << "4.2.1: an empty cookie asks for one";
    Segment answer = from_peer(kSyn | kAck, theirs(0), ours(1));
    answer.options.mss = 1200;
    answer.options.fast_open = true;
    answer.options.fast_open_size = 8;
    answer.options.fast_open_cookie = kCookie;
    rx(answer);
    tx();
    EXPECT_TRUE(host().abort(now_, conn_).ok());
    tx();
  }
  void connect_with(std::size_t octets) {
    host().set_next_iss(ours(0));
    const auto id = host().connect(now_, kPort, peer(), octets_of_stream(octets));
    ASSERT_TRUE(id.ok());
    conn_ = *id;
  }
  static constexpr std::array<std::byte, 16> kCookie{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                                     std::byte{5}, std::byte{6}, std::byte{7}, std::byte{8}};
};

//= rfc7413 4.1.2 4.2.2 RFC7413-4.2.2-a
TEST_F(FastOpenTest, AGoodCookieDeliversTheTextOfTheSyn) {
  start(with_fast_open());
  listen();
  const Options cookie = ask_for_cookie();
  ASSERT_EQ(cookie.fast_open_size, 8);
  host().set_next_iss(ours(0));
  rx(syn_with(10, cookie));
  EXPECT_EQ(tx_text(), "SYN,ACK seq=0 ack=11");
  accept();
  EXPECT_EQ(state(), State::syn_received);
  EXPECT_EQ(receive(), 10U) << "before the handshake is over";
  rx(kAck, theirs(11), ours(1));
  EXPECT_EQ(state(), State::established);
}

TEST_F(FastOpenTest, AWrongCookieGetsAnOrdinaryHandshakeAndANewCookie) {
  start(with_fast_open());
  listen();
  Options cookie = ask_for_cookie();
  cookie.fast_open_cookie[3] ^= std::byte{1};
  host().set_next_iss(ours(0));
  rx(syn_with(10, cookie));
  const auto answer = tx();
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].ack, theirs(1)) << "only the SYN";
  EXPECT_EQ(answer[0].options.fast_open_size, 8);
  EXPECT_FALSE(host().accept(listener_).ok());
  EXPECT_EQ(advance(1s), "1000ms SYN,ACK seq=0 ack=1");
}

TEST_F(FastOpenTest, ACookieOfAnotherHostOrOfLongAgoIsWrong) {
  start(with_fast_open());
  listen();
  const Options cookie = ask_for_cookie();
  now_ += 3 * 3600s;
  host().on_timeout(now_);
  tx();
  host().set_next_iss(ours(0));
  rx(syn_with(10, cookie));
  EXPECT_EQ(tx_text(), "SYN,ACK seq=0 ack=1");
}

//= RFC7413-4.2.2-b
TEST_F(FastOpenTest, ARepeatedSynAckHasNoOption) {
  start(with_fast_open());
  listen();
  rx(syn_with(0, {}));
  EXPECT_TRUE(tx().at(0).options.fast_open);
  now_ += 1s;
  host().on_timeout(now_);
  EXPECT_FALSE(tx().at(0).options.fast_open);
}

//= RFC7413-4.2-b
TEST_F(FastOpenTest, TheNumberOfPendingRequestsIsLimited) {
  HostConfig config = with_fast_open();
  config.tcp.fast_open_pending = 1;
  start(config);
  listen();
  const Options cookie = ask_for_cookie();
  rx(syn_with(10, cookie));
  EXPECT_EQ(tx().at(0).ack, theirs(11));
  Segment second = syn_with(10, cookie);
  second.src_port = kPeerPort + 1;
  rx(second);
  EXPECT_EQ(tx().at(0).ack, theirs(1)) << "one is pending";
}

//= rfc7413 5.1
TEST_F(FastOpenTest, WhatARstHasEndedIsPendingForAWhile) {
  HostConfig config = with_fast_open();
  config.tcp.fast_open_pending = 2;
  config.tcp.fast_open_reset_hold = 10s;
  start(config);
  listen();
  const Options cookie = ask_for_cookie();
  const auto taken = [&](std::uint16_t port) {
    Segment syn = syn_with(10, cookie);
    syn.src_port = port;
    rx(syn);
    const bool all = tx().at(0).ack == theirs(11);
    Segment rst = from_peer(kRst, all ? theirs(11) : theirs(1), SeqNum(0));
    rst.src_port = port;
    rx(rst);
    return all;
  };
  EXPECT_TRUE(taken(5001));
  now_ += 1s;
  EXPECT_TRUE(taken(5002));
  EXPECT_FALSE(taken(5003)) << "two count";
  now_ += 9s;
  EXPECT_TRUE(taken(5004)) << "the first is forgiven";
  EXPECT_FALSE(taken(5005));
  now_ += 10s;
  EXPECT_TRUE(taken(5006));
  EXPECT_TRUE(taken(5007));
}

// An orderly end makes room at once.
TEST_F(FastOpenTest, OnlyARstHoldsTheRoom) {
  HostConfig config = with_fast_open();
  config.tcp.fast_open_pending = 1;
  start(config);
  listen();
  const Options cookie = ask_for_cookie();
  for (std::uint16_t port = 5001; port < 5004; ++port) {
    Segment syn = syn_with(10, cookie);
    syn.src_port = port;
    rx(syn);
    const auto answer = tx();
    EXPECT_EQ(answer.at(0).ack, theirs(11));
    Segment ack = from_peer(kAck, theirs(11), answer.at(0).seq + 1);
    ack.src_port = port;
    rx(ack);
    tx();
  }
}

TEST_F(FastOpenTest, IsOffUnlessAskedFor) {
  start(plain());
  listen();
  rx(syn_with(10, {}));
  const auto answer = tx();
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_FALSE(answer[0].options.fast_open);
  EXPECT_EQ(answer[0].ack, theirs(1));
}

TEST_F(FastOpenTest, AResetEndsAConnectionWhoseTextTheUserHas) {
  start(with_fast_open());
  listen();
  const Options cookie = ask_for_cookie();
  rx(syn_with(10, cookie));
  tx();
  accept();
  rx(kRst, theirs(11), SeqNum(0));
  EXPECT_EQ(state(), State::closed);
  EXPECT_EQ(host().receive(now_, conn_, {}).error(), CallError::connection_reset);
}

//= rfc7413 4.2.1 4.2.2
TEST_F(FastOpenTest, AClientWithACookieSendsTextOnItsSyn) {
  start(with_fast_open());
  learn_cookie();
  connect_with(100);
  const auto syn = tx();
  ASSERT_EQ(syn.size(), 1U);
  EXPECT_EQ(syn[0].flags, kSyn);
  EXPECT_EQ(syn[0].options.fast_open_cookie, kCookie);
  ASSERT_EQ(payload_sizes_[0], 100U);
  EXPECT_EQ(tcb().snd.nxt, ours(101));
  rx(kSyn | kAck, theirs(0), ours(101));
  EXPECT_EQ(state(), State::established);
  EXPECT_EQ(tx_text(), "ACK seq=101 ack=1");
  EXPECT_EQ(tcb().send_queue.size(), 0U);
}

TEST_F(FastOpenTest, TheTextOfASynIsLimitedByTheServersMss) {
  start(with_fast_open());
  learn_cookie();
  connect_with(5000);
  const auto syn = tx();
  ASSERT_EQ(syn.size(), 1U);
  EXPECT_EQ(payload_sizes_[0], 1200U - 16U) << "MSS option and cookie";
}

//= RFC7413-4.2.2-c
TEST_F(FastOpenTest, WhatTheSynAckDoesNotCoverIsInTheFirstAck) {
  start(with_fast_open());
  learn_cookie();
  connect_with(100);
  tx();
  rx(kSyn | kAck, theirs(0), ours(1));
  EXPECT_EQ(tx_text(), "PSH,ACK seq=1 ack=1 len=100");
  rx(kAck, theirs(1), ours(101));
  EXPECT_EQ(tcb().flight(), 0U);
}

TEST_F(FastOpenTest, ARepeatedSynIsPlain) {
  start(with_fast_open());
  learn_cookie();
  connect_with(100);
  tx();
  now_ += 1s;
  host().on_timeout(now_);
  const auto again = tx();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].flags, kSyn);
  EXPECT_FALSE(again[0].options.fast_open);
  EXPECT_EQ(payload_sizes_[0], 0U);
  rx(kSyn | kAck, theirs(0), ours(1));
  EXPECT_EQ(tx_text(), "PSH,ACK seq=1 ack=1 len=100");
}

//= rfc7413 4.1.3.1 RFC7413-4.1.3.1-a
TEST_F(FastOpenTest, ANegativeAnswerIsRememberedForAWhile) {
  start(with_fast_open());
  learn_cookie();
  connect_with(100);
  tx();
  rx(kSyn | kAck, theirs(0), ours(1));  // neither the text nor a cookie
  tx();
  EXPECT_TRUE(host().abort(now_, conn_).ok());
  tx();
  connect_with(100);
  auto syn = tx();
  ASSERT_EQ(syn.size(), 1U);
  EXPECT_FALSE(syn[0].options.fast_open);
  EXPECT_TRUE(host().abort(now_, conn_).ok());
  now_ += 3601s;
  connect_with(100);
  syn = tx();
  ASSERT_EQ(syn.size(), 1U);
  EXPECT_TRUE(syn[0].options.fast_open);
}

TEST_F(FastOpenTest, NoAnswerAtAllIsNegative) {
  start(with_fast_open());
  learn_cookie();
  connect_with(100);
  tx();
  advance(400s);
  EXPECT_EQ(state(), State::closed);
  connect_with(100);
  EXPECT_FALSE(tx().at(0).options.fast_open);
}

}  // namespace
}  // namespace lastack
