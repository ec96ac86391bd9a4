// What came twice is reported (RFC 2883, the receiver's half), once and only when it is true.
#include "stack/test/core_fixture.h"

namespace lastack {
namespace {

struct Part {
  std::uint32_t from;
  std::uint32_t to;
};

class Duplicate : public CoreFixture {
 protected:
  void open(bool stamps = false, bool report = true) {
    HostConfig config = plain();
    config.tcp.sack = true;
    config.tcp.timestamps = stamps;
    config.tcp.duplicate_sack = report;
    start(config, kIsns[1]);
    listen();
    Segment syn = from_peer(kSyn, theirs(0), SeqNum(0));
    syn.options.mss = 1000;
    syn.options.sack_permitted = true;
    if (stamps) syn.options.timestamps = Timestamps{100, 0};
    rx(syn);
    tx();
    text({1, 1}, 100);
    accept();
    tx();
  }
  void text(Part part, std::uint32_t stamp = 100, Flags flags = kAck) {
    Segment segment = from_peer(flags, theirs(part.from), ours(1), part.to - part.from);
    if (host_->defaults().timestamps) segment.options.timestamps = Timestamps{stamp, 0};
    rx(segment);
  }
  // "ack=21 [11,21) [31,41)" for each segment that leaves, by numbers relative to the peer's ISN.
  std::string reports() {
    std::string all;
    for (const Segment& s : tx()) {
      all += (all.empty() ? "ack=" : "; ack=") + std::to_string(octets_between(theirs(0), s.ack));
      for (std::size_t i = 0; i < s.options.sack_count; ++i) {
        all += " [" + std::to_string(octets_between(theirs(0), s.options.sack[i].left)) + "," +
               std::to_string(octets_between(theirs(0), s.options.sack[i].right)) + ")";
      }
    }
    return all;
  }
  std::string reports_after(Part part) {
    text(part);
    return reports();
  }
};

struct ReportCase {
  const char* label;
  std::vector<Part> before;
  Part last;
  const char* report;
};

class DuplicateReport : public Duplicate, public testing::WithParamInterface<ReportCase> {};

//= rfc2883 4 4.1 4.2
TEST_P(DuplicateReport, IsTheFirstBlockAndComesOnce) {
  open();
  for (const Part& part : GetParam().before) reports_after(part);
  EXPECT_EQ(reports_after(GetParam().last), GetParam().report) << GetParam().label;
  text({1, 1});
  send(10);
  for (const Segment& s : tx()) EXPECT_FALSE(s.options.sack_count != 0 && !before(s.ack, s.options.sack[0].right));
}

INSTANTIATE_TEST_SUITE_P(
    Section4, DuplicateReport,
    testing::Values(
        ReportCase{"4.1.1 below the ACK", {{1, 11}, {11, 21}}, {1, 11}, "ack=21 [1,11)"},
        ReportCase{"4.1.2 before the held", {{1, 21}, {31, 41}}, {1, 11}, "ack=21 [1,11) [31,41)"},
        ReportCase{"4.1.3 of what is held", {{11, 21}, {21, 31}}, {21, 31}, "ack=1 [21,31) [11,31)"},
        ReportCase{"the whole of what is held", {{11, 21}}, {11, 21}, "ack=1 [11,21) [11,21)"},
        ReportCase{"4.2.1 in part, below", {{1, 11}, {21, 31}}, {1, 21}, "ack=31 [1,11)"},
        ReportCase{"4.2.2 the first part of two", {{1, 11}, {21, 31}}, {1, 41}, "ack=41 [1,11)"},
        ReportCase{
            "4.2.3 two parts beyond a gap", {{11, 21}, {31, 41}, {51, 61}}, {11, 41}, "ack=1 [11,21) [11,41) [51,61)"},
        ReportCase{"not the older run first", {{11, 21}, {31, 41}}, {11, 21}, "ack=1 [11,21) [11,21) [31,41)"},
        ReportCase{"nothing new is a duplicate", {{1, 11}}, {11, 21}, "ack=21"},
        ReportCase{"nothing held is a duplicate", {{11, 21}}, {31, 41}, "ack=1 [31,41) [11,21)"}),
    [](const auto& row) { return "Case" + std::to_string(row.index); });

TEST_F(Duplicate, WhatLiesBeforeTheConnectionWasNeverReceived) {
  open();
  EXPECT_EQ(reports_after({1, 11}), "ack=11");
  rx(from_peer(kAck, theirs(0) - 50, ours(1), 20));
  EXPECT_EQ(reports(), "ack=11");
  rx(from_peer(kAck, theirs(0), ours(1), 5));
  EXPECT_EQ(reports(), "ack=11") << "the octet of the SYN";
}

TEST_F(Duplicate, OnlyOfTheMostRecentSegment) {
  open();
  reports_after({1, 11});
  text({1, 11});
  text({11, 21});
  EXPECT_EQ(reports(), "ack=21");
  text({1, 11});
  text({1, 1});
  EXPECT_EQ(reports(), "ack=21");
}

TEST_F(Duplicate, TextThatLeavesCarriesIt) {
  open();
  reports_after({1, 11});
  text({1, 11});
  send(1988);
  const auto all = tx();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(payload_sizes_[0], 988U) << "MSS 1000 without the 12 octets of the option";
  EXPECT_EQ(all[0].options.sack_count, 1);
  EXPECT_EQ(all[1].options.sack_count, 0);
}

//= rfc2883 4.3
TEST_F(Duplicate, PawsRefusesAndReports) {
  open(true);
  reports_after({1, 11});
  text({21, 31}, 101);
  EXPECT_EQ(reports(), "ack=11 [21,31)");
  text({1, 11}, 50);
  EXPECT_EQ(reports(), "ack=11 [1,11) [21,31)");
  text({21, 31}, 50);
  EXPECT_EQ(reports(), "ack=11 [21,31)") << "refused: only what is held";
}

TEST_F(Duplicate, OfTextWithAFinAndAfterIt) {
  open();
  text({1, 11}, 100, kAck | kFin);
  EXPECT_EQ(reports(), "ack=12");
  text({1, 11}, 100, kAck | kFin);
  EXPECT_EQ(reports(), "ack=12 [1,11)") << "the FIN is no octet";
}

TEST_F(Duplicate, ARefusedSegmentLeavesNothingBehind) {
  open();
  reports_after({1, 11});
  rx(from_peer(kRst, theirs(1), SeqNum(0), 10));
  EXPECT_EQ(reports(), "");
  send(10);
  EXPECT_EQ(reports(), "ack=11");
}

TEST_F(Duplicate, IsAChoice) {
  open(false, false);
  reports_after({1, 11});
  EXPECT_EQ(reports_after({1, 11}), "ack=11");
}

}  // namespace
}  // namespace lastack
