// Demultiplexing: from (local socket, remote socket) to a connection (RFC 9293 3.3.1 "identified by a pair of
// sockets"). Open addressing with a keyed hash, so that a peer that chooses its addresses and ports cannot make the
// probes long.
#pragma once

#include <cstdint>
#include <vector>

#include "stack/host/connection.h"

namespace lastack {

class ConnectionTable {
 public:
  explicit ConnectionTable(std::uint64_t key) : key_(key) {}

  Connection* find(const SocketAddress& local, const SocketAddress& remote) const;
  void insert(Connection* connection);
  void erase(const Connection* connection);
  std::size_t size() const { return used_; }
  std::size_t memory() const { return slots_.capacity() * sizeof(Slot); }
  // Gives memory back when most of it is unused.
  void shrink();

 private:
  struct Slot {
    Connection* connection = nullptr;
    std::uint32_t hash = 0;
  };
  std::uint32_t hash(const SocketAddress& local, const SocketAddress& remote) const;
  void resize(std::size_t slots);
  void put(Connection* connection, std::uint32_t h);
  std::size_t mask() const { return slots_.size() - 1; }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
  std::uint64_t key_;
};

}  // namespace lastack
