// What a connection is identified by (RFC 9293 3.3.1), with the hash by which all tables of the host know it: made once
// for each packet, and kept with what is in the tables. Keyed, so that a peer that chooses its addresses and ports
// cannot make the chains long. Of the local socket only the port counts: a host has one address of each version.
#pragma once

#include <cstdint>
#include <cstring>

#include "stack/base/bytes.h"
#include "stack/wire/ip_address.h"

namespace lastack {

// A keyed multiply-and-fold over 64-bit words (the construction of wyhash's mixer).
LASTACK_WRAPS inline std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint32_t socket_hash(std::uint64_t key, std::uint16_t local_port, const SocketAddress& remote) {
  constexpr std::uint64_t kOdd = 0x9e37'79b9'7f4a'7c15U;
  std::uint64_t words[2];
  std::memcpy(words, remote.ip.octets.data(), sizeof words);
  const std::uint64_t ports = (std::uint64_t{local_port} << 16) | remote.port;
  std::uint64_t h = hash_mix(key ^ ports, kOdd);
  h = hash_mix(h ^ words[0], key | 1U);
  h = hash_mix(h ^ words[1] ^ static_cast<std::uint64_t>(remote.ip.version), kOdd);
  return static_cast<std::uint32_t>(h & 0xffff'ffffU);
}

struct SocketPair {
  SocketPair() = default;
  SocketPair(std::uint64_t key, const SocketAddress& local_socket, const SocketAddress& remote_socket)
      : SocketPair(local_socket, remote_socket, socket_hash(key, local_socket.port, remote_socket)) {}
  // For what knows its hash.
  SocketPair(const SocketAddress& local_socket, const SocketAddress& remote_socket, std::uint32_t its_hash)
      : local(local_socket), remote(remote_socket), hash(its_hash) {}

  SocketAddress local;
  SocketAddress remote;
  std::uint32_t hash = 0;
};

}  // namespace lastack
