// ICMP and ICMPv6 error messages (RFC 9293 3.9.2.2): which connection they speak of, and how serious they are.
#pragma once

#include <cstdint>
#include <optional>

#include "stack/base/seq.h"
#include "stack/tcp/icmp_error.h"
#include "stack/wire/ip.h"

namespace lastack {

struct IcmpError {
  IcmpKind kind = IcmpKind::soft;
  std::uint16_t detail = 0;  // type << 8 | code
  std::uint16_t mtu = 0;     // packet_too_big; 0 when the router did not say
  SocketAddress local;       // of the segment that caused it: we sent it
  SocketAddress remote;
  SeqNum seq;
};

// Nothing for anything that is not an error about a TCP segment of ours, and for Source Quench (MUST-55).
std::optional<IcmpError> parse_icmp_error(const IpPacket& packet);

}  // namespace lastack
