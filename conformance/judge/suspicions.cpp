// Claims that no captured packet backs, and what later segments say about them. The path between tap and endpoint may
// lose, delay and duplicate; the capture itself may lack packets. So a claim is a violation only when its owner's own
// later numbers contradict it; when they bear it out, packets are missing from the capture; and when nothing follows,
// it stays open.
#include "conformance/judge/suspicions.h"

#include <utility>

#include "conformance/judge/rules/rules.h"

namespace lastack {

namespace {

// Sent by the accused after the segment in question: acknowledgement numbers never fall. A reset's timestamp and
// identification are not followed, so that to be newer than all others does not tell.
bool sent_after(const Context& c, const Suspicion& s) {
  return (c.later && !s.reset) || (c.flags().ack() && s.has_ack && c.ack > s.ack);
}

// This segment of the other end was sent after the segment in question had arrived there: it acknowledges it or what
// came later, or echoes its timestamp or a later one. A sender does not repeat what it knows to be acknowledged.
bool answers_later(const Context& c, const Suspicion& s) {
  if (!c.flags().ack()) return false;
  if (s.new_text ? c.ack >= s.end : c.ack > s.end) return true;
  const auto& ts = c.seg.tcp.options.timestamps;
  if (!ts || !s.has_tsval || c.peer.ts_erratic) return false;
  return s.new_tsval ? at_or_after(SeqNum(ts->echo), SeqNum(s.tsval)) : after(SeqNum(ts->echo), SeqNum(s.tsval));
}

// No segment of this sender between the packet in question and this one is missing: its IP identifications are
// consecutive.
bool nothing_missing_since(const Context& c, const Suspicion& s) {
  const IdTrack& ids = c.self.ids;
  return c.seg.ip.src.version == IpVersion::v4 && ids.counts_up() && ids.is_next(c.seg.ip.id) &&
         ids.gapless_since() <= s.draft.packet;
}

constexpr Duration kNoTimeOutYet = std::chrono::milliseconds(150);  // no stack's timer is as quick as that

// Of a segment numbered `known`. Just below SND.NXT, after all: if what is missing from the capture was one octet, or
// the FIN, a keep-alive has the last number that was seen (MAY-6). None comes so soon, nor with news.
bool may_be_keep_alive(const Context& c, const Suspicion& s) {
  const bool news = c.flags().ack() && c.self.acked && c.ack > c.self.ack_max;
  const bool soon = c.clock_runs() && c.seg.time - c.self.last_time < kNoTimeOutYet;
  return s.claimed == s.known + 1 && c.seg.len() <= 1 && !c.conn.certain && !news && !soon;
}

// The accused acknowledged octets up to `claimed`; their sender was seen up to `known`.
Ruling settle_claimed_by_peer(Context& c, Suspicion& s) {
  if (c.side == s.accused) {
    if (!c.flags().ack() || c.flags().rst() || c.ack >= s.claimed || s.selective) return Ruling::keep;
    if (!c.later_but(kByAck)) return Ruling::keep;
    s.draft.why += "; packet " + std::to_string(c.seg.number) + " acknowledges only " + number_text(c.ack);
    return Ruling::violated;
  }
  if (c.flags().rst() || c.flags().syn()) return Ruling::keep;
  if (c.seq >= s.claimed)
    return open_because(
        s, "octets " + number_text(s.known) + " to " + number_text(s.claimed - 1) + " are missing from the capture");
  const bool sent_now = c.end > s.known && c.seq <= s.known;
  const bool may_be_probe = c.end - c.seq <= 1 && !c.flags().fin();  // its octet is no text (MAY-6)
  // After the ACK had arrived nothing below it is sent again; a hole below a SACK block is.
  const bool proven = sent_now && !s.selective && answers_later(c, s) && (nothing_missing_since(c, s) || !may_be_probe);
  const bool ends_there = c.end == s.claimed || c.seq + c.seg.payload_size == s.claimed;  // a block leaves out a FIN
  if (ends_there && may_be_swapped(c, s) && !proven) {
    c.conn.sink->note_disorder();
    return open_because(s, "the capture may have swapped neighbours");
  }
  if (sent_now && c.end < s.claimed && may_be_swapped(c, s) && !proven) {
    s.known = c.end;  // more of it may follow at once
    s.contradicted = true;
    return Ruling::keep;
  }
  // What was acknowledged brings no fast retransmission.
  const bool may_be_again =
      c.end == s.claimed || c.seg.time - s.draft.time > kNoTimeOutYet || (s.selective && c.end < s.claimed);
  if (sent_now && may_be_again && !proven)
    return open_because(s, "packet " + std::to_string(c.seg.number) + " may repeat what is missing from the capture");
  if (sent_now) {
    s.draft.why += "; octet " + number_text(s.known) + " was first sent in packet " + std::to_string(c.seg.number);
    return Ruling::violated;
  }
  // Its clock has not gone on since what the accused has echoed: it may be from before the missing octets.
  const auto& ts = c.seg.tcp.options.timestamps;
  const bool from_before = ts && c.peer.tsecr_seen && !after(SeqNum(ts->value), SeqNum(c.peer.tsecr_highest));
  const bool well_later = !may_be_swapped(c, s) && !from_before;
  if (c.seq == s.known && (well_later || answers_later(c, s)) && !may_be_keep_alive(c, s)) s.contradicted = true;
  return Ruling::keep;
}

// The accused numbered an empty segment or reset `claimed`, having been seen to send up to `known`.
Ruling settle_claimed_by_sender(Context& c, Suspicion& s) {
  if (c.side != s.accused) {
    const bool acked = c.flags().ack() && !c.flags().rst() && c.ack >= s.claimed && c.self.acked;
    return acked && c.ack <= s.claimed
               ? open_because(s, "the peer acknowledges them: they are missing from the capture")
               : Ruling::keep;
  }
  if (c.flags().syn() || c.flags().rst()) return Ruling::keep;
  const IdTrack& ids = c.self.ids;
  const bool gapless = c.seg.ip.src.version == IpVersion::v4 && ids.counts_up() && ids.is_next(c.seg.ip.id) &&
                       ids.gapless_since() <= s.known_since && s.known_since != 0;
  if (gapless && c.seq < s.claimed) {
    s.draft.why += "; nothing of it is missing up to packet " + std::to_string(c.seg.number) +
                   ": the IP identifications are consecutive";
    return Ruling::violated;
  }
  const bool empty = c.end == c.seq;
  // A sender whose window shrank below what it had sent may number its acknowledgements inside the window.
  const bool shut_out = !c.peer.edge_known || c.peer.edge_last < s.claimed || c.peer.took_back;
  const bool says_less = empty && c.seq == s.known && sent_after(c, s) && !shut_out;
  if (says_less && c.peer.acked && c.peer.ack_highest >= s.claimed)
    return open_because(s, "the peer has acknowledged them: they are missing from the capture");
  if (says_less && !may_be_keep_alive(c, s)) {
    s.draft.why += "; packet " + std::to_string(c.seg.number) + ", sent later, is numbered " + number_text(c.seq);
    return Ruling::violated;
  }
  if (c.seq <= s.known && c.end > s.known) {
    // Data that the empty segment overtook, or that was lost before the tap and is repeated, ends where that one was
    // numbered, or before. A longer segment so soon that nothing can have been repeated contradicts the claim.
    const Duration elapsed = c.seg.time - s.draft.time;
    const bool unprovoked = c.self.stimuli == 0 && elapsed > Duration{0} && elapsed < std::chrono::milliseconds(2);
    // Where the window ends before a FIN, what follows it is numbered there.
    const bool no_room_for_fin = c.peer.edge_known && c.peer.edge_last <= s.claimed;
    if (c.end == s.claimed || (no_room_for_fin && c.seq + c.seg.payload_size == s.claimed)) return Ruling::drop;
    if (unprovoked && c.end > s.claimed && !c.conn.capture_gap && c.has_data()) {
      s.draft.why += "; octet " + number_text(s.known) + " was first sent in packet " + std::to_string(c.seg.number) +
                     ", too soon to be a repetition, and " + number_text(s.claimed) + " is no boundary of it";
      return Ruling::violated;
    }
    if (c.end < s.claimed) s.known = c.end;
    s.contradicted = s.contradicted || (c.end > s.claimed && (unprovoked || elapsed < c.conn.round_trip / 2));
    s.borne_out = s.borne_out || (c.end > s.claimed && !s.contradicted);
    return Ruling::keep;
  }
  if (c.seq >= s.claimed) s.borne_out = true;  // the octets before it were sent; they may still come, reordered
  return Ruling::keep;
}

Ruling settle_misnumbered(Context& c, Suspicion& s) {
  const bool resent = c.side == s.accused && c.seq <= s.known && c.end > s.known && c.has_data();
  return resent && !s.taken_twice ? Ruling::drop : Ruling::keep;
}

// Data went up to `claimed`, the edge seen was `known`.
Ruling settle_beyond_window(Context& c, Suspicion& s) {
  // A repetition from beyond the last ACK seen, and not of the tail (a probe), follows one that is missing.
  const bool repeats = c.side == s.accused && c.has_data() && c.end < c.self.next;
  if (repeats && !c.conn.certain && c.peer.acked && c.seq > c.peer.ack_max)
    return open_because(s, "it repeats text beyond the last ACK seen: ACKs are missing from the capture");
  if (c.side == s.accused || !c.flags().ack() || c.flags().rst() || c.flags().syn()) return Ruling::keep;
  const int shift = c.conn.window_shift(c.side);
  if (shift < 0) return Ruling::keep;
  const Position edge = c.ack + (static_cast<Position>(c.seg.tcp.wnd) << shift);
  if (edge >= s.claimed) return open_because(s, "the ACK that opened the window may be missing from the capture");
  if (c.self.acked && c.ack < c.self.ack_max) return Ruling::keep;  // an old one, reordered
  // The one that opened it may stand behind this one.
  if (c.seg.time - s.draft.time < std::chrono::milliseconds(5)) return Ruling::keep;
  if (edge < s.known) return open_because(s, "the receiver takes back what it offers, and may have offered more");
  const bool gap_before = c.conn.capture_gap && c.conn.capture_gap_packet < s.draft.packet;
  if (gap_before) return open_because(s, "packets before it are missing from the capture, and may have offered more");
  s.draft.why += "; packet " + std::to_string(c.seg.number) + " still offers only " + number_text(edge);
  return Ruling::violated;
}

Ruling taken_as_it_was(Suspicion& s) {
  s.draft.proven = true;
  s.draft.why += "; packet " + std::to_string(s.answered_by) + " acknowledges it, and it was not sent again";
  return Ruling::violated;
}

// A damaged segment with text, SYN or FIN is sent again; what its receiver acknowledges without that had arrived as it
// is here. The repetition may stand a little behind its ACK in the file.
Ruling settle_bad_checksum(Context& c, Suspicion& s) {
  if (s.claimed == s.known) return Ruling::keep;
  if (c.side != s.accused) {
    if (!s.in_order || !c.flags().ack() || c.flags().rst() || c.ack < s.claimed || s.answered_by != 0)
      return Ruling::keep;
    if (c.ack > std::max(c.peer.next, s.claimed))
      return open_because(s,
                          "octets behind it are missing from the capture, and it may have been sent again with them");
    s.answered_by = c.seg.number;
    s.answered_at = c.seg.time;
    return Ruling::keep;
  }
  if (c.seq <= s.known && c.end > s.known) {
    c.conn.sink->note_damage();
    return open_because(s,
                        "packet " + std::to_string(c.seg.number) + " repeats it: it may have been damaged on the path");
  }
  const bool well_after = s.answered_by != 0 && c.seg.time - s.answered_at > std::chrono::milliseconds(10);
  return well_after ? taken_as_it_was(s) : Ruling::keep;
}

// A bare ACK after a FIN did not count it. A repetition of the FIN shows that it had been lost behind the tap.
Ruling settle_idle_ack(Context& c, Suspicion& s) {
  const bool fin_again = c.side != s.accused && c.flags().fin();
  if (fin_again) return Ruling::drop;
  const bool counted_alone = c.side == s.accused && c.flags().ack() && c.ack >= s.claimed && c.seg.len() == 0;
  return counted_alone ? Ruling::drop : Ruling::keep;  // the first one answered something else
}

// The segment in question acknowledges `known`, and one before it `claimed`: the next one takes the part of one of
// them.
Ruling settle_ack_fell(Context& c, Suspicion& s) {
  Endpoint& self = c.self;
  if (c.side != s.accused || !c.flags().ack() || c.flags().rst() || c.flags().syn() || c.ack < s.known)
    return Ruling::keep;
  if (c.ack >= s.claimed) return Ruling::violated;
  if (!c.later_but(kByAck) || self.ack_packet != s.answered_by) return Ruling::keep;
  Finding f =
      c.draft(RuleId::ack_of_missing_data, "ACK=" + number_text(s.known) + " or less", "ACK=" + number_text(s.claimed),
              "packet " + std::to_string(s.draft.packet) + " was sent later and acknowledges " + number_text(s.known) +
                  ", and packet " + std::to_string(c.seg.number) + " after it " + number_text(c.ack));
  f.packet = s.answered_by;
  f.time = s.answered_at;
  f.unverified = !c.conn.certain && self.ack_unverified;
  f.flipped_bit = f.unverified;  // the bit that was turned over is any
  s.draft = std::move(f);
  self.ack_max = s.known;
  self.edge_said = self.edge_packet;  // the window that was offered with it proves nothing
  return Ruling::violated;
}

// The accused acknowledged `claimed` where the other end's SYN says `known`. A sender that goes on with `claimed` had
// its SYN wrong: all else agrees.
Ruling settle_isn_vote(Context& c, Suspicion& s) {
  if (c.side == s.accused || c.flags().syn()) return Ruling::keep;
  Endpoint& self = c.self;
  const Position off = s.claimed - s.known;
  // A few octets may be missing from the capture instead; but none is sent before the SYN-ACK (Fast Open apart).
  const bool by_syn_ack = s.draft.rule == &judge_rules()[static_cast<std::size_t>(RuleId::syn_ack_number)];
  const bool before_syn_ack = by_syn_ack && !self.syn.some_fast_open;
  const bool may_have_been_sent = off > 0 && off < (Position{1} << 20) && !before_syn_ack;
  const Position seq = unwrap(s.claimed, c.seg.tcp.seq);
  if (c.flags().rst() || seq != s.claimed) return Ruling::violated;
  if (may_have_been_sent) return open_because(s, "octets before that number may be missing from the capture");
  // Segments of another connection, or of this one already, have passed: a SYN since then is missing here.
  if (by_syn_ack && (c.peer.plain_segments != 0 || c.conn.stranger.seen))
    return open_because(s, "the SYN of a later connection may be missing from the capture");
  if (self.iss == s.claimed - 1) return Ruling::drop;  // found by another segment that answers the same SYN
  Finding f = c.draft(RuleId::isn_changed, "SEQ=" + number_text(s.claimed - 1), "SEQ=" + number_text(self.iss),
                      "packet " + std::to_string(s.draft.packet) + " acknowledges " + number_text(s.claimed) +
                          ", and packet " + std::to_string(c.seg.number) + " goes on with that number");
  f.needs_all = true;  // the SYN of that number may be missing instead
  f.packet = self.syn.packet;
  f.time = self.syn.time;
  if ((self.other_hops || self.hop_limit != c.seg.ip.hop_limit) && !c.conn.certain) {
    leave_undecided(f, "the hop limit changes, so a box may have given it other numbers");
  }
  report(c.conn, c.side, std::move(f));
  self.iss = s.claimed - 1;
  self.next = s.claimed;
  self.claimed = s.claimed;
  self.first = self.iss;
  self.sent.start(self.iss);
  self.sent.add(self.iss, s.claimed);
  c.peer.acked = c.peer.edge_known = false;  // they were counted from the wrong number
  c.peer.distinct_acks = 0;
  c.seq = seq;
  c.end = seq + c.seg.len();
  return Ruling::drop;
}

Ruling settle_option_missing(const Context& c, const Suspicion& s) {
  const bool used = c.side == s.accused && !c.flags().syn() && !c.flags().rst() && c.seg.tcp.options.timestamps;
  return used ? Ruling::violated : Ruling::keep;
}

// Whoever sends a SYN-ACK in reply to a SYN-ACK has got a SYN before it; where the reply is not the first ACK, or is
// not there, that SYN-ACK may be missing from the capture.
Ruling settle_unoffered_option(const Context& c, Suspicion& s) {
  if (c.side == s.accused || !c.flags().ack()) return Ruling::keep;
  if (c.flags().syn()) return Ruling::drop;
  const bool first = c.flags().rst() || (c.seq <= c.self.iss + 1 + c.self.syn.data && c.ack <= c.peer.iss + 1);
  // The accused has echoed what was not seen, or this echoes what the accused sent before all that was.
  const auto& ts = c.seg.tcp.options.timestamps;
  const bool unseen = c.self.ts_seen && c.peer.tsecr_highest != 0 &&
                      (after(SeqNum(c.peer.tsecr_highest), SeqNum(c.self.tsval_max)) ||
                       (ts && c.peer.ts_seen && before(SeqNum(ts->echo), SeqNum(c.peer.tsval_min))));
  const IdTrack& ids = c.self.ids;  // a SYN-ACK of its own stood before this
  const bool missing = c.seg.ip.src.version == IpVersion::v4 && ids.is_newer(c.seg.ip.id) && !ids.is_next(c.seg.ip.id);
  // Both ends chose their port, and it is the same: they open at once, and its own SYN was lost before the tap.
  if (c.conn.address[0].port == c.conn.address[1].port)
    return open_because(s, "it may have sent a SYN of its own before");
  return first && !unseen && !missing
             ? Ruling::violated
             : open_because(s, "an answer to it is missing from the capture, perhaps a SYN-ACK");
}

Ruling settle(Context& c, Suspicion& s) {
  switch (s.kind) {
    case SuspicionKind::isn_vote: return settle_isn_vote(c, s);
    case SuspicionKind::claimed_by_peer: return settle_claimed_by_peer(c, s);
    case SuspicionKind::claimed_by_sender: return settle_claimed_by_sender(c, s);
    case SuspicionKind::misnumbered_data: return settle_misnumbered(c, s);
    case SuspicionKind::beyond_window: return settle_beyond_window(c, s);
    case SuspicionKind::timestamp_echo: return settle_timestamp_echo(c, s);
    case SuspicionKind::syn_echo: return settle_syn_echo(c, s);
    case SuspicionKind::clock_astray: return settle_clock_astray(c, s);
    case SuspicionKind::clock_fell: return settle_clock_fell(c, s);
    case SuspicionKind::stale_echo: return settle_stale_echo(c, s);
    case SuspicionKind::bad_checksum: return settle_bad_checksum(c, s);
    case SuspicionKind::option_missing: return settle_option_missing(c, s);
    case SuspicionKind::unoffered_option: return settle_unoffered_option(c, s);
    case SuspicionKind::idle_ack: return settle_idle_ack(c, s);
    case SuspicionKind::ack_fell: return settle_ack_fell(c, s);
  }
  return Ruling::keep;
}

// At the end of the connection: is what was not contradicted by a segment still a violation?
Ruling last_word(const TrackedConnection& conn, Suspicion& s) {
  if (s.borne_out) {
    const bool came_later = conn.ends[s.accused].sent.covers(s.known, s.claimed);
    return came_later ? Ruling::drop : open_because(s, "octets before it are missing from the capture");
  }
  switch (s.kind) {
    case SuspicionKind::misnumbered_data: {
      if (s.ids_gapless || s.taken_twice) return Ruling::violated;
      const bool sure = s.contradicted && !conn.capture_gap;
      return sure ? Ruling::violated : open_because(s, "packets may have been lost before the tap or by the capture");
    }
    case SuspicionKind::claimed_by_peer:
    case SuspicionKind::claimed_by_sender:
      if (s.contradicted && !conn.capture_gap) return Ruling::violated;
      return open_because(s, "no later segment shows whether it was sent");
    case SuspicionKind::bad_checksum:
      if (s.answered_by != 0) return taken_as_it_was(s);
      if (conn.ends[0].packets + conn.ends[1].packets < 3) return open_because(s, "its ports may be damaged, too");
      if (s.claimed == s.known && s.draft.flipped_bit)
        return open_because(s, "the path may have flipped one bit of it, and an ACK alone is not sent again");
      if (!s.in_order) return open_because(s, "its number does not continue the stream and may be damaged, too");
      return conn.sink->checksums_usually_right() ? Ruling::violated
                                                  : open_because(s, "many checksums in this capture are wrong");
    case SuspicionKind::idle_ack:
      if (conn.capture_gap) return open_because(s, "packets are missing from the capture");
      if (!s.later && conn.sink->repeats()) return open_because(s, "it may be a copy of an ACK sent before the FIN");
      return Ruling::violated;
    case SuspicionKind::ack_fell:
    case SuspicionKind::isn_vote: return Ruling::violated;
    case SuspicionKind::syn_echo:
    case SuspicionKind::stale_echo:
    case SuspicionKind::clock_astray:
    case SuspicionKind::clock_fell: return last_word_on_stamps(conn, s);
    case SuspicionKind::unoffered_option: return open_because(s, "the answer to it was not captured");
    case SuspicionKind::option_missing:
    case SuspicionKind::beyond_window:
    case SuspicionKind::timestamp_echo: break;
  }
  return open_because(s, "no later segment of the peer was captured");
}

void wait_for_tap(TrackedConnection& conn, Suspicion&& s, const char* open_elsewhere) {
  constexpr std::size_t kMaxWaiting = 16;
  if (conn.provisional.size() >= kMaxWaiting) return;
  Provisional p;
  p.finding = std::move(s.draft);
  p.accused = s.accused;
  p.open_elsewhere = open_elsewhere;
  conn.provisional.push_back(std::move(p));
}

void execute(TrackedConnection& conn, Suspicion&& s, Ruling ruling) {
  if (ruling == Ruling::drop || ruling == Ruling::keep) return;
  if (ruling == Ruling::violated && conn.ends[s.accused].other_hops && s.kind != SuspicionKind::bad_checksum) {
    ruling = open_because(s, "the hop limit changes, so another host may speak in its name");
  }
  if (ruling == Ruling::violated && s.at_tap) return wait_for_tap(conn, std::move(s), "");
  if (ruling == Ruling::open) s.draft.verdict = Verdict::inconclusive;
  const int accused = s.accused;
  report(conn, accused, std::move(s.draft));
}

}  // namespace

void settle_suspicions(Context& c) {
  auto& list = c.conn.suspicions;
  for (std::size_t i = 0; i < list.size();) {
    const Ruling ruling = settle(c, list[i]);
    if (ruling == Ruling::keep) {
      ++i;
      continue;
    }
    Suspicion s = std::move(list[i]);
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
    execute(c.conn, std::move(s), ruling);
  }
}

void settle_by_copy(TrackedConnection& conn, int side, const SegmentInfo& copy) {
  if (copy.checksum != ChecksumState::right) return;
  auto& list = conn.suspicions;
  for (auto s = list.begin(); s != list.end(); ++s) {
    const bool this_one = s->kind == SuspicionKind::bad_checksum && s->accused == side &&
                          copy.tcp.seq == SeqNum(wire_number(s->known)) && copy.len() == s->claimed - s->known;
    if (!this_one) continue;
    conn.sink->note_damage();
    Suspicion settled = std::move(*s);
    list.erase(s);
    const Ruling ruling =
        open_because(settled, "its checksum is right in packet " + std::to_string(copy.number) + ", a copy of it");
    execute(conn, std::move(settled), ruling);
    return;
  }
}

void conclude_suspicions(TrackedConnection& conn) {
  auto list = std::move(conn.suspicions);
  conn.suspicions.clear();
  for (Suspicion& s : list) {
    if (s.kind == SuspicionKind::option_missing) {
      // No box stands between an end and a tap of its own: both SYNs were as they are there.
      wait_for_tap(conn, std::move(s),
                   "it never uses the option, so a box may have taken it out of the other end's SYN-ACK or SYN");
    } else {
      execute(conn, std::move(s), last_word(conn, s));
    }
  }
}

}  // namespace lastack
