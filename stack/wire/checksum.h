// The Internet checksum (RFC 1071 arithmetic) with the pseudo-header of RFC 9293 3.1 for IPv4 and IPv6.
//= rfc9293 3.1 MUST-2
#pragma once

#include <cstdint>

#include "stack/base/bytes.h"
#include "stack/wire/ip_address.h"

namespace lastack {

// A running ones' complement sum, in native byte order (the sum is byte-order independent up to a swap at the end).
// Pieces may be added in any order as long as each starts at an even offset of the checksummed text.
class ChecksumAccumulator {
 public:
  void add(Bytes data);
  void add_be16(std::uint16_t v) { sum_ += __builtin_bswap16(v); }
  // All sixteen octets: those of an IPv4 address that are not used hold zero.
  void add_address(const IpAddress& address) { add_words<4>(address.octets.data()); }
  // A piece of a fixed size, `Words` times four octets: a header.
  template <std::size_t Words>
  void add_words(const std::byte* p) {
    std::uint32_t words[Words];
    std::memcpy(words, p, sizeof words);
    for (const std::uint32_t word : words) sum_ += word;
  }
  // The value for the checksum field, host order: complement of the folded sum.
  std::uint16_t finish() const;

 private:
  std::uint64_t sum_ = 0;
};

// The unfolded sum without the machine's vector instructions: what ChecksumAccumulator::add must agree with, folded.
std::uint64_t portable_sum(Bytes data);

// Sum of the pseudo-header: addresses, protocol and upper-layer length (RFC 9293 3.1; RFC 8200 8.1).
void add_pseudo_header(ChecksumAccumulator& sum, const IpAddress& src, const IpAddress& dst, std::uint8_t protocol,
                       std::uint32_t length);

// The checksum over a whole TCP segment whose checksum field holds zero: the value to store. Over a received segment
// with its field in place: 0 when it is right.
std::uint16_t tcp_checksum(const IpAddress& src, const IpAddress& dst, Bytes segment);

std::uint16_t internet_checksum(Bytes data);

}  // namespace lastack
