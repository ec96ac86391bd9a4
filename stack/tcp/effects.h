// What handling one input asks of the host beside changes to the TCB: a RST, which needs no TCB and may outlive it.
#pragma once

#include <optional>

#include "stack/base/seq.h"
#include "stack/wire/segment.h"

namespace lastack {

struct ResetSegment {
  SeqNum seq;
  SeqNum ack;
  bool has_ack = false;
  std::optional<Timestamps> timestamps{};  // of a host that offers them
};

struct Effects {
  std::optional<ResetSegment> reset;
};

// The RST that is acceptable to the sender of `segment` (3.5.2 group 1, 3.10.7.1); nothing for a RST.
std::optional<ResetSegment> reset_for(const Segment& segment);

}  // namespace lastack
