#include "conformance/judge/connection_set.h"

#include <algorithm>
#include <utility>

#include "conformance/judge/incarnation.h"

namespace lastack {

namespace {

using Words = std::array<std::uint64_t, 2>;
Words words_of(const IpAddress& ip) {
  Words words;
  std::memcpy(words.data(), ip.octets.data(), sizeof words);
  return words;
}

void put_socket(FlowKey& key, int at, const IpAddress& ip, std::uint16_t port) {
  std::memcpy(key.octets.data() + at * 16, ip.octets.data(), 16);
  store_be16(key.octets.data() + 32 + at * 2, port);
}

// One table holds the connections of all contexts.
std::uint64_t hash_in(std::uint64_t context, std::uint64_t hash) {
  return context == 0 ? hash : mix(hash ^ context, 0x9e3779b97f4a7c15U);
}

}  // namespace

FlowKey flow_key(const SegmentInfo& seg) {
  FlowKey key;
  key.version = seg.ip.src.version;
  // Any order will do that is the same for both directions: of native words, it is a few instructions.
  const Words src = words_of(seg.ip.src);
  const Words dst = words_of(seg.ip.dst);
  const bool source_first = src != dst ? src < dst : seg.tcp.src_port <= seg.tcp.dst_port;
  put_socket(key, source_first ? 0 : 1, seg.ip.src, seg.tcp.src_port);
  put_socket(key, source_first ? 1 : 0, seg.ip.dst, seg.tcp.dst_port);
  return key;
}

bool is_in(const TrackedConnection& c, std::uint64_t context) {
  return c.context == context || std::find(c.contexts.begin(), c.contexts.end(), context) != c.contexts.end();
}

std::uint32_t ConnectionSet::find(const FlowKey& key, std::uint64_t hash, std::uint64_t context) const {
  return table_.find(hash_in(context, hash), [&](std::uint32_t slot) { return holds(slot, key, context); });
}

bool ConnectionSet::holds(std::uint32_t s, const FlowKey& key, std::uint64_t context) const {
  const Slot& slot = slots_[s];
  if (slot.opening) return slot.opening->key == key && slot.opening->context == context;
  return slot.conn && slot.conn->key == key && is_in(*slot.conn, context);
}

std::uint32_t ConnectionSet::last_used(std::uint64_t hash) const { return last_used_[hash % kLastUsed]; }

std::uint32_t ConnectionSet::enter(Slot&& slot, std::uint64_t hash, std::uint64_t context) {
  const std::uint32_t s = free_slot();
  slots_[s] = std::move(slot);
  table_.insert(hash_in(context, hash), s);
  link_newest(s, age_of(slots_[s]));
  return s;
}

void ConnectionSet::add_context(std::uint64_t hash, std::uint64_t context, std::uint32_t s) {
  table_.insert(hash_in(context, hash), s);
}

void ConnectionSet::fetch_after(std::uint32_t s) const {
  constexpr std::size_t kCacheLine = 64;
  const std::uint32_t next = slots_[s].newer;
  if (next == kNone || !slots_[next].conn) return;
  const auto* const octets = reinterpret_cast<const std::byte*>(slots_[next].conn.get());
  for (std::size_t at = 0; at < sizeof(TrackedConnection); at += kCacheLine) __builtin_prefetch(octets + at);
}

void ConnectionSet::remove(std::uint32_t s) {
  const TrackedConnection& c = *slots_[s].conn;
  table_.erase(hash_in(c.context, c.hash), s);
  for (const std::uint64_t context : c.contexts) table_.erase(hash_in(context, c.hash), s);
  unlink(s);
  slots_[s].conn.reset();
  free_slots_.push_back(s);
}

void ConnectionSet::touch(std::uint32_t s, Age age) {
  if (slots_[s].newer == kNone && slots_[s].age == age) return;
  unlink(s);
  link_newest(s, age);
}

Age ConnectionSet::age_of(const Slot& slot) {
  if (slot.opening) return Age::opening;
  return is_over(*slot.conn) ? Age::over : Age::alive;
}

std::size_t ConnectionSet::memory() const {
  std::size_t octets = table_.memory() + slots_.capacity() * sizeof(Slot) +
                       free_slots_.capacity() * sizeof(std::uint32_t) + last_used_.capacity() * sizeof(std::uint32_t);
  for (const Slot& slot : slots_) octets += slot.opening ? sizeof(Opening) : 0;
  each_connection([&octets](const TrackedConnection& c) { octets += c.memory(); });
  return octets;
}

std::uint32_t ConnectionSet::free_slot() {
  if (free_slots_.empty()) {
    slots_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t s = free_slots_.back();
  free_slots_.pop_back();
  return s;
}

void ConnectionSet::unlink(std::uint32_t s) {
  const Slot& slot = slots_[s];
  const auto age = static_cast<std::size_t>(slot.age);
  (slot.older == kNone ? oldest_[age] : slots_[slot.older].newer) = slot.newer;
  (slot.newer == kNone ? newest_[age] : slots_[slot.newer].older) = slot.older;
}

void ConnectionSet::link_newest(std::uint32_t s, Age age) {
  Slot& slot = slots_[s];
  slot.age = age;
  std::uint32_t& last = newest_[static_cast<std::size_t>(age)];
  slot.older = last;
  slot.newer = kNone;
  (last == kNone ? oldest_[static_cast<std::size_t>(age)] : slots_[last].newer) = s;
  last = s;
}

}  // namespace lastack
