// One connection as the judge sees it: both endpoints' facts, the suspicions that wait for evidence, and the order of
// work for each segment: settle suspicions, ask the rules, then note the facts. Knows the rules only through their
// table.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "conformance/judge/conduct.h"
#include "conformance/judge/endpoint.h"
#include "conformance/judge/flow_table.h"
#include "conformance/judge/judge.h"
#include "conformance/judge/states.h"

namespace lastack {

enum class RuleId : std::uint8_t;
constexpr std::size_t kMaxRules = 192;

// Which field of the header a rule puts the blame on. One wrong field gives one finding: once it is blamed, the other
// rules about it are not asked, and nothing is concluded from it.
enum Blame : std::uint8_t {
  kBlameNone = 0,
  kBlameSeq = 1,
  kBlameAck = 2,
  kBlameTsval = 4,
  kBlameTsecr = 8,
  kBlameSack = 16,
  kBlameWindow = 32,
};

// How it is known that a segment was sent after everything seen so far of its sender.
enum Witness : std::uint8_t {
  kOwnTap = 1,    // the order at the endpoint is the order of sending
  kByTsval = 2,   // its timestamp is newer than all before
  kById = 4,      // its IP identification is
  kByAck = 8,     // it acknowledges more: RCV.NXT never falls
  kByTsecr = 16,  // it echoes a newer timestamp: TS.Recent never decreases
};

// What a segment claimed that no captured packet backs. It is decided by what follows: the claim may turn out true
// (then packets are missing from the capture), or be contradicted.
enum class SuspicionKind : std::uint8_t {
  claimed_by_peer,    // an ACK or SACK of octets that their sender was not seen to send
  claimed_by_sender,  // an empty segment or reset numbered beyond everything its sender was seen to send
  misnumbered_data,   // data that left a hole, while the stream went on as if it had been numbered without one
  beyond_window,      // data after the highest window edge seen
  timestamp_echo,     // an echo of a timestamp that its owner was not seen to send
  syn_echo,           // a SYN-ACK's echo of a timestamp that no SYN of the capture has
  stale_echo,         // an ACK of what came with a newer timestamp than it echoes
  clock_astray,       // a TSval far from those before: does the next one agree?
  clock_fell,         // a TSval below the highest, which one packet alone had: which of both is wrong?
  bad_checksum,       // damaged on the path, or sent like that
  isn_vote,           // SYN and what answers it disagree: the SYN's sender shows by its next number which one is wrong
  option_missing,     // its sender has not used an agreed option yet: a box may have taken it out of the SYN-ACK
  unoffered_option,   // in a SYN-ACK; if its sender's own SYN is missing (simultaneous open), that may have offered it
  idle_ack,           // an acknowledgement that does not count a FIN which had nothing before it
  ack_fell,           // it acknowledges less than a segment that was sent before: one of both is wrong
};

struct Suspicion {
  SuspicionKind kind = SuspicionKind::claimed_by_peer;
  std::uint8_t accused = 0;   // index of the endpoint
  bool contradicted = false;  // later segments speak against the claim
  bool borne_out = false;     // later segments speak for it
  bool selective = false;     // claimed by a SACK block: the cumulative ACK may stay below
  Position claimed = 0;
  Position known = 0;
  std::uint64_t known_since = 0;  // the accused's next_sure then
  bool has_ack = false;
  bool reset = false;  // the segment in question is a reset
  Position ack = 0;    // of the segment in question
  Position end = 0;
  bool new_text = false;  // it carried octets or a FIN that nothing before it did
  bool has_tsval = false;
  bool new_tsval = false;  // newer than all before
  std::uint32_t tsval = 0;
  bool ids_gapless = false;  // the IP identifications prove that nothing of the sender is missing here
  bool taken_twice = false;  // misnumbered_data: its numbers were used again for other text, or lie behind the FIN
  bool in_order = false;     // bad_checksum: its number is the sender's SND.NXT, so that much of it is right
  // bad_checksum: the packet that acknowledges it. ack_fell, clock_fell: the one with the higher value.
  std::uint64_t answered_by = 0;
  Instant answered_at{};
  bool at_tap = false;  // known at the accused's own tap only
  bool later = false;   // certainly sent after everything before it: no copy that the network made
  Finding draft;
};

// A SYN that may begin a new incarnation of the same tuple; it does when the other end answers it.
struct NextSyn {
  bool present = false;
  std::uint8_t sender = 0;
  std::unique_ptr<SegmentInfo> info;  // rare, so not in every connection
};

class FindingSink {
 public:
  virtual void add(Finding&& finding) = 0;
  // Few enough wrong checksums in what was given so far that the network, or a card that computes them later, is not to
  // blame.
  virtual bool checksums_usually_right() const = 0;
  // An acknowledgement stands before the data that it acknowledges: the capture's order is not the path's.
  virtual void note_disorder() = 0;
  virtual StreamBudget& stream_budget() = 0;
  // An ICMP packet has passed since then.
  virtual bool icmp_since(Instant time) const = 0;
  // Octets were acknowledged that are not in the capture.
  virtual void note_loss(std::uint32_t connection, std::uint64_t packet) = 0;
  // Something was sent twice: the path, or the capture, is not without trouble.
  virtual void note_repetition() = 0;
  virtual bool repeats() const = 0;
  // A segment with a wrong checksum was sent again: the path damages.
  virtual void note_damage() = 0;
  // A SYN was sent again without its request for ECN (RFC 3168 6.1.1.1).
  virtual void note_ecn_given_up() = 0;
  // A SYN of this time may repeat one that was sent before the capture began.
  virtual bool may_repeat_unseen(Instant syn) const = 0;

