// Initial sequence numbers as RFC 6528 has them: a 4-microsecond clock plus a keyed hash (SipHash-2-4) of the
// connection's sockets, so that they rise over time for one pair of sockets and tell nothing about another pair.
//= rfc6528 3
//= rfc9293 3.4.1 MUST-8 SHLD-1
#pragma once

#include <cstdint>

#include "stack/base/seq.h"
#include "stack/base/time.h"
#include "stack/wire/ip_address.h"

namespace lastack {

struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

// Two words from one seed (the splitmix64 generator).
HashKey expand_seed(std::uint64_t seed);
std::uint64_t siphash_2_4(const HashKey& key, Bytes data);
std::uint64_t hash_sockets(const HashKey& key, const SocketAddress& local, const SocketAddress& remote);
SeqNum initial_sequence_number(const HashKey& key, Instant now, const SocketAddress& local,
                               const SocketAddress& remote);

}  // namespace lastack
