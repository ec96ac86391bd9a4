#include "conformance/judge/finding_ledger.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "conformance/judge/rules/rules.h"

namespace lastack {

namespace {

// What a single flipped bit can look like, and the checksum did not clear.
bool is(const RuleInfo& rule, const char* id) { return std::strcmp(rule.id, id) == 0; }
bool is_checksum(const RuleInfo& rule) { return is(rule, "checksum"); }
bool tells_damage(const RuleInfo& rule) { return is_checksum(rule) || is(rule, "data-offset"); }

}  // namespace

void FindingLedger::add(Finding&& finding) {
  if (finding.verdict == Verdict::inconclusive) {
    ++counts.inconclusive;
  } else if (finding.verdict == Verdict::note) {
    ++counts.notes;
  } else if (is_mandatory(finding.rule->level)) {
    ++counts.violations;
  } else {
    ++counts.advisories;
  }
  if (findings_.size() < max_findings_) findings_.push_back(std::move(finding));
}

bool FindingLedger::checksums_usually_right() const {
  return wrong_checksums_ < 3 || wrong_checksums_ * 200 < right_checksums_;
}

void FindingLedger::note_loss(std::uint32_t connection, std::uint64_t packet) {
  constexpr std::size_t kRemembered = 256;
  if (losses_.size() < kRemembered) losses_.push_back({connection, packet});
}

void FindingLedger::note_segment(const SegmentInfo& seg) {
  if (seg.checksum == ChecksumState::right) ++right_checksums_;
  if (seg.checksum == ChecksumState::wrong) ++wrong_checksums_;
  if (larger_than_frame(seg)) ++larger_than_frame_;
  constexpr std::size_t kTimestampsOnly = kTcpHeaderSize + 12;
  constexpr std::uint16_t kControl = Flags::syn_bit | Flags::fin_bit | Flags::rst_bit;
  if ((seg.tcp.flags.bits & kControl) != 0) {
    if (seg.tcp.flags.syn() && seg.tcp.flags.ack()) ++syn_acks_;
  } else if (seg.payload_size != 0) {
    ++with_text_;
  } else if (seg.tcp.header_size <= kTimestampsOnly) {
    ++empty_;
  }
}

// Every connection has acknowledgements without text, the third segment of the handshake for one. A filter by size lets
// those with many options through, one by flags neither them nor text.
bool FindingLedger::lacks_empty_segments() const {
  return (with_text_ >= 20 && empty_ * 20 < with_text_) || (syn_acks_ >= 3 && empty_ == 0 && with_text_ == 0);
}

void FindingLedger::leave_open(Finding& f, const std::string& reason) {
  leave_undecided(f, reason);
  --(is_mandatory(f.rule->level) ? counts.violations : counts.advisories);
  ++counts.inconclusive;
}

// A wrong checksum is the sender's where nothing was ever sent again; elsewhere the path may have damaged the segment,
// unless its receiver took it as it was. Where packets are missing, the repetition may be one of them.
void FindingLedger::distrust_path() {
  if (vantage_ == Vantage::endpoint) return;
  const std::size_t missing = places_missing();
  const bool others_open = std::any_of(findings_.begin(), findings_.end(), [](const Finding& f) {
    return is_checksum(*f.rule) && f.verdict == Verdict::inconclusive;
  });
  const bool may_damage = damaged_ != 0 || repetitions_ != 0 || missing != 0;
  if (!may_damage && !others_open) return;
  for (Finding& f : findings_) {
    if (f.verdict != Verdict::violated || !tells_damage(*f.rule) || (!may_damage && !is_checksum(*f.rule))) continue;
    // That nothing of it was sent again proves little where the path damages others and the capture may lack packets.
    if (f.proven && ((damaged_ == 0 && missing == 0) || !is_checksum(*f.rule))) continue;
    leave_open(f, damaged_ != 0       ? "this path damages segments, " + std::to_string(damaged_) + " were sent again"
                  : repetitions_ != 0 ? "segments were sent again in this capture, so the path may have damaged it"
                  : missing != 0      ? "packets are missing from this capture, and the path may have damaged it"
                                 : "this capture has other wrong checksums, and the path may have damaged them all");
  }
}

// A sum of 16 bits misses some damage (two flips in one column, one each way): of many damaged segments, one.
void FindingLedger::distrust_what_checksums_miss() {
  if (vantage_ == Vantage::endpoint) return;
  constexpr std::uint64_t kMany = 4;
  const bool mostly_right = wrong_checksums_ * 4 < right_checksums_;
  const std::uint64_t damaged = std::max(damaged_, mostly_right ? wrong_checksums_ : 0);
  if (damaged < kMany) return;
  std::map<const RuleInfo*, std::uint64_t> violations;
  for (const Finding& f : findings_) violations[f.rule] += f.verdict == Verdict::violated ? 1U : 0U;
  for (Finding& f : findings_) {
    if (f.verdict != Verdict::violated || is_checksum(*f.rule) || damaged < kMany * violations[f.rule]) continue;
    leave_open(f,
               std::to_string(damaged) + " segments of this capture are damaged, and the checksum misses some damage");
  }
}

// A host whose checksums are mostly wrong leaves them to its network card: systems differ in what they put there.
void FindingLedger::distrust_checksums(const TapLedger& hosts) {
  if (vantage_ == Vantage::endpoint) return;
  for (Finding& f : findings_) {
    if (f.verdict != Verdict::violated || !is_checksum(*f.rule)) continue;
    const TapEvidence& host = hosts.host(f.endpoint.ip);
    const bool usually_right = host.right != 0 && (host.wrong < 2 || host.right / 2 >= host.wrong);
    if (!usually_right) leave_open(f, "too few of this host's checksums are right: a network card may finish them");
  }
}

// Where the capture cut a segment nothing shows that it was whole; damaged ones are sent again.
void FindingLedger::distrust_unverified() {
  const bool damages = damaged_ != 0 || (wrong_checksums_ != 0 && wrong_checksums_ * 4 < right_checksums_);
  for (Finding& f : findings_) {
    if (f.verdict != Verdict::violated) continue;
    const bool damage_likely = damages || repeating_.count(f.connection) != 0;
    if (f.header_cut) {
      leave_open(f, "the capture cut its header");
    } else if (f.unverified && (damage_likely || f.flipped_bit)) {
      leave_open(f, "the capture cut it, so that its checksum does not show whether the path damaged it");
    } else if (damage_likely && f.after_unverified && !rule_needs_segment_only(*f.rule)) {
      leave_open(f, "the capture cut segments before it, and if the path damaged them, what they said is wrong");
    }
  }
}

// One segment larger than a frame is a fault. Several are the work of a network card, which puts together what arrives
// (and cuts what is sent) on the other side of the tap.
void FindingLedger::distrust_sizes() {
  if (vantage_ == Vantage::endpoint || larger_than_frame_ < 2) return;
  for (Finding& f : findings_) {
    if (f.verdict != Verdict::violated || !f.larger_than_frame || !is(*f.rule, "segment-over-mss")) continue;
    leave_open(f, std::to_string(larger_than_frame_) +
                      " segments of this capture are larger than a frame: a network card may have put it together");
  }
}

// What an end owes within some time, and what it sends in which order.
void FindingLedger::distrust_clock() {
  if (!clock_set_back_ || vantage_ == Vantage::endpoint) return;
  for (Finding& f : findings_) {
    const bool timed = f.verdict == Verdict::violated && f.rule->soundness == Soundness::endpoint;
    if (timed) leave_open(f, "the clock of the capture was set back");
  }
}

// Places where octets were acknowledged but not captured, away from everything that a finding is about: there packets
// are missing from the capture.
std::size_t FindingLedger::places_missing() const {
  const auto near_finding = [this](const Loss& loss) {
    constexpr std::uint64_t kNear = 100;
    return std::any_of(findings_.begin(), findings_.end(), [&loss](const Finding& f) {
      const std::uint64_t apart = f.packet > loss.packet ? f.packet - loss.packet : loss.packet - f.packet;
      return f.verdict == Verdict::violated && f.connection == loss.connection && apart <= kNear;
    });
  };
  const auto real = std::count_if(losses_.begin(), losses_.end(), [&](const Loss& l) { return !near_finding(l); });
  return static_cast<std::size_t>(real);
}

// Rules that need all packets decide nothing where some are missing (soundness P and E).
void FindingLedger::distrust_completeness() {
  if (vantage_ == Vantage::endpoint) return;
  const std::size_t missing = places_missing();
  const bool filtered = lacks_empty_segments();
  if (missing < 2 && !filtered) return;
  for (Finding& f : findings_) {
    const bool needs_all =
        f.needs_all || f.rule->soundness == Soundness::path || f.rule->soundness == Soundness::endpoint;
    if (f.verdict != Verdict::violated || f.proven || !needs_all) continue;
    leave_open(f, filtered
                      ? std::string("it has hardly any empty segment: a filter may have left out acknowledgements")
                      : "packets are missing from this capture, at " + std::to_string(missing) + " places or more");
  }
}

// When the file's order is often not the path's, only what a segment shows by itself can be held against anybody.
void FindingLedger::distrust_order() {
  if (vantage_ == Vantage::endpoint || disorder_ == 0) return;
  const bool often = disorder_ >= 4 && disorder_ * 2000 >= counts.segments;
  for (Finding& f : findings_) {
    if (f.verdict != Verdict::violated || rule_needs_segment_only(*f.rule)) continue;
    // Once is enough against what is only about order.
    if (!often && (f.rule->soundness != Soundness::endpoint || f.proven)) continue;
    leave_open(f, "in this capture " + std::to_string(disorder_) + " acknowledgements stand before their data");
  }
}

// Packets that the capture admits to have lost may be anywhere.
void FindingLedger::distrust_admitted_loss() {
  if (capture_loss_ == 0) return;
  for (Finding& f : findings_) {
    if (f.verdict != Verdict::violated || f.rule->soundness == Soundness::anywhere) continue;
    leave_open(f, "the capture says that it lost " + std::to_string(capture_loss_) + " packets");
  }
}

void FindingLedger::settle(const TapLedger& hosts) {
  distrust_order();
  distrust_path();
  distrust_what_checksums_miss();
  distrust_checksums(hosts);
  distrust_unverified();
  distrust_sizes();
  distrust_clock();
  distrust_completeness();
  distrust_admitted_loss();
  std::stable_sort(findings_.begin(), findings_.end(),
                   [](const Finding& a, const Finding& b) { return a.packet < b.packet; });
}

}  // namespace lastack
