// Ends and headers drawn at random, for the tests that compare the quick writers and readers with the plain ones.
#pragma once

#include <cstdint>

#include "stack/sim/prng.h"
#include "stack/wire/common.h"

namespace lastack {

struct Drawn {
  SocketAddress from;
  SocketAddress to;
  CommonHeaders headers;  // without options
};

template <typename Unsigned>
Unsigned draw_number(Prng& random) {
  return static_cast<Unsigned>(random.next() & static_cast<Unsigned>(-1));
}

inline Drawn draw_headers(Prng& random, bool v6, Flags flags) {
  Drawn drawn;
  drawn.from = {*IpAddress::parse(v6 ? "2001:db8::1" : "192.0.2.1"), 80};
  drawn.to = {*IpAddress::parse(v6 ? "2001:db8::2" : "192.0.2.2"), draw_number<std::uint16_t>(random)};
  CommonHeaders& h = drawn.headers;
  h.seq = SeqNum(draw_number<std::uint32_t>(random));
  h.ack = SeqNum(draw_number<std::uint32_t>(random));
  h.flags = flags;
  h.wnd = draw_number<std::uint16_t>(random);
  h.hop_limit = draw_number<std::uint8_t>(random);
  h.dscp_ecn = draw_number<std::uint8_t>(random);
  return drawn;
}

}  // namespace lastack
