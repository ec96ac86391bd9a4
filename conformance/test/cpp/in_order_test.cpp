// The short way of segments in order (in_order.h) and the short decoder (SegmentInfo::plain) say and note what the
// whole procedures do: over conversations that are plain, and over ones in which anything may happen. Talk compares
// both after each segment.
#include "conformance/judge/in_order.h"

#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "conformance/test/cpp/judge_talk.h"

namespace lastack::test {

namespace {

// Numbers of both ends, so that most of what happens by chance is in order.
class Chance {
 public:
  explicit Chance(std::uint32_t seed) : random_(seed) {
    talk.timestamps = one_in(2);
    talk.ids = one_in(2);
    const bool scaled = one_in(2);
    const bool sized = !one_in(3);
    talk.open([&](Segment& s) {
      if (sized && s.flags.syn()) s.options.mss = 1460;
      if (scaled && s.flags.syn()) s.options.window_scale = 7;
    });
  }
  void step() {
    talk.gap = pick<Duration>({std::chrono::microseconds(20), std::chrono::milliseconds(1),
                               std::chrono::milliseconds(30), std::chrono::milliseconds(700)});
    if (one_in(80)) talk.gap = std::chrono::seconds(25);
    const int side = one_in(2) ? 1 : 0;
    S s = in_order(side);
    if (one_in(5)) make_odd(side, s);
    const std::uint32_t end = s.seq + static_cast<std::uint32_t>(s.len);
    if (SeqNum(end) - SeqNum(next_[side]) > 0) next_[side] = end;
    side == 0 ? talk.a(s) : talk.b(s);
  }
  Talk talk;

 private:
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(random_()) % n; }
  bool one_in(std::uint32_t n) { return below(n) == 0; }
  template <typename T>
  T pick(std::initializer_list<T> from) {
    return from.begin()[below(static_cast<std::uint32_t>(from.size()))];
  }

  S in_order(int side) {
    if (one_in(2)) acked_[side] = next_[1 - side];
    S s{.flags = one_in(3) ? "PA" : "A", .seq = next_[side], .ack = acked_[side]};
    if (!one_in(3)) s.len = pick<std::size_t>({1, 2, 100, 700, 1448});
    s.wnd = one_in(3) ? pick<std::uint16_t>({60000, 64000, 65000}) : std::uint16_t{65535};
    return s;
  }
  void make_odd(int side, S& s) {
    switch (below(16)) {
      case 0: s.seq -= 100; break;
      case 1: s.seq += 100; break;
      case 2: s.ack -= 100; break;
      case 3: s.ack += 100; break;
      case 4: s.wnd = pick<std::uint16_t>({0, 1, 400}); break;
      case 5: s.raw = [](std::vector<std::byte>& p) { p[8] = std::byte{63}; }; break;   // another hop limit
      case 6: s.raw = [](std::vector<std::byte>& p) { p[1] = std::byte{2}; }; break;    // ECT(0)
      case 7: s.raw = [](std::vector<std::byte>& p) { p[36] ^= std::byte{1}; }; break;  // a wrong checksum
      case 8: s.cut = 50; break;
      case 9: s.fill = 'y'; break;
      case 10: {
        const SeqNum left(acked_[side] + 200);
        s.tweak = [left](Segment& to) {
          to.options.sack_count = 1;
          to.options.sack[0] = {left, left + 100U};
        };
        break;
      }
      case 11: s.tweak = [](Segment& to) { to.options.timestamps.reset(); }; break;
      case 12: s.tweak = [](Segment& to) { to.options.timestamps = Timestamps{7, 9}; }; break;
      case 13:
        s.seq = next_[side] - 1;
        s.len = 0;
        break;
      case 14: s.len = 1600; break;
      default: s.flags = one_in(20) ? pick({"FA", "R", "S", "SA", "RA"}) : pick({"UA", "AE", "AC", "A", ""});
    }
  }

