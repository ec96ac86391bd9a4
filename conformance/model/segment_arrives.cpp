#include "conformance/model/segment_arrives.h"

#include <algorithm>

namespace lastack::model {

namespace {

bool applies(const Row& row, const View& view, const Segment& segment) {
  return row.states.contains(view.state) && std::all_of(row.when.begin(), row.when.end(), [&](const Term& term) {
           return term.holds(view, segment) != term.negated;
         });
}

class Walk {
 public:
  Walk(const Table& table, const Segment& segment) : table_(table), segment_(segment) {}

  // From row `at` on, with the effects so far.
  void go(std::size_t at, View view, Outcome so_far) {
    for (; at < table_.rows.size(); ++at) {
      const Row& row = table_.rows[at];
      if (!applies(row, view, segment_)) continue;
      if (row.use == Use::refused) {
        Segment rest = without(segment_, Flags::fin_bit, true);
        rest.seq = view.rcv_nxt;
        branch(at, view, so_far, rest);
        continue;
      }
      View after = view;
      Outcome outcome = so_far;
      take_effect(row, after, outcome);
      if (row.use == Use::choice) {
        outcome.by_choice = true;
        choices.push_back(finished(after, outcome));
        continue;
      }
      if (row.use == Use::trimmed) {
        Segment rest = without(segment_, Flags::syn_bit, false);
        rest.seq += 1U;
        branch(at, after, so_far, rest);
        continue;
      }
      if (row.use == Use::rule) {
        by_rule.push_back(finished(after, outcome));
        return;
      }
      view = after;
      so_far = outcome;
    }
    by_rule.push_back(finished(view, so_far));
  }

  std::vector<Outcome> by_rule;
  std::vector<Outcome> choices;

 private:
  void take_effect(const Row& row, View& view, Outcome& outcome) const {
    outcome.rows.push_back(&row);
    if (row.reply != Reply::none) outcome.reply = row.reply;
    if (row.una == Row::Una::ack) view.una = segment_.ack;
    if (row.una == Row::Una::iss) view.una = view.iss;
    for (const Move move : row.rcv_nxt) view.rcv_nxt = move(view, segment_);
    if (row.moves) view.state = row.next;
  }

  static Segment without(const Segment& segment, unsigned flag, bool text_too) {
    Segment rest = segment;
    rest.flags = Flags{static_cast<std::uint16_t>(rest.flags.bits & ~flag)};
    if (text_too) rest.payload = {};
    return rest;
  }

  // What the rows after `at` say of `rest`; what is left out of it is acknowledged.
  void branch(std::size_t at, const View& view, const Outcome& so_far, const Segment& rest) {
    Walk later(table_, rest);
    later.go(at + 1, view, so_far);
    for (Outcome outcome : later.by_rule) {
      const bool gone = outcome.next == LASTACK_CLOSED || outcome.next == LASTACK_LISTEN;
      if (outcome.reply == Reply::none && !gone) outcome.reply = Reply::ack;
      outcome.rows.insert(outcome.rows.begin(), &table_.rows[at]);
      outcome.by_choice = true;
      choices.push_back(std::move(outcome));
    }
  }

  static Outcome finished(const View& view, Outcome outcome) {
    outcome.next = view.state;
    outcome.una = view.una;
    outcome.rcv_nxt = view.rcv_nxt;
    return outcome;
  }

  const Table& table_;
  const Segment& segment_;
};

}  // namespace

std::vector<Outcome> permitted(const Table& table, const View& view, const Segment& segment) {
  Walk walk(table, segment);
  walk.go(0, view, {});
  std::vector<Outcome> all = std::move(walk.by_rule);
  for (Outcome& choice : walk.choices) all.push_back(std::move(choice));
  // An ACK that may be left out makes two of one.
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].reply != Reply::optional_ack) continue;
    all[i].reply = Reply::ack;
    Outcome silent = all[i];
    silent.reply = Reply::none;
    all.push_back(std::move(silent));
  }
  return all;
}

}  // namespace lastack::model
