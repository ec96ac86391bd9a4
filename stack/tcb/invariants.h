// What must hold of a TCB after every input, whatever peer and user do; numbered, so that a failure has a name. Checked
// when LASTACK_INVARIANTS is defined (every build type but Release). Each is a function of its own that traps by
// itself, so that tools which sort crashes by stack frames tell them apart.
#pragma once

#include "stack/base/seq.h"
#include "stack/tcb/state.h"
#include "stack/tcb/tcb.h"

namespace lastack {

// What the TCB was after the input before: for everything that may only move one way.
struct Witness {
  bool valid = false;
  State state = State::closed;
  SeqNum snd_una;
  SeqNum snd_nxt;
  std::uint32_t snd_wnd = 0;
  SeqNum rcv_nxt;
  SeqNum right_edge;       // ours: RCV.NXT + RCV.WND
  SeqNum send_right_edge;  // the farthest SND.UNA + SND.WND so far
  bool synchronized = false;
};

// Checks all of them and updates the witness.
void check_invariants(const Tcb& tcb, Witness& witness);
// A segment that was dropped, answered or challenged has changed nothing that it could have changed.
void check_rejected_segment(const Tcb& tcb, const Witness& before_segment);
// A connection that a RST or a SYN ended under RFC 5961: the RST must have been at RCV.NXT, and a SYN never does it.
void check_reset_was_exact(const Tcb& tcb, const Witness& before_segment, SeqNum seq, bool rst);

}  // namespace lastack
