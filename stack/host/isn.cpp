#include "stack/host/isn.h"

#include <bit>

namespace lastack {

namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  LASTACK_WRAPS void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void absorb(std::uint64_t m) {
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  }
  // Of a text of `octets`; `rest` is what its whole words left over.
  std::uint64_t finish(std::size_t octets, std::uint64_t rest) {
    absorb((static_cast<std::uint64_t>(octets & 0xffU) << 56) | rest);
    v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

SipState begin(const HashKey& key) {
  return {key.k0 ^ 0x736f'6d65'7073'6575U, key.k1 ^ 0x646f'7261'6e64'6f6dU, key.k0 ^ 0x6c79'6765'6e65'7261U,
          key.k1 ^ 0x7465'6462'7974'6573U};
}

LASTACK_WRAPS std::uint64_t splitmix64(std::uint64_t& state) {
  state += 0x9e37'79b9'7f4a'7c15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9U;
  z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebU;
  return z ^ (z >> 31);
}

}  // namespace

HashKey expand_seed(std::uint64_t seed) {
  HashKey key;
  key.k0 = splitmix64(seed);
  key.k1 = splitmix64(seed);
  return key;
}

std::uint64_t siphash_2_4(const HashKey& key, Bytes data) {
  SipState s = begin(key);
  const std::size_t whole = data.size() / 8;
  for (std::size_t i = 0; i < whole; ++i) {
    std::uint64_t m = 0;
    std::memcpy(&m, data.data() + 8 * i, 8);
    s.absorb(m);
  }
  std::uint64_t last = 0;
  for (std::size_t i = 8 * whole; i < data.size(); ++i) {
    last |= static_cast<std::uint64_t>(load_u8(data.data() + i)) << (8 * (i % 8));
  }
  return s.finish(data.size(), last);
}

std::uint64_t hash_sockets(const HashKey& key, const SocketAddress& local, const SocketAddress& remote) {
  const auto ports = static_cast<std::uint32_t>((unsigned{local.port} << 16) | remote.port);
  SipState s = begin(key);
  if (local.ip.version == IpVersion::v4 && remote.ip.version == IpVersion::v4) {
    std::uint32_t addresses[2];
    std::memcpy(&addresses[0], local.ip.octets.data(), 4);
    std::memcpy(&addresses[1], remote.ip.octets.data(), 4);
    s.absorb(std::uint64_t{addresses[1]} << 32 | addresses[0]);
    return s.finish(12, ports);
  }
  std::uint64_t words[4];
  std::memcpy(words, local.ip.octets.data(), 16);
  std::memcpy(words + 2, remote.ip.octets.data(), 16);
  for (const std::uint64_t word : words) s.absorb(word);
  return s.finish(36, ports);
}

//= rfc9293 3.4.1 MUST-9
SeqNum initial_sequence_number(const HashKey& key, Instant now, const SocketAddress& local,
                               const SocketAddress& remote) {
  const auto four_us = static_cast<std::uint64_t>(now.time_since_epoch().count()) / 4000;
  const std::uint64_t hash = hash_sockets(key, local, remote);
  return SeqNum(static_cast<std::uint32_t>(hash & 0xffff'ffffU)) + static_cast<std::uint32_t>(four_us & 0xffff'ffffU);
}

}  // namespace lastack
