#include "conformance/judge/rules/triggers.h"

#include <algorithm>
#include <array>

#include "conformance/judge/rules/rules.h"

namespace lastack {

namespace {

// Of one segment: what kind it is, and (or when every rule is wanted) what else speaks for asking.
struct Collector {
  const Context& c;
  bool every;
  std::uint32_t bits = 0;

  void kind(bool is, Trigger bit) { bits |= is ? bit : 0U; }
  void when(bool possible, bool speaks, Trigger bit) { bits |= possible && (speaks || every) ? bit : 0U; }
};

bool odd_form(const SegmentInfo& seg) {
  const Options& o = seg.tcp.options;
  return seg.malformed || seg.tcp.reserved != 0 || o.wrong_length || o.duplicate || o.nonzero_after_end ||
         seg.checksum == ChecksumState::wrong || seg.checksum == ChecksumState::offloaded;
}

void by_header(Collector& t, bool plain, bool data) {
  const SegmentInfo& seg = t.c.seg;
  const Options& o = seg.tcp.options;
  const bool ecn = seg.ip.ecn() != 0;
  t.when(true, odd_form(seg), kOddForm);
  t.when(!seg.tcp.flags.syn(), o.mss || o.window_scale || o.sack_permitted, kSynOption);
  t.when(plain, !seg.tcp.flags.ack(), kNoAck);
  t.when(plain, !o.timestamps, kNoTs);
  t.when(plain, ecn || t.c.self.ect_syn_packet != 0, kEcn);
  t.when(data, ecn, kEcnData);
}

void by_timestamps(Collector& t, const Timestamps& ts) {
  const Endpoint& self = t.c.self;
  const Endpoint& peer = t.c.peer;
  const SeqNum echo(ts.echo);
  t.when(true, !t.c.flags().ack(), kEchoNoAck);
  t.when(true, !at_or_after(SeqNum(ts.value), SeqNum(self.tsval_max)), kTsvalLow);
  t.when(true, before(echo, SeqNum(peer.tsval_min)) || !at_or_before(echo, SeqNum(peer.tsval_max)), kTsecrUnsent);
  t.when(true, !at_or_after(echo, SeqNum(self.tsecr_max)), kTsecrLow);
}

void by_ack(Collector& t) {
  const Context& c = t.c;
  const int shift = std::max(c.conn.window_shift(c.side), 0);
  const Position edge = c.ack + (static_cast<Position>(c.seg.tcp.wnd) << shift);
  t.when(true, (c.self.acked && c.ack < c.self.ack_max) || c.ack <= c.peer.iss, kAckLow);
  t.when(true, c.ack > c.peer.next, kAckHigh);
  t.when(true, edge < c.self.edge_max, kEdgeLow);
}

void by_history(Collector& t, bool empty) {
  const Context& c = t.c;
  const bool low = c.seq < c.self.next || c.seq <= c.self.iss;
  const bool high = c.seq > c.self.next;
  t.when(true, low, kSeqLow);
  t.when(empty, low, kSeqLowEmpty);
  t.when(true, high, kSeqHigh);
  t.when(empty, high, kSeqHighEmpty);
  t.when(true, c.self.plain_segments == 0, kFirst);
  t.when(true, c.self.jumped, kJumped);
  t.when(true, c.self.fin || c.flags().fin(), kFinSent);
  t.when(empty, c.peer.fin, kAfterPeerFin);
  t.when(true, c.conn.certain, kAtEnd);
}

}  // namespace

std::uint32_t triggers_of(const Context& c) {
  const Flags f = c.flags();
  const bool plain = !f.syn() && !f.rst();
  const bool data = c.seg.payload_size != 0;
  const bool empty = plain && !data && !f.fin();
  Collector t{c, c.conn.ask_every_rule};
  t.kind(f.syn(), kOnSyn);
  t.kind(f.rst(), kOnRst);
  t.kind(data, kOnData);
  t.kind(f.fin(), kOnFin);
  t.kind(c.seg.tcp.options.sack_count != 0, kOnSack);
  t.kind(plain, kPlain);
  t.kind(empty, kEmpty);
  t.kind(plain && f.ack(), kOnAckPlain);
  by_header(t, plain, data);
  if (const auto& ts = c.seg.tcp.options.timestamps) by_timestamps(t, *ts);
  if (plain && f.ack()) by_ack(t);
  if (plain) by_history(t, empty);
  t.when(data || f.fin(), c.end > c.peer.edge_max, kBeyondEdge);
  t.when(data, c.self.stream.reaches(c.seq), kRepeated);
  return t.bits;
}

namespace {

using Table = std::array<RuleSet, kTriggers>;

Table make_table() {
  Table table;
  const auto rows = rule_rows();
  for (std::size_t rule = 0; rule < rows.size(); ++rule) {
    for (std::size_t bit = 0; bit < kTriggers; ++bit) {
      if ((rows[rule].triggers >> bit & 1U) != 0) table[bit].add(rule);
    }
  }
  return table;
}

}  // namespace

RuleSet asked_by(std::uint32_t triggers) {
  static const Table table = make_table();
  RuleSet rules;
  for (; triggers != 0; triggers &= triggers - 1)
    rules.add(table[static_cast<std::size_t>(std::countr_zero(triggers))]);
  return rules;
}

}  // namespace lastack
