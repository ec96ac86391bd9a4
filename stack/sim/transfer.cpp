// Implementation of transfer.h.
#include "stack/sim/transfer.h"

#include <algorithm>
#include <vector>

namespace lastack {

bool Transfer::run(Instant now) {
  if (!attached() || !error_.empty()) return false;
  bool acted = receive_some(now);
  acted = send_some(now) || acted;
  return maybe_close(now) || acted;
}

bool Transfer::send_some(Instant now) {
  bool acted = false;
  while (error_.empty() && !closed_ && sent_ < plan_.octets_to_send) {
    const std::size_t made = next_.size();
    next_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(plan_.chunk, plan_.octets_to_send - sent_)));
    for (std::size_t i = made; i < next_.size(); ++i) next_[i] = stream_octet(sent_ + i, plan_.stream_out);
    const auto taken = host_.send(now, conn_, next_);
    if (!taken.ok()) {
      // "would block" and "insufficient resources" both say: the buffer is full, come again.
      const CallError error = taken.error();
      if (error == CallError::would_block || error == CallError::insufficient_resources) break;
      error_ = std::string("SEND: ") + to_string(error);
      break;
    }
    sent_ += *taken;
    next_.erase(next_.begin(), next_.begin() + static_cast<std::ptrdiff_t>(*taken));
    acted = acted || *taken != 0;
    if (!next_.empty()) break;
  }
  return acted;
}

bool Transfer::receive_some(Instant now) {
  bool acted = false;
  std::vector<std::byte> buffer(plan_.chunk);
  while (error_.empty() && !end_of_stream_) {
    const auto got = host_.receive(now, conn_, buffer);
    if (!got.ok()) {
      const CallError error = got.error();
      // After both sides closed, the connection may be gone before the user looks again: then the end has been seen.
      if (error != CallError::would_block) error_ = std::string("RECEIVE: ") + to_string(error);
      break;
    }
    const ReceiveResult& result = *got;
    for (std::size_t i = 0; i < result.octets; ++i) {
      if (buffer[i] == stream_octet(received_ + i, plan_.stream_in)) continue;
      error_ = "wrong octet at stream position " + std::to_string(received_ + i);
      return true;
    }
    received_ += result.octets;
    pushes_ += result.pushed ? 1U : 0U;
    end_of_stream_ = result.end_of_stream;
    acted = acted || result.octets != 0 || end_of_stream_;
    if (result.octets == 0) break;
  }
  return acted;
}

bool Transfer::maybe_close(Instant now) {
  if (closed_ || !error_.empty() || !all_sent()) return false;
  if (plan_.close_after_peer && !end_of_stream_) return false;
  // CLOSE in SYN-SENT deletes the connection (RFC 9293 3.10.4), queued octets and all.
  if (host_.state(conn_) == State::syn_sent) return false;
  const auto done = host_.shutdown(now, conn_);
  closed_ = true;
  if (!done.ok()) error_ = std::string("CLOSE: ") + to_string(done.error());
  return true;
}

}  // namespace lastack
