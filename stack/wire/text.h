// The one-line text form of a segment that ladders, logs and findings use:
//   SYN,ACK seq=300 ack=101 win=65535 <mss 1460,ws 7,sackOK,ts 1:0>
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "stack/wire/segment.h"

namespace lastack {

std::string flags_text(Flags flags);  // "SYN,ACK"; "none" for no bit
// Accepts what flags_text prints, and Scapy's letters ("SA").
std::optional<Flags> parse_flags(std::string_view text);
std::string options_text(const Options& options);  // "<...>", empty when there are none
std::string segment_text(const Segment& segment);

}  // namespace lastack
