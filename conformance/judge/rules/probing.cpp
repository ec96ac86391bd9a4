// Rules about shut windows, idle connections and their end: probes of both kinds (RFC 9293 3.8.4, 3.8.6.1), silly
// windows (3.8.6.2), and closing with text unread (3.6.1).
#include <algorithm>

#include "conformance/judge/profile.h"
#include "conformance/judge/rules/near.h"

namespace lastack::near {

namespace {

constexpr Duration kLongShut = std::chrono::seconds(5);

//= rfc9293 3.8.6.1 SHLD-30
void window_probe(Context& c, Conduct& own) {
  const Duration since = c.seg.time - (own.probes.count == 0 ? own.shut_since : own.probes.last);
  if (!is_flat(own.probes, c, since, c.conn.profile->maximum_rto)) return;
  c.note(RuleId::window_probe_not_backed_off, "intervals that grow exponentially", seconds_text(since),
         "three times in a row the probe came after no longer a time than before, from packet " +
             std::to_string(own.probes.first_packet) + " on");
}

void keep_alive(Context& c, Conduct& own) {
  const Duration idle = c.seg.time - std::max(own.active, c.conn.conduct[1 - c.side].active);
  if (own.unanswered_probes == 0) {
    const Duration least = c.conn.profile->keep_alive;
    if (own.active != Instant{} && idle < least - least / 20 && idle > std::chrono::milliseconds(500)) {
      c.note(RuleId::keep_alive_interval, "a keep-alive after " + seconds_text(least) + " or more, unless configured",
             "after " + seconds_text(idle), "nothing but keep-alives has passed since");
    }
  } else if (own.unanswered_probes >= 2 && c.seg.time - c.self.last_time < c.conn.profile->keep_alive_retry) {
    c.note(RuleId::keep_alive_retry, "time for the network to recover between keep-alives",
           seconds_text(c.seg.time - c.self.last_time),
           std::to_string(own.unanswered_probes + 1) + " keep-alives in a row without an answer");
  }
  if (own.unanswered_probes < 255) ++own.unanswered_probes;
}

// One octet or none, numbered just below SND.NXT.
bool is_keep_alive(const Context& c) {
  return c.flags().ack() && !c.flags().fin() && c.self.numbers_known && c.seg.payload_size <= 1 &&
         c.seq == c.self.next - 1 && c.end <= c.self.next && (c.self.syn.count != 0 || c.self.plain_segments > 1);
}

}  // namespace

// What this end sends into a shut window or into silence.
void probes(Context& c) {
  Conduct& own = c.conn.conduct[c.side];
  const Position first = una(c.self, c.peer);
  if (own.shut) {
    const bool probe = c.seg.payload_size != 0 || c.seq == c.self.next - 1;
    if (probe && c.seq <= first + 1 && c.seq + 1 >= first) window_probe(c, own);
    return;
  }
  if (is_keep_alive(c)) {
    if (c.self.next - 1 > first && c.seg.payload_size <= 1 && c.seg.time - c.self.last_time > kLongShut / 10) {
      c.note(RuleId::keep_alive_with_data, "no keep-alive while octets wait for an ACK", info_text(c.seg),
             "octets from " + number_text(first) + " on are not acknowledged yet");
    } else if (c.self.next == first) {
      keep_alive(c, own);
      return;
    }
  }
  const bool answer = c.seg.len() == 0 && c.seq == c.self.next && c.self.acked && c.ack == c.self.ack_max;
  if (!answer) own.active = c.seg.time;
  // It had text ready for as long as the window was shut, and did not ask.
  const bool had_text = own.opened != Instant{} && c.has_data() && c.end > c.self.next &&
                        c.seg.time - own.opened < std::chrono::milliseconds(10);
  if (had_text && own.was_shut >= kLongShut && own.probes.count == 0) {
    const std::string why =
        "the window was shut for " + seconds_text(own.was_shut) + ", and text follows at once when it opens";
    c.note(RuleId::window_not_probed, "probes of the shut window", "none", why);
  }
  if (c.has_data()) own.opened = Instant{};
  // What the other end says may be what this one's application has waited for.
  if (c.has_data()) c.conn.conduct[1 - c.side].opened = Instant{};
}

namespace {

//= rfc9293 3.8.6.2.2 MUST-39
void silly_offer(Context& c, Position room) {
  Conduct& own = c.conn.conduct[c.side];
  const std::uint32_t segment = std::max(c.conn.conduct[1 - c.side].largest, 1U);
  const Position half = own.largest_window / 2;
  if (room <= 0 || segment < 64 || room >= std::min<Position>(segment, half)) {
    if (room >= static_cast<Position>(segment)) own.silly = 0;
    return;
  }
  if (++own.silly != 3) return;
  c.note(RuleId::silly_window_offered,
         "a window that stays shut until it can open by " + number_text(std::min<Position>(segment, half)) + " octets",
         "a window of " + number_text(room), "the third time that it opens by so little");
}

}  // namespace

// What this end offers, as far as the other end's probes depend on it.
void window(Context& c) {
  const int shift = c.conn.window_shift(c.side);
  Conduct& sender = c.conn.conduct[1 - c.side];
  sender.unanswered_probes = 0;
  if (c.self.acked && c.ack < c.self.ack_max) return;
  const Position room = static_cast<Position>(c.seg.tcp.wnd) << std::max(shift, 0);
  note_room(c, room);
  if (room == 0) {
    if (!sender.shut && c.ack >= c.peer.next) {
      sender.shut = true;
      sender.shut_since = c.seg.time;
      sender.probes = {};
    }
    return;
  }
  if (!sender.shut) return;
  const bool probe_taken = c.ack > c.self.ack_max;
  sender.shut = false;
  sender.opened = c.seg.time;
  sender.timer_start = c.seg.time;  // what was refused is sent again from now on
  sender.was_shut = c.seg.time - sender.shut_since;
  if (!probe_taken) silly_offer(c, room);
}

namespace {

//= rfc9293 3.6.1 SHLD-3
void refuses(Context& c, Conduct& own) {
  const bool refusal = c.self.fin && c.seg.len() == 0 && c.seg.tcp.wnd == 0 && c.self.stimuli != 0 &&
                       c.self.stimulus_len != 0 && c.self.acked && c.ack - c.self.ack_max <= 1 &&
                       (c.self.stimulus_flags & (Flags::fin_bit | Flags::rst_bit)) == 0;
  if (!refusal) return;
  if (++own.refused != 3) return;
  c.note(RuleId::close_with_data_pending, "a reset: nobody will read the text", info_text(c.seg),
         "its FIN is in packet " + std::to_string(c.self.fin_packet) +
             ", and the window has stayed shut for three segments since");
}

// A FIN by itself, at once after the ACK of the last text and without another reason.
void late_fin(Context& c, const Conduct& own) {
  const bool alone = c.flags().fin() && !c.self.fin && !c.peer.fin && c.seg.payload_size == 0;
  if (!alone || in_flight(c.self, c.peer) || c.self.stimuli != 1 || c.self.stimulus_len != 0) return;
  const bool news = c.peer.ack_packet == c.self.stimulus_packet;
  const Duration waited = c.self.stimulus_time - c.self.last_time;
  if (!news || waited < std::chrono::milliseconds(100) || own.repeated) return;
  if (c.seg.time - c.self.stimulus_time > std::chrono::milliseconds(25)) return;
  c.note(RuleId::fin_not_prompt, "the FIN with the last text, or right behind it",
         "a FIN " + seconds_text(c.seg.time - c.self.last_time) + " later",
         "it left right after packet " + std::to_string(c.self.stimulus_packet) + " had acknowledged that text");
}

}  // namespace

void closing(Context& c) {
  Conduct& own = c.conn.conduct[c.side];
  refuses(c, own);
  late_fin(c, own);
}

}  // namespace lastack::near
