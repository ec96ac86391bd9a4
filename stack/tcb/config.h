// The choices that RFC 9293 and its companions leave to an implementation, each with its clause. A scenario may flip
// any of them; the defaults are what the documents recommend. Only data: what a choice means is in the code that the
// clause names.
#pragma once

#include <cstdint>

#include "stack/base/time.h"

namespace lastack {

using namespace std::chrono_literals;

enum class CongestionControl : std::uint8_t { none, reno, cubic };  // RFC 5681 and RFC 9438
// How a sender with SACK finds what is lost. Without SACK it is always RFC 6582; the two others exclude each other
// (RFC 8985 9.2).
enum class LossDetection : std::uint8_t { newreno, rfc6675, rack };
enum class ResetPolicy : std::uint8_t { rfc5961, rfc793 };                         // 3.10.7.4 second and fourth
enum class HardErrorPolicy : std::uint8_t { ignore, before_established, always };  // 3.9.2.2 SHLD-26; RFC 5927 5

struct Config {
  // Buffers. Memory is taken as data comes; these are the limits, octets.
  std::uint32_t snd_buf = 65535;
  std::uint32_t rcv_buf = 65535;

  // Options offered on our SYN and accepted from the peer's.
  bool send_mss = true;           // 3.7.1 MAY-3: always send the option
  bool timestamps = true;         // RFC 7323 3
  bool sack = true;               // RFC 2018
  bool window_scale = true;       // RFC 7323 2
  std::int8_t window_shift = -1;  // -1: the smallest that covers rcv_buf

  //= rfc7413 2
  bool fast_open = false;                  // RFC 7413: as a server and as a client
  std::uint16_t fast_open_pending = 64;    // RFC 7413 4.2 PendingFastOpenRequests: more get an ordinary handshake
  Duration fast_open_reset_hold = 60s;     // RFC 7413 5.1: a pending one that a RST ended counts for this long
  Duration fast_open_cookie_life = 3600s;  // RFC 7413 4.1.2: a cookie is good for this long at least, twice at most
  Duration fast_open_retry = 3600s;        // RFC 7413 4.1.3.1: after a negative answer
  bool ecn = false;                        // RFC 3168; 3.8.2 SHLD-8
  bool ecn_fallback = true;  // RFC 3168 6.1.1.1 MAY: a SYN that is sent again does not ask for ECN any more

  // Sending.
  bool nagle = true;                                       // 3.7.4 SHLD-7
  Duration sws_override = 200ms;                           // 3.8.6.2.1: between 0.1 and 1 s
  std::uint8_t initial_window = 10;                        // RFC 6928, segments; 0: RFC 5681's formula
  CongestionControl congestion = CongestionControl::reno;  // RFC 5681 MUST-19
  bool limited_transmit = true;                            // RFC 3042
  LossDetection loss_detection = LossDetection::rack;      // RFC 8985, RFC 6675
  bool proportional_rate = true;                           // RFC 6937: how cwnd comes down in a recovery with SACK
  bool loss_probe = true;                                  // RFC 8985 7, with LossDetection::rack
  Duration max_ack_delay = 200ms;                          // RFC 8985 7.2: allowed for when one segment is in flight
  Duration min_loss_probe = 10ms;                          // the least time to a probe, above timers and scheduling
  bool frto = true;                                        // RFC 5682
  bool undo = true;                                        // RFC 2883 4, RFC 9438 4.9: what D-SACK shows to be in vain
  bool push_always = false;                                // set PSH on every segment with text

  // Receiving.
  bool delayed_ack = true;                // 3.8.6.3 SHLD-18
  Duration delayed_ack_timeout = 40ms;    // 3.8.6.3 MUST-40: below 0.5 s
  bool acknowledge_out_of_order = true;   // 3.10.7.4 MAY-13, RFC 5681 4.2: an immediate duplicate ACK
  bool duplicate_sack = true;             // RFC 2883: with SACK, say which text came twice
  std::uint8_t max_reassembly_gaps = 32;  // bound on separate out-of-order runs

