// The rules' functions, by topic. Each looks at one segment before it is noted, and reports or stays silent. Which
// function belongs to which rule, its clause and level stand in rule_table.cpp.
#pragma once

#include "conformance/judge/connection.h"
#include "conformance/judge/rules/triggers.h"

namespace lastack {

enum class RuleId : std::uint8_t {
  // header.cpp
  data_offset,
  reserved_bits,
  checksum,
  ack_bit_missing,
  syn_with_fin,
  syn_with_rst,
  // options.cpp
  option_length,
  option_padding,
  option_wrong_length,
  option_repeated,
  mss_only_on_syn,
  window_scale_only_on_syn,
  sack_permitted_only_on_syn,
  window_scale_limit,
  window_scale_not_offered,
  timestamps_not_offered,
  timestamp_echo_without_ack,
  // handshake.cpp
  syn_ack_number,
  syn_ack_without_syn,
  isn_changed,
  handshake_ack_number,
  ack_before_isn,
  data_before_handshake,
  ecn_not_offered,
  // ecn.cpp
  ect_on_control,
  ect_not_negotiated,
  // sequence.cpp
  before_isn,
  ack_sequence,
  unsent_sequence,
  sequence_jump,
  payload_changed,
  urgent_pointer,
  segment_over_mss,
  // acknowledgment.cpp
  ack_of_unsent_data,
  ack_of_missing_data,
  ack_goes_back,
  fin_not_acknowledged,
  // window.cpp
  data_beyond_window,
  window_shrunk,
  // close.cpp
  fin_moved,
  data_after_fin,
  segment_after_reset,
  // reset.cpp
  reset_of_syn,
  reset_of_ack,
  reset_number,
  reset_ack,
  // timestamps.cpp
  timestamps_missing,
  timestamp_goes_back,
  timestamp_echo_unsent,
  timestamp_echo_goes_back,
  timestamp_echo_stale,
  // sack.cpp
  sack_not_permitted,
  sack_block_empty,
  sack_block_below_ack,
  sack_of_unsent_data,
  sack_blocks_touch,
  // replies.cpp
  segment_after_received_reset,
  data_not_acknowledged,
  reset_answered,
  // near.cpp
  sack_newest_first,
  challenge_missing,
  unacceptable_not_answered,
  fin_not_acknowledged_again,
  window_reset_obeyed,
  outside_reset_answered,
  closed_without_reset,
  // recovery.cpp
  rto_not_backed_off,
  no_retransmission,
  acknowledged_data_resent,
  rto_below_minimum,
  rto_below_round_trip,
  syn_repeated_early,
  syn_not_backed_off,
  no_slow_start_after_timeout,
  initial_window,
  window_not_deflated,
  fast_retransmit_missing,
  window_grows_too_fast,
  repetition_with_stump,
  // timing.cpp
  stretch_ack,
  duplicate_ack_missing,
  beyond_hole_not_kept,
  // probing.cpp
  window_not_probed,
  window_probe_not_backed_off,
  silly_window_offered,
  silly_window_sent,
  keep_alive_interval,
  keep_alive_retry,
  keep_alive_with_data,
  close_with_data_pending,
  fin_not_prompt,
  // tap_ledger.cpp
  isn_predictable,
  count_,
};

namespace rules {

// What answers a SYN disagrees with it, and it is not yet known which of the two is wrong.
bool isn_in_question(const Context& c);
// This is the first segment after both SYNs, so it alone says what its sender took the other's ISN for.
bool first_answer_to_syn(const Context& c);

inline constexpr const char* kTooFar = ", and no path carries the octets between in so short a time";

// This segment was sent right after everything known of its sender, and nothing of that is missing: its IP
// identifications are consecutive since SND.NXT was known for certain.
bool nothing_unseen(const Context& c);

// TSval and TSecr were overwritten on the way.
bool stamps_are_wiped(const Context& c);
// A box may have taken the window scale out of one end's sight: then this window field is not what it seems.
bool scale_in_doubt(const Context& c);
// A SYN-ACK that echoes a timestamp, but not that of the peer's SYN: it answers one that is missing from the capture.
bool echoes_another_syn(const Context& c);

void data_offset(Context& c);
void reserved_bits(Context& c);
void checksum(Context& c);
void ack_bit_missing(Context& c);
void syn_with_fin(Context& c);
void syn_with_rst(Context& c);

void option_length(Context& c);
void option_padding(Context& c);
void option_wrong_length(Context& c);
void option_repeated(Context& c);
void mss_only_on_syn(Context& c);
void window_scale_only_on_syn(Context& c);
void sack_permitted_only_on_syn(Context& c);
void window_scale_limit(Context& c);
void window_scale_not_offered(Context& c);
void timestamps_not_offered(Context& c);
void timestamp_echo_without_ack(Context& c);

void syn_ack_number(Context& c);
void syn_ack_without_syn(Context& c);
void isn_changed(Context& c);
void handshake_ack_number(Context& c);
void ack_before_isn(Context& c);
void data_before_handshake(Context& c);
void ecn_not_offered(Context& c);

void ect_on_control(Context& c);
void ect_not_negotiated(Context& c);

void before_isn(Context& c);
void ack_sequence(Context& c);
void unsent_sequence(Context& c);
void sequence_jump(Context& c);
void payload_changed(Context& c);
void urgent_pointer(Context& c);
void segment_over_mss(Context& c);

void ack_of_unsent_data(Context& c);
void ack_of_missing_data(Context& c);
void ack_goes_back(Context& c);
void fin_not_acknowledged(Context& c);

void data_beyond_window(Context& c);
void window_shrunk(Context& c);

void fin_moved(Context& c);
void data_after_fin(Context& c);
void segment_after_reset(Context& c);

void reset_of_syn(Context& c);
void reset_of_ack(Context& c);
void reset_number(Context& c);
void reset_ack(Context& c);

void timestamps_missing(Context& c);
void timestamp_goes_back(Context& c);
void timestamp_echo_unsent(Context& c);
void timestamp_echo_goes_back(Context& c);
void timestamp_echo_stale(Context& c);
// A TSval below the highest, which one packet alone had: waits for the next one, to know which of both is wrong. False:
// it does not wait.
bool suspect_fall(Context& c, bool at_tap);
// It echoes a TSval of the peer that was far off.
bool echoes_stray(const Context& c);

void sack_not_permitted(Context& c);
void sack_block_empty(Context& c);
void sack_block_below_ack(Context& c);
void sack_of_unsent_data(Context& c);
void sack_blocks_touch(Context& c);

void segment_after_received_reset(Context& c);

}  // namespace rules

struct RuleRow {
  RuleInfo info;
  std::uint32_t triggers = 0;         // Trigger bits: one of them asks it
  void (*check)(Context&) = nullptr;  // without one it is found over time (replies.cpp, conduct.cpp, tap_ledger.cpp)
  std::uint8_t blames = kBlameNone;   // Blame bits
};

const RuleRow& rule_row(RuleId id);
// Rules about the fields of one segment, whatever came before it.
bool rule_needs_segment_only(const RuleInfo& rule);
std::span<const RuleRow> rule_rows();

}  // namespace lastack
