#include "stack/tcb/receive_queue.h"

#include <algorithm>

#include "stack/base/check.h"

namespace lastack {

std::uint32_t ReceiveQueue::out_of_order() const {
  std::uint32_t octets = 0;
  for (const Run& run : runs_) octets += octets_between(run.left, run.right);
  return octets;
}

std::uint32_t ReceiveQueue::insert_beside_gap(SeqNum nxt, SeqNum seq, Bytes text) {
  if (text.empty()) return 0;
  const std::uint32_t offset = octets_between(nxt, seq);
  const auto octets = static_cast<std::uint32_t>(text.size());
  LASTACK_CHECK(offset <= room() && octets <= room() - offset);
  if (offset != 0) {
    hold(nxt, seq, text);
    return 0;
  }
  ring_.place(ring_.size(), text);
  ring_.extend(octets);
  return octets + join_front(nxt + octets);
}

//= rfc9293 3.10.7.4 first SHLD-31
void ReceiveQueue::hold(SeqNum nxt, SeqNum seq, Bytes text) {
  if (text.empty()) return;
  // Without room for another run the text is not kept; the peer will send it again.
  if (add_run(seq, seq + static_cast<std::uint32_t>(text.size()))) {
    ring_.place(ring_.size() + octets_between(nxt, seq), text);
  }
}

// Merges [left, right) with every run that it overlaps or touches.
bool ReceiveQueue::add_run(SeqNum left, SeqNum right) {
  auto first = std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) { return at_or_after(run.right, left); });
  auto last = std::find_if(first, runs_.end(), [&](const Run& run) { return after(run.left, right); });
  Run merged{left, right, ++changes_};
  if (first != last) {
    merged.left = earlier_of(left, first->left);
    merged.right = later_of(right, std::prev(last)->right);
    *first = merged;
    runs_.erase(std::next(first), last);
    return true;
  }
  if (runs_.size() >= max_runs_) return false;
  runs_.insert(first, merged);
  return true;
}

// RCV.NXT has come to `nxt`: the runs that it reached join the in-order text.
std::uint32_t ReceiveQueue::join_front(SeqNum nxt) {
  std::uint32_t joined = 0;
  std::size_t gone = 0;
  for (const Run& run : runs_) {
    if (after(run.left, nxt + joined)) break;
    ++gone;
    if (at_or_before(run.right, nxt + joined)) continue;
    const std::uint32_t more = octets_between(nxt + joined, run.right);
    ring_.extend(more);
    joined += more;
  }
  runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(gone));
  return joined;
}

void ReceiveQueue::peek(MutableBytes out) const {
  ring_.copy(0, out.first(std::min<std::size_t>(out.size(), ring_.size())));
}

std::uint32_t ReceiveQueue::drop(std::size_t octets) {
  const auto dropped = static_cast<std::uint32_t>(std::min<std::size_t>(octets, ring_.size()));
  ring_.discard(dropped);
  if (runs_.empty()) ring_.rewind();
  return dropped;
}

//= rfc2018 3 4
std::uint8_t ReceiveQueue::sack_blocks(SackBlock* out, std::uint8_t max) const {
  std::uint8_t count = 0;
  std::uint32_t below = 0xffff'ffffU;
  while (count < max) {
    const Run* newest = nullptr;
    for (const Run& run : runs_) {
      if (run.changed < below && (newest == nullptr || run.changed > newest->changed)) newest = &run;
    }
    if (newest == nullptr) break;
    out[count++] = {newest->left, newest->right};
    below = newest->changed;
  }
  return count;
}

void ReceiveQueue::release() {
  ring_.release();
  runs_ = {};
}

}  // namespace lastack
