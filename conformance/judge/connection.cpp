#include "conformance/judge/connection.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "conformance/judge/facts.h"
#include "conformance/judge/in_order.h"
#include "conformance/judge/rules/replies.h"
#include "conformance/judge/rules/rules.h"

namespace lastack {

namespace {

std::int8_t shift_of(const SynFacts& own, const SynFacts& other) {
  if (own.every_scale && other.every_scale)
    return own.scale_changed ? std::int8_t{-1} : static_cast<std::int8_t>(own.shift);
  return own.some_scale && other.some_scale ? std::int8_t{-1} : std::int8_t{0};
}

}  // namespace

void TrackedConnection::settle_agreement() {
  const SynFacts& a = ends[0].syn;
  const SynFacts& b = ends[1].syn;
  agreed = {};
  agreed.handshake = a.count != 0 && b.count != 0 && !ends[0].isn_ambiguous && !ends[1].isn_ambiguous;
  agreed.options = agreed.handshake && a.options_known && b.options_known;
  if (!agreed.options) return;
  agreed.timestamps = a.every_timestamps && b.every_timestamps;
  // MPTCP's window belongs to all its subflows together, and is counted from the DATA_ACK (RFC 8684 3.3.1).
  if (!certain && a.some_unknown && b.some_unknown) return;
  agreed.shift[0] = shift_of(a, b);
  agreed.shift[1] = shift_of(b, a);
}

std::size_t TrackedConnection::memory() const {
  return sizeof *this + ends[0].stream.memory() + ends[1].stream.memory() + suspicions.capacity() * sizeof(Suspicion);
}

bool seq_of_elsewhere(const Context& c) {
  if (c.conn.certain) return false;
  return !c.ack_fits() || c.conn.earlier[c.side].may_hold(c.seg.tcp.seq);
}

bool ack_of_elsewhere(const Context& c) {
  if (c.conn.certain) return false;
  return !c.seq_fits() || c.conn.earlier[1 - c.side].may_hold(c.seg.tcp.ack);
}

bool may_be_urgent_piece(const Context& c) {
  if (c.conn.certain) return false;
  const bool follows_urgent = c.seq == c.self.urgent_end;
  return follows_urgent ? c.seg.tcp.urg == c.self.urgent_up : c.seq != c.self.next;
}

bool seq_of_before(const Context& c) {
  return !c.conn.certain && c.conn.earlier[c.side].may_hold(c.seg.tcp.seq) && !c.ack_fits();
}

bool ack_of_before(const Context& c) {
  return !c.conn.certain && c.conn.earlier[1 - c.side].may_hold(c.seg.tcp.ack) && !c.seq_fits();
}

std::string why_later(const Context& c, unsigned but) {
  const unsigned w = c.witness & ~but;
  if ((w & kOwnTap) != 0) return "";
  const auto& ts = c.seg.tcp.options.timestamps;
  std::string by;
  if ((w & kByTsval) != 0) {
    by = "newer TSval " + std::to_string(ts->value);
  } else if ((w & kByTsecr) != 0) {
    by = "newer TSecr " + std::to_string(ts->echo);
  } else if ((w & kById) != 0) {
    by = "newer IP identification";
  } else {
    by = "higher ACK";
  }
  return ", and its " + by + " shows that this was sent later";
}

bool impossibly_far(Position distance, Duration elapsed) {
  constexpr Position kSlack = Position{1} << 26;  // clocks of captures may be coarse, or be wrong by milliseconds
  constexpr double kOctetsPerNanosecond = 50;     // 400 Gb/s
  const auto ns = static_cast<double>(std::chrono::nanoseconds(elapsed).count());
  return static_cast<double>(distance - kSlack) > kOctetsPerNanosecond * std::max(ns, 0.0);
}

std::string number_text(Position p) { return std::to_string(wire_number(p)); }

std::string since_packet(std::uint64_t packet) { return packet == 0 ? "" : " since packet " + std::to_string(packet); }

namespace {

// Low bits aside: what differs by 1 or 1,024 is more often miscounted than damaged.
bool differs_by_high_bit(Position expected, SeqNum actual) {
  const std::uint32_t difference = wire_number(expected) ^ actual.raw();
  return difference >= 1U << 16 && std::has_single_bit(difference);
}

// The path may have flipped one bit of this segment, and that alone would be what is wrong with it.
bool one_bit_explains(const Context& c) {
  if (c.seg.malformed || differs_by_high_bit(c.self.next, c.seg.tcp.seq)) return true;
  // A segment of the connection that goes on, but for its SYN.
  if (c.flags().syn() && c.self.plain_segments != 0 && c.seq > c.self.iss && c.seq <= c.self.next) return true;
  return c.flags().ack() &&
         (differs_by_high_bit(c.peer.next, c.seg.tcp.ack) || differs_by_high_bit(c.self.ack_max, c.seg.tcp.ack));
}

}  // namespace

Finding Context::draft(RuleId rule, std::string expected, std::string actual, std::string why) const {
  Finding f;
  f.packet = seg.number;
  f.connection = conn.id;
  f.endpoint = conn.address[side];
  f.peer = conn.address[1 - side];
  f.rule = &judge_rules()[static_cast<std::size_t>(rule)];
  f.time = seg.time;
  f.unverified = !conn.certain && seg.checksum == ChecksumState::unknown;
  f.header_cut = !conn.certain && !seg.options_known;
  f.flipped_bit = f.unverified && (one_bit_differs || one_bit_explains(*this));
  f.after_unverified = !conn.certain && conn.unverified;
  f.larger_than_frame = larger_than_frame(seg);
  f.expected = std::move(expected);
  f.actual = std::move(actual);
  f.why = std::move(why);
  return f;
}

namespace {

// A suspicion that is borne out later may be about a field that another rule has convicted already.
bool said_already(TrackedConnection& conn, int accused, std::uint64_t packet, std::uint8_t fields) {
  if (fields == kBlameNone) return false;
  for (const Blamed& b : conn.last_blamed) {
    if (b.packet == packet && b.side == accused && (b.fields & fields) != 0) return true;
  }
  conn.last_blamed[conn.next_blamed] = {packet, static_cast<std::uint8_t>(accused), fields};
  conn.next_blamed = (conn.next_blamed + 1) % conn.last_blamed.size();
  return false;
}

}  // namespace

void report(TrackedConnection& conn, int accused, Finding&& finding) {
  Endpoint& e = conn.ends[accused];
  const auto index = static_cast<std::size_t>(finding.rule - judge_rules().data());
  if (finding.verdict == Verdict::note) {
    if (conn.said_note[accused][index]) return;
    conn.said_note[accused][index] = true;
    conn.sink->add(std::move(finding));
    return;
  }
  if (finding.verdict == Verdict::inconclusive) {
    // Said once per rule and connection: it is about what the capture lacks, and one gap would repeat it for every
    // packet.
    if (conn.said_inconclusive[index]) return;
    conn.said_inconclusive[index] = true;
    ++e.inconclusive;
  } else {
    if (!conn.certain && said_already(conn, accused, finding.packet, rule_rows()[index].blames)) return;
    ++e.violations;
  }
  conn.sink->add(std::move(finding));
}

void Context::violated(RuleId rule, std::string expected, std::string actual, std::string why) const {
  blamed = static_cast<std::uint8_t>(blamed | rule_row(rule).blames);
  accuse(draft(rule, std::move(expected), std::move(actual), std::move(why)));
}

void Context::accuse(Finding&& f) const {
  const bool travelled_otherwise = self.hop_limit != 0 && self.hop_limit != seg.ip.hop_limit;
  const bool other_hops = travelled_otherwise || (self.other_hops && !rule_needs_segment_only(*f.rule));
  if (other_hops && !conn.certain) leave_undecided(f, "the hop limit changes, so another host may speak in its name");
  report(conn, side, std::move(f));
}

bool Context::seq_fits() const {
  if (!self.numbers_known || conn.next_syn.present || self.isn_ambiguous) return false;
  const Position highest = std::max(self.next, conn.certain ? self.next : self.claimed);
  if (conn.handshake_known()) return seq >= self.iss && seq <= highest;
  return self.plain_segments > 2 && peer.acked && seq >= std::min(peer.ack_max, self.next) - 1 && seq <= highest;
}

bool Context::echoes_unseen() const {
  const auto& ts = seg.tcp.options.timestamps;
  return !conn.certain && ts && flags().ack() && peer.ts_seen && after(SeqNum(ts->echo), SeqNum(peer.tsval_max));
}

bool Context::ack_fits() const {
  if (!flags().ack() || !peer.numbers_known || conn.next_syn.present || peer.isn_ambiguous) return false;
  const Position highest = std::max(peer.next, conn.certain ? peer.next : peer.claimed);
  if (conn.handshake_known()) return ack > peer.iss && ack <= highest;
  return self.plain_segments > 2 && self.acked && ack >= self.ack_max && ack <= highest;
}

void Context::inconclusive(RuleId rule, std::string expected, std::string actual, std::string why,
                           std::string_view doubt) const {
  Finding f = draft(rule, std::move(expected), std::move(actual), std::move(why));
  leave_undecided(f, doubt);
  report(conn, side, std::move(f));
}

void Context::decide(RuleId rule, std::string expected, std::string actual, std::string why, const char* doubt) const {
  if (doubt == nullptr) {
    violated(rule, std::move(expected), std::move(actual), std::move(why));
  } else {
    inconclusive(rule, std::move(expected), std::move(actual), std::move(why), doubt);
  }
}

void Context::note(RuleId rule, std::string expected, std::string actual, std::string why) const {
  Finding f = draft(rule, std::move(expected), std::move(actual), std::move(why));
  f.verdict = Verdict::note;
  report(conn, side, std::move(f));
}

void Context::violated_at_tap(RuleId rule, std::string expected, std::string actual, std::string why,
                              bool needs_complete, bool note_elsewhere) const {
  constexpr std::size_t kMaxWaiting = 16;
  if (conn.provisional.size() >= kMaxWaiting) return;
  Provisional p;
  p.finding = draft(rule, std::move(expected), std::move(actual), std::move(why));
  p.accused = static_cast<std::uint8_t>(side);
  p.needs_complete = needs_complete;
  p.note_elsewhere = note_elsewhere;
  conn.provisional.push_back(std::move(p));
}

void Context::note_at_tap(RuleId rule, std::string expected, std::string actual, std::string why) const {
  const std::size_t before = conn.provisional.size();
  violated_at_tap(rule, std::move(expected), std::move(actual), std::move(why));
  if (conn.provisional.size() > before) conn.provisional.back().only_note = true;
}

Suspicion* TrackedConnection::suspected(SuspicionKind kind, int accused) {
  for (Suspicion& s : suspicions) {
    if (s.kind == kind && s.accused == accused) return &s;
  }
  return nullptr;
}

Suspicion* Context::suspect(SuspicionKind kind, RuleId rule, Position claimed, Position known, std::string expected,
                            std::string actual, std::string why) const {
  Finding f = draft(rule, std::move(expected), std::move(actual), std::move(why));
  if (conn.certain) {
    blamed = static_cast<std::uint8_t>(blamed | rule_row(rule).blames);
    report(conn, side, std::move(f));
    return nullptr;
  }
  constexpr std::size_t kMaxWaiting = 16;
  if (conn.suspicions.size() >= kMaxWaiting) return nullptr;
  Suspicion s;
  s.kind = kind;
  s.selective = rule == RuleId::sack_of_unsent_data;
  s.accused = static_cast<std::uint8_t>(side);
  s.claimed = claimed;
  s.known = known;
  s.known_since = self.next_sure;
  s.has_ack = flags().ack();
  s.reset = flags().rst();
  s.ack = ack;
  s.end = end;
  s.later = later;
  s.new_text = end > self.next && seq <= self.next && self.numbers_known;
  if (const auto& ts = seg.tcp.options.timestamps) {
    s.has_tsval = true;
    s.new_tsval = (witness & kByTsval) != 0;
    s.tsval = ts->value;
  }
  s.draft = std::move(f);
  conn.suspicions.push_back(std::move(s));
  return &conn.suspicions.back();
}

namespace {

// An echo of a newer timestamp than it echoed before, of those that the peer sent.
bool echoes_newer(const Context& c, const Timestamps& ts) {
  const Endpoint& self = c.self;
  if (!c.flags().ack() || !self.tsecr_seen || c.peer.ts_erratic || !c.conn.timestamps_negotiated()) return false;
  return after(SeqNum(ts.echo), SeqNum(self.tsecr_highest)) &&
         at_or_before(SeqNum(ts.echo), SeqNum(c.peer.tsval_max)) && c.peer.ts_seen &&
         at_or_after(SeqNum(ts.value), SeqNum(self.tsval_max));
}

// What shows that the segment was sent after everything seen so far of its sender.
std::uint8_t witness_of(const Context& c) {
  const Endpoint& self = c.self;
  if (c.conn.certain || self.packets == 0) return kOwnTap;
  unsigned w = 0;
  const auto& ts = c.seg.tcp.options.timestamps;
  if (ts && !c.flags().rst() && self.ts_seen && !self.ts_erratic && !self.ts_unread) {
    if (after(SeqNum(ts->value), SeqNum(self.tsval_max)) && !is_far(SeqNum(ts->value) - SeqNum(self.tsval_max)))
      w |= kByTsval;
    if (echoes_newer(c, *ts)) w |= kByTsecr;
  }
  if (c.seg.ip.src.version == IpVersion::v4 && self.ids.counts_up() && self.ids.is_newer(c.seg.ip.id)) w |= kById;
  const bool acks_more = c.flags().ack() && !c.flags().rst() && self.acked && c.ack > self.ack_highest && c.ack_fits();
  if (acks_more) w |= kByAck;
  return static_cast<std::uint8_t>(w);
}

void place_numbers(Context& c) {
  if (!c.self.numbers_known && c.self.next == 0) c.self.next = c.self.first = first_position(c.seg.tcp.seq);
  c.seq = unwrap(c.self.next, c.seg.tcp.seq);
  c.end = c.seq + c.seg.len();
  if (!c.flags().ack()) return;
  if (!c.peer.numbers_known && c.peer.next == 0) c.peer.next = first_position(c.seg.tcp.ack);
  c.ack = unwrap(c.peer.next, c.seg.tcp.ack);
}

void ask_rules(Context& c, bool only_form) {
  asked_by(triggers_of(c)).each([&c, only_form](std::size_t rule) {
    const RuleRow& row = rule_rows()[rule];
    if ((row.blames & c.blamed) != 0) return;
    if (!only_form || rule_needs_segment_only(row.info)) row.check(c);
  });
}

// A segment that no receiver would process: malformed or damaged. Only its form is judged, and it changes nothing.
bool unusable(const TrackedConnection& conn, const SegmentInfo& seg) {
  if (seg.malformed && seg.malformed->fault != WireFault::tcp_bad_option_length) return true;
  if (seg.checksum == ChecksumState::wrong) return true;
  if (conn.certain && !seg.ip.header_checksum_ok) return true;
  return conn.certain && seg.checksum == ChecksumState::offloaded;
}

// More text than its receiver takes in a segment has not been on a wire like that: a card or driver cuts it, or has put
// it together from arrivals. Whatever its checksum is, nobody was to check it.
bool not_yet_a_segment(const TrackedConnection& conn, int side, const SegmentInfo& seg) {
  const SynFacts& receiver = conn.ends[1 - side].syn;
  return !conn.certain && seg.checksum == ChecksumState::wrong && !seg.malformed && receiver.has_mss &&
         seg.payload_size > receiver.mss;
}

void judge_form(Context& c) {
  const bool no_header = c.seg.malformed && c.seg.malformed->fault != WireFault::tcp_bad_option_length;
  if (no_header) {
    rules::data_offset(c);
  } else {
    rules::checksum(c);
  }
}

}  // namespace

void judge_segment(TrackedConnection& conn, int side, const SegmentInfo& seg) {
  if (not_yet_a_segment(conn, side, seg)) {
    SegmentInfo unchecked = seg;
    unchecked.checksum = ChecksumState::unknown;
    return judge_segment(conn, side, unchecked);
  }
  Endpoint& self = conn.ends[side];
  const bool judged = conn.judged < 0 || conn.judged == side;
  conn.quiet = false;
  Context c(conn, side, seg);
  if (unusable(conn, seg)) {
    if (judged) judge_form(c);
    if (!conn.certain && seg.checksum == ChecksumState::wrong) ++conn.conduct[side].tap.wrong;
    ++self.packets;
    return;
  }
  place_numbers(c);
  c.witness = witness_of(c);
  c.later = c.witness != 0;
  if (conn.certain) replies::before_segment(c);
  if (!conn.suspicions.empty()) settle_suspicions(c);
  const bool doubt = conn.certain && !judged && leaves_doubt(c);
  // With two initial numbers nothing that depends on one of them can be told.
  if (judged) ask_rules(c, conn.doubtful || (!conn.certain && (self.isn_ambiguous || c.peer.isn_ambiguous)));
  if (!conn.certain) conduct::segment(c);
  note_facts(c);
  if (conn.certain) {
    replies::after_segment(c);
    conn.doubtful = conn.doubtful || doubt || reset_leaves_doubt(c);
    if (conn.doubtful) conn.ends[conn.judged].due = false;
  }
  if (seg.checksum == ChecksumState::unknown) conn.unverified = true;
  ++self.packets;
  self.octets += seg.payload_size;
  conn.quiet = is_quiet(conn);
}

void judge_stranger(TrackedConnection& conn, int side, const SegmentInfo& seg, bool of_before) {
  conn.quiet = false;
  Context c(conn, side, seg);
  if (!c.self.numbers_known) return;  // nothing to place it by
  place_numbers(c);
  ask_rules(c, true);
  if (of_before) return;
  c.inconclusive(RuleId::unsent_sequence, "SEQ=" + number_text(c.self.next) + ", ACK=" + number_text(c.peer.next),
                 "SEQ=" + number_text(c.seq) + ", ACK=" + number_text(c.ack),
                 "neither number is one of this connection", "it may be of another one of the same ports");
}

void conclude(TrackedConnection& conn) { conclude_suspicions(conn); }

}  // namespace lastack
