// Connections in chains by a hash, linked through themselves: the host keeps two such tables, by the pair of sockets
// and by the handle.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "stack/host/connection.h"

namespace lastack {

// `Link`: the member that the chain runs through. `Hash`: the hash of one that is in the table.
template <Connection* Connection::*Link, std::uint32_t (*Hash)(const Connection&)>
class ChainedTable {
 public:
  // The one with this hash of which `is` says yes; null when there is none.
  template <typename Is>
  Connection* find(std::uint32_t hash, Is is) const {
    Connection* found = chains_[hash & mask_];
    while (found != nullptr && !is(*found)) found = found->*Link;
    return found;
  }
  void insert(Connection& connection) {
    if (used_ > mask_) resize(2 * used_);
    put(connection);
    ++used_;
  }
  void erase(Connection& connection) {
    Connection** at = &chain_of(connection);
    while (*at != &connection) at = &((*at)->*Link);
    *at = connection.*Link;
    --used_;
  }
  // Gives memory back when most of it is unused.
  void shrink() {
    const std::size_t enough = std::bit_ceil(2 * used_ + kLeast);
    if (enough * 4 <= chains_.size()) resize(enough);
  }
  template <typename F>
  void for_each(F f) const {
    for (Connection* first : chains_) {
      while (first != nullptr) {
        Connection* const next = first->*Link;  // `f` may end it
        f(*first);
        first = next;
      }
    }
  }
  std::size_t size() const { return used_; }
  std::size_t memory() const { return chains_.capacity() * sizeof(void*); }

 private:
  static constexpr std::size_t kLeast = 16;

  Connection*& chain_of(const Connection& connection) { return chains_[Hash(connection) & mask_]; }
  void put(Connection& connection) {
    Connection*& chain = chain_of(connection);
    connection.*Link = chain;
    chain = &connection;
  }
  void resize(std::size_t chains) {
    ChainedTable bigger;
    bigger.chains_.assign(chains, nullptr);
    bigger.mask_ = chains - 1;
    for_each([&](Connection& connection) { bigger.put(connection); });
    chains_.swap(bigger.chains_);
    mask_ = bigger.mask_;
  }

  std::vector<Connection*> chains_ = std::vector<Connection*>(kLeast);  // a power of two, at least one for each
  std::size_t mask_ = kLeast - 1;
  std::size_t used_ = 0;
};

inline std::uint32_t hash_of_sockets(const Connection& connection) { return connection.hash; }

// Demultiplexing.
class ConnectionTable : public ChainedTable<&Connection::next_by_sockets, hash_of_sockets> {
 public:
  Connection* find(const SocketPair& sockets) const {
    return ChainedTable::find(sockets.hash, [&](const Connection& c) {
      return c.hash == sockets.hash && c.tcb.remote == sockets.remote && c.tcb.local == sockets.local;
    });
  }
};

}  // namespace lastack
