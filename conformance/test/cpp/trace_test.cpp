// Reading captures: formats and byte orders, several interfaces, damage of every kind at every place. Files are written
// to the test's own temporary directory.
#include <zlib.h>

#include <algorithm>
#include <random>

#include "conformance/test/cpp/trace_bytes.h"

namespace lastack {
namespace {

using namespace test;

// Two interfaces with different link types; the first packet comes by Ethernet, the second by raw IP.
File pcapng(bool big) {
  File f;
  section_block(f, big);
  interface_block(f, 1, big);
  interface_block(f, 101, big);
  const auto packets = bad_handshake();
  packet_block(f, 0, 1'000'000, octets({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0}) + packets[0], big);
  packet_block(f, 1, 1'000'001, packets[1], big);
  return f;
}

TEST(Trace, ReadsPcapInEveryForm) {
  for (const bool big : {false, true}) {
    for (const std::uint32_t magic : {0xa1b2c3d4U, 0xa1b23c4dU, 0xa1b2cd34U}) {
      expect_conviction(check(pcap(bad_handshake(), {big, magic})));
    }
  }
  expect_conviction(check(pcap(bad_handshake(), {.minor = 2})));  // the two lengths the other way round
}

TEST(Trace, TakesTheFrameCheckSequenceOff) {
  // Bit 26 says that there is one, the upper four its length in pairs of octets.
  const std::uint32_t four_octets = 0x2400'0000U | 1U;
  std::vector<File> frames;
  for (File packet : bad_handshake()) {
    packet[2] = packet[3] = std::byte{0};  // IP length 0: everything to the end belongs to the segment
    frames.push_back(octets({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0}) + packet + octets({1, 2, 3, 4}));
  }
  expect_conviction(check(pcap(frames, {.link_type = four_octets})));
  // pcapng: if_fcslen, and epb_flags that know better.
  for (const bool by_packet : {false, true}) {
    File f;
    section_block(f, false);
    File interface_options;
    option(interface_options, 13, octets({by_packet ? 2U : 4U}), false);
    interface_block(f, 1, false, interface_options);
    File flags;
    option(flags, 2, octets({4 << 5, 0, 0, 0}), false);
    for (const File& frame : frames) packet_block(f, 0, 1, frame, false, by_packet ? flags : File{});
    expect_conviction(check(f));
  }
}

TEST(Trace, ReadsPcapngWithInterfacesOfDifferentLinkTypes) {
  expect_conviction(check(pcapng(false)));
  expect_conviction(check(pcapng(true)));
  EXPECT_EQ(check(pcapng(true)).findings[0].packet, 2U);
}

TEST(Trace, ReadsSectionsInBothByteOrders) {
  File f;
  section_block(f, true);
  block(f, 4, File(64), true);       // names: passed over
  block(f, 0x0bad, File(64), true);  // unknown
  interface_block(f, 101, true);
  packet_block(f, 0, 1, bad_handshake()[0], true);
  section_block(f, false);
  interface_block(f, 101, false);
  packet_block(f, 0, 2, bad_handshake()[1], false);
  expect_conviction(check(f));
}

TEST(Trace, ReadsPacketBlocksWithoutInterfaceOrTime) {
  File f;
  section_block(f, false);
  interface_block(f, 101, false);
  File obsolete;
  put(obsolete, 0, 2, false);
  put(obsolete, 7, 2, false);  // packets lost before this one
  put(obsolete, 0, 4, false);
  put(obsolete, 5, 4, false);
  const File first = bad_handshake()[0];
  put(obsolete, first.size(), 4, false);
  put(obsolete, first.size(), 4, false);
  put(obsolete, first);
  block(f, 2, obsolete, false);
  File simple;
  const File second = bad_handshake()[1];
  put(simple, second.size(), 4, false);
  put(simple, second);
  block(f, 3, simple, false);
  const CheckReport r = check(f);
  EXPECT_EQ(r.lost, 7U);
  expect_conviction(r);  // a rule about the segments themselves does not depend on what is missing
}

std::int64_t seconds_of(unsigned resolution, std::int64_t offset, std::uint64_t ticks) {
  File f;
  section_block(f, false);
  File options;
  option(options, 9, octets({resolution}), false);
  File value;
  put(value, static_cast<std::uint64_t>(offset), 8, false);
  option(options, 14, value, false);
  interface_block(f, 101, false, options);
  packet_block(f, 0, ticks, bad_handshake()[0], false);
  const CheckReport r = check(f);
  if (r.connections.empty()) return -1;
  return std::chrono::duration_cast<std::chrono::seconds>(r.connections[0].report.first_time.time_since_epoch())
      .count();
}

TEST(Trace, ReadsTimesOfEveryResolution) {
  EXPECT_EQ(seconds_of(6, 0, 5'000'000), 5);
  EXPECT_EQ(seconds_of(9, 0, 5'000'000'000), 5);
  EXPECT_EQ(seconds_of(0, 0, 5), 5);
  EXPECT_EQ(seconds_of(3, 100, 5'000), 105);
  EXPECT_EQ(seconds_of(3, -3, 5'000), 2);
  EXPECT_EQ(seconds_of(3, -30, 5'000), 0);  // before 1970
  EXPECT_EQ(seconds_of(0x80 | 20, 0, 5 << 20), 5);
  EXPECT_EQ(seconds_of(0x80 | 63, 0, 3ULL << 62), 1);
  EXPECT_EQ(seconds_of(19, 0, 15'000'000'000'000'000'000ULL), 1);
  EXPECT_EQ(seconds_of(127, 0, 5), 0);
  EXPECT_EQ(seconds_of(0xff, 7, 5), 7);
  EXPECT_EQ(seconds_of(0, INT64_MAX, UINT64_MAX), 7'258'118'400);  // after 2200
}

// A SYN-ACK that is right, data, and an acknowledgement of more than was sent, contradicted at once: class P.
File acknowledged_too_much(const File& packet_options, bool with_statistics, std::uint64_t dropped) {
  const std::vector<File> packets = {
      ip_packet("S", 100, 0, true),     ip_packet("SA", 300, 101, false),       ip_packet("A", 101, 301, true, {}, 10),
      ip_packet("A", 301, 5111, false), ip_packet("A", 111, 301, true, {}, 10), ip_packet("A", 301, 121, false),
      ip_packet("FA", 121, 301, true),  ip_packet("FA", 301, 122, false),       ip_packet("A", 122, 302, true)};
  File f;
  section_block(f, false);
  interface_block(f, 101, false);
  std::uint64_t at = 0;
  for (const File& p : packets) {
    packet_block(f, 0, at * 1000, p, false, at == 3 ? packet_options : File{});
    ++at;
  }
  if (with_statistics) {
    File body;
    put(body, 0, 12, false);
    File value;
    put(value, dropped, 8, false);
    option(body, 5, value, false);
    block(f, 5, body, false);
  }
  return f;
}

TEST(Trace, LossesThatTheCaptureAdmitsLeaveAccusationsOpen) {
  const CheckReport complete = check(acknowledged_too_much({}, true, 0));
  EXPECT_EQ(complete.counts.violations, 1U);
  EXPECT_EQ(complete.lost, 0U);
  const CheckReport by_interface = check(acknowledged_too_much({}, true, 5));
  EXPECT_EQ(by_interface.lost, 5U);
  EXPECT_EQ(by_interface.counts.violations, 0U);
  EXPECT_GE(by_interface.counts.inconclusive, 1U);
  ASSERT_FALSE(notes(by_interface).empty());
  EXPECT_NE(notes(by_interface)[0].find("lost 5 packets"), std::string::npos);
  File dropcount;
  File value;
  put(value, 2, 8, false);
  option(dropcount, 4, value, false);
  const CheckReport by_packet = check(acknowledged_too_much(dropcount, false, 0));
  EXPECT_EQ(by_packet.lost, 2U);
  EXPECT_EQ(by_packet.counts.violations, 0U);
}

File gzipped(const File& plain) {
  File packed(compressBound(plain.size()) + 100);
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  File input = plain;
  stream.next_in = static_cast<Bytef*>(static_cast<void*>(input.data()));
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = static_cast<Bytef*>(static_cast<void*>(packed.data()));
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST(Trace, ReadsGzipInOneOrSeveralMembers) {
  const File whole = pcap(bad_handshake());
  const CheckReport r = check(gzipped(whole));
  expect_conviction(r);
  EXPECT_EQ(r.compression, "gzip");
  const std::size_t half = whole.size() / 2;
  expect_conviction(check(gzipped(copy(part(whole, 0, half))) + gzipped(copy(part(whole, half, whole.size() - half)))));
  File cut = gzipped(whole);
  cut.resize(cut.size() - 12);
  const CheckReport early = check(cut);
  ASSERT_TRUE(early.error);
  EXPECT_NE(early.error->text.find("gzip data ends too early"), std::string::npos) << early.error->text;
}

void append_le(File& file, std::uint32_t value, int octets) {
  for (int i = 0; i < octets; ++i) file.push_back(static_cast<std::byte>(value >> (8 * i)));
}

// A frame of stored blocks: header, then for each block its size in the format's way, and what ends the frame.
File stored(const File& file, File frame, std::size_t block, bool zstd) {
  for (std::size_t at = 0; at < file.size(); at += block) {
    const std::size_t size = std::min(block, file.size() - at);
    const bool last = at + size == file.size();
    if (zstd) {
      append_le(frame, static_cast<std::uint32_t>(size << 3U | (last ? 1U : 0U)), 3);
    } else {
      append_le(frame, static_cast<std::uint32_t>(size | 0x80000000U), 4);
    }
    frame.insert(frame.end(), file.begin() + static_cast<long>(at), file.begin() + static_cast<long>(at + size));
  }
  if (!zstd) append_le(frame, 0, 4);
  return frame;
}

// RFC 8878 3.1.1 and the LZ4 frame format 1.6.1, both without checksums: no library is needed to write them.
File zstd_of(const File& file) { return stored(file, octets({0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58}), 100, true); }
File lz4_of(const File& file) { return stored(file, octets({0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82}), 100, false); }

void expect_compressed(const char* name, File (*pack)(const File&)) {
  const File whole = pcap(bad_handshake());
  const CheckReport r = check(pack(whole));
  if (r.unreadable && r.error->text.find("; try: ") != std::string::npos) {
    GTEST_SKIP() << "built without " << name << ": " << r.error->text;
  }
  expect_conviction(r);
  EXPECT_EQ(r.compression, name);
  const std::size_t half = whole.size() / 2;
  const File first = copy(part(whole, 0, half)), second = copy(part(whole, half, whole.size() - half));
  expect_conviction(check(pack(first) + pack(second)));
  File cut = pack(whole);
  cut.resize(cut.size() - 12);
  const CheckReport early = check(cut);
  ASSERT_TRUE(early.error);
  EXPECT_NE(early.error->text.find(std::string(name) + " data ends too early"), std::string::npos) << early.error->text;
  File damaged = pack(whole);
  damaged[6] = damaged[7] = damaged[8] = std::byte{0xff};
  ASSERT_TRUE(check(damaged).error);
  EXPECT_NE(check(damaged).error->text.find("damaged"), std::string::npos) << check(damaged).error->text;
}

TEST(Trace, ReadsZstdInOneOrSeveralFrames) { expect_compressed("zstd", zstd_of); }
TEST(Trace, ReadsLz4InOneOrSeveralFrames) { expect_compressed("lz4", lz4_of); }

// Made with the zstd and lz4 tools from the bytes "not a capture", so that no library is needed here.
TEST(Trace, RecognisesOtherCompressions) {
  const File xz = octets({0xfd, '7', 'z', 'X', 'Z', 0, 0, 0});
  EXPECT_TRUE(check(xz).unreadable);
  EXPECT_NE(check(xz).error->text.find("xz -dc FILE"), std::string::npos);
  const File zstd = octets({0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x69, 0x00, 0x00, 'n',  'o',  't',  ' ',
                            'a',  ' ',  'c',  'a',  'p',  't',  'u',  'r',  'e',  0x2b, 0xe4, 0xa3, 0x93});
  EXPECT_TRUE(check(zstd).unreadable);
  EXPECT_TRUE(check(octets({0x04, 0x22, 0x4d, 0x18, 0x64, 0x40, 0xa7, 0})).unreadable);
}

TEST(Trace, SaysWhatIsWrongWithAFileThatIsNoCapture) {
  EXPECT_TRUE(check({}).unreadable);
  EXPECT_EQ(check({}).error->text, "the file is empty");
  const CheckReport text = check(File(100, std::byte{'x'}));
  EXPECT_TRUE(text.unreadable);
  EXPECT_NE(text.error->text.find("not a capture"), std::string::npos);
  EXPECT_TRUE(check_file("/nonexistent").unreadable);
  EXPECT_NE(check(octets({'s', 'n', 'o', 'o', 'p', 0, 0, 0})).error->text.find("editcap"), std::string::npos);
}

TEST(Trace, StopsWhereZerosStandInsteadOfPackets) {
  const File good = pcap(bad_handshake());
  const CheckReport r = check(good + File(100'000));
  ASSERT_TRUE(r.error);
  EXPECT_NE(r.error->text.find("zeros"), std::string::npos);
  EXPECT_EQ(r.error->offset, good.size());
  EXPECT_EQ(r.error->packet, 3U);
  EXPECT_EQ(r.findings.size(), 1U);
}

TEST(Trace, SaysHowOftenTimeRunsBackwards) {
  File f = pcap_header({});
  pcap_record(f, bad_handshake()[0], {}, 10);
  pcap_record(f, bad_handshake()[1], {}, 9);
  const CheckReport r = check(f);
  EXPECT_EQ(r.backwards, 1U);
  EXPECT_EQ(r.first_backwards, 2U);
  expect_conviction(r);
}

TEST(Trace, SaysHowManyConnectionsItLetGo) {
  File f = pcap_header({});
  for (const char* address : {"192.0.2.10", "192.0.2.11", "192.0.2.12"}) {
    Ends ends;
    ends.a = address;
    pcap_record(f, ip_packet("S", 100, 0, true, ends), {}, 1);
  }
  const auto at_most = [](std::size_t connections) {
    CheckOptions options;
    options.max_connections = connections;
    return options;
  };
  EXPECT_TRUE(notes(check(f, at_most(3))).empty());
  const CheckReport r = check(f, at_most(2));
  EXPECT_EQ(r.counts.let_go, 1U);
  ASSERT_EQ(notes(r).size(), 1U);
  EXPECT_EQ(notes(r)[0].rfind("1 connection was let go", 0), 0U) << notes(r)[0];
}

TEST(Trace, JudgesWhatStandsBeforeTheEndOfATruncatedFile) {
  File whole = pcap(bad_handshake());
  const std::size_t good = whole.size();
  const File third = pcap({ip_packet("A", 101, 301, true)});
  whole.insert(whole.end(), third.begin() + 24, third.begin() + 24 + 20);  // its record header and four octets
  const CheckReport r = check(whole);
  ASSERT_TRUE(r.error);
  EXPECT_FALSE(r.unreadable);
  EXPECT_EQ(r.error->packet, 3U);
  EXPECT_EQ(r.error->offset, good);
  EXPECT_EQ(r.findings.size(), 1U);
}

TEST(Trace, SurvivesEveryTruncation) {
  for (const File& whole : {pcap(bad_handshake()), pcapng(false)}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const CheckReport r = check(File(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
      EXPECT_LE(r.counts.packets, 2U);
      EXPECT_EQ(to_json(r).front(), '{');
    }
  }
}

TEST(Trace, SurvivesDamage) {
  std::mt19937 random(7);
  for (const File& whole : {pcap(bad_handshake()), pcapng(false), pcapng(true)}) {
    for (int round = 0; round < 1000; ++round) {
      File damaged = whole;
      for (int i = 0; i < 3; ++i) damaged[random() % damaged.size()] = static_cast<std::byte>(random());
      EXPECT_LE(check(damaged).counts.packets, 100U);
    }
  }
}

}  // namespace
}  // namespace lastack
