// Rules about the fixed part of the header: they need the segment alone.
#include <algorithm>
#include <bit>
#include <utility>

#include "conformance/judge/rules/rules.h"
#include "stack/wire/checksum.h"
#include "stack/wire/text.h"

namespace lastack::rules {

void data_offset(Context& c) {
  if (!c.seg.malformed || c.seg.malformed->fault == WireFault::tcp_bad_option_length) return;
  const std::size_t room = c.seg.ip.payload.size();
  if (room < kTcpHeaderSize) {
    c.violated(RuleId::data_offset, "at least 20 octets of TCP header", std::to_string(room) + " octets",
               "the IP packet ends inside the TCP header");
    return;
  }
  const bool right = c.seg.checksum == ChecksumState::right;
  Finding f =
      c.draft(RuleId::data_offset, "data offset from 5 to " + std::to_string(std::min<std::size_t>(room / 4, 15)),
              "data offset " + std::to_string(c.seg.tcp.header_size / 4),
              "the segment has " + std::to_string(room) + " octets in all" +
                  (right ? ", and its checksum is right: it was sent like that" : ""));
  f.proven = right;
  report(c.conn, c.side, std::move(f));
}

void reserved_bits(Context& c) {
  if (c.seg.tcp.reserved == 0) return;
  c.violated(RuleId::reserved_bits, "reserved bits 0", "reserved bits " + std::to_string(c.seg.tcp.reserved),
             "senders set the bits that nobody has defined to zero");
}

namespace {

std::string checksum_text(std::uint16_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "checksum 0x%04x", value);
  return text;
}

std::uint16_t right_checksum(const SegmentInfo& seg) {
  constexpr std::size_t kField = 16;
  const Bytes all = seg.ip.payload;
  ChecksumAccumulator sum;
  add_pseudo_header(sum, seg.ip.src, seg.ip.dst, kProtocolTcp, static_cast<std::uint32_t>(all.size()));
  sum.add(all.first(kField));
  sum.add(all.subspan(kField + 2));
  return sum.finish();
}

// Sums of segments that differ in one bit, of the checksum itself or of anything that it covers.
bool one_flip_apart(std::uint16_t a, std::uint16_t b) {
  const auto apart = [](unsigned more, unsigned less) {
    return std::has_single_bit((more + 0xffffU - less) % 0xffffU);
  };
  return apart(a, b) || apart(b, a);
}

}  // namespace

void checksum(Context& c) {
  const bool wrong =
      c.seg.checksum == ChecksumState::wrong || (c.conn.certain && c.seg.checksum == ChecksumState::offloaded);
  if (!wrong) return;
  // More than fits one segment is cut by a network card, which makes the checksums of the pieces.
  const std::uint32_t largest = c.peer.syn.has_mss ? c.peer.syn.mss : 1500U;
  const bool to_be_cut = !c.conn.certain && c.seg.payload_size > largest;
  if (to_be_cut) return;
  // The numbers of a damaged segment are only good for recognising its repetition.
  const Position seq = unwrap(c.self.next, c.seg.tcp.seq);
  Suspicion* s = c.suspect(
      SuspicionKind::bad_checksum, RuleId::checksum, seq + c.seg.len(), seq, checksum_text(right_checksum(c.seg)),
      checksum_text(c.seg.tcp.checksum),
      "computed over the pseudo-header, the header and " + std::to_string(c.seg.payload_size) + " octets of text");
  if (s == nullptr) return;
  s->draft.flipped_bit = one_flip_apart(right_checksum(c.seg), c.seg.tcp.checksum);
  s->in_order = c.self.numbers_known && seq == c.self.next && !c.self.next_guessed && !c.seg.malformed;
}

void ack_bit_missing(Context& c) {
  if (c.flags().ack()) return;
  c.violated(RuleId::ack_bit_missing, "ACK set (every segment after the SYN has it)", "flags " + flags_text(c.flags()),
             "without SYN and RST a segment belongs to a connection, whose receiver would drop it without ACK");
}

void syn_with_fin(Context& c) {
  if (!c.flags().fin()) return;
  c.violated(RuleId::syn_with_fin, "SYN or FIN", "flags " + flags_text(c.flags()),
             "no state sends both in one segment");
}

void syn_with_rst(Context& c) {
  if (!c.flags().rst()) return;
  c.violated(RuleId::syn_with_rst, "SYN or RST", "flags " + flags_text(c.flags()),
             "resets are <CTL=RST> or <CTL=RST,ACK>");
}

}  // namespace lastack::rules
