// SYN cookies (RFC 4987 3.6): while a listener's half-open connections are at their limit, what its next SYN,ACK must
// remember is in its sequence number, and in the low bits of its timestamp when the peer sends them back. Nothing is
// kept.
//
// The number: 5 bits of time, 3 bits of MSS, 24 bits of a keyed hash over the sockets, the peer's ISN and the rest.
#pragma once

#include <cstdint>
#include <optional>

#include "stack/base/time.h"
#include "stack/host/isn.h"
#include "stack/wire/segment.h"

namespace lastack {

inline constexpr std::chrono::seconds kCookieLife{128};

// The SYN as a cookie would bring it back; nothing when a cookie would promise the peer too much.
std::optional<Segment> syn_for_cookie(const Segment& syn, std::uint16_t default_mss);
SeqNum make_syn_cookie(const HashKey& key, Instant now, const SocketAddress& local, const SocketAddress& remote,
                       const Segment& cookie_syn);
// Our timestamp clock with the options in its low bits: never ahead of `clock`.
std::uint32_t cookie_timestamp(std::uint32_t clock, const Segment& cookie_syn);
// The SYN that the ACK's peer must have sent, if our number in it is a cookie that is still good.
std::optional<Segment> check_syn_cookie(const HashKey& key, Instant now, const SocketAddress& local,
                                        const SocketAddress& remote, const Segment& ack);

}  // namespace lastack
