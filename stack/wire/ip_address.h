// An IPv4 or IPv6 address as a value: 16 bytes and a family; IPv4 uses the first four.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "stack/base/bytes.h"

namespace lastack {

enum class IpVersion : std::uint8_t { v4 = 4, v6 = 6 };

struct IpAddress {
  std::array<std::byte, 16> octets{};
  IpVersion version = IpVersion::v4;

  static IpAddress v4(std::uint32_t host_order);
  static IpAddress from_bytes(IpVersion version, const std::byte* p) {
    // Whole words: octets that are read back as words while they are still being written hold up the processor.
    std::array<std::uint64_t, 2> words{};
    if (version == IpVersion::v4) {
      std::uint32_t word = 0;
      std::memcpy(&word, p, sizeof word);
      std::memcpy(&words[0], &word, sizeof word);
    } else {
      std::memcpy(words.data(), p, sizeof words);
    }
    IpAddress address;
    address.version = version;
    std::memcpy(address.octets.data(), words.data(), sizeof words);
    return address;
  }
  // "192.0.2.1" or "2001:db8::1"; nothing for any other text.
  static std::optional<IpAddress> parse(std::string_view text);

  std::size_t size() const { return version == IpVersion::v4 ? 4 : 16; }
  Bytes bytes() const { return {octets.data(), size()}; }
  // Addresses that can never be one end of a TCP connection (RFC 9293 3.9.2.3 MUST-57; RFC 1122 3.2.1.3).
  bool is_unspecified() const {
    std::uint64_t words[2];
    std::memcpy(words, octets.data(), 16);
    return (words[0] | words[1]) == 0;
  }
  bool is_multicast_or_broadcast() const;
  bool is_loopback() const;  // "MUST NOT appear outside a host"
  std::string text() const;

  // What a defaulted comparison says, but in two words instead of octet by octet: it stands in the way of every packet.
  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    std::uint64_t words[4];
    std::memcpy(words, a.octets.data(), 16);
    std::memcpy(words + 2, b.octets.data(), 16);
    return ((words[0] ^ words[2]) | (words[1] ^ words[3])) == 0 && a.version == b.version;
  }
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;
  std::string text() const;  // 192.0.2.1:80, [2001:db8::1]:80
  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};

}  // namespace lastack
