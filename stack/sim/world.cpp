// Implementation of world.h.
#include "stack/sim/world.h"

#include <algorithm>

#include "stack/base/check.h"
#include "stack/wire/ip.h"

namespace lastack {

NodeId World::add(Node& endpoint) {
  endpoints_.push_back(&endpoint);
  return endpoints_.size() - 1;
}

void World::join(NodeId a, NodeId b, const LinkConfig& a_to_b, const LinkConfig& b_to_a, std::uint64_t seed) {
  Prng seeds(seed);
  const std::uint64_t first = seeds.next();
  const std::uint64_t second = seeds.next();
  paths_.push_back(Path{a, b, std::make_unique<Link>(a_to_b, first)});
  paths_.push_back(Path{b, a, std::make_unique<Link>(b_to_a, second)});
}

Link& World::link(NodeId from, NodeId to) {
  const auto path =
      std::find_if(paths_.begin(), paths_.end(), [&](const Path& p) { return p.from == from && p.to == to; });
  LASTACK_CHECK(path != paths_.end());
  return *path->link;
}

bool World::silent() const {
  return std::all_of(paths_.begin(), paths_.end(), [](const Path& p) { return p.link->in_flight() == 0; });
}

World::Path* World::route(NodeId from, Bytes packet) {
  const auto parsed = parse_ip(packet);
  if (!parsed.ok()) return nullptr;
  for (Path& path : paths_) {
    if (path.from == from && endpoints_[path.to]->owns(parsed->dst)) return &path;
  }
  return nullptr;
}

void World::send(NodeId from, Bytes packet) {
  ++packets_;
  hash_.add(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  hash_.add(from);
  hash_.add(packet);
  Path* path = route(from, packet);
  const Fate fate = path == nullptr ? Fate::lose : path->link->send(now_, packet);
  for (WireTap* tap : taps_) tap->on_sent(now_, from, packet, fate);
}

bool World::flush(NodeId id, std::size_t limit) {
  for (std::size_t sent = 0; sent < limit; ++sent) {
    const std::size_t size = endpoints_[id]->poll_transmit(now_, buffer_);
    if (size == 0) return true;
    send(id, Bytes(buffer_).first(size));
  }
  return false;
}

std::optional<Instant> World::next_event() {
  std::optional<Instant> earliest;
  const auto consider = [&](std::optional<Instant> t) {
    if (t && (!earliest || *t < *earliest)) earliest = std::max(*t, now_);
  };
  for (const Path& path : paths_) consider(path.link->next_arrival());
  for (Node* endpoint : endpoints_) consider(endpoint->next_timeout(now_));
  return earliest;
}

void World::advance_to(Instant t) {
  if (t <= now_) return;
  now_ = t;
  events_at_now_ = 0;
}

bool World::step() {
  const std::optional<Instant> next = next_event();
  if (!next) return false;
  advance_to(*next);
  ++events_at_now_;
  for (Path& path : paths_) {
    const std::optional<Bytes> packet = path.link->receive(now_);
    if (!packet) continue;
    for (WireTap* tap : taps_) tap->on_arrived(now_, path.to, *packet);
    endpoints_[path.to]->on_packet(now_, *packet);
    flush(path.to);
    return true;
  }
  for (NodeId id = 0; id < endpoints_.size(); ++id) {
    const std::optional<Instant> timeout = endpoints_[id]->next_timeout(now_);
    if (!timeout || *timeout > now_) continue;
    endpoints_[id]->on_timeout(now_);
    flush(id);
    return true;
  }
  return true;
}

void World::run_until(Instant until) {
  for (std::optional<Instant> next = next_event(); next && *next <= until; next = next_event()) step();
  advance_to(until);
}

}  // namespace lastack
