#include "conformance/trace/exchange.h"

#include <algorithm>
#include <utility>

namespace lastack {

namespace {

void view_numbers(const TrackedConnection& c, int e, EndView& view) {
  const Endpoint& self = c.ends[e];
  const Endpoint& peer = c.ends[1 - e];
  if (self.numbers_known) {
    view.snd_nxt = wire_number(self.next);
    if (peer.acked) {
      view.snd_una = wire_number(std::min(peer.ack_max, self.next));
    } else if (self.syn.count != 0) {
      view.snd_una = wire_number(self.iss);
    }
  }
  if (peer.numbers_known) view.rcv_nxt = wire_number(std::max(peer.sent.contiguous(), self.acked ? self.ack_max : 0));
  if (self.numbers_known && peer.edge_known) view.may_send = peer.edge_last - self.next;
}

ExchangeStep make_step(const TrackedConnection& c, int side, const SegmentInfo& seg, std::size_t max_payload) {
  ExchangeStep s;
  s.packet = seg.number;
  s.time = seg.time;
  s.sender = static_cast<std::uint8_t>(side);
  s.segment = seg;
  const Bytes tcp = seg.ip.payload;
  const std::size_t header = std::min<std::size_t>(seg.tcp.header_size, tcp.size());
  if (header > kTcpHeaderSize) s.options.assign(tcp.begin() + kTcpHeaderSize, tcp.begin() + static_cast<long>(header));
  const Bytes payload = tcp.subspan(header).first(std::min(max_payload, tcp.size() - header));
  s.payload.assign(payload.begin(), payload.end());
  s.segment.ip.payload = {};
  s.segment.tcp.payload = {};
  for (int e = 0; e < 2; ++e) {
    s.ends[e].possible = states_text(possible_states(c, e));
    view_numbers(c, e, s.ends[e]);
  }
  // The same judge, asked as if the tap were at both ends.
  for (int e = 0; e < 2; ++e) s.ends[e].if_arrived = states_text(possible_states(c, e, true));
  return s;
}

}  // namespace

ExchangeRecorder::ExchangeRecorder(ExchangeOptions options)
    : options_(std::move(options)),
      wanted_(options_.packets.begin(), options_.packets.end()),
      connections_(options_.connections.begin(), options_.connections.end()) {}

SegmentObserver ExchangeRecorder::observer() {
  return [this](const TrackedConnection& c, int side, const SegmentInfo& seg) { step(c, side, seg); };
}

ExchangeRecorder::Window& ExchangeRecorder::window_of(const TrackedConnection& c) {
  const auto [at, is_new] = windows_.try_emplace(c.id);
  if (is_new) {
    at->second.exchange = exchanges_.size();
    exchanges_.push_back({c.id, {c.address[0], c.address[1]}, {}});
  }
  return at->second;
}

void ExchangeRecorder::note_numbers(Exchange& exchange, int side, const Segment& tcp) {
  const int other = 1 - side;
  // A reset without ACK in answer to nothing known has SEQ=0, which is nobody's number.
  const bool refusal = tcp.flags.rst() && tcp.seq.raw() == 0;
  if (tcp.flags.syn() && !exchange.syn_seen[side]) {
    exchange.isn[side] = tcp.seq;
    exchange.syn_seen[side] = true;
  } else if (!exchange.isn[side] && !refusal) {
    exchange.isn[side] = tcp.seq - 1;
  }
  if (tcp.flags.ack() && !exchange.isn[other]) exchange.isn[other] = tcp.ack - 1;
}

void ExchangeRecorder::keep(Window& window, ExchangeStep&& step) {
  Exchange& exchange = exchanges_[window.exchange];
  if (kept_ >= options_.max_steps) {
    ++exchange.omitted;
    return;
  }
  ++kept_;
  step.skipped = std::exchange(window.skipped, 0);
  exchange.steps.push_back(std::move(step));
}

void ExchangeRecorder::step(const TrackedConnection& c, int side, const SegmentInfo& seg) {
  if (!connections_.empty() && connections_.count(c.id) == 0) return;
  Window& window = window_of(c);
  note_numbers(exchanges_[window.exchange], side, seg.tcp);
  if (kept_ >= options_.max_steps) {
    ++exchanges_[window.exchange].omitted;
    return;
  }
  ExchangeStep made = make_step(c, side, seg, options_.max_payload);
  if (wanted_.empty()) return keep(window, std::move(made));
  if (wanted_.count(seg.number) != 0) {
    ++seen_;
    for (ExchangeStep& earlier : window.recent) keep(window, std::move(earlier));
    window.recent.clear();
    keep(window, std::move(made));
    if (window.after_left == 0 && options_.after != 0) ++open_;
    window.after_left = options_.after;
    return;
  }
  if (window.after_left != 0) {
    keep(window, std::move(made));
    if (--window.after_left == 0) --open_;
    return;
  }
  window.recent.push_back(std::move(made));
  if (window.recent.size() > options_.before) {
    window.recent.pop_front();
    ++window.skipped;
  }
}

}  // namespace lastack
