#include "stack/host/connection_table.h"

#include "stack/base/check.h"
#include "stack/host/open_addressing.h"
#include "stack/host/socket_hash.h"

namespace lastack {

namespace {
constexpr std::size_t kLeast = 16;
}  // namespace

std::uint32_t ConnectionTable::hash(const SocketAddress& local, const SocketAddress& remote) const {
  return socket_hash(key_, local.port, remote);
}

Connection* ConnectionTable::find(const SocketAddress& local, const SocketAddress& remote) const {
  if (slots_.empty()) return nullptr;
  const std::uint32_t h = hash(local, remote);
  for (std::size_t at = h & mask(); slots_[at].connection != nullptr; at = (at + 1) & mask()) {
    const Slot& slot = slots_[at];
    if (slot.hash == h && slot.connection->tcb.remote == remote && slot.connection->tcb.local == local)
      return slot.connection;
  }
  return nullptr;
}

void ConnectionTable::insert(Connection* connection) {
  if (slots_.empty() || (used_ + 1) * 4 > slots_.size() * 3) resize(slots_.empty() ? kLeast : slots_.size() * 2);
  put(connection, hash(connection->tcb.local, connection->tcb.remote));
  ++used_;
}

void ConnectionTable::put(Connection* connection, std::uint32_t h) {
  std::size_t at = h & mask();
  while (slots_[at].connection != nullptr) at = (at + 1) & mask();
  slots_[at] = {connection, h};
}

void ConnectionTable::shrink() {
  std::size_t slots = slots_.size();
  while (slots > kLeast && used_ * 8 < slots) slots /= 2;
  if (slots < slots_.size()) resize(slots);
}

void ConnectionTable::resize(std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.connection != nullptr) put(slot.connection, slot.hash);
  }
}

void ConnectionTable::erase(const Connection* connection) {
  std::size_t hole = hash(connection->tcb.local, connection->tcb.remote) & mask();
  while (slots_[hole].connection != connection) {
    LASTACK_CHECK(slots_[hole].connection != nullptr);
    hole = (hole + 1) & mask();
  }
  empty_slot(slots_, hole, [this](const Slot& slot) { return slot.hash & mask(); });
  --used_;
}

}  // namespace lastack
