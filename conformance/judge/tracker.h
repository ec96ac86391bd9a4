// Leads each segment to the connection that it belongs to, opens connections and concludes them, and keeps their number
// bounded. What is right and wrong is decided in connection.cpp and rules/.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "conformance/judge/connection_set.h"
#include "conformance/judge/finding_ledger.h"
#include "conformance/judge/incarnation.h"
#include "conformance/judge/judge.h"
#include "conformance/judge/tap_ledger.h"

namespace lastack {

class Tracker {
 public:
  explicit Tracker(const JudgeOptions& o) : options(o), ledger(o.vantage, o.max_findings) {}

  void packet(Instant now, Bytes bytes, std::uint64_t number, std::size_t wire_size, bool sent_by_local,
              const PacketOrigin& origin);
  // Concludes all that are open.
  void finish();
  std::size_t memory() const;

  const JudgeOptions options;
  FindingLedger ledger;  // before the connections, which give back to its budget
  ConnectionSet connections;
  std::vector<ConnectionReport> reports;
  Instant last_time{};

 private:
  // Where a segment belongs.
  struct Place {
    FlowKey key;
    std::uint64_t hash = 0;
    std::uint64_t context = 0;
  };

  void route(const SegmentInfo& seg, Bytes bytes, std::size_t wire_size, std::uint64_t context, bool sent_by_local);
  bool goes_on(const SegmentInfo& seg, std::uint64_t context);
  std::uint32_t find(const Place& place, const SegmentInfo& seg);
  void pass_by(std::uint32_t s, const SegmentInfo& seg, bool of_before);
  void note_copy(const SegmentInfo& seg, std::uint64_t context);
  void note_use(std::uint64_t hash, std::uint32_t s);

  void keep_opening(const Place& place, const SegmentInfo& seg, Bytes packet, std::size_t wire_size);
  void begin(std::uint32_t s);
  std::uint32_t open(const Place& place, const SegmentInfo& seg, int local_side);
  std::uint32_t begin_next(std::uint32_t s, const Place& place);
  Slab<TrackedConnection>::Pointer new_connection(const Place& place, const SegmentInfo& seg, int local_side,
                                                  std::uint32_t id);
  std::uint32_t enter(Slot&& slot, const Place& place);
  void step(TrackedConnection& c, const SegmentInfo& seg);

  void make_room(Instant now);
  void conclude_slot(std::uint32_t s);
  bool is_kept(const TrackedConnection& c);

  // Connections that were used lately, by a cheap number of the tuple that both directions share.
  static constexpr std::size_t kLately = 1 << 10;
  static std::size_t lately(const SegmentInfo& seg);
  std::array<std::uint32_t, kLately> lately_{};

  SegmentInfo segment_;  // the one at hand
  TapLedger taps_;
  std::uint32_t next_id_ = 1;
  std::size_t quiet_reports_ = 0;
  std::size_t loud_reports_ = 0;
};

}  // namespace lastack
