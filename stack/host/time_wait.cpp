#include "stack/host/time_wait.h"

namespace lastack {

bool fits_time_wait(const Tcb& tcb) {
  return tcb.state() == State::time_wait && tcb.signals == 0 && !tcb.ack_due && !tcb.own_config &&
         tcb.receive_queue.unread() == 0 && tcb.send_queue.size() == 0;
}

void remember(TimeWait& record, const Tcb& tcb) {
  record.iss = tcb.snd.iss;
  record.irs = tcb.rcv.irs;
  record.snd_nxt = tcb.snd.nxt;
  record.rcv_nxt = tcb.rcv.nxt;
  record.wl1 = tcb.snd.wl1;
  record.wl2 = tcb.snd.wl2;
  record.snd_wnd = tcb.snd.wnd;
  record.max_wnd = tcb.snd.max_wnd;
  record.rcv_wnd = tcb.rcv.wnd;
  record.ts_recent = tcb.ts.recent;
  record.ts_offset = tcb.ts.offset;
  record.ts_recent_at = tcb.ts.recent_at;
  record.ack_limit_began = tcb.ack_limit_began;
  record.challenge_acks = tcb.challenge_acks;
  record.invalid_acks = tcb.invalid_acks;
  record.mss = tcb.snd.mss;
  record.snd_shift = tcb.snd.shift & 0xfU;
  record.rcv_shift = tcb.rcv.shift & 0xfU;
  record.timestamps = tcb.ts.on;
  record.sack = tcb.sack;
  record.scaling = tcb.scaling;
  record.passive = tcb.passive;
}

void restore(Tcb& tcb, const TimeWait& record) {
  tcb.snd.iss = record.iss;
  tcb.snd.una = tcb.snd.nxt = tcb.snd.resend = tcb.snd.up = record.snd_nxt;
  tcb.snd.wl1 = record.wl1;
  tcb.snd.wl2 = record.wl2;
  tcb.snd.wnd = record.snd_wnd;
  tcb.snd.max_wnd = record.max_wnd;
  tcb.snd.mss = record.mss;
  tcb.snd.shift = record.snd_shift;
  tcb.snd.fin_queued = true;
  tcb.rcv.irs = record.irs;
  tcb.rcv.nxt = tcb.rcv.last_ack_sent = tcb.rcv.up = record.rcv_nxt;
  tcb.rcv.wnd = record.rcv_wnd;
  tcb.rcv.shift = record.rcv_shift;
  tcb.rcv.fin = true;
  tcb.ts = {record.timestamps, record.ts_recent, record.ts_recent_at, record.ts_offset};
  tcb.ack_limit_began = record.ack_limit_began;
  tcb.challenge_acks = record.challenge_acks;
  tcb.invalid_acks = record.invalid_acks;
  tcb.sack = record.sack;
  tcb.scaling = record.scaling;
  tcb.passive = record.passive;
  tcb.reader_gone = true;
  tcb.octets_read = octets_between(record.irs + 2, record.rcv_nxt);  // without SYN and FIN
  tcb.timers.arm(TimerKind::time_wait, record.deadline);
  tcb.restore(State::time_wait, record.snd_nxt - 1);
}

}  // namespace lastack
