// Small records of connections that need no whole TCB (half-open, TIME-WAIT, at rest): found by their pair of sockets
// or by their handle. Memory is taken in blocks and reused; a record never moves. A record type is derived from Record.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "stack/base/check.h"
#include "stack/host/host.h"
#include "stack/host/socket_pair.h"

namespace lastack {

struct Record {
  static constexpr std::uint32_t kNone = 0xffff'ffffU;

  SocketAddress remote;
  ConnId id = ConnId::none;       // none: it is free
  std::uint32_t hash = 0;         // SocketPair::hash
  std::uint32_t self = kNone;     // where it lies
  std::uint32_t next = kNone;     // with the same hash of sockets, or among the free ones
  std::uint32_t next_id = kNone;  // with the same hash of the handle
  std::uint16_t local_port = 0;

  bool used() const { return id != ConnId::none; }
};

template <typename R>
class RecordTable {
 public:
  std::size_t size() const { return size_; }
  std::size_t memory() const {
    return blocks_.size() * (kBlock * sizeof(R) + sizeof(blocks_[0])) +
           (by_sockets_.size() + by_id_.size()) * sizeof(std::uint32_t);
  }

  R* find(const SocketPair& sockets) {
    if (size_ == 0) return nullptr;
    for (std::uint32_t i = by_sockets_[bucket(sockets.hash)]; i != Record::kNone; i = at(i).next) {
      R& record = at(i);
      if (record.hash == sockets.hash && record.remote == sockets.remote && record.local_port == sockets.local.port)
        return &record;
    }
    return nullptr;
  }
  R* find(ConnId id) {
    if (size_ == 0) return nullptr;
    if (by_id_.empty()) index_ids();
    for (std::uint32_t i = by_id_[bucket(id)]; i != Record::kNone; i = at(i).next_id) {
      if (at(i).id == id) return &at(i);
    }
    return nullptr;
  }
  template <typename F>
  void for_each(F f) {
    if (size_ == 0) return;
    for (auto& block : blocks_) {
      for (std::size_t i = 0; i < kBlock; ++i) {
        if (block[i].used()) f(block[i]);
      }
    }
  }

  // There must be none of this pair of sockets yet, nor of this handle.
  R& add(const SocketPair& sockets, ConnId id) {
    if (free_ == Record::kNone) grow();
    R& record = at(free_);
    const std::uint32_t self = free_;
    free_ = record.next;
    std::destroy_at(&record);
    new (&record) R{};
    record.self = self;
    record.remote = sockets.remote;
    record.local_port = sockets.local.port;
    record.hash = sockets.hash;
    record.id = id;
    ++size_;
    push(by_sockets_[bucket(record.hash)], record, &Record::next);
    if (!by_id_.empty()) push(by_id_[bucket(id)], record, &Record::next_id);
    return record;
  }
  void remove(R& record) {
    take(by_sockets_[bucket(record.hash)], record, &Record::next);
    if (!by_id_.empty()) take(by_id_[bucket(record.id)], record, &Record::next_id);
    record.id = ConnId::none;
    record.next = free_;
    free_ = record.self;
    --size_;
  }

  R& at(std::uint32_t i) { return blocks_[i / kBlock][i % kBlock]; }

 private:
  static constexpr std::uint32_t kBlock = 64;
  using Link = std::uint32_t Record::*;

  std::size_t bucket(std::uint32_t hash) const { return hash & (by_sockets_.size() - 1); }
  // Handles are numbers that we give out one after the other: they need no hash.
  std::size_t bucket(ConnId id) const { return static_cast<std::size_t>(id) & (by_id_.size() - 1); }
  void push(std::uint32_t& head, R& record, Link next) {
    record.*next = head;
    head = record.self;
  }
  void take(std::uint32_t& head, const R& record, Link next) {
    std::uint32_t* link = &head;
    while (*link != record.self) link = &(at(*link).*next);
    *link = record.*next;
  }
  // The handles are indexed from the first question on: many a host never asks.
  void index_ids() {
    by_id_.assign(by_sockets_.size(), Record::kNone);
    for_each([&](R& record) { push(by_id_[bucket(record.id)], record, &Record::next_id); });
  }
  void grow() {
    const auto first = static_cast<std::uint32_t>(blocks_.size()) * kBlock;
    blocks_.push_back(std::make_unique<R[]>(kBlock));
    for (std::uint32_t i = kBlock; i != 0; --i) {
      at(first + i - 1).next = free_;
      free_ = first + i - 1;
    }
    if (first + kBlock <= by_sockets_.size()) return;
    by_sockets_.assign(by_sockets_.empty() ? kBlock : 2 * by_sockets_.size(), Record::kNone);
    for_each([&](R& record) { push(by_sockets_[bucket(record.hash)], record, &Record::next); });
    if (!by_id_.empty()) index_ids();
  }

  std::vector<std::unique_ptr<R[]>> blocks_;
  std::vector<std::uint32_t> by_sockets_;  // a power of two, at least one for each record
  std::vector<std::uint32_t> by_id_;       // as many, or none
  std::uint32_t free_ = Record::kNone;
  std::size_t size_ = 0;
};

}  // namespace lastack
