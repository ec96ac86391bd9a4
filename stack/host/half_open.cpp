#include "stack/host/half_open.h"

#include <algorithm>

#include "stack/base/check.h"
#include "stack/tcb/packed_tcb.h"
#include "stack/tcp/control.h"
#include "stack/tcp/output.h"
#include "stack/tcp/segment_arrives.h"
#include "stack/tcp/user_timeout.h"

namespace lastack {

namespace {

// What a time-out of the SYN,ACK does to the variables (tcp/timeouts.cpp), without asking whether it was the last.
void count_timeout_of_syn(Tcb& tcb) {
  ++tcb.retransmissions;
  tcb.rtt.back_off(tcb.config());
  tcb.rtt.sent_again();
  tcb.congestion.lost_syn = true;
  tcb.snd.syn_due = true;
}

enum Offer : std::uint8_t { kMss = 1, kScale = 2, kSack = 4, kStamps = 8, kEceFlag = 16, kCwrFlag = 32 };

}  // namespace

void remember_syn(HalfOpen& record, const Segment& syn) {
  const Options& o = syn.options;
  record.irs = syn.seq;
  record.window = syn.wnd;
  record.mss = o.mss.value_or(0);
  record.shift = o.window_scale.value_or(0);
  record.ts_value = o.timestamps ? o.timestamps->value : 0;
  record.offers = static_cast<std::uint8_t>((o.mss ? kMss : 0) | (o.window_scale ? kScale : 0) |
                                            (o.sack_permitted ? kSack : 0) | (o.timestamps ? kStamps : 0) |
                                            (syn.flags.ece() ? kEceFlag : 0) | (syn.flags.cwr() ? kCwrFlag : 0));
}

Segment syn_of(const HalfOpen& record) {
  const auto has = [&](Offer what) { return (record.offers & what) != 0; };
  Segment syn;
  syn.src_port = record.remote.port;
  syn.dst_port = record.local_port;
  syn.seq = record.irs;
  syn.wnd = record.window;
  syn.flags = kSyn;
  if (has(kEceFlag)) syn.flags = syn.flags | kEce;
  if (has(kCwrFlag)) syn.flags = syn.flags | kCwr;
  if (has(kMss)) syn.options.mss = record.mss;
  if (has(kScale)) syn.options.window_scale = record.shift;
  if (has(kStamps)) syn.options.timestamps = Timestamps{record.ts_value, 0};
  syn.options.sack_permitted = has(kSack);
  return syn;
}

CommonHeaders first_syn_ack(const HalfOpen& record, const Config& config) {
  CommonHeaders headers{record.iss, record.irs + 1, kSyn | kAck};
  headers.wnd = static_cast<std::uint16_t>(std::min(config.rcv_buf, 0xffffU));
  headers.hop_limit = config.hop_limit;
  headers.dscp_ecn = static_cast<std::uint8_t>(config.dscp << 2);
  return headers;
}

SynOptions first_syn_ack_options(const HalfOpen& record, const Config& config, std::uint16_t mtu, std::uint32_t clock) {
  const auto has = [&](Offer what) { return (record.offers & what) != 0; };
  SynOptions options;
  options.mss = mss_to_announce(mtu, record.remote.ip.version);
  options.sack_permitted = config.sack && has(kSack);
  options.scaled = config.window_scale && has(kScale);
  if (options.scaled) options.shift = own_window_shift(config);
  options.stamped = config.timestamps && has(kStamps);
  options.stamp = {clock, record.ts_value};
  return options;
}

Instant first_deadline(const HalfOpen& record, const Config& config) {
  const Duration user = config.user_timeout == Duration(0) ? config.initial_rto : config.user_timeout;
  return record.since + std::min(config.initial_rto, user);
}

void replay_quickly(Tcb& tcb, const HalfOpen& record) {
  if (record.sent != 1 || record.due) return replay(tcb, record);
  open_with_syn_ack_sent(tcb, syn_of(record), record.iss, record.since);
  look_at_opened(tcb);
#if defined(LASTACK_INVARIANTS)
  Tcb whole(tcb.config(), tcb.local, tcb.remote, tcb.link_mtu, tcb.passive);
  whole.ts.offset = tcb.ts.offset;
  replay(whole, record);
  LASTACK_CHECK(same_at_rest(tcb, whole) && tcb.timers == whole.timers);
  LASTACK_CHECK(tcb.signals == whole.signals && nothing_to_send(tcb) && nothing_to_send(whole));
#endif
}

void replay(Tcb& tcb, const HalfOpen& record) {
  open_from_listen(tcb, syn_of(record), record.iss, record.since);
  const unsigned begun = record.sent + (record.due ? 1U : 0U);
  for (unsigned i = 0; i < begun; ++i) {
    if (i != 0) count_timeout_of_syn(tcb);
    if (i == record.sent) return;
    Outgoing sent;
    (void)next_segment(tcb, record.since, sent);
  }
}

}  // namespace lastack
