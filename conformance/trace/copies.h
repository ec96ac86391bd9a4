// Recognises packets that were captured more than once: at two interfaces, tagged and untagged, inside and outside a
// tunnel, by a mirror port that shows both ways through a switch. The first copy is judged. When every packet is kept
// where it was seen first, an acknowledgement still stands after its data, whatever the clocks of the taps say.
#pragma once

#include <cstdint>
#include <vector>

#include "conformance/trace/decapsulate.h"
#include "stack/base/time.h"

namespace lastack {

enum class Sighting : std::uint8_t {
  first,
  again,  // the same octets at the same point, but so late that its sender may have repeated them
  copy,
};

class CopyFilter {
 public:
  // Has the same packet been seen a moment ago? A copy is one elsewhere within two seconds; at the same point within
  // milliseconds, and then only with an IPv4 identification, because an endpoint may well send the same acknowledgement
  // twice.
  Sighting see(const Decapsulated& packet, Instant now);

 private:
  struct Seen {
    std::uint64_t signature = 0;
    std::uint64_t point = 0;
    Instant time{};
  };
  void grow();

  // About as many packets are remembered: few as long as one tap is seen, so that they stay in the processor's cache.
  static constexpr std::size_t kFew = 1 << 12;
  static constexpr std::size_t kMany = 1 << 16;
  std::vector<Seen> seen_ = std::vector<Seen>(kFew);
  std::vector<std::uint16_t> tags_ = std::vector<std::uint16_t>(kFew);  // of the signatures: enough for most packets
};

}  // namespace lastack
