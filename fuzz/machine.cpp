// Input, output and time of machine.h: everything that every step shares, and the oracles that watch it.
#include "fuzz/machine.h"

#include <algorithm>

#include "stack/wire/text.h"

namespace lastack::fuzz {
namespace {

Instant instant(std::uint64_t us) { return instant_from_us(us); }

bool synchronized(std::int32_t state) { return state >= LASTACK_ESTABLISHED && state <= LASTACK_TIME_WAIT; }

std::string stack_options(const Program& program, const lastack_sut_ops& sut) {
  const auto flag = [&](const char* name, HeaderField field) {
    return std::string(name) + "=" + (program.on(field) ? "1" : "0");
  };
  std::string text = flag("timestamps", HeaderField::timestamps) + "," + flag("sack", HeaderField::sack) + "," +
                     flag("window_scale", HeaderField::window_scale) + "," +
                     flag("delayed_ack", HeaderField::delayed_ack) + "," + flag("nagle", HeaderField::nagle);
  // Only our own core is known to have these choices.
  if (std::string_view(sut.name) == "core") text += profile_options(program.field(HeaderField::profile));
  return text;
}

lastack_sut_cfg stack_config(const Program& program, std::uint64_t now) {
  lastack_sut_cfg config{};
  config.now_us = now;
  config.seed = program.field(HeaderField::seed);
  std::copy_n(reinterpret_cast<const std::uint8_t*>(local_address(false).octets.data()), 4, config.ip4);
  std::copy_n(reinterpret_cast<const std::uint8_t*>(local_address(true).octets.data()), 16, config.ip6);
  config.mtu = mtu_octets(program.field(HeaderField::mtu));
  config.rcv_buf = buffer_octets(program.field(HeaderField::rcv_buf));
  config.snd_buf = buffer_octets(program.field(HeaderField::snd_buf));
  config.msl_ms = msl_ms(program.field(HeaderField::msl));
  return config;
}

}  // namespace

const char* state_name(std::int32_t state) {
  static constexpr std::array<const char*, 11> kNames = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                                         "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                                         "CLOSING",     "LAST-ACK",   "TIME-WAIT"};
  return state >= 0 && state < 11 ? kNames[static_cast<std::size_t>(state)] : "?";
}

Machine::Machine(const Program& program, const RunOptions& options)
    : program_(program),
      options_(options),
      ipv6_(program.on(HeaderField::ip)),
      judge_(JudgeOptions{.vantage = Vantage::endpoint}) {
  sut_ = std::make_unique<Sut>(*options.sut, stack_config(program, now_), stack_options(program, *options.sut));
  for (std::uint8_t i = 0; i < kSlots; ++i) {
    slots_[i].begin(i, iss_value(program.field(HeaderField::peer_iss)), ipv6_,
                    mtu_octets(program.field(HeaderField::mtu)), program);
  }
}

void Machine::fail(Oracle oracle, const std::string& text) {
  if (failed()) return;
  const Failure failure{oracle, nullptr, text, step_index_};
  if (!is_known(failure)) failure_ = failure;
}

// ---- output

void Machine::after_input(std::size_t burst_limit) {
  drain(burst_limit);
  accept_connections();
  run_due_timers();
  if (sut_->broken()) fail(Oracle::adapter_broken, "a call was answered LASTACK_INTERNAL");
  for (std::uint8_t slot = 0; slot < kSlots && !failed(); ++slot) {
    if ((used_slots_ & (1U << slot)) != 0) check_info(slot);
  }
  ask_judge();
}

std::size_t Machine::drain(std::size_t limit) {
  std::size_t count = 0;
  reset_sent_ = false;
  while (!failed()) {
    const std::size_t size = sut_->tx(now_, out_);
    if (size == 0) break;
    const Bytes packet = Bytes(out_).first(size);
    ++packets_;
    hash_.add(now_);
    hash_.add(packet);
    if (options_.observer != nullptr) options_.observer->on_packet(now_, 0, false, packet, nullptr);
    judge_.sent(instant(now_), packet);
    check_packet(packet);
    if (++count > limit) {
      fail(limit == kMaxBurst ? Oracle::emission_bound : Oracle::quiet_reply,
           std::to_string(count) + " packets after one input, the limit is " + std::to_string(limit));
    }
  }
  return count;
}

void Machine::check_packet(Bytes packet) {
  const auto parsed = parse_packet(packet);
  if (!parsed.ok()) {
    // ICMP from the stack would be legal; it is no TCP segment.
    if (parsed.error().fault != WireFault::not_tcp) fail(Oracle::well_formed, to_string(parsed.error()));
    return;
  }
  const Segment& segment = parsed->tcp;
  if (parsed->ip.src != local_address(ipv6_) || parsed->ip.dst != peer_address(ipv6_)) {
    fail(Oracle::addresses, "from " + parsed->ip.src.text() + " to " + parsed->ip.dst.text());
  }
  reset_sent_ = reset_sent_ || segment.flags.rst();
  const int slot = segment.dst_port - kFirstPeerPort;
  if (slot < 0 || slot >= kSlots) return;
  Slot& s = slots_[static_cast<std::size_t>(slot)];
  // A second connection of the same peer port, by an old SYN: the slot stays with the one it has.
  if (segment.src_port != s.sut_port && s.sut_port != 0 && has_connection(s)) return;
  s.on_sent(segment);
  if (segment.flags.rst()) s.tainted = true;
  if (!segment.payload.empty() && !segment.flags.rst()) check_octets(static_cast<std::uint8_t>(slot), segment);
}

void Machine::check_octets(std::uint8_t slot, const Segment& segment) {
  Slot& s = slots_[slot];
  if (!s.iss_known()) return;
  const std::uint32_t first = octets_between(s.iss() + 1, segment.seq);
  // A keep-alive probe may carry one octet of garbage just below SND.NXT (RFC 9293 3.8.4).
  if (segment.payload.size() == 1 && (first == UINT32_MAX || first < s.emitted)) return;
  for (std::uint32_t i = 0; i < segment.payload.size(); ++i) {
    if (first + std::uint64_t{i} >= s.accepted) {
      fail(Oracle::sent_beyond_user, "stream octet " + std::to_string(first + std::uint64_t{i}) +
                                         " sent, the user gave " + std::to_string(s.accepted) + ": " +
                                         segment_text(segment));
      return;
    }
    if (segment.payload[i] != user_octet(first + i, slot)) {
      fail(Oracle::sent_octets, "stream octet " + std::to_string(first + i) + " is wrong: " + segment_text(segment));
      return;
    }
  }
  s.emitted = std::max(s.emitted, first + segment.payload.size());
}

// ---- what the stack says of itself

bool Machine::has_connection(const Slot& s) {
  lastack_sut_info info;
  return s.conn >= 0 && sut_->info(now_, s.conn, info) && info.state != LASTACK_CLOSED;
}

// The slot goes on with another connection, whose SYN it may have taken for a second one.
void Machine::adopt(Slot& s, std::int32_t conn) {
  s.new_connection(conn);
  lastack_sut_info info;
  if (sut_->info(now_, conn, info) && (info.valid & LASTACK_INFO_ISS) != 0) s.set_iss(SeqNum(info.iss));
}

std::int32_t Machine::handle_of(std::uint8_t slot) {
  Slot& s = slots_[slot];
  if (has_connection(s)) return s.conn;
  if (s.conn >= 0) s.sut_port = kListenPort;
  lastack_sut_call find = Sut::call(now_, LASTACK_APP_FIND);
  find.local.port = s.sut_port;
  find.remote = to_sut_addr(peer_address(ipv6_), s.peer_port());
  lastack_sut_ret ret;
  if (sut_->app(find, ret) == LASTACK_OK && ret.conn >= 0 && ret.conn != s.conn) adopt(s, ret.conn);
  return s.conn;
}

View Machine::look(std::uint8_t slot) {
  Slot& s = slots_[slot];
  lastack_sut_info info;
  const std::int32_t conn = handle_of(slot);
  View view = s.wire_view();
  if (conn < 0 || !sut_->info(now_, conn, info)) return view;
  const auto known = [&](std::uint64_t bit) { return (info.valid & bit) != 0; };
  if (!known(LASTACK_INFO_STATE) || info.state == LASTACK_CLOSED || info.state == LASTACK_LISTEN) {
    view.rcv_nxt = s.fresh();
    return view;
  }
  view.exists = true;
  view.state = info.state;
  if (known(LASTACK_INFO_ISS)) view.iss = SeqNum(info.iss);
  if (known(LASTACK_INFO_SND_UNA)) view.una = SeqNum(info.snd_una);
  if (known(LASTACK_INFO_SND_NXT)) view.nxt = SeqNum(info.snd_nxt);
  if (known(LASTACK_INFO_SND_WND)) view.snd_wnd = info.snd_wnd;
  if (known(LASTACK_INFO_MSS)) view.mss = info.mss;
  if (known(LASTACK_INFO_QUEUES)) view.unsent = info.unsent;
  if (known(LASTACK_INFO_TIMERS)) view.time_wait_at = info.timer_us[LASTACK_TIMER_TIME_WAIT];
  if (info.state == LASTACK_SYN_SENT) {
    view.rcv_nxt = view.irs = s.fresh();
    return view;
  }
  if (known(LASTACK_INFO_IRS)) view.irs = SeqNum(info.irs);
  if (known(LASTACK_INFO_RCV_NXT)) view.rcv_nxt = SeqNum(info.rcv_nxt);
  if (known(LASTACK_INFO_RCV_WND)) view.rcv_wnd = info.rcv_wnd;
  return view;
}

void Machine::check_info(std::uint8_t slot) {
  Slot& s = slots_[slot];
  lastack_sut_info info;
  const std::int32_t conn = handle_of(slot);
  if (conn < 0 || !sut_->info(now_, conn, info)) return;
  const std::int32_t old_state = s.last_info ? s.last_info->state : LASTACK_CLOSED;
  if (options_.observer != nullptr && info.state != old_state) options_.observer->on_state(now_, 0, slot, info.state);
  const bool sender_known = (info.valid & LASTACK_INFO_SND_UNA) != 0 && (info.valid & LASTACK_INFO_SND_NXT) != 0;
  const SeqNum una(info.snd_una), nxt(info.snd_nxt);
  if (sender_known && synchronized(info.state) && after(una, nxt)) {
    fail(Oracle::una_beyond_nxt, "SND.UNA=" + std::to_string(una.raw()) + " SND.NXT=" + std::to_string(nxt.raw()));
  }
  const bool same = s.last_info && s.last_info->iss == info.iss && s.last_info->irs == info.irs;
  if (same && synchronized(old_state) && synchronized(info.state)) {
    const SeqNum old_una(s.last_info->snd_una), old_rcv(s.last_info->rcv_nxt);
    if (sender_known && before(una, old_una)) {
      fail(Oracle::una_retreats, std::to_string(old_una.raw()) + " -> " + std::to_string(una.raw()));
    }
    if ((info.valid & LASTACK_INFO_RCV_NXT) != 0 && before(SeqNum(info.rcv_nxt), old_rcv)) {
      fail(Oracle::rcv_nxt_retreats, std::to_string(old_rcv.raw()) + " -> " + std::to_string(info.rcv_nxt));
    }
  }
  s.last_info = info;
}

void Machine::ask_judge() {
  const auto& findings = judge_.findings();
  for (; findings_seen_ < findings.size() && !failed(); ++findings_seen_) {
    const Finding& finding = findings[findings_seen_];
    if (finding.verdict != Verdict::violated || finding.rule == nullptr || !is_mandatory(finding.rule->level)) continue;
    const Failure failure{Oracle::judge, finding.rule, to_string(finding), step_index_};
    if (!is_known(failure)) failure_ = failure;
  }
}

void Machine::accept_connections() {
  if (listener_ < 0) return;
  lastack_sut_ret ret;
  while (!failed() && sut_->app(Sut::call(now_, LASTACK_APP_ACCEPT, listener_), ret) == LASTACK_OK) {
    const int slot = ret.remote.port - kFirstPeerPort;
    if (slot < 0 || slot >= kSlots) continue;
    Slot& s = slots_[static_cast<std::size_t>(slot)];
    if (ret.conn != s.conn) adopt(s, ret.conn);
  }
}

// ---- time

void Machine::run_due_timers() {
  for (int ticks = 0; !failed() && sut_->next(now_) <= now_; ++ticks) {
    if (ticks == kMaxTicksAtOnce) {
      fail(Oracle::no_spin,
           "next() still answers " + std::to_string(sut_->next(now_)) + " at " + std::to_string(now_) + " us");
      return;
    }
    sut_->tick(now_);
    drain(kMaxBurst);
  }
}

void Machine::advance_to(std::uint64_t t) {
  // A stack with a periodic tick over two hours of silence: as many ticks as that takes, and no more.
  for (int i = 0; i < 40'000 && !failed(); ++i) {
    const std::uint64_t next = sut_->next(now_);
    if (next > t) break;
    now_ = std::max(next, now_);
    sut_->tick(now_);
    if (options_.observer != nullptr) options_.observer->on_time(now_);
    after_input(kMaxBurst);
  }
  now_ = std::max(now_, t);
  if (options_.observer != nullptr) options_.observer->on_time(now_);
  judge_.advance(instant(now_));
  ask_judge();
}

// ---- input

void Machine::inject(std::uint8_t slot, Bytes packet) {
  const View before = look(slot);
  hash_.add(packet);
  if (options_.observer != nullptr) options_.observer->on_packet(now_, 0, true, packet, nullptr);
  judge_.received(instant(now_), packet);
  const bool idle = before.exists && before.una == before.nxt && before.unsent == 0;
  sut_->rx(now_, packet);
  const auto parsed = parse_packet(packet);
  drain(idle && parsed.ok() ? 3 : kMaxBurst);
  if (parsed.ok() && parsed->tcp.flags.rst()) {
    if (reset_sent_) fail(Oracle::reset_for_reset, segment_text(parsed->tcp) + " was answered by a RST");
    slots_[slot].tainted = true;
  }
  if (parsed.ok()) check_unacceptable(slot, before, packet);
  after_input(kMaxBurst);
}

// RFC 9293 3.10.7.4 first: in a synchronized state an unacceptable segment is answered and dropped. The exceptions: a
// closed window, for which valid ACKs, URGs and RSTs are let in, and TIME-WAIT, where a SYN may reopen (RFC 6191).
void Machine::check_unacceptable(std::uint8_t slot, const View& before, Bytes packet) {
  const auto parsed = parse_packet(packet);
  const Segment& segment = parsed->tcp;
  lastack_sut_info info;
  if (!before.exists || !synchronized(before.state) || before.state == LASTACK_TIME_WAIT || before.rcv_wnd == 0) return;
  const bool starts_inside = in_window(segment.seq, before.rcv_nxt, before.rcv_wnd);
  const bool ends_inside = segment.len() > 0 && in_window(segment.end() - 1, before.rcv_nxt, before.rcv_wnd);
  // A segment that overlaps the whole window from both sides fails the test as it is written; nobody is held to that.
  const bool spans = segment.len() > before.rcv_wnd;
  if (starts_inside || ends_inside || spans) return;
  if (!sut_->info(now_, slots_[slot].conn, info)) return;
  const bool una_known = (info.valid & LASTACK_INFO_SND_UNA) != 0;
  const bool wnd_known = (info.valid & LASTACK_INFO_SND_WND) != 0;
  const std::string what = segment_text(segment) +
                           " is not acceptable at RCV.NXT=" + std::to_string(before.rcv_nxt.raw()) +
                           " RCV.WND=" + std::to_string(before.rcv_wnd) + ", yet ";
  if (info.state != before.state)
    fail(Oracle::unacceptable_segment, what + "the state became " + state_name(info.state));
  if (una_known && SeqNum(info.snd_una) != before.una) {
    fail(Oracle::unacceptable_segment, what + "SND.UNA became " + std::to_string(info.snd_una));
  }
  if (wnd_known && info.snd_wnd != before.snd_wnd) {
    fail(Oracle::unacceptable_segment, what + "SND.WND became " + std::to_string(info.snd_wnd));
  }
}

RunResult Machine::run() {
  RunResult result;
  if (!sut_->ok()) {
    result.error = sut_->error();
    return result;
  }
  if (sut_->can(LASTACK_CAP_SET_ISS)) {
    for (std::uint32_t i = 0; i < 4; ++i) {
      lastack_sut_call set = Sut::call(now_, LASTACK_APP_SET_ISS);
      set.value = (SeqNum(iss_value(program_.field(HeaderField::sut_iss))) + i * 64'000U).raw();
      lastack_sut_ret ret;
      sut_->app(set, ret);
    }
  }
  for (const Step& s : start_steps(static_cast<Start>(program_.field(HeaderField::start)))) {
    if (!failed()) step(s);
  }
  for (std::size_t i = 0; i < program_.steps.size() && !failed(); ++i) {
    step_index_ = static_cast<int>(i);
    step(program_.steps[i]);
  }
  step_index_ = -1;
  if (options_.epilogue && !failed()) epilogue();
  result.failure = failure_;
  result.hash = hash_.value();
  result.packets = packets_;
  return result;
}

RunResult run_program(const Program& program, const RunOptions& options) {
  RunResult result = Machine(program, options).run();
  if (result.failure || !result.error.empty() || (options.sut->caps & LASTACK_CAP_DETERMINISTIC) == 0) return result;
  // Every sixteenth program runs twice; which ones is a property of the program, so that a finding can be repeated.
  if (result.hash % 16 != 0) return result;
  RunOptions quiet = options;
  quiet.observer = nullptr;
  const RunResult again = Machine(program, quiet).run();
  if (again.hash != result.hash)
    result.failure = Failure{Oracle::deterministic, nullptr, "the second run sent other packets", -1};
  return result;
}

}  // namespace lastack::fuzz
