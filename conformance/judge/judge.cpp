// The judge's face: what callers give and ask for. The work is done by the tracker.
#include "conformance/judge/judge.h"

#include <utility>

#include "conformance/judge/rules/replies.h"
#include "conformance/judge/tracker.h"

namespace lastack {

struct Judge::Impl : Tracker {
  using Tracker::Tracker;
  std::uint64_t running_number = 0;
};

Judge::Judge(const JudgeOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Judge::~Judge() = default;
Judge::Judge(Judge&&) noexcept = default;
Judge& Judge::operator=(Judge&&) noexcept = default;

void Judge::received(Instant now, Bytes ip_packet, std::uint64_t number) {
  impl_->running_number = number;
  impl_->packet(now, ip_packet, number, 0, false, {});
}
void Judge::sent(Instant now, Bytes ip_packet, std::uint64_t number) {
  impl_->running_number = number;
  impl_->packet(now, ip_packet, number, 0, true, {});
}
void Judge::received(Instant now, Bytes ip_packet) { received(now, ip_packet, impl_->running_number + 1); }
void Judge::sent(Instant now, Bytes ip_packet) { sent(now, ip_packet, impl_->running_number + 1); }

void Judge::observed(Instant now, Bytes ip_packet, std::uint64_t number, std::size_t wire_size,
                     const PacketOrigin& origin) {
  impl_->packet(now, ip_packet, number, wire_size, false, origin);
}

void Judge::note_capture_loss(std::uint64_t packets) { impl_->ledger.note_capture_loss(packets); }

void Judge::advance(Instant now) {
  impl_->last_time = now;
  if (impl_->options.vantage != Vantage::endpoint) return;
  impl_->connections.each_connection([now](TrackedConnection& c) { replies::check_overdue(c, now); });
}

void Judge::finish(Instant now) {
  advance(now);
  impl_->finish();
}

void Judge::finish() { finish(impl_->last_time); }

const std::vector<Finding>& Judge::findings() const { return impl_->ledger.findings(); }
const JudgeCounts& Judge::counts() const { return impl_->ledger.counts; }

std::vector<ConnectionReport> Judge::take_connections() { return std::exchange(impl_->reports, {}); }

std::string Judge::state(std::uint16_t local_port, const SocketAddress& remote) const {
  std::string found = "CLOSED";
  impl_->connections.each_connection([&](const TrackedConnection& c) {
    const int local = c.judged < 0 ? 0 : c.judged;
    if (c.address[local].port == local_port && c.address[1 - local] == remote) {
      found = states_text(possible_states(c, local));
    }
  });
  return found;
}

std::size_t Judge::memory() const { return impl_->memory(); }

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::violated: return "violated";
    case Verdict::inconclusive: return "inconclusive";
    case Verdict::note: return "note";
  }
  return "?";
}

void leave_undecided(Finding& f, std::string_view reason) {
  f.verdict = Verdict::inconclusive;
  f.why += "; undecided: ";
  f.why += reason;
}

std::string to_string(const Finding& f) {
  return "packet " + std::to_string(f.packet) + ": " + f.endpoint.text() + " " + to_string(f.verdict) + " " +
         to_string(f.rule->level) + " " + f.rule->id + " (" + f.rule->clause + "): expected " + f.expected +
         ", actual " + f.actual + "; " + f.why + (f.tap.empty() ? "" : "; tap " + f.tap);
}

}  // namespace lastack
