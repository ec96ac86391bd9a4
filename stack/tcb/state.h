// The eleven states of RFC 9293 3.3.2, sets of them, and the table of every permitted transition: Figure 5 plus the
// edges that only the text of 3.10 names. The table is the single source for Tcb::enter's check, the printed diagram
// and the coverage counters. Knows nothing of segments or timers.
//= rfc9293 3.3.2
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace lastack {

// In the order of the RFC's list; the numbers are those of the SUT contract.
enum class State : std::uint8_t {
  closed = 0,
  listen = 1,
  syn_sent = 2,
  syn_received = 3,
  established = 4,
  fin_wait_1 = 5,
  fin_wait_2 = 6,
  close_wait = 7,
  closing = 8,
  last_ack = 9,
  time_wait = 10,
};
inline constexpr std::size_t kStates = 11;

const char* to_string(State state);  // "SYN-RECEIVED"

class StateSet {
 public:
  constexpr StateSet() = default;
  template <typename... Rest>
  constexpr explicit StateSet(State first, Rest... rest)
      : bits_(static_cast<std::uint16_t>((bit(first) | ... | bit(rest)))) {}
  constexpr bool contains(State state) const { return (bits_ & bit(state)) != 0; }
  friend constexpr StateSet operator|(StateSet a, StateSet b) {
    StateSet both;
    both.bits_ = static_cast<std::uint16_t>(a.bits_ | b.bits_);
    return both;
  }

 private:
  static constexpr unsigned bit(State state) { return 1U << static_cast<unsigned>(state); }
  std::uint16_t bits_ = 0;
};

// "Synchronized" as 3.3.2 and 3.5.1 use the word: both sides' SYNs are acknowledged.
inline constexpr StateSet kSynchronized{State::established, State::fin_wait_1, State::fin_wait_2, State::close_wait,
                                        State::closing,     State::last_ack,   State::time_wait};
// 3.10.7.4 fifth: "in addition to the processing for the ESTABLISHED state". SYN-RECEIVED joins them once its ACK is
// good.
inline constexpr StateSet kEstablishedAckProcessing{State::established, State::fin_wait_1, State::fin_wait_2,
                                                    State::close_wait,  State::closing,    State::last_ack};
// 3.10.7.4 sixth and seventh: the peer may still send text and urgent pointers.
inline constexpr StateSet kReceivesText{State::established, State::fin_wait_1, State::fin_wait_2};
// 3.10.2: the user may still send.
inline constexpr StateSet kSendsText{State::established, State::close_wait};
// Octets (or the FIN) may leave, the first time or again.
inline constexpr StateSet kTransmitsText{State::established, State::fin_wait_1, State::close_wait, State::closing,
                                         State::last_ack};

// Why a state changes.
enum class Cause : std::uint8_t {
  open_passive,       // 3.10.1
  open_active,        // 3.10.1
  close_call,         // 3.10.4
  abort_call,         // 3.10.5
  syn,                // a SYN arrives
  syn_ack,            // a SYN with an acceptable ACK arrives
  ack_of_syn,         // the ACK of our SYN arrives
  fin,                // the peer's FIN is reached
  ack_of_fin,         // our FIN is acknowledged
  rst,                // an acceptable RST arrives
  reset_sent,         // we answer with a RST and give up: 3.6.1 data after CLOSE, legacy SYN rule
  user_timeout,       // 3.10.8, R2, keep-alive
  time_wait_timeout,  // 3.10.8
  icmp_hard_error,    // 3.9.2.2
};
inline constexpr std::size_t kCauses = 14;
const char* to_string(Cause cause);

struct Edge {
  State from;
  State to;
  Cause cause;
  const char* clause;
};

std::span<const Edge> edges();
// The table's row for a transition, or nothing when RFC 9293 has no such edge.
const Edge* find_edge(State from, State to, Cause cause);
// The state diagram in Graphviz DOT, one arrow per row of the table.
std::string state_diagram_dot();

}  // namespace lastack
