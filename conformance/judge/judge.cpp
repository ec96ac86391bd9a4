// Finds the connection that a packet belongs to, and keeps the set of connections bounded. What is right and wrong is
// decided in connection.cpp and rules/.
#include "conformance/judge/judge.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "conformance/judge/connection.h"
#include "conformance/judge/opening.h"
#include "conformance/judge/rules/replies.h"
#include "conformance/judge/rules/rules.h"
#include "conformance/judge/tap_ledger.h"

namespace lastack {

namespace {

struct Direction {
  FlowKey key;
  int sender = 0;  // which of the key's two sockets sent the packet
};

void put_socket(FlowKey& key, int at, const IpAddress& ip, std::uint16_t port) {
  std::copy(ip.octets.begin(), ip.octets.end(), key.octets.begin() + at * 16);
  store_be16(key.octets.data() + 32 + at * 2, port);
}

Direction direction_of(const SegmentInfo& seg) {
  Direction d;
  d.key.version = seg.ip.src.version;
  const int by_address = std::memcmp(seg.ip.src.octets.data(), seg.ip.dst.octets.data(), seg.ip.src.octets.size());
  const bool source_first = by_address != 0 ? by_address < 0 : seg.tcp.src_port <= seg.tcp.dst_port;
  d.sender = source_first ? 0 : 1;
  put_socket(d.key, d.sender, seg.ip.src, seg.tcp.src_port);
  put_socket(d.key, 1 - d.sender, seg.ip.dst, seg.tcp.dst_port);
  return d;
}

// One table holds the connections of all contexts.
std::uint64_t hash_in(std::uint64_t context, std::uint64_t hash) {
  return context == 0 ? hash : mix(hash ^ context, 0x9e3779b97f4a7c15U);
}

bool is_in(const TrackedConnection& c, std::uint64_t context) {
  return c.context == context || std::find(c.contexts.begin(), c.contexts.end(), context) != c.contexts.end();
}

SocketAddress source(const SegmentInfo& s) { return {s.ip.src, s.tcp.src_port}; }
SocketAddress destination(const SegmentInfo& s) { return {s.ip.dst, s.tcp.dst_port}; }

// Nothing of this incarnation can follow but stragglers: the next SYN begins a new one.
bool is_over(const TrackedConnection& c) {
  if (c.doubtful) return false;
  const bool reset = c.ends[0].rst || c.ends[1].rst || c.ends[0].was_reset || c.ends[1].was_reset;
  return (reset && !c.certain) || (c.ends[0].fin && c.ends[1].fin) ||
         (c.certain && (c.ends[c.judged].rst_synchronized || c.ends[c.judged].was_reset));
}

}  // namespace

struct Judge::Impl final : FindingSink {
  explicit Impl(const JudgeOptions& o) : options(o) {}

  // Connections in order of use. The ones that are over, and the ones that never began, go first.
  enum class Age : std::uint8_t { over, opening, alive, count_ };
  static constexpr std::size_t kAges = static_cast<std::size_t>(Age::count_);
  struct Slot {
    std::unique_ptr<TrackedConnection> conn;  // or
    std::unique_ptr<Opening> opening;
    Age age = Age::alive;
    std::uint32_t older = FlowTable::kNone;  // neighbours in order of use
    std::uint32_t newer = FlowTable::kNone;
  };

  JudgeOptions options;
  JudgeCounts counts;
  std::vector<Finding> findings;
  std::uint64_t running_number = 0;
  std::uint32_t next_id = 1;
  std::uint64_t right_checksums = 0;
  std::uint64_t wrong_checksums = 0;
  std::uint64_t disorder = 0;
  std::uint64_t damaged = 0;
  std::uint64_t repetitions = 0;
  struct Loss {
    std::uint32_t connection;
    std::uint64_t packet;
  };
  std::vector<Loss> losses;
  std::uint64_t capture_loss = 0;
  std::vector<std::uint32_t> last_used;  // by hash of the tuple alone: a slot to look at in other contexts
  FlowTable table;
  StreamBudget budget;  // before the slots, which give back to it
  std::vector<Slot> slots;
  std::vector<std::uint32_t> free_slots;
  std::array<std::uint32_t, kAges> oldest{FlowTable::kNone, FlowTable::kNone, FlowTable::kNone};
  std::array<std::uint32_t, kAges> newest{FlowTable::kNone, FlowTable::kNone, FlowTable::kNone};
  std::vector<ConnectionReport> reports;
  TapLedger taps;
  std::size_t quiet_reports = 0;
  std::size_t loud_reports = 0;
  Instant last_time{};
  std::optional<Instant> last_icmp;

