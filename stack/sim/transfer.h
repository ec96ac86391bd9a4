// A user of one connection who sends a stream of known octets, reads what comes and checks it octet by octet, and
// closes when both are done. The octet at a stream position is a function of the position, so a lost, repeated or
// misplaced octet is seen at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stack/host/host.h"

namespace lastack {

// The octet at `position` of a stream; `stream` tells streams apart. Positions far apart differ, and so do neighbouring
// streams at the same position: multiplication by an odd constant, top byte.
LASTACK_WRAPS inline std::byte stream_octet(std::uint64_t position, std::uint32_t stream) {
  const auto mixed = (static_cast<std::uint32_t>(position & 0xFFFFFFFFU) + stream * 0x01000193U) * 0x9E3779B1U;
  return static_cast<std::byte>(mixed >> 24U);
}

struct TransferPlan {
  std::uint64_t octets_to_send = 0;
  std::uint32_t stream_out = 0;
  std::uint32_t stream_in = 1;
  std::size_t chunk = 4096;       // octets per call of send and receive
  bool close_after_peer = false;  // a server that closes when it has seen the peer's FIN
};

class Transfer {
 public:
  Transfer(Host& host, const TransferPlan& plan) : host_(host), plan_(plan) {}
  void attach(ConnId conn) { conn_ = conn; }
  bool attached() const { return conn_ != ConnId::none; }
  ConnId conn() const { return conn_; }

  // Does what can be done now. Call it after each step of the world, then flush the endpoint when it answers true.
  bool run(Instant now);

  bool all_sent() const { return sent_ == plan_.octets_to_send; }
  bool end_of_stream() const { return end_of_stream_; }
  bool closed() const { return closed_; }
  std::uint64_t sent() const { return sent_; }
  std::uint64_t received() const { return received_; }
  std::uint64_t pushes() const { return pushes_; }  // how often a RECEIVE told that its text was pushed
  // What went wrong, empty when nothing did: a wrong octet with its position, or a failed call with the stack's words.
  const std::string& error() const { return error_; }

 private:
  bool send_some(Instant now);
  bool receive_some(Instant now);
  bool maybe_close(Instant now);

  Host& host_;
  TransferPlan plan_;
  ConnId conn_ = ConnId::none;
  std::uint64_t sent_ = 0;
  std::vector<std::byte> next_;  // the octets from sent_ on that were offered last: most calls meet a full send queue
  std::uint64_t received_ = 0;
  std::uint64_t pushes_ = 0;
  bool end_of_stream_ = false;
  bool closed_ = false;
  std::string error_;
};

}  // namespace lastack
