#include "stack/host/fast_open.h"

#include <algorithm>

namespace lastack {

namespace {

std::uint64_t tag(const HashKey& key, const IpAddress& client, std::uint64_t period) {
  std::array<std::byte, 25> text{};
  std::memcpy(text.data(), client.octets.data(), 16);
  text[16] = static_cast<std::byte>(client.version);
  store_be32(text.data() + 17, static_cast<std::uint32_t>(period >> 32));
  store_be32(text.data() + 21, static_cast<std::uint32_t>(period & 0xffff'ffffU));
  return siphash_2_4(key, text);
}

std::uint64_t period_of(Instant now, Duration life) {
  const auto since = static_cast<std::uint64_t>(now.time_since_epoch().count());
  return since / static_cast<std::uint64_t>(std::max<Duration>(life, Duration(1)).count());
}

std::array<std::byte, 16> cookie_of(std::uint64_t value) {
  std::array<std::byte, 16> cookie{};
  store_be32(cookie.data(), static_cast<std::uint32_t>(value >> 32));
  store_be32(cookie.data() + 4, static_cast<std::uint32_t>(value & 0xffff'ffffU));
  return cookie;
}

}  // namespace

//= rfc7413 4.1.2
std::array<std::byte, 16> fast_open_cookie(const HashKey& key, const IpAddress& client, Instant now, Duration life) {
  return cookie_of(tag(key, client, period_of(now, life)));
}

bool fast_open_cookie_is_good(const HashKey& key, const IpAddress& client, Instant now, Duration life,
                              const Options& offered) {
  if (offered.fast_open_size != kFastOpenCookieSize) return false;
  const std::uint64_t period = period_of(now, life);
  if (offered.fast_open_cookie == cookie_of(tag(key, client, period))) return true;
  return period != 0 && offered.fast_open_cookie == cookie_of(tag(key, client, period - 1));
}

FastOpenCache::Entry& FastOpenCache::entry(const SocketAddress& server) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.server == server; });
  if (found != entries_.end()) return *found;
  if (entries_.size() == kMost) entries_.erase(entries_.begin());
  Entry fresh;
  fresh.server = server;
  return entries_.emplace_back(fresh);
}

//= rfc7413 4.1.3 4.2.1
std::unique_ptr<FastOpen> FastOpenCache::begin(Instant now, const SocketAddress& server) const {
  auto mine = std::make_unique<FastOpen>();
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.server == server; });
  if (found == entries_.end()) return mine;
  if (now < found->not_before) return nullptr;
  mine->cookie = found->cookie;
  mine->size = found->size;
  mine->mss = found->mss;
  return mine;
}

//= rfc7413 4.1.3 4.1.3.1 RFC7413-4.1.3.1-a
void FastOpenCache::learn(Instant now, Duration retry, const SocketAddress& server, const FastOpen& asked,
                          const Options& answer, bool taken) {
  Entry& known = entry(server);
  if (answer.fast_open && answer.fast_open_size != 0) {
    known.cookie = answer.fast_open_cookie;
    known.size = answer.fast_open_size;
  } else if (asked.size == 0 || !taken) {
    known.not_before = now + retry;
  }
  // "The client MAY limit the cached MSS to 1460 bytes for IPv4 or 1440 for IPv6."
  const bool v4 = server.ip.version == IpVersion::v4;
  known.mss = std::min<std::uint16_t>(answer.mss.value_or(v4 ? 536 : 1220), v4 ? 1460 : 1440);
}

void FastOpenCache::refuse(Instant until, const SocketAddress& server) { entry(server).not_before = until; }

}  // namespace lastack