  void add(Finding&& finding) override {
    if (finding.verdict == Verdict::inconclusive) {
      ++counts.inconclusive;
    } else if (finding.verdict == Verdict::note) {
      ++counts.notes;
    } else if (is_mandatory(finding.rule->level)) {
      ++counts.violations;
    } else {
      ++counts.advisories;
    }
    if (findings.size() < options.max_findings) findings.push_back(std::move(finding));
  }
  bool checksums_usually_right() const override {
    return wrong_checksums < 3 || wrong_checksums * 200 < right_checksums;
  }

  void note_disorder() override { ++disorder; }
  StreamBudget& stream_budget() override { return budget; }
  bool icmp_since(Instant time) const override { return last_icmp && *last_icmp >= time; }
  void note_repetition() override { ++repetitions; }
  void note_damage() override { ++damaged; }
  void note_loss(std::uint32_t connection, std::uint64_t packet) override {
    constexpr std::size_t kRemembered = 256;
    if (losses.size() < kRemembered) losses.push_back({connection, packet});
  }

  void leave_open(Finding& f, const std::string& reason) {
    f.verdict = Verdict::inconclusive;
    f.why += "; undecided: " + reason;
    --(is_mandatory(f.rule->level) ? counts.violations : counts.advisories);
    ++counts.inconclusive;
  }

  // What a single flipped bit can look like, and the checksum did not clear.
  static bool tells_damage(const RuleInfo& rule) {
    return std::strcmp(rule.id, "checksum") == 0 || std::strcmp(rule.id, "data-offset") == 0;
  }

  // A wrong checksum is the sender's where nothing was ever sent again; elsewhere the path may have damaged the
  // segment, unless its receiver took it as it was.
  void distrust_path() {
    if (options.vantage == Vantage::endpoint || (damaged == 0 && repetitions == 0)) return;
    for (Finding& f : findings) {
      if (f.verdict != Verdict::violated || f.proven || !tells_damage(*f.rule)) continue;
      leave_open(f, damaged != 0 ? "this path damages segments, " + std::to_string(damaged) + " were sent again"
                                 : "segments were sent again in this capture, so the path may have damaged it");
    }
  }

  // Octets acknowledged but not captured, away from everything that a finding is about: then packets are missing from
  // the capture, and rules that need all of them decide nothing (soundness P and E).
  void distrust_completeness() {
    if (options.vantage == Vantage::endpoint) return;
    const auto near_finding = [this](const Loss& loss) {
      constexpr std::uint64_t kNear = 100;
      return std::any_of(findings.begin(), findings.end(), [&loss](const Finding& f) {
        const std::uint64_t apart = f.packet > loss.packet ? f.packet - loss.packet : loss.packet - f.packet;
        return f.verdict == Verdict::violated && f.connection == loss.connection && apart <= kNear;
      });
    };
    const auto real = std::count_if(losses.begin(), losses.end(), [&](const Loss& l) { return !near_finding(l); });
    if (real < 2) return;
    for (Finding& f : findings) {
      const bool needs_all = f.rule->soundness == Soundness::path || f.rule->soundness == Soundness::endpoint;
      if (f.verdict != Verdict::violated || f.proven || !needs_all) continue;
      leave_open(f, "packets are missing from this capture, at " + std::to_string(real) + " places or more");
    }
  }

  // When the file's order is often not the path's, only what a segment shows by itself can be held against anybody.
  void distrust_order() {
    if (options.vantage == Vantage::endpoint || disorder == 0) return;
    const bool often = disorder >= 4 && disorder * 2000 >= counts.segments;
    for (Finding& f : findings) {
      if (f.verdict != Verdict::violated || rule_needs_segment_only(*f.rule)) continue;
      // Once is enough against what is only about order.
      if (!often && (f.rule->soundness != Soundness::endpoint || f.proven)) continue;
      leave_open(f, "in this capture " + std::to_string(disorder) + " acknowledgements stand before their data");
    }
  }

