// What is in flight, as a sender with SACK knows it: one record for each run of octets that left at one instant and has
// one fate (RFC 6675 4, RFC 8985 5.2). Records lie in sequence order and cover SND.UNA to SND.NXT without a gap;
// without loss they are a queue, so sending touches its end and an ACK its front. Knows nothing of why something is
// lost.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "stack/base/seq.h"
#include "stack/base/time.h"

namespace lastack {

struct SendRecord {
  SeqNum begin;
  bool sacked = false;
  bool lost = false;    // presumed lost and not sent again since
  bool resent = false;  // its last transmission was not its first
  bool twice = false;   // sent again without being presumed lost: both copies may be in the network
  Instant sent{};       // its last transmission

  bool same_fate(const SendRecord& o) const {
    return sacked == o.sacked && lost == o.lost && resent == o.resent && twice == o.twice && sent == o.sent;
  }
};

// A run of octets whose delivery an ACK has just told.
struct Delivered {
  Instant sent;
  SeqNum begin;
  SeqNum end;
  bool resent;
};

class Scoreboard {
 public:
  // Bound on records, whatever sizes the peer reports and the user sends. Beyond it reports are not recorded (they are
  // advice, RFC 2018 8) and new text joins the last record.
  static constexpr std::size_t kMost = 1024;

  bool empty() const { return first_ == records_.size(); }
  std::size_t size() const { return records_.size() - first_; }
  const SendRecord& operator[](std::size_t i) const { return records_[first_ + i]; }
  SeqNum end_of(std::size_t i) const {
    return first_ + i + 1 < records_.size() ? records_[first_ + i + 1].begin : end_;
  }
  SeqNum begin() const { return empty() ? end_ : records_[first_].begin; }
  SeqNum end() const { return end_; }

  // Octets, by fate.
  std::uint32_t sacked() const { return sacked_; }
  std::uint32_t lost() const { return lost_; }
  // SetPipe (RFC 6675 4): what is thought to be in the network.
  std::uint32_t pipe() const { return octets_between(begin(), end_) - sacked_ - lost_ + twice_; }
  // Nothing was reported, lost or sent again: the records are in the order of their transmission.
  bool clean() const { return marked_ == 0; }

  // For a new one: what comes next begins at `number`.
  void begin_at(SeqNum number) { end_ = number; }
  // New text [begin, end) leaves; it follows what is there.
  void sent(SeqNum begin, SeqNum end, Instant now) {
    if (!empty()) {
      SendRecord& last = records_.back();
      if (last.sent == now && !marked(last)) [[likely]] {
        end_ = end;
        return;
      }
    }
    append(begin, end, now);
  }
  // [begin, end) leaves again.
  void sent_again(SeqNum begin, SeqNum end, Instant now);

  // SND.UNA moves to `una`; calls told(Delivered) for every run that had not been reported before.
  template <typename Told>
  std::uint32_t acknowledge(SeqNum una, Told told) {
    std::uint32_t octets = 0;
    while (!empty() && before(records_[first_].begin, una)) {
      SendRecord& front = records_[first_];
      const SeqNum end = earlier_of(end_of(0), una);
      const std::uint32_t length = octets_between(front.begin, end);
      if (!front.sacked) {
        octets += length;
        told(Delivered{front.sent, front.begin, end, front.resent});
      }
      if (marked(front)) count(front, length, false);
      if (end != end_of(0)) {
        front.begin = end;
        break;
      }
      if (marked(front)) --marked_;
      ++first_;
    }
    if (empty()) forget();
    return octets;
  }
  // The same for a clean board. Returns when the last of what SND.UNA has passed was sent.
  Instant acknowledge_in_order(SeqNum una) {
    while (first_ + 1 < records_.size() && before(records_[first_ + 1].begin, una)) ++first_;
    SendRecord& last = records_[first_];
    const Instant sent = last.sent;
    last.begin = una;
    if (una == end_of(0)) ++first_;
    if (empty()) forget();
    return sent;
  }
  // The peer holds [left, right), which lies within the records; the same calls for what is new. Returns its octets.
  template <typename Told>
  std::uint32_t report(SeqNum left, SeqNum right, Told told) {
    std::uint32_t octets = 0;
    for (std::size_t i = find(left); i < size() && before((*this)[i].begin, right); ++i) {
      if ((*this)[i].sacked) continue;
      if (before((*this)[i].begin, left)) {
        if (!split(i, left, kMost - kReserve)) continue;
        ++i;
      }
      if (after(end_of(i), right) && !split(i, right, kMost - kReserve)) break;
      SendRecord now = (*this)[i];
      told(Delivered{now.sent, now.begin, end_of(i), now.resent});
      octets += octets_between(now.begin, end_of(i));
      now.sacked = true;
      now.lost = now.twice = false;
      change(i, now);
      i = merge_around(i);
    }
    return octets;
  }

  void mark_lost(std::size_t i) {
    SendRecord now = (*this)[i];
    now.lost = true;
    now.twice = false;
    change(i, now);
  }
  // The retransmission is no longer thought to be one of two copies in the network.
  void mark_single(std::size_t i) {
    SendRecord now = (*this)[i];
    now.twice = false;
    change(i, now);
  }
  // Everything that is not reported is lost; `forget_reports` counts what was reported, too (RFC 2018 5.1).
  void mark_all_lost(bool forget_reports);
  // Only the octets [begin(), right).
  void mark_front_lost(SeqNum right);
  // Nothing is lost any more (a spurious time-out).
  void unmark_lost();
  // The peer has thrown away what it had reported (RFC 2018 8).
  void forget_reports();
  void forget() {
    records_.clear();
    first_ = 0;
    sacked_ = lost_ = twice_ = 0;
    marked_ = 0;
  }
  void release() {
    forget();
    records_ = {};
  }

  // The first record that is lost, or size().
  std::size_t first_lost() const;
  std::size_t memory() const { return records_.capacity() * sizeof(SendRecord); }
  // Recounts everything: for the invariants.
  bool consistent() const;

 private:
  static constexpr std::size_t kReserve = 64;  // records that reports leave for what is sent again

  static bool marked(const SendRecord& r) { return r.sacked || r.lost || r.resent || r.twice; }
  void append(SeqNum begin, SeqNum end, Instant now);
  std::size_t find(SeqNum number) const;  // the record that holds it, or size()
  bool split(std::size_t i, SeqNum at, std::size_t most);
  void change(std::size_t i, const SendRecord& to);
  bool joins(std::size_t a, std::size_t b) const;
  void join(std::size_t at);
  // Joins record i with neighbours of the same fate; returns where it is then.
  std::size_t merge_around(std::size_t i);
  void count(const SendRecord& record, std::uint32_t octets, bool add) {
    const auto adjust = [&](bool counts, std::uint32_t& sum) {
      if (counts) sum = add ? sum + octets : sum - octets;
    };
    adjust(record.sacked, sacked_);
    adjust(record.lost, lost_);
    adjust(record.twice, twice_);
  }

  std::vector<SendRecord> records_;  // from first_ on
  std::size_t first_ = 0;
  SeqNum end_;
  std::uint32_t sacked_ = 0;
  std::uint32_t lost_ = 0;
  std::uint32_t twice_ = 0;
  std::size_t marked_ = 0;  // records
};

}  // namespace lastack
