#include "stack/wire/ip.h"

#include <gtest/gtest.h>

#include <vector>

namespace lastack {
namespace {

IpHeader header(const char* src, const char* dst) {
  IpHeader h;
  h.src = *IpAddress::parse(src);
  h.dst = *IpAddress::parse(dst);
  return h;
}

std::vector<std::byte> packet(const IpHeader& h, std::size_t payload) {
  std::vector<std::byte> p(ip_header_size(h.src.version) + payload);
  write_ip_header(p.data(), h, payload);
  return p;
}

TEST(IpAddress, TextFormsGoBothWays) {
  for (const char* text : {"192.0.2.1", "2001:db8::1", "255.255.255.255", "::"}) {
    ASSERT_TRUE(IpAddress::parse(text)) << text;
    EXPECT_EQ(IpAddress::parse(text)->text(), text);
  }
  EXPECT_FALSE(IpAddress::parse("192.0.2.256"));
  EXPECT_FALSE(IpAddress::parse(""));
  EXPECT_EQ((SocketAddress{*IpAddress::parse("2001:db8::1"), 80}.text()), "[2001:db8::1]:80");
}

//= rfc9293 3.9.2.3 MUST-57
TEST(IpAddress, MulticastAndBroadcastAreKnown) {
  for (const char* text : {"224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"}) {
    EXPECT_TRUE(IpAddress::parse(text)->is_multicast_or_broadcast()) << text;
  }
  for (const char* text : {"192.0.2.1", "240.0.0.1", "2001:db8::1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->is_multicast_or_broadcast()) << text;
  }
  EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_unspecified());
}

TEST(Ip, HeaderRoundTripV4) {
  IpHeader h = header("192.0.2.1", "192.0.2.2");
  h.dscp_ecn = 3;
  h.id = 77;
  const auto p = packet(h, 30);
  const auto ip = parse_ip(p);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->src, h.src);
  EXPECT_EQ(ip->dst, h.dst);
  EXPECT_EQ(ip->id, 77);
  EXPECT_EQ(ip->ecn(), 3);
  EXPECT_TRUE(ip->header_checksum_ok);
  EXPECT_TRUE(ip->dont_fragment);
  EXPECT_EQ(ip->payload.size(), 30U);
  EXPECT_FALSE(ip->truncated);
}

TEST(Ip, HeaderRoundTripV6) {
  IpHeader h = header("2001:db8::1", "2001:db8::2");
  h.dscp_ecn = 2;
  const auto p = packet(h, 25);
  const auto ip = parse_ip(p);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->src, h.src);
  EXPECT_EQ(ip->ecn(), 2);
  EXPECT_EQ(ip->protocol, kProtocolTcp);
  EXPECT_EQ(ip->payload.size(), 25U);
}

TEST(Ip, EthernetPaddingIsNotPayload) {
  auto p = packet(header("192.0.2.1", "192.0.2.2"), 20);
  p.resize(46);
  EXPECT_EQ(parse_ip(p)->payload.size(), 20U);
}

TEST(Ip, CutPayloadIsSaidNotHidden) {
  auto p = packet(header("192.0.2.1", "192.0.2.2"), 100);
  p.resize(60);
  const auto ip = parse_ip(p);
  ASSERT_TRUE(ip);
  EXPECT_TRUE(ip->truncated);
  EXPECT_EQ(ip->payload.size(), 40U);
}

TEST(Ip, LengthZeroTakesWhatIsThere) {
  auto p = packet(header("192.0.2.1", "192.0.2.2"), 100);
  store_be16(p.data() + 2, 0);
  EXPECT_EQ(parse_ip(p)->payload.size(), 100U);
}

TEST(Ip, ExtensionHeadersAreWalked) {
  auto p = packet(header("2001:db8::1", "2001:db8::2"), 8 + 20);
  p[6] = std::byte{60};             // destination options first
  p[40] = std::byte{kProtocolTcp};  // then TCP
  const auto ip = parse_ip(p);
  ASSERT_TRUE(ip);
  EXPECT_EQ(ip->protocol, kProtocolTcp);
  EXPECT_EQ(ip->payload.size(), 20U);
}

TEST(Ip, FragmentsAreRecognised) {
  auto v4 = packet(header("192.0.2.1", "192.0.2.2"), 20);
  store_be16(v4.data() + 6, 0x2000);
  EXPECT_TRUE(parse_ip(v4)->is_fragment());
  auto v6 = packet(header("2001:db8::1", "2001:db8::2"), 28);
  v6[6] = std::byte{44};
  v6[40] = std::byte{kProtocolTcp};
  store_be16(v6.data() + 42, 8);
  EXPECT_EQ(parse_ip(v6)->fragment_offset_octets, 8U);
}

TEST(Ip, BadHeadersAreErrorsWithAPosition) {
  EXPECT_EQ(parse_ip({}).error().fault, WireFault::ip_too_short);
  const auto good = packet(header("192.0.2.1", "192.0.2.2"), 20);
  for (std::size_t size = 1; size < kIpv4HeaderSize; ++size) {
    EXPECT_FALSE(parse_ip(Bytes(good).first(size))) << size;
  }
  auto bad = good;
  bad[0] = std::byte{0x44};
  EXPECT_EQ(parse_ip(bad).error().fault, WireFault::ip_bad_header_length);
  bad[0] = std::byte{0x55};
  EXPECT_EQ(parse_ip(bad).error().fault, WireFault::ip_bad_version);
  bad = good;
  store_be16(bad.data() + 2, 19);
  EXPECT_EQ(parse_ip(bad).error().fault, WireFault::ip_bad_length);
  bad = good;
  bad[8] = std::byte{1};
  EXPECT_FALSE(parse_ip(bad)->header_checksum_ok);
}

}  // namespace
}  // namespace lastack
