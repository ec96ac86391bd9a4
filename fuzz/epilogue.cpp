// The end of every program: the peer becomes willing (it acknowledges everything, fills the holes, closes), the user
// reads and closes, and time passes. Then every connection must end, and an orderly end must have carried every octet.
// The peer uses the stack's own variables, so whatever the program did before, it is in step with the stack.
#include <algorithm>

#include "fuzz/machine.h"

namespace lastack::fuzz {
namespace {

constexpr int kRounds = 200;
constexpr std::uint32_t kMostFill = 65'536;  // more text than this is not sent to bring a window update within reach
constexpr int kIdleRounds = 40;  // enough for every retransmission and probe to back off to its longest interval

}  // namespace

void Machine::epilogue() {
  if (options_.observer != nullptr) options_.observer->on_step(-1, "the peer and the user are willing from here on");
  if (!sut_->can(LASTACK_CAP_INFO)) return;  // without it the peer cannot be sure to be in step
  for (std::uint8_t slot = 0; slot < kSlots && !failed(); ++slot) {
    if ((used_slots_ & (1U << slot)) == 0) continue;
    // Twice: an old SYN may have made a second connection of the same peer port.
    for (int connection = 0; connection < 2; ++connection) {
      const Ending ending = end_connection(slot);
      if (failed() || ending == Ending::under_way) return;
      check_end(slot);
    }
  }
  if (failed()) return;
  if (listener_ >= 0) {
    lastack_sut_ret ret;
    sut_->app(Sut::call(now_, LASTACK_APP_CLOSE, listener_), ret);
    listener_ = -1;
    after_input(kMaxBurst);
  }
  // A stack with a periodic tick of its own may stay awake; ours has no reason to.
  if (!failed() && sut_->can(LASTACK_CAP_DETERMINISTIC) && std::string_view(options_.sut->name) == "core" &&
      sut_->next(now_) != kNever) {
    advance_to(now_ + 600'000'000);
    if (sut_->next(now_) != kNever) fail(Oracle::stays_awake, "next() answers " + std::to_string(sut_->next(now_)));
  }
}

// Rounds until the connection is gone. A program can leave it in a state where only an octet at a time gets through,
// for example with SND.WL1 far ahead of what the peer may still send; as long as it moves it is alive.
Machine::Ending Machine::end_connection(std::uint8_t slot) {
  int idle = 0;
  View before = look(slot);
  for (int round = 0; round < kRounds; ++round) {
    if (!wind_down(slot)) return Ending::gone;
    if (failed()) return Ending::under_way;
    const View view = look(slot);
    const bool moved = view.state != before.state || view.una != before.una || view.rcv_nxt != before.rcv_nxt;
    idle = moved ? 0 : idle + 1;
    if (idle == kIdleRounds) {
      fail(Oracle::liveness,
           std::string("still in ") + state_name(view.state) + " after " + std::to_string(idle) +
               " rounds; SND.UNA=" + std::to_string(view.una.raw()) + " SND.NXT=" + std::to_string(view.nxt.raw()) +
               " RCV.NXT=" + std::to_string(view.rcv_nxt.raw()) + " unsent=" + std::to_string(view.unsent));
      return Ending::under_way;
    }
    before = view;
  }
  return Ending::under_way;
}

// One round for one connection. False when it is gone.
bool Machine::wind_down(std::uint8_t slot) {
  View view = look(slot);
  if (!view.exists) return false;
  const std::int32_t conn = slots_[slot].conn;
  lastack_sut_ret ret;
  while (!failed() && user_receive(slot, 65536)) after_input(kMaxBurst);
  if (shut_[slot] != conn && view.state != LASTACK_SYN_SENT && view.state != LASTACK_SYN_RECEIVED) {
    call(slot, Sut::call(now_, LASTACK_APP_SHUTDOWN, conn), ret);
    shut_[slot] = conn;
  }
  after_input(kMaxBurst);
  if (failed()) return true;
  view = look(slot);
  if (!view.exists) return false;
  const std::uint64_t sent_before = packets_;
  if (!willing_peer(slot, view) || failed()) return true;
  // Time passes only where the peer's segment set nothing free: a retransmission timer that ran in every round would
  // keep the congestion window closed.
  const std::uint64_t next = sut_->next(now_);
  if (packets_ == sent_before && next != kNever) advance_to(next);
  return true;
}

// The segment that moves the connection on. False when only time can.
bool Machine::willing_peer(std::uint8_t slot, const View& view) {
  Slot& s = slots_[slot];
  const auto send = [&](Flags flags, SeqNum seq, SeqNum ack, std::uint32_t octets) {
    const std::size_t size = s.build_exact(flags, seq, ack, octets, now_, out_);
    const std::vector<std::byte> packet(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(size));
    inject(slot, packet);
  };
  switch (view.state) {
    case LASTACK_SYN_SENT: send(kSyn | kAck, s.fresh(), view.nxt, 0); return true;
    case LASTACK_SYN_RECEIVED: send(kAck, view.rcv_nxt, view.nxt, 0); return true;
    case LASTACK_ESTABLISHED:
    case LASTACK_FIN_WAIT_1:
    case LASTACK_FIN_WAIT_2: {
      // A window update only counts from SND.WL1 on (3.10.7.4 fifth): where the window is small, text up to there comes
      // first.
      lastack_sut_info info;
      std::uint32_t missing = 0;
      if (view.snd_wnd < view.mss && sut_->info(now_, s.conn, info) && (info.valid & LASTACK_INFO_SND_WL) != 0 &&
          after(SeqNum(info.snd_wl1), view.rcv_nxt)) {
        missing = octets_between(view.rcv_nxt, SeqNum(info.snd_wl1));
        if (missing > kMostFill) missing = 0;
      }
      const std::uint32_t octets = std::min({missing, s.longest_payload(), view.rcv_wnd});
      send(missing == 0 && view.rcv_wnd != 0 ? kAck | kFin : kAck, view.rcv_nxt, view.nxt, octets);
      // The next piece of a long fill needs no timer.
      if (octets != 0 && octets < missing) return willing_peer(slot, look(slot));
      return true;
    }
    case LASTACK_CLOSE_WAIT:
    case LASTACK_CLOSING:
    case LASTACK_LAST_ACK: send(kAck, view.rcv_nxt, view.nxt, 0); return true;
    default: {
      const std::uint64_t next = sut_->next(now_);  // TIME-WAIT: 2MSL
      if (next != kNever) advance_to(next);
      return false;
    }
  }
}

void Machine::check_end(std::uint8_t slot) {
  Slot& s = slots_[slot];
  if (failed() || s.conn < 0 || s.tainted) return;
  lastack_sut_ret ret;
  if (sut_->app(Sut::call(now_, LASTACK_APP_EVENTS, s.conn), ret) != LASTACK_OK) return;
  constexpr std::uint32_t kDisorderly = LASTACK_EVENT_RESET | LASTACK_EVENT_REFUSED | LASTACK_EVENT_TIMEOUT;
  // Only the events since the program last asked: nobody asks before, so these are all.
  if ((ret.flags & kDisorderly) != 0 || (ret.flags & LASTACK_EVENT_CONNECTED) == 0) return;
  if (s.emitted < s.accepted) {
    fail(Oracle::octets_lost,
         "the user gave " + std::to_string(s.accepted) + " octets, " + std::to_string(s.emitted) + " were sent");
  }
}

}  // namespace lastack::fuzz
