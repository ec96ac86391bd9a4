#include "conformance/trace/capture_reader.h"

#include <utility>

namespace lastack {

namespace {

constexpr std::uint32_t kMaxRecord = 16U << 20;  // no capture holds larger packets; a larger length is damage
constexpr std::size_t kMaxInterfaces = 1 << 16;

constexpr std::uint32_t kSectionHeader = 0x0A0D0D0A, kInterfaceDescription = 1, kObsoletePacket = 2, kSimplePacket = 3,
                        kEnhancedPacket = 6, kByteOrderMagic = 0x1A2B3C4D;

std::size_t padded(std::size_t n) { return (n + 3) & ~std::size_t{3}; }

Instant instant_of(std::int64_t seconds, std::int64_t nanoseconds) {
  // Times before 1970 or after 2200 are damage; they are clamped so that no sum overflows.
  constexpr std::int64_t kLatest = 7'258'118'400;
  const std::int64_t s = seconds < 0 ? 0 : (seconds > kLatest ? kLatest : seconds);
  return Instant(std::chrono::seconds(s) + std::chrono::nanoseconds(nanoseconds));
}

std::uint32_t load_le32(const std::byte* p) { return __builtin_bswap32(load_be32(p)); }
std::uint16_t load_le16(const std::byte* p) { return __builtin_bswap16(load_be16(p)); }

}  // namespace

std::uint16_t CaptureReader::u16(const std::byte* p) const { return swapped_ ? load_le16(p) : load_be16(p); }
std::uint32_t CaptureReader::u32(const std::byte* p) const { return swapped_ ? load_le32(p) : load_be32(p); }

const char* CaptureReader::format() const {
  switch (format_) {
    case Format::pcap: return "pcap";
    case Format::pcapng: return "pcapng";
    case Format::unknown: return "unknown";
  }
  return "unknown";
}

std::optional<CapturedPacket> CaptureReader::fail(std::string text) {
  if (!source_.error().empty()) text += " (" + source_.error() + ")";
  error_ = CaptureError{std::move(text), source_.offset(), packets_ + 1};
  return std::nullopt;
}

bool CaptureReader::recognise() {
  const Bytes head = source_.peek(24);
  if (head.empty()) {
    fail(source_.error().empty() ? "the file is empty" : "nothing can be read");
    return false;
  }
  if (head.size() < 4) {
    fail("not a capture: only " + std::to_string(head.size()) + " octets long");
    return false;
  }
  const std::uint32_t magic = load_be32(head.data());
  if (magic == kSectionHeader) {
    format_ = Format::pcapng;
    return true;
  }
  for (const bool little : {false, true}) {
    const std::uint32_t m = little ? load_le32(head.data()) : magic;
    if (m != 0xa1b2c3d4 && m != 0xa1b23c4d && m != 0xa1b2cd34) continue;
    format_ = Format::pcap;
    swapped_ = little;
    nanoseconds_ = m == 0xa1b23c4d;
    if (m == 0xa1b2cd34) record_header_ = 24;
  }
  if (format_ == Format::unknown) {
    fail("not a capture: it begins with neither a pcap nor a pcapng header");
    return false;
  }
  if (head.size() < 24) {
    fail("the pcap file header is cut short");
    return false;
  }
  link_type_ = u32(head.data() + 20) & 0x0fff'ffffU;  // the upper bits say whether a frame check sequence follows
  source_.consume(24);
  return true;
}

std::optional<CapturedPacket> CaptureReader::next() {
  if (error_) return std::nullopt;
  if (!started_) {
    started_ = true;
    if (!recognise()) return std::nullopt;
  }
  source_.consume(std::exchange(pending_, 0));
  return format_ == Format::pcap ? next_pcap() : next_pcapng();
}

std::optional<CapturedPacket> CaptureReader::next_pcap() {
  const Bytes header = source_.peek(record_header_);
  if (header.empty() && source_.error().empty()) return std::nullopt;
  if (header.size() < record_header_) return fail("the file ends inside a packet's record header");
  const std::uint32_t captured = u32(header.data() + 8);
  const std::uint32_t wire = u32(header.data() + 12);
  const auto seconds = static_cast<std::int64_t>(u32(header.data()));
  const auto fraction = static_cast<std::int64_t>(u32(header.data() + 4));
  if (captured > kMaxRecord) return fail("a packet length of " + std::to_string(captured) + " octets is impossible");
  const Bytes record = source_.peek(record_header_ + captured);
  if (record.size() < record_header_ + captured) {
    return fail("the file ends inside a packet: " + std::to_string(record.size() - record_header_) + " of " +
                std::to_string(captured) + " octets are there");
  }
  pending_ = record.size();
  CapturedPacket packet;
  packet.number = ++packets_;
  packet.time = instant_of(seconds, nanoseconds_ ? fraction : fraction * 1000);
  packet.link_type = link_type_;
  packet.bytes = record.subspan(record_header_);
  packet.wire_size = wire < captured ? captured : wire;
  return packet;
}

bool CaptureReader::begin_section() {
  const Bytes head = source_.peek(28);
  if (head.size() < 28) return fail("the file ends inside a pcapng section header"), false;
  if (load_be32(head.data() + 8) == kByteOrderMagic) {
    swapped_ = false;
  } else if (load_le32(head.data() + 8) == kByteOrderMagic) {
    swapped_ = true;
  } else {
    return fail("a pcapng section header without byte-order magic"), false;
  }
  if (u16(head.data() + 12) != 1)
    return fail("pcapng version " + std::to_string(u16(head.data() + 12)) + " is unknown"), false;
  interfaces_.clear();
  return true;
}

std::optional<CapturedPacket> CaptureReader::next_pcapng() {
  while (true) {
    const Bytes head = source_.peek(12);
    if (head.empty() && source_.error().empty()) return std::nullopt;
    if (head.size() < 12) return fail("the file ends inside a pcapng block header");
    if (load_be32(head.data()) == kSectionHeader && !begin_section()) return std::nullopt;
    const Bytes again = source_.peek(12);
    const std::uint32_t type = u32(again.data());
    const std::uint32_t length = u32(again.data() + 4);
    if (length < 12 || length % 4 != 0 || length > kMaxRecord) {
      return fail("a pcapng block length of " + std::to_string(length) + " is impossible");
    }
    const Bytes block = source_.peek(length);
    if (block.size() < length) {
      return fail("the file ends inside a pcapng block: " + std::to_string(block.size()) + " of " +
                  std::to_string(length) + " octets are there");
    }
    if (u32(block.data() + length - 4) != length) return fail("the two lengths of a pcapng block differ");
    const Bytes body = block.subspan(8, length - 12);
    std::optional<CapturedPacket> packet;
    if (type == kInterfaceDescription && !add_interface(body)) return std::nullopt;
    if (type == kEnhancedPacket || type == kObsoletePacket) packet = enhanced_packet(body);
    if (type == kSimplePacket) packet = simple_packet(body);
    if (error_) return std::nullopt;
    if (packet) {
      pending_ = length;
      return packet;
    }
    source_.consume(length);
  }
}

bool CaptureReader::add_interface(Bytes body) {
  if (body.size() < 8) return fail("a pcapng interface description is too short"), false;
  if (interfaces_.size() >= kMaxInterfaces) return fail("too many interfaces in one pcapng section"), false;
  Interface added;
  added.link_type = u16(body.data());
  added.snap_length = u32(body.data() + 4);
  for (std::size_t at = 8; at + 4 <= body.size();) {
    const std::uint16_t code = u16(body.data() + at);
    const std::size_t size = u16(body.data() + at + 2);
    const std::byte* value = body.data() + at + 4;
    if (code == 0 || at + 4 + size > body.size()) break;
    if (code == 9 && size >= 1) {  // if_tsresol: a power of 10, or of 2 with the top bit
      const unsigned v = load_u8(value);
      const unsigned power = v & 0x7fU;
      std::int64_t ticks = 1;
      for (unsigned i = 0; i < power && ticks < (std::int64_t{1} << 58); ++i) ticks *= (v & 0x80U) != 0 ? 2 : 10;
      added.ticks_per_second = ticks;
    }
    if (code == 14 && size >= 8) {  // if_tsoffset, seconds
      const std::uint32_t first = u32(value);
      const std::uint32_t second = u32(value + 4);
      const std::uint64_t joined =
          swapped_ ? (std::uint64_t{second} << 32) | first : (std::uint64_t{first} << 32) | second;
      added.offset_seconds = static_cast<std::int64_t>(joined & 0xffff'ffffU);
    }
    at += 4 + padded(size);
  }
  interfaces_.push_back(added);
  return true;
}

std::optional<CapturedPacket> CaptureReader::enhanced_packet(Bytes body) {
  if (body.size() < 20) return fail("a pcapng packet block is too short");
  // The obsolete block has a 16-bit interface and a drop count where the enhanced one has a 32-bit interface.
  const std::uint32_t type = u32(source_.peek(4).data());
  const std::uint32_t interface = type == kObsoletePacket ? u16(body.data()) : u32(body.data());
  if (interface >= interfaces_.size()) {
    return fail("a packet of interface " + std::to_string(interface) + ", which is not described");
  }
  const std::uint32_t captured = u32(body.data() + 12);
  if (captured > body.size() - 20)
    return fail("a packet length of " + std::to_string(captured) + " does not fit its block");
  const Interface& from = interfaces_[interface];
  const std::uint64_t ticks = (std::uint64_t{u32(body.data() + 4)} << 32) | u32(body.data() + 8);
  const auto per_second = static_cast<std::uint64_t>(from.ticks_per_second);
  const auto fraction = static_cast<double>(ticks % per_second) * 1e9 / static_cast<double>(per_second);
  CapturedPacket packet;
  packet.number = ++packets_;
  packet.time = instant_of(static_cast<std::int64_t>(ticks / per_second & 0xffff'ffffU) + from.offset_seconds,
                           static_cast<std::int64_t>(fraction + 0.5));
  packet.link_type = from.link_type;
  packet.bytes = body.subspan(20, captured);
  const std::uint32_t wire = u32(body.data() + 16);
  packet.wire_size = wire < captured ? captured : wire;
  return packet;
}

std::optional<CapturedPacket> CaptureReader::simple_packet(Bytes body) {
  if (body.size() < 4 || interfaces_.empty()) return fail("a pcapng simple packet block without interface or length");
  const Interface& from = interfaces_[0];
  CapturedPacket packet;
  packet.number = ++packets_;
  packet.wire_size = u32(body.data());
  std::size_t captured = packet.wire_size < body.size() - 4 ? packet.wire_size : body.size() - 4;
  if (from.snap_length != 0 && captured > from.snap_length) captured = from.snap_length;
  packet.link_type = from.link_type;
  packet.bytes = body.subspan(4, captured);
  return packet;
}

}  // namespace lastack
