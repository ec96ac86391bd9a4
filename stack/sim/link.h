// One direction of a network path in virtual time: packets go in, and come out later, lost, doubled, damaged or out of
// order. What happens to each packet comes from a seeded generator, or from a script for the next packets (the fuzz
// targets). Knows nothing of TCP: a packet is octets.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "stack/base/bytes.h"
#include "stack/base/time.h"
#include "stack/sim/prng.h"

namespace lastack {

// Rates are in parts per million of the packets.
struct LinkConfig {
  Duration delay{0};
  Duration jitter{0};  // added to the delay, uniform; reorders when it is larger than the distance of two packets
  std::uint32_t loss_ppm = 0;
  std::uint32_t duplicate_ppm = 0;
  std::uint32_t corrupt_ppm = 0;  // one octet is changed, which the Internet checksum always detects
  std::uint32_t reorder_ppm = 0;  // held back by `reorder_delay`
  Duration reorder_delay{0};
  std::uint64_t rate_bps = 0;    // 0: no limit
  std::size_t queue_octets = 0;  // limit of what waits for the rate; 0: no limit
  std::size_t mtu = 65535;       // larger packets are lost silently (a black hole)
};

enum class Fate : std::uint8_t { deliver, lose, duplicate, corrupt, hold_back };
inline constexpr std::size_t kFates = 5;
const char* to_string(Fate fate);

struct LinkCounts {
  std::uint64_t sent = 0, delivered = 0, lost = 0, duplicated = 0, corrupted = 0, held_back = 0, queue_full = 0,
                too_big = 0;
};

class Link {
 public:
  Link(const LinkConfig& config, std::uint64_t seed) : config_(config), prng_(seed) {}

  // Takes a packet. Returns what was decided; `lose` also for a full queue and for a packet over the MTU.
  Fate send(Instant now, Bytes packet);
  // The fate of the next packets, first in first out, before chance is asked.
  void script(Fate fate) { script_.push_back(fate); }
  void clear_script() { script_.clear(); }

  // When the next packet arrives; nothing when the link is empty.
  std::optional<Instant> next_arrival() const;
  // The packet that has arrived by `now`, if any. Valid until the next call of send or receive.
  std::optional<Bytes> receive(Instant now);

  std::size_t in_flight() const { return queue_.size(); }
  const LinkConfig& config() const { return config_; }
  void set_config(const LinkConfig& config) { config_ = config; }
  const LinkCounts& counts() const { return counts_; }

 private:
  struct InFlight {
    Instant arrival;
    std::uint64_t order;  // ties arrive in the order in which they were sent
    std::vector<std::byte> packet;
  };
  static bool later(const InFlight& a, const InFlight& b) {
    return a.arrival != b.arrival ? a.arrival > b.arrival : a.order > b.order;
  }

  Fate choose_fate();
  Instant arrival_time(Instant now, std::size_t octets, Fate fate);
  void enqueue(Instant arrival, Bytes packet, bool corrupt);
  std::vector<std::byte> take_buffer();

  LinkConfig config_;
  Prng prng_;
  std::deque<Fate> script_;
  std::vector<InFlight> queue_;  // a heap, earliest first
  std::vector<std::vector<std::byte>> spare_;
  std::vector<std::byte> received_;
  Instant free_at_{};  // when the rate limit lets the next packet go
  std::uint64_t order_ = 0;
  LinkCounts counts_;
};

}  // namespace lastack