  std::mt19937 random_;
  std::uint32_t next_[2] = {101, 301};
  std::uint32_t acked_[2] = {301, 101};
};

auto all_of(const SegmentInfo& s) {
  const Options& o = s.tcp.options;
  return std::tuple(s.ip.src, s.ip.dst, s.ip.protocol, s.ip.hop_limit, s.ip.dscp_ecn, s.ip.id, s.ip.dont_fragment,
                    s.ip.is_fragment(), s.ip.header_size, s.ip.total_length, s.ip.truncated, s.ip.header_checksum_ok,
                    s.ip.payload.data(), s.ip.payload.size(), s.tcp.src_port, s.tcp.dst_port, s.tcp.seq.raw(),
                    s.tcp.ack.raw(), s.tcp.flags.bits, s.tcp.reserved, s.tcp.wnd, s.tcp.urg, s.tcp.checksum,
                    s.tcp.header_size, o.timestamps, o.mss, o.window_scale, o.sack_permitted, o.sack_count,
                    s.tcp.payload.data(), s.tcp.payload.size(), s.payload_size, s.options_known, s.payload_captured,
                    s.checksum, s.malformed.has_value());
}

}  // namespace

TEST(InOrder, PlainExchangeGoesTheShortWay) {
  for (const bool stamped : {false, true}) {
    Talk t;
    t.timestamps = stamped;
    t.open([](Segment& s) {
      if (s.flags.syn()) s.options.mss = 1460;
    });
    std::uint32_t seq = 301;
    t.a({"PA", 101, 301, 10});
    for (int i = 0; i < 10; ++i, seq += 1000) t.b({"A", seq, 111, 1000}).a({"A", 111, seq + 1000});
    EXPECT_GE(t.in_order(), 18U) << "stamped: " << stamped;
    EXPECT_EQ(t.text(), "");
  }
}

TEST(InOrder, NothingGoesTheShortWayAtTheEndpoint) {
  Talk t(Vantage::endpoint);
  t.open().a({"PA", 101, 301, 10}).b({"A", 301, 111, 10}).a({"A", 111, 311}).b({"A", 311, 111, 10}).a({"A", 111, 321});
  EXPECT_EQ(t.in_order(), 0U);
}

TEST(InOrder, NotesWhatTheWholeProcedureNotes) {
  std::uint64_t in_order = 0;
  for (std::uint32_t seed = 1; seed <= 150 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Chance chance(seed);
    for (int i = 0; i < 60 && !testing::Test::HasFailure(); ++i) chance.step();
    chance.talk.findings();
    in_order += chance.talk.in_order();
  }
  EXPECT_GT(in_order, 500U);
}

TEST(InOrder, ShortDecoderSaysWhatTheLayersSay) {
  std::mt19937 random(1);
  int plain = 0;
  SegmentInfo is;  // one for all: what a call leaves in it must not show in the next
  for (int i = 0; i < 20'000; ++i) {
    const bool v6 = random() % 2 == 0;
    Segment tcp;
    tcp.src_port = 1;
    tcp.flags = Flags{static_cast<std::uint16_t>(random() % 3 == 0 ? random() & 0x1ffU : 0x010U | (random() & 8U))};
    tcp.wnd = static_cast<std::uint16_t>(random());
    if (random() % 2 == 0) tcp.options.timestamps = Timestamps{static_cast<std::uint32_t>(random()), 2};
    if (random() % 8 == 0) tcp.options.mss = 1460;
    const std::vector<std::byte> text(random() % 4 * 50 + random() % 2, std::byte{7});
    tcp.payload = text;
    IpHeader ip;
    ip.src = *IpAddress::parse(v6 ? "2001:db8::1" : "192.0.2.1");
    ip.dst = *IpAddress::parse(v6 ? "2001:db8::2" : "192.0.2.2");
    ip.dscp_ecn = static_cast<std::uint8_t>(random() % 8 == 0 ? random() : 0x28U);
    std::vector<std::byte> packet(text.size() + 120);
    packet.resize(write_packet(packet, ip, tcp));
    const std::size_t wire = packet.size();
    if (random() % 3 == 0) packet[random() % packet.size()] ^= static_cast<std::byte>(1U << (random() % 8));
    if (random() % 4 == 0) packet.resize(random() % (packet.size() + 1));
    if (random() % 8 == 0) packet.resize(packet.size() + 6);  // padding of the link
    SegmentInfo must_be;
    const DecodeResult result = decode_segment(packet, wire, is);
    ASSERT_EQ(result, decode_any_segment(packet, std::max(wire, packet.size()), must_be)) << "round " << i;
    const bool same = result != DecodeResult::segment || all_of(is) == all_of(must_be);
    ASSERT_TRUE(same) << "round " << i;
    plain += is.plain ? 1 : 0;
  }
  EXPECT_GT(plain, 5000);
}

}  // namespace lastack::test
