// What the tests of the judge's silence share: who is accused, and what a path does to a packet.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "conformance/test/cpp/judge_talk.h"
#include "stack/wire/checksum.h"

namespace lastack::test {

inline int violations(Talk& t) {
  int n = 0;
  for (const Finding& f : t.findings()) n += f.verdict == Verdict::violated ? 1 : 0;
  return n;
}

inline void expect_nobody_accused(Talk& t) {
  for (const Finding& f : t.findings()) EXPECT_EQ(f.verdict, Verdict::note) << to_string(f);
}

// `bits` of the TCP header's octet turned over.
inline std::function<void(std::vector<std::byte>&)> flipped(std::size_t octet, unsigned bits) {
  return [=](std::vector<std::byte>& p) { p[kIpv4HeaderSize + octet] ^= static_cast<std::byte>(bits); };
}

inline void fix_ip_checksum(std::vector<std::byte>& p) {
  p[10] = p[11] = std::byte{0};
  store_be16(p.data() + 10, internet_checksum({p.data(), kIpv4HeaderSize}));
}

// Arrives with `n` hops left.
inline std::function<void(std::vector<std::byte>&)> hops(unsigned n) {
  return [=](std::vector<std::byte>& p) {
    p[8] = static_cast<std::byte>(n);
    fix_ip_checksum(p);
  };
}

// With this IP identification; that of a SYN-ACK of Linux is 0.
inline std::function<void(std::vector<std::byte>&)> with_id(std::uint16_t id) {
  return [=](std::vector<std::byte>& p) {
    store_be16(p.data() + 4, id);
    fix_ip_checksum(p);
  };
}

// Two SACK blocks.
inline std::function<void(Segment&)> two_blocks(std::uint32_t l1, std::uint32_t r1, std::uint32_t l2,
                                                std::uint32_t r2) {
  return [=](Segment& s) {
    s.options.sack_count = 2;
    s.options.sack[0] = {SeqNum(l1), SeqNum(r1)};
    s.options.sack[1] = {SeqNum(l2), SeqNum(r2)};
  };
}

}  // namespace lastack::test
