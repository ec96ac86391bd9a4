// What a listener does with a segment: half-open connections (as small records), SYN cookies when its backlog is full,
// Fast Open (RFC 9293 3.10.7.2, RFC 4987, RFC 7413).
#include <algorithm>

#include "stack/host/host_impl.h"
#include "stack/host/syn_cookie.h"
#include "stack/tcb/mutation.h"
#include "stack/tcp/arrival.h"
#include "stack/tcp/fast_open.h"
#include "stack/tcp/segment_arrives.h"

namespace lastack {

//= rfc9293 3.9.1.1 MUST-42
void Host::Impl::segment_for_listener(Listener& listener, const SocketPair& sockets, const Segment& segment,
                                      const Tcb* previous) {
  cover(State::listen, segment_event(segment_class(segment.flags), Placement::in_window));
  if (opens_by_cookie(listener, sockets, segment)) return;
  Effects effects;
  const ListenDecision decision = listen_segment_arrives(segment, config.tcp, effects);
  last_disposition = decision.disposition;
  reply(sockets.local, sockets.remote, effects);
  if constexpr (kMut == 2) {
    if (segment.flags.rst()) erase_listener(listener.port);
  }
  if (!decision.opens) return;
  if (listener.waiting >= std::max(1U, listener.backlog)) return answer_with_cookie(listener, sockets, segment);
  const bool chosen = !iss_queue.empty();
  SeqNum iss = next_iss(sockets.local, sockets.remote);
  // RFC 9293 3.6.1: above every number of the previous incarnation.
  if (previous != nullptr && !chosen && !after(iss, previous->snd.nxt)) iss = previous->snd.nxt + 250'000;
  ++listener.waiting;
  //= RFC7413-4.2-a the option counts only where Fast Open is on
  const bool fast_open = config.tcp.fast_open && segment.options.fast_open;
  if (fits_half_open(segment) && !fast_open) return begin_half_open(listener, sockets, segment, iss);
  open_at_once(listener, sockets, segment, iss);
}

//= rfc4987 3.5
void Host::Impl::begin_half_open(Listener& listener, const SocketPair& sockets, const Segment& syn, SeqNum iss) {
  HalfOpen& record = half_open.add(sockets, next_id());
  record.listener = listener.id;
  record.iss = iss;
  record.since = now;
  remember_syn(record, syn);
  half_open.schedule(record, 0, now + config.tcp.initial_rto);
  want_syn_ack(record);
}

// A SYN that brings more than a record holds: text, a FIN, or a wish for Fast Open.
//= rfc7413 4.2.2 RFC7413-4.2.2-a
//= RFC7413-4.2-b more than the limit get an ordinary handshake
void Host::Impl::open_at_once(Listener& listener, const SocketPair& sockets, const Segment& syn, SeqNum iss) {
  Connection& connection = create(sockets, true, next_id());
  connection.listener = listener.id;
  Tcb& tcb = connection.tcb;
  open_from_listen(tcb, syn, iss, now);
  if (config.tcp.fast_open && syn.options.fast_open && fast_open_has_room()) {
    const Duration life = config.tcp.fast_open_cookie_life;
    if (fast_open_cookie_is_good(fast_open_key, sockets.remote.ip, now, life, syn.options)) {
      take_text_of_syn(tcb);
      connection.fast_open_pending = true;
      ++fast_open_pending;
      become_ready(connection);
    } else {
      tcb.fast_open = std::make_unique<FastOpen>();
      tcb.fast_open->cookie = fast_open_cookie(fast_open_key, sockets.remote.ip, now, life);
      tcb.fast_open->size = kFastOpenCookieSize;
    }
  }
  after_input(connection);
}

// PendingFastOpenRequests: those in SYN-RECEIVED, and those that a RST has ended lately.
//= rfc7413 5.1
bool Host::Impl::fast_open_has_room() {
  while (!fast_open_resets.empty() && fast_open_resets.front() <= now) {
    fast_open_resets.pop_front();
    --fast_open_pending;
  }
  return fast_open_pending < config.tcp.fast_open_pending;
}

//= rfc4987 3.6 RFC4987-3.6-a RFC4987-4-a
void Host::Impl::answer_with_cookie(Listener& listener, const SocketPair& sockets, const Segment& syn) {
  last_disposition = {Action::dropped, "3.9.1: backlog full"};
  // Connections that nobody accepts are not a flood: the peer tries again (RFC 4987 2).
  if (!config.tcp.syn_cookies || listener.ready.size() >= std::max(1U, listener.backlog)) return;
  Segment offered = syn;
  if (!config.tcp.timestamps) offered.options.timestamps.reset();
  const auto reduced = syn_for_cookie(offered, sockets.remote.ip.version == IpVersion::v4 ? 536 : 1220);
  if (!reduced) return;
  Tcb tcb(config.tcp, sockets.local, sockets.remote, config.mtu, true);
  prepare(tcb);
  open_from_listen(tcb, *reduced, make_syn_cookie(cookie_key, now, sockets.local, sockets.remote, *reduced), now);
  Outgoing answer;
  if (!next_segment(tcb, now, answer)) return;
  if (auto& stamp = answer.segment.options.timestamps) stamp->value = cookie_timestamp(stamp->value, *reduced);
  reply(sockets.local, sockets.remote, answer.segment);
  listener.cookies_until = now + kCookieLife;
  last_disposition = {Action::answered, "RFC 4987 3.6: with a SYN cookie"};
}

//= rfc4987 3.6
bool Host::Impl::opens_by_cookie(Listener& listener, const SocketPair& sockets, const Segment& ack) {
  if (now >= listener.cookies_until || !ack.flags.ack() || ack.flags.syn() || ack.flags.rst()) return false;
  const auto syn = check_syn_cookie(cookie_key, now, sockets.local, sockets.remote, ack);
  if (!syn) return false;
  if (listener.ready.size() >= std::max(1U, listener.backlog)) {
    last_disposition = {Action::dropped, "3.9.1: backlog full"};
    return true;
  }
  Connection& connection = create(sockets, true, next_id());
  connection.listener = listener.id;
  ++listener.waiting;
  Tcb& tcb = connection.tcb;
  open_from_listen(tcb, *syn, ack.ack - 1U, now);
  Outgoing sent_before;
  (void)next_segment(tcb, now, sent_before);
  tcb.rtt.sent_again();  // when it was sent is not known
  Effects effects;
  last_disposition = segment_arrives(tcb, ack, now, effects);
  reply(sockets.local, sockets.remote, effects);
  after_input(connection);
  return true;
}

}  // namespace lastack
