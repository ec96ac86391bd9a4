// Small records of connections that need no whole TCB (half-open, TIME-WAIT): found by their pair of sockets, and kept
// in order of their deadlines. Memory is taken in blocks and reused; a record never moves.
//
// A record type has the members of Record below. Deadlines lie in lists: what is scheduled with one interval comes in
// order and costs nothing; another deadline is put in its place from the late end.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "stack/base/check.h"
#include "stack/base/time.h"
#include "stack/host/host.h"
#include "stack/host/socket_hash.h"

namespace lastack {

struct Record {
  static constexpr std::uint32_t kNone = 0xffff'ffffU;
  static constexpr std::uint8_t kNoList = 0xff;

  SocketAddress remote;
  std::uint16_t local_port = 0;
  ConnId id = ConnId::none;
  Instant deadline{};
  std::uint32_t self = kNone;  // where it lies
  std::uint32_t next = kNone;  // in its bucket, or among the free ones
  std::uint32_t older = kNone;
  std::uint32_t younger = kNone;
  std::uint8_t list = kNoList;
  bool used = false;
};

template <typename R, std::size_t kLists>
class RecordTable {
 public:
  explicit RecordTable(std::uint64_t key) : key_(key) {}

  std::size_t size() const { return size_; }
  std::size_t memory() const {
    return blocks_.size() * (kBlock * sizeof(R) + sizeof(blocks_[0])) + buckets_.size() * sizeof(std::uint32_t);
  }

  R* find(std::uint16_t local_port, const SocketAddress& remote) {
    if (size_ == 0) return nullptr;
    for (std::uint32_t i = buckets_[bucket(local_port, remote)]; i != Record::kNone; i = at(i).next) {
      if (at(i).remote == remote && at(i).local_port == local_port) return &at(i);
    }
    return nullptr;
  }
  // For STATUS and the like: looks at every record.
  R* find(ConnId id) {
    R* found = nullptr;
    for_each([&](R& record) { found = record.id == id ? &record : found; });
    return found;
  }
  template <typename F>
  void for_each(F f) {
    if (size_ == 0) return;
    for (auto& block : blocks_) {
      for (std::size_t i = 0; i < kBlock; ++i) {
        if (block[i].used) f(block[i]);
      }
    }
  }

  // There must be none of this pair of sockets yet.
  R& add(std::uint16_t local_port, const SocketAddress& remote) {
    if (free_ == Record::kNone) grow();
    R& record = at(free_);
    const std::uint32_t self = free_;
    free_ = record.next;
    record = R{};
    record.self = self;
    record.used = true;
    record.remote = remote;
    record.local_port = local_port;
    std::uint32_t& head = buckets_[bucket(local_port, remote)];
    record.next = head;
    head = self;
    ++size_;
    return record;
  }
  void remove(R& record) {
    unlist(record);
    std::uint32_t* link = &buckets_[bucket(record.local_port, record.remote)];
    while (*link != record.self) link = &at(*link).next;
    *link = record.next;
    record.used = false;
    record.next = free_;
    free_ = record.self;
    --size_;
  }

  void schedule(R& record, std::size_t list, Instant deadline) {
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
    if (size_ == 0) return first;
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
  static constexpr std::uint32_t kBlock = 64;
  struct List {
    std::uint32_t oldest = Record::kNone;
    std::uint32_t youngest = Record::kNone;
  };

  R& at(std::uint32_t i) { return blocks_[i / kBlock][i % kBlock]; }
  std::size_t bucket(std::uint16_t local_port, const SocketAddress& remote) const {
    return socket_hash(key_, local_port, remote) & (buckets_.size() - 1);
  }
  void unlist(R& record) {
    if (record.list == Record::kNoList) return;
    List& in = lists_[record.list];
    (record.older == Record::kNone ? in.oldest : at(record.older).younger) = record.younger;
    (record.younger == Record::kNone ? in.youngest : at(record.younger).older) = record.older;
    record.list = Record::kNoList;
  }
  void grow() {
    const auto first = static_cast<std::uint32_t>(blocks_.size()) * kBlock;
    blocks_.push_back(std::make_unique<R[]>(kBlock));
    for (std::uint32_t i = kBlock; i != 0; --i) {
      at(first + i - 1).next = free_;
      free_ = first + i - 1;
    }
    if (first + kBlock <= buckets_.size()) return;
    buckets_.assign(buckets_.empty() ? kBlock : 2 * buckets_.size(), Record::kNone);
    for_each([&](R& record) {
      std::uint32_t& head = buckets_[bucket(record.local_port, record.remote)];
      record.next = head;
      head = record.self;
    });
  }

  std::vector<std::unique_ptr<R[]>> blocks_;
  std::vector<std::uint32_t> buckets_;  // a power of two, at least one for each record
  std::array<List, kLists> lists_{};
  std::uint32_t free_ = Record::kNone;
  std::size_t size_ = 0;
  std::uint64_t key_;
};

}  // namespace lastack
