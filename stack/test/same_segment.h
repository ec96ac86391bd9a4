// Two readings of one packet: every field of the segment, and the same octets in place.
#pragma once

#include <gtest/gtest.h>

#include "stack/wire/segment.h"

namespace lastack {

inline void expect_same_segment(const Segment& read, const Segment& whole) {
  EXPECT_EQ(read.src_port, whole.src_port);
  EXPECT_EQ(read.dst_port, whole.dst_port);
  EXPECT_EQ(read.seq, whole.seq);
  EXPECT_EQ(read.ack, whole.ack);
  EXPECT_EQ(read.flags, whole.flags);
  EXPECT_EQ(read.reserved, whole.reserved);
  EXPECT_EQ(read.wnd, whole.wnd);
  EXPECT_EQ(read.urg, whole.urg);
  EXPECT_EQ(read.checksum, whole.checksum);
  EXPECT_EQ(read.header_size, whole.header_size);
  EXPECT_TRUE(read.options == whole.options);
  EXPECT_EQ(read.payload.data(), whole.payload.data());
  EXPECT_EQ(read.payload.size(), whole.payload.size());
}

}  // namespace lastack
