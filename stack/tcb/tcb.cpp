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
      config_(&defaults) {}

void Tcb::enter(State to, Cause cause) {
  LASTACK_CHECK(find_edge(state_, to, cause) != nullptr);
  state_ = to;
  if (to == State::closed) closed_by = cause;
}

void Tcb::restore(State state, SeqNum fin_number) {
  LASTACK_CHECK(state_ == State::closed || state_ == state);
  state_ = state;
  fin_number_ = fin_number;
}

Config& Tcb::change_config() {
  if (!own_config) {
    own_config = std::make_unique<Config>(*config_);
    config_ = own_config.get();
  }
  return *own_config;
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
