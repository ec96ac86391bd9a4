// Any octets as a packet and as an option area: the parsers stay inside, and what they accept can be written and reads
// the same.
#include <cstdlib>
#include <vector>

#include "fuzz/target.h"
#include "stack/base/check.h"
#include "stack/wire/segment.h"
#include "stack/wire/text.h"

namespace lastack::fuzz {
namespace {

bool same_options(const Options& a, const Options& b) {
  return a.mss == b.mss && a.window_scale == b.window_scale && a.sack_permitted == b.sack_permitted &&
         a.sack_count == b.sack_count && std::equal(a.sack.begin(), a.sack.begin() + a.sack_count, b.sack.begin()) &&
         a.timestamps == b.timestamps && a.user_timeout == b.user_timeout && a.fast_open == b.fast_open &&
         a.fast_open_size == b.fast_open_size &&
         std::equal(a.fast_open_cookie.begin(), a.fast_open_cookie.begin() + a.fast_open_size,
                    b.fast_open_cookie.begin());
}

// What was read is written again and read again: the same, as far as the segment has a canonical form.
void round_trip(const IpPacket& ip, const Segment& segment) {
  if (options_size(segment.options) > kMaxOptionOctets) return;
  std::vector<std::byte> out(kIpv6HeaderSize + 60 + segment.payload.size());
  const IpHeader header{.src = ip.src, .dst = ip.dst, .hop_limit = ip.hop_limit, .dscp_ecn = ip.dscp_ecn, .id = ip.id};
  const std::size_t size = write_packet(out, header, segment);
  LASTACK_CHECK(size != 0);
  const auto again = parse_packet(Bytes(out).first(size));
  LASTACK_CHECK(again.ok());
  const Segment& copy = again->tcp;
  LASTACK_CHECK(copy.seq == segment.seq && copy.ack == segment.ack && copy.flags == segment.flags &&
                copy.wnd == segment.wnd);
  LASTACK_CHECK(copy.src_port == segment.src_port && copy.dst_port == segment.dst_port && copy.urg == segment.urg);
  LASTACK_CHECK(std::equal(copy.payload.begin(), copy.payload.end(), segment.payload.begin(), segment.payload.end()));
  LASTACK_CHECK(same_options(copy.options, segment.options));
}

void texts(const Segment& segment) {
  LASTACK_CHECK(!segment_text(segment).empty());
  const auto flags = parse_flags(flags_text(segment.flags));
  LASTACK_CHECK(flags.has_value() && *flags == segment.flags);
}

}  // namespace
}  // namespace lastack::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lastack;
  // A copy of exactly this size, so that the sanitizer sees a read of one octet too many.
  const std::vector<std::byte> packet(reinterpret_cast<const std::byte*>(data),
                                      reinterpret_cast<const std::byte*>(data) + size);
  Options options;
  (void)parse_options(packet, options);
  Segment segment;
  if (!parse_tcp(packet, segment)) fuzz::texts(segment);
  const auto ip = parse_ip(packet);
  if (!ip.ok()) return 0;
  LASTACK_CHECK(ip->payload.data() == nullptr ||
                (ip->payload.data() >= packet.data() &&
                 ip->payload.data() + ip->payload.size() <= packet.data() + packet.size()));
  (void)parse_packet(packet, true);
  const auto parsed = parse_packet(packet, false);
  if (parsed.ok()) fuzz::round_trip(parsed->ip, parsed->tcp);
  return 0;
}
