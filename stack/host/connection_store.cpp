#include "stack/host/connection_store.h"

namespace lastack {

void ConnectionStore::resize(std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.connection != nullptr) put(slot.connection);
  }
}

// Backward-shift deletion, as in connection_table.cpp.
void ConnectionStore::erase(ConnId id) {
  if (slots_.empty()) return;
  std::size_t hole = home(id);
  while (slots_[hole].id != id) {
    if (slots_[hole].connection == nullptr) return;
    hole = next(hole);
  }
  Connection* const gone = slots_[hole].connection;
  if (gone == nullptr) return;
  std::destroy_at(gone);
  if (spares_.size() < kMostSpares) {
    spares_.push_back(gone);
  } else {
    free_memory(gone);
  }
  for (std::size_t at = next(hole); slots_[at].connection != nullptr; at = next(at)) {
    const std::size_t from_home = (at + slots_.size() - home(slots_[at].id)) & mask();
    const std::size_t from_hole = (at + slots_.size() - hole) & mask();
    if (from_home < from_hole) continue;  // it must not move in front of its home
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = {};
  --used_;
}

}  // namespace lastack
