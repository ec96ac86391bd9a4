// A world of endpoints and links in virtual time: the event loop over arrivals and timers. Same endpoints, same seeds,
// same calls: same trace. Knows the IP header (for the destination), nothing of TCP.
//
// After a user call on an endpoint, call flush(endpoint): it puts on the links what the call made the endpoint send.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "stack/base/bytes.h"
#include "stack/base/time.h"
#include "stack/sim/link.h"
#include "stack/sim/node.h"
#include "stack/sim/trace_hash.h"

namespace lastack {

using NodeId = std::size_t;

// Sees every packet: when it was put on a link (and what became of it), and when it arrived.
class WireTap {
 public:
  virtual ~WireTap() = default;
  virtual void on_sent(Instant now, NodeId from, Bytes packet, Fate fate) = 0;
  virtual void on_arrived(Instant now, NodeId to, Bytes packet) = 0;
};

class World {
 public:
  explicit World(Instant start = Instant{}) : now_(start) {}

  NodeId add(Node& endpoint);
  // Joins two endpoints by two one-way links; returns nothing: link(from, to) finds them.
  void join(NodeId a, NodeId b, const LinkConfig& a_to_b, const LinkConfig& b_to_a, std::uint64_t seed);
  Link& link(NodeId from, NodeId to);
  void add_tap(WireTap& tap) { taps_.push_back(&tap); }

  Instant now() const { return now_; }
  std::uint64_t trace_hash() const { return hash_.value(); }
  std::uint64_t packets() const { return packets_; }
  // How many events have happened at the present instant. A healthy exchange falls silent: this stays small.
  std::uint64_t events_at_this_instant() const { return events_at_now_; }
  bool silent() const;  // nothing in flight on any link

  // Puts on the links all that `id` wants to send now. False when it sends more than `limit` packets in one go.
  bool flush(NodeId id, std::size_t limit = 65536);
  std::optional<Instant> next_event();
  // Runs the next event: one arrival, or the timers of one endpoint. False when nothing will ever happen.
  bool step();
  // Runs every event up to and including `until`; the time is `until` afterwards.
  void run_until(Instant until);
  // Runs until done() holds. False when `limit` or the end of all events came first; the time is then that of the last
  // event.
  template <typename Done>
  bool run_while_not(Done done, Instant limit) {
    while (!done()) {
      const std::optional<Instant> next = next_event();
      if (!next || *next > limit) return false;
      step();
    }
    return true;
  }

 private:
  struct Path {
    NodeId from, to;
    std::unique_ptr<Link> link;
  };
  void send(NodeId from, Bytes packet);
  Path* route(NodeId from, Bytes packet);
  void advance_to(Instant t);

  std::vector<Node*> endpoints_;
  std::vector<Path> paths_;
  std::vector<WireTap*> taps_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(65536);
  Instant now_;
  TraceHash hash_;
  std::uint64_t packets_ = 0;
  std::uint64_t events_at_now_ = 0;
};

}  // namespace lastack
