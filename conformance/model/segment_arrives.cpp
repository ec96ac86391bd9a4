#include "conformance/model/segment_arrives.h"

namespace lastack::model {

namespace {

using States = std::uint32_t;
constexpr States in(std::initializer_list<lastack_state> list) {
  States set = 0;
  for (const lastack_state s : list) set |= 1U << static_cast<unsigned>(s);
  return set;
}
constexpr bool contains(States set, lastack_state s) { return (set >> static_cast<unsigned>(s) & 1U) != 0; }

constexpr States kClosed = in({LASTACK_CLOSED});
constexpr States kListen = in({LASTACK_LISTEN});
constexpr States kSynSent = in({LASTACK_SYN_SENT});
constexpr States kSynReceived = in({LASTACK_SYN_RECEIVED});
constexpr States kTimeWait = in({LASTACK_TIME_WAIT});
constexpr States kOther = in({LASTACK_SYN_RECEIVED, LASTACK_ESTABLISHED, LASTACK_FIN_WAIT_1, LASTACK_FIN_WAIT_2,
                              LASTACK_CLOSE_WAIT, LASTACK_CLOSING, LASTACK_LAST_ACK, LASTACK_TIME_WAIT});
constexpr States kTakesText = in({LASTACK_ESTABLISHED, LASTACK_FIN_WAIT_1, LASTACK_FIN_WAIT_2});

SeqNum window_end(const View& v) { return v.rcv_nxt + v.rcv_wnd; }

// Table 6.
bool acceptable(const View& v, const Segment& s) {
  if (s.len() == 0) return v.rcv_wnd == 0 ? s.seq == v.rcv_nxt : in_window(s.seq, v.rcv_nxt, v.rcv_wnd);
  return in_window(s.seq, v.rcv_nxt, v.rcv_wnd) || in_window(s.end() - 1U, v.rcv_nxt, v.rcv_wnd);
}

// ISS < SEG.ACK =< SND.NXT: covers our SYN and nothing unsent.
bool acks_our_syn(const View& v, const Segment& s) { return after(s.ack, v.iss) && at_or_before(s.ack, v.nxt); }
// RFC 5961 5.2: not older than the largest window that the peer has ever offered.
bool ack_in_range(const View& v, const Segment& s) {
  return at_or_after(s.ack, v.una - v.max_snd_wnd) && at_or_before(s.ack, v.nxt);
}

using Condition = bool (*)(const View&, const Segment&);
constexpr int kSame = -1;  // next state: as before

// A row after which the segment is done with. The first that applies decides.
struct Row {
  const char* id;
  States states;
  Condition applies;
  Reply reply;
  int next;
};

constexpr Row kRows[] = {
    // 3.10.7.1
    {"E-3.10.7.1-CLOSED-rst", kClosed, [](const View&, const Segment& s) { return s.flags.rst(); }, Reply::none, kSame},
    {"E-3.10.7.1-CLOSED-noack", kClosed, [](const View&, const Segment& s) { return !s.flags.ack(); },
     Reply::reset_zero, kSame},
    {"E-3.10.7.1-CLOSED-ack", kClosed, [](const View&, const Segment&) { return true; }, Reply::reset_ack, kSame},
    // 3.10.7.2
    {"E-3.10.7.2-LISTEN-rst", kListen, [](const View&, const Segment& s) { return s.flags.rst(); }, Reply::none, kSame},
    {"E-3.10.7.2-LISTEN-ack", kListen, [](const View&, const Segment& s) { return s.flags.ack(); }, Reply::reset_ack,
     kSame},
    {"E-3.10.7.2-LISTEN-other-null", kListen, [](const View&, const Segment& s) { return !s.flags.syn(); }, Reply::none,
     kSame},
    // 3.10.7.3
    {"E-3.10.7.3-SYN-SENT-ack-unacceptable-rst", kSynSent,
     [](const View& v, const Segment& s) { return s.flags.ack() && !acks_our_syn(v, s) && s.flags.rst(); }, Reply::none,
     kSame},
    {"E-3.10.7.3-SYN-SENT-ack-unacceptable", kSynSent,
     [](const View& v, const Segment& s) { return s.flags.ack() && !acks_our_syn(v, s); }, Reply::reset_ack, kSame},
    {"E-3.10.7.3-SYN-SENT-rst-ack-ok", kSynSent,
     [](const View&, const Segment& s) { return s.flags.rst() && s.flags.ack(); }, Reply::none, LASTACK_CLOSED},
    {"E-3.10.7.3-SYN-SENT-rst-noack", kSynSent, [](const View&, const Segment& s) { return s.flags.rst(); },
     Reply::none, kSame},
    {"E-3.10.7.3-SYN-SENT-null", kSynSent, [](const View&, const Segment& s) { return !s.flags.syn(); }, Reply::none,
     kSame},
    // 3.10.7.4 first
    {"E-3.10.7.4-1-ANY-seq-unacceptable-rst", kOther,
     [](const View& v, const Segment& s) { return !acceptable(v, s) && s.flags.rst(); }, Reply::none, kSame},
    {"E-3.10.7.4-1-ANY-seq-unacceptable", kOther, [](const View& v, const Segment& s) { return !acceptable(v, s); },
     Reply::ack, kSame},
    // second
    {"E-3.10.7.4-2-ANY-rst-outside", kOther,
     [](const View& v, const Segment& s) {
       return s.flags.rst() && s.seq != v.rcv_nxt && !in_window(s.seq, v.rcv_nxt, v.rcv_wnd);
     },
     Reply::none, kSame},
    {"E-3.10.7.4-2-SYN-RECEIVED-rst-passive", kSynReceived,
     [](const View& v, const Segment& s) { return s.flags.rst() && s.seq == v.rcv_nxt && v.passive; }, Reply::none,
     LASTACK_LISTEN},
    {"E-3.10.7.4-2-ANY-rst-exact", kOther,
     [](const View& v, const Segment& s) { return s.flags.rst() && s.seq == v.rcv_nxt; }, Reply::none, LASTACK_CLOSED},
    {"E-3.10.7.4-2-ANY-rst-inwindow", kOther, [](const View&, const Segment& s) { return s.flags.rst(); }, Reply::ack,
     kSame},
    // fourth
    {"E-3.10.7.4-4-SYN-RECEIVED-syn-passive", kSynReceived,
     [](const View& v, const Segment& s) { return s.flags.syn() && v.passive; }, Reply::none, LASTACK_LISTEN},
    {"E-3.10.7.4-4-ANY-syn", kOther, [](const View&, const Segment& s) { return s.flags.syn(); }, Reply::ack, kSame},
    // fifth
    {"E-3.10.7.4-5-ANY-noack", kOther, [](const View&, const Segment& s) { return !s.flags.ack(); }, Reply::none,
     kSame},
    {"E-3.10.7.4-5-ANY-ack-range", kOther & ~kSynReceived,
     [](const View& v, const Segment& s) { return !ack_in_range(v, s); }, Reply::ack, kSame},
};

lastack_state next_of(const View& v, int next) { return next == kSame ? v.state : static_cast<lastack_state>(next); }

Outcome unchanged(const View& v, const char* row, Reply reply, int next = kSame) {
  return {row, reply, next_of(v, next), v.una, v.rcv_nxt};
}

// SYN at a listener, or SYN in SYN-SENT: text and FIN may be queued for later or dropped, and may or may not be
// acknowledged yet.
std::vector<Outcome> syn_arrives(const View& v, const Segment& s) {
  std::vector<Outcome> all;
  if (v.state == LASTACK_SYN_SENT && s.flags.ack()) {
    const bool fin_reached = s.flags.fin();
    const std::uint32_t text = static_cast<std::uint32_t>(s.payload.size());
    all.push_back({"E-3.10.7.3-SYN-SENT-synack", Reply::ack, LASTACK_ESTABLISHED, s.ack, s.seq + 1U});
    all.push_back({"E-3.10.7.3-SYN-SENT-synack-data", Reply::ack, LASTACK_ESTABLISHED, s.ack, s.seq + 1U + text});
    if (fin_reached) {
      all.push_back({"E-3.10.7.3-SYN-SENT-synack-fin", Reply::ack, LASTACK_CLOSE_WAIT, s.ack, s.seq + 2U + text});
    }
    return all;
  }
  const char* row = v.state == LASTACK_LISTEN ? "E-3.10.7.2-LISTEN-syn" : "E-3.10.7.3-SYN-SENT-syn";
  const char* data = v.state == LASTACK_LISTEN ? "E-3.10.7.2-LISTEN-syn-data" : "E-3.10.7.3-SYN-SENT-syn-data";
  all.push_back({row, Reply::syn_ack, LASTACK_SYN_RECEIVED, v.iss, s.seq + 1U});
  all.push_back(
      {data, Reply::syn_ack, LASTACK_SYN_RECEIVED, v.iss, s.seq + 1U + static_cast<std::uint32_t>(s.payload.size())});
  if (v.state == LASTACK_LISTEN && s.flags.fin()) all.push_back(unchanged(v, "E-3.10.7.2-LISTEN-syn-fin", Reply::none));
  return all;
}

// Fifth, the extras by state. Returns the state after it; CLOSED ends the processing, and so does `stop`.
lastack_state fifth_check_ack(View& v, const Segment& s, bool& stop) {
  if (after(s.ack, v.una)) v.una = s.ack;
  switch (v.state) {
    case LASTACK_SYN_RECEIVED: return LASTACK_ESTABLISHED;
    case LASTACK_FIN_WAIT_1: return v.fin_acked() ? LASTACK_FIN_WAIT_2 : LASTACK_FIN_WAIT_1;
    case LASTACK_CLOSING:
      stop = !v.fin_acked();  // "otherwise, ignore the segment"
      return v.fin_acked() ? LASTACK_TIME_WAIT : LASTACK_CLOSING;
    case LASTACK_LAST_ACK: stop = v.fin_acked(); return v.fin_acked() ? LASTACK_CLOSED : LASTACK_LAST_ACK;
    case LASTACK_CLOSED:
    case LASTACK_LISTEN:
    case LASTACK_SYN_SENT:
    case LASTACK_ESTABLISHED:
    case LASTACK_FIN_WAIT_2:
    case LASTACK_CLOSE_WAIT:
    case LASTACK_TIME_WAIT: return v.state;
  }
  return v.state;
}

lastack_state after_fin(lastack_state state) {
  switch (state) {
    case LASTACK_ESTABLISHED: return LASTACK_CLOSE_WAIT;
    case LASTACK_FIN_WAIT_1: return LASTACK_CLOSING;
    case LASTACK_FIN_WAIT_2: return LASTACK_TIME_WAIT;
    case LASTACK_CLOSED:
    case LASTACK_LISTEN:
    case LASTACK_SYN_SENT:
    case LASTACK_SYN_RECEIVED:
    case LASTACK_CLOSE_WAIT:
    case LASTACK_CLOSING:
    case LASTACK_LAST_ACK:
    case LASTACK_TIME_WAIT: return state;
  }
  return state;
}

// Seventh and eighth: what lies in the window and in order is taken, text first and then the FIN.
std::vector<Outcome> text_and_fin(View v, const Segment& s) {
  const std::uint32_t text = static_cast<std::uint32_t>(s.payload.size());
  if (!contains(kTakesText, v.state)) {
    // The peer's FIN has been taken: there is nothing to take, an ACK is not prescribed and harmless.
    std::vector<Outcome> all{unchanged(v, "E-3.10.7.4-7-CLOSE-WAIT-text", Reply::none)};
    if (s.len() != 0) all.push_back(unchanged(v, "E-3.10.7.4-8-CLOSE-WAIT-fin", Reply::ack));
    return all;
  }
  if (s.len() == 0) return {unchanged(v, "E-3.10.7.4-5-ESTABLISHED-ack-new", Reply::none)};
  if (after(s.seq, v.rcv_nxt)) {  // beyond a gap: held or dropped; the duplicate ACK is a SHOULD of RFC 5681 4.2
    return {unchanged(v, "E-3.10.7.4-1-ANY-ooo", Reply::ack), unchanged(v, "E-3.10.7.4-1-ANY-ooo", Reply::none)};
  }
  const SeqNum text_end = s.seq + text;
  const SeqNum edge = window_end(v);
  const SeqNum taken = earlier_of(edge, text_end);
  if (after(taken, v.rcv_nxt)) v.rcv_nxt = taken;
  const bool fin_taken = s.flags.fin() && v.rcv_nxt == text_end;
  if (!fin_taken) return {unchanged(v, "E-3.10.7.4-7-ESTABLISHED-text", Reply::ack)};
  // A FIN just right of the window "may be trimmed" or taken (E-3.10.7.4-1-ANY-overrun).
  std::vector<Outcome> all;
  if (text_end == edge) all.push_back(unchanged(v, "E-3.10.7.4-1-ANY-overrun", Reply::ack));
  v.rcv_nxt += 1U;
  v.state = after_fin(v.state);
  all.push_back(unchanged(v, "E-3.10.7.4-8-ESTABLISHED-fin", Reply::ack));
  return all;
}

// From the fifth check on: the segment is acceptable, has an ACK, neither RST nor SYN, and its ACK is in range.
std::vector<Outcome> ack_text_fin(View v, const Segment& s) {
  if (v.state == LASTACK_SYN_RECEIVED && !(after(s.ack, v.una) && at_or_before(s.ack, v.nxt))) {
    std::vector<Outcome> all{unchanged(v, "E-3.10.7.4-5-SYN-RECEIVED-ack-low", Reply::reset_ack)};
    if (!ack_in_range(v, s)) all.push_back(unchanged(v, "E-3.10.7.4-5-SYN-RECEIVED-ack-range", Reply::ack));
    return all;
  }
  bool stop = false;
  v.state = fifth_check_ack(v, s, stop);
  if (stop) {
    std::vector<Outcome> all{unchanged(v, "E-3.10.7.4-5-CLOSING-fin-unacked", Reply::none)};
    if (v.state != LASTACK_CLOSED && s.len() != 0) all.push_back(unchanged(v, "E-3.10.7.4-8-CLOSING-fin", Reply::ack));
    return all;
  }
  return text_and_fin(v, s);
}

// Places where the RFC offers another treatment than the row that applies.
void add_alternatives(const View& v, const Segment& s, std::vector<Outcome>& all) {
  const bool bare_syn = s.flags.syn() && !s.flags.ack() && !s.flags.rst();
  if (contains(kTimeWait, v.state) && bare_syn && at_or_after(s.seq, v.rcv_nxt)) {
    // MAY-2, RFC 6191: a new incarnation. Its text may be acknowledged with the SYN or later.
    all.push_back({"E-3.10.7.4-4-TIME-WAIT-syn-seq", Reply::syn_ack, LASTACK_SYN_RECEIVED, v.iss, s.seq + 1U});
  }
  if (contains(kSynReceived, v.state) && s.flags.syn() && s.seq + 1U == v.rcv_nxt && !s.flags.rst()) {
    // The original SYN again: common stacks repeat the SYN,ACK (note of E-3.10.7.4-1-SYN-RECEIVED-seq-unacceptable).
    // With text that reaches into the window, its SYN is still trimmed off as old.
    all.push_back(unchanged(v, "E-3.10.7.4-1-SYN-RECEIVED-seq-unacceptable", Reply::syn_ack));
    all.push_back(unchanged(v, "E-3.10.7.4-1-SYN-RECEIVED-seq-unacceptable", Reply::ack));
  }
  if (v.rcv_wnd == 0 && !acceptable(v, s) && s.seq == v.rcv_nxt && !s.flags.syn() && s.flags.ack() && !s.flags.rst() &&
      contains(kOther & ~kSynReceived, v.state) && ack_in_range(v, s)) {
    // "Special allowance should be made to accept valid ACKs" with a zero window: text and FIN are refused, the ACK
    // counts.
    View w = v;
    bool stop = false;
    w.state = fifth_check_ack(w, s, stop);
    all.push_back(
        unchanged(w, "E-3.10.7.4-1-ANY-wnd0-allowance", w.state == LASTACK_CLOSED ? Reply::none : Reply::ack));
  }
  if (v.rcv_wnd == 0 && !acceptable(v, s) && s.seq == v.rcv_nxt && s.flags.rst()) {
    // The same allowance for a RST (MUST-66).
    const bool to_listen = v.state == LASTACK_SYN_RECEIVED && v.passive;
    all.push_back(
        unchanged(v, "E-3.10.7.4-1-ANY-wnd0-allowance", Reply::none, to_listen ? LASTACK_LISTEN : LASTACK_CLOSED));
  }
}

}  // namespace

std::vector<Outcome> permitted(const View& view, const Segment& segment) {
  std::vector<Outcome> all;
  for (const Row& row : kRows) {
    if (!contains(row.states, view.state) || !row.applies(view, segment)) continue;
    all.push_back(unchanged(view, row.id, row.reply, row.next));
    add_alternatives(view, segment, all);
    return all;
  }
  if (contains(kListen | kSynSent, view.state)) return syn_arrives(view, segment);
  return ack_text_fin(view, segment);
}

}  // namespace lastack::model
