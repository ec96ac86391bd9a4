// What each step of a program does to the stack: machine.h.
#include <algorithm>

#include "fuzz/machine.h"
#include "stack/wire/text.h"

namespace lastack::fuzz {

void Machine::step(const Step& s) {
  if (options_.observer != nullptr) options_.observer->on_step(step_index_, step_text(Kind::program, s));
  used_slots_ |= 1U << s.slot;
  switch (s.op) {
    case Op::segment: return step_segment(s);
    case Op::repeat: return step_repeat(s);
    case Op::icmp: {
      slots_[s.slot].tainted = true;
      const std::size_t size = slots_[s.slot].build_icmp(s, look(s.slot), out_);
      const std::vector<std::byte> packet(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(size));
      return inject(s.slot, packet);
    }
    case Op::send: {
      static constexpr std::array<std::uint32_t, 3> kFlags = {0, LASTACK_SEND_PUSH, LASTACK_SEND_URGENT};
      return user_send(s.slot, count_value(s.arg[0]), kFlags[s.arg[1]]);
    }
    case Op::receive: user_receive(s.slot, count_value(s.arg[0])); return after_input(kMaxBurst);
    case Op::finish: return step_finish(s);
    case Op::open: return step_open(s);
    case Op::set: return step_set(s);
    case Op::advance: return advance_to(target_time(static_cast<TimeChoice>(s.arg[0]), s.slot));
    case Op::run:
    case Op::fate: return;  // of `world`; the decoder makes none for `program`
  }
}

void Machine::step_segment(const Step& s) {
  const std::size_t size = slots_[s.slot].build(s, look(s.slot), now_, out_);
  std::vector<std::byte>& kept = sent_[sent_count_ % kRepeatable];
  kept.assign(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(size));
  sent_slot_[sent_count_ % kRepeatable] = s.slot;
  ++sent_count_;
  inject(s.slot, kept);
}

void Machine::step_repeat(const Step& s) {
  const std::size_t back = s.arg[0] + std::size_t{1};
  if (back > sent_count_) return;
  const std::size_t index = (sent_count_ - back) % kRepeatable;
  std::vector<std::byte> packet = sent_[index];
  if (s.arg[2] == 1) packet[packet.size() - 1] ^= std::byte{1};  // the checksum no longer fits
  if (s.arg[2] == 2) packet.resize(packet.size() / 2);           // cut short
  inject(sent_slot_[index], packet);
}

int Machine::call(std::uint8_t slot, const lastack_sut_call& call, lastack_sut_ret& ret) {
  const int result = sut_->app(call, ret);
  if (options_.observer != nullptr) {
    options_.observer->on_call({.now = now_,
                                .endpoint = 0,
                                .slot = slot,
                                .op = static_cast<lastack_app_op>(call.op),
                                .octets = call.len != 0 ? call.len : call.cap,
                                .flags = call.flags,
                                .result = result,
                                .count = ret.count,
                                .answer_flags = ret.flags,
                                .name = call.name == nullptr ? "" : call.name,
                                .value = call.value,
                                .error = ret.error});
  }
  return result;
}

void Machine::step_open(const Step& s) {
  lastack_sut_ret ret;
  if (static_cast<Open>(s.arg[0]) == Open::listen) {
    if (listener_ >= 0) return;
    lastack_sut_call listen = Sut::call(now_, LASTACK_APP_LISTEN);
    listen.local.port = kListenPort;
    listen.local.family = ipv6_ ? 6 : 4;
    listen.backlog = 4;
    if (call(s.slot, listen, ret) == LASTACK_OK) listener_ = ret.conn;
    return after_input(kMaxBurst);
  }
  if (handle_of(s.slot) >= 0 && look(s.slot).exists) return;  // one connection of a slot at a time
  lastack_sut_call connect = Sut::call(now_, LASTACK_APP_CONNECT);
  connect.local.family = ipv6_ ? 6 : 4;
  connect.remote = to_sut_addr(peer_address(ipv6_), slots_[s.slot].peer_port());
  if (call(s.slot, connect, ret) == LASTACK_OK) {
    slots_[s.slot].new_connection(ret.conn);
    slots_[s.slot].sut_port = 0;  // its SYN will say
  }
  after_input(kMaxBurst);
}

void Machine::step_finish(const Step& s) {
  const std::int32_t conn = handle_of(s.slot);
  if (conn < 0) return;
  static constexpr std::array<lastack_app_op, 3> kCalls = {LASTACK_APP_SHUTDOWN, LASTACK_APP_CLOSE, LASTACK_APP_ABORT};
  lastack_sut_ret ret;
  call(s.slot, Sut::call(now_, kCalls[s.arg[0]], conn), ret);
  // CLOSE with unread octets is a reset by right (RFC 9293 3.6.1), ABORT always.
  if (static_cast<Finish>(s.arg[0]) != Finish::shutdown) slots_[s.slot].tainted = true;
  after_input(kMaxBurst);
}

void Machine::step_set(const Step& s) {
  const std::int32_t conn = handle_of(s.slot);
  if (conn < 0) return;
  struct Option {
    const char* name;
    std::uint64_t value;
  };
  static constexpr std::array<Option, 8> kTable = {{{"nodelay", 1},
                                                    {"nodelay", 0},
                                                    {"keepalive", 1},
                                                    {"keepalive", 0},
                                                    {"user_timeout_ms", 30'000},
                                                    {"user_timeout_ms", 60'000},
                                                    {"delayed_ack", 1},
                                                    {"delayed_ack", 0}}};
  lastack_sut_call set = Sut::call(now_, LASTACK_APP_SET, conn);
  set.name = kTable[s.arg[0]].name;
  set.value = kTable[s.arg[0]].value;
  lastack_sut_ret ret;
  call(s.slot, set, ret);
  after_input(kMaxBurst);
}

void Machine::user_send(std::uint8_t slot, std::uint32_t octets, std::uint32_t flags) {
  const std::int32_t conn = handle_of(slot);
  if (conn < 0) return;
  Slot& s = slots_[slot];
  user_.resize(octets);
  for (std::uint32_t i = 0; i < octets; ++i) user_[i] = user_octet(s.accepted + i, slot);
  lastack_sut_call send = Sut::call(now_, LASTACK_APP_SEND, conn);
  send.data = reinterpret_cast<const std::uint8_t*>(user_.data());
  send.len = user_.size();
  send.flags = flags;
  lastack_sut_ret ret;
  if (call(slot, send, ret) == LASTACK_OK) {
    if (ret.count > octets)
      fail(Oracle::adapter_broken, "SEND of " + std::to_string(octets) + " took " + std::to_string(ret.count));
    s.accepted += ret.count;
  }
  after_input(kMaxBurst);
}

// True when octets came.
bool Machine::user_receive(std::uint8_t slot, std::uint32_t octets) {
  const std::int32_t conn = handle_of(slot);
  if (conn < 0) return false;
  user_.resize(octets);
  lastack_sut_call receive = Sut::call(now_, LASTACK_APP_RECV, conn);
  receive.buffer = reinterpret_cast<std::uint8_t*>(user_.data());
  receive.cap = user_.size();
  lastack_sut_ret ret;
  if (call(slot, receive, ret) != LASTACK_OK) return false;
  if (ret.count > octets)
    fail(Oracle::adapter_broken, "RECEIVE of " + std::to_string(octets) + " gave " + std::to_string(ret.count));
  check_delivered(slot, ret);
  return !failed() && ret.count != 0;
}

void Machine::check_delivered(std::uint8_t slot, const lastack_sut_ret& ret) {
  Slot& s = slots_[slot];
  lastack_sut_info info;
  const bool known = sut_->info(now_, s.conn, info) && (info.valid & LASTACK_INFO_IRS) != 0;
  const SeqNum irs = known ? SeqNum(info.irs) : s.wire_view().irs;
  for (std::size_t i = 0; i < ret.count && !failed(); ++i) {
    const std::uint64_t position = s.delivered + i;
    const SeqNum seq = irs + 1 + static_cast<std::uint32_t>(position);
    if (user_[i] != peer_octet(seq.raw())) {
      fail(Oracle::delivered_octets,
           "octet " + std::to_string(position) + " of the stream (SEQ " + std::to_string(seq.raw()) + ")");
    }
  }
  s.delivered += ret.count;
  const bool end = (ret.flags & LASTACK_RECV_EOF) != 0 && ret.count == 0;
  if (!end || s.tainted || !known || (info.valid & LASTACK_INFO_RCV_NXT) == 0 || info.state == LASTACK_CLOSED) return;
  // SYN and FIN take a sequence number each.
  const std::uint32_t expected = octets_between(irs, SeqNum(info.rcv_nxt)) - 2;
  if (s.delivered != expected) {
    fail(Oracle::delivered_count, "end of stream after " + std::to_string(s.delivered) + " octets, RCV.NXT-IRS-2 is " +
                                      std::to_string(expected));
  }
}

std::uint64_t Machine::target_time(TimeChoice choice, std::uint8_t slot) {
  static constexpr std::array<std::uint64_t, 12> kFixed = {
      0, 1, 1'000, 10'000, 100'000, 200'000, 500'000, 1'000'000, 10'000'000, 60'000'000, 300'000'000, 7'200'000'000};
  const auto index = static_cast<std::size_t>(choice);
  if (index < kFixed.size()) return now_ + kFixed[index];
  // "Never" stands for a second, and a far deadline for at most three hours: a run must end.
  constexpr std::uint64_t kLongest = 10'800'000'000;
  std::uint64_t next = sut_->next(now_);
  const std::uint64_t time_wait = look(slot).time_wait_at;
  if (index >= static_cast<std::size_t>(TimeChoice::time_wait_minus) && time_wait != kNever) next = time_wait;
  next = next == kNever ? now_ + 1'000'000 : std::clamp(next, now_, now_ + kLongest);
  if (choice == TimeChoice::next_minus || choice == TimeChoice::time_wait_minus) return next > now_ ? next - 1 : now_;
  if (choice == TimeChoice::next_plus || choice == TimeChoice::time_wait_plus) return next + 1;
  return next;
}

}  // namespace lastack::fuzz