  void settle_taps() {
    taps.settle(options.tap, reports, [this](Finding&& f) { add(std::move(f)); });
  }

  // Packets that the capture admits to have lost may be anywhere.
  void distrust_admitted_loss() {
    if (capture_loss == 0) return;
    for (Finding& f : findings) {
      if (f.verdict != Verdict::violated || f.rule->soundness == Soundness::anywhere) continue;
      f.verdict = Verdict::inconclusive;
      f.why += "; undecided: the capture says that it lost " + std::to_string(capture_loss) + " packets";
      --(is_mandatory(f.rule->level) ? counts.violations : counts.advisories);
      ++counts.inconclusive;
    }
  }

  void unlink(std::uint32_t s) {
    const Slot& slot = slots[s];
    const auto age = static_cast<std::size_t>(slot.age);
    (slot.older == FlowTable::kNone ? oldest[age] : slots[slot.older].newer) = slot.newer;
    (slot.newer == FlowTable::kNone ? newest[age] : slots[slot.newer].older) = slot.older;
  }
  void link_newest(std::uint32_t s) {
    Slot& slot = slots[s];
    slot.age = slot.opening ? Age::opening : (is_over(*slot.conn) ? Age::over : Age::alive);
    std::uint32_t& last = newest[static_cast<std::size_t>(slot.age)];
    slot.older = last;
    slot.newer = FlowTable::kNone;
    (last == FlowTable::kNone ? oldest[static_cast<std::size_t>(slot.age)] : slots[last].newer) = s;
    last = s;
  }
  void touch(std::uint32_t s) {
    const Slot& slot = slots[s];
    const bool in_place = slot.newer == FlowTable::kNone && slot.conn && is_over(*slot.conn) == (slot.age == Age::over);
    if (in_place && slot.age != Age::opening) return;
    unlink(s);
    link_newest(s);
  }

  ConnectionReport make_report(TrackedConnection& c) const {
    ConnectionReport r;
    r.id = c.id;
    for (int e = 0; e < 2; ++e) {
      const Endpoint& end = c.ends[e];
      r.endpoints[e] = {c.address[e],   end.packets,      end.octets,
                        end.violations, end.inconclusive, states_text(possible_states(c, e))};
    }
    r.first_packet = c.first_packet;
    r.last_packet = c.last_packet;
    r.first_time = c.first_time;
    r.last_time = c.last_time;
    r.handshake = c.begun_with_syn;
    return r;
  }

  // Reports of connections with findings, or with some that wait for the end, go before the others.
  bool is_kept(const TrackedConnection& c) {
    const bool found =
        c.ends[0].violations + c.ends[0].inconclusive + c.ends[1].violations + c.ends[1].inconclusive != 0;
    const bool loud = found || !c.provisional.empty();
    std::size_t& kept = loud ? loud_reports : quiet_reports;
    if (kept >= (loud ? options.max_findings : options.max_quiet_reports)) return false;
    ++kept;
    return true;
  }

  void conclude_slot(std::uint32_t s) {
    begin(s);
    TrackedConnection& c = *slots[s].conn;
    replies::check_overdue(c, last_time);
    conclude(c);
    const bool kept = is_kept(c);
    if (kept) reports.push_back(make_report(c));
    if (!c.certain) {
      conduct::conclude(c, last_time);
      taps.concluded(c, kept);
    }
    table.erase(hash_in(c.context, c.hash), s);
    for (const std::uint64_t context : c.contexts) table.erase(hash_in(context, c.hash), s);
    unlink(s);
    slots[s].conn.reset();
    free_slots.push_back(s);
  }

  // Room for one more. What is finished goes after a while, a SYN that nobody answers when its sender has given up
  // (RFC 9293 3.8.3: at least three minutes), a silent connection after a day; under pressure the least recently used,
  // in that order.
  void make_room(Instant now) {
    constexpr std::array<Duration, kAges> kQuiet = {std::chrono::seconds(120), std::chrono::seconds(240),
                                                    std::chrono::hours(24)};
    for (std::size_t age = 0; age < kAges; ++age) {
      while (oldest[age] != FlowTable::kNone) {
        const Slot& slot = slots[oldest[age]];
        const Instant last = slot.opening ? slot.opening->time : slot.conn->last_time;
        if (now - last <= kQuiet[age] && table.size() < options.max_connections) break;
        conclude_slot(oldest[age]);
      }
    }
  }

