// The core as a contender: two hosts, each with its application, joined by a ring of frames that one host writes in
// place and the other reads in place. Owns that ring and the two applications; sees of the core only Host.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "stack/bench/contenders.h"
#include "stack/host/host.h"

namespace lastack::bench {

namespace {

constexpr std::size_t kRing = 256;  // frames; both windows hold 88
constexpr std::uint16_t kServerPorts = 4;
constexpr std::uint16_t kFirstClientPort = 1024;
constexpr std::uint16_t kClientPorts =
    60'000;  // for each server port, so that 240,000 connections can be in TIME-WAIT at once

class TwoHosts final : public TextReader {
 public:
  explicit TwoHosts(const bench_config& config)
      : config_(config),
        client_config_(host_config("192.0.2.2")),
        server_config_(host_config("192.0.2.1")),
        frames_(std::make_unique<Frame[]>(kRing)) {
    restart();
  }

  std::size_t take(ConnId conn, Bytes text) noexcept override;
  void bulk(std::uint64_t octets, bench_count& count);
  void connections(std::uint64_t n, bench_count& count);
  std::uint64_t open_idle(std::uint32_t n);
  void rest();
  void restart();
  void restart_server(std::uint16_t ports);
  void arrive(Bytes frame);
  std::size_t next_frame(MutableBytes out);

 private:
  struct Frame {
    Bytes packet() const { return {octets.data(), size}; }

    Host* to = nullptr;
    std::size_t size = 0;
    std::array<std::byte, 2032> octets;  // so that a frame has 2048
  };

  HostConfig host_config(const char* address) const;
  // In place: a call of its own would be counted with what is measured.
  [[gnu::always_inline]] void transmit(Host& from, Host& to);
  void show(MutableBytes frame) const;
  // Takes the oldest frame out of the ring; null when there is none.
  const Frame* next_delivery();
  // Hands it over.
  Host* deliver();
  // After a call of `acted`: until nothing moves any more.
  void pump(Host& acted, Host& other);
  void tell_events();
  bool open();
  void write_more();
  void read_all();
  void expire_time_wait();

