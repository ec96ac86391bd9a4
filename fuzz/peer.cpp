// Implementation of peer.h.
#include "fuzz/peer.h"

#include <algorithm>

#include "fuzz/sut.h"
#include "stack/sim/transfer.h"
#include "stack/wire/checksum.h"

namespace lastack::fuzz {

void Slot::begin(std::uint8_t index, std::uint32_t peer_iss, bool ipv6, std::uint16_t mtu, const Program& program) {
  peer_port_ = static_cast<std::uint16_t>(kFirstPeerPort + index);
  peer_iss_ = (SeqNum(peer_iss) + index * 0x01000000U).raw();
  ipv6_ = ipv6;
  policy_ts_ = program.on(HeaderField::timestamps);
  policy_sack_ = program.on(HeaderField::sack);
  policy_scale_ = program.on(HeaderField::window_scale);
  // Room for the IP header, 20 octets of TCP header and the longest options.
  longest_payload_ = mtu - (ipv6 ? 40U : 20U) - 60U;
}

void Slot::new_connection(std::int32_t handle) {
  conn = handle;
  accepted = emitted = delivered = 0;
  tainted = false;
  last_info.reset();
}

SeqNum Slot::fresh() const { return SeqNum(peer_iss_) + syns_ * 100'000U; }

void Slot::on_sent(const Segment& segment) {
  if (segment.flags.syn()) {
    iss_ = segment.seq;
    iss_known_ = true;
    sut_next_ = segment.seq + 1;
    peer_acked_ = segment.seq;
    acked_ = false;
    ts_on_ = policy_ts_ && segment.options.timestamps.has_value();
    sut_scale_ =
        policy_scale_ && segment.options.window_scale ? std::min<std::uint8_t>(*segment.options.window_scale, 14) : 0;
    sut_port = segment.src_port;
  } else if (iss_known_ && !segment.flags.rst()) {
    sut_next_ = later_of(sut_next_, segment.end());
  }
  if (segment.flags.ack() && !segment.flags.rst()) {
    if (!acked_) first_ack_ = segment.ack;
    acked_ = true;
    sut_ack_ = segment.ack;
    sut_window_ = segment.flags.syn() ? segment.wnd : static_cast<std::uint32_t>(segment.wnd) << sut_scale_;
  }
  if (segment.options.timestamps) sut_tsval_ = segment.options.timestamps->value;
}

View Slot::wire_view() const {
  View view;
  view.iss = iss_;
  view.una = peer_acked_;
  view.nxt = sut_next_;
  view.irs = acked_ ? first_ack_ - 1 : fresh();
  view.rcv_nxt = acked_ ? sut_ack_ : fresh();
  view.rcv_wnd = sut_window_;
  return view;
}

SeqNum Slot::choose_seq(SeqChoice choice, const View& view, std::uint32_t len) {
  const SeqNum nxt = view.rcv_nxt;
  const SeqNum edge = nxt + view.rcv_wnd;
  switch (choice) {
    case SeqChoice::nxt: return nxt;
    case SeqChoice::nxt_plus_1: return nxt + 1;
    case SeqChoice::nxt_minus_1: return nxt - 1;
    case SeqChoice::nxt_minus_len: return nxt - len;
    case SeqChoice::before_nxt: return nxt - len - 1;
    case SeqChoice::overlap: return nxt - len / 2;
    case SeqChoice::hole: return nxt + std::max(len, 1U);
    case SeqChoice::edge_minus_1: return edge - 1;
    case SeqChoice::edge: return edge;
    case SeqChoice::edge_plus_1: return edge + 1;
    case SeqChoice::edge_minus_len: return edge - len;
    case SeqChoice::far: return nxt + 0x80000000U;
    case SeqChoice::irs: return view.irs;
    case SeqChoice::fresh: return fresh();
  }
  return nxt;
}

SeqNum Slot::choose_ack(AckChoice choice, const View& view) {
  switch (choice) {
    case AckChoice::nxt: return view.nxt;
    case AckChoice::una: return view.una;
    case AckChoice::una_plus_1: return view.una + 1;
    case AckChoice::una_minus_1: return view.una - 1;
    case AckChoice::nxt_plus_1: return view.nxt + 1;
    case AckChoice::nxt_minus_1: return view.nxt - 1;
    case AckChoice::middle: return view.una + octets_between(view.una, view.nxt) / 2;
    case AckChoice::far: return view.nxt + 0x80000000U;
    case AckChoice::iss: return view.iss;
    case AckChoice::iss_plus_1: return view.iss + 1;
    case AckChoice::old: return view.una - 70'000;
    case AckChoice::zero: return SeqNum(0);
    case AckChoice::una_plus_mss: return view.una + view.mss;
  }
  return view.nxt;
}

std::uint32_t Slot::choose_length(LengthChoice choice, const View& view) const {
  const auto capped = [this](std::uint32_t n) { return std::min(n, longest_payload_); };
  switch (choice) {
    case LengthChoice::n0: return 0;
    case LengthChoice::n1: return 1;
    case LengthChoice::n2: return 2;
    case LengthChoice::n3: return 3;
    case LengthChoice::n10: return 10;
    case LengthChoice::n100: return 100;
    case LengthChoice::n536: return capped(536);
    case LengthChoice::n1000: return capped(1000);
    case LengthChoice::mss: return longest_payload_;
    case LengthChoice::wnd: return capped(view.rcv_wnd);
    case LengthChoice::wnd_plus_1: return capped(std::min(view.rcv_wnd, longest_payload_) + 1);
  }
  return 0;
}

void Slot::apply_options(OptionChoice choice, Segment& segment, const View& view, std::uint64_t now) {
  Options& options = segment.options;
  if (segment.flags.syn()) {
    options.mss = 1460;
    if (policy_scale_) options.window_scale = 2;
    options.sack_permitted = policy_sack_;
  }
  const bool stamp = segment.flags.syn() ? policy_ts_ : ts_on_;
  std::uint32_t value = std::max(highest_tsval_, static_cast<std::uint32_t>(now / 1000 % 0x40000000U) + 1000);
  if (choice == OptionChoice::ts_future) value += 100'000;
  const bool old = choice == OptionChoice::ts_old && value > 5000;
  if (stamp && choice != OptionChoice::no_ts) {
    options.timestamps = Timestamps{old ? value - 5000 : value, segment.flags.ack() ? sut_tsval_ : 0};
    highest_tsval_ = value;
  }
  const std::uint32_t flight = octets_between(view.una, view.nxt);
  switch (choice) {
    case OptionChoice::none:
    case OptionChoice::ts_old:
    case OptionChoice::ts_future:
    case OptionChoice::no_ts: break;
    case OptionChoice::mss_536: options.mss = 536; break;
    case OptionChoice::mss_0: options.mss = 0; break;
    case OptionChoice::full:
      options.window_scale = 7;
      options.sack_permitted = true;
      break;
    case OptionChoice::scale_15: options.window_scale = 15; break;
    case OptionChoice::sack:
      options.sack_count = 1;
      options.sack[0] = {view.una + flight / 2, view.nxt};
      break;
    case OptionChoice::sack_bogus:
      options.sack_count = 2;
      options.sack[0] = {view.nxt + 1, view.una};
      options.sack[1] = {view.nxt + 10, view.nxt + 0x80000000U};
      break;
    case OptionChoice::unknown:
    case OptionChoice::bad_length:
      options = Options{};
      options.mss = 1460;  // its octets are overwritten when the packet is there
      break;
  }
}

std::size_t Slot::finish(Segment& segment, OptionChoice choice, std::uint32_t octets, MutableBytes out) {
  const IpHeader ip{.src = peer_address(ipv6_), .dst = local_address(ipv6_)};
  const std::size_t header = ip_header_size(ip.src.version) + tcp_header_size(segment);
  const std::uint32_t first = (segment.seq + (segment.flags.syn() ? 1U : 0U)).raw();
  for (std::uint32_t i = 0; i < octets; ++i) out[header + i] = peer_octet((SeqNum(first) + i).raw());
  segment.payload = out.subspan(header, octets);
  const std::size_t size = write_packet(out, ip, segment);
  if (choice != OptionChoice::unknown && choice != OptionChoice::bad_length) return size;
  // The writer knows only valid options: these two are patched in, and the checksum made right again.
  std::byte* tcp = &out[ip_header_size(ip.src.version)];
  store_u8(tcp + 20, choice == OptionChoice::unknown ? 253 : 2);
  store_u8(tcp + 21, choice == OptionChoice::unknown ? 4 : 1);
  store_be16(tcp + 16, 0);
  store_be16(tcp + 16, tcp_checksum(ip.src, ip.dst, Bytes(tcp, size - ip_header_size(ip.src.version))));
  return size;
}

std::size_t Slot::build(const Step& step, const View& view, std::uint64_t now, MutableBytes out) {
  const auto seq_choice = static_cast<SeqChoice>(step.arg[arg_seq]);
  const auto option_choice = static_cast<OptionChoice>(step.arg[arg_options]);
  Segment segment;
  segment.src_port = peer_port_;
  segment.dst_port = sut_port == 0 ? kListenPort : sut_port;
  segment.flags = Flags{flag_bits(step.arg[arg_flags])};
  segment.wnd = window_value(step.arg[arg_window]);
  const std::uint32_t octets = choose_length(static_cast<LengthChoice>(step.arg[arg_len]), view);
  const std::uint32_t len = octets + (segment.flags.syn() ? 1U : 0U) + (segment.flags.fin() ? 1U : 0U);
  if (segment.flags.syn() && seq_choice == SeqChoice::fresh && view.exists && view.state != LASTACK_SYN_SENT) ++syns_;
  segment.seq = choose_seq(seq_choice, view, len);
  segment.ack = segment.flags.ack() ? choose_ack(static_cast<AckChoice>(step.arg[arg_ack]), view) : SeqNum(0);
  if (segment.flags.urg()) segment.urg = static_cast<std::uint16_t>(octets);
  if (segment.flags.ack() && before(peer_acked_, segment.ack) && at_or_before(segment.ack, sut_next_))
    peer_acked_ = segment.ack;
  apply_options(option_choice, segment, view, now);
  return finish(segment, option_choice, octets, out);
}

std::size_t Slot::build_exact(Flags flags, SeqNum seq, SeqNum ack, std::uint32_t octets, std::uint64_t now,
                              MutableBytes out) {
  Segment segment;
  segment.src_port = peer_port_;
  segment.dst_port = sut_port == 0 ? kListenPort : sut_port;
  segment.flags = flags;
  segment.wnd = 65535;
  segment.seq = seq;
  segment.ack = ack;
  apply_options(OptionChoice::none, segment, View{}, now);
  return finish(segment, OptionChoice::none, octets, out);
}

std::size_t Slot::build_icmp(const Step& step, const View& view, MutableBytes out) const {
  struct Message {
    std::uint8_t type4, code4, type6, code6;
  };
  static constexpr std::array<Message, 6> kMessages = {
      {{3, 0, 1, 0}, {3, 3, 1, 4}, {3, 2, 4, 1}, {3, 4, 2, 0}, {11, 0, 3, 0}, {4, 0, 3, 1}}};
  const Message& message = kMessages[step.arg[0]];
  const SeqNum quoted = step.arg[1] == 0 ? view.una : step.arg[1] == 1 ? view.nxt : view.una - 70'000;
  // The quotation: the stack's own packet, IP header and the first octets of TCP.
  std::array<std::byte, 128> inner{};
  Segment segment;
  segment.src_port = sut_port;
  segment.dst_port = peer_port_;
  segment.seq = quoted;
  segment.ack = view.rcv_nxt;
  segment.flags = kAck;
  const std::size_t quoted_size =
      write_packet(inner, {.src = local_address(ipv6_), .dst = peer_address(ipv6_)}, segment);
  const IpHeader ip{
      .src = peer_address(ipv6_), .dst = local_address(ipv6_), .protocol = ipv6_ ? kProtocolIcmp6 : kProtocolIcmp};
  const std::size_t header = ip_header_size(ip.src.version);
  std::byte* icmp = &out[header];
  std::fill_n(icmp, 8, std::byte{0});
  store_u8(icmp, ipv6_ ? message.type6 : message.type4);
  store_u8(icmp + 1, ipv6_ ? message.code6 : message.code4);
  if (static_cast<IcmpChoice>(step.arg[0]) == IcmpChoice::too_big) {
    ipv6_ ? store_be32(icmp + 4, 1280) : store_be16(icmp + 6, 576);
  }
  std::copy_n(inner.begin(), quoted_size, icmp + 8);
  const std::size_t size = 8 + quoted_size;
  ChecksumAccumulator sum;
  if (ipv6_) add_pseudo_header(sum, ip.src, ip.dst, kProtocolIcmp6, static_cast<std::uint32_t>(size));
  sum.add(Bytes(icmp, size));
  store_be16(icmp + 2, sum.finish());
  write_ip_header(out.data(), ip, size);
  return header + size;
}

}  // namespace lastack::fuzz
