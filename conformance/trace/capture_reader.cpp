// Recognising the format, and pcap itself. pcapng is in pcapng_reader.cpp.
#include "conformance/trace/capture_reader.h"

#include <algorithm>
#include <utility>

#include "conformance/trace/pcapng_format.h"

namespace lastack {

namespace {

constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d, kModified = 0xa1b2cd34;
constexpr std::size_t kFileHeader = 24;

struct OtherFormat {
  const char* begins;
  const char* name;
};

// Formats of other tools that one meets under the same file names.
const char* other_format(Bytes head) {
  static constexpr OtherFormat kOthers[] = {{"snoop", "snoop"},
                                            {"GMBU", "Microsoft Network Monitor"},
                                            {"RTSS", "Microsoft Network Monitor"},
                                            {"TRSNIFF data", "Sniffer"},
                                            {"XCP", "NetXRay"},
                                            {"iptrace", "iptrace"}};
  for (const OtherFormat& other : kOthers) {
    const std::size_t size = std::strlen(other.begins);
    if (head.size() >= size && std::memcmp(head.data(), other.begins, size) == 0) return other.name;
  }
  return nullptr;
}

}  // namespace

Instant clamped_instant(std::int64_t seconds, std::int64_t nanoseconds) {
  // Times before 1970 or after 2200 are damage; they are clamped so that no sum overflows.
  constexpr std::int64_t kLatest = 7'258'118'400;
  const std::int64_t s = seconds < 0 ? 0 : (seconds > kLatest ? kLatest : seconds);
  return Instant(std::chrono::seconds(s) + std::chrono::nanoseconds(nanoseconds));
}

std::uint64_t CaptureReader::u64(const std::byte* p) const {
  const std::uint64_t first = u32(p);
  const std::uint64_t second = u32(p + 4);
  return swapped_ ? (second << 32) | first : (first << 32) | second;
}

const char* CaptureReader::format() const {
  switch (format_) {
    case Format::pcap: return "pcap";
    case Format::pcapng: return "pcapng";
    case Format::unknown: return "unknown";
  }
  return "unknown";
}

bool CaptureReader::fail(std::string text) {
  if (!source_.error().empty()) text += " (" + source_.error() + ")";
  error_ = CaptureError{std::move(text), source_.offset(), packets_ + 1};
  return false;
}

void CaptureReader::cut_check_sequence(CapturedPacket& packet, std::size_t octets) const {
  if (octets == 0 || octets > packet.wire_size) return;
  packet.wire_size -= octets;
  if (packet.bytes.size() > packet.wire_size) packet.bytes = packet.bytes.first(packet.wire_size);
}

bool CaptureReader::recognise() {
  const Bytes head = source_.peek(kFileHeader);
  if (head.empty()) return fail(source_.error().empty() ? "the file is empty" : "nothing can be read");
  if (head.size() < 4) return fail("not a capture: only " + std::to_string(head.size()) + " octets long");
  const std::uint32_t magic = load_be32(head.data());
  if (magic == pcapng::kSectionHeader) {
    format_ = Format::pcapng;
    return true;
  }
  for (const bool little : {false, true}) {
    const std::uint32_t m = little ? __builtin_bswap32(magic) : magic;
    if (m != kMicroseconds && m != kNanoseconds && m != kModified) continue;
    swapped_ = little;
    return begin_pcap(head, m);
  }
  if (const char* name = other_format(head)) {
    return fail(std::string("a ") + name + " file; try: editcap -F pcapng FILE OUT");
  }
  return fail("not a capture: it begins with neither a pcap nor a pcapng header");
}

bool CaptureReader::begin_pcap(Bytes head, std::uint32_t magic) {
  format_ = Format::pcap;
  if (head.size() < kFileHeader) return fail("the pcap file header is cut short");
  const unsigned major = u16(head.data() + 4);
  const unsigned minor = u16(head.data() + 6);
  if (major < 2) return fail("pcap version " + std::to_string(major) + " is unknown");
  nanoseconds_ = magic == kNanoseconds;
  if (magic == kModified) record_header_ = 24;
  // Before version 2.3 the two lengths stood in the other order, and at 2.3 in either.
  if (major == 2 && minor < 4) lengths_ = minor < 3 ? Lengths::swapped : Lengths::unsure;
  const std::uint32_t network = u32(head.data() + 20);
  link_type_ = network & 0xffffU;
  const bool has_check_sequence = (network & 0x0400'0000U) != 0;  // its length stands in the upper four bits, in pairs
  if (has_check_sequence) check_sequence_ = (network >> 28) * 2U;
  source_.consume(kFileHeader);
  return true;
}

bool CaptureReader::next(CapturedPacket& packet) {
  if (error_) return false;
  if (!started_) {
    started_ = true;
    if (!recognise()) return false;
  }
  source_.consume(std::exchange(pending_, 0));
  return format_ == Format::pcap ? next_pcap(packet) : next_pcapng(packet);
}

bool CaptureReader::next_pcap(CapturedPacket& packet) {
  const Bytes header = source_.peek(record_header_);
  if (header.size() < record_header_) {
    if (header.empty() && source_.error().empty()) return false;
    return fail("the file ends inside a packet's record header");
  }
  const std::byte* p = header.data();
  std::uint32_t captured = u32(p + 8);
  std::uint32_t wire = u32(p + 12);
  if (lengths_ != Lengths::as_written && (lengths_ == Lengths::swapped || captured > wire)) std::swap(captured, wire);
  const auto seconds = static_cast<std::int64_t>(u32(p));
  const auto fraction = static_cast<std::int64_t>(u32(p + 4));
  if (captured > kMaxRecord) return fail("a packet length of " + std::to_string(captured) + " octets is impossible");
  // What a file system leaves behind when the writer was stopped by a power cut.
  if (wire == 0 && captured == 0 && seconds == 0 && fraction == 0) {
    return fail("from here on the file holds zeros instead of packets: it was not written to its end");
  }
  const std::size_t size = record_header_ + captured;
  const Bytes record = source_.peek(size);
  if (record.size() < size) {
    return fail("the file ends inside a packet: " + std::to_string(record.size() - record_header_) + " of " +
                std::to_string(captured) + " octets are there");
  }
  pending_ = size;
  packet.number = ++packets_;
  packet.time = clamped_instant(seconds, nanoseconds_ ? fraction : fraction * 1000);
  packet.link_type = link_type_;
  packet.bytes = record.subspan(record_header_);
  packet.wire_size = wire < captured ? captured : wire;
  cut_check_sequence(packet, check_sequence_);
  return true;
}

std::uint64_t CaptureReader::lost() const {
  std::uint64_t sum = earlier_lost_;
  for (const Interface& i : interfaces_) {
    const std::uint64_t more = std::max(i.lost_by_packet, i.lost_in_all);
    sum = more > ~sum ? ~std::uint64_t{0} : sum + more;  // what a file says may be any number
  }
  return sum;
}

}  // namespace lastack
