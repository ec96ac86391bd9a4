#include "conformance/judge/tracker.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "conformance/judge/in_order.h"
#include "conformance/judge/rules/replies.h"

namespace lastack {

namespace {

constexpr std::uint32_t kNone = ConnectionSet::kNone;
constexpr Duration kSetBack = std::chrono::seconds(1);  // more than packets are ever out of order by

SocketAddress source(const SegmentInfo& s) { return {s.ip.src, s.tcp.src_port}; }
SocketAddress destination(const SegmentInfo& s) { return {s.ip.dst, s.tcp.dst_port}; }

ConnectionReport report_of(const TrackedConnection& c) {
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

bool sends_again(const TrackedConnection& c) {
  const auto again = [](const Endpoint& e) { return e.retransmitted || e.syn.count > 1 || e.fin_count > 1; };
  return again(c.ends[0]) || again(c.ends[1]);
}

// How much time has passed since is not known, and many rules rest on that: what comes is judged as if the capture
// began here.
bool clock_was_set_back(const TrackedConnection& c, const SegmentInfo& seg) {
  return !c.certain && seg.time + kSetBack < c.last_time;
}

void note_waiting_syn(TrackedConnection& c, const SegmentInfo& seg) {
  const int side = side_of(c, seg);
  c.quiet = false;
  if (!c.certain) conduct::waiting_syn(c, side, seg);
  Endpoint& other = c.ends[1 - side];
  ++other.stimuli;
  other.only_fin = other.only_quiet = false;
  other.stimulus_packet = seg.number;
  other.stimulus_flags = seg.tcp.flags.bits;
  other.due = false;
  c.doubtful = c.doubtful || (c.certain && side != c.judged);
  ++c.ends[side].packets;
  c.last_packet = seg.number;
  c.last_time = seg.time;
}

}  // namespace

void Tracker::packet(Instant now, Bytes bytes, std::uint64_t number, std::size_t wire_size, bool sent_by_local,
                     const PacketOrigin& origin) {
  JudgeCounts& counts = ledger.counts;
  ++counts.packets;
  SegmentInfo& seg = segment_;
  seg.number = number;
  seg.time = now;
  if (now + kSetBack < last_time) ledger.note_clock_set_back();
  last_time = now;
  switch (decode_segment(bytes, wire_size, seg)) {
    case DecodeResult::not_tcp:
      // An ICMP error may end a connection without a segment (RFC 9293 3.9.2.2).
      if (options.vantage == Vantage::endpoint && !sent_by_local) {
        connections.each_connection([](TrackedConnection& c) { c.doubtful = true; });
      }
      if (seg.ip.protocol == 1 || seg.ip.protocol == 58) ledger.note_icmp(now);  // ICMP, ICMPv6
      ++counts.skipped;
      return;
    case DecodeResult::fragment: ++counts.skipped; return;
    case DecodeResult::cut: ++counts.cut; return;
    case DecodeResult::segment: break;
  }
  if (origin.copy || origin.again) note_copy(seg, origin.context);
  if (origin.copy) {
    ++counts.copies;
    return;
  }
  ++counts.segments;
  if (!seg.options_known) ++counts.cut;
  ledger.note_segment(seg);
  route(seg, bytes, wire_size, origin.context, sent_by_local);
}

void Tracker::route(const SegmentInfo& seg, Bytes bytes, std::size_t wire_size, std::uint64_t context,
                    bool sent_by_local) {
  if (seg.plain && goes_on(seg, context)) return;
  Place place{.key = flow_key(seg), .context = context};
  place.hash = place.key.hash();
  std::uint32_t s = find(place, seg);
  // In a new connection side 0 sent the first segment.
  const int local_side = options.vantage == Vantage::path ? -1 : (sent_by_local ? 0 : 1);
  bool doubtful = false;
  std::optional<Ended> before;
  if (s != kNone) begin(s);
  const bool may_wait = options.vantage == Vantage::path && !options.observer;  // who watches wants it in order
  if (s == kNone && may_wait && Opening::suits(seg, bytes)) return keep_opening(place, seg, bytes, wire_size);
  if (s != kNone && clock_was_set_back(*connections[s].conn, seg)) {
    conclude_slot(s);
    s = kNone;
  }
  if (s != kNone && follows_next_syn(*connections[s].conn, seg)) s = begin_next(s, place);
  if (s != kNone && is_straggler(*connections[s].conn, seg)) return pass_by(s, seg, true);
  if (s != kNone && is_stranger(*connections[s].conn, seg)) {
    TrackedConnection& c = *connections[s].conn;
    if (!is_another_stranger(c, seg)) return pass_by(s, seg, false);
    before = ended(c);
    conclude_slot(s);
    s = kNone;
  }
  if (s != kNone && !answers_next_syn(*connections[s].conn, seg) && starts_over(*connections[s].conn, seg)) {
    doubtful = connections[s].conn->doubtful && seg.tcp.flags.ack();  // the SYN that it answers is not known
    before = ended(*connections[s].conn);
    conclude_slot(s);
    s = kNone;
  }
  if (s == kNone) {
    s = open(place, seg, local_side);
    if (before) note_earlier(*connections[s].conn, *before);
    connections[s].conn->doubtful = doubtful;
  } else if (waits_as_next(*connections[s].conn, seg)) {
    note_waiting_syn(*connections[s].conn, seg);
    connections.touch(s);
    return;
  } else if (answers_next_syn(*connections[s].conn, seg)) {
    s = begin_next(s, place);
  }
  note_use(place.hash, s);
  step(*connections[s].conn, seg);
  connections.touch(s);
  lately_[lately(seg)] = s;
}

std::size_t Tracker::lately(const SegmentInfo& seg) {
  std::uint32_t words[2];
  std::memcpy(&words[0], seg.ip.src.octets.data() + seg.ip.src.size() - 4, 4);
  std::memcpy(&words[1], seg.ip.dst.octets.data() + seg.ip.dst.size() - 4, 4);
  const std::uint64_t both =
      words[0] ^ words[1] ^ (std::uint32_t{seg.tcp.src_port} ^ std::uint32_t{seg.tcp.dst_port}) << 16U;
  return static_cast<std::size_t>(mix(both, 0x9e3779b97f4a7c15U) % kLately);
}

// The short way: on a quiet connection the next segment in order can be of no other incarnation.
bool Tracker::goes_on(const SegmentInfo& seg, std::uint64_t context) {
  const std::uint32_t s = lately_[lately(seg)];
  if (s >= connections.slots() || !connections[s].conn || !connections[s].conn->quiet) return false;
  TrackedConnection& c = *connections[s].conn;
  if (c.context != context || clock_was_set_back(c, seg)) return false;
  const int side = c.address[0].port == seg.tcp.src_port && c.address[0].ip == seg.ip.src ? 0 : 1;
  const SocketAddress& from = c.address[side];
  const SocketAddress& to = c.address[1 - side];
  if (from.port != seg.tcp.src_port || to.port != seg.tcp.dst_port || !(from.ip == seg.ip.src) ||
      !(to.ip == seg.ip.dst))
    return false;
  if (!judge_in_order(c, side, seg)) return false;
  ++ledger.counts.in_order;
  c.last_packet = seg.number;
  c.last_time = seg.time;
  if (options.observer) options.observer(c, side, seg);
  note_use(c.hash, s);
  connections.touch(s, Age::alive);  // what is quiet is not over
  return true;
}

std::uint32_t Tracker::find(const Place& place, const SegmentInfo& seg) {
  const std::uint32_t likely = lately_[lately(seg)];  // spares a walk through memory that nothing else has touched
  if (likely < connections.slots() && connections.holds(likely, place.key, place.context)) return likely;
  const std::uint32_t s = connections.find(place.key, place.hash, place.context);
  if (s != kNone) return s;
  constexpr std::size_t kMostContexts = 8;
  const std::uint32_t other = connections.last_used(place.hash);
  if (other == kNone) return s;
  if (connections[other].opening && connections[other].opening->key == place.key) begin(other);
  if (!connections[other].conn) return s;
  TrackedConnection& c = *connections[other].conn;
  if (c.key != place.key || is_in(c, place.context) || c.contexts.size() >= kMostContexts || !fits(c, seg)) return s;
  c.contexts.push_back(place.context);
  connections.add_context(place.hash, place.context, other);
  return other;
}

// Nothing is concluded from a segment that does not belong to the connection; a second one shows that there is another.
void Tracker::pass_by(std::uint32_t s, const SegmentInfo& seg, bool of_before) {
  TrackedConnection& c = *connections[s].conn;
  const int side = side_of(c, seg);
  judge_stranger(c, side, seg, of_before);
  ++c.ends[side].packets;
  c.last_packet = seg.number;
  c.last_time = seg.time;
  if (options.observer) options.observer(c, side, seg);
  connections.touch(s);
}

// A second copy of a packet proves nothing, but that there are copies.
void Tracker::note_copy(const SegmentInfo& seg, std::uint64_t context) {
  Place place{.key = flow_key(seg), .context = context};
  place.hash = place.key.hash();
  const std::uint32_t s = find(place, seg);
  if (s == kNone) return;
  begin(s);
  TrackedConnection& c = *connections[s].conn;
  if (c.copies != 255) ++c.copies;
  if (!c.suspicions.empty()) settle_by_copy(c, side_of(c, seg), seg);
}

// Only on the path do the packets of one connection come from several VLANs and tunnels.
void Tracker::note_use(std::uint64_t hash, std::uint32_t s) {
  if (options.vantage == Vantage::path) connections.note_use(hash, s);
}

void Tracker::keep_opening(const Place& place, const SegmentInfo& seg, Bytes packet, std::size_t wire_size) {
  make_room(seg.time);
  auto o = connections.new_opening();
  o->key = place.key;
  o->id = next_id_++;
  o->hash = place.hash;
  o->context = place.context;
  o->number = seg.number;
  o->time = seg.time;
  o->wire_size = static_cast<std::uint32_t>(wire_size);
  o->size = static_cast<std::uint8_t>(packet.size());
  std::copy(packet.begin(), packet.end(), o->packet.begin());
  lately_[lately(seg)] = enter({nullptr, std::move(o)}, place);
}

// What was only a SYN becomes a connection.
void Tracker::begin(std::uint32_t s) {
  if (!connections[s].opening) return;
  const Slab<Opening>::Pointer o = std::move(connections[s].opening);
  const SegmentInfo syn = o->segment();
  connections[s].conn = new_connection({o->key, o->hash, o->context}, syn, -1, o->id);
  step(*connections[s].conn, syn);
}

std::uint32_t Tracker::open(const Place& place, const SegmentInfo& seg, int local_side) {
  make_room(seg.time);
  return enter({new_connection(place, seg, local_side, next_id_++), nullptr}, place);
}

std::uint32_t Tracker::begin_next(std::uint32_t s, const Place& place) {
  const TrackedConnection& old = *connections[s].conn;
  const SegmentInfo syn = *old.next_syn.info;
  const bool from_local = old.certain && old.next_syn.sender == old.judged;
  const Place first{place.key, place.hash, old.context};
  const std::vector<std::uint64_t> further = old.contexts;
  const Ended before = ended(old);
  conclude_slot(s);
  const int local_side = options.vantage == Vantage::path ? -1 : (from_local ? 0 : 1);
  const std::uint32_t fresh = open(first, syn, local_side);
  for (const std::uint64_t other : further) connections.add_context(place.hash, other, fresh);
  connections[fresh].conn->contexts = further;
  note_earlier(*connections[fresh].conn, before);
  step(*connections[fresh].conn, syn);
  return fresh;
}

Slab<TrackedConnection>::Pointer Tracker::new_connection(const Place& place, const SegmentInfo& seg, int local_side,
                                                         std::uint32_t id) {
  auto c = connections.new_connection();
  c->id = id;
  c->key = place.key;
  c->hash = place.hash;
  c->context = place.context;
  c->address[0] = source(seg);
  c->address[1] = destination(seg);
  c->certain = options.vantage == Vantage::endpoint;
  c->judged = local_side;
  c->reaction_time = options.reaction_time;
  c->first_packet = seg.number;
  c->first_time = seg.time;
  c->begun_with_syn = seg.tcp.flags.syn();
  ledger.note_began(seg.time);
  if (!c->begun_with_syn) ledger.note_midstream();
  c->ask_every_rule = options.ask_every_rule;
  c->sink = &ledger;
  c->profile = &options.profile;
  return c;
}

std::uint32_t Tracker::enter(Slot&& slot, const Place& place) {
  const std::uint32_t s = connections.enter(std::move(slot), place.hash, place.context);
  note_use(place.hash, s);
  ++ledger.counts.connections;
  return s;
}

void Tracker::step(TrackedConnection& c, const SegmentInfo& seg) {
  const int side = side_of(c, seg);
  judge_segment(c, side, seg);
  c.last_packet = seg.number;
  c.last_time = seg.time;
  if (options.observer) options.observer(c, side, seg);
}

// Room for one more. What is finished goes after a while (TIME-WAIT of one's own stack takes four minutes), a SYN that
// nobody answers when its sender has given up (RFC 9293 3.8.3: at least three minutes), a silent connection after a
// day; under pressure the least recently used, in that order.
void Tracker::make_room(Instant now) {
  const bool own = options.vantage == Vantage::endpoint;
  const std::array<Duration, kAges> quiet_for = {std::chrono::seconds(own ? 300 : 120), std::chrono::seconds(240),
                                                 std::chrono::hours(24)};
  for (std::size_t age = 0; age < kAges; ++age) {
    while (true) {
      const std::uint32_t oldest = connections.oldest(static_cast<Age>(age));
      if (oldest == kNone) break;
      const Slot& slot = connections[oldest];
      const Instant last = slot.opening ? slot.opening->time : slot.conn->last_time;
      if (now - last <= quiet_for[age]) {
        if (connections.size() < options.max_connections) break;
        ++ledger.counts.let_go;
      }
      conclude_slot(oldest);
    }
  }
}

void Tracker::conclude_slot(std::uint32_t s) {
  begin(s);
  connections.fetch_after(s);
  TrackedConnection& c = *connections[s].conn;
  replies::check_overdue(c, last_time);
  conclude(c);
  const bool kept = is_kept(c);
  if (kept) reports.push_back(report_of(c));
  if (c.ends[0].violations + c.ends[1].violations != 0 && sends_again(c)) ledger.note_repeating(c.id);
  if (!c.certain) {
    conduct::conclude(c, last_time);
    taps_.concluded(c, kept);
  }
  connections.remove(s);
}

// Reports of connections with findings, or with some that wait for the end, go before the others.
bool Tracker::is_kept(const TrackedConnection& c) {
  const bool found = c.ends[0].violations + c.ends[0].inconclusive + c.ends[1].violations + c.ends[1].inconclusive != 0;
  const bool loud = found || !c.provisional.empty();
  std::size_t& kept = loud ? loud_reports_ : quiet_reports_;
  if (kept >= (loud ? options.max_findings : options.max_quiet_reports)) return false;
  ++kept;
  return true;
}

void Tracker::finish() {
  for (std::size_t age = 0; age < kAges; ++age) {
    while (connections.oldest(static_cast<Age>(age)) != kNone) conclude_slot(connections.oldest(static_cast<Age>(age)));
  }
  if (options.vantage == Vantage::path) {
    taps_.settle(options.tap, reports, [this](Finding&& f) { ledger.add(std::move(f)); });
  }
  ledger.settle(taps_);
  std::sort(reports.begin(), reports.end(),
            [](const ConnectionReport& a, const ConnectionReport& b) { return a.id < b.id; });
}

std::size_t Tracker::memory() const {
  return connections.memory() + ledger.memory() + reports.capacity() * sizeof(ConnectionReport);
}

}  // namespace lastack