  // Retransmission, RFC 6298.
  //= rfc6298 2.1
  Duration initial_rto = 1s;  // 2.1
  Duration min_rto = 1s;      // 2.4 SHOULD
  Duration max_rto = 60s;     // 2.5 MAY, at least 60 s
  Duration clock_granularity = 1ms;
  std::uint8_t r1 = 3;           // 3.8.3 MUST-20, SHLD-10: retransmissions before the user is told
  Duration r2 = 100s;            // 3.8.3 SHLD-11
  Duration r2_syn = 180s;        // 3.8.3 MUST-23
  Duration user_timeout = 300s;  // 3.9.1 OPEN: "the present global default is five minutes"; zero: none
  // RFC 5482: ENABLED, CHANGEABLE, and the limits of what a peer can talk us into; user_timeout is ADV_UTO.
  bool user_timeout_option = false;
  bool user_timeout_changeable = true;
  Duration user_timeout_least = 100s;
  Duration user_timeout_most = 3600s;
  Duration max_probe_interval = 60s;  // 3.8.6.1 SHLD-30

  // Robustness.
  bool syn_cookies = true;  // RFC 4987 3.6: when a listener's half-open connections fill its backlog; false: dropped
  ResetPolicy reset_policy = ResetPolicy::rfc5961;
  bool ack_range_check = true;  // RFC 5961 5.2 MAY: drop ACKs older than SND.UNA - MAX.SND.WND
  // RFC 5961 7. Counted per connection: a shared counter would tell an attacker about other connections. 0: no limit.
  std::uint16_t challenge_ack_limit = 100;
  // ACKs that answer unacceptable segments without text: two peers that disagree must not acknowledge each other for
  // ever. 0: no limit.
  std::uint16_t invalid_ack_limit = 10;
  Duration ack_limit_interval = 5s;  // of both limits
  bool repeat_syn_ack = false;  // 3.10.7.4 first: a repeated SYN in SYN-RECEIVED gets an ACK; true: the SYN,ACK again
  bool icmp_checks_sequence = true;                       // RFC 5927 4.1
  HardErrorPolicy hard_errors = HardErrorPolicy::always;  // 3.9.2.2 SHLD-26
  bool path_mtu_discovery = true;                         // RFC 1191: DF set, "fragmentation needed" lowers the MSS
  // RFC 5927 7.2 MAXSEGRTO: how often a segment times out before a smaller path MTU is believed although larger packets
  // have arrived. 0: believed at once.
  std::uint8_t path_mtu_timeouts = 1;
  Duration path_mtu_age = 600s;  // RFC 1191 6.3, RFC 8201 4: then a larger one is tried again; zero: never

  // Closing.
  //= rfc1122 4.2.2.13
  Duration msl = 120s;                 // 3.4.2: two minutes
  bool time_wait_restart = true;       // 3.10.7.4 eighth: a FIN again restarts the 2MSL time-out
  bool time_wait_ignores_rst = false;  // RFC 1337 F1
  bool time_wait_reuse = true;         // 3.6.1 MAY-2, RFC 6191: a fitting SYN reopens from TIME-WAIT
  bool reset_on_unread_close = true;   // 3.6.1 MAY-1, SHLD-3
  bool syn_fin_opens = true;           // 3.10.7.2: SYN,FIN at a listener is a SYN; false: dropped

  // Keep-alive, 3.8.4.
  //= rfc9293 3.8.4 MUST-25 MUST-27 MUST-28 MAY-5
  bool keepalive = false;           // MAY-5, MUST-25: off
  Duration keepalive_idle = 7200s;  // 3.8.4 MUST-27, MUST-28: at least two hours by default
  Duration keepalive_interval = 75s;
  std::uint8_t keepalive_probes = 9;

  // Of all connections of a host: after this long without a segment, one with nothing to do is kept as a record of some
  // hundred octets until it is needed. The least RTO: RFC 5681 4.1 takes it for idle, too. Zero: never.
  Duration rest_after = 1s;

  std::uint8_t hop_limit = 64;  // 3.9.2 MUST-49: configurable
  std::uint8_t dscp = 0;        // 3.9.1.9 SHLD-22

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace lastack
