// The packet that nearly every packet is: TCP in IPv4 without options or in IPv6 without extension headers, no
// fragment, all of it there. Reads and writes it in one go, quickest where there is no option but a timestamp as RFC
// 7323 Appendix A lays it out. Whatever looks otherwise is for parse_ip; with that, parse_tcp and write_packet this
// must agree (test/plain_test.cpp).
#pragma once

#include <cstdint>

#include "stack/base/bytes.h"
#include "stack/wire/ip_address.h"
#include "stack/wire/segment.h"

namespace lastack {

struct PlainPacket {
  IpVersion version = IpVersion::v4;
  std::uint8_t ecn_field = 0;
  const std::byte* ip = nullptr;
  const std::byte* addresses = nullptr;  // the source's, then the destination's
  Bytes tcp;
  Segment segment;
  bool has_other_options = false;  // than a timestamp alone

  // Whether it comes from `remote` and is for `local`.
  bool is_between(const SocketAddress& local, const SocketAddress& remote) const {
    return segment.src_port == remote.port && segment.dst_port == local.port && version == remote.ip.version &&
           version == local.ip.version && has(addresses, remote.ip) && has(addresses + local.ip.size(), local.ip);
  }
  std::uint8_t ecn() const { return ecn_field; }
  SocketAddress source() const { return {IpAddress::from_bytes(version, addresses), segment.src_port}; }
  SocketAddress destination() const {
    return {IpAddress::from_bytes(version, addresses + (version == IpVersion::v4 ? 4 : 16)), segment.dst_port};
  }
  // MUST-3, and the IPv4 header's.
  bool checksums_are_right() const;

 private:
  static bool has(const std::byte* p, const IpAddress& address) {
    if (address.version == IpVersion::v4) return std::memcmp(p, address.octets.data(), 4) == 0;
    return std::memcmp(p, address.octets.data(), 16) == 0;
  }
};

// False when the packet is not plain, or its TCP header is malformed; `out` then means nothing. `out` may have held
// another packet before.
bool parse_plain(Bytes packet, PlainPacket& out);

// The headers of a packet that is to be written.
struct PlainHeaders {
  const SocketAddress& from;
  const SocketAddress& to;
  SeqNum seq;
  SeqNum ack;
  Flags flags;
  std::uint16_t wnd = 0;
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp_ecn = 0;
  std::uint16_t urg = 0;
  bool dont_fragment = true;  // IPv4, as is:
  std::uint16_t id = 0;
  bool stamped = false;
  Timestamps stamp{};
  const Options* options = nullptr;  // instead of the timestamp alone
};
// Writes headers and text, which must not lie in `out`; 0 when there is no room.
std::size_t write_plain(MutableBytes out, const PlainHeaders& headers, const TextPieces& text, Checksums checksums);

}  // namespace lastack
