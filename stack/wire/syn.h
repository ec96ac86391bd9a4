// The SYN and the SYN,ACK that nearly all are: in a plain packet (plain.h), without text, with an MSS alone or with
// SACK (RFC 2018) and both options of RFC 7323 as well, in one of the two orders in which stacks send them. Read where
// it lies, and written in one go. With parse_plain and write_plain this must agree (test/syn_test.cpp).
#pragma once

#include <cstdint>

#include "stack/wire/common.h"

namespace lastack {

class SynSegment : public PacketView {
 public:
  // The packet that was looked at to find a common segment, and is none.
  explicit SynSegment(const CommonSegment& common) : PacketView(common), size_(common.tcp_octets()) {}
  explicit SynSegment(Bytes packet) { size_ = look_at_ip(packet); }
  // False when it is another segment, or no good packet at all: then the others below mean nothing.
  bool is_one() const;
  // Takes it apart. `out` may hold another such segment.
  void fill(Segment& out) const;
  // MUST-3, and the IPv4 header's.
  bool checksums_are_right() const;

 private:
  bool has_all_options() const { return word_ >> 28 == 10; }
  const std::byte* options() const { return tcp_ + kTcpHeaderSize; }

  std::size_t size_ = 0;  // octets of the TCP segment
};

// What is on a SYN beside the MSS.
struct SynOptions {
  std::uint16_t mss = 0;
  bool sack_permitted = false;
  bool scaled = false;
  bool stamped = false;
  std::uint8_t shift = 0;  // where scaled
  Timestamps stamp{};      // where stamped
};

// `headers` without a stamp of their own. 0 when there is no room. Quick where all options are there or none.
std::size_t write_syn(MutableBytes out, const SocketAddress& from, const SocketAddress& to,
                      const CommonHeaders& headers, const SynOptions& options, Checksums checksums);

}  // namespace lastack
