#include "stack/wire/text.h"

#include <gtest/gtest.h>

namespace lastack {
namespace {

TEST(Text, FlagsGoBothWays) {
  for (std::uint16_t bits = 0; bits < 0x200; ++bits) {
    const Flags flags{bits};
    EXPECT_EQ(parse_flags(flags_text(flags)), flags) << flags_text(flags);
  }
  EXPECT_EQ(parse_flags("SA"), kSyn | kAck);
  EXPECT_EQ(flags_text(kFin | kAck), "FIN,ACK");
  EXPECT_FALSE(parse_flags("SYN,XYZ"));
}

TEST(Text, SegmentInOneLine) {
  Segment s;
  s.flags = kSyn | kAck;
  s.seq = SeqNum(300);
  s.ack = SeqNum(101);
  s.wnd = 65535;
  s.options.mss = 1460;
  s.options.window_scale = 7;
  s.options.sack_permitted = true;
  s.options.timestamps = Timestamps{1, 0};
  EXPECT_EQ(segment_text(s), "SYN,ACK seq=300 ack=101 win=65535 <mss 1460,ws 7,sackOK,ts 1:0>");
}

}  // namespace
}  // namespace lastack
