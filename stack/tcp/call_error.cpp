#include "stack/tcp/call_error.h"

namespace lastack {

const char* to_string(CallError error) {
  switch (error) {
    case CallError::connection_does_not_exist: return "connection does not exist";
    case CallError::connection_already_exists: return "connection already exists";
    case CallError::connection_illegal: return "connection illegal for this process";
    case CallError::remote_socket_unspecified: return "remote socket unspecified";
    case CallError::insufficient_resources: return "insufficient resources";
    case CallError::connection_closing: return "connection closing";
    case CallError::connection_reset: return "connection reset";
    case CallError::connection_refused: return "connection refused";
    case CallError::user_timeout: return "connection aborted due to user timeout";
    case CallError::would_block: return "would block";
    case CallError::invalid_argument: return "invalid argument";
  }
  return "unknown error";
}

}  // namespace lastack
