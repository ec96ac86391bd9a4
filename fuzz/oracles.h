// What must hold in every run, apart from what the judge and the core's own invariants say. A broken oracle is first a
// value, so that the minimiser can ask again; a fuzz target then turns it into a trap. Each oracle, and each rule of
// the judge, dies in a function of its own: crash deduplication looks at the topmost frames and at the assertion text.
#pragma once

#include <cstdint>
#include <string>

#include "conformance/judge/rule.h"

namespace lastack::fuzz {

// X(name, sentence)
#define LASTACK_ORACLES(X)                                                                                           \
  X(judge, "the judge finds no violation of a mandatory rule")                                                       \
  X(adapter_broken, "no call is answered LASTACK_INTERNAL")                                                          \
  X(well_formed, "every packet sent parses, and both its checksums are right (RFC 9293 MUST-2)")                     \
  X(addresses, "every packet sent goes from the stack's address to the peer's")                                      \
  X(emission_bound, "one input makes a bounded number of packets")                                                   \
  X(quiet_reply, "a segment that arrives at an idle connection draws at most three packets")                         \
  X(no_spin, "after its timers have run, the stack does not ask for the same instant again")                         \
  X(una_retreats, "SND.UNA never retreats (RFC 9293 3.4)")                                                           \
  X(una_beyond_nxt, "SND.UNA =< SND.NXT (RFC 9293 3.4)")                                                             \
  X(rcv_nxt_retreats, "RCV.NXT never retreats (RFC 9293 3.4)")                                                       \
  X(sent_octets, "every octet sent is the user's octet for its sequence number")                                     \
  X(sent_beyond_user, "no octet is sent that the user has not given")                                                \
  X(delivered_octets, "every octet delivered is the peer's octet for its place in the stream")                       \
  X(delivered_count, "at the end of the stream the user has got what RCV.NXT says (RFC 9293 3.10.3)")                \
  X(reset_for_reset, "a RST is never answered by a RST (RFC 9293 3.5.2)")                                            \
  X(unacceptable_segment, "a segment that fails the sequence number test changes nothing (RFC 9293 3.10.7.4 first)") \
  X(liveness, "with a willing peer, a willing user and time, the connection ends (RFC 9293 3.6)")                    \
  X(octets_lost, "an orderly end means that every octet the user gave was sent")                                     \
  X(stays_awake, "without connections the stack asks for no timer")                                                  \
  X(deterministic, "the same calls give the same packets")                                                           \
  X(world_delivery, "over a fair network every octet given is delivered, once and in order")                         \
  X(world_ends, "over a fair network both ends close")                                                               \
  X(world_error, "over a fair network no connection is reset, refused or timed out")                                 \
  X(world_silence, "with the clock standing still, the exchange falls silent")                                       \
  X(world_frames, "the number of packets stays in proportion to what is sent")

enum class Oracle : std::uint8_t {
#define X(name, sentence) name,
  LASTACK_ORACLES(X)
#undef X
};

const char* oracle_name(Oracle oracle);
const char* oracle_sentence(Oracle oracle);

struct Failure {
  Oracle oracle = Oracle::judge;
  const RuleInfo* rule = nullptr;  // of the judge
  std::string text;                // what happened, with numbers
  int step = -1;                   // the step during which it was seen; -1: before the first, or in the epilogue

  // "delivered_octets", "judge:ack-of-unsent-data": what minimisation holds on to.
  std::string id() const;
};

// The environment variable LASTACK_FUZZ_KNOWN lists oracle ids, separated by commas, that are known of this stack and
// shall not stop a run ("judge" stands for all rules of the judge): behind a known finding there may be another one.
bool is_known(const Failure& failure);

// Prints the assertion in glibc's format and dies.
[[noreturn]] void die(const Failure& failure);

}  // namespace lastack::fuzz
