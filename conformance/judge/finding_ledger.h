// The findings of a whole capture, their counts, and what the capture as a whole tells against them: a path that
// damages or repeats, an order that is not the path's, packets that are missing. Settled once, when the capture is
// over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "conformance/judge/connection.h"
#include "conformance/judge/judge.h"
#include "conformance/judge/tap_ledger.h"

namespace lastack {

class FindingLedger final : public FindingSink {
 public:
  FindingLedger(Vantage vantage, std::size_t max_findings) : vantage_(vantage), max_findings_(max_findings) {}

  void add(Finding&& finding) override;
  bool checksums_usually_right() const override;
  void note_disorder() override { ++disorder_; }
  StreamBudget& stream_budget() override { return budget_; }
  bool icmp_since(Instant time) const override { return last_icmp_ && *last_icmp_ >= time; }
  void note_loss(std::uint32_t connection, std::uint64_t packet) override;
  void note_repetition() override { ++repetitions_; }
  bool repeats() const override { return repetitions_ != 0; }
  void note_damage() override { ++damaged_; }
  bool may_repeat_unseen(Instant syn) const override {
    return (midstream_ || ecn_given_up_) && began_ && syn - *began_ < std::chrono::seconds(10);
  }
  void note_ecn_given_up() override { ecn_given_up_ = true; }
  void note_began(Instant time) { began_ = began_ ? began_ : time; }
  // A connection was there before the capture.
  void note_midstream() { midstream_ = true; }

  void note_segment(const SegmentInfo& seg);
  void note_clock_set_back() { clock_set_back_ = true; }
  void note_icmp(Instant time) { last_icmp_ = time; }
  void note_capture_loss(std::uint64_t packets) { capture_loss_ += packets; }
  // In this connection something was sent again.
  void note_repeating(std::uint32_t connection) { repeating_.insert(connection); }
  // Leaves open what the capture cannot bear, and sorts the rest by packet number. `hosts`: what is known of them.
  void settle(const TapLedger& hosts);

  JudgeCounts counts;
  const std::vector<Finding>& findings() const { return findings_; }
  std::size_t memory() const { return findings_.capacity() * sizeof(Finding); }

 private:
  struct Loss {
    std::uint32_t connection;
    std::uint64_t packet;
  };
  void leave_open(Finding& f, const std::string& reason);
  bool lacks_empty_segments() const;
  std::size_t places_missing() const;
  void distrust_order();
  void distrust_path();
  void distrust_what_checksums_miss();
  void distrust_checksums(const TapLedger& hosts);
  void distrust_unverified();
  void distrust_sizes();
  void distrust_clock();
  void distrust_completeness();
  void distrust_admitted_loss();

  Vantage vantage_;
  std::size_t max_findings_;
  std::vector<Finding> findings_;
  StreamBudget budget_;
  std::uint64_t right_checksums_ = 0;
  std::uint64_t wrong_checksums_ = 0;
  std::uint64_t with_text_ = 0;
  std::uint64_t larger_than_frame_ = 0;
  std::uint64_t empty_ = 0;  // without text, SYN, FIN, RST, and with no option but timestamps
  std::uint64_t syn_acks_ = 0;
  std::uint64_t disorder_ = 0;
  std::uint64_t damaged_ = 0;
  std::uint64_t repetitions_ = 0;
  std::uint64_t capture_loss_ = 0;
  bool clock_set_back_ = false;
  bool ecn_given_up_ = false;
  bool midstream_ = false;
  std::optional<Instant> began_;
  std::vector<Loss> losses_;
  std::unordered_set<std::uint32_t> repeating_;  // of connections with violations
  std::optional<Instant> last_icmp_;
};

}  // namespace lastack
