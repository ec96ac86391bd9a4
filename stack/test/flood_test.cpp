// Floods (RFC 4987): memory stays bounded, and a legitimate peer still gets its connection. Sanitized builds do less of
// the same.
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

#if defined(LASTACK_SCALED_DOWN)
constexpr std::uint32_t kFlood = 20'000;
#else
constexpr std::uint32_t kFlood = 1'000'000;
#endif
constexpr std::uint32_t kSegments = kFlood / 5;  // on one connection

class Flood : public CoreFixture {
 protected:
  static constexpr std::uint32_t kBacklog = 1024;

  void start_listening(const HostConfig& config, std::uint32_t backlog = kBacklog) {
    start(config);
    const auto id = host().listen(now_, kPort, backlog);
    ASSERT_TRUE(id.ok());
    listener_ = *id;
  }
  static SocketAddress source(std::uint32_t number) {
    return {IpAddress::v4(0x0a00'0000U + number / 50'000), static_cast<std::uint16_t>(1024 + number % 50'000)};
  }
  void from(const SocketAddress& remote, Segment segment) {
    std::array<std::byte, 2048> packet{};
    IpHeader ip;
    ip.src = remote.ip;
    ip.dst = IpAddress::v4(0xc000'0201U);
    segment.src_port = remote.port;
    segment.dst_port = kPort;
    const std::size_t size = write_packet(packet, ip, segment);
    ASSERT_NE(size, 0U);
    host().on_packet(now_, Bytes(packet).first(size));
  }
  Segment syn() const {
    Segment segment;
    segment.seq = SeqNum(100);
    segment.flags = kSyn;
    segment.wnd = 65535;
    segment.options.mss = 1460;
    return segment;
  }
  // What leaves now is thrown away; returns how many packets.
  std::size_t discard_output() {
    std::array<std::byte, 2048> packet{};
    std::size_t packets = 0;
    while (host().poll_transmit(now_, packet) != 0) ++packets;
    while (host().poll_event()) {
    }
    return packets;
  }
  void syns(std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t i = first; i < first + count; ++i) {
      from(source(i), syn());
      discard_output();
    }
  }
  // A whole handshake of the fixture's peer, and ten octets.
  void legitimate_connection() {
    Segment hello = syn();
    hello.seq = theirs(0);
    hello.options.timestamps = Timestamps{1000, 0};
    hello.options.window_scale = 7;
    hello.options.sack_permitted = true;
    rx(with_ports(hello));
    const auto answer = tx();
    ASSERT_EQ(answer.size(), 1U);
    ASSERT_EQ(answer[0].flags, kSyn | kAck);
    Segment text = from_peer(kAck | kPsh, theirs(1), answer[0].seq + 1, 10);
    if (answer[0].options.timestamps) text.options.timestamps = Timestamps{1001, answer[0].options.timestamps->value};
    rx(text);
    const auto id = host().accept(listener_);
    ASSERT_TRUE(id.ok());
    conn_ = *id;
    EXPECT_EQ(state(), State::established);
    EXPECT_EQ(receive(), 10U);
  }
  static Segment with_ports(Segment segment) {
    segment.src_port = kPeerPort;
    segment.dst_port = kPort;
    return segment;
  }
};

//= RFC4987-4-a RFC4987-3.5-a
TEST_F(Flood, OfSynsIsBoundedAndLeavesTheServiceUsable) {
  start_listening(plain());
  syns(0, 2000);
  const std::size_t full = host().memory();
  EXPECT_LT(full, 2000U + kBacklog * 200) << "what a full backlog may cost";
  syns(2000, kFlood);
  EXPECT_LE(host().memory(), full + 4096) << "a flood costs no more than a full backlog";
  legitimate_connection();
}

TEST_F(Flood, ALegitimateConnectionKeepsItsOptionsThroughACookie) {
  HostConfig config = plain();
  config.tcp.timestamps = true;
  config.tcp.sack = true;
  config.tcp.window_scale = true;
  start_listening(config, 4);
  syns(0, 10);
  legitimate_connection();
  EXPECT_TRUE(tcb().ts.on);
  EXPECT_TRUE(tcb().sack);
  EXPECT_EQ(tcb().snd.shift, 7);
  EXPECT_EQ(tcb().snd.mss, 1460);
}

TEST_F(Flood, WithoutCookiesTheBacklogDrops) {
  HostConfig config = plain();
  config.tcp.syn_cookies = false;
  start_listening(config, 4);
  syns(0, 4);
  from(source(5), syn());
  EXPECT_EQ(discard_output(), 0U);
  EXPECT_STREQ(host().last_disposition().clause, "3.9.1: backlog full");
}

//= RFC4987-3.3-a
TEST_F(Flood, HalfOpenConnectionsAreForgottenAfterR2) {
  start_listening(plain(), 4);
  syns(0, 4);
  EXPECT_EQ(host().connections(), 4U);
  advance(400s);
  EXPECT_EQ(host().connections(), 0U);
  from(source(9), syn());
  EXPECT_EQ(discard_output(), 1U);
}

TEST_F(Flood, AHalfOpenConnectionIsRepeatedLikeAnyOther) {
  start_listening(plain(), 4);
  rx(from_peer(kSyn, theirs(0), SeqNum(0)));
  EXPECT_EQ(tx_text(), "SYN,ACK seq=0 ack=1");
  EXPECT_EQ(advance(8s), "1000ms SYN,ACK seq=0 ack=1; 3000ms SYN,ACK seq=0 ack=1; 7000ms SYN,ACK seq=0 ack=1");
  rx(kAck, theirs(1), ours(1));
  accept();
  EXPECT_EQ(state(), State::established);
  EXPECT_TRUE(tcb().congestion.lost_syn);
  EXPECT_EQ(tcb().rtt.rto(), Duration(3s)) << "RFC 6298 5.7";
}

struct CookieCase {
  const char* name;
  Duration later;
  std::uint32_t ack_off;
  std::uint32_t seq_off;
  bool good;
};
class Cookie : public Flood, public testing::WithParamInterface<CookieCase> {};
INSTANTIATE_TEST_SUITE_P(Acks, Cookie,
                         testing::Values(CookieCase{"exact", 0s, 0, 0, true}, CookieCase{"late", 60s, 0, 0, true},
                                         CookieCase{"too_late", 200s, 0, 0, false},
                                         CookieCase{"other_number", 0s, 1, 0, false},
                                         CookieCase{"other_peer_number", 0s, 0, 1, false}),
                         [](const auto& i) { return i.param.name; });

//= RFC4987-3.6-a
TEST_P(Cookie, OpensOnlyWhatWasOffered) {
  start_listening(plain(), 1);
  syns(0, 1);
  rx(from_peer(kSyn, theirs(0), SeqNum(0)));
  const auto answer = tx();
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(host().connections(), 1U) << "nothing is kept of the second";
  now_ += GetParam().later;
  rx(kAck, theirs(1 + GetParam().seq_off), answer[0].seq + 1 + GetParam().ack_off);
  EXPECT_EQ(host().accept(listener_).ok(), GetParam().good);
  const auto last = tx();
  EXPECT_EQ(last.size() == 1 && last[0].flags.rst(), !GetParam().good);
}

TEST_F(Flood, ACookieIsNoGoodWhenNoneWasGivenLately) {
  start_listening(plain(), 1);
  rx(kAck, theirs(1), ours(1));
  EXPECT_EQ(tx_text(), "RST seq=1");
}

// One connection; every segment leaves a gap. The runs are bounded, and so is the memory.
TEST_F(Flood, OfOutOfOrderSegmentsIsBounded) {
  HostConfig config = plain();
  config.tcp.sack = true;
  start(config);
  establish();
  const std::size_t before = host().memory();
  for (std::uint32_t i = 0; i < kSegments; ++i) {
    rx(kAck, theirs(3 + 2 * (i * 7919U % 30'000U)), ours(1), 1);
    discard_output();
  }
  EXPECT_LE(host().memory(), before + 65'536 + 2048);
  rx(kAck, theirs(1), ours(1), 2);
  EXPECT_GE(receive(), 2U) << "and the stream goes on";
}

// One octet in each segment: what is kept is octets, not segments.
TEST_F(Flood, OfTinySegmentsIsBounded) {
  start(plain());
  establish();
  const std::size_t before = host().memory();
  std::uint32_t taken = 0;
  std::uint32_t nxt = 1;
  for (std::uint32_t i = 0; i < kSegments; ++i) {
    rx(kAck, theirs(nxt), ours(1), 1);
    discard_output();
    nxt = octets_between(theirs(0), tcb().rcv.nxt);
    if (i % 50'000 == 49'999) taken += static_cast<std::uint32_t>(receive());
  }
  EXPECT_LE(host().memory(), before + 65'536);
  taken += static_cast<std::uint32_t>(receive());
  EXPECT_EQ(taken, nxt - 1);
}

}  // namespace
}  // namespace lastack
