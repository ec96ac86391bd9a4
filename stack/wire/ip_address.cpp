// Text forms come from the C library (inet_pton, inet_ntop).
#include "stack/wire/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace lastack {

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress a;
  store_be32(a.octets.data(), host_order);
  return a;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  IpAddress a;
  if (inet_pton(AF_INET, terminated.c_str(), a.octets.data()) == 1) return a;
  a.version = IpVersion::v6;
  if (inet_pton(AF_INET6, terminated.c_str(), a.octets.data()) == 1) return a;
  return std::nullopt;
}

bool IpAddress::is_multicast_or_broadcast() const {
  const std::uint8_t first = load_u8(octets.data());
  if (version == IpVersion::v6) return first == 0xff;
  return (first & 0xf0U) == 0xe0U || load_be32(octets.data()) == 0xffff'ffffU;
}

bool IpAddress::is_loopback() const {
  if (version == IpVersion::v4) return load_u8(octets.data()) == 127;
  return std::all_of(octets.begin(), octets.end() - 1, [](std::byte b) { return b == std::byte{0}; }) &&
         octets.back() == std::byte{1};
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(version == IpVersion::v4 ? AF_INET : AF_INET6, octets.data(), buffer, sizeof buffer);
  return buffer;
}

std::string SocketAddress::text() const {
  const std::string number = std::to_string(port);
  return ip.version == IpVersion::v4 ? ip.text() + ":" + number : "[" + ip.text() + "]:" + number;
}

}  // namespace lastack