  std::uint32_t free_slot() {
    if (free_slots.empty()) {
      slots.emplace_back();
      return static_cast<std::uint32_t>(slots.size() - 1);
    }
    const std::uint32_t s = free_slots.back();
    free_slots.pop_back();
    return s;
  }

  std::unique_ptr<TrackedConnection> new_connection(const FlowKey& key, std::uint64_t hash, std::uint64_t context,
                                                    const SegmentInfo& seg, int local_side, std::uint32_t id) {
    auto c = std::make_unique<TrackedConnection>();
    c->id = id;
    c->key = key;
    c->hash = hash;
    c->context = context;
    c->address[0] = source(seg);
    c->address[1] = destination(seg);
    c->certain = options.vantage == Vantage::endpoint;
    c->judged = local_side;
    c->reaction_time = options.reaction_time;
    c->first_packet = seg.number;
    c->first_time = seg.time;
    c->begun_with_syn = seg.tcp.flags.syn();
    c->sink = this;
    c->profile = &options.profile;
    return c;
  }

  // A slot that is found under this key from now on.
  std::uint32_t enter(Slot&& slot, std::uint64_t hash, std::uint64_t context) {
    const std::uint32_t s = free_slot();
    slots[s] = std::move(slot);
    table.insert(hash_in(context, hash), s);
    note_use(hash, s);
    link_newest(s);
    ++counts.connections;
    return s;
  }

  // Where both ends stood, for the next incarnation of the tuple to tell stragglers by.
  struct Ended {
    SocketAddress address;
    EarlierNumbers numbers[2];
  };
  static Ended ended(const TrackedConnection& c) {
    Ended e;
    e.address = c.address[0];
    for (int i = 0; i < 2; ++i) {
      const Endpoint& end = c.ends[i];
      const Position first = end.syn.count != 0 ? end.iss : end.first;
      e.numbers[i] = {end.numbers_known, SeqNum(wire_number(first)), SeqNum(wire_number(end.next))};
    }
    return e;
  }
  void remember(std::uint32_t slot, const Ended& e) {
    TrackedConnection& c = *slots[slot].conn;
    const int swap = c.address[0] == e.address ? 0 : 1;
    for (int i = 0; i < 2; ++i) c.earlier[i] = e.numbers[i ^ swap];
  }

  void keep_opening(const FlowKey& key, std::uint64_t hash, std::uint64_t context, const SegmentInfo& seg, Bytes packet,
                    std::size_t wire_size) {
    make_room(seg.time);
    auto o = std::make_unique<Opening>();
    o->key = key;
    o->id = next_id++;
    o->hash = hash;
    o->context = context;
    o->number = seg.number;
    o->time = seg.time;
    o->wire_size = static_cast<std::uint32_t>(wire_size);
    o->size = static_cast<std::uint8_t>(packet.size());
    std::copy(packet.begin(), packet.end(), o->packet.begin());
    enter({nullptr, std::move(o)}, hash, context);
  }

  // What was only a SYN becomes a connection.
  void begin(std::uint32_t s) {
    if (!slots[s].opening) return;
    const std::unique_ptr<Opening> o = std::move(slots[s].opening);
    const SegmentInfo syn = o->segment();
    slots[s].conn = new_connection(o->key, o->hash, o->context, syn, -1, o->id);
    step(*slots[s].conn, syn);
  }

  std::uint32_t open(const FlowKey& key, std::uint64_t hash, std::uint64_t context, const SegmentInfo& seg,
                     int local_side) {
    make_room(seg.time);
    return enter({new_connection(key, hash, context, seg, local_side, next_id++), nullptr}, hash, context);
  }

  static bool same_socket(const TrackedConnection& c, const SegmentInfo& seg) {
    return c.address[0].port == seg.tcp.src_port && c.address[0].ip == seg.ip.src;
  }

