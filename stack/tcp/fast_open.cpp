#include "stack/tcp/fast_open.h"

#include <algorithm>

#include "stack/wire/ip.h"

namespace lastack {

//= rfc7413 4.2.1 4.2.2 RFC7413-4.2.1-a
//= RFC7413-4.2.2-b a repetition has neither option nor text
void add_fast_open(Tcb& tcb, Outgoing& out) {
  FastOpen& mine = *tcb.fast_open;
  if (mine.sent) return;
  mine.sent = true;
  Options& options = out.segment.options;
  options.fast_open = true;
  options.fast_open_size = mine.size;
  options.fast_open_cookie = mine.cookie;
  if (options_size(options) > kMaxOptionOctets) {
    options.fast_open = false;  // "abort TFO and fall back to the regular 3WHS"
    return;
  }
  if (tcb.state() != State::syn_sent || mine.size == 0 || tcb.send_queue.size() == 0) return;
  const std::size_t headers = ip_header_size(tcb.local.ip.version) + kTcpHeaderSize;
  const std::size_t most = std::min<std::size_t>(mine.mss, tcb.path_mtu - headers);
  const std::size_t taken = options_size(options);
  if (most <= taken) return;
  out.text_offset = 0;
  out.text_size = std::min(tcb.send_queue.size(), static_cast<std::uint32_t>(most - taken));
  mine.text_sent = true;
  tcb.snd.nxt = tcb.snd.iss + 1 + out.text_size;
  tcb.snd.resend = tcb.snd.nxt;
}

//= rfc7413 4.2.2 RFC7413-4.2.2-a
void take_text_of_syn(Tcb& tcb) {
  tcb.fast_opened = true;
  const std::uint32_t octets = tcb.receive_queue.join(tcb.rcv.nxt);
  if (octets == 0) return;
  tcb.rcv.nxt += octets;
  tcb.rcv.wnd -= octets;
  tcb.signal(Signal::readable);
}

//= RFC7413-4.2.2-c what the SYN,ACK did not acknowledge is in the first ACK
void resend_text_of_syn(Tcb& tcb) {
  if (tcb.fast_open && tcb.fast_open->text_sent && tcb.flight() != 0) tcb.snd.resend = tcb.snd.una;
}

}  // namespace lastack
