// The transmission control block (RFC 9293 3.3.1): everything that one connection remembers. Only data and the check of
// its state changes; what is done with it is in stack/tcp. The state has one writer, enter().
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "stack/base/seq.h"
#include "stack/base/time.h"
#include "stack/tcb/byte_ring.h"
#include "stack/tcb/config.h"
#include "stack/tcb/congestion.h"
#include "stack/tcb/receive_queue.h"
#include "stack/tcb/recovery.h"
#include "stack/tcb/rtt.h"
#include "stack/tcb/state.h"
#include "stack/tcb/timers.h"
#include "stack/wire/ip_address.h"
#include "stack/wire/options.h"

namespace lastack {

// A window as it stands in a header, to be scaled; and one in octets. Two types, so that they cannot be mixed up (RFC
// 7323 2.2).
enum class WireWindow : std::uint16_t {};
//= rfc9293 3.1 MUST-1 REC-1
constexpr std::uint32_t scaled(WireWindow window, std::uint8_t shift) {
  return static_cast<std::uint32_t>(window) << shift;
}

// RFC 9293 3.3.1, Table 2, and what the companions add.
struct SendVariables {
  SeqNum una;
  SeqNum nxt;
  std::uint32_t wnd = 0;
  SeqNum up;
  SeqNum wl1;
  SeqNum wl2;
  SeqNum iss;
  std::uint32_t max_wnd = 0;  // MAX.SND.WND, RFC 5961 5; also for the sender's SWS avoidance, 3.8.6.2.1
  std::uint16_t mss = 536;    // SendMSS, 3.7.1: from the peer's option, else the default
  std::uint8_t shift = 0;     // Snd.Wind.Shift, RFC 7323 2.3
  // Bits, so that header prediction asks for several at once.
  bool urgent : 1 = false;      // up is ahead of una
  bool fin_queued : 1 = false;  // the user has closed; the FIN follows the last octet
  bool syn_due : 1 = false;     // our SYN (or SYN,ACK) is to be sent, the first time or again
  bool resend_one : 1 = false;  // without SACK, fast retransmit: the segment at una, once
  bool probe : 1 = false;       // a zero-window probe is due, or the override of the SWS rule
  bool keepalive_probe : 1 = false;
  bool push_queued : 1 = false;
  SeqNum push_end;  // 3.9.1 PUSH: the end of the last pushed SEND
  SeqNum resend;    // without SACK, after a time-out: what is sent again next; equal to nxt when nothing is
  friend bool operator==(const SendVariables&, const SendVariables&) = default;
};

// Table 3.
struct ReceiveVariables {
  SeqNum nxt;
  std::uint32_t wnd = 0;  // what has been offered: the right edge is nxt + wnd and never moves left (SHLD-14)
  SeqNum up;
  SeqNum irs;
  std::uint8_t shift = 0;      // Rcv.Wind.Shift
  bool urgent : 1 = false;     // up is ahead of what the user has read
  bool fin : 1 = false;        // the peer's FIN has been taken; nxt counts it
  bool fin_waits : 1 = false;  // a FIN beyond a gap was seen: it is fin_seq
  bool pushed : 1 = false;
  SeqNum fin_seq;
  SeqNum push_end;
  SeqNum last_ack_sent;  // RFC 7323 4.3
  SackBlock duplicate;   // RFC 2883 4: what the last segment repeated, while duplicate_due
  friend bool operator==(const ReceiveVariables&, const ReceiveVariables&) = default;
};

// RFC 7323. `recent` is TS.Recent.
struct TimestampVariables {
  bool on = false;
  std::uint32_t recent = 0;
  Instant recent_at{};
  std::uint32_t offset = 0;  // of our clock: 5.4, not the same on every connection
  friend bool operator==(const TimestampVariables&, const TimestampVariables&) = default;
};

// RFC 3168 6.1. What the two ends agreed on, and where each half stands.
struct EcnVariables {
  bool asked : 1 = false;    // we have sent an ECN-setup SYN or SYN,ACK
  bool plain : 1 = false;    // ... and one without: 6.1.1 then forbids ECT
  bool agreed : 1 = false;   // the peer's was ECN-setup, too: CE and ECE count
  bool echo : 1 = false;     // receiver, 6.1.3: CE has come, and no CWR since; every ACK carries ECE
  bool cwr_due : 1 = false;  // sender, 6.1.2: the window was reduced; the next new text carries CWR
  SeqNum reduced_at;         // SND.NXT of the last reduction: an ECE of what lies below speaks of the same congestion
  Instant hold_until{};      // 6.1.2: ECE came with a window of one segment; nothing new before
  bool sends() const { return agreed && !plain; }
  friend bool operator==(const EcnVariables&, const EcnVariables&) = default;
};

// RFC 5927 7.2, of whole packets: what the path is known to carry, and the report that would contradict it.
struct PathMtuEvidence {
  std::uint16_t acked = 0;  // maxsizeacked, as far as it was looked at
  std::uint16_t tried = 0;  // the largest packet sent since; 0: none larger than `acked`
  SeqNum tried_end;
  std::uint16_t pending = 0;  // a smaller MTU that was reported of the segment with `pending_seq`; 0: none
  SeqNum pending_seq;
  Instant pending_at{};
  friend bool operator==(const PathMtuEvidence&, const PathMtuEvidence&) = default;
};

// RFC 7413, while a SYN or SYN,ACK with the option is to be sent and answered.
struct FastOpen {
  std::array<std::byte, 16> cookie{};
  std::uint8_t size = 0;  // an empty cookie on our SYN asks for one
  std::uint16_t mss = 0;  // what the server announced before: the most text on our SYN
  bool sent = false;      // once only: a SYN that is repeated carries neither option nor text (4.2.2)
  bool text_sent = false;
};

// What the user is to be told. Several that one input raises are told in this order.
enum class Signal : std::uint16_t {
  connected = 1U << 0,
  urgent = 1U << 1,
  readable = 1U << 2,
  writable = 1U << 3,
  peer_closed = 1U << 4,
  soft_error = 1U << 5,
  refused = 1U << 6,
  reset = 1U << 7,
  timed_out = 1U << 8,
  closed = 1U << 9,
};

// What tcp/steady.h and tcp/control.h have found of the variables as they are; unknown after every input that they did
// not process themselves.
enum class Flow : std::uint8_t { unknown, steady, quiet, other };

class Tcb {
 public:
  Tcb(const Config& defaults, const SocketAddress& local, const SocketAddress& remote, std::uint16_t mtu, bool passive);