  void step(TrackedConnection& c, const SegmentInfo& seg) {
    const int side = same_socket(c, seg) ? 0 : 1;
    judge_segment(c, side, seg);
    c.last_packet = seg.number;
    c.last_time = seg.time;
    if (options.observer) options.observer(c, side, seg);
  }

  // A SYN with another number on a tuple in use waits until the other end answers it (RFC 9293 3.5.1, 3.10.7.4 fourth);
  // after the connection also one with the old number.
  static bool waits_as_next(TrackedConnection& c, const SegmentInfo& seg) {
    const Flags f = seg.tcp.flags;
    const int side = same_socket(c, seg) ? 0 : 1;
    const Endpoint& self = c.ends[side];
    const bool other_number =
        f.syn() && !f.ack() && !f.rst() && self.syn.count != 0 &&
        (seg.tcp.seq != SeqNum(wire_number(self.iss)) || is_over(c) || (c.doubtful && side != c.judged));
    if (!other_number || seg.malformed || seg.checksum == ChecksumState::wrong) return false;
    c.next_syn.present = true;
    c.next_syn.sender = static_cast<std::uint8_t>(side);
    c.next_syn.info = seg;
    c.next_syn.info.tcp.payload = {};  // the bytes are only borrowed
    c.next_syn.info.ip.payload = {};
    c.next_syn.info.payload_captured = false;
    return true;
  }

  static bool answers_next_syn(const TrackedConnection& c, const SegmentInfo& seg) {
    if (!c.next_syn.present) return false;
    const Flags f = seg.tcp.flags;
    const int side = same_socket(c, seg) ? 0 : 1;
    if (side == c.next_syn.sender || !f.ack() || (!f.syn() && !f.rst())) return false;
    // The SYN-ACK of the present incarnation once more; text on the waiting SYN may reach over its number.
    const Endpoint& self = c.ends[side];
    if (c.certain && f.syn() && self.syn.count != 0 && seg.tcp.seq == SeqNum(wire_number(self.iss))) return false;
    const SegmentInfo& syn = c.next_syn.info;
    const std::uint32_t acked = octets_between(syn.tcp.seq, seg.tcp.ack);
    return acked >= 1 && acked <= syn.len();
  }

  // The SYNs of the next incarnation may be missing from the capture. After the end of this one, nothing of it has both
  // numbers that far ahead of all that was seen (RFC 9293 3.4.1: the next ISNs are); one of them alone is a mistake.
  static bool numbered_far_ahead(const TrackedConnection& c, int side, const SegmentInfo& seg) {
    constexpr Position kFar = 1 << 15;
    const Endpoint& self = c.ends[side];
    const Endpoint& peer = c.ends[1 - side];
    if (c.certain || !self.numbers_known || !peer.numbers_known || !is_over(c) || !seg.tcp.flags.ack()) return false;
    return unwrap(self.next, seg.tcp.seq) - self.next >= kFar && unwrap(peer.next, seg.tcp.ack) - peer.next >= kFar;
  }

  // Both ends have finished, their SYNs were not captured, and now come numbers after a FIN: of a later incarnation
  // whose SYNs were not captured, either.
  static bool goes_on_unseen(const TrackedConnection& c, const SegmentInfo& seg) {
    if (c.certain || c.begun_with_syn || !is_over(c)) return false;
    const int side = same_socket(c, seg) ? 0 : 1;
    const Endpoint& self = c.ends[side];
    const Endpoint& peer = c.ends[1 - side];
    const auto beyond = [](const Endpoint& e, SeqNum number) {
      return e.fin ? unwrap(e.fin_at, number) > e.fin_at + 1
                   : e.numbers_known && unwrap(e.next, number) > e.next + 65535;
    };
    return beyond(self, seg.tcp.seq) || (seg.tcp.flags.ack() && beyond(peer, seg.tcp.ack));
  }

