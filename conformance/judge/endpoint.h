// What is known of one end of a connection from the segments that it sent: certain facts and the packets they come
// from. Facts only; what follows from them is asked in rules/.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "conformance/judge/coverage.h"
#include "conformance/judge/segment_info.h"
#include "conformance/judge/stream_memory.h"

namespace lastack {

// What an endpoint's SYNs (or SYN-ACKs) offered. A retransmitted SYN may offer less (RFC 7413 4.2.2, RFC 3168 6.1.1.1),
// so "some SYN did" and "every SYN did" are kept apart.
struct SynFacts {
  std::uint32_t count = 0;   // SYNs and SYN-ACKs seen with this ISN
  std::uint64_t packet = 0;  // the first one
  std::uint64_t last_packet = 0;
  Instant time{};
  Instant last_time{};
  bool with_ack = false;  // one of them was a SYN-ACK
  bool without_ack = false;
  bool options_known = true;  // none was cut
  bool some_timestamps = false, every_timestamps = true;
  bool some_scale = false, every_scale = true;
  bool some_sack_permitted = false;
  bool some_ecn_setup = false;  // ECE and CWR both set
  bool some_ecn_flag = false;   // any of ECE, CWR and AE: some form of ECN may be negotiated
  bool some_fast_open = false;
  bool some_unknown = false;  // options of a kind that is not known here, like MPTCP
  bool scale_changed = false;
  std::uint8_t shift = 0;  // as used: at most 14
  bool has_mss = false;
  std::uint16_t mss = 0;  // the largest offered
  std::uint16_t wnd = 0;
  std::uint32_t data = 0;  // payload on it
  std::uint32_t len = 0;   // SEG.LEN: a FIN on it counts too
  friend bool operator==(const SynFacts&, const SynFacts&) = default;
};

// Follows the IPv4 identification field. Stacks that count it up per connection thereby tell in which order they sent,
// and whether anything of theirs is missing from the capture.
class IdTrack {
 public:
  // `packets`: how many packets one offloaded segment will become.
  void saw(std::uint16_t id, std::uint32_t packets, std::uint64_t number);
  bool counts_up() const { return exact_ >= 1 && odd_ == 0 && !uncounted_; }
  // Was a packet with this id sent after everything seen so far? Only meaningful while counts_up().
  bool is_newer(std::uint16_t id) const;
  // The very next one: nothing was sent between the last packet seen and this one.
  bool is_next(std::uint16_t id) const;
  // Packets from this number on are known to follow each other without a gap.
  std::uint64_t gapless_since() const { return gapless_since_; }
  // None of all its packets is missing.
  bool gapless() const { return counts_up() && gapless_since_ == first_; }
  friend bool operator==(const IdTrack&, const IdTrack&) = default;

 private:
  std::uint16_t last_ = 0;
  std::uint16_t step_ = 1;
  bool any_ = false;
  bool uncounted_ = false;  // packets with identification 0 came after counted ones: nobody knows where they belong
  std::uint32_t exact_ = 0;
  std::uint32_t odd_ = 0;
  std::uint64_t gapless_since_ = 0;
  std::uint64_t first_ = 0;
};

constexpr Position kOutOfSequence = INT64_MAX;

// The TSval with which octets from a number on were first sent.
struct EchoDue {
  Position number = kOutOfSequence;
  std::uint64_t packet = 0;
  Instant time{};
  SeqNum ack;  // SEG.ACK of that packet
  std::uint32_t tsval = 0;
  std::optional<std::uint32_t> sure;  // the TSval of an empty segment that shows that they had not been sent before
  friend bool operator==(const EchoDue&, const EchoDue&) = default;
};

// Small members stand together, beside what they are about where they can: many thousands of these are held at a time.
struct Endpoint {
  // Its own sequence space.
  bool numbers_known = false;  // `next` and `sent` are meaningful
  bool isn_ambiguous = false;  // SYNs with several numbers: nothing that depends on the ISN is judged
  bool next_guessed = false;   // picked up in mid-stream, from empty segments only: a probe, perhaps
  bool next_doubtful = false;  // a misnumbered segment is suspected: `next` follows the stream after it
  SynFacts syn;
  Position iss = 0;    // meaningful when syn.count != 0
  Position first = 0;  // the first number seen
  Position next = 0;   // the highest sequence number after anything it sent: SND.NXT, at least
  std::uint64_t next_packet = 0;
  std::uint64_t next_sure = 0;  // from this packet on `next` is SND.NXT, if none is missing; 0: more may be out
  Position ack_at_next = 0;     // its own acknowledgement number when it reached `next`
  Position wild_end = 0;        // where the last segment ended that was numbered too far ahead to be believed
  Position claimed = 0;         // the highest number of an empty segment: it says that everything before was sent
  Coverage sent;
  Position fin_at = 0;  // the number that the FIN takes
  std::uint64_t fin_packet = 0;
  Instant fin_time{};
  std::uint32_t fin_count = 0;
  bool fin = false;
  bool retransmitted = false;
  std::uint64_t plain_segments = 0;  // without SYN and RST
  std::uint64_t rst_packet = 0;
  Instant rst_time{};
  bool rst = false;
  bool rst_synchronized = false;  // sent in a synchronized state
  bool was_reset = false;         // Vantage::endpoint: an exact reset arrived
  std::uint8_t hop_limit = 0;     // of its last segment but resets
  bool other_hops = false;        // its segments have come with different ones: another host may speak in its name
  std::uint64_t was_reset_packet = 0;
  Instant was_reset_time{};

