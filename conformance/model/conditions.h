// The vocabulary of conditions.tsv: what can be asked of a segment that arrives, and how RCV.NXT can move. One word,
// one question of the RFC; nothing here decides what happens then.
#pragma once

#include <string_view>

#include "conformance/sut/lastack_sut.h"
#include "stack/wire/segment.h"

namespace lastack::model {

// The connection before the segment. The peer has been heard with a window of at least `max_snd_wnd`.
struct View {
  lastack_state state = LASTACK_CLOSED;
  bool passive = false;  // SYN-RECEIVED: came from a passive OPEN
  SeqNum iss, una, nxt;  // of the endpoint
  SeqNum rcv_nxt;
  std::uint32_t rcv_wnd = 0;
  std::uint32_t max_snd_wnd = 0;
  bool fin_sent = false;  // then it is the number just before nxt, and nothing is sent after it

  SeqNum right_edge() const { return rcv_nxt + rcv_wnd; }
  bool fin_acked() const { return fin_sent && una == nxt; }
};

using Condition = bool (*)(const View&, const Segment&);
// Null for a word that does not exist. A leading '!' is not part of the word.
Condition find_condition(std::string_view word);

using Move = SeqNum (*)(const View&, const Segment&);
Move find_move(std::string_view word);

}  // namespace lastack::model
