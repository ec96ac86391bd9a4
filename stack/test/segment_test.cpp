#include "stack/wire/segment.h"

#include <gtest/gtest.h>

#include <vector>

#include "stack/wire/checksum.h"

namespace lastack {
namespace {

IpHeader between(const char* src, const char* dst) {
  IpHeader h;
  h.src = *IpAddress::parse(src);
  h.dst = *IpAddress::parse(dst);
  return h;
}

Segment sample(Bytes payload) {
  Segment s;
  s.src_port = 4000;
  s.dst_port = 80;
  s.seq = SeqNum(0xffff'fff0U);
  s.ack = SeqNum(7);
  s.flags = kPsh | kAck;
  s.wnd = 65535;
  s.options.timestamps = Timestamps{10, 20};
  s.payload = payload;
  return s;
}

class RoundTrip : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(RoundTrip, WriteThenParseGivesTheSameSegment) {
  const std::vector<std::byte> data(33, std::byte{0x5a});
  const Segment s = sample(data);
  std::vector<std::byte> out(200);
  const std::size_t size = write_packet(out, between(GetParam().first, GetParam().second), s);
  ASSERT_GT(size, 0U);
  const auto parsed = parse_packet(Bytes(out).first(size));
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->tcp.seq, s.seq);
  EXPECT_EQ(parsed->tcp.ack, s.ack);
  EXPECT_EQ(parsed->tcp.flags, s.flags);
  EXPECT_EQ(parsed->tcp.wnd, s.wnd);
  EXPECT_EQ(parsed->tcp.options.timestamps, s.options.timestamps);
  EXPECT_TRUE(std::equal(data.begin(), data.end(), parsed->tcp.payload.begin(), parsed->tcp.payload.end()));
}

INSTANTIATE_TEST_SUITE_P(Families, RoundTrip,
                         testing::Values(std::pair{"192.0.2.1", "192.0.2.2"}, std::pair{"2001:db8::1", "2001:db8::2"}));

TEST(Segment, LenCountsSynAndFin) {
  Segment s;
  s.flags = kSyn | kFin;
  const std::vector<std::byte> data(10);
  s.payload = data;
  EXPECT_EQ(s.len(), 12U);
  s.seq = SeqNum(0xffff'fffaU);
  EXPECT_EQ(s.end(), SeqNum(6));
}

//= rfc9293 3.1 MUST-3
TEST(Segment, EveryFlippedBitIsNoticed) {
  const std::vector<std::byte> data(11, std::byte{1});
  std::vector<std::byte> out(100);
  out.resize(write_packet(out, between("192.0.2.1", "192.0.2.2"), sample(data)));
  for (std::size_t bit = 0; bit < out.size() * 8; ++bit) {
    auto broken = out;
    broken[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_FALSE(parse_packet(broken)) << "bit " << bit;
  }
}

TEST(Segment, EveryCutIsAnError) {
  const std::vector<std::byte> data(11, std::byte{1});
  std::vector<std::byte> out(100);
  out.resize(write_packet(out, between("192.0.2.1", "192.0.2.2"), sample(data)));
  for (std::size_t size = 0; size < out.size(); ++size) EXPECT_FALSE(parse_packet(Bytes(out).first(size))) << size;
}

TEST(Segment, DataOffsetIsChecked) {
  std::vector<std::byte> tcp(20);
  Segment s;
  tcp[12] = std::byte{0x40};
  EXPECT_EQ(parse_tcp(tcp, s)->fault, WireFault::tcp_bad_data_offset);
  tcp[12] = std::byte{0x60};
  EXPECT_EQ(parse_tcp(tcp, s)->fault, WireFault::tcp_bad_data_offset);
  tcp[12] = std::byte{0x50};
  EXPECT_FALSE(parse_tcp(tcp, s));
}

TEST(Segment, ReservedBitsAndAeAreKeptApart) {
  std::vector<std::byte> tcp(20);
  tcp[12] = std::byte{0x5f};
  Segment s;
  ASSERT_FALSE(parse_tcp(tcp, s));
  EXPECT_EQ(s.reserved, 7);
  EXPECT_TRUE(s.flags.ae());
}

TEST(Segment, TooSmallABufferWritesNothing) {
  std::vector<std::byte> out(39);
  EXPECT_EQ(write_packet(out, between("192.0.2.1", "192.0.2.2"), Segment{}), 0U);
}

}  // namespace
}  // namespace lastack
