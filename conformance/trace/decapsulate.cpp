#include "conformance/trace/decapsulate.h"

#include "conformance/trace/layers.h"

namespace lastack {

namespace {

struct SkipText {
  const char* key;
  const char* words;
};

constexpr std::array<SkipText, kSkips> kTexts = {{
    {"judged", "judged"},
    {"not-ip", "not IP"},
    {"not-tcp", "not TCP"},
    {"unknown-link-type", "of a link type that is not known"},
    {"cut", "cut before the TCP header"},
    {"malformed", "with impossible lengths"},
    {"encrypted", "encrypted or compressed"},
    {"aggregated", "in 802.11 frames with several or broken packets"},
    {"too-deep", "nested too deeply"},
    {"fragment", "fragments of packets that never became whole"},
}};

}  // namespace

const char* to_string(Skip skip) { return kTexts[static_cast<std::size_t>(skip)].key; }
const char* describe(Skip skip) { return kTexts[static_cast<std::size_t>(skip)].words; }

Skip Decapsulator::find(const CapturedPacket& frame, Decapsulated& out) {
  if (!scratch_.empty()) scratch_.clear();
  Walk w{.reassembler = reassembler_, .scratch = scratch_, .time = frame.time, .found = {}};
  w.found.point = frame.interface;
  const Skip skip = at_link(w, {frame.bytes, frame.wire_size, 0}, frame.link_type);
  out = w.found;
  return skip;
}

}  // namespace lastack
