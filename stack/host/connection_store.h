// The connections by their handles, and their memory. The memory of connections that end is kept for the next ones, a
// few of them, so that opening and closing in steady state takes nothing from the heap for them.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "stack/host/chained_table.h"

namespace lastack {

// Handles are given out one after the other, so that they are their own hash.
constexpr std::uint32_t hash_of(ConnId id) { return static_cast<std::uint32_t>(id); }
inline std::uint32_t hash_of_handle(const Connection& connection) { return hash_of(connection.id); }

class ConnectionStore {
 public:
  ConnectionStore() = default;
  ~ConnectionStore() {
    by_id_.for_each([](Connection& connection) {
      std::destroy_at(&connection);
      free_memory(&connection);
    });
    for (Connection* const spare : spares_) free_memory(spare);
  }
  ConnectionStore(const ConnectionStore&) = delete;
  ConnectionStore& operator=(const ConnectionStore&) = delete;

  // The handle must be new.
  template <typename... Arguments>
  Connection& emplace(ConnId id, Arguments&&... arguments) {
    Connection* const connection = new (take_memory()) Connection(id, std::forward<Arguments>(arguments)...);
    by_id_.insert(*connection);
    return *connection;
  }
  Connection* find(ConnId id) const {
    return by_id_.find(hash_of(id), [id](const Connection& connection) { return connection.id == id; });
  }
  void erase(Connection& connection) {
    by_id_.erase(connection);
    std::destroy_at(&connection);
    if (spares_.size() < kMostSpares) {
      spares_.push_back(&connection);
    } else {
      free_memory(&connection);
    }
  }
  void shrink() { by_id_.shrink(); }
  template <typename F>
  void for_each(F f) const {
    by_id_.for_each(f);
  }
  std::size_t size() const { return by_id_.size(); }
  std::size_t memory() const { return by_id_.memory() + spares_.size() * sizeof(Connection); }

 private:
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LASTACK_NO_SPARES  // so that a use after the end is seen
#endif
#endif
#if defined(LASTACK_NO_SPARES)
  static constexpr std::size_t kMostSpares = 0;
#else
  static constexpr std::size_t kMostSpares = 16;
#endif

  void* take_memory() {
    if (spares_.empty()) return ::operator new(sizeof(Connection));
    Connection* const spare = spares_.back();
    spares_.pop_back();
    return spare;
  }
  static void free_memory(Connection* memory) { ::operator delete(memory); }

  ChainedTable<&Connection::next_by_id, hash_of_handle> by_id_;
  std::vector<Connection*> spares_;  // memory only
};

}  // namespace lastack