 protected:
  ~FindingSink() = default;
};

// A field of a packet that was found wrong.
struct Blamed {
  std::uint64_t packet = 0;
  std::uint8_t side = 0;
  std::uint8_t fields = 0;
};

// Where the numbers of the incarnation before this one ended: stragglers of it may still come.
struct EarlierNumbers {
  bool known = false;
  SeqNum first;
  SeqNum next;
  bool may_hold(SeqNum n) const {
    constexpr std::uint32_t kReach = 1U << 20;
    return known && octets_between(first, n) <= octets_between(first, next) + kReach;
  }
  bool held(SeqNum n) const { return known && octets_between(first, n) <= octets_between(first, next); }
};

// What both SYNs together say; asked for every segment.
struct Agreement {
  bool handshake = false;
  bool options = false;
  bool timestamps = false;
  std::int8_t shift[2] = {-1, -1};
};

// A segment none of whose numbers belonged to the connection: where they were, by end.
struct Stranger {
  bool seen = false;
  SeqNum number[2];
};

struct TrackedConnection {
  std::uint32_t id = 0;
  FlowKey key;
  std::uint64_t hash = 0;               // of the key
  std::uint64_t context = 0;            // the VLANs and tunnels that it was seen in first
  std::vector<std::uint64_t> contexts;  // and further ones
  SocketAddress address[2];
  Endpoint ends[2];
  Agreement agreed;
  int judged = -1;       // the one endpoint that is judged; -1: both
  bool certain = false;  // Vantage::endpoint
  bool begun_with_syn = false;
  bool unverified = false;  // a segment so far was cut, so that it may have been damaged unseen
  Duration reaction_time{0};
  std::uint64_t first_packet = 0;
  std::uint64_t last_packet = 0;
  Instant first_time{};
  Instant last_time{};
  Duration round_trip{0};       // from the SYN to the answer to its SYN-ACK; 0 when unknown
  bool doubtful = false;        // Vantage::endpoint: see standing.cpp
  bool quiet = false;           // a segment in order may go the short way: see in_order.h
  bool capture_gap = false;     // octets were acknowledged that were never captured
  bool ask_every_rule = false;  // JudgeOptions
  std::uint64_t capture_gap_packet = 0;
  Stranger stranger;
  std::uint8_t copies = 0;  // packets that were captured twice, as far as one can tell; no more than 255 are counted
  std::bitset<kMaxRules> said_inconclusive;  // by rule: said once per connection
  std::bitset<kMaxRules> said_note[2];       // by rule: once per end
  std::array<Blamed, 4> last_blamed{};       // the last violations, so that none is reported twice under two names
  std::size_t next_blamed = 0;
  std::vector<Suspicion> suspicions;
  Suspicion* suspected(SuspicionKind kind, int accused);  // the first that waits; null: none
  NextSyn next_syn;
  EarlierNumbers earlier[2];             // per end
  Conduct conduct[2];                    // on the path only
  std::vector<Provisional> provisional;  // until it is known where the tap was
  const Profile* profile = nullptr;
  FindingSink* sink = nullptr;

  // Both SYNs were captured, uncut and with one number each.
  bool handshake_known() const { return agreed.handshake; }
  bool options_known() const { return agreed.options; }
  bool timestamps_negotiated() const { return agreed.timestamps; }
  // The shift of end `e`'s window field on segments without SYN: -1 when unknown.
  int window_shift(int e) const { return agreed.shift[e]; }
  // To be called when the facts of a SYN have changed.
  void settle_agreement();
  std::size_t memory() const;  // octets held
};

// Everything that a rule is given: one segment of `self`, before it is noted.
struct Context {
  Context(TrackedConnection& connection, int sender, const SegmentInfo& segment)
      : conn(connection),
        side(sender),
        self(connection.ends[sender]),
        peer(connection.ends[1 - sender]),
        seg(segment) {}

  TrackedConnection& conn;
  int side;  // of the sender
  Endpoint& self;
  Endpoint& peer;
  const SegmentInfo& seg;
  Position seq = 0;                 // unwrapped
  Position end = 0;                 // after payload, SYN and FIN
  Position ack = 0;                 // in the peer's space; only with the ACK bit
  bool later = false;               // certainly sent after everything that was seen of `self`
  std::uint8_t witness = 0;         // Witness bits: how that is known
  mutable std::uint8_t blamed = 0;  // Blame bits: what was found wrong in this segment
  bool one_bit_differs = false;     // what a rule is about to find wrong may be one flipped bit

