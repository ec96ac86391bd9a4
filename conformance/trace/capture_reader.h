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
  std::size_t wire_size = 0;    // octets on the wire; bytes.size() of them were captured
  Bytes bytes;                  // valid until the next call of next()
};

struct CaptureError {
  std::string text;
  std::uint64_t offset = 0;  // in the (decompressed) file
  std::uint64_t packet = 0;  // the packet that could not be read
};

class CaptureReader {
 public:
  explicit CaptureReader(ByteSource source) : source_(std::move(source)) {}

  // The next packet; nothing at the end or after an error.
  std::optional<CapturedPacket> next();
  const std::optional<CaptureError>& error() const { return error_; }
  const char* format() const;
  const ByteSource& source() const { return source_; }

 private:
  enum class Format : std::uint8_t { unknown, pcap, pcapng };
  struct Interface {
    std::uint32_t link_type = 0;
    std::uint32_t snap_length = 0;
    std::int64_t ticks_per_second = 1'000'000;
    std::int64_t offset_seconds = 0;
  };

  bool recognise();
  std::optional<CapturedPacket> next_pcap();
  std::optional<CapturedPacket> next_pcapng();
  bool begin_section();
  bool add_interface(Bytes body);
  std::optional<CapturedPacket> enhanced_packet(Bytes body);
  std::optional<CapturedPacket> simple_packet(Bytes body);
  std::optional<CapturedPacket> fail(std::string text);
  std::uint16_t u16(const std::byte* p) const;
  std::uint32_t u32(const std::byte* p) const;

  ByteSource source_;
  Format format_ = Format::unknown;
  bool started_ = false;
  bool swapped_ = false;  // the file's byte order is little-endian
  bool nanoseconds_ = false;
  std::size_t record_header_ = 16;
  std::uint32_t link_type_ = 0;
  std::vector<Interface> interfaces_;
  std::uint64_t packets_ = 0;
  std::size_t pending_ = 0;  // octets of the last record, consumed at the next call
  std::optional<CaptureError> error_;
};

}  // namespace lastack