  static bool starts_over(const TrackedConnection& c, const SegmentInfo& seg) {
    const int side = same_socket(c, seg) ? 0 : 1;
    const Endpoint& self = c.ends[side];
    if (seg.tcp.flags.rst()) return false;
    if (!seg.tcp.flags.syn()) return numbered_far_ahead(c, side, seg) || goes_on_unseen(c, seg);
    if (c.certain && side == c.judged && c.doubtful && self.syn.count != 0 &&
        seg.tcp.seq != SeqNum(wire_number(self.iss))) {
      return true;
    }
    // Whatever arrived before the first SYN came to a closed port.
    const bool nothing_yet = c.certain && c.ends[c.judged].syn.count == 0 && self.syn.count == 0 && self.packets != 0;
    if (nothing_yet && side != c.judged && !seg.tcp.flags.ack()) return true;
    if (!is_over(c)) return false;
    // What an endpoint makes of a SYN that arrives, in CLOSING, LAST-ACK or TIME-WAIT above all, only its answer shows.
    if (c.certain && side != c.judged && !seg.tcp.flags.ack() && self.syn.count != 0) return false;
    return self.syn.count == 0 ? self.plain_segments != 0 : seg.tcp.seq != SeqNum(wire_number(self.iss));
  }

  static constexpr std::size_t kLastUsed = 1 << 12;
  void note_use(std::uint64_t hash, std::uint32_t s) {
    if (options.vantage == Vantage::endpoint) return;
    if (last_used.empty()) last_used.resize(kLastUsed, FlowTable::kNone);
    last_used[hash % kLastUsed] = s;
  }

  // Does a segment from another VLAN or tunnel belong to this connection? Both directions need not come the same way,
  // and a path may change: the numbers tell, of which another connection with the same addresses has others.
  static bool fits(const TrackedConnection& c, const SegmentInfo& seg) {
    constexpr Position kNear = 1 << 20;
    const int side = same_socket(c, seg) ? 0 : 1;
    const Endpoint& self = c.ends[side];
    const Endpoint& peer = c.ends[1 - side];
    const Flags f = seg.tcp.flags;
    const auto near = [](const Endpoint& e, SeqNum number) {
      const Position distance = unwrap(e.next, number) - e.next;
      return distance <= kNear && distance >= -kNear;
    };
    if (f.syn() && self.syn.count != 0) return seg.tcp.seq == SeqNum(wire_number(self.iss));
    if (self.numbers_known && !near(self, seg.tcp.seq)) return false;
    if (f.ack() && peer.numbers_known) return near(peer, seg.tcp.ack);
    return self.numbers_known && !f.syn();
  }

  std::uint32_t find(const FlowKey& key, std::uint64_t hash, std::uint64_t context, const SegmentInfo& seg) {
    const std::uint32_t s = table.find(hash_in(context, hash), [&](std::uint32_t slot) {
      const Slot& candidate = slots[slot];
      if (candidate.opening) return candidate.opening->key == key && candidate.opening->context == context;
      return candidate.conn->key == key && is_in(*candidate.conn, context);
    });
    if (s != FlowTable::kNone || last_used.empty()) return s;
    constexpr std::size_t kMostContexts = 8;
    const std::uint32_t other = last_used[hash % kLastUsed];
    if (other == FlowTable::kNone) return s;
    if (slots[other].opening && slots[other].opening->key == key) begin(other);
    if (!slots[other].conn) return s;
    TrackedConnection& c = *slots[other].conn;
    if (c.key != key || is_in(c, context) || c.contexts.size() >= kMostContexts || !fits(c, seg)) return s;
    c.contexts.push_back(context);
    table.insert(hash_in(context, hash), other);
    return other;
  }

  // A second copy of a packet proves nothing, but that there are copies.
  void note_copy(const SegmentInfo& seg, std::uint64_t context) {
    const FlowKey key = direction_of(seg).key;
    const std::uint32_t s = find(key, key.hash(), context, seg);
    if (s == FlowTable::kNone) return;
    begin(s);
    slots[s].conn->duplicates = true;
  }

