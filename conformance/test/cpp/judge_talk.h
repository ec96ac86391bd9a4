// A conversation written down segment by segment for the judge's tests: end a (192.0.2.1:4000) and end b
// (192.0.2.2:80), at a tap on the path, or with b as the judged stack (Vantage::endpoint). Options and IP
// identifications follow when asked for.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conformance/judge/in_order.h"
#include "conformance/judge/judge.h"
#include "stack/wire/segment.h"
#include "stack/wire/text.h"

namespace lastack::test {

struct S {
  const char* flags = "A";  // Scapy's letters
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::size_t len = 0;
  std::uint16_t wnd = 65535;
  std::function<void(Segment&)> tweak{};               // before it is written
  std::function<void(std::vector<std::byte>&)> raw{};  // after: the IP packet's bytes
  char fill = 'x';
  std::uint16_t cut = 0;  // octets of text that the capture left out, after `len`
};

// Two judges of the same segments, one of which goes no short way: they must note the same after each segment. Watched
// judges take SYNs in order, so they are not those whose findings are asked.
class Twins {
 public:
  explicit Twins(JudgeOptions options) : short_way_(watched(options, 0)), long_way_(watched(thorough(options), 1)) {}
  template <typename Give>
  void give(Give&& to) {
    at_[0] = at_[1] = nullptr;
    to(short_way_);
    to(long_way_);
    const bool same = (at_[0] == nullptr) == (at_[1] == nullptr) && (at_[0] == nullptr || same_facts(*at_[0], *at_[1]));
    EXPECT_TRUE(same) << "the short way notes other facts, at segment " << short_way_.counts().segments;
  }
  std::uint64_t in_order() const { return short_way_.counts().in_order; }

 private:
  static JudgeOptions thorough(JudgeOptions options) {
    options.ask_every_rule = true;
    return options;
  }
  JudgeOptions watched(JudgeOptions options, std::size_t which) {
    options.observer = [this, which](const TrackedConnection& conn, int, const SegmentInfo&) { at_[which] = &conn; };
    return options;
  }
  std::array<const TrackedConnection*, 2> at_{};
  Judge short_way_;
  Judge long_way_;
};

class Talk {
 public:
  explicit Talk(Vantage vantage = Vantage::path) : Talk(JudgeOptions{.vantage = vantage}) {}
  // On the path, with a tap at this place.
  explicit Talk(TapChoice tap, const Profile& profile = {})
      : Talk(JudgeOptions{.vantage = Vantage::path, .tap = tap, .profile = profile}) {}

  explicit Talk(JudgeOptions options)
      : judge(options),
        twins_(std::make_unique<Twins>(options)),
        thorough_((options.ask_every_rule = true, options)),
        endpoint_(options.vantage == Vantage::endpoint) {}

  Judge judge;
  bool timestamps = false;
  bool ids = false;
  Duration gap = std::chrono::milliseconds(10);  // between segments

  Talk& a(const S& s) { return send(0, s); }
  Talk& b(const S& s) { return send(1, s); }
  // SYN 100, SYN-ACK 300, ACK: the next numbers are 101 and 301.
  Talk& open(const std::function<void(Segment&)>& options = {}) {
    a({"S", 100, 0, 0, 65535, options});
    b({"SA", 300, 101, 0, 65535, options});
    return a({"A", 101, 301});
  }
  Talk& from_port(std::uint16_t port) {  // of a, from now on
    port_ = port;
    return *this;
  }
  // So many packets of this side were sent, but are not captured.
  Talk& skip_ids(std::size_t side, std::uint16_t packets) {
    next_id_[side] = static_cast<std::uint16_t>(next_id_[side] + packets);
    return *this;
  }
  Talk& wait(Duration d) {
    now_ += d;
    judge.advance(now_);
    thorough_.advance(now_);
    return *this;
  }
  // In every conversation the shortcuts (rules/triggers.h, in_order.h) must hide nothing.
  const std::vector<Finding>& findings() {
    judge.finish();
    thorough_.finish();
    EXPECT_EQ(all_of(judge), all_of(thorough_)) << "a rule lacks a trigger, or in_order.h misses something";
    return judge.findings();
  }
  std::string text() {
    findings();
    return all_of(judge);
  }
  // Segments that went the short way so far.
  std::uint64_t in_order() const { return twins_->in_order(); }
  bool violates(const std::string& rule) { return finds(rule, Verdict::violated); }
  bool notes(const std::string& rule) { return finds(rule, Verdict::note); }
  bool finds(const std::string& rule, Verdict verdict) {
    for (const Finding& f : findings()) {
      if (f.verdict == verdict && f.rule->id == rule) return true;
    }
    return false;
  }

