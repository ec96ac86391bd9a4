#include "stack/tcp/user_calls.h"

#include <algorithm>

#include "stack/tcp/accounts.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/output.h"

namespace lastack {

namespace {

// The one place where CLOSE puts a FIN behind what was sent (3.10.4).
//= rfc9293 3.6 U-21
void queue_fin(Tcb& tcb) {
  tcb.snd.fin_queued = true;
  tcb.set_fin_number(tcb.text_end());
}

void give_up_with_reset(Tcb& tcb, Cause cause, Effects& effects) {
  effects.reset = ResetSegment{tcb.snd.nxt, SeqNum(0), false};
  become_closed(tcb, cause);
}

}  // namespace

//= rfc9293 3.10.1
void open_active(Tcb& tcb, SeqNum iss, Instant now) {
  prepare_open(tcb, iss, now);
  tcb.enter(State::syn_sent, Cause::open_active);
  start_handshake_timers(tcb, now);
}

bool takes_text(const Tcb& tcb) {
  constexpr StateSet kOpen{State::syn_sent, State::syn_received, State::established, State::close_wait};
  return kOpen.contains(tcb.state()) && !tcb.snd.fin_queued;
}

//= rfc9293 3.10.2
Result<std::size_t, CallError> send_call(Tcb& tcb, Instant now, Bytes data, SendFlags flags) {
  switch (tcb.state()) {
    case State::closed: return CallError::connection_does_not_exist;
    case State::listen: return CallError::remote_socket_unspecified;
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::closing:
    case State::last_ack:
    case State::time_wait: return CallError::connection_closing;
    case State::syn_sent:
    case State::syn_received:
    case State::established:
    case State::close_wait: break;
  }
  if (tcb.snd.fin_queued) return CallError::connection_closing;
  if (!data.empty() && tcb.send_queue.room() == 0) return CallError::insufficient_resources;
  const std::size_t taken = tcb.send_queue.append(data);
  //= rfc9293 3.9.1.2 MAY-15
  if (taken != 0 && flags.push) {
    tcb.snd.push_queued = true;
    tcb.snd.push_end = tcb.text_end();
  }
  //= rfc9293 3.8.5 MUST-30
  if (taken != 0 && flags.urgent) {
    tcb.snd.urgent = true;
    tcb.snd.up = tcb.text_end();
  }
  // With something in flight, every timer that more text could need is running.
  if (tcb.flight() == 0) settle_timers(tcb, now);
  return taken;
}

// RECEIVE never waits: without text it returns nothing. "Connection closing" is end_of_stream, as sockets have it.
//= rfc9293 3.10.3
Result<ReceiveResult, CallError> receive_call(Tcb& tcb, MutableBytes buffer) {
  tcb.receive_queue.peek(buffer);
  return consume_call(tcb, buffer.size());
}

Result<ReceiveResult, CallError> consume_call(Tcb& tcb, std::size_t octets) {
  if (tcb.state() == State::closed && tcb.receive_queue.unread() == 0) return CallError::connection_does_not_exist;
  if (tcb.reader_gone) return CallError::connection_closing;
  ReceiveResult result;
  const SeqNum consumed = tcb.rcv.nxt - tcb.receive_queue.unread() - (tcb.rcv.fin ? 1U : 0U);
  result.octets = tcb.receive_queue.drop(octets);
  tcb.octets_read += result.octets;
  const SeqNum position = consumed + static_cast<std::uint32_t>(result.octets);
  result.unread = tcb.receive_queue.unread();
  result.end_of_stream = tcb.rcv.fin && result.unread == 0;
  result.pushed = take_push_mark(tcb, consumed, static_cast<std::uint32_t>(result.octets));
  //= rfc9293 3.8.5 MUST-33 RFC6093-3.1-a
  if (tcb.rcv.urgent && !after(tcb.rcv.up, position)) tcb.rcv.urgent = false;
  result.urgent_ahead = tcb.rcv.urgent;
  if (kReceivesText.contains(tcb.state()) && window_update_due(tcb, tcb.effective_mss())) tcb.ack_due = true;
  return result;
}

//= rfc9293 3.10.4
//= rfc1122 4.2.2.20
Status<CallError> close_call(Tcb& tcb, Instant now) {
  switch (tcb.state()) {
    case State::closed: return CallError::connection_does_not_exist;
    case State::listen:
    case State::syn_sent: become_closed(tcb, Cause::close_call); return Unit{};
    case State::syn_received:
      if (tcb.snd.fin_queued) return CallError::connection_closing;
      queue_fin(tcb);
      // With SENDs pending, the CLOSE waits for ESTABLISHED.
      if (tcb.send_queue.size() == 0) tcb.enter(State::fin_wait_1, Cause::close_call);
      break;
    case State::established:
      queue_fin(tcb);
      tcb.enter(State::fin_wait_1, Cause::close_call);
      break;
    case State::close_wait:
      if (tcb.snd.fin_queued) return CallError::connection_closing;
      queue_fin(tcb);  // LAST-ACK begins when the FIN leaves
      break;
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::closing:
    case State::last_ack:
    case State::time_wait: return CallError::connection_closing;
  }
  settle_timers(tcb, now);
  return Unit{};
}

//= rfc9293 3.6.1 MAY-1 SHLD-3
Status<CallError> full_close_call(Tcb& tcb, Instant now, Effects& effects) {
  constexpr StateSet kMayReset = kReceivesText | StateSet(State::close_wait);
  const bool unread = tcb.receive_queue.unread() != 0;
  tcb.reader_gone = true;
  if (unread && tcb.config().reset_on_unread_close && kMayReset.contains(tcb.state())) {
    give_up_with_reset(tcb, Cause::reset_sent, effects);
    return Unit{};
  }
  tcb.octets_read += tcb.receive_queue.drop_unread();
  // A closed window would keep the peer's FIN out for ever.
  if (kReceivesText.contains(tcb.state()) && window_update_due(tcb, tcb.effective_mss())) tcb.ack_due = true;
  const auto closed = close_call(tcb, now);
  // After a shutdown there is nothing left to say, and that is no error.
  if (!closed && closed.error() != CallError::connection_closing) return closed.error();
  return Unit{};
}

//= rfc9293 3.10.5
Status<CallError> abort_call(Tcb& tcb, Effects& effects) {
  switch (tcb.state()) {
    case State::closed: return CallError::connection_does_not_exist;
    case State::syn_received:
    case State::established:
    case State::fin_wait_1:
    case State::fin_wait_2:
    case State::close_wait: give_up_with_reset(tcb, Cause::abort_call, effects); return Unit{};
    case State::listen:
    case State::syn_sent:
    case State::closing:
    case State::last_ack:
    case State::time_wait: become_closed(tcb, Cause::abort_call); return Unit{};
  }
  return Unit{};
}

}  // namespace lastack
