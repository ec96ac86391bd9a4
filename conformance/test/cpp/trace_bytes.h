// Captures for the tests of reading, made octet by octet: packets, pcap files, pcapng blocks.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "conformance/trace/check.h"
#include "stack/wire/segment.h"

namespace lastack::test {

using File = std::vector<std::byte>;

inline void put(File& f, std::uint64_t value, std::size_t size, bool big = true) {
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t shift = 8 * (big ? size - 1 - i : i);
    f.push_back(static_cast<std::byte>(shift < 64 ? (value >> shift) & 0xffU : 0U));
  }
}
inline void put(File& f, const File& more) { f.insert(f.end(), more.begin(), more.end()); }

inline File octets(const std::vector<unsigned>& values) {
  File f;
  for (const unsigned v : values) put(f, v, 1);
  return f;
}
inline File operator+(File a, const File& b) {
  put(a, b);
  return a;
}
inline Bytes part(const File& f, std::size_t from, std::size_t size) { return Bytes(f).subspan(from, size); }
inline File copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

struct Ends {
  const char* a = "192.0.2.1";
  const char* b = "192.0.2.2";
  std::uint16_t id = 0;
  std::uint8_t hop_limit = 64;
};
inline constexpr Ends kEnds6{"2001:db8::1", "2001:db8::2", 0, 64};

// From a (port 4000) to b (port 80), or back. Flags: S, A, F, R.
inline File ip_packet(const char* flags, std::uint32_t seq, std::uint32_t ack, bool from_a, const Ends& ends = {},
                      std::size_t text = 0) {
  IpHeader ip;
  ip.src = *IpAddress::parse(from_a ? ends.a : ends.b);
  ip.dst = *IpAddress::parse(from_a ? ends.b : ends.a);
  ip.id = ends.id;
  ip.hop_limit = ends.hop_limit;
  Segment s;
  s.src_port = from_a ? 4000 : 80;
  s.dst_port = from_a ? 80 : 4000;
  s.seq = SeqNum(seq);
  s.ack = SeqNum(ack);
  for (const char* c = flags; *c != 0; ++c)
    s.flags = s.flags | (*c == 'S' ? kSyn : *c == 'A' ? kAck : *c == 'F' ? kFin : kRst);
  s.wnd = 1000;
  const File payload(text, std::byte{'x'});
  s.payload = payload;
  File out(100 + text);
  out.resize(write_packet(out, ip, s));
  return out;
}

// SYN, SYN-ACK whose ACK is wrong.
inline std::vector<File> bad_handshake(const Ends& ends = {}) {
  return {ip_packet("S", 100, 0, true, ends), ip_packet("SA", 300, 999, false, ends)};
}

struct PcapForm {
  bool big = false;
  std::uint32_t magic = 0xa1b2c3d4;
  std::uint32_t link_type = 101;
  std::uint16_t minor = 4;
};

inline void pcap_record(File& f, const File& packet, const PcapForm& form, std::uint32_t seconds = 1,
                        std::uint32_t fraction = 0, std::size_t wire = 0) {
  put(f, seconds, 4, form.big);
  put(f, fraction, 4, form.big);
  const std::size_t whole = wire == 0 ? packet.size() : wire;
  put(f, form.minor < 3 ? whole : packet.size(), 4, form.big);
  put(f, form.minor < 3 ? packet.size() : whole, 4, form.big);
  if (form.magic == 0xa1b2cd34) put(f, 0, 8, form.big);
  put(f, packet);
}

inline File pcap_header(const PcapForm& form) {
  File f;
  put(f, form.magic, 4, form.big);
  put(f, 2, 2, form.big);
  put(f, form.minor, 2, form.big);
  put(f, 0, 8, form.big);
  put(f, 65535, 4, form.big);
  put(f, form.link_type, 4, form.big);
  return f;
}

inline File pcap(const std::vector<File>& packets, const PcapForm& form = {}) {
  File f = pcap_header(form);
  std::uint32_t at = 0;
  for (const File& p : packets) pcap_record(f, p, form, 1, at++);
  return f;
}

inline void block(File& f, std::uint32_t type, File body, bool big) {
  while (body.size() % 4 != 0) body.push_back(std::byte{0});
  put(f, type, 4, big);
  put(f, body.size() + 12, 4, big);
  put(f, body);
  put(f, body.size() + 12, 4, big);
}

inline void section_block(File& f, bool big) {
  File section;
  put(section, 0x1A2B3C4D, 4, big);
  put(section, 1, 2, big);
  put(section, 0, 2, big);
  put(section, ~std::uint64_t{0}, 8, big);
  block(f, 0x0A0D0D0A, section, big);
}

inline void option(File& f, unsigned code, const File& value, bool big) {
  put(f, code, 2, big);
  put(f, value.size(), 2, big);
  put(f, value);
  while (f.size() % 4 != 0) f.push_back(std::byte{0});
}

inline void interface_block(File& f, std::uint32_t link_type, bool big, const File& options = {}) {
  File interface;
  put(interface, link_type, 2, big);
  put(interface, 0, 2, big);
  put(interface, 0, 4, big);
  put(interface, options);
  block(f, 1, interface, big);
}

inline void packet_block(File& f, std::uint32_t interface, std::uint64_t ticks, const File& frame, bool big,
                         const File& options = {}) {
  File body;
  put(body, interface, 4, big);
  put(body, ticks >> 32, 4, big);
  put(body, ticks & 0xffff'ffffU, 4, big);
  put(body, frame.size(), 4, big);
  put(body, frame.size(), 4, big);
  put(body, frame);
  while (body.size() % 4 != 0) body.push_back(std::byte{0});
  put(body, options);
  block(f, 6, body, big);
}

// The report on a file with these octets.
inline CheckReport check(const File& bytes, const CheckOptions& options = {}) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("lastack-trace-" + std::to_string(getpid()))).string();
  std::FILE* out = std::fopen(path.c_str(), "wb");
  if (!bytes.empty()) {
    EXPECT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), out), bytes.size());
  }
  std::fclose(out);
  CheckReport report = check_file(path, options);
  std::filesystem::remove(path);
  return report;
}

inline std::uint64_t skipped(const CheckReport& r, Skip reason) { return r.skips[static_cast<std::size_t>(reason)]; }

// Every packet is accounted for.
inline void expect_balance(const CheckReport& r) {
  EXPECT_EQ(r.counts.packets, r.counts.segments + r.counts.copies + r.joined + r.counts.skipped);
}

inline void expect_conviction(const CheckReport& r) {
  EXPECT_FALSE(r.error);
  expect_balance(r);
  ASSERT_EQ(r.findings.size(), 1U);
  EXPECT_STREQ(r.findings[0].rule->id, "syn-ack-number");
  EXPECT_EQ(r.findings[0].expected, "ACK=101");
  EXPECT_EQ(r.findings[0].actual, "ACK=999");
}

}  // namespace lastack::test
