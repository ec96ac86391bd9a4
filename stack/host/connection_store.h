// The connections by their handles, and their memory. Handles are given out one after the other, so that they are their
// own hash: open addressing finds one in a step or two. The memory of connections that end is kept for the next ones,
// a few of them, so that opening and closing in steady state takes nothing from the heap for them.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "stack/host/connection.h"

namespace lastack {

class ConnectionStore {
 public:
  ConnectionStore() = default;
  ~ConnectionStore() {
    for_each([](Connection& connection) { std::destroy_at(&connection); });
    for (const Slot& slot : slots_) free_memory(slot.connection);
    for (Connection* const spare : spares_) free_memory(spare);
  }
  ConnectionStore(const ConnectionStore&) = delete;
  ConnectionStore& operator=(const ConnectionStore&) = delete;

  // The handle must be new.
  template <typename... Arguments>
  Connection& emplace(ConnId id, Arguments&&... arguments) {
    if ((used_ + 1) * 2 > slots_.size()) resize(slots_.empty() ? 16 : 2 * slots_.size());
    Connection* const connection = new (take_memory()) Connection(id, std::forward<Arguments>(arguments)...);
    put(connection);
    ++used_;
    return *connection;
  }
  Connection* find(ConnId id) const {
    if (slots_.empty()) return nullptr;
    std::size_t at = home(id);
    while (slots_[at].connection != nullptr && slots_[at].id != id) at = next(at);
    return slots_[at].connection;
  }
  // Nothing happens where there is none.
  void erase(ConnId id);
  // Gives back what many connections needed.
  void shrink() {
    if (slots_.size() > 64 && used_ * 16 < slots_.size()) resize(std::bit_ceil(4 * used_ + 16));
  }
  template <typename F>
  void for_each(F f) const {
    for (const Slot& slot : slots_) {
      if (slot.connection != nullptr) f(*slot.connection);
    }
  }
  std::size_t size() const { return used_; }
  std::size_t memory() const { return slots_.capacity() * sizeof(Slot) + spares_.size() * sizeof(Connection); }

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
  struct Slot {
    Connection* connection = nullptr;
    ConnId id = ConnId::none;
  };

  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t home(ConnId id) const { return static_cast<std::uint32_t>(id) & mask(); }
  std::size_t next(std::size_t at) const { return (at + 1) & mask(); }
  void put(Connection* connection) {
    std::size_t at = home(connection->id);
    while (slots_[at].connection != nullptr) at = next(at);
    slots_[at] = {connection, connection->id};
  }
  void resize(std::size_t slots);
  void* take_memory() {
    if (spares_.empty()) return ::operator new(sizeof(Connection));
    Connection* const spare = spares_.back();
    spares_.pop_back();
    return spare;
  }
  static void free_memory(Connection* memory) { ::operator delete(memory); }

  std::vector<Slot> slots_;  // a power of two, at least twice as many as are used; or none
  std::size_t used_ = 0;
  std::vector<Connection*> spares_;  // memory only
};

}  // namespace lastack
