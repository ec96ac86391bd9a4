#include "conformance/model/table.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

namespace lastack::model {

namespace {

// In the order in which the catalogue counts for "A..B"; its place is the number of the contract but for the last.
constexpr std::array<const char*, 11> kNames = {"CLOSED",      "LISTEN",     "SYN-SENT",   "SYN-RECEIVED",
                                                "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                                                "CLOSING",     "LAST-ACK",   "TIME-WAIT"};

using Cells = std::map<std::string, std::string>;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

// The lines of a tab-separated file with a heading.
std::vector<Cells> read_cells(const std::string& file, std::vector<std::string>& problems) {
  std::ifstream stream(file);
  std::string line;
  if (!std::getline(stream, line)) {
    problems.push_back(file + ": cannot be read");
    return {};
  }
  const std::vector<std::string> heading = split(line, '\t');
  std::vector<Cells> all;
  while (std::getline(stream, line)) {
    const std::vector<std::string> parts = split(line, '\t');
    Cells cells;
    for (std::size_t i = 0; i < heading.size(); ++i) cells[heading[i]] = i < parts.size() ? parts[i] : "";
    all.push_back(std::move(cells));
  }
  return all;
}

std::optional<lastack_state> find_state(const std::string& name) {
  const auto it = std::find(kNames.begin(), kNames.end(), name);
  if (it == kNames.end()) return std::nullopt;
  return static_cast<lastack_state>(it - kNames.begin());
}

// "FIN-WAIT-1", "CLOSING,LAST-ACK" or "SYN-RECEIVED..TIME-WAIT".
States parse_states(const std::string& text) {
  std::vector<lastack_state> list;
  for (const std::string& part : split(text, ',')) {
    const std::size_t dots = part.find("..");
    const auto first = find_state(part.substr(0, dots));
    const auto last = dots == std::string::npos ? first : find_state(part.substr(dots + 2));
    if (!first || !last) return {};
    for (int s = *first; s <= *last; ++s) list.push_back(static_cast<lastack_state>(s));
  }
  States set;
  for (const lastack_state s : list) set = set | States{s};
  return set;
}

// The symbolic emission of the catalogue.
std::optional<Reply> parse_reply(const std::string& text) {
  const auto begins = [&](const char* prefix) { return text.rfind(prefix, 0) == 0; };
  if (text == "-") return Reply::none;
  if (text == "(per later steps)") return Reply::later;
  if (text.find("optional") != std::string::npos) return Reply::optional_ack;
  if (begins("<SEQ=SND.NXT><ACK=") && text.find("<CTL=ACK>") != std::string::npos) return Reply::ack;
  if (begins("<SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>")) return Reply::reset_zero;
  // SEG.ACK is ISS where the row says so.
  if (begins("<SEQ=SEG.ACK><CTL=RST>") || begins("<SEQ=ISS><CTL=RST>")) return Reply::reset_ack;
  if (begins("<SEQ=ISS") && text.find("<CTL=SYN,ACK>") != std::string::npos) return Reply::syn_ack;
  return std::nullopt;
}

std::optional<Use> parse_use(const std::string& text) {
  if (text == "rule") return Use::rule;
  if (text == "then") return Use::then;
  if (text == "choice") return Use::choice;
  if (text == "refused") return Use::refused;
  if (text == "trimmed") return Use::trimmed;
  return std::nullopt;
}

// '*' stands for anything; there is at most one.
bool matches(const std::string& pattern, const std::string& id) {
  const std::size_t star = pattern.find('*');
  if (star == std::string::npos) return pattern == id;
  const std::string tail = pattern.substr(star + 1);
  return id.size() >= pattern.size() - 1 && id.rfind(pattern.substr(0, star), 0) == 0 &&
         id.compare(id.size() - tail.size(), tail.size(), tail) == 0;
}

class Joiner {
 public:
  Table table;

  void read_events(const std::string& file) {
    for (Cells& event : read_cells(file, table.problems)) {
      if (event["id"].rfind("E-3.10.7", 0) == 0) events_.push_back(std::move(event));
    }
  }

  void read_conditions(const std::string& file) {
    const std::vector<Cells> lines = read_cells(file, table.problems);
    for (const Cells& line : lines) {
      if (!is_left(line.at("use"))) used_.insert(line.at("id"));
    }
    for (const Cells& line : lines) {
      if (is_left(line.at("use"))) leave(line);
    }
    for (const Cells& line : lines) {
      if (!is_left(line.at("use"))) add_rows(line);
    }
    for (const Cells& event : events_) {
      const std::string& id = event.at("id");
      if (!named_.contains(id)) table.problems.push_back(id + ": conditions.tsv does not name it");
    }
  }

 private:
  static bool is_left(const std::string& use) { return use == "instance" || use == "outside"; }

  void leave(const Cells& line) {
    bool found = false;
    for (const Cells& event : events_) {
      if (!matches(line.at("id"), event.at("id")) || used_.contains(event.at("id"))) continue;
      found = true;
      named_.insert(event.at("id"));
      left_.insert(event.at("id"));
      table.left.push_back({event.at("id"), line.at("use") == "instance", line.at("reason")});
    }
    if (!found) table.problems.push_back(line.at("id") + ": no row of the catalogue");
    if (line.at("reason").empty()) table.problems.push_back(line.at("id") + ": left out without a reason");
  }

  void add_rows(const Cells& line) {
    bool found = false;
    for (const Cells& event : events_) {
      const std::string& id = event.at("id");
      if (left_.contains(id) || !matches(line.at("id"), id)) continue;
      found = true;
      named_.insert(id);
      add_row(line, event);
    }
    if (!found) table.problems.push_back(line.at("id") + ": no row of the catalogue");
  }

  void add_row(const Cells& line, const Cells& event) {
    Row row;
    row.id = event.at("id");
    const auto problem = [&](const std::string& text) { table.problems.push_back(row.id + ": " + text); };
    const auto use = parse_use(line.at("use"));
    if (!use) return problem("what is the use '" + line.at("use") + "'?");
    row.use = *use;
    row.states = parse_states(line.at("states").empty() ? event.at("state") : line.at("states"));
    if (row.states.empty()) problem("no states");
    const auto reply = parse_reply(event.at("emits"));
    if (!reply) return problem("what is the emission '" + event.at("emits") + "'?");
    row.reply = *reply;
    if ((row.use == Use::refused) != (row.reply == Reply::later)) problem("'later' is for a refused segment only");
    for (const std::string& word : split(line.at("when"), ' ')) {
      const bool negated = word.front() == '!';
      const Condition condition = find_condition(negated ? word.substr(1) : word);
      if (condition == nullptr) return problem("no condition " + word);
      row.when.push_back({condition, negated});
    }
    for (const std::string& word : split(line.at("rcv_nxt"), ' ')) {
      const Move move = find_move(word);
      if (move == nullptr) return problem("no move " + word);
      row.rcv_nxt.push_back(move);
    }
    const std::string& una = line.at("una");
    if (!una.empty() && una != "ack" && una != "iss") return problem("what is SND.UNA '" + una + "'?");
    row.una = una.empty() ? Row::Una::stays : una == "ack" ? Row::Una::ack : Row::Una::iss;
    row.reason = line.at("reason");
    const bool must_hold = row.use == Use::rule || row.use == Use::then;
    if (!must_hold && row.reason.empty()) problem("a choice without a reason");
    // "(unchanged)", and the state's own name, mean that it stays: some rows stand for several states.
    const std::string& next = event.at("next_state");
    row.moves = row.use != Use::refused && next != "(unchanged)" && next != event.at("state");
    if (row.moves) {
      const auto state = find_state(next.substr(0, next.find(' ')));  // the first of two, where there are two
      if (!state) return problem("what is the next state '" + next + "'?");
      row.next = *state;
    }
    table.rows.push_back(std::move(row));
  }

  std::vector<Cells> events_;
  std::set<std::string> used_;  // ids of lines that are used; patterns do not matter here
  std::set<std::string> named_;
  std::set<std::string> left_;
};

}  // namespace

const char* name_of(lastack_state state) { return kNames.at(static_cast<std::size_t>(state)); }

Table read_table(const std::string& events_file, const std::string& conditions_file) {
  Joiner joiner;
  joiner.read_events(events_file);
  joiner.read_conditions(conditions_file);
  return std::move(joiner.table);
}

}  // namespace lastack::model