  void route(const SegmentInfo& seg, Bytes bytes, std::size_t wire_size, std::uint64_t context, int sent_by_local) {
    const Direction d = direction_of(seg);
    const std::uint64_t hash = d.key.hash();
    std::uint32_t s = find(d.key, hash, context, seg);
    // In a new connection side 0 sent the first segment.
    const int local_side = options.vantage == Vantage::path ? -1 : (sent_by_local != 0 ? 0 : 1);
    bool doubtful = false;
    std::optional<Ended> before;
    if (s != FlowTable::kNone) begin(s);
    const bool may_wait = options.vantage == Vantage::path && !options.observer;  // who watches wants it in order
    if (s == FlowTable::kNone && may_wait && Opening::suits(seg, bytes)) {
      return keep_opening(d.key, hash, context, seg, bytes, wire_size);
    }
    if (s != FlowTable::kNone && !answers_next_syn(*slots[s].conn, seg) && starts_over(*slots[s].conn, seg)) {
      doubtful = slots[s].conn->doubtful && seg.tcp.flags.ack();  // the SYN that it answers is not known
      before = ended(*slots[s].conn);
      conclude_slot(s);
      s = FlowTable::kNone;
    }
    if (s == FlowTable::kNone) {
      s = open(d.key, hash, context, seg, local_side);
      if (before) remember(s, *before);
      slots[s].conn->doubtful = doubtful;
    } else if (waits_as_next(*slots[s].conn, seg)) {
      note_waiting_syn(*slots[s].conn, seg);
      touch(s);
      return;
    } else if (answers_next_syn(*slots[s].conn, seg)) {
      s = begin_next(s, d.key, hash);
    }
    note_use(hash, s);
    step(*slots[s].conn, seg);
    touch(s);
  }

  static void note_waiting_syn(TrackedConnection& c, const SegmentInfo& seg) {
    const int side = same_socket(c, seg) ? 0 : 1;
    if (!c.certain) conduct::waiting_syn(c, side, seg);
    Endpoint& other = c.ends[1 - side];
    ++other.stimuli;
    other.only_fin = false;
    other.stimulus_packet = seg.number;
    other.stimulus_flags = seg.tcp.flags.bits;
    other.due = false;
    c.doubtful = c.doubtful || (c.certain && side != c.judged);
    ++c.ends[side].packets;
    c.last_packet = seg.number;
    c.last_time = seg.time;
  }

  std::uint32_t begin_next(std::uint32_t s, const FlowKey& key, std::uint64_t hash) {
    const TrackedConnection& old = *slots[s].conn;
    const SegmentInfo syn = old.next_syn.info;
    const bool from_local = old.certain && old.next_syn.sender == old.judged;
    const std::uint64_t context = old.context;
    const std::vector<std::uint64_t> further = old.contexts;
    const Ended before = ended(old);
    conclude_slot(s);
    const int local_side = options.vantage == Vantage::path ? -1 : (from_local ? 0 : 1);
    const std::uint32_t fresh = open(key, hash, context, syn, local_side);
    for (const std::uint64_t other : further) table.insert(hash_in(other, hash), fresh);
    slots[fresh].conn->contexts = further;
    remember(fresh, before);
    step(*slots[fresh].conn, syn);
    return fresh;
  }

  void packet(Instant now, Bytes bytes, std::uint64_t number, std::size_t wire_size, int sent_by_local,
              const PacketOrigin& origin = {}) {
    ++counts.packets;
    SegmentInfo seg;
    seg.number = number;
    seg.time = now;
    last_time = now;
    switch (decode_segment(bytes, wire_size, seg)) {
      case DecodeResult::not_tcp:
        // An ICMP error may end a connection without a segment (RFC 9293 3.9.2.2).
        if (options.vantage == Vantage::endpoint && sent_by_local == 0) {
          each_connection([](TrackedConnection& c) { c.doubtful = true; });
        }
        if (seg.ip.protocol == 1 || seg.ip.protocol == 58) last_icmp = now;  // ICMP, ICMPv6
        ++counts.skipped;
        return;
      case DecodeResult::fragment: ++counts.skipped; return;
      case DecodeResult::cut: ++counts.cut; return;
      case DecodeResult::segment: break;
    }
    if (origin.copy) {
      ++counts.copies;
      note_copy(seg, origin.context);
      return;
    }
    ++counts.segments;
    if (!seg.options_known) ++counts.cut;
    if (seg.checksum == ChecksumState::right) ++right_checksums;
    if (seg.checksum == ChecksumState::wrong) ++wrong_checksums;
    route(seg, bytes, wire_size, origin.context, sent_by_local);
  }

