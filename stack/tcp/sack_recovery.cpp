// Loss recovery with SACK: what an ACK's blocks mean (RFC 2018, RFC 2883), the phases that RFC 6675 and RFC 8985 share,
// RFC 6675's own search for loss, and how cwnd comes down (RFC 6937).
#include <algorithm>
#include <array>

#include "stack/tcb/mutation.h"
#include "stack/tcp/loss_recovery.h"

namespace lastack {

namespace {

constexpr std::uint32_t kDupThresh = 3;

// What the blocks of one ACK say.
struct Report {
  std::array<SackBlock, kMaxSackBlocks> blocks{};  // in sequence order, each within what is in flight
  std::size_t count = 0;
  bool beyond_point = false;
  std::optional<SackBlock> duplicate;  // RFC 2883
};

//= rfc2883 4
//= RFC2883-5-a compared with this segment's own ACK
bool reports_duplicate(const Segment& seg) {
  const SackBlock& first = seg.options.sack[0];
  if (!before(first.left, first.right)) return false;
  if (at_or_before(first.right, seg.ack)) return true;
  if (seg.options.sack_count < 2) return false;
  const SackBlock& second = seg.options.sack[1];
  return at_or_after(first.left, second.left) && at_or_before(first.right, second.right);
}

//= RFC2018-5-a
Report read_blocks(const Tcb& tcb, const Segment& seg) {
  Report report;
  std::size_t i = 0;
  if (seg.options.sack_count != 0 && reports_duplicate(seg)) report.duplicate = seg.options.sack[i++];
  for (; i < seg.options.sack_count; ++i) {
    const SackBlock& block = seg.options.sack[i];
    // A block that begins at SND.UNA would be acknowledged; one beyond SND.NXT was never sent.
    const bool sense = after(block.left, tcb.snd.una) && before(block.left, block.right) &&
                       at_or_before(block.right, tcb.sack_sender->board.end());
    if (!sense) continue;
    std::size_t at = report.count++;
    for (; at != 0 && before(block.left, report.blocks[at - 1].left); --at) report.blocks[at] = report.blocks[at - 1];
    report.blocks[at] = block;
    if (after(block.right, tcb.recovery.point)) report.beyond_point = true;
  }
  return report;
}

// RFC 6675 4 IsLost: three separate reported runs, or more than two segments' octets of them, lie above.
//= rfc6675 4
bool rfc6675_detect_loss(Tcb& tcb) {
  Scoreboard& board = tcb.sack_sender->board;
  std::uint32_t octets = 0;
  std::uint32_t runs = 0;
  bool found = false;
  bool in_run = false;
  for (std::size_t above = board.size(); above != 0; --above) {
    const std::size_t i = above - 1;
    const SendRecord& record = board[i];
    if (record.sacked) {
      octets += octets_between(record.begin, board.end_of(i));
      if (!in_run) ++runs;
      in_run = true;
      continue;
    }
    in_run = false;
    if (runs < kDupThresh && octets <= (kDupThresh - 1) * tcb.congestion.smss) continue;
    if (record.twice) board.mark_single(i);
    if (record.lost || record.resent) continue;
    board.mark_lost(i);
    found = true;
  }
  return found;
}

bool detect_loss(Tcb& tcb, Instant now) {
  if (tcb.config().loss_detection == LossDetection::rack) return rack_detect_loss(tcb, now);
  bool found = rfc6675_detect_loss(tcb);
  Scoreboard& board = tcb.sack_sender->board;
  //= RFC6675-5-a the third duplicate, though IsLost does not say so (small segments)
  if (tcb.recovery.phase == RecoveryPhase::open && tcb.recovery.duplicate_acks >= kDupThresh && !board.empty() &&
      !board[0].lost && !board[0].resent) {
    board.mark_front_lost(tcb.snd.una + tcb.congestion.smss);
    found = true;
  }
  return found && board[0].lost;
}

// RFC 6937 3, on every ACK of a recovery; slow start (SSRB) unless this ACK told of further loss.
//= rfc6937 3
void proportional_rate(Tcb& tcb, std::uint32_t delivered, bool more_lost) {
  ProportionalRate& prr = tcb.sack_sender->prr;
  Congestion& c = tcb.congestion;
  prr.delivered += delivered;
  const std::uint32_t pipe = tcb.sack_sender->board.pipe();
  std::uint64_t may = 0;
  if (pipe > c.ssthresh) {
    const std::uint64_t share = (prr.delivered * c.ssthresh + prr.recover_flight - 1) / prr.recover_flight;
    may = share > prr.out ? share - prr.out : 0;
  } else {
    std::uint64_t limit = prr.delivered > prr.out ? prr.delivered - prr.out : 0;
    if (!more_lost) limit = std::max<std::uint64_t>(limit, delivered) + c.smss;
    may = std::min<std::uint64_t>(c.ssthresh - pipe, limit);
  }
  c.cwnd = pipe + static_cast<std::uint32_t>(std::min<std::uint64_t>(may, 1U << 30));
}

void leave_recovery(Tcb& tcb) {
  Recovery& r = tcb.recovery;
  if (r.phase == RecoveryPhase::fast) tcb.congestion.cwnd = tcb.congestion.ssthresh;
  r.phase = RecoveryPhase::open;
  r.frto = FrtoStep::off;
  r.send_one = false;
  rack_leave_recovery(tcb);
}

// What the phase makes of the ACK.
void advance_phase(Tcb& tcb, const AckNews& news, std::uint32_t delivered, std::uint32_t reported, bool beyond_point) {
  Recovery& r = tcb.recovery;
  const bool undone = r.frto != FrtoStep::off && frto_ack(tcb, news, reported, beyond_point);
  //= RFC6675-5-c
  const bool over = r.phase != RecoveryPhase::open && at_or_after(tcb.snd.una, r.point);
  const bool grows = news.acked != 0 && !undone && r.phase != RecoveryPhase::fast;
  if (grows) tcb.congestion.acknowledged(tcb.snd.una, {news.acked, news.now, tcb.rtt.srtt()});
  if (over) leave_recovery(tcb);
  // While F-RTO waits for its second ACK, what was sent before the time-out is neither lost nor not.
  const bool more_lost = r.frto == FrtoStep::off && detect_loss(tcb, news.now);
  if (more_lost && r.phase == RecoveryPhase::open) enter_fast_recovery(tcb);
  if (r.phase == RecoveryPhase::fast && tcb.config().proportional_rate) {
    proportional_rate(tcb, delivered, more_lost && tcb.sack_sender->prr.delivered != 0);
  }
}

// Nothing but new octets acknowledged, and nothing that could be lost: the usual ACK.
bool is_quiet(const Tcb& tcb, const AckNews& news) {
  const SackSender& s = *tcb.sack_sender;
  return news.segment.options.sack_count == 0 && s.board.clean() && tcb.recovery.phase == RecoveryPhase::open &&
         !s.probe.in_flight && !s.rack.dsack_round_on && tcb.recovery.event != RetransmitEvent::reordering;
}

void settle_timer(Tcb& tcb, const AckNews& news) {
  if (tcb.flight() == 0) {
    tcb.sack_sender->reorder_at = Instant::max();
    if constexpr (kMut != 40) tcb.timers.stop(TimerKind::retransmit);
  } else if (news.acked != 0) {
    restart_retransmission_timer(tcb, news.now);
  } else if (tcb.timers.armed(TimerKind::retransmit)) {
    schedule_retransmission_timer(tcb, news.now);
  }
}

}  // namespace

//= rfc6675 5
void enter_fast_recovery(Tcb& tcb) {
  Recovery& r = tcb.recovery;
  SackSender& s = *tcb.sack_sender;
  Congestion& c = tcb.congestion;
  s.undo.begin(tcb.config().undo, tcb.snd.una, c.remember());
  const std::uint32_t flight = r.duplicate_acks != 0 ? std::min(r.flight_at_first, tcb.flight()) : tcb.flight();
  c.reduce(CongestionEvent::loss, flight);
  tcb.ecn.cwr_due = true;
  if (!tcb.config().proportional_rate) c.cwnd = c.ssthresh;
  s.prr = ProportionalRate{0, 0, std::max(tcb.flight(), 1U)};
  r.phase = RecoveryPhase::fast;
  r.point = tcb.snd.nxt;
  r.point_valid = true;
  r.send_one = true;
  s.rescue_after = tcb.snd.una + c.smss;
  s.rescue_spent = false;
  s.probe.in_flight = s.probe.due = false;
}

//= rfc6675 5
//= rfc2018 5
void sack_ack(Tcb& tcb, const AckNews& news) {
  Recovery& r = tcb.recovery;
  SackSender& s = *tcb.sack_sender;
  s.rack.ack_began = true;
  const auto told = [&](const Delivered& run) { rack_delivered(tcb, news, run); };
  if (is_quiet(tcb, news)) [[likely]] {
    if (news.acked == 0) return;
    s.board.acknowledge(tcb.snd.una, told);
    r.duplicate_acks = 0;
    tcb.congestion.acknowledged(tcb.snd.una, {news.acked, news.now, tcb.rtt.srtt()});
    return settle_timer(tcb, news);
  }
  std::uint32_t delivered = news.acked != 0 ? s.board.acknowledge(tcb.snd.una, told) : 0;
  // A receiver that still held what it had reported would acknowledge it by now: it has thrown it away (RFC 2018 8).
  if (!s.board.empty() && s.board[0].sacked) s.board.forget_reports();
  const Report report = read_blocks(tcb, news.segment);
  std::uint32_t reported = 0;
  for (std::size_t i = 0; i < report.count; ++i) {
    reported += s.board.report(report.blocks[i].left, report.blocks[i].right, told);
  }
  delivered += reported;
  if (news.acked != 0) r.duplicate_acks = 0;
  //= RFC6675-2-a
  if (reported != 0 && r.duplicate_acks++ == 0) r.flight_at_first = tcb.flight();
  rack_see_dsack(tcb, report.duplicate.has_value());
  process_probe_ack(tcb, news, report.duplicate ? std::optional(report.duplicate->right) : std::nullopt,
                    news.duplicate && news.segment.options.sack_count == 0);
  advance_phase(tcb, news, delivered, reported, report.beyond_point || after(tcb.snd.una, r.point));
  if (report.duplicate) see_duplicate_report(tcb, report.duplicate->left, report.duplicate->right);
  settle_timer(tcb, news);
}

//= rfc8985 6.3
//= RFC2018-5-b
//= RFC2018-5.1-a
void sack_timeout(Tcb& tcb, Instant now, bool frto) {
  Recovery& r = tcb.recovery;
  SackSender& s = *tcb.sack_sender;
  Scoreboard& board = s.board;
  s.probe.in_flight = s.probe.due = false;
  s.reorder_at = Instant::max();
  r.send_one = true;
  const bool rack = tcb.config().loss_detection == LossDetection::rack;
  // RFC 8985 goes on to use what was reported; a second time-out of the same segment is a reason to doubt it.
  const bool doubt = !rack || tcb.retransmissions > 1;
  if (doubt && !frto) return board.mark_all_lost(true);
  if (doubt) board.forget_reports();
  board.mark_front_lost(tcb.text_begin() + tcb.congestion.smss);
  if (frto) return;
  const Duration waits = s.rack.rtt + rack_reordering_window(tcb);
  for (std::size_t i = 0; i < board.size(); ++i) {
    if (!board[i].sacked && !board[i].lost && board[i].sent + waits <= now) board.mark_lost(i);
  }
}

//= rfc6675 4
//= RFC6675-4-b
std::optional<ResendRange> next_lost(const Tcb& tcb) {
  const Scoreboard& board = tcb.sack_sender->board;
  std::size_t i = board.first_lost();
  if (i == board.size()) return std::nullopt;
  const SeqNum begin = board[i].begin;
  while (i + 1 < board.size() && board[i + 1].lost) ++i;
  return ResendRange{begin, board.end_of(i)};
}

//= rfc6675 4
//= RFC6675-4-b
std::optional<ResendRange> last_resort(Tcb& tcb, std::uint32_t mss) {
  if (tcb.config().loss_detection != LossDetection::rfc6675 || tcb.recovery.phase != RecoveryPhase::fast) return {};
  SackSender& s = *tcb.sack_sender;
  const Scoreboard& board = s.board;
  std::size_t above = board.size();  // records up to the highest that was reported
  while (above != 0 && !board[above - 1].sacked) --above;
  for (std::size_t i = 0; i < above; ++i) {
    if (!board[i].sacked && !board[i].resent && !board[i].lost) return ResendRange{board[i].begin, board.end_of(i)};
  }
  if (s.rescue_spent || board.empty() || !at_or_after(tcb.snd.una, s.rescue_after)) return {};
  std::size_t last = board.size();
  while (last != 0 && board[last - 1].sacked) --last;
  if (last == 0) return {};
  s.rescue_spent = s.rescuing = true;
  const SeqNum end = board.end_of(last - 1);
  const SeqNum begin = later_of(board[last - 1].begin, end - mss);
  return ResendRange{begin, end};
}

}  // namespace lastack
