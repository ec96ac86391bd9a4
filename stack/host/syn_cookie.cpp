#include "stack/host/syn_cookie.h"

#include <algorithm>
#include <array>

namespace lastack {

namespace {

// What hosts announce, so that little is lost by rounding down.
constexpr std::array<std::uint16_t, 8> kMssSteps{64, 512, 536, 1024, 1220, 1440, 1460, 8940};
constexpr std::uint8_t kNoShift = 15;
constexpr std::uint32_t kStampBits = 6;  // 4 of window scale, SACK, ECN
constexpr std::uint32_t kStampMask = (1U << kStampBits) - 1;

std::uint32_t period_of(Instant now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  return static_cast<std::uint32_t>((seconds / (kCookieLife.count() / 2)) & 0xffff'ffff);
}

// The largest step that is no more than `mss`; the table's size when there is none.
std::size_t step_below(std::uint16_t mss) {
  const auto above = std::upper_bound(kMssSteps.begin(), kMssSteps.end(), mss);
  return above == kMssSteps.begin() ? kMssSteps.size() : static_cast<std::size_t>(above - kMssSteps.begin()) - 1;
}

std::uint32_t stamp_bits(const Segment& syn) {
  if (!syn.options.timestamps) return 0;
  const std::uint32_t shift = std::min<std::uint32_t>(syn.options.window_scale.value_or(kNoShift), 15U);
  return shift | (syn.options.sack_permitted ? 16U : 0U) | (syn.flags.ece() ? 32U : 0U);
}

std::uint32_t number_of(const HashKey& key, std::uint32_t period, std::size_t step, std::uint32_t stamp,
                        const SocketAddress& local, const SocketAddress& remote, SeqNum irs) {
  std::array<std::byte, 48> text{};
  std::memcpy(text.data(), local.ip.octets.data(), 16);
  std::memcpy(text.data() + 16, remote.ip.octets.data(), 16);
  store_be16(text.data() + 32, local.port);
  store_be16(text.data() + 34, remote.port);
  store_be32(text.data() + 36, irs.raw());
  store_be32(text.data() + 40, period);
  store_be16(text.data() + 44, static_cast<std::uint16_t>(step));
  store_be16(text.data() + 46, static_cast<std::uint16_t>(stamp));
  const auto tag = static_cast<std::uint32_t>(siphash_2_4(key, text) & 0xff'ffffU);
  return ((period & 31U) << 27) | (static_cast<std::uint32_t>(step) << 24) | tag;
}

}  // namespace

std::optional<Segment> syn_for_cookie(const Segment& syn, std::uint16_t default_mss) {
  const std::size_t step = step_below(syn.options.mss.value_or(default_mss));
  if (step == kMssSteps.size()) return std::nullopt;
  Segment reduced;
  reduced.src_port = syn.src_port;
  reduced.dst_port = syn.dst_port;
  reduced.seq = syn.seq;
  reduced.wnd = syn.wnd;
  reduced.flags = kSyn;
  reduced.options.mss = kMssSteps[step];
  reduced.options.timestamps = syn.options.timestamps;
  if (!syn.options.timestamps) return reduced;
  if (syn.flags.ece() && syn.flags.cwr()) reduced.flags = kSyn | kEce | kCwr;
  reduced.options.sack_permitted = syn.options.sack_permitted;
  if (syn.options.window_scale) reduced.options.window_scale = std::min(*syn.options.window_scale, kMaxWindowShift);
  return reduced;
}

SeqNum make_syn_cookie(const HashKey& key, Instant now, const SocketAddress& local, const SocketAddress& remote,
                       const Segment& cookie_syn) {
  return SeqNum(number_of(key, period_of(now), step_below(*cookie_syn.options.mss), stamp_bits(cookie_syn), local,
                          remote, cookie_syn.seq));
}

std::uint32_t cookie_timestamp(std::uint32_t clock, const Segment& cookie_syn) {
  const std::uint32_t stamp = (clock & ~kStampMask) | stamp_bits(cookie_syn);
  return after(SeqNum(stamp), SeqNum(clock)) ? (SeqNum(stamp) - (kStampMask + 1)).raw() : stamp;
}

std::optional<Segment> check_syn_cookie(const HashKey& key, Instant now, const SocketAddress& local,
                                        const SocketAddress& remote, const Segment& ack) {
  const SeqNum cookie = ack.ack - 1U;
  const SeqNum irs = ack.seq - 1U;
  const std::uint32_t stamp = ack.options.timestamps ? ack.options.timestamps->echo & kStampMask : 0;
  const std::size_t step = (cookie.raw() >> 24) & 7U;
  const std::uint32_t current = period_of(now);
  const auto made_in = [&](std::uint32_t period) {
    return SeqNum(number_of(key, period, step, stamp, local, remote, irs)) == cookie;
  };
  if (!made_in(current) && (current == 0 || !made_in(current - 1))) return std::nullopt;
  Segment syn;
  syn.src_port = remote.port;
  syn.dst_port = local.port;
  syn.seq = irs;
  syn.wnd = ack.wnd;
  syn.flags = kSyn;
  syn.options.mss = kMssSteps[step];
  if (!ack.options.timestamps) return syn;
  syn.options.timestamps = Timestamps{ack.options.timestamps->value, 0};
  syn.options.sack_permitted = (stamp & 16U) != 0;
  if ((stamp & 15U) != kNoShift) syn.options.window_scale = static_cast<std::uint8_t>(stamp & 15U);
  if ((stamp & 32U) != 0) syn.flags = kSyn | kEce | kCwr;
  return syn;
}

}  // namespace lastack