  template <typename Visit>
  void each_connection(Visit&& visit) {
    for (Slot& slot : slots) {
      if (slot.conn) visit(*slot.conn);
    }
  }
};

Judge::Judge(const JudgeOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Judge::~Judge() = default;
Judge::Judge(Judge&&) noexcept = default;
Judge& Judge::operator=(Judge&&) noexcept = default;

void Judge::received(Instant now, Bytes ip_packet, std::uint64_t number) {
  impl_->running_number = number;
  impl_->packet(now, ip_packet, number, 0, 0);
}
void Judge::sent(Instant now, Bytes ip_packet, std::uint64_t number) {
  impl_->running_number = number;
  impl_->packet(now, ip_packet, number, 0, 1);
}
void Judge::received(Instant now, Bytes ip_packet) { received(now, ip_packet, impl_->running_number + 1); }
void Judge::sent(Instant now, Bytes ip_packet) { sent(now, ip_packet, impl_->running_number + 1); }

void Judge::observed(Instant now, Bytes ip_packet, std::uint64_t number, std::size_t wire_size,
                     const PacketOrigin& origin) {
  impl_->packet(now, ip_packet, number, wire_size, 0, origin);
}

void Judge::note_capture_loss(std::uint64_t packets) { impl_->capture_loss += packets; }

void Judge::advance(Instant now) {
  impl_->last_time = now;
  if (impl_->options.vantage != Vantage::endpoint) return;
  impl_->each_connection([now](TrackedConnection& c) { replies::check_overdue(c, now); });
}

void Judge::finish(Instant now) {
  advance(now);
  for (const std::uint32_t& oldest : impl_->oldest) {
    while (oldest != FlowTable::kNone) impl_->conclude_slot(oldest);
  }
  if (impl_->options.vantage == Vantage::path) impl_->settle_taps();
  impl_->distrust_order();
  impl_->distrust_path();
  impl_->distrust_completeness();
  impl_->distrust_admitted_loss();
  std::stable_sort(impl_->findings.begin(), impl_->findings.end(),
                   [](const Finding& a, const Finding& b) { return a.packet < b.packet; });
  std::sort(impl_->reports.begin(), impl_->reports.end(),
            [](const ConnectionReport& a, const ConnectionReport& b) { return a.id < b.id; });
}

void Judge::finish() { finish(impl_->last_time); }

const std::vector<Finding>& Judge::findings() const { return impl_->findings; }
const JudgeCounts& Judge::counts() const { return impl_->counts; }

std::vector<ConnectionReport> Judge::take_connections() { return std::exchange(impl_->reports, {}); }

std::string Judge::state(std::uint16_t local_port, const SocketAddress& remote) const {
  std::string found = "CLOSED";
  impl_->each_connection([&](const TrackedConnection& c) {
    const int local = c.judged < 0 ? 0 : c.judged;
    if (c.address[local].port == local_port && c.address[1 - local] == remote) {
      found = states_text(possible_states(c, local));
    }
  });
  return found;
}

std::size_t Judge::memory() const {
  std::size_t octets = impl_->table.memory() + impl_->slots.capacity() * sizeof(Impl::Slot) +
                       impl_->last_used.capacity() * sizeof(std::uint32_t) +
                       impl_->findings.capacity() * sizeof(Finding) +
                       impl_->reports.capacity() * sizeof(ConnectionReport);
  for (const Impl::Slot& slot : impl_->slots) octets += slot.opening ? sizeof(Opening) : 0;
  impl_->each_connection([&octets](const TrackedConnection& c) {
    octets +=
        sizeof c + c.ends[0].stream.memory() + c.ends[1].stream.memory() + c.suspicions.capacity() * sizeof(Suspicion);
  });
  return octets;
}

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::violated: return "violated";
    case Verdict::inconclusive: return "inconclusive";
    case Verdict::note: return "note";
  }
  return "?";
}

std::string to_string(const Finding& f) {
  return "packet " + std::to_string(f.packet) + ": " + f.endpoint.text() + " " + to_string(f.verdict) + " " +
         to_string(f.rule->level) + " " + f.rule->id + " (" + f.rule->clause + "): expected " + f.expected +
         ", actual " + f.actual + "; " + f.why + (f.tap.empty() ? "" : "; tap " + f.tap);
}

}  // namespace lastack
