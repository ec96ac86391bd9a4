// What has arrived and was not yet read: in-order text at the front, and runs of out-of-order text behind a gap
// (3.10.7.4 first, SHLD-31). The text of a run already lies at its place in the ring, so filling a gap moves no octet.
// The number of runs is bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "stack/base/seq.h"
#include "stack/tcb/byte_ring.h"
#include "stack/wire/options.h"

namespace lastack {

class ReceiveQueue {
 public:
  ReceiveQueue(std::uint32_t limit, std::uint8_t max_runs) : ring_(limit), max_runs_(max_runs) {}

  std::uint32_t unread() const { return ring_.size(); }
  std::uint32_t room() const { return ring_.room(); }
  std::uint32_t limit() const { return ring_.limit(); }
  std::uint8_t max_runs() const { return max_runs_; }
  std::size_t memory() const { return ring_.memory() + runs_.capacity() * sizeof(Run); }
  bool has_gap() const { return !runs_.empty(); }
  // Octets of out-of-order text held.
  std::uint32_t out_of_order() const;

  // Takes `text` that begins at `seq`, at or after `nxt` (RCV.NXT) and ending within room(). Returns by how much
  // RCV.NXT moves on.
  std::uint32_t insert(SeqNum nxt, SeqNum seq, Bytes text) {
    if (seq != nxt || !runs_.empty() || text.size() > room()) [[unlikely]]
      return insert_beside_gap(nxt, seq, text);
    return ring_.append(text);
  }
  // Where text at RCV.NXT can be copied before it is known to be good, if anywhere; accept() then takes it.
  std::byte* place_for_next(std::uint32_t octets) { return runs_.empty() ? ring_.place_at_end(octets) : nullptr; }
  void accept(std::uint32_t octets) { ring_.extend(octets); }
  // Keeps text that may not be processed yet (3.10.7.2 third: "queued for processing later"), even at RCV.NXT.
  void hold(SeqNum nxt, SeqNum seq, Bytes text);
  // Lets held text at RCV.NXT join; returns by how much RCV.NXT moves on.
  std::uint32_t join(SeqNum nxt) { return runs_.empty() ? 0 : join_front(nxt); }
  void forget_out_of_order() { runs_.clear(); }
  std::uint32_t drop_unread() { return drop(ring_.size()); }
  // Copies the first of the in-order text, as far as it and `out` go.
  void peek(MutableBytes out) const;
  // What of it lies in one piece at the front.
  Bytes front() const { return ring_.front_piece(); }
  // Takes up to `octets` of the in-order text away; returns how many.
  std::uint32_t drop(std::size_t octets);
  // The blocks to report (RFC 2018 4): the most recently changed run first.
  std::uint8_t sack_blocks(SackBlock* out, std::uint8_t max) const;
  void release();

  // A run of consecutive octets after a gap: [left, right).
  struct Run {
    SeqNum left;
    SeqNum right;
    std::uint32_t changed = 0;  // larger is more recent
  };
  const std::vector<Run>& runs() const { return runs_; }

 private:
  std::uint32_t insert_beside_gap(SeqNum nxt, SeqNum seq, Bytes text);
  bool add_run(SeqNum left, SeqNum right);
  std::uint32_t join_front(SeqNum nxt);

  ByteRing ring_;
  std::vector<Run> runs_;  // in sequence order, disjoint, not touching
  std::uint32_t changes_ = 0;
  std::uint8_t max_runs_;
};

}  // namespace lastack