  const Flags& flags() const { return seg.tcp.flags; }
  // Sent later, by another witness than those in `but`: the field in question cannot testify for itself.
  bool later_but(unsigned but) const { return (witness & ~but) != 0; }
  // What is suspected to be misnumbered took the peer's stream back, but has perhaps gone up to that number.
  bool peer_may_reach(Position p) const {
    return peer.next_doubtful && (peer.sent.overflowed() || peer.sent.covers(p - 1, p));
  }
  // It has reset the connection: a listener with SYN cookies may have made it anew, with numbers of its own.
  bool after_own_reset() const { return self.rst && !conn.certain; }
  // False: every packet of it has the same time so far, so that the capture may have no clock.
  bool clock_runs() const { return conn.certain || seg.time != conn.first_time; }
  // The number lies where this incarnation of the connection has numbers: the handshake was captured, or both ends have
  // spoken before. What else the segment says can then not be excused by an older connection of the same ports.
  bool seq_fits() const;
  bool ack_fits() const;
  // It answers a segment that is missing from the capture.
  bool echoes_unseen() const;
  bool has_data() const { return seg.payload_size != 0; }
  const std::string self_text() const { return conn.address[side].text(); }
  const std::string peer_text() const { return conn.address[1 - side].text(); }

  // Findings are rare. As these are cold, what leads to them stands apart from the code that every segment goes
  // through.
  [[gnu::cold]] void violated(RuleId rule, std::string expected, std::string actual, std::string why) const;
  // Violated, unless another host may have spoken in the sender's name.
  [[gnu::cold]] void accuse(Finding&& finding) const;
  [[gnu::cold]] void inconclusive(RuleId rule, std::string expected, std::string actual, std::string why,
                                  std::string_view doubt) const;
  // Violated, or inconclusive where there is a doubt.
  [[gnu::cold]] void decide(RuleId rule, std::string expected, std::string actual, std::string why,
                            const char* doubt) const;
  [[gnu::cold]] void note(RuleId rule, std::string expected, std::string actual, std::string why) const;
  // Sound at the endpoint's own tap only: decided when it is known where the tap was (see Provisional).
  [[gnu::cold]] void violated_at_tap(RuleId rule, std::string expected, std::string actual, std::string why,
                                     bool needs_complete = false, bool note_elsewhere = false) const;
  [[gnu::cold]] void note_at_tap(RuleId rule, std::string expected, std::string actual, std::string why) const;
  // At the endpoint's own tap a violation at once; on the path it waits for evidence.
  // Null when it does not wait.
  [[gnu::cold]] Suspicion* suspect(SuspicionKind kind, RuleId rule, Position claimed, Position known,
                                   std::string expected, std::string actual, std::string why) const;
  [[gnu::cold]] Finding draft(RuleId rule, std::string expected, std::string actual, std::string why) const;
};

std::string number_text(Position p);
std::string since_packet(std::uint64_t packet);  // " since packet 7", or "" for 0

// ", and its newer TSval 7 shows that this was sent later", by a witness not in `but`; "" where the tap's order shows
// it.
std::string why_later(const Context& c, unsigned but);

// Numbers far from this incarnation's may be of another one of the same ports (RFC 9293 3.5.1), unless the segment's
// other number shows that it belongs here.
bool seq_of_elsewhere(const Context& c);
// It is, more than probably: the incarnation before has used it, and the other number is not of this one.
bool seq_of_before(const Context& c);
bool ack_of_before(const Context& c);
bool ack_of_elsewhere(const Context& c);
// A network card that cuts an urgent segment gives each piece the pointer of the whole: what was not seen to follow a
// segment with another pointer may be such a piece.
bool may_be_urgent_piece(const Context& c);
// More octets than any path can have carried in that time: no gap in the capture explains them.
bool impossibly_far(Position distance, Duration elapsed);

// Feeds one decoded segment of end `side`.
void judge_segment(TrackedConnection& conn, int side, const SegmentInfo& seg);
// The same for a segment none of whose numbers belongs to the connection, but perhaps to the one before on its ports:
// only its form is asked about.
void judge_stranger(TrackedConnection& conn, int side, const SegmentInfo& seg, bool of_before);
// Decides everything that is still waiting.
void conclude(TrackedConnection& conn);
[[gnu::cold]] void report(TrackedConnection& conn, int accused, Finding&& finding);

// standing.cpp: does this arrival, or this reset, leave more than one legal reading of the connection?
bool leaves_doubt(const Context& c);
bool reset_leaves_doubt(const Context& c);

// facts.cpp
void note_facts(Context& c);
// suspicions.cpp
void settle_suspicions(Context& c);
void conclude_suspicions(TrackedConnection& conn);
// The capture has a copy of a segment that this side sent: one of both may be damaged, which is not the sender's fault.
void settle_by_copy(TrackedConnection& conn, int side, const SegmentInfo& copy);

}  // namespace lastack