 private:
  static std::string all_of(const Judge& judge) {
    std::string all;
    for (const Finding& f : judge.findings()) all += to_string(f) + "\n";
    return all;
  }

  void give(Judge& to, int side, Bytes packet, std::size_t wire_size) const {
    if (!endpoint_) {
      to.observed(now_, packet, number_, wire_size);
    } else if (side == 0) {
      to.received(now_, packet, number_);
    } else {
      to.sent(now_, packet, number_);
    }
  }

  Talk& send(int side, const S& s) {
    now_ += gap;
    ++clock_;
    Segment seg;
    seg.src_port = side == 0 ? port_ : std::uint16_t{80};
    seg.dst_port = side == 0 ? std::uint16_t{80} : port_;
    seg.seq = SeqNum(s.seq);
    seg.ack = SeqNum(s.ack);
    seg.flags = *parse_flags(s.flags);
    seg.wnd = s.wnd;
    const std::vector<std::byte> data(s.len, static_cast<std::byte>(s.fill));
    seg.payload = data;
    const auto mine = static_cast<std::size_t>(side);
    if (timestamps) {
      last_value_[mine] = clock_ * 10 + (side == 0 ? 1000U : 500000U);
      seg.options.timestamps = Timestamps{last_value_[mine], seg.flags.ack() ? last_value_[1 - mine] : 0};
    }
    if (s.tweak) s.tweak(seg);
    IpHeader ip;
    ip.src = *IpAddress::parse(side == 0 ? "192.0.2.1" : "192.0.2.2");
    ip.dst = *IpAddress::parse(side == 0 ? "192.0.2.2" : "192.0.2.1");
    ip.id = ids ? ++next_id_[mine] : std::uint16_t{0};
    std::vector<std::byte> packet(s.len + 120);
    packet.resize(write_packet(packet, ip, seg));
    if (s.cut != 0) store_be16(packet.data() + 2, static_cast<std::uint16_t>(packet.size() + s.cut));
    const std::size_t wire = packet.size() + s.cut;
    if (s.raw) s.raw(packet);  // which may cut it, too
    ++number_;
    const std::size_t wire_size = wire == packet.size() ? 0 : wire;
    give(judge, side, packet, wire_size);
    give(thorough_, side, packet, wire_size);
    twins_->give([&](Judge& to) { give(to, side, packet, wire_size); });
    return *this;
  }

  std::unique_ptr<Twins> twins_;
  Judge thorough_;  // asks every rule
  bool endpoint_;
  std::uint16_t port_ = 4000;
  Instant now_{std::chrono::seconds(1)};
  std::uint32_t clock_ = 0;
  std::uint64_t number_ = 0;
  std::array<std::uint32_t, 2> last_value_{};
  std::array<std::uint16_t, 2> next_id_{1000, 7000};
};

// The rules whose two conversations stand in judge_conduct_test.cpp.
std::vector<std::string> rules_with_conduct_cases();

// Makes the TCP checksum of a raw IPv4 packet right after a change.
void fix_checksum(std::vector<std::byte>& packet);

// For `.tweak`: these timestamps instead of the next ones.
inline auto with_stamp(std::uint32_t value, std::uint32_t echo) {
  return [value, echo](Segment& s) { s.options.timestamps = Timestamps{value, echo}; };
}

// For `.raw`: the packet is marked ECT(0).
inline void ect(std::vector<std::byte>& packet) { packet[1] |= std::byte{2}; }

// For `.tweak`: the segment carries SACK-Permitted.
inline void with_sack(Segment& s) { s.options.sack_permitted = true; }

}  // namespace lastack::test
