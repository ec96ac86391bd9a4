#include "stack/host/connection_store.h"

#include "stack/host/open_addressing.h"

namespace lastack {

void ConnectionStore::resize(std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  for (const Slot& slot : old) {
    if (slot.connection != nullptr) put(slot.connection);
  }
}

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
  empty_slot(slots_, hole, [this](const Slot& slot) { return home(slot.id); });
  --used_;
}

}  // namespace lastack
