// Reading captures: formats and byte orders, several interfaces, damage of every kind at every place. Files are written
// to the test's own temporary directory.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <random>
#include <vector>

#include "conformance/trace/check.h"
#include "conformance/trace/link_layer.h"
#include "stack/wire/segment.h"

namespace lastack {
namespace {

using File = std::vector<std::byte>;

void put(File& f, std::uint64_t value, std::size_t size, bool big) {
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t shift = 8 * (big ? size - 1 - i : i);
    f.push_back(static_cast<std::byte>((value >> shift) & 0xffU));
  }
}
void put(File& f, const File& more) { f.insert(f.end(), more.begin(), more.end()); }

File ip_packet(const char* flags, std::uint32_t seq, std::uint32_t ack, bool from_a) {
  IpHeader ip;
  ip.src = *IpAddress::parse(from_a ? "192.0.2.1" : "192.0.2.2");
  ip.dst = *IpAddress::parse(from_a ? "192.0.2.2" : "192.0.2.1");
  Segment s;
  s.src_port = from_a ? 4000 : 80;
  s.dst_port = from_a ? 80 : 4000;
  s.seq = SeqNum(seq);
  s.ack = SeqNum(ack);
  for (const char* c = flags; *c != 0; ++c)
    s.flags = s.flags | (*c == 'S' ? kSyn : *c == 'A' ? kAck : *c == 'F' ? kFin : kRst);
  s.wnd = 1000;
  File out(100);
  out.resize(write_packet(out, ip, s));
  return out;
}

// SYN, SYN-ACK whose ACK is wrong, over raw IP.
std::vector<File> bad_handshake() { return {ip_packet("S", 100, 0, true), ip_packet("SA", 300, 999, false)}; }

File pcap(const std::vector<File>& packets, bool big, std::uint32_t magic, std::uint32_t link_type = 101) {
  File f;
  put(f, magic, 4, big);
  put(f, 2, 2, big);
  put(f, 4, 2, big);
  put(f, 0, 8, big);
  put(f, 65535, 4, big);
  put(f, link_type, 4, big);
  for (const File& p : packets) {
    put(f, 1, 4, big);
    put(f, 0, 4, big);
    put(f, p.size(), 4, big);
    put(f, p.size(), 4, big);
    put(f, p);
  }
  return f;
}

void block(File& f, std::uint32_t type, File body, bool big) {
  while (body.size() % 4 != 0) body.push_back(std::byte{0});
  put(f, type, 4, big);
  put(f, body.size() + 12, 4, big);
  put(f, body);
  put(f, body.size() + 12, 4, big);
}

// Two interfaces with different link types; the first packet comes by Ethernet, the second by raw IP.
File pcapng(bool big) {
  File f;
  File section;
  put(section, 0x1A2B3C4D, 4, big);
  put(section, 1, 2, big);
  put(section, 0, 2, big);
  put(section, ~std::uint64_t{0}, 8, big);
  block(f, 0x0A0D0D0A, section, big);
  for (const std::uint32_t link : {1U, 101U}) {
    File interface;
    put(interface, link, 2, big);
    put(interface, 0, 2, big);
    put(interface, 0, 4, big);
    block(f, 1, interface, big);
  }
  const auto packets = bad_handshake();
  for (std::uint32_t i = 0; i < 2; ++i) {
    File frame;
    if (i == 0) {
      frame.resize(12);
      put(frame, 0x8100, 2, true);
      put(frame, 7, 2, true);
      put(frame, 0x0800, 2, true);
    }
    put(frame, packets[i]);
    File body;
    put(body, i, 4, big);
    put(body, 0, 4, big);
    put(body, 1'000'000 + i, 4, big);
    put(body, frame.size(), 4, big);
    put(body, frame.size(), 4, big);
    put(body, frame);
    block(f, 6, body, big);
  }
  return f;
}

CheckReport check(const File& bytes) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("lastack-trace-" + std::to_string(getpid()))).string();
  std::FILE* out = std::fopen(path.c_str(), "wb");
  if (!bytes.empty()) {
    EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), out), bytes.size());
  }
  std::fclose(out);
  CheckReport report = check_file(path);
  std::filesystem::remove(path);
  return report;
}