  bench_config config_;
  HostConfig client_config_;
  HostConfig server_config_;
  const Duration two_msl_ = 2 * Config{}.msl;
  std::unique_ptr<Frame[]> frames_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::uint64_t entered_ = 0;
  std::optional<Host> client_;
  std::optional<Host> server_;
  std::array<ConnId, kServerPorts> listeners_{};
  Instant now_{};
  std::uint32_t opened_ = 0;
  ConnId active_ = ConnId::none;
  ConnId passive_ = ConnId::none;
  std::vector<std::byte> text_ = std::vector<std::byte>(BENCH_MSS);
  std::uint64_t left_ = 0;      // octets that the client has yet to send
  std::uint64_t received_ = 0;  // that the server has read
};

HostConfig TwoHosts::host_config(const char* address) const {
  HostConfig host;
  host.ip4 = *IpAddress::parse(address);
  host.mtu = BENCH_MTU;
  host.checksums = config_.checksums != 0 ? Checksums::written : Checksums::offloaded;
  const bool on = config_.features != 0;
  host.tcp.snd_buf = BENCH_WINDOW;
  host.tcp.rcv_buf = BENCH_WINDOW;
  host.tcp.timestamps = on;
  host.tcp.sack = on;
  host.tcp.window_scale = on;
  host.tcp.congestion = on ? CongestionControl::cubic : CongestionControl::none;
  host.tcp.nagle = false;
  return host;
}

void TwoHosts::restart() {
  head_ = tail_ = 0;
  client_.emplace(client_config_, now_);
  restart_server(kServerPorts);
}

void TwoHosts::restart_server(std::uint16_t ports) {
  server_.emplace(server_config_, now_);
  for (std::uint16_t i = 0; i < ports; ++i) {
    auto listener = server_->listen(now_, static_cast<std::uint16_t>(BENCH_PORT + i), 1'000'000);
    LASTACK_CHECK(listener.ok());
    listeners_[i] = *listener;
  }
}

inline void TwoHosts::transmit(Host& from, Host& to) {
  while (from.has_output(now_) && tail_ - head_ < kRing) {
    Frame& frame = frames_[tail_ % kRing];
    frame.size = from.poll_transmit(now_, frame.octets);
    if (frame.size == 0) return;
    frame.to = &to;
    ++tail_;
    ++entered_;
    show({frame.octets.data(), frame.size});
  }
}

void TwoHosts::show(MutableBytes frame) const {
  if (config_.tap == nullptr) return;
  config_.tap(config_.tap_context, reinterpret_cast<std::uint8_t*>(frame.data()), frame.size());
}

const TwoHosts::Frame* TwoHosts::next_delivery() { return head_ == tail_ ? nullptr : &frames_[head_++ % kRing]; }

Host* TwoHosts::deliver() {
  const Frame* const frame = next_delivery();
  if (frame == nullptr) return nullptr;
  frame->to->on_packet(now_, frame->packet());
  return frame->to;
}

void TwoHosts::pump(Host& acted, Host& other) {
  transmit(acted, other);
  while (Host* to = deliver()) transmit(*to, to == &*client_ ? *server_ : *client_);
  tell_events();
}

void TwoHosts::tell_events() {
  while (client_->poll_event() || server_->poll_event()) {
  }
}

bool TwoHosts::open() {
  const std::uint32_t number = opened_++;
  const auto which = static_cast<std::uint16_t>(number / kClientPorts % kServerPorts);
  const auto port = static_cast<std::uint16_t>(kFirstClientPort + number % kClientPorts);
  auto active = client_->connect(now_, port, {server_config_.ip4, static_cast<std::uint16_t>(BENCH_PORT + which)});
  if (!active) return false;
  active_ = *active;
  pump(*client_, *server_);
  auto passive = server_->accept(listeners_[which]);
  if (!passive) return false;
  passive_ = *passive;
  return true;
}

void TwoHosts::write_more() {
  std::uint64_t most = std::min<std::uint64_t>(left_, client_->send_room(active_));
  while (most > 0) {
    auto taken = client_->send(now_, active_, Bytes(text_).first(std::min<std::uint64_t>(most, text_.size())));
    if (!taken) return;
    left_ -= *taken;
    most -= *taken;
  }
}

// The server's application in bulk transfer looks at the text where it lies in the frame, as lwIP's does.
std::size_t TwoHosts::take(ConnId, Bytes text) noexcept {
  received_ += text.size();
  return text.size();
}

// And in the replay, in the receive queue.
void TwoHosts::read_all() {
  for (std::size_t unread = 1; unread != 0;) {
    const Bytes text = server_->peek(passive_);
    if (text.empty()) return;
    auto done = server_->consume(now_, passive_, text.size());
    if (!done) return;
    received_ += done->octets;
    unread = done->unread;
  }
}

// Each application knows its one connection: it reads or writes after every frame, and hears events when a run of
// frames for its host is over.
void TwoHosts::bulk(std::uint64_t octets, bench_count& count) {
  const std::uint64_t before = entered_;
  received_ = 0;
  left_ = octets;
  if (open()) {
    write_more();
    transmit(*client_, *server_);
    while (const Frame* frame = next_delivery()) {
      if (frame->to == &*server_) {
        server_->on_packet(now_, frame->packet(), *this);
        transmit(*server_, *client_);
      } else {
        client_->on_packet(now_, frame->packet());
        write_more();
        transmit(*client_, *server_);
      }
      if (head_ == tail_ || frames_[head_ % kRing].to != frame->to) tell_events();
    }
  }
  count.octets += received_;
  count.frames += entered_ - before;
  restart();
}

// The clock moves so that at any time as many TIME-WAIT connections are left as the configuration wants.
void TwoHosts::expire_time_wait() {
  now_ += config_.resident == 0 ? two_msl_ : two_msl_ / config_.resident;
  client_->on_timeout(now_);
}

void TwoHosts::connections(std::uint64_t n, bench_count& count) {
  const std::uint64_t before = entered_;
  for (std::uint64_t i = 0; i < n && open(); ++i) {
    if (!client_->close(now_, active_)) break;
    pump(*client_, *server_);
    if (!server_->close(now_, passive_)) break;
    pump(*server_, *client_);
    expire_time_wait();
  }
  count.frames += entered_ - before;
}

std::uint64_t TwoHosts::open_idle(std::uint32_t n) {
  for (std::uint32_t i = 0; i < n; ++i) {
    if (!open()) return 0;
  }
  return 2ULL * n;
}

void TwoHosts::rest() {
  now_ += std::chrono::seconds(2);
  for (Host* host : {&*client_, &*server_}) host->on_timeout(now_);
  // A host looks at some of its connections whenever it has nothing to send.
  for (std::size_t awake = 0; awake != client_->tcbs() + server_->tcbs();) {
    awake = client_->tcbs() + server_->tcbs();
    transmit(*server_, *client_);
    pump(*client_, *server_);
  }
}

// The application of the replay: takes the connection, reads, and closes when its peer has closed.
void TwoHosts::arrive(Bytes frame) {
  server_->on_packet(now_, frame);
  while (auto event = server_->poll_event()) {
    if (event->kind == Event::Kind::acceptable) {
      if (auto accepted = server_->accept(event->conn)) passive_ = *accepted;
    } else if (event->kind == Event::Kind::readable) {
      read_all();
    } else if (event->kind == Event::Kind::peer_closed) {
      LASTACK_CHECK(server_->close(now_, passive_).ok());
    }
  }
}

std::size_t TwoHosts::next_frame(MutableBytes out) {
  const std::size_t size = server_->poll_transmit(now_, out);
  if (size != 0) show(out.first(size));
  return size;
}

// The contract.

TwoHosts& self(void* pair) { return *static_cast<TwoHosts*>(pair); }

void* create(const bench_config* config, const char**) { return new TwoHosts(*config); }

#define LASTACK_BENCH_TEXT_OF(x) #x
#define LASTACK_BENCH_TEXT(x) LASTACK_BENCH_TEXT_OF(x)

constexpr bench_contender kCore = {
    BENCH_ABI,
    "lastack",
    LASTACK_BENCH_TEXT(LASTACK_VERSION),
    __VERSION__ " " LASTACK_BENCH_TEXT(LASTACK_BENCH_BUILD),
    create,
    [](void* pair) { delete &self(pair); },
    [](void* pair, std::uint64_t octets, bench_count* count) { self(pair).bulk(octets, *count); },
    [](void* pair, std::uint64_t n, bench_count* count) { self(pair).connections(n, *count); },
    [](void* pair, std::uint32_t n) { return self(pair).open_idle(n); },
    [](void* pair) { self(pair).restart_server(1); },
    [](void*, std::uint32_t) {},
    [](void* pair, const std::uint8_t* frame, std::size_t size) { self(pair).arrive(as_bytes(frame, size)); },
    [](void* pair, std::uint8_t* frame, std::size_t room) {
      return self(pair).next_frame({reinterpret_cast<std::byte*>(frame), room});
    },
    nullptr,
    [](void* pair) { self(pair).rest(); },
};

}  // namespace

const bench_contender* core_contender() { return &kCore; }

}  // namespace lastack::bench
