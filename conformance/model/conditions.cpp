#include "conformance/model/conditions.h"

namespace lastack::model {

namespace {

using V = const View&;
using S = const Segment&;

// Table 6.
bool acceptable(V v, S s) {
  if (s.len() == 0) return v.rcv_wnd == 0 ? s.seq == v.rcv_nxt : in_window(s.seq, v.rcv_nxt, v.rcv_wnd);
  return in_window(s.seq, v.rcv_nxt, v.rcv_wnd) || in_window(s.end() - 1U, v.rcv_nxt, v.rcv_wnd);
}

SeqNum text_end(S s) { return s.seq + (s.flags.syn() ? 1U : 0U) + static_cast<std::uint32_t>(s.payload.size()); }

struct Word {
  std::string_view word;
  Condition holds;
};

constexpr Word kConditions[] = {
    {"rst", [](V, S s) { return s.flags.rst(); }},
    {"syn", [](V, S s) { return s.flags.syn(); }},
    {"ack", [](V, S s) { return s.flags.ack(); }},
    {"fin", [](V, S s) { return s.flags.fin(); }},
    {"psh", [](V, S s) { return s.flags.psh(); }},
    {"urg", [](V, S s) { return s.flags.urg(); }},
    {"text", [](V, S s) { return !s.payload.empty(); }},
    {"occupies", [](V, S s) { return s.len() != 0; }},  // SEG.LEN > 0
    {"passive", [](V v, S) { return v.passive; }},
    {"wnd0", [](V v, S) { return v.rcv_wnd == 0; }},
    {"acceptable", acceptable},
    {"seq=rcv.nxt", [](V v, S s) { return s.seq == v.rcv_nxt; }},
    {"seq=rcv.nxt+1", [](V v, S s) { return s.seq == v.rcv_nxt + 1U; }},
    {"seq=irs", [](V v, S s) { return s.seq + 1U == v.rcv_nxt; }},  // as long as nothing has come after the SYN
    {"before-rcv.nxt", [](V v, S s) { return before(s.seq, v.rcv_nxt); }},
    {"after-rcv.nxt", [](V v, S s) { return after(s.seq, v.rcv_nxt); }},
    {"at-or-after-rcv.nxt", [](V v, S s) { return at_or_after(s.seq, v.rcv_nxt); }},
    {"seq-in-window", [](V v, S s) { return in_window(s.seq, v.rcv_nxt, v.rcv_wnd); }},
    {"overruns", [](V v, S s) { return after(s.end(), v.right_edge()); }},
    // ISS < SEG.ACK =< SND.NXT
    {"acks-our-syn", [](V v, S s) { return after(s.ack, v.iss) && at_or_before(s.ack, v.nxt); }},
    // SND.UNA < SEG.ACK =< SND.NXT
    {"ack-new", [](V v, S s) { return after(s.ack, v.una) && at_or_before(s.ack, v.nxt); }},
    {"ack-unsent", [](V v, S s) { return after(s.ack, v.nxt); }},
    // RFC 5961 5.2: not older than the largest window that the peer has ever offered
    {"ack-in-range", [](V v, S s) { return at_or_after(s.ack, v.una - v.max_snd_wnd) && at_or_before(s.ack, v.nxt); }},
    {"fin-acked", [](V v, S) { return v.fin_acked(); }},
};

struct MoveWord {
  std::string_view word;
  Move move;
};

constexpr MoveWord kMoves[] = {
    {"syn", [](V, S s) { return s.seq + 1U; }},
    // As much of the text as lies in the window.
    {"text",
     [](V v, S s) {
       const SeqNum end = earlier_of(text_end(s), v.right_edge());
       return later_of(end, v.rcv_nxt);
     }},
    {"fin", [](V v, S) { return v.rcv_nxt + 1U; }},
};

}  // namespace

Condition find_condition(std::string_view word) {
  for (const Word& known : kConditions) {
    if (known.word == word) return known.holds;
  }
  return nullptr;
}

Move find_move(std::string_view word) {
  for (const MoveWord& known : kMoves) {
    if (known.word == word) return known.move;
  }
  return nullptr;
}

}  // namespace lastack::model
