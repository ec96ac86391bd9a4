// One connection as the judge sees it: both endpoints' facts, the suspicions that wait for evidence, and the order of
// work for each segment: settle suspicions, ask the rules, then note the facts. Knows the rules only through their
// table.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include "conformance/judge/conduct.h"
#include "conformance/judge/endpoint.h"
#include "conformance/judge/flow_table.h"
#include "conformance/judge/judge.h"
#include "conformance/judge/states.h"

namespace lastack {

enum class RuleId : std::uint8_t;

// What a segment claimed that no captured packet backs. It is decided by what follows: the claim may turn out true
// (then packets are missing from the capture), or be contradicted.
enum class SuspicionKind : std::uint8_t {
  claimed_by_peer,    // an ACK or SACK of octets that their sender was not seen to send
  claimed_by_sender,  // an empty segment or reset numbered beyond everything its sender was seen to send
  misnumbered_data,   // data that left a hole, while the stream went on as if it had been numbered without one
  beyond_window,      // data after the highest window edge seen
  timestamp_echo,     // an echo of a timestamp that its owner was not seen to send
  bad_checksum,       // damaged on the path, or sent like that
  idle_ack,           // an acknowledgement that does not count a FIN which had nothing before it
};

struct Suspicion {
  SuspicionKind kind = SuspicionKind::claimed_by_peer;
  std::uint8_t accused = 0;   // index of the endpoint
  bool contradicted = false;  // later segments speak against the claim
  bool borne_out = false;     // later segments speak for it
  Position claimed = 0;
  Position known = 0;
  std::uint64_t known_since = 0;  // the packet of the accused that `known` comes from
  bool has_ack = false;
  Position ack = 0;  // of the segment in question
  Position end = 0;
  bool has_tsval = false;
  std::uint32_t tsval = 0;
  bool ids_gapless = false;  // the IP identifications prove that nothing of the sender is missing here
  Finding draft;
};

// A SYN that may begin a new incarnation of the same tuple; it does when the other end answers it.
struct NextSyn {
  bool present = false;
  std::uint8_t sender = 0;
  SegmentInfo info;
};

class FindingSink {
 public:
  virtual void add(Finding&& finding) = 0;
  // Few enough wrong checksums in what was given so far that the network, or a card that computes them later, is not to
  // blame.
  virtual bool checksums_usually_right() const = 0;
  // An acknowledgement stands before the data that it acknowledges: the capture's order is not the path's.
  virtual void note_disorder() = 0;

 protected:
  ~FindingSink() = default;
};

struct TrackedConnection {
  std::uint32_t id = 0;
  FlowKey key;
  std::uint64_t hash = 0;
  SocketAddress address[2];
  Endpoint ends[2];
  int judged = -1;       // the one endpoint that is judged; -1: both
  bool certain = false;  // Vantage::endpoint
  Duration reaction_time{0};
  std::uint64_t first_packet = 0;
  std::uint64_t last_packet = 0;
  Instant first_time{};
  Instant last_time{};
  bool begun_with_syn = false;
  Duration round_trip{0};    // from the SYN to the answer to its SYN-ACK; 0 when unknown
  bool doubtful = false;     // Vantage::endpoint: see standing.cpp
  bool capture_gap = false;  // octets were acknowledged that were never captured
  std::uint64_t capture_gap_packet = 0;
  bool duplicates = false;             // the same segment twice without reason: the network or the capture duplicates
  std::bitset<128> said_inconclusive;  // by rule: said once per connection
  std::bitset<128> said_note[2];       // by rule: once per end
  std::vector<Suspicion> suspicions;
  NextSyn next_syn;
  Conduct conduct[2];                    // on the path only
  std::vector<Provisional> provisional;  // until it is known where the tap was
  const Profile* profile = nullptr;
  FindingSink* sink = nullptr;

  // Both SYNs were captured, uncut and with one number each.
  bool handshake_known() const {
    return ends[0].syn.count != 0 && ends[1].syn.count != 0 && !ends[0].isn_ambiguous && !ends[1].isn_ambiguous;
  }
  bool options_known() const { return handshake_known() && ends[0].syn.options_known && ends[1].syn.options_known; }
  bool timestamps_negotiated() const;
  // The shift of end `e`'s window field on segments without SYN: -1 when unknown.
  int window_shift(int e) const;
};

// Everything that a rule is given: one segment of `self`, before it is noted.
struct Context {
  TrackedConnection& conn;
  int side;  // of the sender
  Endpoint& self;
  Endpoint& peer;
  const SegmentInfo& seg;
  Position seq = 0;    // unwrapped
  Position end = 0;    // after payload, SYN and FIN
  Position ack = 0;    // in the peer's space; only with the ACK bit
  bool later = false;  // certainly sent after everything that was seen of `self`

  const Flags& flags() const { return seg.tcp.flags; }
  bool has_data() const { return seg.payload_size != 0; }
  const std::string self_text() const { return conn.address[side].text(); }
  const std::string peer_text() const { return conn.address[1 - side].text(); }

  void violated(RuleId rule, std::string expected, std::string actual, std::string why) const;
  void inconclusive(RuleId rule, std::string expected, std::string actual, std::string why) const;
  void note(RuleId rule, std::string expected, std::string actual, std::string why) const;
  // Sound at the endpoint's own tap only: decided when it is known where the tap was (see Provisional).
  void violated_at_tap(RuleId rule, std::string expected, std::string actual, std::string why,
                       bool needs_complete = false, bool note_elsewhere = false) const;
  void note_at_tap(RuleId rule, std::string expected, std::string actual, std::string why) const;
  // At the endpoint's own tap a violation at once; on the path it waits for evidence.
  void suspect(SuspicionKind kind, RuleId rule, Position claimed, Position known, std::string expected,
               std::string actual, std::string why) const;
  Finding draft(RuleId rule, std::string expected, std::string actual, std::string why) const;
};

std::string number_text(Position p);
std::string since_packet(std::uint64_t packet);  // " since packet 7", or "" for 0

// Feeds one decoded segment of end `side`.
void judge_segment(TrackedConnection& conn, int side, const SegmentInfo& seg);
// Decides everything that is still waiting.
void conclude(TrackedConnection& conn);
void report(TrackedConnection& conn, int accused, Finding&& finding);

// standing.cpp: does this arrival, or this reset, leave more than one legal reading of the connection?
bool leaves_doubt(const Context& c);
bool reset_leaves_doubt(const Context& c);

// facts.cpp
void note_facts(Context& c);
// suspicions.cpp
void settle_suspicions(Context& c);
void conclude_suspicions(TrackedConnection& conn);

}  // namespace lastack
