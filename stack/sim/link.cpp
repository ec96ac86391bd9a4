// Implementation of link.h.
#include "stack/sim/link.h"

#include <algorithm>

namespace lastack {

const char* to_string(Fate fate) {
  switch (fate) {
    case Fate::deliver: return "deliver";
    case Fate::lose: return "lose";
    case Fate::duplicate: return "duplicate";
    case Fate::corrupt: return "corrupt";
    case Fate::hold_back: return "hold-back";
  }
  return "?";
}

Fate Link::choose_fate() {
  if (!script_.empty()) {
    const Fate fate = script_.front();
    script_.pop_front();
    return fate;
  }
  // Every rate draws once for each packet: a change of one rate leaves the draws of the others in place.
  const bool lose = prng_.chance(config_.loss_ppm);
  const bool duplicate = prng_.chance(config_.duplicate_ppm);
  const bool corrupt = prng_.chance(config_.corrupt_ppm);
  const bool hold_back = prng_.chance(config_.reorder_ppm);
  if (lose) return Fate::lose;
  if (corrupt) return Fate::corrupt;
  if (duplicate) return Fate::duplicate;
  return hold_back ? Fate::hold_back : Fate::deliver;
}

Instant Link::arrival_time(Instant now, std::size_t octets, Fate fate) {
  Instant departure = now;
  if (config_.rate_bps != 0) {
    const auto nanoseconds = static_cast<std::int64_t>(octets * 8 * 1'000'000'000ULL / config_.rate_bps);
    free_at_ = std::max(free_at_, now) + Duration(nanoseconds);
    departure = free_at_;
  }
  const auto jitter = prng_.below(static_cast<std::uint64_t>(config_.jitter.count()) + 1);
  Instant arrival = departure + config_.delay + Duration(static_cast<std::int64_t>(jitter));
  if (fate == Fate::hold_back) arrival += config_.reorder_delay;
  return arrival;
}

Fate Link::send(Instant now, Bytes packet) {
  ++counts_.sent;
  const Fate fate = choose_fate();
  if (packet.size() > config_.mtu) {
    ++counts_.too_big;
    return Fate::lose;
  }
  if (fate == Fate::lose) {
    ++counts_.lost;
    return fate;
  }
  if (config_.rate_bps != 0 && config_.queue_octets != 0 && free_at_ > now) {
    const auto waiting_ns = static_cast<std::uint64_t>((free_at_ - now).count());
    const std::uint64_t waiting_octets = waiting_ns / 1000 * (config_.rate_bps / 8) / 1'000'000;
    if (waiting_octets + packet.size() > config_.queue_octets) {
      ++counts_.queue_full;
      return Fate::lose;
    }
  }
  if (fate == Fate::corrupt) ++counts_.corrupted;
  if (fate == Fate::hold_back) ++counts_.held_back;
  const Instant arrival = arrival_time(now, packet.size(), fate);
  enqueue(arrival, packet, fate == Fate::corrupt);
  if (fate == Fate::duplicate) {
    ++counts_.duplicated;
    enqueue(arrival, packet, false);
  }
  return fate;
}

void Link::enqueue(Instant arrival, Bytes packet, bool corrupt) {
  std::vector<std::byte> copy = take_buffer();
  copy.assign(packet.begin(), packet.end());
  if (corrupt && !copy.empty()) {
    // The change of a single octet never cancels out in a ones' complement sum, so the receiver must notice it.
    const std::size_t at = prng_.below(copy.size());
    copy[at] ^= static_cast<std::byte>(1 + prng_.below(255));
  }
  queue_.push_back(InFlight{arrival, order_++, std::move(copy)});
  std::push_heap(queue_.begin(), queue_.end(), later);
}

std::vector<std::byte> Link::take_buffer() {
  if (spare_.empty()) return {};
  std::vector<std::byte> buffer = std::move(spare_.back());
  spare_.pop_back();
  return buffer;
}

std::optional<Instant> Link::next_arrival() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.front().arrival;
}

std::optional<Bytes> Link::receive(Instant now) {
  if (queue_.empty() || queue_.front().arrival > now) return std::nullopt;
  std::pop_heap(queue_.begin(), queue_.end(), later);
  if (received_.capacity() != 0) spare_.push_back(std::move(received_));
  received_ = std::move(queue_.back().packet);
  queue_.pop_back();
  ++counts_.delivered;
  return Bytes(received_);
}

}  // namespace lastack
