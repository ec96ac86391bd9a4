// Fast Open cookies (RFC 7413 4.1): what a server hands out and checks, and what a client remembers of its servers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "stack/base/time.h"
#include "stack/host/isn.h"
#include "stack/tcb/tcb.h"
#include "stack/wire/options.h"

namespace lastack {

inline constexpr std::uint8_t kFastOpenCookieSize = 8;

// A keyed hash of the client's address and the time: nobody else can make it, and it does not live for ever.
std::array<std::byte, 16> fast_open_cookie(const HashKey& key, const IpAddress& client, Instant now, Duration life);
bool fast_open_cookie_is_good(const HashKey& key, const IpAddress& client, Instant now, Duration life,
                              const Options& offered);

// What a client knows of the servers that it used last.
class FastOpenCache {
 public:
  // The state of a SYN to `server`: with its cookie, asking for one, or none because it said no.
  std::unique_ptr<FastOpen> begin(Instant now, const SocketAddress& server) const;
  // The SYN,ACK that answered it; `taken`: all of the SYN's text.
  void learn(Instant now, Duration retry, const SocketAddress& server, const FastOpen& asked, const Options& answer,
             bool taken);
  void refuse(Instant until, const SocketAddress& server);
  std::size_t memory() const { return entries_.capacity() * sizeof(Entry); }

 private:
  static constexpr std::size_t kMost = 64;
  struct Entry {
    SocketAddress server;
    std::array<std::byte, 16> cookie{};
    std::uint8_t size = 0;
    std::uint16_t mss = 0;
    Instant not_before{};
  };
  Entry& entry(const SocketAddress& server);

  std::vector<Entry> entries_;  // the oldest goes first
};

}  // namespace lastack
