#include "stack/tcb/congestion.h"

#include <algorithm>

namespace lastack {

namespace {

std::uint32_t half(std::uint32_t flight) { return flight / 2; }
void nothing(Congestion&, CongestionEvent) {}

//= rfc5681 3.1
//= RFC5681-3.1-e at most one SMSS for each window of acknowledged octets
void reno_avoid(Congestion& c, const AckedOctets& acked, bool used) {
  if (!used) return;
  c.acked_in_avoidance += acked.octets;
  if (c.acked_in_avoidance < c.cwnd) return;
  c.acked_in_avoidance -= c.cwnd;
  c.cwnd += c.smss;
}

std::uint32_t cubic_threshold(std::uint32_t flight) { return CubicState::reduced(flight); }
void cubic_event(Congestion& c, CongestionEvent event) { c.cubic.on_event(c.cwnd, event == CongestionEvent::timeout); }
void cubic_avoid(Congestion& c, const AckedOctets& acked, bool used) {
  c.cwnd = c.cubic.avoid({c.cwnd, c.smss, acked.octets, acked.now, acked.srtt, used});
}

constexpr Controller kReno{half, nothing, reno_avoid};
constexpr Controller kCubic{cubic_threshold, cubic_event, cubic_avoid};

// Without congestion control cwnd is kept all the same and not asked; a switch of controllers begins from it.
const Controller& controller(CongestionControl kind) { return kind == CongestionControl::cubic ? kCubic : kReno; }

}  // namespace

//= rfc6928 2
//= rfc5681 3.1
std::uint32_t Congestion::initial_window(const Config& config, std::uint32_t smss, bool lost_syn) {
  if (lost_syn) return smss;
  if (config.initial_window == 0) return smss > 2190 ? 2 * smss : smss > 1095 ? 3 * smss : 4 * smss;
  if (config.initial_window == 10) return std::min(10 * smss, std::max(2 * smss, 14600U));
  return config.initial_window * smss;
}

void Congestion::begin(const Config& config, std::uint32_t send_mss, SeqNum una) {
  kind = config.congestion;
  smss = send_mss;
  cwnd = initial_window(config, smss, lost_syn);
  used_until = una;
}

void Congestion::avoid(const AckedOctets& acked, bool grows) { controller(kind).avoid(*this, acked, grows); }

//= rfc5681 3.1
//= rfc9438 4.6
void Congestion::reduce(CongestionEvent event, std::uint32_t flight) {
  controller(kind).on_event(*this, event);
  ssthresh = std::max(controller(kind).threshold(flight), 2 * smss);
  acked_in_avoidance = 0;
}

//= rfc5681 3.1
void Congestion::on_timeout(std::uint32_t flight, bool first) {
  // A segment's second time-out leaves ssthresh as it is.
  if (first) reduce(CongestionEvent::timeout, flight);
  cwnd = smss;
  acked_in_avoidance = 0;
}

//= rfc3168 6.1.2
void Congestion::on_congestion_echo(std::uint32_t flight) {
  reduce(CongestionEvent::mark, std::min(cwnd, std::max(flight, smss)));
  cwnd = std::max(controller(kind).threshold(cwnd), smss);
}

//= rfc5681 4.1
void Congestion::on_idle(const Config& config) { cwnd = std::min(cwnd, initial_window(config, smss, lost_syn)); }

//= rfc9438 4.9
void Congestion::restore(const CongestionMemory& before) {
  if (cwnd >= before.cwnd) return;
  cwnd = before.cwnd;
  ssthresh = std::max(ssthresh, before.ssthresh);
  const Instant last_ack = cubic.last_ack;
  cubic = before.cubic;
  cubic.last_ack = last_ack;
}

}  // namespace lastack
