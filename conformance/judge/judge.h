// The judge: watches the segments of TCP connections and decides, rule by rule, whether RFC 9293 and its companions
// permit them. It knows what is permitted, not what one stack does: where more than one reaction is legal, or a fact is
// missing, it says nothing or "inconclusive". A false accusation is the worst bug it can have. It knows nothing of the
// core's protocol code, takes any bytes from any peer, and holds a bounded amount of memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/judge/profile.h"
#include "conformance/judge/rule.h"
#include "conformance/judge/vantage.h"
#include "stack/base/bytes.h"
#include "stack/base/time.h"
#include "stack/wire/ip_address.h"

namespace lastack {

struct TrackedConnection;
struct SegmentInfo;

// Shown each segment of a connection once it is judged, with everything that is known then; `side` sent it.
using SegmentObserver = std::function<void(const TrackedConnection& connection, int side, const SegmentInfo& segment)>;

// Where the segments were seen.
enum class Vantage : std::uint8_t {
  endpoint,  // at the stack under test: each arrival reached it, in this order, and its reactions follow. Only it is
             // judged; its peer may be as hostile as it likes.
  path,      // at a tap: a segment may be lost before or after it, reordered, duplicated. Both endpoints are judged.
};

// `note`: worth a look, and never held against anybody: timers, congestion control, what an application may have asked
// for.
enum class Verdict : std::uint8_t { violated, inconclusive, note };
const char* to_string(Verdict verdict);

struct JudgeOptions {
  Vantage vantage = Vantage::path;
  // Vantage::endpoint: how long after an arrival the stack may still be answering earlier ones. 0 when it is driven in
  // virtual time and its output is collected after every input; about 100 ms for a stack that runs on its own clock.
  Duration reaction_time{0};
  std::size_t max_connections = 250'000;    // tracked at a time; beyond it the least recently used one is concluded
  std::size_t max_findings = 10'000;        // kept; further ones are only counted
  std::size_t max_quiet_reports = 100'000;  // kept of connections without findings
  SegmentObserver observer{};               // for ladders and explanations; usually none
  TapChoice tap = TapChoice::infer;         // Vantage::path
  bool ask_every_rule = false;              // for tests: without the shortcuts of rules/triggers.h and in_order.h
  Profile profile{};                        // what the stacks promise; the RFCs' own values unless somebody says more
};

// What is known of a captured packet besides its octets.
struct PacketOrigin {
  // The VLANs and tunnels around it, as a number; 0 without any. The same addresses in two of them may be two
  // connections: they are told apart by their sequence numbers.
  std::uint64_t context = 0;
  bool copy = false;   // the same packet was captured before: nothing new, but the capture duplicates
  bool again = false;  // the same octets were captured before: a copy, or a repetition
};

struct Finding {
  std::uint64_t packet = 0;  // the first offending packet: its number as given by the caller
  std::uint32_t connection = 0;
  SocketAddress endpoint;  // who is accused
  SocketAddress peer;
  Verdict verdict = Verdict::violated;
  const RuleInfo* rule = nullptr;
  Instant time{};
  std::string expected;
  std::string actual;
  std::string why;
  std::string tap;                 // why the rule could be asked, where it is sound at the endpoint's own tap only
  bool unverified = false;         // the segment was cut, so that its checksum says nothing
  bool header_cut = false;         // even its header
  bool flipped_bit = false;        // one bit may make the difference, and the checksum does not clear it
  bool after_unverified = false;   // a segment of this connection before it was
  bool proven = false;             // by what the other end did: holds whatever else the capture shows
  bool larger_than_frame = false;  // of Ethernet: a network card may have put it together
  bool needs_all = false;          // decides nothing where packets are missing, whatever its rule's soundness
};

struct EndpointReport {
  SocketAddress address;
  std::uint64_t packets = 0;
  std::uint64_t octets = 0;  // payload, retransmissions included
  std::uint32_t violations = 0;
  std::uint32_t inconclusive = 0;
  std::string state;  // possible states at the end
};

struct ConnectionReport {
  std::uint32_t id = 0;         // from 1, in order of first packet
  EndpointReport endpoints[2];  // [0] sent the first segment
  std::uint64_t first_packet = 0;
  std::uint64_t last_packet = 0;
  Instant first_time{};
  Instant last_time{};
  bool handshake = false;  // begun with a SYN in the capture
  TapDecision tap;
};

struct JudgeCounts {
  std::uint64_t packets = 0;   // all that were given
  std::uint64_t segments = 0;  // TCP segments judged
  std::uint64_t in_order = 0;  // those of them that went the short way (in_order.h)
  std::uint64_t skipped = 0;   // not TCP, or a fragment
  std::uint64_t copies = 0;    // seen before, at another place
  std::uint64_t cut = 0;       // headers cut by the capture: tracked as far as possible, not judged
  std::uint64_t connections = 0;
  std::uint64_t let_go = 0;      // those of them that were concluded to keep within max_connections
  std::uint64_t violations = 0;  // mandatory rules
  std::uint64_t advisories = 0;  // violated SHOULDs
  std::uint64_t inconclusive = 0;
  std::uint64_t notes = 0;
};

class Judge {
 public:
  explicit Judge(const JudgeOptions& options = {});
  ~Judge();
  Judge(Judge&&) noexcept;
  Judge& operator=(Judge&&) noexcept;

  // Vantage::endpoint. `ip_packet` starts with the IP header; `number` is what findings will call the packet (count
  // from 1). `now` must not go backwards; give arrivals and reactions in the order in which they happen.
  void received(Instant now, Bytes ip_packet, std::uint64_t number);
  void sent(Instant now, Bytes ip_packet, std::uint64_t number);
  // The same with running numbers: 1, 2, 3 ... over both directions.
  void received(Instant now, Bytes ip_packet);
  void sent(Instant now, Bytes ip_packet);

  // Vantage::path. `wire_size` is the size of the IP packet before the capture cut it (0: not cut).
  void observed(Instant now, Bytes ip_packet, std::uint64_t number, std::size_t wire_size = 0,
                const PacketOrigin& origin = {});
  // The capture itself says that it lost this many packets: what rests on having seen everything is left open.
  void note_capture_loss(std::uint64_t packets);

  // Time has passed without a segment (Vantage::endpoint): reactions that are overdue at `now` are reported.
  void advance(Instant now);
  // No more segments: everything that was waiting for evidence is decided. Findings are then sorted by packet number.
  void finish(Instant now);
  void finish();

  // Findings so far; some decisions are only made by later segments or finish().
  const std::vector<Finding>& findings() const;
  const JudgeCounts& counts() const;
  // Reports of the connections concluded since the last call (at most 100,000 are kept); finish() concludes all.
  std::vector<ConnectionReport> take_connections();
  // The possible states of the local end of the connection with this local port and remote address; "CLOSED" if there
  // is none.
  std::string state(std::uint16_t local_port, const SocketAddress& remote) const;
  std::size_t memory() const;  // octets held, roughly

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One line: "packet 7: violated MUST ack-of-unsent-data (RFC ...): expected ..., actual ...; why".
// Inconclusive, and says what else may be behind it.
void leave_undecided(Finding& finding, std::string_view reason);
std::string to_string(const Finding& finding);

}  // namespace lastack
