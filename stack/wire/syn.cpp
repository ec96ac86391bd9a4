#include "stack/wire/syn.h"

#include "stack/wire/plain.h"

namespace lastack {

namespace {

constexpr std::uint32_t kMss = 0x0204;               // kind 2, length 4
constexpr std::uint32_t kNopSack = 0x0104'0208U;     // NOP, kind 4, length 2, kind 8: as write_options has it
constexpr std::uint32_t kSackStamps = 0x0402'080aU;  // without the NOP, which then stands before the scale: as in Linux
constexpr std::uint32_t kScale = 0x0303;
constexpr std::uint32_t kNopScale = 0x01'0303;
constexpr std::size_t kMssAlone = 4;
constexpr std::size_t kAll = 20;

// Of all options, from behind the MSS on.
bool are_in_our_order(const std::byte* p) {
  return load_be32(p) == kNopSack && load_u8(p + 4) == 10 && load_be16(p + 13) == kScale;
}
bool are_in_order_of_linux(const std::byte* p) {
  return load_be32(p) == kSackStamps && load_be32(p + 12) >> 8 == kNopScale;
}

}  // namespace

bool SynSegment::is_one() const {
  constexpr std::uint32_t kOthers = 0x0fffU & ~std::uint32_t{Flags::ack_bit};
  switch (word_ >> 16 & (0xf000U | kOthers)) {
    case 0x6000U | Flags::syn_bit: return size_ == kTcpHeaderSize + kMssAlone && load_be16(options()) == kMss;
    case 0xa000U | Flags::syn_bit:
      return size_ == kTcpHeaderSize + kAll && load_be16(options()) == kMss &&
             (are_in_our_order(options() + 4) || are_in_order_of_linux(options() + 4));
    default: return false;
  }
}

void SynSegment::fill(Segment& out) const {
  fill_header(out);
  out.payload = {tcp_ + out.header_size, 0};
  Options& o = out.options;
  o.mss = load_be16(options() + 2);
  o.sack_permitted = has_all_options();
  if (!has_all_options()) {
    o.window_scale.reset();
    o.timestamps.reset();
    return;
  }
  // In both orders the shift count ends them; the timestamps stand one octet apart.
  const std::byte* const stamps = options() + (load_u8(options() + 4) == 1 ? 9 : 8);
  o.timestamps = Timestamps{load_be32(stamps), load_be32(stamps + 4)};
  o.window_scale = load_u8(options() + kAll - 1);
}

//= rfc9293 3.1 MUST-3
bool SynSegment::checksums_are_right() const {
  const std::size_t octets = has_all_options() ? kAll : kMssAlone;
  WordSum sum;
  if (!add_headers(sum, kTcpHeaderSize + octets)) return false;
  sum.load<kMssAlone / 4>(options());
  if (has_all_options()) sum.load<(kAll - kMssAlone) / 4>(options() + kMssAlone);
  return sum.is_right();
}

namespace {

// As write_options has it.
std::size_t write_some(MutableBytes out, const SocketAddress& from, const SocketAddress& to, const CommonHeaders& h,
                       const SynOptions& o, Checksums checksums) {
  Options options;
  options.mss = o.mss;
  options.sack_permitted = o.sack_permitted;
  if (o.scaled) options.window_scale = o.shift;
  if (o.stamped) options.timestamps = o.stamp;
  PlainHeaders headers{from, to, h.seq, h.ack, h.flags, h.wnd, h.hop_limit, h.dscp_ecn};
  headers.options = &options;
  return write_plain(out, headers, {}, checksums);
}

}  // namespace

std::size_t write_syn(MutableBytes out, const SocketAddress& from, const SocketAddress& to, const CommonHeaders& h,
                      const SynOptions& o, Checksums checksums) {
  const bool all = o.stamped;
  if (o.sack_permitted != all || o.scaled != all) return write_some(out, from, to, h, o, checksums);
  const std::size_t ip_size = ip_header_size(from.ip.version);
  const std::size_t tcp_size = kTcpHeaderSize + (all ? kAll : kMssAlone);
  const std::size_t size = ip_size + tcp_size;
  if (out.size() < size) return 0;
  std::byte* const tcp = out.data() + ip_size;
  std::byte* const options = tcp + kTcpHeaderSize;
  WordSum sum = write_ip(out.data(), from.ip, to.ip, h.dscp_ecn, h.hop_limit, kDontFragment, size, checksums);
  sum.store(tcp, (std::uint32_t{from.port} << 16) | to.port);
  sum.store(tcp + 4, h.seq.raw());
  sum.store(tcp + 8, h.ack.raw());
  sum.store(tcp + 12, (all ? 0xa000'0000U : 0x6000'0000U) | (std::uint32_t{h.flags.bits} << 16) | h.wnd);
  store_be32(tcp + 16, 0);
  sum.store(options, kMss << 16 | o.mss);
  if (all) {
    sum.store(options + 4, kNopSack);
    sum.store(options + 8, 10U << 24 | o.stamp.value >> 8);
    sum.store(options + 12, (o.stamp.value & 0xffU) << 24 | o.stamp.echo >> 8);
    sum.store(options + 16, (o.stamp.echo & 0xffU) << 24 | kScale << 8 | o.shift);
  }
  if (checksums == Checksums::offloaded) return size;
  //= rfc9293 3.1 MUST-2
  sum.add_be16(kProtocolTcp);
  sum.add_be16(static_cast<std::uint32_t>(tcp_size));
  sum.store_checksum(tcp + 16);
  return size;
}

}  // namespace lastack
