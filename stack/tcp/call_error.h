// What a user call can be refused with, worded as in RFC 9293 3.10.1 to 3.10.6.
#pragma once

#include <cstdint>

namespace lastack {

enum class CallError : std::uint8_t {
  connection_does_not_exist,
  connection_already_exists,
  connection_illegal,
  remote_socket_unspecified,
  insufficient_resources,
  connection_closing,
  connection_reset,
  connection_refused,
  user_timeout,
  would_block,       // not in the RFC: its calls wait, ours return
  invalid_argument,  // not in the RFC: an address or port that cannot be one end of a connection
};

const char* to_string(CallError error);

}  // namespace lastack
