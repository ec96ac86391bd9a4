#include "conformance/trace/decapsulate.h"

#include "conformance/trace/layers.h"
#include "stack/wire/ip.h"

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

namespace {

// Nearly every frame: Ethernet, IPv4 without options or fragments, TCP. The layers find the same, in five times as many
// instructions.
bool find_plain(const CapturedPacket& frame, Decapsulated& out) {
  constexpr std::uint32_t kEthernet = 1;
  constexpr std::size_t kFrame = 14;
  if (frame.link_type != kEthernet || frame.bytes.size() < kFrame + kIpv4HeaderSize) return false;
  const std::byte* p = frame.bytes.data();
  const std::byte* ip = p + kFrame;
  if (load_be16(p + 12) != 0x0800 || load_u8(ip) != 0x45 || load_u8(ip + 9) != kProtocolTcp) return false;
  const std::uint16_t total = load_be16(ip + 2);
  if ((load_be16(ip + 6) & 0x3fffU) != 0 || (total != 0 && total < kIpv4HeaderSize)) return false;
  out.packet = frame.bytes.subspan(kFrame);
  out.wire_size = frame.wire_size - kFrame;
  out.context = 0;
  out.point = seen_at_hop(seen_on_link(frame.interface, p), 0, load_u8(ip + 8));
  return true;
}

}  // namespace

Skip Decapsulator::find(const CapturedPacket& frame, Decapsulated& out) {
  if (!scratch_.empty()) scratch_.clear();
  if (find_plain(frame, out)) return Skip::none;
  Walk w{.reassembler = reassembler_, .scratch = scratch_, .time = frame.time, .found = {}};
  w.found.point = frame.interface;
  const Skip skip = at_link(w, {frame.bytes, frame.wire_size, 0}, frame.link_type);
  out = w.found;
  return skip;
}

}  // namespace lastack
