// One host and a scripted peer for the core's unit tests: segments in by hand, segments out as values, time by hand.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "stack/host/host.h"
#include "stack/wire/segment.h"
#include "stack/wire/text.h"

namespace lastack {

// The initial sequence numbers of a run; several pairs put the wrap into different places of the exchange.
struct Isns {
  std::uint32_t iss;
  std::uint32_t irs;
};
inline constexpr Isns kIsns[] = {{300, 100}, {0xffff'ffff, 0x7fff'ffff}, {0x7fff'fffe, 0xffff'fffe}, {0, 0xffff'fff0}};

class CoreFixture : public testing::Test {
 protected:
  static constexpr std::uint16_t kPort = 80, kPeerPort = 4000;

  // Plain segments: no timestamps, SACK or window scale, every segment acknowledged at once.
  static HostConfig plain() {
    HostConfig config;
    config.ip4 = IpAddress::v4(0xc000'0201U);
    config.ip6 = *IpAddress::parse("2001:db8::1");
    config.seed = 1;
    config.tcp.timestamps = false;
    config.tcp.sack = false;
    config.tcp.window_scale = false;
    config.tcp.delayed_ack = false;
    return config;
  }

  void start(const HostConfig& config, Isns isns = kIsns[0]) {
    isns_ = isns;
    now_ = instant_from_us(1'000'000);
    host_ = std::make_unique<Host>(config, now_);
    host_->set_next_iss(SeqNum(isns.iss));
  }

  Host& host() { return *host_; }
  SocketAddress peer() const { return {IpAddress::v4(0xc000'0202U), kPeerPort}; }
  const Tcb& tcb() const { return *host_->tcb(conn_); }
  State state() const { return host_->state(conn_); }

  // Sequence numbers relative to the ISNs: ours(1) is the first octet that we send.
  SeqNum ours(std::uint32_t offset) const { return SeqNum(isns_.iss) + offset; }
  SeqNum theirs(std::uint32_t offset) const { return SeqNum(isns_.irs) + offset; }

  Segment from_peer(Flags flags, SeqNum seq, SeqNum ack, std::size_t octets = 0) {
    Segment segment;
    segment.src_port = kPeerPort;
    segment.dst_port = kPort;
    segment.flags = flags;
    segment.seq = seq;
    segment.ack = ack;
    segment.wnd = 65535;
    segment.payload = octets_of_stream(octets);
    return segment;
  }
  void rx(const Segment& segment, std::uint8_t ecn = 0) {
    std::array<std::byte, 2048> packet{};
    IpHeader ip;
    ip.src = peer().ip;
    ip.dst = IpAddress::v4(0xc000'0201U);
    ip.dscp_ecn = ecn;
    const std::size_t size = write_packet(packet, ip, segment);
    ASSERT_NE(size, 0U);
    host_->on_packet(now_, Bytes(packet).first(size));
  }
  void rx(Flags flags, SeqNum seq, SeqNum ack, std::size_t octets = 0) { rx(from_peer(flags, seq, ack, octets)); }

  // Everything that the host wants to send now; sizes of payloads and ECN fields are kept beside it.
  std::vector<Segment> tx() {
    std::vector<Segment> all;
    payload_sizes_.clear();
    ecn_fields_.clear();
    std::array<std::byte, 2048> packet{};
    while (const std::size_t size = host_->poll_transmit(now_, packet)) {
      const auto parsed = parse_packet(Bytes(packet).first(size));
      EXPECT_TRUE(parsed.ok());
      if (!parsed.ok()) break;
      all.push_back(parsed->tcp);
      ecn_fields_.push_back(parsed->ip.ecn());
      payload_sizes_.push_back(parsed->tcp.payload.size());
      all.back().payload = {};
      if (all.size() > 1000) {
        ADD_FAILURE() << "the host does not stop sending";
        break;
      }
    }
    return all;
  }
  // "ACK seq=1 ack=1 len=100; FIN,ACK ..." with numbers relative to the ISNs (SEQ to ours, ACK to theirs).
  std::string tx_text() {
    std::string text;
    const auto all = tx();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Segment& s = all[i];
      if (i != 0) text += "; ";
      text += flags_text(s.flags) + " seq=" + std::to_string(octets_between(ours(0), s.seq));
      if (s.flags.ack()) text += " ack=" + std::to_string(octets_between(theirs(0), s.ack));
      if (payload_sizes_[i] != 0) text += " len=" + std::to_string(payload_sizes_[i]);
    }
    return text;
  }

  // Runs the timers that are due on the way; what is sent meanwhile is returned as text with times in seconds from
  // here.
  std::string advance(Duration by) {
    std::string text;
    const Instant from = now_;
    const Instant until = now_ + by;
    while (const auto next = host_->next_timeout()) {
      if (*next > until) break;
      now_ = std::max(now_, *next);
      host_->on_timeout(now_);
      const std::string sent = tx_text();
      if (sent.empty()) continue;
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now_ - from).count();
      text += (text.empty() ? "" : "; ") + std::to_string(ms) + "ms " + sent;
    }
    now_ = until;
    return text;
  }

  void listen() {
    const auto id = host_->listen(now_, kPort, 8);
    ASSERT_TRUE(id.ok());
    listener_ = *id;
    conn_ = *id;
  }
  void find() {
    const auto id = host_->find(kPort, peer());
    ASSERT_TRUE(id.has_value());
    conn_ = *id;
  }
  void accept() {
    const auto id = host_->accept(listener_);
    ASSERT_TRUE(id.ok());
    conn_ = *id;
  }
  void connect() {
    const auto id = host_->connect(now_, kPort, peer());
    ASSERT_TRUE(id.ok());
    conn_ = *id;
  }
  // ESTABLISHED through a passive OPEN; the next numbers are ours(1) and theirs(1).
  void establish(std::uint16_t peer_window = 65535, std::uint16_t peer_mss = 1000) {
    listen();
    Segment syn = from_peer(kSyn, theirs(0), SeqNum(0));
    syn.options.mss = peer_mss;
    rx(syn);
    Segment ack = from_peer(kAck, theirs(1), ours(1));
    tx();
    ack.wnd = peer_window;
    rx(ack);
    accept();
    ASSERT_EQ(state(), State::established);
    tx();
  }
  std::size_t send(std::size_t octets) {
    const auto taken = host_->send(now_, conn_, octets_of_stream(octets));
    EXPECT_TRUE(taken.ok());
    return taken.ok() ? *taken : 0;
  }
  std::size_t receive(std::size_t most = 65535) {
    std::vector<std::byte> buffer(most);
    const auto result = host_->receive(now_, conn_, buffer);
    EXPECT_TRUE(result.ok());
    return result.ok() ? result->octets : 0;
  }
  std::vector<Event::Kind> events() {
    std::vector<Event::Kind> kinds;
    while (const auto event = host_->poll_event()) kinds.push_back(event->kind);
    return kinds;
  }
  bool told(Event::Kind kind) {
    const auto kinds = events();
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  }

  static Bytes octets_of_stream(std::size_t octets) {
    static const std::vector<std::byte> kOctets = [] {
      std::vector<std::byte> all(200'000);
      for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::byte>(i & 0xffU);
      return all;
    }();
    return Bytes(kOctets).first(octets);
  }

  Isns isns_ = kIsns[0];
  Instant now_{};
  std::unique_ptr<Host> host_;
  ConnId conn_ = ConnId::none;
  ConnId listener_ = ConnId::none;
  std::vector<std::size_t> payload_sizes_;
  std::vector<std::uint8_t> ecn_fields_;
};

}  // namespace lastack