void expect_conviction(const CheckReport& r) {
  EXPECT_FALSE(r.error);
  ASSERT_EQ(r.findings.size(), 1U);
  EXPECT_STREQ(r.findings[0].rule->id, "syn-ack-number");
  EXPECT_EQ(r.findings[0].packet, 2U);
  EXPECT_EQ(r.findings[0].expected, "ACK=101");
  EXPECT_EQ(r.findings[0].actual, "ACK=999");
}

TEST(Trace, ReadsPcapInEveryForm) {
  for (const bool big : {false, true}) {
    expect_conviction(check(pcap(bad_handshake(), big, 0xa1b2c3d4)));
    expect_conviction(check(pcap(bad_handshake(), big, 0xa1b23c4d)));
  }
}

TEST(Trace, ReadsPcapngWithInterfacesOfDifferentLinkTypes) {
  expect_conviction(check(pcapng(false)));
  expect_conviction(check(pcapng(true)));
}

TEST(Trace, SaysWhatIsWrongWithAFileThatIsNoCapture) {
  EXPECT_TRUE(check({}).unreadable);
  EXPECT_EQ(check({}).error->text, "the file is empty");
  const CheckReport text = check(File(100, std::byte{'x'}));
  EXPECT_TRUE(text.unreadable);
  EXPECT_NE(text.error->text.find("not a capture"), std::string::npos);
  EXPECT_TRUE(check_file("/nonexistent").unreadable);
}

TEST(Trace, JudgesWhatStandsBeforeTheEndOfATruncatedFile) {
  File whole = pcap(bad_handshake(), false, 0xa1b2c3d4);
  const std::size_t good = whole.size();
  const File third = pcap({ip_packet("A", 101, 301, true)}, false, 0xa1b2c3d4);
  whole.insert(whole.end(), third.begin() + 24, third.begin() + 24 + 20);  // its record header and four octets
  const CheckReport r = check(whole);
  ASSERT_TRUE(r.error);
  EXPECT_FALSE(r.unreadable);
  EXPECT_EQ(r.error->packet, 3U);
  EXPECT_EQ(r.error->offset, good);
  EXPECT_EQ(r.findings.size(), 1U);
}

TEST(Trace, SurvivesEveryTruncation) {
  for (const File& whole : {pcap(bad_handshake(), false, 0xa1b2c3d4), pcapng(false)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const CheckReport r = check(File(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
      EXPECT_LE(r.counts.packets, 2U);
      EXPECT_EQ(to_json(r).front(), '{');
    }
  }
}

TEST(Trace, SurvivesDamage) {
  std::mt19937 random(7);
  for (const File& whole : {pcap(bad_handshake(), false, 0xa1b2c3d4), pcapng(false), pcapng(true)}) {
    for (int round = 0; round < 1000; ++round) {
      File damaged = whole;
      for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<std::byte>(random());
      EXPECT_LE(check(damaged).counts.packets, 100U);
    }
  }
}

struct LinkCase {
  std::uint32_t type;
  std::vector<unsigned> header;
};

TEST(LinkLayer, FindsIpBehindEveryKnownHeader) {
  const std::vector<LinkCase> cases = {
      {0, {2, 0, 0, 0}},
      {108, {0, 0, 0, 2}},
      {101, {}},
      {12, {}},
      {228, {}},
      {1, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0}},
      {1, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0}},      // QinQ
      {1, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0x47, 0, 0, 0, 64, 0, 0, 0x11, 64}},    // MPLS, two labels
      {1, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0x64, 0x11, 0, 0, 1, 0, 42, 0, 0x21}},  // PPPoE
      {113, {0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0}},
      {276, {8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0}},
      {9, {0, 0x21}},
      {50, {0xff, 3, 0, 0x21}},
      {104, {0x0f, 0, 8, 0}}};
  for (const LinkCase& c : cases) {
    File frame;
    for (const unsigned octet : c.header) frame.push_back(static_cast<std::byte>(octet));
    put(frame, ip_packet("S", 1, 0, true));
    const LinkPayload found = find_ip(c.type, frame);
    EXPECT_TRUE(found.is_ip) << c.type;
    EXPECT_EQ(found.offset, c.header.size()) << c.type;
    for (std::size_t size = 0; size <= c.header.size(); ++size) find_ip(c.type, Bytes(frame).first(size));
  }
  EXPECT_FALSE(link_type_is_known(9999));
  EXPECT_FALSE(find_ip(1, File(14)).is_ip);
}

}  // namespace
}  // namespace lastack
