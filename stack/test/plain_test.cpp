// The short way to read and to write a packet agrees with the whole parsers and the whole writer, with every flag and
// option, on packets that are nearly plain, and on damaged ones.
#include "stack/wire/plain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "stack/sim/prng.h"
#include "stack/test/same_segment.h"
#include "stack/wire/checksum.h"
#include "stack/wire/segment.h"

namespace lastack {
namespace {

using Packet = std::vector<std::byte>;

struct Ends {
  SocketAddress from;
  SocketAddress to;
};

Ends ends(bool v6) {
  if (v6) return {{*IpAddress::parse("2001:db8::1"), 80}, {*IpAddress::parse("2001:db8::2"), 4000}};
  return {{*IpAddress::parse("192.0.2.1"), 80}, {*IpAddress::parse("192.0.2.2"), 4000}};
}

Packet text_of(Prng& random, std::size_t octets) {
  Packet text(octets);
  for (std::byte& b : text) b = static_cast<std::byte>(random.next() & 0xffU);
  return text;
}

// Of a segment as a transfer has them: ACK, perhaps PSH, perhaps a timestamp.
PlainHeaders headers_of(Prng& random, const Ends& e) {
  PlainHeaders h{e.from, e.to, SeqNum(static_cast<std::uint32_t>(random.next())),
                 SeqNum(static_cast<std::uint32_t>(random.next())), random.next() % 2 == 0 ? kAck : kPsh | kAck};
  h.wnd = static_cast<std::uint16_t>(random.next() & 0xffffU);
  h.dscp_ecn = static_cast<std::uint8_t>(random.next() & 0xffU);
  h.stamped = random.next() % 2 == 0;
  if (h.stamped) h.stamp = {static_cast<std::uint32_t>(random.next()), static_cast<std::uint32_t>(random.next())};
  return h;
}

Options options_of(Prng& random) {
  const auto some = [&] { return random.next() % 2 == 0; };
  Options options;
  if (some()) options.mss = static_cast<std::uint16_t>(random.next() & 0xffffU);
  if (some()) options.window_scale = static_cast<std::uint8_t>(random.next() & 0xfU);
  options.sack_permitted = some();
  if (some()) options.timestamps = Timestamps{static_cast<std::uint32_t>(random.next()), 7};
  if (some()) options.user_timeout = static_cast<std::uint16_t>(random.next() & 0xffffU);
  if (some()) {
    options.sack_count = 1;
    options.sack[0] = {SeqNum(static_cast<std::uint32_t>(random.next())), SeqNum(5)};
  }
  return options;
}

// Of any other segment, with `options`.
PlainHeaders other_headers_of(Prng& random, const Ends& e, const Options& options) {
  PlainHeaders h = headers_of(random, e);
  h.flags = Flags{static_cast<std::uint16_t>(random.next() & 0x1ffU)};
  h.urg = static_cast<std::uint16_t>(random.next() & 0xffffU);
  h.dont_fragment = random.next() % 2 == 0;
  h.id = static_cast<std::uint16_t>(random.next() & 0xffffU);
  h.options = &options;
  return h;
}

// The same packet by the whole writer.
Packet written_whole(const PlainHeaders& h, Bytes text, Checksums checksums) {
  IpHeader ip;
  ip.src = h.from.ip;
  ip.dst = h.to.ip;
  ip.hop_limit = h.hop_limit;
  ip.dscp_ecn = h.dscp_ecn;
  Segment segment;
  segment.src_port = h.from.port;
  segment.dst_port = h.to.port;
  segment.seq = h.seq;
  segment.ack = h.ack;
  segment.flags = h.flags;
  segment.wnd = h.wnd;
  segment.urg = h.urg;
  ip.dont_fragment = h.dont_fragment;
  ip.id = h.id;
  if (h.options != nullptr) {
    segment.options = *h.options;
  } else if (h.stamped) {
    segment.options.timestamps = h.stamp;
  }
  segment.payload = text;
  Packet packet(2048);
  packet.resize(write_packet(packet, ip, segment, tcp_header_size(segment), checksums));
  return packet;
}

TEST(Plain, IsWrittenAsTheWholeWriterWritesIt) {
  Prng random(1);
  for (int i = 0; i < 3000; ++i) {
    SCOPED_TRACE("round " + std::to_string(i));
    const Ends e = ends(i % 2 == 1);
    const Options options = options_of(random);
    const PlainHeaders h = i % 3 == 0 ? other_headers_of(random, e, options) : headers_of(random, e);
    const Packet text = text_of(random, random.next() % 1400);
    const std::size_t cut = text.empty() ? 0 : random.next() % text.size();
    const TextPieces pieces{Bytes(text).first(cut), Bytes(text).subspan(cut)};
    for (const Checksums checksums : {Checksums::written, Checksums::offloaded}) {
      Packet packet(2048);
      packet.resize(write_plain(packet, h, pieces, checksums));
      ASSERT_EQ(packet, written_whole(h, text, checksums));
    }
  }
}

TEST(Plain, NeedsRoomForAllOfIt) {
  Prng random(2);
  const Ends e = ends(false);
  PlainHeaders h = headers_of(random, e);
  h.stamped = false;
  const Packet text = text_of(random, 100);
  Packet packet(139);
  EXPECT_EQ(write_plain(packet, h, {text, {}}, Checksums::written), 0U);
  packet.resize(140);
  EXPECT_EQ(write_plain(packet, h, {text, {}}, Checksums::written), 140U);
}

// What the whole parsers say of the same octets.
void compare(Bytes packet, const PlainPacket& plain) {
  IpPacket ip;
  ASSERT_FALSE(parse_ip(packet, ip));
  ASSERT_FALSE(ip.truncated || ip.is_fragment());
  ASSERT_EQ(ip.protocol, kProtocolTcp);
  Segment whole;
  ASSERT_FALSE(parse_tcp(ip.payload, whole));
  EXPECT_EQ(plain.source(), (SocketAddress{ip.src, whole.src_port}));
  EXPECT_EQ(plain.destination(), (SocketAddress{ip.dst, whole.dst_port}));
  EXPECT_TRUE(plain.is_between(plain.destination(), plain.source()));
  EXPECT_EQ(plain.ecn(), ip.ecn());
  expect_same_segment(plain.segment, whole);
  const bool right = ip.header_checksum_ok && tcp_checksum(ip.src, ip.dst, ip.payload) == 0;
  EXPECT_EQ(plain.checksums_are_right(), right);
}

TEST(Plain, IsReadAsTheWholeParsersReadIt) {
  Prng random(3);
  PlainPacket plain;  // one after the other in the same place, as a host reads them
  std::size_t found = 0;
  for (int i = 0; i < 20'000; ++i) {
    SCOPED_TRACE("round " + std::to_string(i));
    const Ends e = ends(i % 2 == 1);
    const Options options = options_of(random);
    const PlainHeaders h = i % 5 == 0 ? other_headers_of(random, e, options) : headers_of(random, e);
    Packet packet = written_whole(h, text_of(random, random.next() % 200), Checksums::written);
    // Nothing, one octet of the headers, or the length is changed.
    if (i % 3 == 1)
      packet[random.next() % std::min<std::size_t>(packet.size(), 92)] = static_cast<std::byte>(random.next() & 0xffU);
    if (i % 3 == 2) packet.resize(random.next() % (packet.size() + 8));
    if (!parse_plain(packet, plain)) {
      EXPECT_NE(i % 3, 0) << "a plain packet is plain";
      continue;
    }
    ++found;
    compare(packet, plain);
    if (HasFailure()) return;
  }
  EXPECT_GT(found, 10'000U);
}

TEST(Plain, IsForTheSocketsInItOnly) {
  Prng random(4);
  for (const bool v6 : {false, true}) {
    const Ends e = ends(v6);
    const Packet packet = written_whole(headers_of(random, e), {}, Checksums::written);
    PlainPacket plain;
    ASSERT_TRUE(parse_plain(packet, plain));
    SocketAddress other = e.from;
    EXPECT_TRUE(plain.is_between(e.to, e.from));
    EXPECT_FALSE(plain.is_between(e.from, e.to));
    other.port = 81;
    EXPECT_FALSE(plain.is_between(e.to, other));
    other = e.from;
    other.ip.octets[3] ^= std::byte{1};
    EXPECT_FALSE(plain.is_between(e.to, other));
    const Ends family = ends(!v6);
    EXPECT_FALSE(plain.is_between(family.to, family.from));
  }
}

}  // namespace
}  // namespace lastack
