// Writes pcapng (draft-ietf-opsawg-pcapng): one section, one interface of link type RAW (IPv4 and IPv6 told apart by
// the version nibble), time in nanoseconds, and a comment on any packet. Wireshark and tshark show the comments.
// Writing to a string keeps files, and their errors, out of the simulator.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stack/base/bytes.h"
#include "stack/base/time.h"

namespace lastack {

enum class PacketDirection : std::uint8_t {
  unknown = 0,
  inbound = 1,
  outbound = 2
};  // epb_flags, seen from the interface

class PcapngWriter {
 public:
  explicit PcapngWriter(std::string_view application = "lastack", std::string_view comment = {});

  void packet(Instant time, Bytes packet, PacketDirection direction = PacketDirection::unknown,
              std::string_view comment = {});
  // The file so far.
  const std::string& data() const { return data_; }
  std::size_t packets() const { return packets_; }

 private:
  std::string data_;
  std::size_t packets_ = 0;
};

}  // namespace lastack
