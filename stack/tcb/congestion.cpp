#include "stack/tcb/congestion.h"

#include <algorithm>

namespace lastack {

//= rfc6928 2
//= rfc5681 3.1
std::uint32_t Congestion::initial_window(const Config& config, std::uint32_t smss, bool lost_syn) {
  if (lost_syn) return smss;
  if (config.initial_window == 0) return smss > 2190 ? 2 * smss : smss > 1095 ? 3 * smss : 4 * smss;
  if (config.initial_window == 10) return std::min(10 * smss, std::max(2 * smss, 14600U));
  return config.initial_window * smss;
}

void Congestion::begin(const Config& config, std::uint32_t send_mss) {
  smss = send_mss;
  cwnd = initial_window(config, smss, lost_syn);
}

//= rfc5681 3.1
void Congestion::on_new_ack(std::uint32_t acked) {
  duplicate_acks = 0;
  constexpr std::uint32_t kLargest = 1U << 30;
  if (cwnd >= kLargest) return;
  if (cwnd < ssthresh) {
    cwnd += std::min(acked, smss);
    return;
  }
  acked_in_avoidance += acked;
  if (acked_in_avoidance >= cwnd) {
    acked_in_avoidance -= cwnd;
    cwnd += smss;
  }
}

//= rfc5681 3.2
//= rfc6582 3.2
bool Congestion::on_duplicate_ack(std::uint32_t flight, SeqNum una, SeqNum nxt) {
  ++duplicate_acks;
  if (in_recovery) {
    cwnd += smss;
    return false;
  }
  if (duplicate_acks != 3) return false;
  // RFC 6582 3.2 step 2: duplicates of a window that was already repaired do not start it again.
  if (recover_valid && !after(una, recover)) return false;
  ssthresh = std::max(flight / 2, 2 * smss);
  recover = nxt;
  recover_valid = true;
  in_recovery = true;
  cwnd = ssthresh + 3 * smss;
  return true;
}

//= rfc6582 3.2
bool Congestion::on_recovery_ack(SeqNum ack, std::uint32_t acked, std::uint32_t flight) {
  if (at_or_after(ack, recover)) {
    cwnd = std::min(ssthresh, std::max(flight, smss) + smss);
    in_recovery = false;
    duplicate_acks = 0;
    acked_in_avoidance = 0;
    return false;
  }
  cwnd = cwnd > acked ? cwnd - acked : smss;
  if (acked >= smss) cwnd += smss;
  return true;
}

//= rfc5681 3.1
void Congestion::on_timeout(std::uint32_t flight, SeqNum nxt, bool first) {
  // A segment's second time-out leaves ssthresh as it is.
  if (first) ssthresh = std::max(flight / 2, 2 * smss);
  cwnd = smss;
  recover = nxt;
  recover_valid = true;
  in_recovery = false;
  duplicate_acks = 0;
  acked_in_avoidance = 0;
}

//= rfc3168 6.1.2
bool Congestion::on_congestion_echo(SeqNum una, std::uint32_t flight) {
  if (in_recovery || (recover_valid && !after(una, recover))) return false;
  ssthresh = std::max(std::min(cwnd, std::max(flight, smss)) / 2, 2 * smss);
  cwnd = std::max(cwnd / 2, smss);
  acked_in_avoidance = 0;
  return true;
}

//= rfc5681 4.1
void Congestion::on_idle(const Config& config) { cwnd = std::min(cwnd, initial_window(config, smss, lost_syn)); }

}  // namespace lastack
