// Open addressing with linear probing over a power of two of slots, of which one at least is empty (its `connection`
// is null): what the tables of connections share.
#pragma once

#include <cstddef>
#include <vector>

namespace lastack {

// Empties a slot by backward-shift deletion: no tombstones, so that a table that has seen many connections stays as
// quick as a new one. `home`: where a slot's content would stand if nothing were in the way.
template <typename Slot, typename Home>
void empty_slot(std::vector<Slot>& slots, std::size_t hole, Home home) {
  const std::size_t mask = slots.size() - 1;
  for (std::size_t at = (hole + 1) & mask; slots[at].connection != nullptr; at = (at + 1) & mask) {
    const std::size_t from_home = (at + slots.size() - home(slots[at])) & mask;
    const std::size_t from_hole = (at + slots.size() - hole) & mask;
    if (from_home < from_hole) continue;  // it must not move in front of its home
    slots[hole] = slots[at];
    hole = at;
  }
  slots[hole] = {};
}

}  // namespace lastack
