// The rows of 3.10.7 as data. What a row does stands in conformance/catalogue/rfc9293-events.tsv (state, emission, next
// state); when it applies stands, in a small vocabulary, in conditions.tsv beside this file, whose order is the order
// of the RFC's steps. This file joins the two and owns every check of them: each row of 3.10.7 is used, or is named
// with the reason why not.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/model/conditions.h"
#include "conformance/sut/lastack_sut.h"

namespace lastack::model {

class States {
 public:
  constexpr States() = default;
  constexpr States(std::initializer_list<lastack_state> list) {
    for (const lastack_state s : list) bits_ |= 1U << static_cast<unsigned>(s);
  }
  constexpr bool contains(lastack_state s) const { return (bits_ >> static_cast<unsigned>(s) & 1U) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  friend constexpr States operator|(States a, States b) {
    a.bits_ |= b.bits_;
    return a;
  }

 private:
  std::uint32_t bits_ = 0;
};

const char* name_of(lastack_state state);  // "SYN-RECEIVED"

enum class Reply : std::uint8_t {
  none,
  ack,           // <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, with RCV.NXT as it is afterwards
  optional_ack,  // that, or nothing
  reset_ack,     // <SEQ=SEG.ACK><CTL=RST>
  reset_zero,    // <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
  syn_ack,       // <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK>
  later,         // "(per later steps)"
};

enum class Use : std::uint8_t {
  rule,     // ends the segment
  then,     // has its effect, and the following rows go on from there
  choice,   // also permitted; the following rows apply as well
  refused,  // also permitted: the following rows, for the segment without its text and FIN, which is acknowledged
  trimmed,  // also permitted: the effect, and then the following rows for the segment without its SYN
};

struct Term {
  Condition holds;
  bool negated;
};

struct Row {
  std::string id;
  Use use = Use::rule;
  States states;
  std::vector<Term> when;  // all of them hold
  Reply reply = Reply::none;
  bool moves = false;  // to `next`; otherwise the state stays
  lastack_state next = LASTACK_CLOSED;
  enum class Una : std::uint8_t { stays, iss, ack } una = Una::stays;
  std::vector<Move> rcv_nxt;  // how RCV.NXT moves, one after the other
  std::string reason;
};

// A row of the catalogue that no segment of a grid can tell, with the reason.
struct Left {
  std::string id;
  bool instance = false;  // it is an example of another row
  std::string reason;
};

struct Table {
  std::vector<Row> rows;
  std::vector<Left> left;
  // What is wrong with the files, one line each: an unknown word or id, a row of 3.10.7 that is not named. Empty when
  // they are good.
  std::vector<std::string> problems;
};

Table read_table(const std::string& events_file, const std::string& conditions_file);

}  // namespace lastack::model