  State state() const { return state_; }
  // The one writer of the state: the transition must be a row of the edge table.
  void enter(State to, Cause cause);
  // The one exception: a new TCB takes up where a record stands (host/time_wait.h, tcb/packed_tcb.h).
  void restore(State state, SeqNum fin_number);

  const Config& config() const { return *config_; }
  Config& change_config();

  // Effective send MSS, 3.7.1: what one segment's text may be, given the octets of options in it.
  //= rfc9293 3.7.1 MUST-16
  //= RFC6691-5.3-a a received MSS of 65535 is only one more upper bound
  std::uint32_t effective_mss(std::uint32_t option_octets) const {
    constexpr std::uint32_t kV4 = 40;  // octets of both headers without options
    constexpr std::uint32_t kV6 = 60;
    const std::uint32_t headers = local.ip.version == IpVersion::v4 ? kV4 : kV6;
    const std::uint32_t path = path_mtu > headers ? path_mtu - headers : 1U;
    const std::uint32_t mss = std::min<std::uint32_t>(snd.mss, path);
    // A peer's MSS smaller than our options would leave no room for text, and no progress.
    return mss > option_octets ? mss - option_octets : 1U;
  }
  std::uint32_t effective_mss() const { return effective_mss(ts.on ? 12 : 0); }
  void set_path_mtu(std::uint16_t mtu);
  // SND.NXT - SND.UNA.
  std::uint32_t flight() const { return octets_between(snd.una, snd.nxt); }
  bool syn_acknowledged() const { return snd.una != snd.iss; }
  // The number of the first octet in the send queue, and the one after its last.
  SeqNum text_begin() const { return syn_acknowledged() ? snd.una : snd.una + 1; }
  SeqNum text_end() const { return text_begin() + send_queue.size(); }
  bool fin_sent() const { return snd.fin_queued && after(snd.nxt, fin_number_); }
  bool fin_acknowledged() const { return fin_sent() && after(snd.una, fin_number_); }
  SeqNum fin_number() const { return fin_number_; }
  void set_fin_number(SeqNum number) { fin_number_ = number; }
  SeqNum right_edge() const { return rcv.nxt + rcv.wnd; }

