// The look at a SYN agrees with parse_plain on what is one, on each field and on the checksums; its writer with
// write_plain. On whole packets, on damaged and on cut ones, in both orders of the options.
#include "stack/wire/syn.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "stack/test/drawn.h"
#include "stack/test/same_segment.h"
#include "stack/wire/plain.h"

namespace lastack {
namespace {

using Packet = std::vector<std::byte>;

struct DrawnSyn : Drawn {
  SynOptions options;
};

// `set`: which of the three options are there.
DrawnSyn draw(Prng& random, bool v6, unsigned set) {
  DrawnSyn drawn{draw_headers(random, v6, random.next() % 2 == 0 ? kSyn : kSyn | kAck), {}};
  SynOptions& o = drawn.options;
  o.mss = draw_number<std::uint16_t>(random);
  o.sack_permitted = (set & 1U) != 0;
  o.scaled = (set & 2U) != 0;
  o.stamped = (set & 4U) != 0;
  o.shift = draw_number<std::uint8_t>(random);
  o.stamp = {draw_number<std::uint32_t>(random), draw_number<std::uint32_t>(random)};
  return drawn;
}

Packet written(const DrawnSyn& d, Checksums checksums) {
  Packet packet(200);
  packet.resize(write_syn(packet, d.from, d.to, d.headers, d.options, checksums));
  return packet;
}

Packet written_plain(const DrawnSyn& d, Checksums checksums) {
  Options options;
  options.mss = d.options.mss;
  options.sack_permitted = d.options.sack_permitted;
  if (d.options.scaled) options.window_scale = d.options.shift;
  if (d.options.stamped) options.timestamps = d.options.stamp;
  const CommonHeaders& c = d.headers;
  PlainHeaders h{d.from, d.to, c.seq, c.ack, c.flags, c.wnd, c.hop_limit, c.dscp_ecn};
  h.options = &options;
  Packet packet(200);
  packet.resize(write_plain(packet, h, {}, checksums));
  return packet;
}

// MSS, SACK-permitted, timestamps, NOP, window scale; checksums as they come out.
Packet in_order_of_linux(const DrawnSyn& d) {
  Packet packet = written(d, Checksums::written);
  const auto options = packet.end() - 20;
  std::rotate(options + 4, options + 5, options + 17);  // the NOP goes behind the timestamps
  // The words are others now: the checksum with them.
  const std::size_t ip = ip_header_size(d.from.ip.version);
  store_be16(packet.data() + ip + 16, 0);
  store_be16(packet.data() + ip + 16, tcp_checksum(d.from.ip, d.to.ip, Bytes(packet).subspan(ip)));
  return packet;
}

TEST(Syn, IsWrittenAsPlainPacketsAre) {
  Prng random(1);
  for (unsigned i = 0; i < 4000; ++i) {
    const DrawnSyn drawn = draw(random, i % 2 == 1, i / 2 % 8);
    for (const Checksums checksums : {Checksums::written, Checksums::offloaded})
      ASSERT_EQ(written(drawn, checksums), written_plain(drawn, checksums)) << "round " << i;
  }
}

TEST(Syn, NeedsRoomForAllOfIt) {
  Prng random(2);
  for (unsigned set = 0; set < 8; ++set) {
    const DrawnSyn drawn = draw(random, set % 2 == 0, set);
    const std::size_t size = written(drawn, Checksums::written).size();
    Packet packet(size - 1);
    EXPECT_EQ(write_syn(packet, drawn.from, drawn.to, drawn.headers, drawn.options, Checksums::written), 0U);
    packet.resize(size);
    EXPECT_EQ(write_syn(packet, drawn.from, drawn.to, drawn.headers, drawn.options, Checksums::written), size);
  }
}

TEST(Syn, IsSeenAsPlainPacketsAreRead) {
  Prng random(3);
  Segment filled;
  int found = 0;
  int wrong = 0;
  for (unsigned i = 0; i < 40'000; ++i) {
    SCOPED_TRACE("round " + std::to_string(i));
    const unsigned damage = i % 4;
    const unsigned set = i / 4 % 3 == 0 ? 0U : 7U;
    const DrawnSyn drawn = draw(random, i / 12 % 2 == 1, set);
    Packet packet = i / 4 % 3 == 2 ? in_order_of_linux(drawn) : written(drawn, Checksums::written);
    // One octet or one bit is changed, or the length.
    if (damage == 1) packet[random.next() % packet.size()] = static_cast<std::byte>(random.next() & 0xffU);
    if (damage == 2) packet[random.next() % packet.size()] ^= std::byte(1U << (random.next() % 8));
    if (damage == 3) packet.resize(random.next() % (packet.size() + 8));
    const Packet exact(packet);  // nothing behind it: a sanitizer sees what is read too far
    CommonSegment common;
    EXPECT_FALSE(common.look_at(exact) && damage == 0);
    const SynSegment syn(common);
    PlainPacket plain;
    const bool is_syn = syn.is_one();
    EXPECT_EQ(is_syn, SynSegment(exact).is_one());
    const bool is_plain = parse_plain(exact, plain);
    EXPECT_TRUE(is_syn || damage != 0);
    ASSERT_TRUE(!is_syn || is_plain);
    if (!is_syn) continue;
    ++found;
    syn.fill(filled);
    expect_same_segment(filled, plain.segment);  // may have held another SYN
    EXPECT_EQ(syn.ecn(), plain.ecn());
    EXPECT_EQ(syn.source(), plain.source());
    EXPECT_EQ(syn.destination(), plain.destination());
    EXPECT_EQ(syn.checksums_are_right(), plain.checksums_are_right());
    EXPECT_TRUE(syn.checksums_are_right() || damage != 0);
    if (!syn.checksums_are_right()) ++wrong;
    if (HasFailure()) return;
  }
  EXPECT_GT(found, 20'000);
  EXPECT_GT(wrong, 5'000);
}

}  // namespace
}  // namespace lastack
