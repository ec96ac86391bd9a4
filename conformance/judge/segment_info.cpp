#include "conformance/judge/segment_info.h"

#include "stack/wire/checksum.h"
#include "stack/wire/text.h"

namespace lastack {

namespace {

std::uint16_t complement(std::uint16_t v) { return static_cast<std::uint16_t>(~v & 0xffffU); }

// One pass over header and payload. The payload starts at an even offset (headers are multiples of four), so its sum
// can be taken by itself and added.
void verify_checksum(SegmentInfo& info) {
  const Bytes header = info.ip.payload.first(info.tcp.header_size);
  const std::uint16_t payload_sum = complement(internet_checksum(info.tcp.payload));
  ChecksumAccumulator pseudo;
  add_pseudo_header(pseudo, info.ip.src, info.ip.dst, kProtocolTcp, static_cast<std::uint32_t>(info.ip.payload.size()));
  ChecksumAccumulator whole = pseudo;
  whole.add(header);
  whole.add_be16(payload_sum);
  if (whole.finish() == 0) {
    info.checksum = ChecksumState::right;
  } else {
    // Cards that cut a large segment want the sum without its length.
    ChecksumAccumulator no_length;
    add_pseudo_header(no_length, info.ip.src, info.ip.dst, kProtocolTcp, 0);
    const bool left_open =
        info.tcp.checksum == complement(pseudo.finish()) || info.tcp.checksum == complement(no_length.finish());
    info.checksum = left_open ? ChecksumState::offloaded : ChecksumState::wrong;
  }
}

// Where the header cannot be found, the checksum still tells damage from a mistake.
void verify_unparsed(SegmentInfo& info) {
  ChecksumAccumulator sum;
  add_pseudo_header(sum, info.ip.src, info.ip.dst, kProtocolTcp, static_cast<std::uint32_t>(info.ip.payload.size()));
  sum.add(info.ip.payload);
  info.checksum = sum.finish() == 0 ? ChecksumState::right : ChecksumState::wrong;
}

DecodeResult decode_tcp(std::size_t whole, SegmentInfo& out) {
  if (out.ip.is_fragment()) return DecodeResult::fragment;
  if (out.ip.protocol != kProtocolTcp) return DecodeResult::not_tcp;
  const std::size_t tcp_size = whole < out.ip.header_size ? 0 : whole - out.ip.header_size;
  const bool cut = out.ip.payload.size() < tcp_size;
  if (out.ip.payload.size() < kTcpHeaderSize && cut) return DecodeResult::cut;
  out.malformed = parse_tcp(out.ip.payload, out.tcp);
  out.payload_captured = !cut;
  if (out.ip.payload.size() < kTcpHeaderSize) return DecodeResult::segment;  // malformed says so
  const bool header_cut = cut && out.tcp.header_size > out.ip.payload.size() && out.tcp.header_size <= tcp_size;
  if (header_cut) {
    out.options_known = false;
    out.malformed.reset();
  }
  if (out.malformed && out.malformed->fault != WireFault::tcp_bad_option_length) {
    if (out.payload_captured) verify_unparsed(out);
    return DecodeResult::segment;
  }
  out.payload_size = static_cast<std::uint32_t>(tcp_size - out.tcp.header_size);
  if (out.payload_captured) verify_checksum(out);
  return DecodeResult::segment;
}

}  // namespace

DecodeResult decode_segment(Bytes ip_packet, std::size_t wire_size, SegmentInfo& out) {
  if (parse_ip(ip_packet, out.ip)) {
    out.ip = {};  // what it holds now means nothing
    return DecodeResult::not_tcp;
  }
  const std::size_t present = wire_size > ip_packet.size() ? wire_size : ip_packet.size();
  const std::size_t whole = out.ip.total_length == 0 ? present : out.ip.total_length;
  if (whole > present) return DecodeResult::cut;  // the IP header promises more than was ever there
  return decode_tcp(whole, out);
}

std::string info_text(const SegmentInfo& info) {
  Segment shown = info.tcp;
  shown.payload = {};
  std::string text = segment_text(shown);
  if (info.payload_size != 0) text += " len=" + std::to_string(info.payload_size);
  return text;
}

}  // namespace lastack
