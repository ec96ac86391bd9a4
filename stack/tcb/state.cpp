#include "stack/tcb/state.h"

namespace lastack {

namespace {

// Figure 5 first, in its reading order; then the edges that only the text names.
constexpr Edge kEdges[] = {
    {State::closed, State::listen, Cause::open_passive, "3.10.1"},
    {State::closed, State::syn_sent, Cause::open_active, "3.10.1"},
    {State::listen, State::syn_received, Cause::syn, "3.10.7.2 third"},
    {State::listen, State::closed, Cause::close_call, "3.10.4"},
    {State::syn_sent, State::syn_received, Cause::syn, "3.10.7.3 fourth"},
    {State::syn_sent, State::established, Cause::syn_ack, "3.10.7.3 fourth"},
    {State::syn_sent, State::closed, Cause::close_call, "3.10.4"},
    {State::syn_received, State::established, Cause::ack_of_syn, "3.10.7.4 fifth"},
    {State::syn_received, State::fin_wait_1, Cause::close_call, "3.10.4"},
    {State::established, State::fin_wait_1, Cause::close_call, "3.10.4"},
    {State::established, State::close_wait, Cause::fin, "3.10.7.4 eighth"},
    {State::fin_wait_1, State::fin_wait_2, Cause::ack_of_fin, "3.10.7.4 fifth"},
    {State::fin_wait_1, State::closing, Cause::fin, "3.10.7.4 eighth"},
    {State::fin_wait_2, State::time_wait, Cause::fin, "3.10.7.4 eighth"},
    {State::close_wait, State::last_ack, Cause::close_call, "3.10.4"},
    {State::closing, State::time_wait, Cause::ack_of_fin, "3.10.7.4 fifth"},
    {State::last_ack, State::closed, Cause::ack_of_fin, "3.10.7.4 fifth"},
    {State::time_wait, State::closed, Cause::time_wait_timeout, "3.10.8"},
    // A RST, 3.10.7.3 second and 3.10.7.4 second; from a passive OPEN back to LISTEN (MUST-11).
    {State::syn_sent, State::closed, Cause::rst, "3.10.7.3 second"},
    {State::syn_received, State::listen, Cause::rst, "3.10.7.4 second MUST-11"},
    {State::syn_received, State::closed, Cause::rst, "3.10.7.4 second"},
    {State::established, State::closed, Cause::rst, "3.10.7.4 second"},
    {State::fin_wait_1, State::closed, Cause::rst, "3.10.7.4 second"},
    {State::fin_wait_2, State::closed, Cause::rst, "3.10.7.4 second"},
    {State::close_wait, State::closed, Cause::rst, "3.10.7.4 second"},
    {State::closing, State::closed, Cause::rst, "3.10.7.4 second"},
    {State::last_ack, State::closed, Cause::rst, "3.10.7.4 second"},
    {State::time_wait, State::closed, Cause::rst, "3.10.7.4 second"},
    // A SYN where none belongs, 3.10.7.4 fourth.
    {State::syn_received, State::listen, Cause::syn, "3.10.7.4 fourth"},
    {State::time_wait, State::closed, Cause::syn, "3.6.1 MAY-2: a new incarnation begins"},
    // Our own RST: text after the application's close (3.6.1), the rule for SYNs before RFC 5961.
    {State::syn_received, State::closed, Cause::reset_sent, "3.10.7.4 fourth"},
    {State::established, State::closed, Cause::reset_sent, "3.10.7.4 fourth"},
    {State::fin_wait_1, State::closed, Cause::reset_sent, "3.6.1 MAY-1"},
    {State::fin_wait_2, State::closed, Cause::reset_sent, "3.6.1 MAY-1"},
    {State::close_wait, State::closed, Cause::reset_sent, "3.10.7.4 fourth"},
    {State::closing, State::closed, Cause::reset_sent, "3.10.7.4 fourth"},
    {State::last_ack, State::closed, Cause::reset_sent, "3.10.7.4 fourth"},
    {State::time_wait, State::closed, Cause::reset_sent, "3.10.7.4 fourth"},
    // ABORT, 3.10.5: any state.
    {State::listen, State::closed, Cause::abort_call, "3.10.5"},
    {State::syn_sent, State::closed, Cause::abort_call, "3.10.5"},
    {State::syn_received, State::closed, Cause::abort_call, "3.10.5"},
    {State::established, State::closed, Cause::abort_call, "3.10.5"},
    {State::fin_wait_1, State::closed, Cause::abort_call, "3.10.5"},
    {State::fin_wait_2, State::closed, Cause::abort_call, "3.10.5"},
    {State::close_wait, State::closed, Cause::abort_call, "3.10.5"},
    {State::closing, State::closed, Cause::abort_call, "3.10.5"},
    {State::last_ack, State::closed, Cause::abort_call, "3.10.5"},
    {State::time_wait, State::closed, Cause::abort_call, "3.10.5"},
    // USER TIMEOUT, 3.10.8: any state.
    {State::syn_sent, State::closed, Cause::user_timeout, "3.10.8"},
    {State::syn_received, State::closed, Cause::user_timeout, "3.10.8"},
    {State::established, State::closed, Cause::user_timeout, "3.10.8"},
    {State::fin_wait_1, State::closed, Cause::user_timeout, "3.10.8"},
    {State::fin_wait_2, State::closed, Cause::user_timeout, "3.10.8"},
    {State::close_wait, State::closed, Cause::user_timeout, "3.10.8"},
    {State::closing, State::closed, Cause::user_timeout, "3.10.8"},
    {State::last_ack, State::closed, Cause::user_timeout, "3.10.8"},
    // A hard ICMP error, 3.9.2.2 SHLD-26.
    {State::syn_sent, State::closed, Cause::icmp_hard_error, "3.9.2.2 SHLD-26"},
    {State::syn_received, State::closed, Cause::icmp_hard_error, "3.9.2.2 SHLD-26"},
    {State::established, State::closed, Cause::icmp_hard_error, "3.9.2.2 SHLD-26"},
    {State::fin_wait_1, State::closed, Cause::icmp_hard_error, "3.9.2.2 SHLD-26"},
    {State::fin_wait_2, State::closed, Cause::icmp_hard_error, "3.9.2.2 SHLD-26"},
    {State::close_wait, State::closed, Cause::icmp_hard_error, "3.9.2.2 SHLD-26"},
    {State::closing, State::closed, Cause::icmp_hard_error, "3.9.2.2 SHLD-26"},
    {State::last_ack, State::closed, Cause::icmp_hard_error, "3.9.2.2 SHLD-26"},
};

using EdgeIndex = std::array<std::array<std::array<std::uint8_t, kCauses>, kStates>, kStates>;

// Row number + 1 by (from, to, cause), so that the check in Tcb::enter is one load.
constexpr EdgeIndex index_edges() {
  EdgeIndex index{};
  std::uint8_t row = 0;
  for (const Edge& edge : kEdges) {
    index[static_cast<std::size_t>(edge.from)][static_cast<std::size_t>(edge.to)]
         [static_cast<std::size_t>(edge.cause)] = ++row;
  }
  return index;
}
constexpr EdgeIndex kEdgeIndex = index_edges();

}  // namespace

const char* to_string(State state) {
  switch (state) {
    case State::closed: return "CLOSED";
    case State::listen: return "LISTEN";
    case State::syn_sent: return "SYN-SENT";
    case State::syn_received: return "SYN-RECEIVED";
    case State::established: return "ESTABLISHED";
    case State::fin_wait_1: return "FIN-WAIT-1";
    case State::fin_wait_2: return "FIN-WAIT-2";
    case State::close_wait: return "CLOSE-WAIT";
    case State::closing: return "CLOSING";
    case State::last_ack: return "LAST-ACK";
    case State::time_wait: return "TIME-WAIT";
  }
  return "?";
}

const char* to_string(Cause cause) {
  switch (cause) {
    case Cause::open_passive: return "passive OPEN";
    case Cause::open_active: return "active OPEN";
    case Cause::close_call: return "CLOSE";
    case Cause::abort_call: return "ABORT";
    case Cause::syn: return "rcv SYN";
    case Cause::syn_ack: return "rcv SYN,ACK";
    case Cause::ack_of_syn: return "rcv ACK of SYN";
    case Cause::fin: return "rcv FIN";
    case Cause::ack_of_fin: return "rcv ACK of FIN";
    case Cause::rst: return "rcv RST";
    case Cause::reset_sent: return "snd RST";
    case Cause::user_timeout: return "USER TIMEOUT";
    case Cause::time_wait_timeout: return "TIME-WAIT TIMEOUT";
    case Cause::icmp_hard_error: return "ICMP hard error";
  }
  return "?";
}

std::span<const Edge> edges() { return kEdges; }

const Edge* find_edge(State from, State to, Cause cause) {
  const std::uint8_t row =
      kEdgeIndex[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)][static_cast<std::size_t>(cause)];
  return row == 0 ? nullptr : &kEdges[row - 1];
}

std::string state_diagram_dot() {
  std::string dot = "digraph tcp {\n  node [shape=box];\n";
  for (const Edge& edge : kEdges) {
    dot += std::string("  \"") + to_string(edge.from) + "\" -> \"" + to_string(edge.to) + "\" [label=\"" +
           to_string(edge.cause) + "\\n" + edge.clause + "\"];\n";
  }
  return dot + "}\n";
}

}  // namespace lastack
