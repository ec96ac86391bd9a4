// When a rule is asked. Most rules cannot find anything in a plain segment in order, and a few comparisons show which:
// so they are made once for all rules. A rule's triggers must be necessary for it to say anything; with
// JudgeOptions::ask_every_rule only the kind of segment counts, and tests compare both.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace lastack {

struct Context;

enum Trigger : std::uint32_t {
  // By the kind of segment. Plain: neither SYN nor RST; empty: plain, without data and FIN.
  kOnSyn = 1U << 0,
  kOnRst = 1U << 1,
  kOnData = 1U << 2,
  kOnFin = 1U << 3,
  kOnSack = 1U << 4,
  kPlain = 1U << 5,
  kEmpty = 1U << 6,
  kOnAckPlain = 1U << 7,  // plain, with ACK
  // By what its header shows.
  kOddForm = 1U << 8,     // malformed, damaged, reserved bits, options that are wrong in themselves
  kSynOption = 1U << 9,   // an option of SYNs without SYN
  kNoAck = 1U << 10,      // plain
  kNoTs = 1U << 11,       // plain
  kEchoNoAck = 1U << 12,  // timestamps without ACK
  kEcn = 1U << 13,        // plain, with an ECN codepoint, or one on the SYN is in question
  kEcnData = 1U << 14,    // data with an ECN codepoint
  // By where its numbers lie.
  kSeqLow = 1U << 15,        // plain, before SND.NXT
  kSeqLowEmpty = 1U << 16,   // empty
  kSeqHigh = 1U << 17,       // plain, after SND.NXT
  kSeqHighEmpty = 1U << 18,  // empty
  kAckLow = 1U << 19,        // kOnAckPlain, below RCV.NXT or not above IRS
  kAckHigh = 1U << 20,       // kOnAckPlain, above what the peer was seen to send
  kEdgeLow = 1U << 21,       // kOnAckPlain, the right window edge lies left of an earlier one
  kBeyondEdge = 1U << 22,    // data or FIN beyond the window
  kTsvalLow = 1U << 23,      // a TSval below an earlier one, or far off
  kTsecrUnsent = 1U << 24,   // a TSecr that the peer was not seen to send
  kTsecrLow = 1U << 25,      // a TSecr below an earlier one, or below that of what it acknowledges
  kRepeated = 1U << 26,      // data of which octets may be remembered
  // By what came before.
  kFirst = 1U << 27,         // plain, the first one of its sender
  kJumped = 1U << 28,        // plain, after a hole
  kFinSent = 1U << 29,       // plain, after a FIN of its sender, or with it
  kAfterPeerFin = 1U << 30,  // empty, after a FIN of the peer
  kAtEnd = 1U << 31,         // plain, Vantage::endpoint
};
inline constexpr int kTriggers = 32;

std::uint32_t triggers_of(const Context& c);

// A set of rules, by index.
class RuleSet {
 public:
  void add(std::size_t rule) { words_[rule / 64] |= std::uint64_t{1} << (rule % 64); }
  void add(const RuleSet& other) {
    for (std::size_t i = 0; i < kWords; ++i) words_[i] |= other.words_[i];
  }
  // In ascending order.
  template <typename Visit>
  void each(Visit&& visit) const {
    for (std::size_t i = 0; i < kWords; ++i) {
      for (std::uint64_t left = words_[i]; left != 0; left &= left - 1) {
        visit(i * 64 + static_cast<std::size_t>(std::countr_zero(left)));
      }
    }
  }

 private:
  static constexpr std::size_t kWords = 3;
  std::uint64_t words_[kWords] = {};
};

// The rules that one of these triggers asks.
RuleSet asked_by(std::uint32_t triggers);

}  // namespace lastack
