// A connection at rest as a record: its TCB packed (tcb/packed_tcb.h), found by its sockets, its handle or the deadline
// of its keep-alive timer.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <utility>

#include "stack/host/record_table.h"
#include "stack/tcb/state.h"

namespace lastack {

struct Idle : Record {
  std::uint16_t size = 0;  // of octets
  std::uint16_t icmp = 0;  // Connection::icmp
  State state = State::closed;
  bool released = false;  // Connection::released
  std::unique_ptr<std::uint8_t[]> octets;

  std::span<const std::uint8_t> packed() const { return {octets.get(), size}; }
};

class IdleTable : public RecordTable<Idle> {
 public:
  Idle& add(const SocketPair& sockets, ConnId id, std::span<const std::uint8_t> packed, Instant keepalive) {
    Idle& record = RecordTable<Idle>::add(sockets, id);
    record.size = static_cast<std::uint16_t>(packed.size());
    record.octets = std::make_unique_for_overwrite<std::uint8_t[]>(packed.size());
    std::copy(packed.begin(), packed.end(), record.octets.get());
    octets_ += packed.size();
    if (keepalive != Instant::max()) deadlines_.emplace(keepalive, record.self);
    return record;
  }
  void remove(Idle& record, Instant keepalive) {
    if (keepalive != Instant::max()) deadlines_.erase({keepalive, record.self});
    octets_ -= record.size;
    record.octets.reset();
    RecordTable<Idle>::remove(record);
  }
  // The one whose keep-alive timer is due first; nullptr when none runs.
  Idle* earliest() { return deadlines_.empty() ? nullptr : &at(deadlines_.begin()->second); }
  Instant next_deadline() const { return deadlines_.empty() ? Instant::max() : deadlines_.begin()->first; }
  std::size_t memory() const {
    constexpr std::size_t kNode = 32 + sizeof(std::pair<Instant, std::uint32_t>);
    return RecordTable<Idle>::memory() + octets_ + deadlines_.size() * kNode;
  }

 private:
  std::set<std::pair<Instant, std::uint32_t>> deadlines_;
  std::size_t octets_ = 0;
};

}  // namespace lastack
