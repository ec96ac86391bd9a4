// Congestion control of one connection: how much may be in the network. What all controllers share is here (slow start,
// the initial window, the restart after idling); what tells them apart is a Controller, three functions on the same
// plain state. It only counts octets: what is lost is tcb/recovery.h's, what is sent again tcp/retransmission.h's.
#pragma once

#include <algorithm>
#include <cstdint>

#include "stack/base/seq.h"
#include "stack/base/time.h"
#include "stack/tcb/config.h"
#include "stack/tcb/cubic.h"

namespace lastack {

// What a new ACK says to the controller.
struct AckedOctets {
  std::uint32_t octets;
  Instant now;
  Duration srtt;
};

// Why the window shrinks. A mark may take it to one segment, a loss to two (RFC 9438 4.6).
enum class CongestionEvent : std::uint8_t { loss, timeout, mark };

struct Congestion;

struct Controller {
  // The slow start threshold after an event (RFC 5681 3.1 equation 4), from FlightSize, before the least is applied.
  std::uint32_t (*threshold)(std::uint32_t flight);
  // Called before cwnd changes.
  void (*on_event)(Congestion&, CongestionEvent);
  // Growth at and above the threshold; `used` says that the sender was held up by cwnd, not by its application.
  void (*avoid)(Congestion&, const AckedOctets&, bool used);
};

// What an event that turns out to be none gives back (RFC 4015 3, RFC 9438 4.9).
struct CongestionMemory {
  std::uint32_t cwnd = 0;
  std::uint32_t ssthresh = 0;
  CubicState cubic;
  friend bool operator==(const CongestionMemory&, const CongestionMemory&) = default;
};

struct Congestion {
  std::uint32_t cwnd = 0;
  std::uint32_t ssthresh = 0xffff'ffffU;
  std::uint32_t smss = 0;
  std::uint32_t acked_in_avoidance = 0;  // octets since cwnd last grew by one SMSS (RFC 5681 3.1, byte counting)
  CubicState cubic;
  SeqNum used_until;      // cwnd was filled when this number was sent
  bool lost_syn = false;  // RFC 5681 3.1: then the initial window is one segment
  CongestionControl kind = CongestionControl::reno;

  static std::uint32_t initial_window(const Config& config, std::uint32_t smss, bool lost_syn);

  void begin(const Config& config, std::uint32_t send_mss, SeqNum una);
  // New text has left; `flight` counts it. An ACK of less than what the window allowed must not let it grow.
  void sent(std::uint32_t flight, SeqNum nxt) {
    if (flight + smss > cwnd || (cwnd <= ssthresh && flight >= cwnd / 2)) used_until = nxt;
  }
  //= rfc5681 3.1
  //= rfc9438 4.10
  void acknowledged(SeqNum ack, const AckedOctets& acked) {
    constexpr std::uint32_t kLargest = 1U << 30;
    const bool grows = at_or_before(ack, used_until) && cwnd < kLargest;
    if (cwnd > ssthresh) return avoid(acked, grows);
    if (grows) cwnd += std::min(acked.octets, smss);
  }
  void avoid(const AckedOctets& acked, bool grows);
  // Loss or mark: sets ssthresh. The caller decides how cwnd gets there.
  void reduce(CongestionEvent event, std::uint32_t flight);
  void on_timeout(std::uint32_t flight, bool first);
  void on_idle(const Config& config);  // RFC 5681 4.1
  // RFC 3168 6.1.2: the network says "congestion" without a loss.
  void on_congestion_echo(std::uint32_t flight);
  // Something is sent into an empty network: the silence before counts for nothing (RFC 9438 4.2).
  void resume(Instant now) { cubic.last_ack = now; }

  CongestionMemory remember() const { return {cwnd, ssthresh, cubic}; }
  void restore(const CongestionMemory& before);
  friend bool operator==(const Congestion&, const Congestion&) = default;
};

}  // namespace lastack
