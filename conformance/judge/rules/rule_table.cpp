// The one list of rules: id, clause, level, soundness, sentence, when it is asked, and its function. Rows stand in the
// order of RuleId.
#include <array>
#include <cstring>
#include <vector>

#include "conformance/judge/rules/rules.h"

namespace lastack {

namespace {

constexpr Level kMust = Level::must, kMustNot = Level::must_not, kSpec = Level::spec, kShould = Level::should,
                kShouldNot = Level::should_not;
constexpr Soundness kA = Soundness::anywhere, kP = Soundness::path, kE = Soundness::endpoint,
                    kS = Soundness::statistical;

constexpr std::array<RuleRow, static_cast<std::size_t>(RuleId::count_)> kRows = {{
    // header.cpp
    {{"data-offset", "RFC 9293 3.1", kSpec, kA, "The header is at least five words and lies inside the segment."},
     kAny,
     rules::data_offset},
    {{"reserved-bits", "RFC 9293 3.1 (U-11)", kMust, kA, "The reserved control bits are zero in what a TCP generates."},
     kAny,
     rules::reserved_bits},
    {{"checksum", "RFC 9293 3.1 (MUST-2)", kMust, kA, "Every segment carries the right checksum."},
     kAny,
     rules::checksum},
    {{"ack-bit-missing", "RFC 9293 3.1, 3.10.7.4", kSpec, kA,
      "Once a connection exists every segment but SYN and RST has the ACK bit."},
     kPlain,
     rules::ack_bit_missing},
    {{"syn-with-fin", "RFC 9293 3.5, 3.6", kSpec, kA, "No segment both opens and closes a connection."},
     kOnSyn,
     rules::syn_with_fin},
    {{"syn-with-rst", "RFC 9293 3.5.2", kSpec, kA, "A reset carries no SYN."}, kOnSyn, rules::syn_with_rst},
    // options.cpp
    {{"option-length", "RFC 9293 3.1 (MUST-68)", kMust, kA,
      "Every option but End and No-Operation has a length that fits the header."},
     kAny,
     rules::option_length},
    {{"option-padding", "RFC 9293 3.1 (MUST-69)", kMust, kA, "What follows the End option in the header is zero."},
     kAny,
     rules::option_padding},
    {{"option-wrong-length", "RFC 9293 3.2; RFC 7323 2.2, 3.2; RFC 2018 2, 3", kSpec, kA,
      "Options have the length that their definition gives."},
     kAny,
     rules::option_wrong_length},
    {{"option-repeated", "RFC 9293 3.2", kSpec, kA, "No option of this kind appears twice in a segment."},
     kAny,
     rules::option_repeated},
    {{"mss-only-on-syn", "RFC 9293 3.2 (MUST-65)", kMustNot, kA, "The MSS option is sent on SYN segments only."},
     kOffSyn,
     rules::mss_only_on_syn},
    {{"window-scale-only-on-syn", "RFC 7323 2.1 (RFC7323-2.2-e)", kSpec, kA,
      "The window scale option is sent on SYN segments only."},
     kOffSyn,
     rules::window_scale_only_on_syn},
    {{"sack-permitted-only-on-syn", "RFC 2018 2 (RFC2018-2-a)", kMustNot, kA,
      "SACK-Permitted is sent on SYN segments only."},
     kOffSyn,
     rules::sack_permitted_only_on_syn},
    {{"window-scale-limit", "RFC 7323 2.3 (RFC7323-2.3-e)", kMust, kA, "The shift count is at most 14."},
     kOnSyn,
     rules::window_scale_limit},
    {{"window-scale-not-offered", "RFC 7323 2.2 (RFC7323-2.2-d)", kSpec, kA,
      "A SYN-ACK has window scale only if the SYN had it."},
     kOnSyn,
     rules::window_scale_not_offered},
    {{"timestamps-not-offered", "RFC 7323 3.2 (RFC7323-3.2-d)", kSpec, kA,
      "A SYN-ACK has timestamps only if the SYN had them."},
     kOnSyn,
     rules::timestamps_not_offered},
    {{"timestamp-echo-without-ack", "RFC 7323 3.2 (RFC7323-3.2-b)", kShould, kA, "Without the ACK bit TSecr is zero."},
     kOnTs,
     rules::timestamp_echo_without_ack},
    // handshake.cpp
    {{"syn-ack-number", "RFC 9293 3.10.7.2 third, 3.10.7.3 fourth (E-3.10.7.2-LISTEN-syn)", kSpec, kA,
      "A SYN-ACK acknowledges the SYN: ACK = ISN + 1 (more only with Fast Open data)."},
     kOnSyn,
     rules::syn_ack_number},
    {{"syn-ack-without-syn", "RFC 9293 3.10.7.2 (E-3.10.7.2-LISTEN-syn)", kSpec, kE,
      "A SYN-ACK answers a SYN that arrived."},
     kOnSyn,
     rules::syn_ack_without_syn},
    {{"isn-changed", "RFC 9293 3.4.1, 3.8.1", kSpec, kA,
      "A repeated SYN or SYN-ACK keeps its initial sequence number."},
     kOnSyn,
     rules::isn_changed},
    {{"handshake-ack-sequence", "RFC 9293 3.10.7.3 fourth (E-3.10.7.3-SYN-SENT-synack)", kSpec, kA,
      "The ACK that answers a SYN-ACK has SEQ = ISS + 1."},
     kPlain,
     rules::handshake_ack_number},
    {{"ack-before-isn", "RFC 9293 3.10.7.2, 3.10.7.3 (E-3.10.7.3-SYN-SENT-synack)", kSpec, kA,
      "Once the peer's SYN has arrived, every ACK counts it: ACK >= IRS + 1."},
     kOnAckPlain,
     rules::ack_before_isn},
    {{"data-before-handshake", "RFC 9293 3.10.2, 3.10.7.4 fifth", kSpec, kE,
      "Data waits until the own SYN is acknowledged (but for Fast Open)."},
     kOnData,
     rules::data_before_handshake},
    {{"ecn-not-offered", "RFC 3168 6.1.1 (RFC3168-6.1.1-b)", kMustNot, kA,
      "An ECN-setup SYN-ACK answers only an ECN-setup SYN."},
     kOnSyn,
     rules::ecn_not_offered},
    // sequence.cpp
    {{"before-isn", "RFC 9293 3.4", kSpec, kA,
      "Nothing is sent with a number at or before the initial sequence number."},
     kPlain,
     rules::before_isn},
    {{"ack-sequence", "RFC 9293 3.10.7.4 (<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>)", kSpec, kP,
      "An empty acknowledgement carries SEQ = SND.NXT; SYN and FIN have taken one number each."},
     kEmpty,
     rules::ack_sequence},
    {{"unsent-sequence", "RFC 9293 3.4, 3.10.7.4 (<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>)", kSpec, kP,
      "An empty segment is not numbered beyond what was sent: SEQ = SND.NXT."},
     kEmpty,
     rules::unsent_sequence},
    {{"sequence-jump", "RFC 9293 3.4", kSpec, kP, "Octets are numbered consecutively: new data begins at SND.NXT."},
     kPlain,
     rules::sequence_jump},
    {{"payload-changed", "RFC 9293 3.4; RFC 2525 2.4", kSpec, kA,
      "A sequence number stands for the same octet each time it is sent."},
     kOnData,
     rules::payload_changed},
    {{"segment-over-mss", "RFC 9293 3.7.1 (MUST-16)", kMust, kA,
      "Payload and options are no larger than the MSS that the peer announced."},
     kOnData,
     rules::segment_over_mss},
    // acknowledgment.cpp
    {{"ack-of-unsent-data", "RFC 9293 3.4, 3.10.7.4 fifth (E-3.10.7.4-5-ESTABLISHED-ack-unsent)", kSpec, kP,
      "Nothing is acknowledged that was not sent: ACK =< SND.NXT of the peer."},
     kOnAckPlain,
     rules::ack_of_unsent_data},
    {{"ack-of-missing-data", "RFC 9293 3.4, 3.10.7.4 seventh", kSpec, kE,
      "Nothing is acknowledged that did not arrive in order and acceptably."},
     kOnAckPlain,
     rules::ack_of_missing_data},
    {{"ack-goes-back", "RFC 9293 3.4, 3.10.7.4 (RCV.NXT never falls)", kSpec, kE,
      "The acknowledgement number never falls."},
     kOnAckPlain,
     rules::ack_goes_back},
    {{"fin-not-counted", "RFC 9293 3.6, 3.10.7.4 eighth (E-3.10.7.4-8-ESTABLISHED-fin)", kSpec, kP,
      "The ACK that answers a FIN in order counts it: ACK = FIN + 1."},
     kEmpty,
     rules::fin_not_acknowledged},
    // window.cpp
    {{"data-beyond-window", "RFC 9293 3.8.6, 3.10.2; RFC 5681 2 (RFC5681-2-a)", kMustNot, kP,
      "New data stays inside the window that the peer offered (a one-octet probe apart)."},
     kOnData,
     rules::data_beyond_window},
    {{"window-shrunk", "RFC 9293 3.8.6 (SHLD-14)", kShouldNot, kE, "The right window edge does not move left."},
     kOnAckPlain,
     rules::window_shrunk},
    // close.cpp
    {{"fin-moved", "RFC 9293 3.4, 3.6", kSpec, kA, "A FIN keeps its sequence number."}, kOnFin, rules::fin_moved},
    {{"data-after-fin", "RFC 9293 3.6, 3.10.4", kSpec, kA, "Nothing is numbered after the FIN."},
     kPlain,
     rules::data_after_fin},
    {{"segment-after-reset", "RFC 9293 3.10.5, 3.10.7.1", kSpec, kE,
      "After its own reset of a connection an endpoint sends only resets."},
     kPlain,
     rules::segment_after_reset},
    // reset.cpp
    {{"reset-of-syn", "RFC 9293 3.5.2, 3.10.7.1 (E-3.10.7.1-CLOSED-noack-syn)", kSpec, kA,
      "A SYN to a closed port is answered by <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>."},
     kOnRst,
     rules::reset_of_syn},
    {{"reset-of-ack", "RFC 9293 3.5.2, 3.10.7.1 (E-3.10.7.1-CLOSED-ack)", kSpec, kP,
      "A reset that answers a segment with an ACK takes its number from there: SEQ = SEG.ACK."},
     kOnRst,
     rules::reset_of_ack},
    {{"reset-number", "RFC 9293 3.5.2, 3.10.5 (<SEQ=SND.NXT><CTL=RST>)", kSpec, kP,
      "A reset of a connection has SEQ = SND.NXT, or the ACK of the segment that it answers."},
     kOnRst,
     rules::reset_number},
    // timestamps.cpp
    {{"timestamps-missing", "RFC 7323 3.2 (RFC7323-3.2-e)", kMust, kA,
      "Once negotiated, every segment but a reset carries timestamps."},
     kPlain,
     rules::timestamps_missing},
    {{"timestamp-goes-back", "RFC 7323 4.1, 5.4 (RFC7323-4.1-a)", kMust, kE,
      "The timestamp clock does not run backwards."},
     kOnTs,
     rules::timestamp_goes_back},
    {{"timestamp-echo-unsent", "RFC 7323 3.2, 4.3 (RFC7323-3.2-a)", kMust, kP,
      "TSecr echoes a TSval that the peer sent."},
     kOnTs,
     rules::timestamp_echo_unsent},
    {{"timestamp-echo-goes-back", "RFC 7323 4.3, 5.2 (RFC7323-5.2-a)", kMust, kE,
      "The echoed timestamp never decreases."},
     kOnTs,
     rules::timestamp_echo_goes_back},
    // sack.cpp
    {{"sack-not-permitted", "RFC 2018 4 (RFC2018-4-a)", kMustNot, kA,
      "SACK is sent only to a peer whose SYN permitted it."},
     kOnSack,
     rules::sack_not_permitted},
    {{"sack-block-empty", "RFC 2018 3 (RFC2018-3-a)", kSpec, kA,
      "A SACK block's left edge lies before its right edge."},
     kOnSack,
     rules::sack_block_empty},
    {{"sack-block-below-ack", "RFC 2018 3; RFC 2883 4", kSpec, kA,
      "SACK blocks lie after the cumulative ACK, but for one duplicate report in front."},
     kOnSack,
     rules::sack_block_below_ack},
    {{"sack-of-unsent-data", "RFC 2018 3 (RFC2018-3-a)", kSpec, kP, "SACK reports only octets that were sent."},
     kOnSack,
     rules::sack_of_unsent_data},
    // replies.cpp
    {{"segment-after-received-reset", "RFC 9293 3.10.7.4 second (U-04)", kMust, kE,
      "A reset with SEQ = RCV.NXT ends the connection."},
     kPlain,
     rules::segment_after_received_reset},
    {{"data-not-acknowledged", "RFC 9293 3.8.6.3 (MUST-40)", kMust, kE,
      "Data and FIN in order are acknowledged within 0.5 seconds."},
     0,
     nullptr},
    {{"reset-answered", "RFC 9293 3.5.2, 3.10.7.1 (U-27)", kMust, kE,
      "Nothing answers a reset of a connection that does not exist."},
     0,
     nullptr},
    // near.cpp
    {{"sack-newest-first", "RFC 2018 4 (RFC2018-4-c)", kMust, kE,
      "The first SACK block holds the segment that caused the ACK."},
     0,
     nullptr},
    {{"challenge-missing", "RFC 9293 3.10.7.4 second (U-05), fourth (U-07); RFC 5961 3.2, 4.2", kMust, kE,
      "A reset inside the window but not at RCV.NXT, or a SYN, draws a challenge ACK (throttled ones apart)."},
     0,
     nullptr},
    {{"unacceptable-not-answered", "RFC 9293 3.10.7.4 first", kShould, kE,
      "A segment outside the window that is no reset is answered by an ACK."},
     0,
     nullptr},
    {{"fin-not-acknowledged-again", "RFC 9293 3.10.7.4 first, eighth", kShould, kE,
      "A FIN that comes again is acknowledged again, in TIME-WAIT too."},
     0,
     nullptr},
    {{"window-reset-obeyed", "RFC 9293 3.10.7.4 second (U-05); RFC 5961 3.2 (RFC5961-3.2-c)", kMust, kE,
      "A reset inside the window but not at RCV.NXT does not end the connection."},
     0,
     nullptr},
    // recovery.cpp
    {{"rto-not-backed-off", "RFC 6298 5.5 (RFC6298-5.5-a); RFC 2525 2.10", kMust, kE,
      "The retransmission time-out doubles each time that it expires."},
     0,
     nullptr},
    {{"no-retransmission", "RFC 9293 3.8.1, 3.10.8; RFC 6298 5.4 (RFC6298-5.4-a)", kSpec, kE,
      "What is not acknowledged is sent again."},
     0,
     nullptr},
    {{"acknowledged-data-resent", "RFC 9293 3.10.7.4 fifth", kSpec, kE,
      "What has been acknowledged is no longer repeated."},
     0,
     nullptr},
    {{"rto-below-minimum", "RFC 6298 2.4 (RFC6298-2.4-a)", kShould, kS,
      "The retransmission time-out is at least one second."},
     0,
     nullptr},
    {{"rto-below-round-trip", "RFC 6298 2.2 (RFC6298-2.2-a); RFC 2525 2.7", kMust, kS,
      "The retransmission time-out is longer than the round trip."},
     0,
     nullptr},
    {{"no-slow-start-after-timeout", "RFC 5681 3.1 (RFC5681-3.1-g); RFC 2525 2.2", kMust, kS,
      "After a time-out the window is one segment, and grows as in slow start."},
     0,
     nullptr},
    {{"window-not-deflated", "RFC 5681 3.2 (RFC5681-3.2-h); RFC 2525 2.8", kMust, kS,
      "The end of fast recovery takes back the inflation of the congestion window."},
     0,
     nullptr},
    {{"fast-retransmit-missing", "RFC 5681 3.2 (RFC5681-3.2-c)", kShould, kS,
      "Three duplicate ACKs bring a retransmission without waiting for the time-out."},
     0,
     nullptr},
    {{"window-grows-too-fast", "RFC 5681 3.1 (RFC5681-3.1-e); RFC 2525 2.6", kMustNot, kS,
      "In congestion avoidance the window grows by at most one segment per round trip (CUBIC and others apart)."},
     0,
     nullptr},
    {{"repetition-with-stump", "RFC 5681 3.1; RFC 2525 2.14", kShould, kS,
      "A retransmission is one segment, its options counted in the segment size."},
     0,
     nullptr},
    // timing.cpp
    {{"stretch-ack", "RFC 9293 3.8.6.3 (SHLD-19); RFC 2525 2.13", kShould, kS,
      "At least every second full-sized segment is acknowledged."},
     0,
     nullptr},
    {{"duplicate-ack-missing", "RFC 5681 4.2 (RFC5681-3.2-a)", kShould, kS,
      "A segment beyond a hole draws a duplicate ACK at once."},
     0,
     nullptr},
    {{"beyond-hole-not-kept", "RFC 9293 3.10.7.4 first (SHLD-31); RFC 2525 2.5", kShould, kS,
      "What arrives beyond a hole is kept until the hole is filled."},
     0,
     nullptr},
    // probing.cpp
    {{"window-not-probed", "RFC 9293 3.8.6.1 (MUST-36, SHLD-29)", kMust, kE,
      "A shut window is probed while there is text to send."},
     0,
     nullptr},
    {{"window-probe-not-backed-off", "RFC 9293 3.8.6.1 (SHLD-30)", kShould, kS,
      "The interval between probes of a shut window grows exponentially."},
     0,
     nullptr},
    {{"silly-window-offered", "RFC 9293 3.8.6.2.2 (MUST-39)", kMust, kS,
      "A shut window stays shut until it opens by a segment or half the buffer."},
     0,
     nullptr},
    {{"keep-alive-interval", "RFC 9293 3.8.4 (MUST-28); RFC 2525 2.11", kMust, kS,
      "Unless configured, keep-alives are two hours apart."},
     0,
     nullptr},
    {{"keep-alive-retry", "RFC 9293 3.8.4 (MUST-29); RFC 2525 2.9", kShould, kS,
      "Keep-alives without an answer leave the network time to recover."},
     0,
     nullptr},
    {{"keep-alive-with-data", "RFC 9293 3.8.4 (MUST-26)", kMust, kS,
      "No keep-alive is sent while octets wait for an ACK."},
     0,
     nullptr},
    {{"close-with-data-pending", "RFC 9293 3.6.1 (SHLD-3); RFC 2525 2.16, 2.17", kShould, kS,
      "When nobody will read what has arrived or still arrives, the connection is reset."},
     0,
     nullptr},
    {{"fin-not-prompt", "RFC 9293 3.10.4; RFC 2525 2.15", kShould, kS,
      "A FIN does not wait for the ACK of the text before it."},
     0,
     nullptr},
}};

std::vector<RuleInfo> make_infos() {
  std::vector<RuleInfo> infos;
  for (const RuleRow& row : kRows) infos.push_back(row.info);
  return infos;
}

}  // namespace

const RuleRow& rule_row(RuleId id) { return kRows[static_cast<std::size_t>(id)]; }
std::span<const RuleRow> rule_rows() { return kRows; }

bool rule_needs_segment_only(const RuleInfo& rule) {
  const auto at = static_cast<std::size_t>(&rule - judge_rules().data());
  const auto is = [at](RuleId id) { return at == static_cast<std::size_t>(id); };
  return at <= static_cast<std::size_t>(RuleId::window_scale_limit) || is(RuleId::timestamp_echo_without_ack) ||
         is(RuleId::sack_block_empty) || is(RuleId::sack_block_below_ack);
}

std::span<const RuleInfo> judge_rules() {
  static const std::vector<RuleInfo> infos = make_infos();
  return infos;
}

const RuleInfo* find_judge_rule(const char* id) {
  for (const RuleRow& row : kRows) {
    if (std::strcmp(row.info.id, id) == 0) return &row.info;
  }
  return nullptr;
}

const char* to_string(Level level) {
  switch (level) {
    case Level::must: return "MUST";
    case Level::must_not: return "MUST NOT";
    case Level::spec: return "SPEC";
    case Level::should: return "SHOULD";
    case Level::should_not: return "SHOULD NOT";
  }
  return "?";
}

}  // namespace lastack
