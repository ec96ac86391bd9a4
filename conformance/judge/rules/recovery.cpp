// Rules about retransmission and congestion control: when a sender repeats, and how much it sends afterwards (RFC 6298,
// RFC 5681; the problems of RFC 2525). What depends on timers and on the sender's hidden state gives notes.
#include <algorithm>
#include <utility>

#include "conformance/judge/profile.h"
#include "conformance/judge/rules/near.h"

namespace lastack::near {

namespace {

std::uint32_t segments_of(const Context& c, const Conduct& own) {
  const std::uint32_t size = own.largest == 0 ? 1U : own.largest;
  return c.seg.payload_size <= size ? 1U : (c.seg.payload_size + size - 1) / size;
}

std::string flat_text(const Backoff& b) {
  return "three times in a row the segment was repeated after no longer a time than before, from packet " +
         std::to_string(b.first_packet) + " on; the first interval was " + seconds_text(b.first_interval);
}

// No ACK, no SACK and no segment at all has just come that could have asked for it: the retransmission timer did.
bool by_timeout(const Context& c, const Conduct& own) {
  const Duration copy = std::max<Duration>(std::chrono::milliseconds(10), c.conn.round_trip / 4);
  if (c.seg.time - c.self.last_time < copy) return false;  // the network makes copies, and they overtake
  const bool undisturbed = c.self.stimuli == 0 || c.seg.time - c.self.stimulus_time >= std::chrono::milliseconds(100);
  return own.duplicate_acks == 0 && !own.sacked && undisturbed;
}

void too_early(Context& c, Conduct& own, Duration since) {
  const Duration round_trip = c.conn.round_trip;
  const bool known = round_trip >= std::chrono::milliseconds(50);
  if (own.timeout.count == 1 && known && since > Duration{0} && since < round_trip * 9 / 10) {
    c.note(RuleId::rto_below_round_trip, "a time-out of more than the round trip, " + seconds_text(round_trip),
           "repeated after " + seconds_text(since),
           "no duplicate ACK and no SACK had asked for octet " + number_text(c.seq));
  }
  const Duration minimum = c.conn.profile->minimum_rto;
  if (own.timeout.count == 2 && since < minimum * 9 / 10 && since >= std::chrono::milliseconds(10)) {
    c.note(RuleId::rto_below_minimum, "a time-out of " + seconds_text(minimum) + " or more",
           "repeated again after " + seconds_text(since),
           "octet " + number_text(c.seq) + " was repeated in packet " + std::to_string(own.timeout.first_packet));
  }
}

void at_timeout(Context& c, Conduct& own, Duration since) {
  const bool flat = is_flat(own.timeout, c, since, c.conn.profile->maximum_rto);
  too_early(c, own, since);
  // An ICMP error may revert the back-off (RFC 6069).
  if (flat && c.conn.sink->icmp_since(own.timeout.last - 8 * own.timeout.first_interval)) return;
  if (flat) {
    c.violated_at_tap(RuleId::rto_not_backed_off, "an interval of twice " + seconds_text(own.timeout.first_interval),
                      seconds_text(since), flat_text(own.timeout), false, true);
  }
  if (own.timeout.count == 1 && since >= std::chrono::milliseconds(100)) {
    own.after_timeout = 1;
    own.burst = 0;
    own.burst_acks = 0;
    own.news_at_hole = 0;
    own.timeout_next = c.self.next;
    own.timeout_packet = c.seg.number;
    own.timeout_tsval = c.seg.tcp.options.timestamps ? c.seg.tcp.options.timestamps->value : 0;
  }
}

// The SYN again, and nothing of the peer that could have asked for it. One early repetition may be a copy that the path
// made; of two, the second one tells.
void syn_again(Context& c, Conduct& own) {
  const Duration since = c.seg.time - (own.timeout.count == 0 ? c.self.syn.time : own.timeout.last);
  const std::uint16_t before = own.timeout.count;
  const bool flat = is_flat(own.timeout, c, since, c.conn.profile->maximum_rto);
  if (own.timeout.count == before) return;
  const Duration initial = c.conn.profile->initial_rto;
  if (own.timeout.count == 2 && own.timeout.first_interval < initial * 9 / 10 && since < initial * 9 / 10) {
    c.note(RuleId::syn_repeated_early, "the SYN again after " + seconds_text(initial) + " or more",
           "after " + seconds_text(own.timeout.first_interval) + ", and again after " + seconds_text(since),
           "the first repetition is packet " + std::to_string(own.timeout.first_packet));
  }
  if (own.timeout.count <= c.conn.profile->linear_timeouts) {
    own.timeout.flat = 0;
  } else if (flat) {
    c.note(RuleId::syn_not_backed_off, "an interval of twice the one before", seconds_text(since),
           flat_text(own.timeout));
  }
}

void after_duplicates(Context& c, Conduct& own) {
  const Duration waited = c.seg.time - own.third_duplicate;
  const Duration patience = std::max<Duration>(std::chrono::milliseconds(200), 2 * c.conn.round_trip);
  if (own.duplicate_acks >= 4 && !own.recovering && waited > patience) {
    c.note(RuleId::fast_retransmit_missing, "octet " + number_text(c.seq) + " again at the third duplicate ACK",
           "repeated " + seconds_text(waited) + " later",
           std::to_string(own.duplicate_acks) + " duplicate ACKs for it had passed");
  }
  if (own.recovering) return;
  own.recovering = true;
  own.flight_at_loss = static_cast<std::uint32_t>(c.self.next - una(c.self, c.peer));
  own.recover = c.self.next;
}

// Octets that their receiver has acknowledged come again, though the ACK came acceptably and long ago.
void acknowledged_already(Context& c, Conduct& own) {
  const Endpoint& peer = c.peer;
  if (!peer.acked || c.end > peer.ack_max || c.seg.payload_size <= 1 || c.flags().fin()) return;
  const Duration since = c.seg.time - own.acceptable_ack;
  if (since < std::chrono::milliseconds(200) || since < 2 * c.conn.round_trip || peer.rst) return;
  if (!own.ack_acceptable || own.resent_acked == 255) return;
  ++own.resent_acked;
  if (own.resent_acked != 2) return;
  c.violated_at_tap(RuleId::acknowledged_data_resent, "no octet before " + number_text(peer.ack_max),
                    "octets " + number_text(c.seq) + " to " + number_text(c.end - 1) + " again",
                    "packet " + std::to_string(peer.ack_packet) + " acknowledged them " + seconds_text(since) +
                        " earlier, and it is not the first time",
                    false, true);
}

// A stump of the size of the options follows a repetition at once: they were left out of the segment size (RFC
// 2525 2.14).
void stump(Context& c, Conduct& own) {
  const std::uint32_t options = c.seg.tcp.header_size - static_cast<std::uint32_t>(kTcpHeaderSize);
  const std::uint32_t size = options == 0 ? 12U : options;
  const bool at_once = c.seg.time - own.repeat_time < std::chrono::milliseconds(5);
  if (c.seq != own.repeat_end || !at_once || c.seg.payload_size != size || own.repeat_size < 4 * size) return;
  c.note(RuleId::repetition_with_stump, "one segment", std::to_string(size) + " octets more",
         "the repetition before it carries " + std::to_string(own.repeat_size) +
             " octets; the options take as many as follow");
}

}  // namespace

void repetition(Context& c) {
  Conduct& own = c.conn.conduct[c.side];
  stump(c, own);
  const Position first = una(c.self, c.peer);
  acknowledged_already(c, own);
  const bool at_una = c.seq <= first && c.end > first && c.peer.edge_last > first;
  if (at_una && c.seg.payload_size != 1) {
    const Duration since = c.seg.time - (own.timeout.count == 0 ? own.timer_start : own.timeout.last);
    if (own.duplicate_acks >= 3) {
      after_duplicates(c, own);
    } else if (by_timeout(c, own)) {
      own.recovering = false;
      at_timeout(c, own, since);
    }
    own.timer_start = c.seg.time;
    own.repeated = true;
  }
  if (own.after_timeout != 0) own.burst += segments_of(c, own);
  own.growth = {};
  own.repeat_end = c.end;
  own.repeat_size = c.seg.payload_size;
  own.repeat_time = c.seg.time;
}

namespace {

//= rfc5681 3.1 RFC5681-3.1-g
void burst_after_timeout(Context& c, Conduct& own) {
  const std::uint32_t allowed = own.after_timeout == 1 ? 4 : 2 * own.burst_acks + 5;
  // New text in front of a hole that is not filled yet: two segments may go out to see whether the time-out was wrong
  // (RFC 5682).
  const bool hole_open = una(c.self, c.peer) < own.timeout_next && c.seq >= own.timeout_next && !own.sacked;
  if (hole_open) ++own.news_at_hole;
  if (own.burst <= allowed && own.news_at_hole <= 3) return;
  c.note(RuleId::no_slow_start_after_timeout,
         own.after_timeout == 1 ? "one segment" : "a window of " + std::to_string(own.burst_acks + 1) + " segments",
         std::to_string(own.burst) + " segments at once",
         "packet " + std::to_string(own.timeout_packet) + " is a repetition by time-out, and " +
             std::to_string(own.burst_acks) + " new ACKs have come since");
  own.after_timeout = 0;
}

//= rfc5681 3.2 RFC5681-3.2-h
void window_after_recovery(Context& c, Conduct& own) {
  const Duration soon = std::max<Duration>(std::chrono::milliseconds(10), c.conn.round_trip / 2);
  if (!own.deflated_at || c.seg.time - own.recovered_time > soon) return;
  const Position flight = c.end - una(c.self, c.peer);
  // Half of it, or seven tenths with CUBIC, and the first growth.
  const Position allowed = static_cast<Position>(own.flight_at_loss) * 85 / 100 + own.largest * 3 / 2;
  if (flight <= allowed || own.flight_at_loss < 4 * own.largest) return;
  c.note(RuleId::window_not_deflated, "about half of the " + std::to_string(own.flight_at_loss) + " octets in flight",
         std::to_string(flight) + " octets in flight",
         "so many were in flight when fast retransmit began; its end takes the inflation of the window back");
  own.deflated_at = false;
}

// Growth in congestion avoidance, measured in rounds: one eighth of a segment for each ACK on top of what RFC 5681
// grants (RFC 2525 2.6). Other controllers grow otherwise, but not by just that, round after round.
//= rfc5681 3.1 RFC5681-3.1-e
void growth(Context& c, Conduct& own) {
  constexpr std::uint32_t kRounds = 4;
  Growth& g = own.growth;
  const Position first = una(c.self, c.peer);
  g.peak = std::max(g.peak, static_cast<std::uint32_t>(std::min<Position>(c.end - first, 1 << 30)));
  if (first < g.round_end) return;
  g.round_end = c.end;
  const std::uint32_t peak = std::exchange(g.peak, 0);
  const std::uint32_t size = std::max(own.largest, 1U);
  const bool usable = peak >= 16 * size && c.peer.edge_last > c.end + size;
  if (!usable || g.rounds == 0) {
    g = {.round_end = g.round_end, .first_peak = peak, .rounds = usable ? 1U : 0U};
    return;
  }
  if (++g.rounds <= kRounds) return;
  const double grown = (static_cast<double>(peak) - g.first_peak) / size;
  const double per_ack = grown / std::max(g.acks, 1U);
  const double granted = static_cast<double>(size) / (0.5 * (static_cast<double>(peak) + g.first_peak));
  if (g.acks >= 16 && per_ack > granted + 0.095 && per_ack < granted + 0.155) {
    c.note(RuleId::window_grows_too_fast, "one segment per round trip at most",
           std::to_string(grown / kRounds) + " segments per round trip",
           "over " + std::to_string(kRounds) + " round trips and " + std::to_string(g.acks) +
               " ACKs it grew by an eighth of a segment for each ACK more than congestion avoidance grants");
  }
  g = {.round_end = g.round_end, .first_peak = peak, .rounds = 1};
}

}  // namespace

// Small segments, each right behind the other and without a push: neither Nagle's algorithm nor the sender's side of
// silly-window avoidance is at work.
void small_segments(Context& c, Conduct& own) {
  const bool small = c.has_data() && c.seg.payload_size * 4 < own.largest && !c.flags().psh() && !c.flags().fin();
  const bool behind = c.seq == c.self.next && c.self.stimuli == 0 &&
                      c.seg.time - c.self.last_time < std::chrono::milliseconds(1) && in_flight(c.self, c.peer);
  own.small_run =
      small && (behind || own.small_run == 0) ? static_cast<std::uint8_t>(own.small_run + 1) : std::uint8_t{0};
  if (own.small_run != 8) return;
  c.note(RuleId::silly_window_sent, "segments of " + std::to_string(own.largest) + " octets",
         std::to_string(c.seg.payload_size) + " octets",
         "the eighth small one in a row, each at once behind the other");
}

// More than the initial window before anything of it is acknowledged. The MSS is the peer's, or the default one.
//= rfc5681 3.1 RFC5681-3.1-a
void initial_window(Context& c) {
  const Endpoint& self = c.self;
  const bool first_flight = una(self, c.peer) == self.iss + 1 && c.conn.handshake_known() && self.syn.options_known &&
                            c.peer.syn.options_known && self.syn.data == 0 && !c.conn.capture_gap;
  const bool put_together = c.seg.payload_size > 9216;  // by a network card, perhaps of several flights
  if (!first_flight || put_together) return;
  const std::uint32_t size = c.peer.syn.has_mss ? std::max<std::uint32_t>(c.peer.syn.mss, 536U)
                                                : (c.seg.ip.src.version == IpVersion::v4 ? 536U : 1220U);
  const std::uint32_t segments = c.conn.profile->initial_window;
  const Position flight = c.end - (self.iss + 1);
  if (flight <= static_cast<Position>(size) * (segments + 2)) return;  // two more at duplicate ACKs (RFC 3042)
  c.note(RuleId::initial_window, std::to_string(segments) + " segments of " + std::to_string(size) + " octets",
         std::to_string(flight) + " octets in flight", "nothing of them is acknowledged yet");
}

// A SYN or SYN-ACK.
//= rfc6298 2.1 RFC6298-2.1-a
void opening(Context& c) {
  Conduct& own = c.conn.conduct[c.side];
  const bool again = c.self.syn.count != 0 && c.seq == c.self.iss && c.self.plain_segments == 0;
  if (again && c.self.stimuli == 0) {
    syn_again(c, own);
  } else {
    own.timeout = {};
  }
}

void new_text(Context& c) {
  Conduct& own = c.conn.conduct[c.side];
  initial_window(c);
  small_segments(c, own);
  if (!in_flight(c.self, c.peer)) own.timer_start = c.seg.time;
  own.largest = std::max(own.largest, std::min(c.seg.payload_size, 9216U));
  if (own.after_timeout != 0) {
    own.burst += segments_of(c, own);
    burst_after_timeout(c, own);
  }
  window_after_recovery(c, own);
  growth(c, own);
}

// Something of this end's, not a repetition, while octets have waited for an ACK far longer than any time-out.
void never_repeated(Context& c) {
  const Endpoint& self = c.self;
  Conduct& own = c.conn.conduct[c.side];
  constexpr Duration kLong = std::chrono::seconds(20);
  constexpr Duration kFarTooLong = std::chrono::seconds(60);
  if (!in_flight(self, c.peer) || own.timer_start == Instant{} || c.peer.edge_last <= una(self, c.peer)) return;
  const Duration since = c.seg.time - own.timer_start;
  if (since < kLong || since < 20 * c.conn.round_trip || own.repeated || c.conn.capture_gap) return;
  // Awake all the time: a host that slept has no timers.
  const bool awake = self.last_time - own.timer_start > since / 4 && c.seg.time - self.last_time < since / 2;
  if (!awake) return;
  const std::string why = "octet " + number_text(una(self, c.peer)) + " has not been acknowledged for " +
                          seconds_text(since) + ", and the window is open";
  if (since >= kFarTooLong) {
    c.violated_at_tap(RuleId::no_retransmission, "the octet again", "nothing of it", why, true, true);
  } else {
    c.note(RuleId::no_retransmission, "the octet again", "nothing of it", why);
  }
}

namespace {

void advance(Context& c, Conduct& sender) {
  const auto& ts = c.seg.tcp.options.timestamps;
  const bool spurious = ts && sender.timeout_tsval != 0 && before(SeqNum(ts->echo), SeqNum(sender.timeout_tsval));
  const bool too_soon = sender.after_timeout == 1 && c.seg.time - sender.timer_start < c.conn.round_trip * 3 / 4;
  if (spurious || too_soon) sender.after_timeout = 0;  // RFC 3522, RFC 5682: the window may be restored
  if (sender.after_timeout != 0) {
    sender.after_timeout = 2;
    ++sender.burst_acks;
    sender.burst = 0;
    if (sender.burst_acks > 4) sender.after_timeout = 0;
  }
  if (sender.recovering && c.ack >= sender.recover) {
    sender.recovering = false;
    sender.deflated_at = !sender.sacked && c.conn.capture_gap == false;
    sender.recovered_time = c.seg.time;
  }
  ++sender.growth.acks;
  sender.duplicate_acks = 0;
  sender.sacked = false;
  sender.repeated = false;
  sender.timer_start = c.seg.time;
  sender.ack_acceptable = false;
}

}  // namespace

// An acknowledgement passes towards the sender of the text.
void ack_of_text(Context& c) {
  Conduct& sender = c.conn.conduct[1 - c.side];
  if (sender.timeout.count != 0) sender.timeout = {};
  if (c.seg.tcp.options.sack_count != 0) sender.sacked = true;
  const bool news = !c.self.acked || c.ack > c.self.ack_max;
  if (news) advance(c, sender);
  // At RCV.NXT, empty or a probe: whatever the window, its ACK counts (RFC 9293 3.10.7.4 first).
  const auto& ts = c.seg.tcp.options.timestamps;
  const bool fresh = !c.conn.timestamps_negotiated() || (ts && !before(SeqNum(ts->value), SeqNum(c.self.tsval_max)));
  const bool acceptable = c.peer.acked && c.seq == c.peer.ack_max && c.seg.len() <= 1 && !c.seg.malformed && fresh;
  if (acceptable && (news || c.ack == c.self.ack_max) && !sender.ack_acceptable) {
    sender.ack_acceptable = true;
    sender.acceptable_ack = c.seg.time;
  }
  if (news) return;
  if (c.seg.tcp.wnd != c.self.wnd_last || c.seg.tcp.wnd == 0) {
    sender.duplicate_acks = 0;
    return;
  }
  if (c.ack != c.self.ack_max || c.seg.len() != 0 || !in_flight(c.peer, c.self)) return;
  if (sender.duplicate_acks < 255) ++sender.duplicate_acks;
  if (sender.duplicate_acks == 3) sender.third_duplicate = c.seg.time;
}

}  // namespace lastack::near