  void signal(Signal what) { signals = static_cast<std::uint16_t>(signals | static_cast<std::uint16_t>(what)); }
  void unsignal(Signal what) { signals = static_cast<std::uint16_t>(signals & ~static_cast<unsigned>(what)); }
  std::size_t memory() const;

  SocketAddress local;
  SocketAddress remote;
  SendVariables snd;
  ReceiveVariables rcv;
  TimestampVariables ts;
  EcnVariables ecn;
  PathMtuEvidence evidence;
  Timers timers;
  RttEstimator rtt;
  Congestion congestion;
  Recovery recovery;
  std::unique_ptr<SackSender> sack_sender;  // none: RFC 6582
  ByteRing send_queue;
  ReceiveQueue receive_queue;
  std::unique_ptr<Config> own_config;
  std::unique_ptr<FastOpen> fast_open;

  Duration adopted_user_timeout{0};  // RFC 5482 3.1: by the peer's option; zero: none
  Instant path_mtu_lowered_at{};
  Instant first_sent{};           // of the segment at snd.una: R2
  Instant last_received{};        // keep-alive idle time
  Instant last_sent{};            // RFC 5681 4.1 idle restart
  Instant ack_limit_began{};      // Config::ack_limit_interval
  std::uint64_t octets_read = 0;  // by the user, or dropped for it after a full close
  std::uint16_t link_mtu;         // of our own interface: the most that path_mtu can be
  std::uint16_t path_mtu;
  std::uint16_t challenge_acks = 0;
  std::uint16_t invalid_acks = 0;
  std::uint16_t signals = 0;
  std::uint16_t steady_mss = 0;  // effective_mss(), while `flow` is steady
  Flow flow = Flow::unknown;
  std::uint8_t unacked_segments = 0;    // with text, since our last ACK (SHLD-19: every second at least)
  std::uint8_t retransmissions = 0;     // of the segment at snd.una: R1
  std::uint8_t probes = 0;              // zero-window probes sent since the window closed
  std::uint8_t keepalive_probes = 0;    // without an answer
  bool passive : 1;                     // came from a passive OPEN (MUST-11)
  bool sack : 1 = false;                // both sides have sent SACK-permitted
  bool scaling : 1 = false;             // both sides have sent window scale
  bool ack_due : 1 = false;             // an ACK must leave now
  bool ack_delayed : 1 = false;         // an ACK must leave before the delayed-ACK timer
  bool fast_opened : 1 = false;         // RFC 7413 4.2.2: the user has had the SYN's text before the handshake is over
  bool user_timeout_due : 1 = false;    // RFC 5482: the next segment carries the option
  bool duplicate_due : 1 = false;       // RFC 2883: the next segment reports rcv.duplicate; ack_due, too
  bool reader_gone : 1 = false;         // 3.6.1: the application has closed both ways
  Cause closed_by = Cause::close_call;  // meaningful in CLOSED

 private:
  const Config* config_;  // the host's, or own_config
  SeqNum fin_number_;
  State state_ = State::closed;
};

}  // namespace lastack
