#include "stack/tcp/accounts.h"

#include "stack/tcp/loss_recovery.h"
#include "stack/tcp/output.h"

namespace lastack {

void note_sent(Tcb& tcb, SeqNum seq, SeqNum end, Instant now) {
  if (tcb.flight() == 0) {
    tcb.first_sent = now;
    tcb.retransmissions = 0;
    tcb.congestion.resume(now);
  }
  const bool again = !after(end, tcb.snd.nxt);
  if (again) {
    tcb.rtt.sent_again();
  } else {
    if (seq == tcb.snd.nxt) tcb.rtt.sent_first(end, now);
    if (tcb.snd.resend == tcb.snd.nxt) tcb.snd.resend = end;
    tcb.snd.nxt = end;
  }
  note_text_sent(tcb, seq, end, now, again);
  tcb.last_sent = now;
}

}  // namespace lastack
