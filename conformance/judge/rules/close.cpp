// Rules about the end of a connection: the FIN's number, and what may follow FIN and RST.
#include <algorithm>

#include "conformance/judge/rules/rules.h"
#include "stack/wire/text.h"

namespace lastack::rules {

void fin_moved(Context& c) {
  if (c.flags().syn() || c.flags().rst() || c.conn.next_syn.present || c.self.next_doubtful) return;
  if (c.after_own_reset()) return;
  const Position fin = c.end - 1;
  if (c.self.fin) {
    const bool far = fin - c.self.fin_at > (Position{1} << 16) || c.self.fin_at - fin > (Position{1} << 16);
    if (fin == c.self.fin_at || (far && seq_of_elsewhere(c))) return;
    c.violated(RuleId::fin_moved, "FIN at " + number_text(c.self.fin_at), "FIN at " + number_text(fin),
               "packet " + std::to_string(c.self.fin_packet) + " carries the FIN at " + number_text(c.self.fin_at));
    c.self.claimed = std::max(c.self.claimed, fin + 1);  // the other end may have received only this one
    return;
  }
  if (!c.self.numbers_known || fin >= c.self.next || c.self.syn.packet >= c.self.next_packet) return;
  if (c.self.next_guessed || (c.self.syn.count == 0 && fin + 1 == c.self.next))
    return;                                       // repeated, its first copy unseen
  if (!c.self.sent.covers(fin, fin + 1)) return;  // an empty segment, sent after this FIN and captured before it
  // Data was numbered after this FIN already. If that data had jumped, the jump is to blame.
  if (c.self.jumped && c.self.jump_to > c.self.jump_from && fin + 1 >= c.self.jump_from) return;
  c.violated(RuleId::fin_moved, "FIN at " + number_text(c.self.next) + " or later", "FIN at " + number_text(fin),
             "data up to " + number_text(c.self.next) + " was sent in packet " + std::to_string(c.self.next_packet));
}

namespace {

// The stream goes on as if there had been no FIN: so it is followed, and nothing more is concluded from that FIN.
void disown_fin(Context& c) {
  Endpoint& self = c.self;
  self.fin = false;
  self.fin_count = 0;
  self.next_doubtful = true;
  if (self.next == self.fin_at + 1) self.next = c.seq;
  c.blamed = 0;
}

void fin_in_midstream(Context& c) {
  Finding f =
      c.draft(RuleId::data_after_fin, "no FIN before " + number_text(c.end), "FIN at " + number_text(c.self.fin_at),
              "packet " + std::to_string(c.seg.number) + " carries text at that number");
  f.packet = c.self.fin_packet;
  f.time = c.self.fin_time;
  c.accuse(std::move(f));
  disown_fin(c);
}

}  // namespace

void data_after_fin(Context& c) {
  const Endpoint& self = c.self;
  if (!self.fin || self.next_doubtful || c.conn.next_syn.present || (c.flags().fin() && c.end != self.fin_at + 1))
    return;
  if ((c.end <= self.fin_at + 1 && c.seq <= self.fin_at + 1) || c.after_own_reset()) return;
  if (self.jumped && self.jump_packet == self.fin_packet) return;  // the FIN itself may be misnumbered
  if (c.seq - self.fin_at > (Position{1} << 16) && seq_of_elsewhere(c)) return;
  // It has the FIN's own number: the stream goes on as if there had been no FIN, which stands too early.
  const bool too_early = !c.conn.certain && c.seg.len() != 0 && c.seq <= self.fin_at && c.end > self.fin_at + 1;
  if (too_early) return fin_in_midstream(c);
  c.violated(RuleId::data_after_fin, "numbers up to " + number_text(self.fin_at + 1),
             c.seg.len() == 0 ? "SEQ=" + number_text(c.seq) : "octets up to " + number_text(c.end - 1),
             "packet " + std::to_string(self.fin_packet) + " carries the FIN at " + number_text(self.fin_at));
  if (!c.conn.certain && c.seg.len() != 0 && c.seq <= self.fin_at + 1) disown_fin(c);
}

void segment_after_reset(Context& c) {
  if (!c.conn.certain || !c.self.rst_synchronized || c.conn.next_syn.present) return;
  c.violated(RuleId::segment_after_reset, "no segment but RST", info_text(c.seg),
             "it reset the connection in packet " + std::to_string(c.self.rst_packet));
}

void urgent_pointer(Context& c) {
  const Endpoint& self = c.self;
  if (self.next_doubtful || c.conn.next_syn.present || !self.numbers_known) return;
  const bool points = c.flags().urg() && c.seg.tcp.urg != 0xffff;  // 65535 stands for "further" (RFC 7323 A)
  const Position pointer = c.seq + c.seg.tcp.urg;
  const bool first_fin = c.flags().fin() && !self.fin;
  const Position fin = first_fin ? c.end - 1 : self.fin_at;
  if (!self.fin && !first_fin) return;
  if (points && pointer > fin) {
    if (may_be_urgent_piece(c)) return;
    c.violated(RuleId::urgent_pointer, "SEG.SEQ+SEG.UP up to " + number_text(fin),
               "SEG.SEQ+SEG.UP=" + number_text(pointer), "the FIN takes " + number_text(fin));
    return;
  }
  const bool in_order = first_fin && c.seq == self.next && !self.jumped;
  if (!in_order || self.urgent_packet == 0 || self.urgent_max <= fin) return;
  Finding f = c.draft(RuleId::urgent_pointer, "SEG.SEQ+SEG.UP up to " + number_text(fin),
                      "SEG.SEQ+SEG.UP=" + number_text(self.urgent_max),
                      "the FIN in packet " + std::to_string(c.seg.number) + " takes " + number_text(fin));
  f.packet = self.urgent_packet;
  report(c.conn, c.side, std::move(f));
}

}  // namespace lastack::rules
