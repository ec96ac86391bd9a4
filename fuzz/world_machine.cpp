// Implementation of world_machine.h.
#include "fuzz/world_machine.h"

#include <algorithm>

namespace lastack::fuzz {
namespace {

constexpr std::uint8_t kClient = 0;
constexpr std::uint8_t kServer = 1;

IpAddress address(std::size_t index, bool ipv6) { return index == kClient ? local_address(ipv6) : peer_address(ipv6); }

std::string both_options(const Program& program) {
  std::string text;
  static constexpr std::array<std::pair<HeaderField, const char*>, 5> kFlags = {
      {{HeaderField::timestamps, "timestamps"},
       {HeaderField::sack, "sack"},
       {HeaderField::window_scale, "window_scale"},
       {HeaderField::delayed_ack, "delayed_ack"},
       {HeaderField::nagle, "nagle"}}};
  for (const auto& [field, name] : kFlags)
    text += (text.empty() ? "" : ",") + std::string(name) + (program.on(field) ? "=1" : "=0");
  return text;
}

}  // namespace

std::optional<Instant> SutNode::next_timeout(Instant now) {
  const std::uint64_t next = sut_.next(us_from_instant(now));
  if (next == kNever) return std::nullopt;
  return std::max(instant_from_us(std::min<std::uint64_t>(next, INT64_MAX / 1000)), now);
}

WorldMachine::WorldMachine(const Program& program, const RunOptions& options)
    : program_(program), options_(options), ipv6_(program.on(HeaderField::ip)) {
  create(kClient, *options.sut);
  create(kServer, *options.sut_b);
  LinkConfig link;
  link.delay = std::chrono::microseconds(delay_us(program.field(HeaderField::delay)));
  link.reorder_delay = std::chrono::milliseconds(30);
  world_.join(kClient, kServer, link, link, program.field(HeaderField::seed));
  world_.add_tap(*this);
  // An octet at a time through a tiny window, a round trip each: a run must end.
  const std::uint32_t window = buffer_octets(program.field(HeaderField::rcv_buf));
  if (window != 0 && window < 536) most_octets_ = 200;
}

void WorldMachine::create(std::size_t index, const lastack_sut_ops& ops) {
  lastack_sut_cfg config{};
  config.now_us = now_us();
  config.seed = program_.field(HeaderField::seed) * 2U + index;
  std::copy_n(reinterpret_cast<const std::uint8_t*>(address(index, false).octets.data()), 4, config.ip4);
  std::copy_n(reinterpret_cast<const std::uint8_t*>(address(index, true).octets.data()), 16, config.ip6);
  config.mtu = mtu_octets(program_.field(HeaderField::mtu));
  config.rcv_buf = buffer_octets(program_.field(HeaderField::rcv_buf));
  config.snd_buf = buffer_octets(program_.field(HeaderField::snd_buf));
  config.msl_ms = msl_ms(program_.field(HeaderField::msl));
  End& end = ends_[index];
  end.sut = std::make_unique<Sut>(ops, config, both_options(program_));
  if (!end.sut->ok() && error_.empty()) error_ = end.sut->error();
  end.endpoint = std::make_unique<SutNode>(*end.sut, address(index, false), address(index, true));
  end.judge = std::make_unique<Judge>(JudgeOptions{.vantage = Vantage::endpoint});
  world_.add(*end.endpoint);
}

void WorldMachine::fail(Oracle oracle, const std::string& text) {
  if (failed()) return;
  const Failure failure{oracle, nullptr, text, step_index_};
  if (!is_known(failure)) failure_ = failure;
}

// ---- what passes by

void WorldMachine::on_sent(Instant now, NodeId from, Bytes packet, Fate fate) {
  if (options_.observer != nullptr) {
    options_.observer->on_packet(us_from_instant(now), static_cast<std::uint8_t>(from), false, packet,
                                 fate == Fate::deliver ? nullptr : to_string(fate));
  }
  ends_[from].judge->sent(now, packet);
}

void WorldMachine::on_arrived(Instant now, NodeId to, Bytes packet) {
  if (options_.observer != nullptr) {
    options_.observer->on_packet(us_from_instant(now), static_cast<std::uint8_t>(to), true, packet, nullptr);
  }
  ends_[to].judge->received(now, packet);
}

void WorldMachine::watch() {
  for (std::uint8_t i = 0; i < 2; ++i) {
    End& end = ends_[i];
    if (end.sut->broken()) fail(Oracle::adapter_broken, "a call was answered LASTACK_INTERNAL");
    const auto& findings = end.judge->findings();
    for (; end.findings_seen < findings.size() && !failed(); ++end.findings_seen) {
      const Finding& finding = findings[end.findings_seen];
      if (finding.verdict != Verdict::violated || finding.rule == nullptr || !is_mandatory(finding.rule->level))
        continue;
      const Failure failure{Oracle::judge, finding.rule, (i == kClient ? "client: " : "server: ") + to_string(finding),
                            step_index_};
      if (!is_known(failure)) failure_ = failure;
    }
    lastack_sut_info info;
    if (options_.observer == nullptr || end.conn < 0 || !end.sut->info(now_us(), end.conn, info) ||
        info.state == end.state)
      continue;
    end.state = info.state;
    options_.observer->on_state(now_us(), i, 0, info.state);
  }
  if (world_.events_at_this_instant() > kMaxEventsAtOnce) {
    fail(Oracle::world_silence, std::to_string(world_.events_at_this_instant()) + " events at one instant");
  }
  const std::uint64_t octets = ends_[0].given + ends_[1].given;
  // Probes of a closed window and keep-alives go on for as long as time does.
  const std::uint64_t seconds = now_us() / 1'000'000;
  const std::uint64_t limit = 3000 + 20 * octets + seconds;
  if (world_.packets() > limit) {
    fail(Oracle::world_frames, std::to_string(world_.packets()) + " packets for " + std::to_string(octets) + " octets");
  }
}

// ---- the users

int WorldMachine::call(std::size_t index, const lastack_sut_call& call, lastack_sut_ret& ret) {
  const int result = ends_[index].sut->app(call, ret);
  if (options_.observer != nullptr) {
    options_.observer->on_call({.now = call.now_us,
                                .endpoint = static_cast<std::uint8_t>(index),
                                .slot = 0,
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

void WorldMachine::open() {
  static constexpr std::array<HeaderField, 2> kIssField = {HeaderField::sut_iss, HeaderField::peer_iss};
  lastack_sut_ret ret;
  for (std::size_t i = 0; i < 2; ++i) {
    lastack_sut_call set = Sut::call(now_us(), LASTACK_APP_SET_ISS);
    set.value = iss_value(program_.field(kIssField[i]));
    if (ends_[i].sut->can(LASTACK_CAP_SET_ISS)) ends_[i].sut->app(set, ret);
  }
  const bool simultaneous = static_cast<Start>(program_.field(HeaderField::start)) == Start::simultaneous &&
                            ends_[0].sut->can(LASTACK_CAP_SIMULTANEOUS_OPEN) &&
                            ends_[1].sut->can(LASTACK_CAP_SIMULTANEOUS_OPEN);
  if (!simultaneous) {
    lastack_sut_call listen = Sut::call(now_us(), LASTACK_APP_LISTEN);
    listen.local.port = kListenPort;
    listen.local.family = ipv6_ ? 6 : 4;
    listen.backlog = 4;
    if (call(kServer, listen, ret) == LASTACK_OK) ends_[kServer].listener = ret.conn;
  }
  for (std::size_t i = 0; i < (simultaneous ? 2U : 1U); ++i) {
    lastack_sut_call connect = Sut::call(now_us(), LASTACK_APP_CONNECT);
    connect.local.family = ipv6_ ? 6 : 4;
    connect.local.port = i == kClient ? kClientPort : kListenPort;
    connect.remote = to_sut_addr(address(1 - i, ipv6_), i == kClient ? kListenPort : kClientPort);
    if (call(i, connect, ret) == LASTACK_OK) ends_[i].conn = ret.conn;
    world_.flush(i);
  }
}

void WorldMachine::accept() {
  End& server = ends_[kServer];
  if (server.conn >= 0 || server.listener < 0) return;
  lastack_sut_ret ret;
  if (server.sut->app(Sut::call(now_us(), LASTACK_APP_ACCEPT, server.listener), ret) == LASTACK_OK)
    server.conn = ret.conn;
}

void WorldMachine::send(std::size_t index, std::uint32_t octets, std::uint32_t flags) {
  End& end = ends_[index];
  octets =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(octets, most_octets_ - std::min(end.given, most_octets_)));
  if (end.conn < 0 || octets == 0) return;
  user_.resize(octets);
  for (std::uint32_t i = 0; i < octets; ++i) user_[i] = user_octet(end.given + i, static_cast<std::uint8_t>(index));
  lastack_sut_call send = Sut::call(now_us(), LASTACK_APP_SEND, end.conn);
  send.data = reinterpret_cast<const std::uint8_t*>(user_.data());
  send.len = user_.size();
  send.flags = flags;
  lastack_sut_ret ret;
  if (call(index, send, ret) == LASTACK_OK) end.given += std::min<std::uint64_t>(ret.count, octets);
  world_.flush(index);
}

bool WorldMachine::receive(std::size_t index, std::uint32_t octets) {
  End& end = ends_[index];
  if (end.conn < 0 || end.end_of_stream || octets == 0) return false;
  user_.resize(octets);
  lastack_sut_call receive = Sut::call(now_us(), LASTACK_APP_RECV, end.conn);
  receive.buffer = reinterpret_cast<std::uint8_t*>(user_.data());
  receive.cap = user_.size();
  lastack_sut_ret ret;
  if (call(index, receive, ret) != LASTACK_OK) return false;
  for (std::size_t i = 0; i < std::min<std::size_t>(ret.count, octets) && !failed(); ++i) {
    if (user_[i] == user_octet(end.delivered + i, static_cast<std::uint8_t>(1 - index))) continue;
    fail(Oracle::world_delivery, "octet " + std::to_string(end.delivered + i) + " of the stream is wrong");
  }
  end.delivered += ret.count;
  end.end_of_stream = ret.count == 0 && (ret.flags & LASTACK_RECV_EOF) != 0;
  world_.flush(index);
  return ret.count != 0;
}

void WorldMachine::finish(std::size_t index, Finish how) {
  End& end = ends_[index];
  if (end.conn < 0) return;
  static constexpr std::array<lastack_app_op, 3> kCalls = {LASTACK_APP_SHUTDOWN, LASTACK_APP_CLOSE, LASTACK_APP_ABORT};
  if (how != Finish::shutdown || opening(index)) tainted_ = true;
  end.shut = true;
  lastack_sut_ret ret;
  call(index, Sut::call(now_us(), kCalls[static_cast<std::size_t>(how)], end.conn), ret);
  world_.flush(index);
}

// ---- steps

void WorldMachine::step(const Step& s) {
  if (options_.observer != nullptr) options_.observer->on_step(step_index_, step_text(Kind::world, s));
  switch (s.op) {
    case Op::run: run_events(s.arg[0] + 1U); break;
    case Op::fate: set_fate(s); break;
    case Op::send: {
      static constexpr std::array<std::uint32_t, 3> kFlags = {0, LASTACK_SEND_PUSH, LASTACK_SEND_URGENT};
      send(s.slot, count_value(s.arg[0]), kFlags[s.arg[1]]);
      break;
    }
    case Op::receive: receive(s.slot, count_value(s.arg[0])); break;
    case Op::finish: finish(s.slot, static_cast<Finish>(s.arg[0])); break;
    case Op::set: set_option(s); break;
    case Op::advance: advance(static_cast<TimeChoice>(s.arg[0])); break;
    case Op::segment:
    case Op::repeat:
    case Op::icmp:
    case Op::open: break;  // of `program`; the decoder makes none for `world`
  }
  accept();
  watch();
}

void WorldMachine::set_fate(const Step& s) {
  const auto fate = static_cast<Fate>(s.arg[2]);
  Link& link = world_.link(s.slot, 1U - s.slot);
  for (unsigned i = 0; i <= s.arg[0]; ++i) {
    const bool loss = fate == Fate::lose || fate == Fate::corrupt;
    if (loss && losses_ == kMaxLosses) return;
    losses_ += loss ? 1 : 0;
    link.script(fate);
  }
}

void WorldMachine::set_option(const Step& s) {
  struct Option {
    const char* name;
    std::uint64_t value;
  };
  // A short user timeout could end a connection by right, so it is not among them.
  static constexpr std::array<Option, 8> kTable = {{{"nodelay", 1},
                                                    {"nodelay", 0},
                                                    {"keepalive", 1},
                                                    {"keepalive", 0},
                                                    {"nodelay", 1},
                                                    {"nodelay", 0},
                                                    {"delayed_ack", 1},
                                                    {"delayed_ack", 0}}};
  if (ends_[s.slot].conn < 0) return;
  lastack_sut_call set = Sut::call(now_us(), LASTACK_APP_SET, ends_[s.slot].conn);
  set.name = kTable[s.arg[0]].name;
  set.value = kTable[s.arg[0]].value;
  lastack_sut_ret ret;
  call(s.slot, set, ret);
  world_.flush(s.slot);
}

void WorldMachine::one_event() {
  ++events_;
  world_.step();
  if (options_.observer != nullptr) options_.observer->on_time(now_us());
  accept();
  watch();
}

void WorldMachine::run_events(unsigned count) {
  for (unsigned i = 0; i < count && !failed() && world_.next_event(); ++i) one_event();
}

void WorldMachine::advance(TimeChoice choice) {
  static constexpr std::array<std::int64_t, 12> kFixed = {
      0, 1, 1'000, 10'000, 100'000, 200'000, 500'000, 1'000'000, 10'000'000, 60'000'000, 300'000'000, 7'200'000'000};
  const auto index = static_cast<std::size_t>(choice);
  if (index >= kFixed.size()) return run_events(1);
  const Instant until = world_.now() + std::chrono::microseconds(kFixed[index]);
  for (auto next = world_.next_event(); next && *next <= until && !failed() && events_ < kMaxEvents;
       next = world_.next_event()) {
    one_event();
  }
  world_.run_until(failed() || events_ >= kMaxEvents ? world_.now() : until);
}

// ---- the end

// CLOSE in SYN-SENT deletes the connection (RFC 9293 3.10.4), which is no way to deliver anything.
bool WorldMachine::opening(std::size_t index) {
  lastack_sut_info info;
  return ends_[index].sut->info(now_us(), ends_[index].conn, info) && info.state == LASTACK_SYN_SENT;
}

bool WorldMachine::gone(std::size_t index) {
  End& end = ends_[index];
  lastack_sut_info info;
  return end.conn < 0 || !end.sut->info(now_us(), end.conn, info) || info.state == LASTACK_CLOSED;
}

void WorldMachine::epilogue() {
  if (options_.observer != nullptr)
    options_.observer->on_step(-1, "the network is fair from here on, both users read and close");
  world_.link(0, 1).clear_script();
  world_.link(1, 0).clear_script();
  const std::uint64_t first = events_;
  bool aborted = false;
  while (!failed()) {
    for (std::size_t i = 0; i < 2; ++i) {
      while (receive(i, 65536) && !failed()) {
      }
      if (!ends_[i].shut && ends_[i].conn >= 0 && !opening(i)) finish(i, Finish::shutdown);
    }
    watch();
    if (gone(0) && gone(1) && world_.silent()) break;
    if (!world_.next_event() && tainted_ && !aborted) {
      // A lost RST leaves the other end in FIN-WAIT-2 or half-open for ever, by right. Then its user gives up.
      aborted = true;
      for (std::size_t i = 0; i < 2; ++i) finish(i, Finish::abort);
    } else if (!world_.next_event()) {
      fail(Oracle::world_ends, "nothing will ever happen again, and a connection is still there");
    } else if (events_ - first > kMaxEvents) {
      fail(Oracle::world_ends,
           std::to_string(kMaxEvents) + " events after the network became fair, a connection is still there");
    } else {
      one_event();
    }
  }
  if (!failed()) check_end();
}

void WorldMachine::check_end() {
  if (tainted_) return;
  for (std::size_t i = 0; i < 2; ++i) {
    End& end = ends_[i];
    lastack_sut_ret ret;
    if (end.conn < 0) {
      fail(Oracle::world_ends, "the server never got a connection");
      return;
    }
    if (end.sut->app(Sut::call(now_us(), LASTACK_APP_EVENTS, end.conn), ret) != LASTACK_OK) continue;
    constexpr std::uint32_t kDisorderly = LASTACK_EVENT_RESET | LASTACK_EVENT_REFUSED | LASTACK_EVENT_TIMEOUT;
    if ((ret.flags & kDisorderly) != 0)
      fail(Oracle::world_error, std::string(i == kClient ? "client" : "server") + ": " + ret.error);
    if (end.delivered != ends_[1 - i].given) {
      fail(Oracle::world_delivery,
           std::to_string(end.delivered) + " of " + std::to_string(ends_[1 - i].given) + " octets delivered");
    }
  }
}

RunResult WorldMachine::run() {
  RunResult result;
  result.error = error_;
  if (!error_.empty()) return result;
  open();
  watch();
  for (std::size_t i = 0; i < program_.steps.size() && !failed(); ++i) {
    step_index_ = static_cast<int>(i);
    step(program_.steps[i]);
  }
  step_index_ = -1;
  if (options_.epilogue && !failed()) epilogue();
  result.failure = failure_;
  result.hash = world_.trace_hash();
  result.packets = world_.packets();
  return result;
}

RunResult run_world(const Program& program, const RunOptions& options) {
  RunResult result = WorldMachine(program, options).run();
  const bool deterministic = (options.sut->caps & options.sut_b->caps & LASTACK_CAP_DETERMINISTIC) != 0;
  if (result.failure || !result.error.empty() || !deterministic || result.hash % 16 != 0) return result;
  RunOptions quiet = options;
  quiet.observer = nullptr;
  const RunResult again = WorldMachine(program, quiet).run();
  if (again.hash != result.hash)
    result.failure = Failure{Oracle::deterministic, nullptr, "the second run sent other packets", -1};
  return result;
}

}  // namespace lastack::fuzz
