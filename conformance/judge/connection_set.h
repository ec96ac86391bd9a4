// The connections that are tracked at a time: found by tuple and context, in order of use, so that the ones that are
// over, and the ones that never began, can go first. Holds them; what is done with them is the tracker's business.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "conformance/judge/connection.h"
#include "conformance/judge/flow_table.h"
#include "conformance/judge/opening.h"
#include "conformance/judge/slab.h"

namespace lastack {

// The key of a segment's tuple.
FlowKey flow_key(const SegmentInfo& seg);

enum class Age : std::uint8_t { over, opening, alive, count_ };
inline constexpr std::size_t kAges = static_cast<std::size_t>(Age::count_);

struct Slot {
  Slab<TrackedConnection>::Pointer conn{};  // or
  Slab<Opening>::Pointer opening{};
  Age age = Age::alive;
  std::uint32_t older = FlowTable::kNone;  // neighbours in order of use
  std::uint32_t newer = FlowTable::kNone;
};

class ConnectionSet {
 public:
  static constexpr std::uint32_t kNone = FlowTable::kNone;

  Slab<TrackedConnection>::Pointer new_connection() { return connection_rooms_.make(); }
  Slab<Opening>::Pointer new_opening() { return opening_rooms_.make(); }

  Slot& operator[](std::uint32_t s) { return slots_[s]; }
  std::uint32_t find(const FlowKey& key, std::uint64_t hash, std::uint64_t context) const;
  // Is it the one of this key in that context? Of slots that there have been.
  bool holds(std::uint32_t s, const FlowKey& key, std::uint64_t context) const;
  // A slot to look at in other contexts: the one that was last used with this hash.
  std::uint32_t last_used(std::uint64_t hash) const;
  void note_use(std::uint64_t hash, std::uint32_t s) { last_used_[hash % kLastUsed] = s; }

  // A slot that is found under this key from now on, and under another context too.
  std::uint32_t enter(Slot&& slot, std::uint64_t hash, std::uint64_t context);
  void add_context(std::uint64_t hash, std::uint64_t context, std::uint32_t s);
  // The connection that was used next after that one will be wanted soon: nothing has touched it for a long time.
  void fetch_after(std::uint32_t s) const;
  // It is not found any more, and its connection is gone.
  void remove(std::uint32_t s);
  // It was used now, and that is its age.
  void touch(std::uint32_t s, Age age);
  void touch(std::uint32_t s) { touch(s, age_of(slots_[s])); }

  std::size_t size() const { return table_.size(); }
  std::size_t slots() const { return slots_.size(); }  // that there have been
  std::uint32_t oldest(Age age) const { return oldest_[static_cast<std::size_t>(age)]; }
  std::size_t memory() const;

  template <typename Visit>
  void each_connection(Visit&& visit) const {
    for (const Slot& slot : slots_) {
      if (slot.conn) visit(*slot.conn);
    }
  }

 private:
  static constexpr std::size_t kLastUsed = 1 << 12;

  static Age age_of(const Slot& slot);
  std::uint32_t free_slot();
  void unlink(std::uint32_t s);
  void link_newest(std::uint32_t s, Age age);

  Slab<TrackedConnection> connection_rooms_;  // before the slots, which give back to them
  Slab<Opening> opening_rooms_;
  FlowTable table_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<std::uint32_t> last_used_ = std::vector<std::uint32_t>(kLastUsed, kNone);  // by hash of the tuple alone
  std::array<std::uint32_t, kAges> oldest_{kNone, kNone, kNone};
  std::array<std::uint32_t, kAges> newest_{kNone, kNone, kNone};
};

// Was this connection seen in that context?
bool is_in(const TrackedConnection& c, std::uint64_t context);

}  // namespace lastack
