// The look at a common segment agrees with parse_plain on what is one, on each field and on the checksums; its writer
// with write_plain. On whole packets, on damaged and on cut ones.
#include "stack/wire/common.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "stack/test/drawn.h"
#include "stack/test/same_segment.h"
#include "stack/wire/plain.h"

namespace lastack {
namespace {

using Packet = std::vector<std::byte>;

struct DrawnSegment : Drawn {
  Packet text;
  TextPieces pieces;  // of text
};

DrawnSegment draw(Prng& random, bool v6) {
  const auto some = [&] { return random.next() % 2 == 0; };
  DrawnSegment drawn{draw_headers(random, v6, kAck), {}, {}};
  if (some()) drawn.headers.flags = drawn.headers.flags | kPsh;
  if (random.next() % 8 == 0) drawn.headers.flags = drawn.headers.flags | kFin;
  drawn.headers.stamped = some();
  if (drawn.headers.stamped) {
    drawn.headers.stamp = {draw_number<std::uint32_t>(random), draw_number<std::uint32_t>(random)};
  }
  drawn.text.resize(some() ? 0 : random.next() % 1400);
  for (std::byte& b : drawn.text) b = static_cast<std::byte>(random.next() & 0xffU);
  const std::size_t cut = drawn.text.empty() ? 0 : random.next() % drawn.text.size();
  drawn.pieces = {Bytes(drawn.text).first(cut), Bytes(drawn.text).subspan(cut)};
  return drawn;
}

Packet written(const DrawnSegment& d, Checksums checksums) {
  Packet packet(2048);
  packet.resize(write_common(packet, d.from, d.to, d.headers, d.pieces, checksums));
  return packet;
}

Packet written_plain(const DrawnSegment& d, Checksums checksums) {
  const CommonHeaders& c = d.headers;
  PlainHeaders h{d.from, d.to, c.seq, c.ack, c.flags};
  h.wnd = c.wnd;
  h.hop_limit = c.hop_limit;
  h.dscp_ecn = c.dscp_ecn;
  h.stamped = c.stamped;
  h.stamp = c.stamp;
  Packet packet(2048);
  packet.resize(write_plain(packet, h, d.pieces, checksums));
  return packet;
}

TEST(Common, IsWrittenAsPlainPacketsAre) {
  Prng random(1);
  for (int i = 0; i < 4000; ++i) {
    const DrawnSegment drawn = draw(random, i % 2 == 1);
    for (const Checksums checksums : {Checksums::written, Checksums::offloaded})
      ASSERT_EQ(written(drawn, checksums), written_plain(drawn, checksums)) << "round " << i;
  }
}

TEST(Common, NeedsRoomForAllOfIt) {
  Prng random(2);
  DrawnSegment drawn = draw(random, false);
  const std::size_t size = written(drawn, Checksums::written).size();
  Packet packet(size - 1);
  EXPECT_EQ(write_common(packet, drawn.from, drawn.to, drawn.headers, drawn.pieces, Checksums::written), 0U);
  packet.resize(size);
  EXPECT_EQ(write_common(packet, drawn.from, drawn.to, drawn.headers, drawn.pieces, Checksums::written), size);
}

void compare(const CommonSegment& common, const PlainPacket& plain) {
  const Segment& s = plain.segment;
  EXPECT_EQ(common.seq(), s.seq);
  EXPECT_EQ(common.ack(), s.ack);
  EXPECT_EQ(common.wnd(), s.wnd);
  EXPECT_EQ(common.flags(), s.flags);
  EXPECT_EQ(common.is_stamped() ? std::optional(common.stamp()) : std::nullopt, s.options.timestamps);
  EXPECT_EQ(common.text().data(), s.payload.data());
  EXPECT_EQ(common.text().size(), s.payload.size());
  EXPECT_EQ(common.ecn(), plain.ecn());
  EXPECT_EQ(common.source(), plain.source());
  EXPECT_EQ(common.destination(), plain.destination());
  EXPECT_EQ(common.checksums_are_right(), plain.checksums_are_right());
}

// No flag but ACK and perhaps PSH or FIN, no option but perhaps a timestamp in the usual place.
bool is_one(const Segment& s) {
  Options stamp;
  stamp.timestamps = s.options.timestamps;
  const std::size_t header = kTcpHeaderSize + (s.options.timestamps ? kStampOctets : 0);
  return (s.flags | kPsh | kFin) == (kPsh | kFin | kAck) && s.reserved == 0 && s.options == stamp &&
         s.header_size == header;
}

TEST(Common, IsSeenAsPlainPacketsAreRead) {
  Prng random(3);
  Segment filled;
  int found = 0;
  int wrong = 0;
  for (int i = 0; i < 30'000; ++i) {
    SCOPED_TRACE("round " + std::to_string(i));
    const DrawnSegment drawn = draw(random, i % 2 == 1);
    Packet packet = written(drawn, Checksums::written);
    // One octet, or one bit of what says whether it is common, or the length is changed.
    if (i % 4 == 1) packet[random.next() % packet.size()] = static_cast<std::byte>(random.next() & 0xffU);
    if (i % 4 == 2)
      packet[random.next() % (i % 2 == 1 ? 72 : 40) % packet.size()] ^= std::byte(1U << (random.next() % 8));
    if (i % 4 == 3) packet.resize(random.next() % (packet.size() + 8));
    const Packet exact(packet);  // nothing behind it: a sanitizer sees what is read too far
    CommonSegment common;
    PlainPacket plain;
    const bool is_common = common.look_at(exact);
    const bool is_plain = parse_plain(exact, plain);
    // What looks like one is one. The other way round it need not be: NOPs may stand elsewhere.
    ASSERT_TRUE(!is_common || (is_plain && is_one(plain.segment)));
    ASSERT_TRUE(is_common || !is_plain || !is_one(plain.segment) || plain.segment.header_size != kTcpHeaderSize);
    EXPECT_TRUE(is_common || i % 4 != 0);
    if (!is_common) continue;
    common.fill(filled);
    expect_same_segment(filled, plain.segment);  // may have held another common one
    ++found;
    if (!common.checksums_are_right()) ++wrong;
    compare(common, plain);
    if (HasFailure()) return;
  }
  EXPECT_GT(found, 15'000);
  EXPECT_GT(wrong, 5'000);
}

TEST(Common, IsForTheSocketsInItOnly) {
  Prng random(4);
  for (const bool v6 : {false, true}) {
    const DrawnSegment drawn = draw(random, v6);
    const Packet packet = written(drawn, Checksums::written);
    CommonSegment common;
    ASSERT_TRUE(common.look_at(packet));
    EXPECT_TRUE(common.is_between(drawn.to, drawn.from));
    EXPECT_FALSE(common.is_between(drawn.from, drawn.to));
    for (const std::size_t octet : {std::size_t{0}, drawn.from.ip.size() - 1}) {
      SocketAddress other = drawn.from;
      other.ip.octets[octet] ^= std::byte{1};
      EXPECT_FALSE(common.is_between(drawn.to, other));
      other = drawn.to;
      other.ip.octets[octet] ^= std::byte{1};
      EXPECT_FALSE(common.is_between(other, drawn.from));
    }
    const DrawnSegment family = draw(random, !v6);
    EXPECT_FALSE(common.is_between(family.to, family.from));
  }
}

}  // namespace
}  // namespace lastack
