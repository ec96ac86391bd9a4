// Congestion control of one connection: RFC 5681 slow start, congestion avoidance, fast retransmit and fast recovery
// with the NewReno partial-ACK rule of RFC 6582, RFC 6928's initial window, RFC 3042's limited transmit. It only counts
// octets: which segment is sent again is decided by tcp/output.cpp.
#pragma once

#include <cstdint>

#include "stack/base/seq.h"
#include "stack/tcb/config.h"

namespace lastack {

struct Congestion {
  std::uint32_t cwnd = 0;
  std::uint32_t ssthresh = 0xffff'ffffU;
  std::uint32_t smss = 0;
  std::uint32_t acked_in_avoidance =
      0;  // octets acknowledged since cwnd last grew by one SMSS (RFC 5681 3.1, byte counting)
  std::uint32_t duplicate_acks = 0;
  SeqNum recover;  // RFC 6582 3.2
  bool recover_valid = false;
  bool in_recovery = false;
  bool lost_syn = false;  // RFC 5681 3.1: then the initial window is one segment

  static std::uint32_t initial_window(const Config& config, std::uint32_t smss, bool lost_syn);

  void begin(const Config& config, std::uint32_t send_mss);
  void on_new_ack(std::uint32_t acked);
  // The third duplicate: returns true when the segment at SND.UNA is to be sent again now.
  bool on_duplicate_ack(std::uint32_t flight, SeqNum una, SeqNum nxt);
  // A new ACK in recovery; returns true for a partial ACK: the segment at the new SND.UNA is to be sent again.
  bool on_recovery_ack(SeqNum ack, std::uint32_t acked, std::uint32_t flight);
  void on_timeout(std::uint32_t flight, SeqNum nxt, bool first);
  void on_idle(const Config& config);  // RFC 5681 4.1
  // RFC 3168 6.1.2: the network says "congestion" without a loss. False when this window was reduced already.
  bool on_congestion_echo(SeqNum una, std::uint32_t flight);
};

}  // namespace lastack
