#include "stack/tcb/scoreboard.h"

namespace lastack {

void Scoreboard::append(SeqNum begin, SeqNum end, Instant now) {
  if (size() >= kMost) {
    // The last record takes it in. What is sent together is lost together; a report of the record does not cover it.
    SendRecord last = records_.back();
    last.sacked = last.lost = false;
    last.sent = now;
    change(size() - 1, last);
    const std::uint32_t octets = octets_between(end_, end);
    count(records_.back(), octets, true);
    end_ = end;
    return;
  }
  if (records_.size() == records_.capacity()) {
    if (first_ != 0 && first_ >= records_.size() / 2) {
      records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    } else {
      records_.reserve(std::max<std::size_t>(8, 2 * records_.size()));
    }
  }
  SendRecord record;
  record.begin = begin;
  record.sent = now;
  records_.push_back(record);
  end_ = end;
}

std::size_t Scoreboard::find(SeqNum number) const {
  if (empty() || before(number, begin()) || at_or_after(number, end_)) return size();
  std::size_t low = 0;
  std::size_t high = size();
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    if (at_or_before((*this)[middle].begin, number)) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

// Record i becomes [begin, at) and [at, end); false when there is no room for another record.
bool Scoreboard::split(std::size_t i, SeqNum at, std::size_t most) {
  if (size() >= most) return false;
  SendRecord right = (*this)[i];
  right.begin = at;
  if (marked(right)) ++marked_;
  records_.insert(records_.begin() + static_cast<std::ptrdiff_t>(first_ + i + 1), right);
  return true;
}

void Scoreboard::change(std::size_t i, const SendRecord& to) {
  SendRecord& record = records_[first_ + i];
  const std::uint32_t octets = octets_between(record.begin, end_of(i));
  count(record, octets, false);
  count(to, octets, true);
  marked_ = marked_ - (marked(record) ? 1U : 0U) + (marked(to) ? 1U : 0U);
  record = to;
}

// When a reported run was sent says nothing any more.
bool Scoreboard::joins(std::size_t a, std::size_t b) const {
  return ((*this)[a].sacked && (*this)[b].sacked) || (*this)[a].same_fate((*this)[b]);
}

// Record `at` takes in the next one, which has the same fate.
void Scoreboard::join(std::size_t at) {
  records_[first_ + at].resent = (*this)[at].resent || (*this)[at + 1].resent;
  marked_ -= marked((*this)[at + 1]) ? 1U : 0U;
  records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(first_ + at + 1));
}

std::size_t Scoreboard::merge_around(std::size_t i) {
  if (i + 1 < size() && joins(i, i + 1)) join(i);
  if (i != 0 && joins(i - 1, i)) {
    join(i - 1);
    return i - 1;
  }
  return i;
}

void Scoreboard::sent_again(SeqNum begin, SeqNum end, Instant now) {
  std::size_t i = find(begin);
  if (i == size()) return;
  // Without room for another record the whole of this one counts as sent: it is found lost again, or times out.
  if (before((*this)[i].begin, begin) && split(i, begin, kMost)) ++i;
  for (; i < size() && before((*this)[i].begin, end); ++i) {
    if (after(end_of(i), end)) split(i, end, kMost);
    SendRecord record = (*this)[i];
    if (record.sacked) continue;
    record.twice = !record.lost;
    record.lost = false;
    record.resent = true;
    record.sent = now;
    change(i, record);
    // Only to the left: what lies to the right is still to be counted as sent twice.
    if (i != 0 && joins(i - 1, i)) join(--i);
  }
  if (i < size() && i != 0 && joins(i - 1, i)) join(i - 1);
}

void Scoreboard::mark_all_lost(bool forget_reports) {
  for (std::size_t i = 0; i < size(); ++i) {
    SendRecord record = (*this)[i];
    if (record.sacked && !forget_reports) continue;
    record.sacked = record.twice = false;
    record.lost = true;
    change(i, record);
  }
}

void Scoreboard::mark_front_lost(SeqNum right) {
  if (empty()) return;
  if (after(end_of(0), right)) split(0, right, kMost);
  SendRecord front = (*this)[0];
  front.sacked = front.twice = false;
  front.lost = true;
  change(0, front);
}

void Scoreboard::unmark_lost() {
  for (std::size_t i = 0; i < size(); ++i) {
    SendRecord record = (*this)[i];
    if (!record.lost) continue;
    record.lost = false;
    change(i, record);
  }
}

void Scoreboard::forget_reports() {
  for (std::size_t i = 0; i < size(); ++i) {
    SendRecord record = (*this)[i];
    if (!record.sacked) continue;
    record.sacked = false;
    change(i, record);
  }
}

std::size_t Scoreboard::first_lost() const {
  if (lost_ == 0) return size();
  std::size_t i = 0;
  while (i < size() && !(*this)[i].lost) ++i;
  return i;
}

bool Scoreboard::consistent() const {
  std::uint32_t sacked = 0;
  std::uint32_t lost = 0;
  std::uint32_t twice = 0;
  std::size_t marks = 0;
  for (std::size_t i = 0; i < size(); ++i) {
    const SendRecord& r = (*this)[i];
    if (!before(r.begin, end_of(i)) || (r.sacked && (r.lost || r.twice)) || (r.lost && r.twice)) return false;
    const std::uint32_t octets = octets_between(r.begin, end_of(i));
    sacked += r.sacked ? octets : 0;
    lost += r.lost ? octets : 0;
    twice += r.twice ? octets : 0;
    marks += marked(r) ? 1U : 0U;
  }
  return sacked == sacked_ && lost == lost_ && twice == twice_ && marks == marked_;
}

}  // namespace lastack
