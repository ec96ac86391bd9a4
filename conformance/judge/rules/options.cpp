// Rules about the options of one segment, and about what a SYN-ACK may offer.
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

void option_wrong_length(Context& c) {
  if (!c.seg.tcp.options.wrong_length) return;
  c.violated(RuleId::option_wrong_length, "MSS 4, window scale 3, SACK-Permitted 2, SACK 8n+2, timestamps 10",
             "an option with another length", "options of the segment: " + options_text(c.seg.tcp.options));
}

void option_repeated(Context& c) {
  if (!c.seg.tcp.options.duplicate) return;
  c.violated(RuleId::option_repeated, "each option once", "one appears twice",
             "options of the segment: " + options_text(c.seg.tcp.options));
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
  c.violated(RuleId::window_scale_not_offered, "no window scale option",
             "shift " + std::to_string(*c.seg.tcp.options.window_scale),
             "the SYN in packet " + std::to_string(c.peer.syn.packet) + " has none");
}

void timestamps_not_offered(Context& c) {
  if (!answers_known_syn(c) || !c.seg.tcp.options.timestamps || c.peer.syn.some_timestamps) return;
  c.violated(RuleId::timestamps_not_offered, "no timestamps option", "timestamps",
             "the SYN in packet " + std::to_string(c.peer.syn.packet) + " has none");
}

void timestamp_echo_without_ack(Context& c) {
  if (c.flags().ack() || c.flags().rst() || c.seg.tcp.options.timestamps->echo == 0) return;
  c.violated(RuleId::timestamp_echo_without_ack, "TSecr 0",
             "TSecr " + std::to_string(c.seg.tcp.options.timestamps->echo),
             "nothing can have been echoed: the ACK bit is off");
}

}  // namespace lastack::rules
