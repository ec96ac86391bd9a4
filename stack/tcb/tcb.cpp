#include "stack/tcb/tcb.h"

#include <algorithm>

#include "stack/base/check.h"
#include "stack/wire/ip.h"
#include "stack/wire/segment.h"

namespace lastack {

Tcb::Tcb(const Config& defaults, const SocketAddress& local_socket, const SocketAddress& remote_socket,
         std::uint16_t mtu, bool is_passive)
    : local(local_socket),
      remote(remote_socket),
      rtt(defaults),
      send_queue(defaults.snd_buf),
      receive_queue(defaults.rcv_buf, defaults.max_reassembly_gaps),
      link_mtu(mtu),
      path_mtu(mtu),
      passive(is_passive),
      defaults_(&defaults) {}

void Tcb::enter(State to, Cause cause) {
  LASTACK_CHECK(find_edge(state_, to, cause) != nullptr);
  state_ = to;
  if (to == State::closed) closed_by = cause;
}

void Tcb::restore_time_wait() {
  LASTACK_CHECK(state_ == State::closed);
  fin_number_ = snd.nxt - 1;
  state_ = State::time_wait;
}

Config& Tcb::change_config() {
  if (!own_config) own_config = std::make_unique<Config>(*defaults_);
  return *own_config;
}

//= rfc9293 3.7.1 MUST-16
//= RFC6691-5.3-a a received MSS of 65535 is only one more upper bound
std::uint32_t Tcb::effective_mss(std::uint32_t option_octets) const {
  const auto headers = static_cast<std::uint32_t>(ip_header_size(local.ip.version) + kTcpHeaderSize);
  const std::uint32_t path = path_mtu > headers ? path_mtu - headers : 1U;
  const std::uint32_t mss = std::min<std::uint32_t>(snd.mss, path);
  // A peer's MSS smaller than our options would leave no room for text, and no progress.
  return mss > option_octets ? mss - option_octets : 1U;
}

void Tcb::set_path_mtu(std::uint16_t mtu) {
  path_mtu = mtu;
  if (congestion.smss == 0) return;
  congestion.smss = effective_mss();
  congestion.ssthresh = std::max(congestion.ssthresh, 2 * congestion.smss);
}

std::size_t Tcb::memory() const {
  return sizeof(Tcb) + send_queue.memory() + receive_queue.memory() + (own_config ? sizeof(Config) : 0U) +
         (sack_sender ? sizeof(SackSender) + sack_sender->board.memory() : 0U);
}

}  // namespace lastack
