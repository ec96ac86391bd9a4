// pcapng (draft-ietf-opsawg-pcapng): sections in either byte order, interfaces, the three kinds of packet blocks, and
// what statistics say about losses. Other blocks are passed over without being held in memory.
#include <algorithm>
#include <cmath>
#include <utility>

#include "conformance/trace/capture_reader.h"
#include "conformance/trace/pcapng_format.h"

namespace lastack {

namespace {

constexpr std::size_t kMaxInterfaces = 1 << 16;

bool is_read(std::uint32_t type) {
  return type == pcapng::kInterfaceDescription || type == pcapng::kObsoletePacket || type == pcapng::kSimplePacket ||
         type == pcapng::kStatistics || type == pcapng::kEnhancedPacket;
}

constexpr std::size_t padded(std::size_t n) { return (n + 3) & ~std::size_t{3}; }

std::uint64_t sum_without_wrap(std::uint64_t a, std::uint64_t b) { return a > ~b ? ~std::uint64_t{0} : a + b; }

}  // namespace

template <typename Visit>
void CaptureReader::each_option(Bytes options, Visit&& visit) const {
  while (options.size() >= 4) {
    const std::uint16_t code = u16(options.data());
    const std::size_t size = u16(options.data() + 2);
    if (code == 0 || 4 + size > options.size()) return;
    visit(code, options.subspan(4, size));
    options = options.subspan(std::min(4 + padded(size), options.size()));
  }
}

bool CaptureReader::begin_section() {
  const Bytes head = source_.peek(28);
  if (head.size() < 28) return fail("the file ends inside a pcapng section header");
  const std::uint32_t magic = load_be32(head.data() + 8);
  if (magic != pcapng::kByteOrderMagic && __builtin_bswap32(magic) != pcapng::kByteOrderMagic) {
    return fail("a pcapng section header without byte-order magic");
  }
  swapped_ = magic != pcapng::kByteOrderMagic;
  if (u16(head.data() + 12) != 1) {
    return fail("pcapng version " + std::to_string(u16(head.data() + 12)) + " is unknown");
  }
  earlier_lost_ = lost();
  earlier_interfaces_ += static_cast<std::uint32_t>(interfaces_.size());
  interfaces_.clear();
  return true;
}

// The next block that says something about packets; at an end or an error nothing.
bool CaptureReader::next_block(Block& block) {
  while (true) {
    const Bytes head = source_.peek(12);
    if (head.size() < 12) {
      if (head.empty() && source_.error().empty()) return false;
      return fail("the file ends inside a pcapng block header");
    }
    if (load_be32(head.data()) == pcapng::kSectionHeader && !begin_section()) return false;
    const Bytes again = source_.peek(12);
    block.type = u32(again.data());
    const std::uint32_t length = u32(again.data() + 4);
    const bool wanted = is_read(block.type);
    if (length < 12 || length % 4 != 0 || (wanted && length > kMaxRecord)) {
      return fail("a pcapng block length of " + std::to_string(length) + " is impossible");
    }
    block.length = length;
    if (wanted) break;
    if (!source_.skip(length - 4)) return fail("the file ends inside a pcapng block");
    const Bytes trailer = source_.peek(4);
    if (trailer.size() < 4) return fail("the file ends inside a pcapng block");
    if (u32(trailer.data()) != length) return fail("the two lengths of a pcapng block differ");
    source_.consume(4);
  }
  const Bytes whole = source_.peek(block.length);
  if (whole.size() < block.length) {
    return fail("the file ends inside a pcapng block: " + std::to_string(whole.size()) + " of " +
                std::to_string(block.length) + " octets are there");
  }
  if (u32(whole.data() + block.length - 4) != block.length) return fail("the two lengths of a pcapng block differ");
  block.body = whole.subspan(8, block.length - 12);
  return true;
}

bool CaptureReader::next_pcapng(CapturedPacket& packet) {
  Block block;
  while (next_block(block)) {
    switch (block.type) {
      case pcapng::kInterfaceDescription:
        if (!add_interface(block.body)) return false;
        break;
      case pcapng::kStatistics:
        if (!statistics(block.body)) return false;
        break;
      case pcapng::kSimplePacket: pending_ = block.length; return simple_packet(block.body, packet);
      default: pending_ = block.length; return enhanced_packet(block, packet);
    }
    source_.consume(block.length);
  }
  return false;
}

bool CaptureReader::add_interface(Bytes body) {
  if (body.size() < 8) return fail("a pcapng interface description is too short");
  if (interfaces_.size() >= kMaxInterfaces) return fail("too many interfaces in one pcapng section");
  Interface added;
  added.link_type = u16(body.data());
  added.snap_length = u32(body.data() + 4);
  each_option(body.subspan(8), [&](unsigned code, Bytes value) {
    constexpr unsigned kResolution = 9, kCheckSequence = 13, kOffset = 14;
    if (code == kResolution && !value.empty()) {  // a power of 10, or of 2 with the top bit
      const unsigned v = load_u8(value.data());
      const unsigned power = v & 0x7fU;
      const bool binary = (v & 0x80U) != 0;
      added.tick = std::pow(binary ? 2.0 : 10.0, -static_cast<double>(power));
      added.ticks_per_second = power > (binary ? 63U : 19U) ? 0 : 1;
      for (unsigned i = 0; i < power; ++i) added.ticks_per_second *= binary ? 2U : 10U;
    }
    if (code == kCheckSequence && !value.empty()) added.check_sequence = load_u8(value.data());
    if (code == kOffset && value.size() >= 8) added.offset_seconds = static_cast<std::int64_t>(u64(value.data()));
  });
  // The draft counts octets; files with 32 mean bits.
  if (added.check_sequence >= 16) added.check_sequence /= 8;
  interfaces_.push_back(added);
  return true;
}

Instant CaptureReader::instant_of(const Interface& from, std::uint64_t ticks) const {
  constexpr std::int64_t kFarAway = std::int64_t{1} << 40;  // seconds: beyond any sum that is looked at
  constexpr std::uint64_t kNano = 1'000'000'000;
  const std::int64_t offset = std::clamp(from.offset_seconds, -kFarAway, kFarAway);
  const std::uint64_t per_second = from.ticks_per_second;
  if (per_second == 0)
    return clamped_instant(offset, static_cast<std::int64_t>(static_cast<double>(ticks) * from.tick * 1e9));
  const auto seconds = static_cast<std::int64_t>(std::min<std::uint64_t>(ticks / per_second, kFarAway));
  const std::uint64_t rest = ticks % per_second;
  const auto nanoseconds = kNano % per_second == 0
                               ? static_cast<std::int64_t>(rest * (kNano / per_second))
                               : static_cast<std::int64_t>(static_cast<double>(rest) * from.tick * 1e9);
  return clamped_instant(seconds + offset, nanoseconds);
}

bool CaptureReader::enhanced_packet(const Block& block, CapturedPacket& packet) {
  const Bytes body = block.body;
  if (body.size() < 20) return fail("a pcapng packet block is too short");
  // The obsolete block has a 16-bit interface and a drop count where the enhanced one has a 32-bit interface.
  const bool obsolete = block.type == pcapng::kObsoletePacket;
  const std::uint32_t interface = obsolete ? u16(body.data()) : u32(body.data());
  if (interface >= interfaces_.size()) {
    return fail("a packet of interface " + std::to_string(interface) + ", which is not described");
  }
  const std::uint32_t captured = u32(body.data() + 12);
  if (captured > body.size() - 20) {
    return fail("a packet length of " + std::to_string(captured) + " does not fit its block");
  }
  Interface& from = interfaces_[interface];
  const std::uint32_t wire = u32(body.data() + 16);
  packet.time = instant_of(from, (std::uint64_t{u32(body.data() + 4)} << 32) | u32(body.data() + 8));
  packet.number = ++packets_;
  packet.link_type = from.link_type;
  packet.interface = earlier_interfaces_ + interface;
  packet.bytes = body.subspan(20, captured);
  packet.wire_size = wire < captured ? captured : wire;
  last_time_ = packet.time;
  std::size_t check_sequence = from.check_sequence;
  constexpr std::uint16_t kNotKnown = 0xffff;
  if (obsolete && u16(body.data() + 2) != kNotKnown) {
    from.lost_by_packet = sum_without_wrap(from.lost_by_packet, u16(body.data() + 2));
  }
  const std::size_t options_at = 20 + padded(captured);
  if (options_at < body.size()) {
    each_option(body.subspan(options_at), [&](unsigned code, Bytes value) {
      constexpr unsigned kFlags = 2, kDropCount = 4;
      if (code == kFlags && value.size() >= 4) {
        const std::size_t octets = (u32(value.data()) >> 5) & 0x0fU;
        if (octets != 0) check_sequence = octets;
      }
      if (code == kDropCount && value.size() >= 8) {
        from.lost_by_packet = sum_without_wrap(from.lost_by_packet, u64(value.data()));
      }
    });
  }
  cut_check_sequence(packet, check_sequence);
  return true;
}

// Without interface and time: those of the first interface and of the packet before.
bool CaptureReader::simple_packet(Bytes body, CapturedPacket& packet) {
  if (body.size() < 4 || interfaces_.empty()) return fail("a pcapng simple packet block without interface or length");
  const Interface& from = interfaces_[0];
  packet.number = ++packets_;
  packet.time = last_time_;
  packet.wire_size = u32(body.data());
  std::size_t captured = std::min<std::size_t>(packet.wire_size, body.size() - 4);
  if (from.snap_length != 0) captured = std::min<std::size_t>(captured, from.snap_length);
  packet.link_type = from.link_type;
  packet.interface = earlier_interfaces_;
  packet.bytes = body.subspan(4, captured);
  cut_check_sequence(packet, from.check_sequence);
  return true;
}

bool CaptureReader::statistics(Bytes body) {
  if (body.size() < 12) return fail("a pcapng statistics block is too short");
  const std::uint32_t interface = u32(body.data());
  if (interface >= interfaces_.size()) return true;  // says nothing about packets that are here
  std::uint64_t lost = 0;
  each_option(body.subspan(12), [&](unsigned code, Bytes value) {
    constexpr unsigned kInterfaceDrop = 5, kSystemDrop = 7;
    if ((code == kInterfaceDrop || code == kSystemDrop) && value.size() >= 8) {
      lost = sum_without_wrap(lost, u64(value.data()));
    }
  });
  interfaces_[interface].lost_in_all = std::max(interfaces_[interface].lost_in_all, lost);
  return true;
}

}  // namespace lastack
