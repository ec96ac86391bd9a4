#include "conformance/judge/vantage.h"

#include "conformance/judge/connection.h"

namespace lastack {

namespace {

constexpr Duration kFast = std::chrono::milliseconds(1);
constexpr Duration kSlow = std::chrono::milliseconds(3);

// Quick where it was asked, in more than a few cases (a delayed ACK or a busy host is slow at its own tap too).
bool reacts_at_once(const TapEvidence& e) { return e.fast >= 3 && std::uint64_t{e.fast} * 6 >= e.slow; }
bool is_far(const TapEvidence& e) { return e.slow >= 3 && std::uint64_t{e.fast} * 20 <= e.slow; }

// One odd segment may be the fault that is looked for; a path makes more of them.
bool excluded(const TapEvidence& e) {
  const std::uint64_t packets = std::uint64_t{e.first_hop} + e.later_hop;
  return e.later_hop != 0 || e.lost_behind >= 2 || (e.disorder >= 3 && std::uint64_t{e.disorder} * 200 > packets);
}

// The network card's checksums on one side only. Where both ends leave them open, both live on one machine.
bool leaves_checksums(const TapEvidence& e, const TapEvidence& other) {
  return e.offloaded >= 3 && e.summed == 0 && other.offloaded == 0 && other.summed >= 3;
}

bool hops_differ(const TapEvidence& e, const TapEvidence& other) {
  return e.first_hop >= 2 && e.later_hop == 0 && other.first_hop == 0 && other.later_hop >= 2;
}

struct Score {
  int points = 0;
  std::string why;
  void add(int n, const char* reason) {
    points += n;
    why += (why.empty() ? "" : ", ") + std::string(reason);
  }
};

Score score(const TapEvidence& own, const TapEvidence& host, const TapEvidence& other, const TapEvidence& other_host) {
  Score s;
  if (excluded(own) || excluded(host)) return s;
  if (reacts_at_once(host) && own.fast != 0 && is_far(other_host) && other.fast == 0) {
    s.add(3, "it reacts within 1 ms, its peer after 3 ms or more");
  }
  if (leaves_checksums(host, other_host)) s.add(2, "only its checksums are left to a network card");
  if (hops_differ(host, other_host)) s.add(1, "only its hop limit is one that hosts start with");
  return s;
}

}  // namespace

void TapEvidence::add(const TapEvidence& other) {
  fast += other.fast;
  slow += other.slow;
  offloaded += other.offloaded;
  summed += other.summed;
  right += other.right;
  wrong += other.wrong;
  first_hop += other.first_hop;
  later_hop += other.later_hop;
  disorder += other.disorder;
  lost_behind += other.lost_behind;
}

TapDecision infer_tap(const TapEvidence own[2], const TapEvidence host[2]) {
  constexpr int kConfident = 3;
  const Score s[2] = {score(own[0], host[0], own[1], host[1]), score(own[1], host[1], own[0], host[0])};
  for (int e = 0; e < 2; ++e) {
    if (s[e].points >= kConfident && s[1 - e].points == 0) return {tap_at(e), false, s[e].why};
  }
  const bool far_from_both = is_far(host[0]) && is_far(host[1]) && own[0].fast == 0 && own[1].fast == 0;
  if (far_from_both) return {Tap::path, false, "both ends react after 3 ms or more"};
  if (excluded(host[0]) && excluded(host[1])) {
    return {Tap::path, false, "packets of both ends had travelled, or were lost behind the tap"};
  }
  return {Tap::unknown, false, "nothing shows which end is near"};
}

TapDecision given_tap(TapChoice choice, int client) {
  switch (choice) {
    case TapChoice::client: return {tap_at(client), true, "given"};
    case TapChoice::server: return {tap_at(1 - client), true, "given"};
    case TapChoice::path: return {Tap::path, true, "given"};
    case TapChoice::infer: break;
  }
  return {};
}

namespace {

void note_reaction(const Context& c, TapEvidence& e) {
  const Endpoint& self = c.self;
  const bool answers = c.flags().ack() && self.stimuli != 0 && self.stimulus_len != 0 && c.ack == self.stimulus_end;
  if (!answers || (self.acked && c.ack <= self.ack_max)) return;
  if (c.peer.next_packet != self.stimulus_packet)
    return;  // it came again: the first may have been the one that arrived
  const Duration after = c.seg.time - self.stimulus_time;
  if (after < Duration{0}) return;
  if (after < kFast) ++e.fast;
  if (after >= kSlow) ++e.slow;
}

// A timestamp older than one that it had sent before, or text before what was seen that was not seen yet.
bool out_of_order(const Context& c) {
  const auto& ts = c.seg.tcp.options.timestamps;
  if (c.flags().rst() || c.flags().syn() || !c.self.numbers_known) return false;
  if (ts && c.self.ts_seen && !c.self.ts_erratic && before(SeqNum(ts->value), SeqNum(c.self.tsval_max))) return true;
  return c.flags().ack() && c.self.acked && c.ack < c.self.ack_max && c.has_data() && c.seq < c.self.next;
}

// It reports a hole in front of a block, although everything up to the block had passed it a while ago.
bool lacks_what_passed(const Context& c) {
  const Options& o = c.seg.tcp.options;
  if (o.sack_count == 0 || !c.flags().ack() || !c.peer.numbers_known || c.peer.sent.overflowed()) return false;
  const Position left = unwrap(c.peer.next, o.sack[0].left);
  const bool hole = left > c.ack && c.ack >= (c.self.acked ? c.self.ack_max : c.ack);
  return hole && c.peer.sent.contiguous() >= left && c.seg.number > c.peer.next_packet + 4 &&
         c.seg.time - c.peer.last_time > std::chrono::milliseconds(5);
}

}  // namespace

void note_tap_evidence(const Context& c) {
  TapEvidence& e = c.conn.conduct[c.side].tap;
  note_reaction(c, e);
  const std::uint8_t hops = c.seg.ip.hop_limit;
  if (!c.flags().rst()) ++(hops == 64 || hops == 128 || hops == 255 ? e.first_hop : e.later_hop);
  if (c.seg.checksum == ChecksumState::right) ++e.right;
  if (c.seg.payload_size == 0) {
    if (c.seg.checksum == ChecksumState::offloaded) ++e.offloaded;
    if (c.seg.checksum == ChecksumState::right) ++e.summed;
  }
  if (out_of_order(c)) ++e.disorder;
  if (lacks_what_passed(c)) ++e.lost_behind;
}

}  // namespace lastack
