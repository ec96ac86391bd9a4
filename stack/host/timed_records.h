// Records that are kept in order of their deadlines, in a few lists: what is scheduled with one interval comes in order
// and costs nothing; another deadline is put in its place from the late end.
#pragma once

#include <array>

#include "stack/base/time.h"
#include "stack/host/record_table.h"

namespace lastack {

struct TimedRecord : Record {
  static constexpr std::uint8_t kNoList = 0xff;

  std::uint8_t list = kNoList;
  std::uint32_t older = kNone;
  Instant deadline{};
  std::uint32_t younger = kNone;
};

template <typename R, std::size_t kLists>
class TimedRecords : public RecordTable<R> {
 public:
  using RecordTable<R>::at;

  void remove(R& record) {
    unlist(record);
    RecordTable<R>::remove(record);
  }
  void schedule(R& record, std::size_t list, Instant deadline) {
    if (record.list == list && record.deadline == deadline) return;
    unlist(record);
    record.deadline = deadline;
    record.list = static_cast<std::uint8_t>(list);
    List& in = lists_[list];
    std::uint32_t before = in.youngest;
    while (before != Record::kNone && at(before).deadline > deadline) before = at(before).older;
    record.older = before;
    record.younger = before == Record::kNone ? in.oldest : at(before).younger;
    (record.older == Record::kNone ? in.oldest : at(record.older).younger) = record.self;
    (record.younger == Record::kNone ? in.youngest : at(record.younger).older) = record.self;
  }
  // The one whose deadline comes first; nullptr when none is scheduled.
  R* earliest() {
    R* first = nullptr;
    if (this->size() == 0) return first;
    for (const List& list : lists_) {
      if (list.oldest == Record::kNone) continue;
      if (first == nullptr || at(list.oldest).deadline < first->deadline) first = &at(list.oldest);
    }
    return first;
  }
  Instant next_deadline() {
    const R* const first = earliest();
    return first == nullptr ? Instant::max() : first->deadline;
  }

 private:
  struct List {
    std::uint32_t oldest = Record::kNone;
    std::uint32_t youngest = Record::kNone;
  };

  void unlist(R& record) {
    if (record.list == TimedRecord::kNoList) return;
    List& in = lists_[record.list];
    (record.older == Record::kNone ? in.oldest : at(record.older).younger) = record.younger;
    (record.younger == Record::kNone ? in.youngest : at(record.younger).older) = record.older;
    record.list = TimedRecord::kNoList;
  }

  std::array<List, kLists> lists_{};
};

}  // namespace lastack