  // What it said about the other direction.
  bool acked = false;
  bool ack_unverified = false;  // the checksum of `ack_packet` says nothing
  Position ack_max = 0;         // the highest acknowledgement number: RCV.NXT, at least
  Position ack_highest = 0;     // claims of what was not sent included
  std::uint64_t ack_packet = 0;
  std::uint64_t ack_said = 0;  // that packet, when a lower number after it was last found wrong
  Instant ack_time{};
  std::array<Position, 4> recent_acks{};  // the last distinct ones
  std::uint32_t distinct_acks = 0;
  bool edge_known = false;
  bool took_back = false;  // a part of the window that it had offered
  bool shut = false;       // it has offered a zero window
  std::uint16_t wnd_last = 0;
  Position edge_max = 0;  // the highest right window edge it ever advertised
  std::uint64_t edge_packet = 0;
  std::uint64_t edge_said = 0;  // that of the edge which was last found to be taken back
  Position edge_last = 0;
  Position edge_unsure = 0;  // the highest that it offered while it acknowledged what was not captured

  // Timestamps.
  bool ts_seen = false;
  bool ts_in_stream = false;  // on a segment without SYN
  bool ts_erratic = false;    // its TSval jumped and stayed there: no conclusions from it (hostile peers)
  bool ts_unread = false;     // some segment had none, or the capture cut it: newest among those seen proves nothing
  bool tsval_alone = false;   // no other packet had tsval_max
  bool astray = false;        // its last TSval was far off
  std::uint32_t tsval_max = 0;
  std::uint32_t tsval_min = 0;
  bool tsecr_seen = false;
  std::uint64_t tsval_packet = 0;
  Instant tsval_time{};
  Position tsval_at = kOutOfSequence;  // the SEQ of the segment with tsval_max, when that was the next number
  std::uint64_t stray_packet = 0;      // the last one whose TSval was far off, and its value
  std::uint32_t stray_tsval = 0;
  std::uint32_t tsval_before = 0;  // the highest before tsval_max
  std::uint32_t tsecr_max = 0;
  std::uint32_t tsecr_highest = 0;  // of claims too: of what the peer was not seen to send
  std::uint64_t tsecr_packet = 0;
  Position tsecr_at = kOutOfSequence;
  EchoDue echo_mark;  // waits until something up to its number is acknowledged
  EchoDue echo_due;   // what acknowledges more than its number echoes its TSval or a later one (RFC 7323 4.3)

  // Explicit Congestion Notification in the IP header.
  std::uint64_t ect_syn_packet = 0;   // a SYN with an ECN codepoint, of which nothing is said yet
  std::uint64_t not_ect_ack = 0;      // the last empty segment without one
  std::uint64_t not_ect_segment = 0;  // the last segment but SYN and RST without one

  // Urgent data.
  std::uint64_t urgent_packet = 0;  // 0: none
  Position urgent_max = 0;          // the highest SEG.SEQ + SEG.UP
  Position urgent_end = 0;          // where its last urgent segment ended,
  std::uint16_t urgent_up = 0;      // and SEG.UP of that one

  IdTrack ids;
  StreamMemory stream;
  std::uint64_t changed_packet = 0;  // found to carry other octets than before

  // A data segment or FIN that did not begin at `next`: should the stream go on as if it had, it was misnumbered.
  Position jump_from = 0;  // `next` before it
  Position jump_to = 0;
  std::uint32_t jump_len = 0;
  bool jumped = false;
  bool jump_ids_gapless = false;
  std::uint64_t jump_packet = 0;
  Instant jump_time{};

  // Since its last segment: what the other end sent that may have caused a reaction.
  std::uint32_t stimuli = 0;
  bool only_fin = false;          // a bare FIN, in order, is the only one of them that wants an answer
  bool only_quiet = false;        // none of them does: ACKs of nothing in particular
  std::uint8_t fin_left_out = 0;  // times that it answered such a FIN without counting it
  bool old_among_them = false;  // one was numbered before what it has acknowledged, so that it is due an ACK of its own
  bool owes_another = false;    // its last segment may have answered one of several only
  bool other_than_rst = false;  // ever: the other end sent something that is no reset
  bool due = false;             // Vantage::endpoint: an acknowledgement
  std::uint16_t stimulus_flags = 0;
  std::uint64_t stimulus_packet = 0;
  Instant stimulus_time{};
  Position stimulus_end = 0;  // SEG.SEQ + SEG.LEN of the last one
  std::uint32_t stimulus_len = 0;
  std::uint32_t stimulus_tsval = 0;

  // Vantage::endpoint: the acknowledgement that is due.
  Position due_ack = 0;
  Instant due_time{};
  std::uint64_t due_packet = 0;
  Instant last_time{};

  std::uint64_t packets = 0;
  std::uint64_t octets = 0;
  std::uint32_t violations = 0;
  std::uint32_t inconclusive = 0;

  bool active_opener() const { return syn.without_ack; }
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

}  // namespace lastack
