// What tests write down that hold the same conversation between two cores twice: the variables of both ends at every
// packet, and where two such books part.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "stack/sim/world.h"

namespace lastack::test {

// The variables of both ends at every packet: what does not show now may show after the next loss.
class Books : public WireTap {
 public:
  void watch(NodeId node, Host& host, ConnId conn) { watched_.at(node) = {&host, conn}; }
  void on_sent(Instant, NodeId from, Bytes, Fate) override { note(from); }
  void on_arrived(Instant, NodeId to, Bytes) override { note(to); }
  struct Value {
    const char* name;
    std::uint64_t value;
    bool operator==(const Value&) const = default;
  };
  std::vector<Value> values;  // one after the other

 private:
  void note(NodeId node) {
    const auto& [host, conn] = watched_.at(node);
    const Tcb* const tcb = host == nullptr ? nullptr : host->tcb(conn);
    if (tcb == nullptr) return;
    put(*tcb);
    if (tcb->sack_sender) put(*tcb->sack_sender);
    write_down();
  }
  void put(const Tcb& t) {
    add("una", t.snd.una), add("nxt", t.snd.nxt), add("wnd", t.snd.wnd), add("wl1", t.snd.wl1), add("wl2", t.snd.wl2);
    add("max_wnd", t.snd.max_wnd), add("rcv.nxt", t.rcv.nxt), add("rcv.wnd", t.rcv.wnd);
    add("last_ack_sent", t.rcv.last_ack_sent), add("pushed", t.rcv.pushed), add("recent", t.ts.recent);
    add("recent_at", t.ts.recent_at), add("srtt", t.rtt.srtt()), add("rttvar", t.rtt.rttvar()), add("rto", t.rtt.rto());
    add("cwnd", t.congestion.cwnd), add("ssthresh", t.congestion.ssthresh), add("used", t.congestion.used_until);
    add("avoidance", t.congestion.acked_in_avoidance), add("w_est", t.congestion.cubic.w_est);
    add("last_ack", t.congestion.cubic.last_ack), add("duplicates", t.recovery.duplicate_acks);
    add("point_valid", t.recovery.point_valid), add("rto_at", t.recovery.rto_at);
    add("event", static_cast<int>(t.recovery.event)), add("first_sent", t.first_sent);
    add("last_received", t.last_received), add("last_sent", t.last_sent), add("unacked", t.unacked_segments);
    add("ack_due", t.ack_due), add("ack_delayed", t.ack_delayed), add("retransmissions", t.retransmissions);
    for (std::size_t i = 0; i < kTimers; ++i) add("timer", t.timers.deadline(static_cast<TimerKind>(i)));
  }
  void put(const SackSender& s) {
    add("board", s.board.size()), add("pipe", s.board.pipe()), add("marked", !s.board.clean());
    add("rack", s.rack.valid), add("xmit", s.rack.xmit), add("end", s.rack.end), add("rtt", s.rack.rtt);
    add("fack", s.rack.fack), add("min_rtt", s.rack.min_rtt.value()), add("reordering", s.rack.reordering_seen);
    add("probe", s.probe.in_flight), add("sampled", s.probe.sampled), add("reorder_at", s.reorder_at);
    for (std::size_t i = 0; i < s.board.size(); ++i) add("sent", s.board[i].sent);
  }
  template <typename T>
  void add(const char* name, T value) {
    if (filled_ == row_.size()) write_down();
    Value& next = row_.data()[filled_++];
    next.name = name;
    if constexpr (std::is_same_v<T, SeqNum>) {
      next.value = value.raw();
    } else if constexpr (std::is_same_v<T, Instant>) {
      next.value = static_cast<std::uint64_t>(value.time_since_epoch().count());
    } else if constexpr (std::is_same_v<T, Duration>) {
      next.value = static_cast<std::uint64_t>(value.count());
    } else {
      next.value = static_cast<std::uint64_t>(value);
    }
  }
  void write_down() {
    values.insert(values.end(), row_.data(), row_.data() + filled_);
    filled_ = 0;
  }

  std::array<std::pair<Host*, ConnId>, 2> watched_{};
  std::array<Value, 64> row_{};  // a test's own code is not optimised: one insertion for many values is much cheaper
  std::size_t filled_ = 0;
};

// Empty when they do not.
inline std::string where_books_part(const std::vector<Books::Value>& with, const std::vector<Books::Value>& without) {
  const auto at = std::mismatch(with.begin(), with.end(), without.begin(), without.end());
  if (at.first == with.end() && at.second == without.end()) return "";
  const std::string place = "after " + std::to_string(at.first - with.begin()) + " values ";
  if (at.first == with.end() || at.second == without.end()) return place + "one of them ends";
  return place + at.first->name + " is " + std::to_string(at.first->value) + " with, " +
         std::to_string(at.second->value) + " without";
}

}  // namespace lastack::test
