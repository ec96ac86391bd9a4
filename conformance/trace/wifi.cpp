// 802.11 data frames, bare or behind a radiotap header: in clear only, and one packet in a frame. Everything else of
// 802.11 carries no TCP.
#include "conformance/trace/layers.h"

namespace lastack {

namespace {

constexpr unsigned kData = 2;  // frame type

}  // namespace

Skip at_radiotap(Walk& w, const Layer& frame) {
  if (!frame.has(8)) return frame.missing(8);
  const std::size_t size = load_u8(frame.bytes.data() + 2) + (std::size_t{load_u8(frame.bytes.data() + 3)} << 8U);
  if (frame.u8(0) != 0 || size < 8) return Skip::malformed;
  if (!frame.has(size)) return frame.missing(size);
  // The flags, when they come first (after the 64-bit time), say whether the header is padded to words.
  const unsigned present = frame.u8(4);
  const bool more_words = (frame.u8(7) & 0x80U) != 0;
  const std::size_t flags_at = (present & 1U) != 0 ? 16 : 8;
  const bool padded = (present & 2U) != 0 && !more_words && flags_at < size && (frame.u8(flags_at) & 0x20U) != 0;
  const Layer rest = frame.after(size);
  if (!padded) return at_80211(w, rest);
  if (!rest.has(2)) return rest.missing(2);
  const bool four_addresses = (rest.u8(1) & 3U) == 3;
  const bool quality = (rest.u8(0) & 0x8cU) == 0x88U;
  const std::size_t header = 24U + (four_addresses ? 6U : 0U) + (quality ? 2U : 0U);
  const std::size_t padding = (4 - header % 4) % 4;
  if (!rest.has(header + padding)) return rest.missing(header + padding);
  if ((rest.u8(0) & 0x0cU) >> 2 != kData || (rest.u8(0) & 0x40U) != 0) return Skip::not_ip;
  if ((rest.u8(1) & 0x40U) != 0) return Skip::encrypted;
  return at_llc(w, rest.after(header + padding));
}

Skip at_80211(Walk& w, const Layer& frame) {
  if (!frame.has(2)) return frame.missing(2);
  const unsigned control = frame.u8(0);
  const unsigned flags = frame.u8(1);
  if (((control >> 2) & 3U) != kData || (control & 0x40U) != 0) return Skip::not_ip;  // 0x40: no data in it
  const bool quality = (control & 0x80U) != 0;
  const bool four_addresses = (flags & 3U) == 3;
  std::size_t size = four_addresses ? 30 : 24;
  const std::size_t quality_at = size;
  if (quality) size += 2;
  if (quality && (flags & 0x80U) != 0) size += 4;  // HT control
  if (!frame.has(size)) return frame.missing(size);
  if ((flags & 0x40U) != 0) return Skip::encrypted;
  if (quality && (frame.u8(quality_at) & 0x80U) != 0) return Skip::aggregated;
  const bool later_piece = (frame.u8(22) & 0x0fU) != 0 || (flags & 0x04U) != 0;
  if (later_piece) return Skip::aggregated;  // fragmented below IP
  return at_llc(w, frame.after(size));
}

}  // namespace lastack
