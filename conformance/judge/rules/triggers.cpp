#include "conformance/judge/rules/triggers.h"

#include <algorithm>
#include <array>

#include "conformance/judge/facts.h"
#include "conformance/judge/rules/rules.h"

namespace lastack {

namespace {

// Which triggers each kind of segment can have besides the kind itself.
constexpr std::uint32_t kOfPlain = kNoAck | kNoTs | kEcn | kSeqLow | kSeqHigh | kFirst | kJumped | kFinSent | kAtEnd;
constexpr std::uint32_t kOfEmpty = kSeqLowEmpty | kSeqHighEmpty | kAfterPeerFin;
constexpr std::uint32_t kOfPlainAck = kAckLow | kAckHigh | kEdgeLow;
constexpr std::uint32_t kOfData = kEcnData | kRepeated;
constexpr std::uint32_t kOfTimestamps = kEchoNoAck | kTsvalLow | kTsecrUnsent | kTsecrLow;

constexpr std::uint32_t when(bool is, std::uint32_t bits) { return is ? bits : 0U; }

bool odd_form(const SegmentInfo& seg) {
  const Options& o = seg.tcp.options;
  return seg.malformed || seg.tcp.reserved != 0 || o.wrong_length || o.duplicate || o.nonzero_after_end ||
         seg.checksum == ChecksumState::wrong || seg.checksum == ChecksumState::offloaded;
}

std::uint32_t by_header(const Context& c) {
  const Options& o = c.seg.tcp.options;
  const bool ecn = c.seg.ip.ecn() != 0;
  return when(odd_form(c.seg), kOddForm) | when(o.mss || o.window_scale || o.sack_permitted, kSynOption) |
         when(!c.flags().ack(), kNoAck | kEchoNoAck) | when(!o.timestamps, kNoTs) |
         when(ecn || c.self.ect_syn_packet != 0, kEcn) | when(ecn, kEcnData);
}

std::uint32_t by_timestamps(const Context& c, const Timestamps& ts) {
  const SeqNum echo(ts.echo);
  const bool unsent = before(echo, SeqNum(c.peer.tsval_min)) || !at_or_before(echo, SeqNum(c.peer.tsval_max));
  const std::int32_t step = SeqNum(ts.value) - SeqNum(c.self.tsval_max);
  return when(step < 0 || is_far(step), kTsvalLow) | when(unsent, kTsecrUnsent) |
         when(!at_or_after(echo, SeqNum(c.self.tsecr_max)) || echo_is_stale(c), kTsecrLow);
}

std::uint32_t by_ack(const Context& c) {
  const int shift = std::max(c.conn.window_shift(c.side), 0);
  const Position edge = c.ack + (static_cast<Position>(c.seg.tcp.wnd) << shift);
  return when((c.self.acked && c.ack < c.self.ack_max) || c.ack <= c.peer.iss, kAckLow) |
         when(c.ack > c.peer.next, kAckHigh) | when(edge < c.self.edge_max, kEdgeLow);
}

std::uint32_t by_history(const Context& c) {
  return when(c.seq < c.self.next || c.seq <= c.self.iss, kSeqLow | kSeqLowEmpty) |
         when(c.seq > c.self.next, kSeqHigh | kSeqHighEmpty) | when(c.self.plain_segments == 0, kFirst) |
         when(c.self.jumped, kJumped) | when(c.self.fin || c.flags().fin(), kFinSent) |
         when(c.peer.fin, kAfterPeerFin) | when(c.conn.certain, kAtEnd) | when(c.end > c.peer.edge_max, kBeyondEdge) |
         when(c.self.stream.reaches(c.seq), kRepeated);
}

}  // namespace

std::uint32_t triggers_of(const Context& c) {
  const Flags f = c.flags();
  const auto& ts = c.seg.tcp.options.timestamps;
  const bool plain = !f.syn() && !f.rst();
  const bool data = c.seg.payload_size != 0;
  const bool empty = plain && !data && !f.fin();
  const bool plain_ack = plain && f.ack();
  const std::uint32_t kind = when(f.syn(), kOnSyn) | when(f.rst(), kOnRst) | when(data, kOnData) |
                             when(f.fin(), kOnFin) | when(c.seg.tcp.options.sack_count != 0, kOnSack) |
                             when(plain, kPlain) | when(empty, kEmpty) | when(plain_ack, kOnAckPlain);
  const std::uint32_t possible = kOddForm | when(!f.syn(), kSynOption) | when(plain, kOfPlain) | when(empty, kOfEmpty) |
                                 when(plain_ack, kOfPlainAck) | when(data, kOfData) |
                                 when(data || f.fin(), kBeyondEdge) | when(ts.has_value(), kOfTimestamps);
  if (c.conn.ask_every_rule) return kind | possible;
  const std::uint32_t speaks =
      by_header(c) | by_history(c) | (ts ? by_timestamps(c, *ts) : 0U) | (plain_ack ? by_ack(c) : 0U);
  return kind | (speaks & possible);
}

namespace {

struct Table {
  std::array<RuleSet, kTriggers> rules;
  std::uint32_t used = 0;  // triggers that ask anything
};

Table make_table() {
  Table table;
  const auto rows = rule_rows();
  for (std::size_t rule = 0; rule < rows.size(); ++rule) {
    table.used |= rows[rule].triggers;
    for (std::size_t bit = 0; bit < kTriggers; ++bit) {
      if ((rows[rule].triggers >> bit & 1U) != 0) table.rules[bit].add(rule);
    }
  }
  return table;
}

}  // namespace

RuleSet asked_by(std::uint32_t triggers) {
  static const Table table = make_table();
  RuleSet rules;
  for (std::uint32_t left = triggers & table.used; left != 0; left &= left - 1) {
    rules.add(table.rules[static_cast<std::size_t>(std::countr_zero(left))]);
  }
  return rules;
}

}  // namespace lastack
