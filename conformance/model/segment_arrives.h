// A second reading of RFC 9293 3.10.7 (SEGMENT ARRIVES): what one endpoint may do with one segment, as a table of the
// rows of conformance/catalogue/rfc9293-events.tsv. It is an oracle for whole grids of segments. It shares no code with
// the core and none with the judge, keeps no state of its own, and knows only what a black box shows: the variables
// before, the reply and the variables after.
#pragma once

#include <vector>

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

  SeqNum fin() const { return nxt - 1U; }
  bool fin_acked() const { return fin_sent && una == nxt; }
};

enum class Reply : std::uint8_t {
  none,
  ack,         // <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, with RCV.NXT as it is afterwards
  reset_ack,   // <SEQ=SEG.ACK><CTL=RST>
  reset_zero,  // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
  syn_ack,     // <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>
};

// One permitted way to treat the segment, with the row of the table that permits it.
struct Outcome {
  const char* row = "";
  Reply reply = Reply::none;
  lastack_state next = LASTACK_CLOSED;
  SeqNum una;  // meaningful while the connection exists
  SeqNum rcv_nxt;
};

// Every permitted outcome; never empty. More than one where the RFC leaves a choice or contradicts itself.
std::vector<Outcome> permitted(const View& view, const Segment& segment);

}  // namespace lastack::model
