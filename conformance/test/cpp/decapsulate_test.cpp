// From frames to the TCP segments in them: every link type and tunnel, cut at every place, and what is counted instead.
#include "conformance/trace/decapsulate.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "conformance/test/cpp/trace_bytes.h"
#include "stack/wire/checksum.h"

namespace lastack {
namespace {

using namespace test;

const File kMacs = octets({2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2});
const File kSnap = octets({0xaa, 0xaa, 3, 0, 0, 0, 8, 0});
const File kLabels = octets({0, 0, 0, 64, 0, 0, 0x11, 64});

File ethernet(const File& rest) { return kMacs + rest; }
File ethernet_ip(const File& packet) { return kMacs + octets({8, 0}) + packet; }

File ipv4(std::uint8_t protocol, const File& payload, std::uint16_t fragment = 0, const File& options = {}) {
  const std::size_t header = 20 + options.size();
  File p = octets({static_cast<unsigned>(0x40 | (header / 4)), 0});
  put(p, header + payload.size(), 2);
  put(p, 7, 2);
  put(p, fragment, 2);
  p = p + octets({64, protocol, 0, 0, 198, 51, 100, 1, 198, 51, 100, 2}) + options;
  store_be16(p.data() + 10, internet_checksum(p));
  return p + payload;
}

File ipv6(std::uint8_t next, const File& payload, const char* dst = "2001:db8::fe") {
  File p = octets({0x60, 0, 0, 0});
  put(p, payload.size(), 2);
  put(p, next, 1);
  put(p, 64, 1);
  put(p, copy(IpAddress::parse("2001:db8::ff")->bytes()));
  put(p, copy(IpAddress::parse(dst)->bytes()));
  return p + payload;
}

File udp(std::uint16_t port, const File& payload) {
  File p;
  put(p, 40000, 2);
  put(p, port, 2);
  put(p, payload.size() + 8, 2);
  put(p, 0, 2);
  return ipv4(17, p + payload);
}

File gre(unsigned flags, unsigned type, const File& payload) {
  File p;
  put(p, flags, 2);
  put(p, type, 2);
  return ipv4(47, p + payload);
}

struct Found {
  Skip skip = Skip::none;
  File packet;
  std::size_t wire_size = 0;
  std::uint64_t context = 0;
};

Found find(Decapsulator& d, std::uint32_t link_type, const File& frame, std::size_t captured = ~std::size_t{0}) {
  CapturedPacket packet;
  packet.link_type = link_type;
  packet.bytes = Bytes(frame).first(std::min(captured, frame.size()));
  packet.wire_size = frame.size();
  Decapsulated out;
  const Skip skip = d.find(packet, out);
  return {skip, copy(out.packet), out.wire_size, out.context};
}

Found find(std::uint32_t link_type, const File& frame, std::size_t captured = ~std::size_t{0}) {
  Decapsulator d;
  return find(d, link_type, frame, captured);
}

struct Case {
  const char* name;
  std::uint32_t type;
  File before;
};

// In front of an IP packet.
std::vector<Case> plain_cases() {
  return {
      {"NULL", 0, octets({2, 0, 0, 0})},
      {"NULL, big-endian", 0, octets({0, 0, 0, 2})},
      {"LOOP", 108, octets({0, 0, 0, 2})},
      {"RAW", 101, {}},
      {"RAW of OpenBSD", 14, {}},
      {"RAW of others", 12, {}},
      {"IPV4", 228, {}},
      {"ATM CLIP", 106, {}},
      {"Ethernet", 1, ethernet(octets({8, 0}))},
      {"VLAN", 1, ethernet(octets({0x81, 0, 0, 7, 8, 0}))},
      {"QinQ", 1, ethernet(octets({0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0}))},
      {"MPLS", 1, ethernet(octets({0x88, 0x47})) + kLabels},
      {"MPLS pseudowire", 1,
       ethernet(octets({0x88, 0x47})) + kLabels + octets({0, 0, 0, 0}) + ethernet(octets({8, 0}))},
      {"PPPoE", 1, ethernet(octets({0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0, 0x21}))},
      {"802.3 SNAP", 1, ethernet(octets({0, 200})) + kSnap},
      {"LLC without SNAP", 1, ethernet(octets({0, 200, 6, 6, 3}))},
      {"jumbo LLC", 1, ethernet(octets({0x88, 0x70})) + kSnap},
      {"MACsec in clear", 1, ethernet(octets({0x88, 0xe5, 0x20, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 0}))},
      {"PBB", 1, ethernet(octets({0x88, 0xe7, 0, 0, 0, 9})) + ethernet(octets({8, 0}))},
      {"NSH", 1, ethernet(octets({0x89, 0x4f, 0x0f, 0xc2, 1, 1, 0, 0, 1, 255}))},
      {"TRILL", 1, ethernet(octets({0x22, 0xf3, 0, 0, 0, 1, 0, 2})) + ethernet(octets({8, 0}))},
      {"VN-Tag", 1, ethernet(octets({0x89, 0x26, 0, 0, 0, 0, 8, 0}))},
      {"Cisco metadata", 1, ethernet(octets({0x89, 0x09, 1, 1, 0, 1, 0, 5, 8, 0}))},
      {"HSR", 1, ethernet(octets({0x89, 0x2f, 0, 60, 0, 1, 8, 0}))},
      {"SLL", 113, octets({0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0})},
      {"SLL VLAN", 113, octets({0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0, 0, 5, 8, 0})},
      {"SLL LLC", 113, octets({0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 4}) + kSnap},
      {"SLL2", 276, octets({8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0})},
      {"SLL2 QinQ", 276,
       octets({0x88, 0xa8, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x81, 0, 0, 2, 8, 0})},
      {"PPP", 9, octets({0, 0x21})},
      {"PPP, field compressed", 9, octets({0x21})},
      {"PPP HDLC", 50, octets({0xff, 3, 0, 0x21})},
      {"PPP MPLS", 9, octets({2, 0x81}) + kLabels},
      {"PPP of pppd", 166, octets({0, 0xff, 3, 0, 0x21})},
      {"PPP with direction", 204, octets({1, 0xff, 3, 0, 0x21})},
      {"PPPoE without Ethernet", 51, octets({0x11, 0, 0, 1, 0, 42, 0, 0x21})},
      {"C-HDLC", 104, octets({0x0f, 0, 8, 0})},
      {"C-HDLC with direction", 205, octets({0, 0x0f, 0, 8, 0})},
      {"Frame Relay", 107, octets({0x18, 0x41, 3, 0xcc})},
      {"Frame Relay SNAP", 107, octets({0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0})},
      {"Frame Relay with direction", 206, octets({0, 0x18, 0x41, 3, 0xcc})},
      {"MPLS alone", 219, kLabels},
      {"802.11", 105, octets({8, 1}) + File(22) + kSnap},
      {"802.11 QoS, HT control", 105, octets({0x88, 0x81}) + File(28) + kSnap},
      {"802.11 four addresses", 105, octets({8, 3}) + File(28) + kSnap},
      {"radiotap", 127, octets({0, 0, 12, 0, 4, 0, 0, 0, 0, 0, 0, 0, 8, 1}) + File(22) + kSnap},
      {"radiotap, padded", 127, octets({0, 0, 9, 0, 2, 0, 0, 0, 0x20, 0x88, 1}) + File(24) + octets({0, 0}) + kSnap},
      {"PRISM", 119, File(144) + octets({8, 1}) + File(22) + kSnap},
      {"AVS", 163, octets({0x80, 0x21, 0x10, 1, 0, 0, 0, 64}) + File(56) + octets({8, 1}) + File(22) + kSnap},
      {"SLIP", 8, File(16)},
      {"ENC", 109, octets({2, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0})},
      {"PFLOG", 117, octets({61}) + File(63)},
      {"IPNET", 226, File(24)},
      {"NFLOG", 239, octets({2, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 0, 44, 0, 9, 0})},
      {"PKTAP", 258, octets({12, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}) + ethernet(octets({8, 0}))},
      {"netANALYZER", 240, File(4) + ethernet(octets({8, 0}))},
      {"netANALYZER, transparent", 241, File(12) + ethernet(octets({8, 0}))},
      {"mPackets", 274, File(8) + ethernet(octets({8, 0}))},
      {"Token Ring", 6, octets({0x10, 0x40}) + kMacs + kSnap},
      {"Token Ring, routed", 6, octets({0x10, 0x40, 2, 0, 0, 0, 0, 1, 0x82, 0, 0, 0, 0, 2, 2, 0}) + kSnap},
      {"FDDI", 10, octets({0x50}) + kMacs + kSnap},
      {"IP over Fibre Channel", 122, File(16) + kSnap},
      {"RFC 1483", 100, kSnap},
      {"IEEE 1394", 138, File(16) + octets({8, 0})},
  };
}

File after_gre(unsigned flags, unsigned type, const File& options, const File& packet) {
  return gre(flags, type, options + packet);
}

struct Tunnel {
  const char* name;
  File (*around)(const File& packet);
};

// Around an IPv4 packet, as an IP packet.
const std::vector<Tunnel>& tunnels() {
  static const std::vector<Tunnel> all = {
      {"4in4", [](const File& p) { return ipv4(4, p); }},
      {"4in6", [](const File& p) { return ipv6(4, p); }},
      {"GRE", [](const File& p) { return after_gre(0, 0x0800, {}, p); }},
      {"GRE, checksum, key and number",
       [](const File& p) {
         return after_gre(0xb000, 0x0800, octets({0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1}), p);
       }},
      {"GRE, Ethernet",
       [](const File& p) {
         return after_gre(0x2000, 0x6558, octets({0, 0, 1, 0}), ethernet_ip(p));
       }},
      {"GRE, MPLS", [](const File& p) { return after_gre(0, 0x8847, kLabels, p); }},
      {"PPTP",
       [](const File& p) {
         return after_gre(0x3081, 0x880b, octets({0, 44, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0x21}), p);
       }},
      {"WCCP",
       [](const File& p) {
         return after_gre(0, 0x883e, octets({0, 0, 0, 0}), p);
       }},
      {"ERSPAN I", [](const File& p) { return after_gre(0, 0x88be, {}, ethernet_ip(p)); }},
      {"ERSPAN II",
       [](const File& p) {
         return after_gre(0x1000, 0x88be, octets({0, 0, 0, 1, 0x10, 0, 0, 1, 0, 0, 0, 0}), ethernet_ip(p));
       }},
      {"ERSPAN III",
       [](const File& p) {
         return after_gre(0x1000, 0x22eb, octets({0, 0, 0, 1}) + octets({0x20, 0, 0, 1}) + File(8), ethernet_ip(p));
       }},
      {"ERSPAN III, platform",
       [](const File& p) {
         return after_gre(0x1000, 0x22eb, octets({0, 0, 0, 1, 0x20, 0, 0, 1}) + File(7) + octets({1}) + File(8),
                          ethernet_ip(p));
       }},
      {"VXLAN",
       [](const File& p) {
         return udp(4789, octets({8, 0, 0, 0, 0, 0, 42, 0}) + ethernet_ip(p));
       }},
      {"VXLAN-GPE",
       [](const File& p) {
         return udp(4790, octets({0x0c, 0, 0, 1, 0, 0, 42, 0}) + p);
       }},
      {"GENEVE",
       [](const File& p) {
         return udp(6081, octets({1, 0, 0x65, 0x58, 0, 0, 42, 0, 1, 2, 3, 0}) + ethernet_ip(p));
       }},
      {"GTP-U",
       [](const File& p) {
         return udp(2152, octets({0x30, 255, 0, 40, 0, 0, 0, 9}) + p);
       }},
      {"GTP-U, extension",
       [](const File& p) {
         return udp(2152, octets({0x34, 255, 0, 48, 0, 0, 0, 9, 0, 0, 0, 0x85, 1, 0, 1, 0}) + p);
       }},
      {"L2TPv2",
       [](const File& p) {
         return udp(1701, octets({0x40, 2, 0, 52, 0, 1, 0, 2, 0xff, 3, 0, 0x21}) + p);
       }},
      {"L2TPv3 over UDP",
       [](const File& p) {
         return udp(1701, octets({0, 3, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4}) + ethernet_ip(p));
       }},
      {"L2TPv3",
       [](const File& p) {
         return ipv4(115, octets({0, 0, 0, 9}) + ethernet_ip(p));
       }},
      {"LISP", [](const File& p) { return udp(4341, File(8) + p); }},
      {"MPLS in UDP", [](const File& p) { return udp(6635, kLabels + p); }},
      {"MPLS in IP", [](const File& p) { return ipv4(137, kLabels + p); }},
      {"TZSP",
       [](const File& p) {
         return udp(37008, octets({1, 0, 0, 1, 10, 1, 99, 0, 1}) + ethernet_ip(p));
       }},
      {"EtherIP",
       [](const File& p) {
         return ipv4(97, octets({0x30, 0}) + ethernet_ip(p));
       }},
      {"AH and a tunnel",
       [](const File& p) {
         return ipv4(51, octets({4, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}) + p);
       }},
      {"SRv6",
       [](const File& p) {
         return ipv6(43, octets({4, 2, 4, 0, 0, 0, 0, 0}) + copy(IpAddress::parse("2001:db8::fe")->bytes()) + p);
       }},
      {"GRE in VXLAN in VLAN",
       [](const File& p) {
         return udp(4789, octets({8, 0, 0, 0, 0, 0, 1, 0}) + ethernet_ip(after_gre(0, 0x0800, {}, p)));
       }},
  };
  return all;
}

TEST(Decapsulate, FindsIpBehindEveryLinkHeader) {
  const File packet = ip_packet("S", 1, 0, true);
  for (const Case& c : plain_cases()) {
    const File frame = c.before + packet;
    const Found found = find(c.type, frame);
    EXPECT_EQ(to_string(found.skip), to_string(Skip::none)) << c.name;
    EXPECT_EQ(found.packet, packet) << c.name;
    EXPECT_EQ(found.wire_size, packet.size()) << c.name;
    EXPECT_TRUE(link_type_is_known(c.type)) << c.name;
    for (std::size_t size = 0; size < c.before.size() + 20; ++size) {
      const Skip skip = find(c.type, frame, size).skip;
      EXPECT_TRUE(skip == Skip::cut || skip == Skip::not_ip) << c.name << " at " << size << ": " << to_string(skip);
    }
  }
  EXPECT_FALSE(link_type_is_known(9999));
  EXPECT_EQ(find(9999, packet).skip, Skip::unknown_link);
}

TEST(Decapsulate, FindsIpInEveryTunnel) {
  const File packet = ip_packet("S", 1, 0, true);
  for (const Tunnel& t : tunnels()) {
    const File frame = t.around(packet);
    const Found found = find(101, frame);
    EXPECT_EQ(to_string(found.skip), to_string(Skip::none)) << t.name;
    EXPECT_EQ(found.packet, packet) << t.name;
    EXPECT_NE(found.context, 0U) << t.name;
    for (std::size_t size = 0; size + packet.size() < frame.size() + 20; ++size) {
      EXPECT_NE(find(101, frame, size).skip, Skip::none) << t.name << " at " << size;
    }
  }
}

TEST(Decapsulate, FindsIpv6InItsTunnels) {
  const File packet = ip_packet("S", 1, 0, true, kEnds6);
  EXPECT_EQ(find(101, ipv4(41, packet)).packet, packet);   // 6in4
  EXPECT_EQ(find(101, ipv6(41, packet)).packet, packet);   // 6in6
  EXPECT_EQ(find(101, udp(3544, packet)).packet, packet);  // Teredo
  EXPECT_EQ(
      find(101, udp(3544, octets({0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6}) + packet)).packet,
      packet);
  EXPECT_EQ(find(1, ethernet(octets({0x86, 0xdd})) + packet).packet, packet);
  EXPECT_EQ(find(9, octets({0, 0x57}) + packet).packet, packet);
  EXPECT_EQ(find(107, octets({0x18, 0x41, 3, 0x8e}) + packet).packet, packet);
}

TEST(Decapsulate, SaysWhatItDoesNotRead) {
  const File packet = ip_packet("S", 1, 0, true);
  EXPECT_EQ(find(1, ethernet(octets({8, 6})) + File(28)).skip, Skip::not_ip);                  // ARP
  EXPECT_EQ(find(1, ethernet(octets({0x88, 0x63})) + File(28)).skip, Skip::not_ip);            // PPPoE discovery
  EXPECT_EQ(find(1, ethernet(octets({0, 60, 0x42, 0x42, 3})) + File(40)).skip, Skip::not_ip);  // spanning tree
  EXPECT_EQ(find(101, udp(53, File(40))).skip, Skip::not_tcp);
  EXPECT_EQ(find(101, ipv4(1, File(8))).skip, Skip::not_tcp);
  EXPECT_EQ(find(101, ipv4(50, File(40))).skip, Skip::encrypted);
  EXPECT_EQ(find(101, ipv6(50, File(40))).skip, Skip::encrypted);
  EXPECT_EQ(find(101, udp(4500, octets({0, 0, 0, 1}) + File(40))).skip, Skip::encrypted);
  EXPECT_EQ(find(9, octets({0, 0xfd}) + File(40)).skip, Skip::encrypted);
  EXPECT_EQ(find(105, octets({0x80, 0}) + File(40)).skip, Skip::not_ip);  // a beacon
  EXPECT_EQ(find(105, octets({8, 0x41}) + File(22) + kSnap + packet).skip, Skip::encrypted);
  EXPECT_EQ(find(105, octets({0x88, 1}) + File(22) + octets({0x80, 0}) + kSnap + packet).skip, Skip::aggregated);
  EXPECT_EQ(find(1, ethernet(octets({0x88, 0xe5, 0x2c}) + File(40))).skip, Skip::encrypted);
  EXPECT_EQ(find(101, octets({0x43}) + File(40)).skip, Skip::malformed);
  File nested = packet;
  for (int i = 0; i < 40; ++i) nested = ipv4(4, nested);
  EXPECT_EQ(find(101, nested).skip, Skip::too_deep);
}

TEST(Decapsulate, AUdpPortAloneMakesNoTunnel) {
  const File packet = ip_packet("S", 1, 0, true);
  File damaged = packet;
  damaged[10] ^= std::byte{1};  // the IPv4 header checksum
  for (const unsigned number : {4789U, 2152U, 6081U, 3544U, 1701U, 4341U, 6635U, 37008U}) {
    const auto port = static_cast<std::uint16_t>(number);
    EXPECT_EQ(find(101, udp(port, damaged)).skip, Skip::not_tcp) << port;
    EXPECT_EQ(find(101, udp(port, File(60, std::byte{0x45}))).skip, Skip::not_tcp) << port;
    EXPECT_EQ(find(101, udp(port, File(3))).skip, Skip::not_tcp) << port;
  }
  EXPECT_EQ(find(101, udp(2152, octets({0x30, 1, 0, 4, 0, 0, 0, 0}))).skip, Skip::not_tcp);  // an echo of GTP's own
}

TEST(Decapsulate, FollowsHeadersBeforeTcp) {
  const File packet = ip_packet("S", 1, 0, true);
  const File tcp(packet.begin() + 20, packet.end());
  const File authentication = octets({6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}) + File(12);
  // The judge is given a packet without it, with the same addresses.
  for (const File& with : {ipv4(51, authentication + tcp), ipv4(51, authentication + tcp, 0, octets({1, 1, 1, 0}))}) {
    const Found found = find(101, with);
    ASSERT_EQ(found.skip, Skip::none);
    ASSERT_EQ(found.packet.size(), packet.size());
    EXPECT_EQ(copy(part(found.packet, 20, tcp.size())), tcp);
    EXPECT_EQ(copy(part(found.packet, 12, 8)), copy(part(with, 12, 8)));
    EXPECT_EQ(internet_checksum(part(found.packet, 0, 20)), 0);
  }
  const File options = octets({60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0});  // hop-by-hop, destination
  EXPECT_EQ(find(101, ipv6(0, options + tcp)).skip, Skip::none);
  EXPECT_EQ(find(101, ipv6(51, authentication + tcp)).skip, Skip::none);
  EXPECT_EQ(find(101, ipv6(44, octets({6, 0, 0, 0, 0, 0, 0, 9}) + tcp)).skip, Skip::none);  // an atomic fragment
  EXPECT_EQ(find(101, ipv6(135, octets({6, 0, 0, 0, 0, 0, 0, 0}) + tcp)).skip, Skip::none);
  EXPECT_EQ(find(101, ipv6(59, {})).skip, Skip::not_tcp);
}

// The last address of a route is the destination that TCP knows.
TEST(Decapsulate, FollowsRoutes) {
  const File packet = ip_packet("S", 1, 0, true);
  const File tcp(packet.begin() + 20, packet.end());
  const File route = octets({131, 7, 4, 203, 0, 113, 9, 0});
  EXPECT_EQ(copy(part(find(101, ipv4(6, tcp, 0, route)).packet, 16, 4)), octets({203, 0, 113, 9}));
  const File last = copy(IpAddress::parse("2001:db8::99")->bytes());
  const File other = copy(IpAddress::parse("2001:db8::98")->bytes());
  const File type0 = octets({6, 4, 0, 1, 0, 0, 0, 0}) + other + last;
  EXPECT_EQ(copy(part(find(101, ipv6(43, type0 + tcp)).packet, 24, 16)), last);
  const File type4 = octets({6, 4, 4, 1, 1, 0, 0, 0}) + last + other;
  EXPECT_EQ(copy(part(find(101, ipv6(43, type4 + tcp)).packet, 24, 16)), last);
  const File arrived = octets({6, 4, 4, 0, 1, 0, 0, 0}) + last + other;
  EXPECT_EQ(copy(part(find(101, ipv6(43, arrived + tcp)).packet, 24, 16)),
            copy(IpAddress::parse("2001:db8::fe")->bytes()));
}

std::vector<File> pieces_v4(const File& packet, std::size_t size) {
  std::vector<File> pieces;
  for (std::size_t at = 20; at < packet.size(); at += size) {
    const std::size_t length = std::min(size, packet.size() - at);
    const bool more = at + length < packet.size();
    pieces.push_back(
        ipv4(6, copy(part(packet, at, length)), static_cast<std::uint16_t>((more ? 0x2000U : 0U) | ((at - 20) / 8))));
  }
  return pieces;
}

TEST(Fragments, AreJoinedInAnyOrder) {
  const File packet = ip_packet("A", 1, 2, true, {}, 200);
  std::vector<File> pieces = pieces_v4(packet, 64);
  ASSERT_EQ(pieces.size(), 4U);
  do {
    Decapsulator d;
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(find(d, 101, pieces[i]).skip, Skip::fragment);
    const Found whole = find(d, 101, pieces[3]);
    ASSERT_EQ(whole.skip, Skip::none);
    EXPECT_EQ(copy(part(whole.packet, 20, packet.size() - 20)), copy(part(packet, 20, packet.size() - 20)));
    EXPECT_EQ(d.reassembler().joined(), 4U);
  } while (std::next_permutation(pieces.begin(), pieces.end()));
}

TEST(Fragments, OfIpv6AreJoined) {
  const File packet = ip_packet("A", 1, 2, true, kEnds6, 200);
  const File tcp(packet.begin() + 40, packet.end());
  Decapsulator d;
  EXPECT_EQ(find(d, 101, ipv6(44, octets({6, 0, 0, 1, 0, 0, 0, 9}) + copy(part(tcp, 0, 96)))).skip, Skip::fragment);
  const Found whole = find(d, 101, ipv6(44, octets({6, 0, 0, 96, 0, 0, 0, 9}) + copy(part(tcp, 96, tcp.size() - 96))));
  ASSERT_EQ(whole.skip, Skip::none);
  EXPECT_EQ(copy(part(whole.packet, 40, tcp.size())), tcp);
}

TEST(Fragments, OfATunnelAreJoinedBeforeItIsOpened) {
  const File inner = ip_packet("A", 1, 2, true, {}, 200);
  const File outer = udp(4789, octets({8, 0, 0, 0, 0, 0, 42, 0}) + ethernet_ip(inner));
  Decapsulator d;
  const File first = ipv4(17, copy(part(outer, 20, 96)), 0x2000);
  const File last = ipv4(17, copy(part(outer, 116, outer.size() - 116)), 12);
  EXPECT_EQ(find(d, 101, first).skip, Skip::fragment);
  EXPECT_EQ(find(d, 101, last).packet, inner);
}

TEST(Fragments, CutByTheCaptureKeepTheirLength) {
  const File packet = ip_packet("A", 1, 2, true, {}, 200);
  const std::vector<File> pieces = pieces_v4(packet, 128);
  Decapsulator d;
  EXPECT_EQ(find(d, 101, pieces[0], 60).skip, Skip::fragment);
  const Found whole = find(d, 101, pieces[1], 60);
  ASSERT_EQ(whole.skip, Skip::none);
  EXPECT_EQ(whole.packet.size(), 20U + 40U);
  EXPECT_EQ(whole.wire_size, packet.size());
}

TEST(Fragments, ThatContradictEachOtherAreNotJudged) {
  const File packet = ip_packet("A", 1, 2, true, {}, 200);
  const std::vector<File> pieces = pieces_v4(packet, 128);
  Decapsulator repeated;
  find(repeated, 101, pieces[0]);
  find(repeated, 101, pieces[0]);  // the same once more
  EXPECT_EQ(find(repeated, 101, pieces[1]).skip, Skip::none);
  File other = pieces[0];
  other[60] ^= std::byte{1};
  Decapsulator contradicted;
  for (const File* piece : {&pieces[0], static_cast<const File*>(&other), &pieces[1]}) {
    EXPECT_EQ(find(contradicted, 101, *piece).skip, Skip::fragment);
  }
  Decapsulator overlapping;
  find(overlapping, 101, pieces[0]);
  find(overlapping, 101, ipv4(6, File(32), 0x2000 | 14));
  EXPECT_EQ(find(overlapping, 101, pieces[1]).skip, Skip::fragment);
  for (Decapsulator* d : {&contradicted, &overlapping}) {
    d->reassembler().finish();
    EXPECT_EQ(d->reassembler().lost(), 3U);
    EXPECT_EQ(d->reassembler().memory(), 0U);
  }
}

TEST(Fragments, AreForgottenInBoundedMemory) {
  Decapsulator d;
  const File big(65000 / 8 * 8);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    CapturedPacket packet;
    const File frame = ipv6(44, octets({6, 0, 0, 1}) + octets({0, 0, i >> 8, i & 0xff}) + copy(part(big, 0, 60000)));
    packet.link_type = 101;
    packet.bytes = frame;
    packet.wire_size = frame.size();
    packet.time = Instant(std::chrono::milliseconds(i));
    Decapsulated out;
    EXPECT_EQ(d.find(packet, out), Skip::fragment);
    ASSERT_LE(d.reassembler().memory(), Reassembler::kMostOctets + 70000);
  }
  EXPECT_GT(d.reassembler().lost(), 4000U);
  // A piece of a packet that began a minute ago does not complete it.
  Decapsulator patient;
  const std::vector<File> pieces = pieces_v4(ip_packet("A", 1, 2, true, {}, 200), 128);
  find(patient, 101, pieces[0]);
  CapturedPacket late;
  late.link_type = 101;
  late.bytes = pieces[1];
  late.wire_size = pieces[1].size();
  late.time = Instant(std::chrono::seconds(61));
  Decapsulated out;
  EXPECT_EQ(patient.find(late, out), Skip::fragment);
}

// What the report says, over a whole file.
TEST(Reading, CountsEveryPacketOnce) {
  const File packet = ip_packet("A", 1, 2, true, {}, 200);
  std::vector<File> frames = pieces_v4(packet, 64);
  frames.push_back(pieces_v4(ip_packet("A", 1, 2, true, {}, 200), 128)[0]);
  frames.push_back(udp(53, File(10)));
  frames.push_back(ipv4(50, File(10)));
  frames.push_back(octets({0}));
  const CheckReport r = check(pcap(frames));
  EXPECT_EQ(r.counts.packets, 8U);
  EXPECT_EQ(r.counts.segments, 1U);
  EXPECT_EQ(r.joined, 3U);
  EXPECT_EQ(skipped(r, Skip::fragment), 1U);
  EXPECT_EQ(skipped(r, Skip::not_tcp), 1U);
  EXPECT_EQ(skipped(r, Skip::encrypted), 1U);
  EXPECT_EQ(skipped(r, Skip::not_ip), 1U);
  expect_balance(r);
  ASSERT_EQ(notes(r).size(), 2U);
  EXPECT_EQ(notes(r)[0].rfind("4 packets not judged: 1 not IP, 1 not TCP, 1 encrypted", 0), 0U) << notes(r)[0];
}

File in_vlan(unsigned vlan, const File& packet) { return kMacs + octets({0x81, 0, 0, vlan, 8, 0}) + packet; }

std::vector<File> conversation(std::uint32_t iss, std::uint32_t irs, std::uint16_t id) {
  const auto ends = [&id] { return Ends{"192.0.2.1", "192.0.2.2", id++, 64}; };
  return {ip_packet("S", iss, 0, true, ends()), ip_packet("SA", irs, iss + 1, false, ends()),
          ip_packet("A", iss + 1, irs + 1, true, ends()), ip_packet("A", iss + 1, irs + 1, true, ends(), 10),
          ip_packet("A", irs + 1, iss + 11, false, ends())};
}

TEST(Contexts, TheSameAddressesInTwoVlansOrTunnelsAreTwoConnections) {
  const std::vector<File> one = conversation(1000, 5000, 1);
  const std::vector<File> two = conversation(77'000'000, 99'000'000, 100);
  for (const bool tunnel : {false, true}) {
    std::vector<File> frames;
    for (std::size_t i = 0; i < one.size(); ++i) {
      const auto wrap = [&](unsigned number, const File& p) {
        if (!tunnel) return in_vlan(number, p);
        return ethernet_ip(udp(4789, octets({8, 0, 0, 0, 0, 0, number, 0}) + ethernet_ip(p)));
      };
      frames.push_back(wrap(10, one[i]));
      frames.push_back(wrap(20, two[i]));
    }
    const CheckReport r = check(pcap(frames, {.link_type = 1}));
    EXPECT_EQ(r.counts.connections, 2U);
    EXPECT_EQ(r.counts.copies, 0U);
    EXPECT_EQ(r.counts.violations + r.counts.inconclusive, 0U);
  }
}

TEST(Contexts, DirectionsInTwoVlansAreOneConnection) {
  std::vector<File> frames;
  const std::vector<File> talk = conversation(1000, 5000, 1);
  for (std::size_t i = 0; i < talk.size(); ++i) frames.push_back(in_vlan(i == 1 || i == 4 ? 20 : 10, talk[i]));
  const CheckReport r = check(pcap(frames, {.link_type = 1}));
  EXPECT_EQ(r.counts.connections, 1U);
  EXPECT_EQ(r.counts.violations + r.counts.inconclusive, 0U);
}

TEST(Copies, TaggedAndUntaggedAreJudgedOnce) {
  std::vector<File> frames;
  for (const File& p : bad_handshake({"192.0.2.1", "192.0.2.2", 7, 64})) {
    frames.push_back(in_vlan(10, p));
    frames.push_back(ethernet_ip(p));
  }
  const CheckReport r = check(pcap(frames, {.link_type = 1}));
  EXPECT_EQ(r.counts.copies, 2U);
  EXPECT_EQ(r.counts.connections, 1U);
  expect_conviction(r);
}

TEST(Copies, OfTwoInterfacesWithSkewedClocksAreJudgedOnce) {
  std::vector<File> talk = conversation(1000, 5000, 1);
  File f;
  section_block(f, false);
  interface_block(f, 101, false);
  interface_block(f, 101, false);
  for (std::size_t i = 0; i < talk.size(); ++i) packet_block(f, 0, i * 1000, talk[i], false);
  for (std::size_t i = 0; i < talk.size(); ++i) packet_block(f, 1, i * 1000 + 100'000, talk[i], false);
  const CheckReport r = check(f);
  EXPECT_EQ(r.counts.copies, 5U);
  EXPECT_EQ(r.counts.connections, 1U);
  EXPECT_EQ(r.counts.violations + r.counts.inconclusive, 0U);
  expect_balance(r);
}

TEST(Copies, BehindARouterAreRecognised) {
  std::vector<File> frames;
  for (const File& p : bad_handshake({"192.0.2.1", "192.0.2.2", 7, 64})) {
    frames.push_back(ethernet_ip(p));
    frames.push_back(p);
    frames.back()[8] = std::byte{63};
    frames.back() = octets({2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 8, 0}) + frames.back();
  }
  const CheckReport r = check(pcap(frames, {.link_type = 1}));
  EXPECT_EQ(r.counts.copies, 2U);
  expect_conviction(r);
}

// Found by the campaign: captures of both ends, merged into one. Where the tap was cannot be said of those.
TEST(Copies, MuchLaterAtTheSamePointHideWhereTheTapWas) {
  for (const bool again : {true, false}) {
    std::vector<File> talk = conversation(1000, 5000, 1);
    File f;
    section_block(f, false);
    interface_block(f, 101, false);
    for (std::size_t i = 0; i < talk.size(); ++i) {
      packet_block(f, 0, i * 50'000, talk[i], false);
      if (again) packet_block(f, 0, i * 50'000 + 5'000, talk[i], false);
    }
    const CheckReport r = check(f);
    EXPECT_EQ(r.counts.copies, 0U);
    ASSERT_EQ(r.connections.size(), 1U);
    EXPECT_EQ(r.connections[0].report.tap.why == "packets were captured more than once", again)
        << r.connections[0].report.tap.why;
    EXPECT_EQ(r.counts.violations + r.counts.inconclusive, 0U);
  }
}

// Found by the campaign: the same far apart and without identifications. A SYN is not repeated so soon.
TEST(Copies, SynsThatComeAgainTooSoonHideWhereTheTapWas) {
  for (const unsigned later : {45'000U, 1'100'000U}) {
    std::vector<File> talk = conversation(1000, 5000, 1);
    File f;
    section_block(f, false);
    interface_block(f, 101, false);
    for (std::size_t i = 0; i < talk.size(); ++i) {
      talk[i][4] = talk[i][5] = std::byte{0};  // no identification
      packet_block(f, 0, i * 2'000'000, talk[i], false);
      if (i < 2) packet_block(f, 0, i * 2'000'000 + later, talk[i], false);
    }
    const CheckReport r = check(f);
    EXPECT_EQ(r.counts.copies, 0U);
    ASSERT_EQ(r.connections.size(), 1U);
    EXPECT_EQ(r.connections[0].report.tap.why == "packets were captured more than once", later == 45'000)
        << r.connections[0].report.tap.why;
  }
}

// Found by the campaign: the same, with connections of which hardly a packet is known to be there twice.
TEST(Copies, SeveralTapsAreThereInEveryConnection) {
  for (const unsigned connections : {2U, 3U}) {
    File f;
    section_block(f, false);
    interface_block(f, 1, false);
    for (unsigned vlan = 0; vlan < connections; ++vlan) {
      const std::vector<File> talk = conversation(1000 + vlan, 5000, 1);
      for (std::size_t i = 0; i < talk.size(); ++i) {
        packet_block(f, 0, i * 50'000, in_vlan(10 + vlan, talk[i]), false);
        if (i == 3) packet_block(f, 0, i * 50'000 + 5'000, in_vlan(10 + vlan, talk[i]), false);
      }
    }
    const CheckReport r = check(f);
    ASSERT_EQ(r.connections.size(), connections);
    for (const auto& c : r.connections) {
      EXPECT_EQ(c.report.tap.why == "packets were captured more than once", connections == 3) << c.report.tap.why;
    }
  }
}

// Found by the campaign: the path doubled a segment and damaged one of the two.
TEST(Copies, OneOfThemDamagedAccusesNobody) {
  for (const bool copied : {true, false}) {
    std::vector<File> talk = conversation(1000, 5000, 1);
    File damaged = talk[3];
    damaged[20 + 16] ^= std::byte{0x40};
    if (copied) {
      talk.insert(talk.begin() + 3, damaged);
    } else {
      talk[3] = damaged;
    }
    const CheckReport r = check(pcap(talk));
    std::string said;
    for (const Finding& f : r.findings) said += to_string(f) + "\n";
    EXPECT_EQ(said.find("violated MUST checksum") == std::string::npos, copied) << said;
    EXPECT_EQ(r.counts.copies, copied ? 1U : 0U);
  }
}

// Three equal acknowledgements at one tap are what a receiver sends when data is missing; with one identification, they
// are one packet that a mirror port showed again.
TEST(Copies, AreToldFromRepeatedAcknowledgements) {
  std::vector<File> talk = conversation(1000, 5000, 1);
  for (int i = 0; i < 3; ++i) talk.push_back(ip_packet("A", 5001, 1011, false));
  EXPECT_EQ(check(pcap(talk)).counts.copies, 0U);
  for (int i = 0; i < 3; ++i) talk.push_back(ip_packet("A", 5001, 1011, false, {"192.0.2.1", "192.0.2.2", 77, 64}));
  EXPECT_EQ(check(pcap(talk)).counts.copies, 2U);
}

}  // namespace
}  // namespace lastack
