#include "conformance/judge/states.h"

#include <array>

#include "conformance/judge/connection.h"

namespace lastack {

namespace {

struct StateName {
  StateBit bit;
  const char* name;
};
constexpr std::array<StateName, 11> kNames = {{{kClosed, "CLOSED"},
                                               {kListen, "LISTEN"},
                                               {kSynSent, "SYN-SENT"},
                                               {kSynReceived, "SYN-RECEIVED"},
                                               {kEstablished, "ESTABLISHED"},
                                               {kFinWait1, "FIN-WAIT-1"},
                                               {kFinWait2, "FIN-WAIT-2"},
                                               {kCloseWait, "CLOSE-WAIT"},
                                               {kClosing, "CLOSING"},
                                               {kLastAck, "LAST-ACK"},
                                               {kTimeWait, "TIME-WAIT"}}};

StateSet when(bool condition, StateBit state) { return condition ? static_cast<StateSet>(state) : StateSet{0}; }

// Three answers to "did it arrive": no, perhaps (it passed the tap), certainly (the receiver showed it, or this is its
// tap).
struct Arrived {
  bool possible = false;
  bool certain = false;
};

// Both FINs' fates decide among the closing states (Figure 5).
StateSet closing_states(bool own_fin, Arrived own_fin_acked, Arrived peer_fin) {
  StateSet s = 0;
  const bool may_lack_peer_fin = !peer_fin.certain;
  const bool may_lack_ack = !own_fin_acked.certain;
  if (!own_fin) {
    s = static_cast<StateSet>(when(peer_fin.possible, kCloseWait) | when(may_lack_peer_fin, kEstablished));
    return s;
  }
  if (may_lack_peer_fin) {
    s = static_cast<StateSet>(s | when(may_lack_ack, kFinWait1) | when(own_fin_acked.possible, kFinWait2));
  }
  if (peer_fin.possible) {
    s = static_cast<StateSet>(s | when(own_fin_acked.possible, kTimeWait) | when(may_lack_ack, kClosing));
  }
  return s;
}

// The same when the peer's FIN was acknowledged before, or with, the own FIN: CLOSE-WAIT came first, so LAST-ACK
// follows.
StateSet last_ack_states(Arrived own_fin_acked) {
  return static_cast<StateSet>(when(!own_fin_acked.certain, kLastAck) | when(own_fin_acked.possible, kClosed));
}

}  // namespace

StateSet possible_states(const TrackedConnection& conn, int e) { return possible_states(conn, e, conn.certain); }

StateSet possible_states(const TrackedConnection& conn, int e, bool certain) {
  const Endpoint& self = conn.ends[e];
  const Endpoint& peer = conn.ends[1 - e];
  if ((self.rst && self.rst_synchronized) || self.was_reset) return kClosed;
  if (self.syn.count == 0 && self.plain_segments == 0) {
    if (self.rst) return kClosed | kListen;
    return conn.begun_with_syn ? kListen | kClosed | when(peer.syn.count != 0, kSynReceived)
                               : (kClosed | kListen | kEstablished);
  }
  StateSet s = 0;
  const bool syn_acked = peer.acked && self.syn.count != 0 && peer.ack_max > self.iss;
  const bool synchronized_certain = self.plain_segments != 0 && ((self.active_opener() && !self.syn.with_ack) ||
                                                                 self.next > self.iss + 1 || self.fin);
  if (self.syn.count != 0 && !synchronized_certain) {
    if (!syn_acked || !certain) s = self.syn.with_ack ? kSynReceived : kSynSent;
    if (!syn_acked || !peer.numbers_known) return s;
    if (!self.syn.with_ack && peer.syn.count == 0) return s;
  }
  const Arrived peer_fin{peer.fin, self.acked && peer.fin && self.ack_max > peer.fin_at};
  const Arrived certain_fin{peer_fin.possible,
                            peer_fin.certain || (certain && peer.fin && peer.sent.contiguous() > peer.fin_at)};
  const bool fin_acked = self.fin && peer.acked && peer.ack_max > self.fin_at;
  // It acknowledged a segment that acknowledges its FIN.
  const bool heard = self.acked && self.ack_max >= peer.next && peer.ack_at_next > self.fin_at;
  const Arrived own_fin_acked{fin_acked, fin_acked && (certain || heard)};
  const bool closed_second = self.fin && peer.fin && self.ack_at_next > peer.fin_at;
  s = static_cast<StateSet>(
      s | (closed_second ? last_ack_states(own_fin_acked) : closing_states(self.fin, own_fin_acked, certain_fin)));
  if (peer.rst) s = static_cast<StateSet>(s | kClosed);
  return s;
}

std::string states_text(StateSet states) {
  std::string text;
  for (const StateName& n : kNames) {
    if ((states & n.bit) == 0) continue;
    if (!text.empty()) text += '|';
    text += n.name;
  }
  return text.empty() ? "CLOSED" : text;
}

}  // namespace lastack
