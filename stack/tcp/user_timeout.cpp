#include "stack/tcp/user_timeout.h"

#include <algorithm>

namespace lastack {

namespace {

constexpr std::uint16_t kMinutes = 0x8000;
constexpr std::int64_t kMostOfField = 0x7fff;

}  // namespace

// "Connections in other states MUST use the default timeout values": what was adopted counts once synchronized.
//= rfc5482 3.3
Duration user_timeout_of(const Tcb& tcb) {
  const bool adopted = tcb.adopted_user_timeout != Duration(0) && kSynchronized.contains(tcb.state());
  return adopted ? tcb.adopted_user_timeout : tcb.config().user_timeout;
}

//= rfc5482 3.3 3.4 RFC5482-3.3-a RFC5482-3.4-a
std::optional<std::uint16_t> user_timeout_to_offer(const Config& config) {
  if (!config.user_timeout_option) return std::nullopt;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(config.user_timeout).count();
  if (seconds <= 0) return std::nullopt;
  if (seconds <= kMostOfField) return static_cast<std::uint16_t>(seconds);
  return static_cast<std::uint16_t>(kMinutes | std::min((seconds + 59) / 60, kMostOfField));
}

//= rfc5482 3.1 RFC5482-3-a RFC5482-3-b RFC5482-3-c
void take_user_timeout_option(Tcb& tcb, const Segment& segment) {
  const Config& config = tcb.config();
  const auto& option = segment.options.user_timeout;
  if (!option || !config.user_timeout_option || !config.user_timeout_changeable) return;
  const std::int64_t value = *option & ~kMinutes;
  if (value == 0) return;  // 3.4: reserved
  const Duration remote =
      (*option & kMinutes) != 0 ? Duration(std::chrono::minutes(value)) : Duration(std::chrono::seconds(value));
  // 3.1: min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)), and L_LIMIT is larger than the RTO.
  const Duration least = std::max(config.user_timeout_least, tcb.rtt.rto() + std::chrono::seconds(1));
  const Duration adopted =
      std::min(std::max(config.user_timeout_most, least), std::max({config.user_timeout, remote, least}));
  if (adopted == tcb.adopted_user_timeout) return;
  tcb.adopted_user_timeout = adopted;
  tcb.timers.stop(TimerKind::user);  // settle_timers arms it anew
}

}  // namespace lastack
