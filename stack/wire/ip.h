// IPv4 (RFC 791) and IPv6 (RFC 8200) headers as TCP needs them: find the transport payload, or write a header in front
// of one. Knows nothing of TCP. Hostile input: every length is checked against the bytes that are there.
#pragma once

#include <cstdint>
#include <optional>

#include "stack/base/bytes.h"
#include "stack/base/result.h"
#include "stack/wire/ip_address.h"
#include "stack/wire/wire_error.h"

namespace lastack {

inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolIcmp6 = 58;
inline constexpr std::size_t kIpv4HeaderSize = 20;
inline constexpr std::size_t kIpv6HeaderSize = 40;

// A checked view of one IP packet. `payload` is what the IP length says belongs to it, as far as it was captured.
struct IpPacket {
  IpAddress src;
  IpAddress dst;
  std::uint8_t protocol = 0;  // of the transport payload, after IPv6 extension headers
  std::uint8_t hop_limit = 0;
  std::uint8_t dscp_ecn = 0;   // traffic class; ECN in the low two bits (RFC 3168)
  std::uint16_t id = 0;        // IPv4 only
  bool dont_fragment = false;  // IPv4 only
  bool more_fragments = false;
  std::uint32_t fragment_offset_octets = 0;
  bool is_fragment() const { return more_fragments || fragment_offset_octets != 0; }
  std::size_t header_size = 0;   // octets before the payload, extension headers included
  std::size_t total_length = 0;  // as the header says; 0 when the field is 0 (TSO, jumbo): then all bytes belong to it
  bool truncated = false;        // fewer bytes are present than the header says
  bool header_checksum_ok = true;
  Bytes payload;

  std::uint8_t ecn() const { return dscp_ecn & 3U; }
};

// Errors: too short, unknown version, header length wrong. A cut payload is not an error: `truncated` says it.
Result<IpPacket, WireError> parse_ip(Bytes packet);
// The same into a value that the caller has, for the path of every packet. After an error `out` means nothing.
std::optional<WireError> parse_ip(Bytes packet, IpPacket& out);

struct IpHeader {
  IpAddress src;
  IpAddress dst;
  std::uint8_t protocol = kProtocolTcp;
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp_ecn = 0;
  std::uint16_t id = 0;
  bool dont_fragment = true;
};

constexpr std::size_t ip_header_size(IpVersion v) { return v == IpVersion::v4 ? kIpv4HeaderSize : kIpv6HeaderSize; }

// Who fills the checksum fields: we, or the link (offload), for which they are left zero.
enum class Checksums : std::uint8_t { written, offloaded };

// Writes the header for a payload of `payload_octets` at `out` (which must hold ip_header_size()); IPv4 checksum
// included.
void write_ip_header(std::byte* out, const IpHeader& header, std::size_t payload_octets,
                     Checksums checksums = Checksums::written);

}  // namespace lastack
