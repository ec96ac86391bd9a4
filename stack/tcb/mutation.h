// Deliberate faults, one per build: -DLASTACK_MUT=n compiles the n-th realistic mistake of a TCP into the core, so that
// one can measure whether the scenarios, the judge and the fuzz targets notice. 0 is none. `if constexpr` keeps them
// free of cost. The numbers are the project's; a gap is a fault that is not built. Those from kFirstOfSteady on are in
// the shortest way (tcp/steady.h); with any other fault all short ways are left out, because it is in the whole
// procedure.
#pragma once

#include <array>

#ifndef LASTACK_MUT
#define LASTACK_MUT 0
#endif

namespace lastack {

inline constexpr int kMut = LASTACK_MUT;
inline constexpr int kFirstOfSteady = 60;

struct Mutation {
  int number;
  const char* fault;
};

inline constexpr std::array kMutations = {
    Mutation{1, "the SYN,ACK acknowledges SEG.SEQ instead of SEG.SEQ+1"},
    Mutation{2, "a RST kills the listener"},
    Mutation{3, "SYN-SENT accepts an ACK that does not cover our SYN"},
    Mutation{4, "SYN-SENT obeys a RST without an ACK"},
    Mutation{5, "SYN-SENT processes a FIN"},
    Mutation{6, "SYN-SENT drops a bad ACK silently instead of sending a RST"},
    Mutation{7, "SYN-RECEIVED accepts SEG.ACK = SND.UNA"},
    Mutation{9, "a RST in SYN-RECEIVED from a passive OPEN closes the listener too"},
    Mutation{11, "a RST with any sequence number resets"},
    Mutation{12, "a RST in the window but not at RCV.NXT resets"},
    Mutation{13, "the right edge of the receive window is one too far"},
    Mutation{16, "an ACK beyond SND.NXT is accepted"},
    Mutation{17, "a SYN in the window kills the connection"},
    Mutation{18, "a RST is answered with a RST"},
    Mutation{20, "the overlapping part of a segment is delivered twice"},
    Mutation{21, "SND.WND is ignored"},
    Mutation{22, "a zero window is never probed"},
    Mutation{27, "SND.WND is updated without the WL1/WL2 check"},
    Mutation{28, "the window of a SYN segment is scaled"},
    Mutation{31, "the peer's FIN consumes no sequence number"},
    Mutation{32, "any ACK takes FIN-WAIT-1 to FIN-WAIT-2"},
    Mutation{34, "any ACK takes LAST-ACK to CLOSED"},
    Mutation{36, "the FIN is not retransmitted in CLOSING"},
    Mutation{37, "a FIN beyond a gap is consumed"},
    Mutation{39, "a repeated FIN does not restart the 2MSL time-out"},
    Mutation{40, "the retransmission timer survives the full ACK"},
    Mutation{60, "steady: text beyond the window is taken"},
    Mutation{61, "steady: SND.WL1 and SND.WL2 stay where they are"},
    Mutation{63, "steady: a new ACK does not end the count of duplicates"},
    Mutation{65, "steady: a new ACK does not restart the retransmission timer"},
    Mutation{66, "steady: SND.WND is ignored"},
};

}  // namespace lastack
