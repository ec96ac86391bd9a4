// The scripted peer of a program: what it knows of one connection (from the stack's info, else from the wire), and how
// the relative choices of a step become a segment. It is not a TCP: it sends what the step says.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "conformance/sut/lastack_sut.h"
#include "fuzz/program.h"
#include "stack/sim/transfer.h"
#include "stack/wire/segment.h"

namespace lastack::fuzz {

inline constexpr std::uint16_t kListenPort = 80;
inline constexpr std::uint16_t kFirstPeerPort = 4000;
inline constexpr std::uint8_t kSlots = 4;

// The octet that the peer sends at a sequence number: overlapping segments agree, and every delivered octet can be
// checked.
inline std::byte peer_octet(std::uint32_t seq) { return stream_octet(seq, 1000); }
// The octet that the user of a slot gives at a position of the stream.
inline std::byte user_octet(std::uint64_t position, std::uint8_t slot) { return stream_octet(position, slot); }

// What the selectors are relative to.
struct View {
  bool exists = false;  // the stack has a connection: the numbers below are its own
  std::int32_t state = LASTACK_CLOSED;
  SeqNum irs, iss, una, nxt, rcv_nxt;
  std::uint32_t rcv_wnd = 65535;
  std::uint32_t snd_wnd = 0;
  std::uint32_t mss = 536;
  std::uint64_t unsent = 0;
  std::uint64_t time_wait_at = UINT64_MAX;
};

// One connection as the peer sees it: the wire's facts.
class Slot {
 public:
  void begin(std::uint8_t index, std::uint32_t peer_iss, bool ipv6, std::uint16_t mtu, const Program& program);

  std::uint16_t peer_port() const { return peer_port_; }
  std::uint16_t sut_port = kListenPort;
  std::int32_t conn = -1;

  // What the stack sent on this connection.
  void on_sent(const Segment& segment);
  // The view without info().
  View wire_view() const;
  SeqNum fresh() const;  // the ISS of the peer's next SYN
  SeqNum iss() const { return iss_; }
  bool iss_known() const { return iss_known_; }

  // The packet that a segment step means. The caller's buffer `out` must hold 9100 octets.
  std::size_t build(const Step& step, const View& view, std::uint64_t now, MutableBytes out);
  // A plain segment with exact numbers, timestamps as the connection needs them.
  std::size_t build_exact(Flags flags, SeqNum seq, SeqNum ack, std::uint32_t octets, std::uint64_t now,
                          MutableBytes out);
  // An ICMP error that quotes the connection.
  std::size_t build_icmp(const Step& step, const View& view, MutableBytes out) const;
  std::uint32_t longest_payload() const { return longest_payload_; }

  // The user's side, for the stream checks.
  std::uint64_t accepted = 0;   // octets that SEND took
  std::uint64_t emitted = 0;    // of these, seen on the wire
  std::uint64_t delivered = 0;  // octets that RECEIVE gave
  bool tainted = false;         // reset, aborted, ICMP: an orderly end is no longer owed
  std::optional<lastack_sut_info> last_info;
  void new_connection(std::int32_t handle);
  void set_iss(SeqNum iss) {
    iss_ = iss;
    iss_known_ = true;
  }

 private:
  SeqNum choose_seq(SeqChoice choice, const View& view, std::uint32_t len);
  static SeqNum choose_ack(AckChoice choice, const View& view);
  std::uint32_t choose_length(LengthChoice choice, const View& view) const;
  void apply_options(OptionChoice choice, Segment& segment, const View& view, std::uint64_t now);
  std::size_t finish(Segment& segment, OptionChoice choice, std::uint32_t octets, MutableBytes out);

  std::uint16_t peer_port_ = 0;
  bool ipv6_ = false, policy_ts_ = false, policy_sack_ = false, policy_scale_ = false;
  std::uint32_t longest_payload_ = 1400;
  std::uint32_t peer_iss_ = 0;
  std::uint32_t syns_ = 0;
  bool ts_on_ = false;  // the stack's SYN had the option
  std::uint32_t sut_tsval_ = 0, highest_tsval_ = 0;
  bool iss_known_ = false, acked_ = false;
  SeqNum iss_, sut_next_, sut_ack_, first_ack_;
  SeqNum peer_acked_;  // highest ACK the peer has sent
  std::uint32_t sut_window_ = 65535;
  std::uint8_t sut_scale_ = 0;
};

}  // namespace lastack::fuzz
