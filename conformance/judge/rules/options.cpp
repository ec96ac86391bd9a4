// Rules about the options of one segment, and about what a SYN-ACK may offer.
#include <algorithm>

#include "conformance/judge/rules/rules.h"
#include "stack/wire/text.h"

namespace lastack::rules {

void option_length(Context& c) {
  if (!c.seg.malformed || c.seg.tcp.options.wrong_length) return;  // after a wrong length the rest is misread
  const std::size_t at = c.seg.malformed->offset;
  const bool there = at < c.seg.ip.payload.size();
  c.violated(RuleId::option_length, "a length from 2 to what is left of the header",
             there ? "length " + std::to_string(load_u8(c.seg.ip.payload.data() + at)) : "no length",
             "at octet " + std::to_string(at) + " of the TCP header");
}

void option_padding(Context& c) {
  if (!c.seg.tcp.options.nonzero_after_end) return;
  c.violated(RuleId::option_padding, "zeros after the End option", "other octets", "the header is padded with zeros");
}

namespace {

struct RawOption {
  unsigned kind = 0;
  unsigned length = 0;
  std::size_t at = 0;  // octet of the TCP header
};

// Calls `visit` for each option as it stands in the header, until that returns true.
template <typename Visit>
void each_option(const SegmentInfo& seg, Visit&& visit) {
  const std::size_t end = std::min<std::size_t>(seg.tcp.header_size, seg.ip.payload.size());
  for (std::size_t at = kTcpHeaderSize; at < end;) {
    const unsigned kind = load_u8(seg.ip.payload.data() + at);
    if (kind == 0) return;
    const unsigned length = kind == 1 || at + 1 >= end ? 1 : load_u8(seg.ip.payload.data() + at + 1);
    if (length == 0 || (kind != 1 && visit(RawOption{kind, length, at}))) return;
    at += length;
  }
}

struct KnownOption {
  std::string name;
  std::string lengths;
};

KnownOption known_option(unsigned kind) {
  switch (kind) {
    case 2: return {"MSS", "4"};
    case 3: return {"window scale", "3"};
    case 4: return {"SACK-Permitted", "2"};
    case 5: return {"SACK", "10, 18, 26 or 34"};
    case 8: return {"timestamps", "10"};
    default: return {};
  }
}

bool has_right_length(const RawOption& o) {
  switch (o.kind) {
    case 2: return o.length == 4;
    case 3: return o.length == 3;
    case 4: return o.length == 2;
    case 5: return o.length >= 10 && o.length <= 34 && o.length % 8 == 2;
    case 8: return o.length == 10;
    default: return true;
  }
}

std::string at_octet(const RawOption& o) {
  return "option " + std::to_string(o.kind) + " at octet " + std::to_string(o.at) + " of the TCP header";
}

}  // namespace

void option_wrong_length(Context& c) {
  if (!c.seg.tcp.options.wrong_length) return;
  RawOption found;
  each_option(c.seg, [&found](const RawOption& o) {
    if (!has_right_length(o)) found = o;
    return found.kind != 0;
  });
  if (found.kind == 0) {  // not one of those above
    c.violated(RuleId::option_wrong_length, "the length of its definition", "another one",
               "options of the segment: " + options_text(c.seg.tcp.options));
    return;
  }
  const KnownOption known = known_option(found.kind);
  c.violated(RuleId::option_wrong_length, known.name + " of length " + known.lengths,
             "length " + std::to_string(found.length), at_octet(found));
}

void option_repeated(Context& c) {
  if (!c.seg.tcp.options.duplicate) return;
  std::uint64_t seen = 0;
  RawOption second;
  each_option(c.seg, [&](const RawOption& o) {
    const bool known = !known_option(o.kind).name.empty();
    const std::uint64_t bit = std::uint64_t{1} << (o.kind % 64);
    if (known && (seen & bit) != 0) second = o;
    if (known) seen |= bit;
    return second.kind != 0;
  });
  const std::string name = known_option(second.kind).name;
  c.violated(RuleId::option_repeated, (name.empty() ? "each" : name) + " option once", "a second one",
             second.kind == 0 ? "options of the segment: " + options_text(c.seg.tcp.options) : at_octet(second));
}

void mss_only_on_syn(Context& c) {
  if (!c.seg.tcp.options.mss) return;
  c.violated(RuleId::mss_only_on_syn, "no MSS option without SYN", "MSS " + std::to_string(*c.seg.tcp.options.mss),
             "flags are " + flags_text(c.flags()));
}

void window_scale_only_on_syn(Context& c) {
  if (!c.seg.tcp.options.window_scale) return;
  c.violated(RuleId::window_scale_only_on_syn, "no window scale option without SYN",
             "shift " + std::to_string(*c.seg.tcp.options.window_scale), "flags are " + flags_text(c.flags()));
}

void sack_permitted_only_on_syn(Context& c) {
  if (!c.seg.tcp.options.sack_permitted) return;
  c.violated(RuleId::sack_permitted_only_on_syn, "no SACK-Permitted option without SYN", "SACK-Permitted",
             "flags are " + flags_text(c.flags()));
}

void window_scale_limit(Context& c) {
  const auto& shift = c.seg.tcp.options.window_scale;
  if (!shift || *shift <= kMaxWindowShift) return;
  c.violated(RuleId::window_scale_limit, "shift 0 to 14", "shift " + std::to_string(*shift),
             "larger windows than 2^30 cannot be told from old segments");
}

namespace {

// A SYN-ACK that answers a SYN whose options were all captured. Crossing SYNs (RFC 7323 3.2, last but one paragraph)
// excepted.
bool answers_known_syn(const Context& c) {
  return c.flags().ack() && !c.flags().rst() && c.seg.options_known && c.peer.syn.count != 0 &&
         c.peer.syn.options_known && !c.peer.isn_ambiguous && !c.self.syn.without_ack && !c.peer.syn.with_ack &&
         !c.conn.next_syn.present;
}

}  // namespace

void window_scale_not_offered(Context& c) {
  if (!answers_known_syn(c) || !c.seg.tcp.options.window_scale || c.peer.syn.some_scale) return;
  c.suspect(SuspicionKind::unoffered_option, RuleId::window_scale_not_offered, 0, 0, "no window scale option",
            "shift " + std::to_string(*c.seg.tcp.options.window_scale),
            "the SYN in packet " + std::to_string(c.peer.syn.packet) + " has none");
}

void timestamps_not_offered(Context& c) {
  if (!answers_known_syn(c) || !c.seg.tcp.options.timestamps || c.peer.syn.some_timestamps) return;
  c.suspect(SuspicionKind::unoffered_option, RuleId::timestamps_not_offered, 0, 0, "no timestamps option", "timestamps",
            "the SYN in packet " + std::to_string(c.peer.syn.packet) + " has none");
}

void timestamp_echo_without_ack(Context& c) {
  if (c.flags().ack() || c.flags().rst() || c.seg.tcp.options.timestamps->echo == 0) return;
  c.violated(RuleId::timestamp_echo_without_ack, "TSecr 0",
             "TSecr " + std::to_string(c.seg.tcp.options.timestamps->echo),
             "nothing can have been echoed: the ACK bit is off");
}

}  // namespace lastack::rules
