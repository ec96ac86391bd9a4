// Packets of a pcap or pcapng file, one after the other, with bounded memory. Formats: pcap in both byte orders, with
// microseconds or nanoseconds, and Kuznetzov's modified form; pcapng with several sections, interfaces and link types.
// Hostile input: every length is checked; an error names the file offset and the packet number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conformance/trace/byte_source.h"
#include "stack/base/time.h"

namespace lastack {

struct CapturedPacket {
  std::uint64_t number = 0;  // from 1, as capture tools count
  Instant time{};
  std::uint32_t link_type = 0;  // LINKTYPE_ value
  std::uint32_t interface = 0;  // from 0, over all sections of the file
  std::size_t wire_size = 0;    // octets on the wire, without a frame check sequence
  Bytes bytes;                  // those of them that were captured; valid until the next call of next()
};

struct CaptureError {
  std::string text;
  std::uint64_t offset = 0;  // in the (decompressed) file
  std::uint64_t packet = 0;  // the packet that could not be read
};

class CaptureReader {
 public:
  explicit CaptureReader(ByteSource source) : source_(std::move(source)) {}

  // The next packet; false at the end or after an error.
  bool next(CapturedPacket& packet);
  const std::optional<CaptureError>& error() const { return error_; }
  const char* format() const;
  const ByteSource& source() const { return source_; }
  std::uint64_t packets() const { return packets_; }
  // Packets that the capturing program says it lost (pcapng: isb_ifdrop, isb_osdrop, epb_dropcount).
  std::uint64_t lost() const;

 private:
  enum class Format : std::uint8_t { unknown, pcap, pcapng };
  enum class Lengths : std::uint8_t { as_written, swapped, unsure };  // of pcap's old versions
  struct Interface {
    std::uint32_t link_type = 0;
    std::uint32_t snap_length = 0;
    std::uint64_t ticks_per_second = 1'000'000;  // 0: finer than that can say
    double tick = 1e-6;
    std::int64_t offset_seconds = 0;
    std::size_t check_sequence = 0;    // octets at the end of each frame
    std::uint64_t lost_by_packet = 0;  // sum of what its packets say
    std::uint64_t lost_in_all = 0;     // the last statistics
  };

  bool recognise();
  bool begin_pcap(Bytes head, std::uint32_t magic);
  bool next_pcap(CapturedPacket& packet);
  bool fail(std::string text);
  void cut_check_sequence(CapturedPacket& packet, std::size_t octets) const;
  std::uint16_t u16(const std::byte* p) const { return swapped_ ? __builtin_bswap16(load_be16(p)) : load_be16(p); }
  std::uint32_t u32(const std::byte* p) const { return swapped_ ? __builtin_bswap32(load_be32(p)) : load_be32(p); }
  std::uint64_t u64(const std::byte* p) const;

  // pcapng: pcapng_reader.cpp
  struct Block {
    std::uint32_t type = 0;
    std::size_t length = 0;
    Bytes body;
  };
  template <typename Visit>
  void each_option(Bytes options, Visit&& visit) const;
  bool next_pcapng(CapturedPacket& packet);
  bool next_block(Block& block);
  bool begin_section();
  bool add_interface(Bytes body);
  bool enhanced_packet(const Block& block, CapturedPacket& packet);
  bool simple_packet(Bytes body, CapturedPacket& packet);
  bool statistics(Bytes body);
  Instant instant_of(const Interface& from, std::uint64_t ticks) const;

  ByteSource source_;
  Format format_ = Format::unknown;
  bool started_ = false;
  bool swapped_ = false;  // the file's byte order is little-endian
  bool nanoseconds_ = false;
  Lengths lengths_ = Lengths::as_written;
  std::size_t record_header_ = 16;
  std::uint32_t link_type_ = 0;
  std::size_t check_sequence_ = 0;
  std::vector<Interface> interfaces_;  // of this section
  std::uint32_t earlier_interfaces_ = 0;
  std::uint64_t earlier_lost_ = 0;
  std::uint64_t packets_ = 0;
  Instant last_time_{};
  std::size_t pending_ = 0;  // octets of the last record, consumed at the next call
  std::optional<CaptureError> error_;
};

inline constexpr std::uint32_t kMaxRecord = 16U << 20;  // no capture holds larger packets; a larger length is damage
Instant clamped_instant(std::int64_t seconds, std::int64_t nanoseconds);

}  // namespace lastack
