// The core as a contender on a path: two hosts that know nothing of each other but what the path brings. One table for
// each congestion controller, so that they can be told apart. Sees of the core only Host.
#include <array>
#include <optional>

#include "stack/bench/path_contenders.h"
#include "stack/host/host.h"

namespace lastack::bench {

namespace {

constexpr std::uint16_t kPort = 80;

class TwoEnds {
 public:
  explicit TwoEnds(CongestionControl congestion) {
    receiver_.emplace(config("192.0.2.1", congestion), Instant{});
    sender_.emplace(config("192.0.2.2", congestion), Instant{});
    auto listener = receiver_->listen(Instant{}, kPort, 1);
    auto active = sender_->connect(Instant{}, 0, {*IpAddress::parse("192.0.2.1"), kPort});
    LASTACK_CHECK(listener.ok() && active.ok());
    listener_ = *listener;
    active_ = *active;
  }

  void arrive(Instant now, bool to_receiver, Bytes frame) {
    (to_receiver ? *receiver_ : *sender_).on_packet(now, frame);
    applications(now);
  }

  void run(Instant now) {
    receiver_->on_timeout(now);
    sender_->on_timeout(now);
    applications(now);
  }

  std::optional<Instant> next() const {
    const auto a = receiver_->next_timeout();
    const auto b = sender_->next_timeout();
    return a && b ? std::min(*a, *b) : a ? a : b;
  }

  std::size_t take(Instant now, bool& to_receiver, MutableBytes out) {
    to_receiver = true;
    if (const std::size_t size = sender_->poll_transmit(now, out); size != 0) return size;
    to_receiver = false;
    return receiver_->poll_transmit(now, out);
  }

  std::uint64_t received() const { return received_; }

 private:
  static HostConfig config(const char* address, CongestionControl congestion) {
    HostConfig host;
    host.ip4 = *IpAddress::parse(address);
    host.tcp.snd_buf = BENCH_PATH_WINDOW;
    host.tcp.rcv_buf = BENCH_PATH_WINDOW;
    host.tcp.nagle = false;
    host.tcp.congestion = congestion;
    return host;
  }

  void applications(Instant now) {
    while (receiver_->poll_event() || sender_->poll_event()) {
    }
    if (sender_->state(active_) == State::established) {
      static constexpr std::array<std::byte, 16384> text{};
      for (auto taken = sender_->send(now, active_, text); taken && *taken == text.size();) {
        taken = sender_->send(now, active_, text);
      }
    }
    if (passive_ == ConnId::none) {
      auto accepted = receiver_->accept(listener_);
      if (!accepted) return;
      passive_ = *accepted;
    }
    for (Bytes text = receiver_->peek(passive_); !text.empty(); text = receiver_->peek(passive_)) {
      auto done = receiver_->consume(now, passive_, text.size());
      if (!done) return;
      received_ += done->octets;
    }
  }

  std::optional<Host> receiver_;
  std::optional<Host> sender_;
  ConnId listener_ = ConnId::none;
  ConnId active_ = ConnId::none;
  ConnId passive_ = ConnId::none;
  std::uint64_t received_ = 0;
};

TwoEnds& self(void* pair) { return *static_cast<TwoEnds*>(pair); }
Instant instant_at(std::uint64_t us) { return Instant{} + std::chrono::microseconds(us); }

std::uint64_t next(void* pair, std::uint64_t) {
  const auto due = self(pair).next();
  if (!due) return UINT64_MAX;
  // Rounded up: at an earlier microsecond the timer would not be due.
  return static_cast<std::uint64_t>((due->time_since_epoch().count() + 999) / 1000);
}

std::size_t take(void* pair, std::uint64_t now_us, int* to_receiver, std::uint8_t* frame, std::size_t room) {
  bool forward = false;
  const std::size_t size = self(pair).take(instant_at(now_us), forward, {reinterpret_cast<std::byte*>(frame), room});
  *to_receiver = forward ? 1 : 0;
  return size;
}

template <CongestionControl Congestion>
constexpr bench_path_contender contender(const char* name, const char* configuration) {
  return {BENCH_PATH_ABI,
          name,
          "",
          configuration,
          [](const char**) -> void* { return new TwoEnds(Congestion); },
          [](void* pair) { delete &self(pair); },
          [](void* pair, std::uint64_t now_us, int to_receiver, const std::uint8_t* frame, std::size_t size) {
            self(pair).arrive(instant_at(now_us), to_receiver != 0, as_bytes(frame, size));
          },
          [](void* pair, std::uint64_t now_us) { self(pair).run(instant_at(now_us)); },
          next,
          take,
          [](void* pair) { return self(pair).received(); }};
}

constexpr bench_path_contender kReno = contender<CongestionControl::reno>("lastack", "Reno, RACK-TLP, PRR, F-RTO");
constexpr bench_path_contender kCubic = contender<CongestionControl::cubic>("lastack-cubic", "the same with CUBIC");

}  // namespace

std::vector<const bench_path_contender*> core_path_contenders() { return {&kReno, &kCubic}; }

}  // namespace lastack::bench
