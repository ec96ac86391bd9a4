// A second reading of RFC 9293 3.10.7 (SEGMENT ARRIVES): what one endpoint may do with one segment. The reading is data
// (table.h); this is the short program that goes through it. It is an oracle for whole grids of segments. It shares no
// code with the core and none with the judge, keeps no state of its own, and knows only what a black box shows: the
// variables before, the reply and the variables after.
#pragma once

#include <vector>

#include "conformance/model/conditions.h"
#include "conformance/model/table.h"

namespace lastack::model {

// One permitted way to treat the segment, with the rows of the table that lead to it, in order.
struct Outcome {
  std::vector<const Row*> rows;
  Reply reply = Reply::none;
  lastack_state next = LASTACK_CLOSED;
  SeqNum una;  // meaningful while the connection exists
  SeqNum rcv_nxt;
  bool by_choice = false;  // a choice or a refusal led to it, not the rules alone
};

// Every permitted outcome, what the rules alone say first; never empty. Where no row ends the segment, its effects so
// far are the outcome.
std::vector<Outcome> permitted(const Table& table, const View& view, const Segment& segment);

}  // namespace lastack::model
