// Big-endian loads and stores. Callers check the bounds; these never do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace lastack {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

// Octets that lie in a ring: what comes first, and the rest if it goes on at the ring's beginning.
struct TextPieces {
  Bytes first;
  Bytes second;
  std::size_t size() const { return first.size() + second.size(); }
  [[gnu::always_inline]] void copy_to(std::byte* out) const {
    if (!first.empty()) std::memcpy(out, first.data(), first.size());
    if (!second.empty()) std::memcpy(out + first.size(), second.data(), second.size());
  }
};

inline std::uint8_t load_u8(const std::byte* p) { return static_cast<std::uint8_t>(*p); }

inline std::uint16_t load_be16(const std::byte* p) {
  std::uint16_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap16(v);
}

inline std::uint32_t load_be32(const std::byte* p) {
  std::uint32_t v = 0;
  std::memcpy(&v, p, sizeof v);
  return __builtin_bswap32(v);
}

inline void store_u8(std::byte* p, std::uint8_t v) { *p = static_cast<std::byte>(v); }

inline void store_be16(std::byte* p, std::uint16_t v) {
  v = __builtin_bswap16(v);
  std::memcpy(p, &v, sizeof v);
}

inline void store_be32(std::byte* p, std::uint32_t v) {
  v = __builtin_bswap32(v);
  std::memcpy(p, &v, sizeof v);
}

inline Bytes as_bytes(const void* data, std::size_t size) { return {static_cast<const std::byte*>(data), size}; }

}  // namespace lastack
