// Text and programs: one line for the header, one for each step, `name=value` for every argument that is not the plain
// one. `#` begins a comment. The first line names the kind: "lastack program v1".
#include <algorithm>
#include <charconv>

#include "fuzz/program_tables.h"

namespace lastack::fuzz {
namespace {

constexpr std::string_view kFirstLine[] = {"lastack program v1", "lastack world v1"};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start == std::string_view::npos) break;
    line.remove_prefix(start);
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

// Splits "name=value". The value may itself hold a '=' ("option=nodelay=1").
bool split(std::string_view word, std::string_view& name, std::string_view& value) {
  const std::size_t at = word.find('=');
  if (at == std::string_view::npos) return false;
  name = word.substr(0, at);
  value = word.substr(at + 1);
  return true;
}

std::optional<std::uint8_t> find_value(const Choice& choice, std::string_view text) {
  const auto at = std::find(choice.values.begin(), choice.values.end(), text);
  if (at == choice.values.end()) return std::nullopt;
  return static_cast<std::uint8_t>(at - choice.values.begin());
}

std::string values_text(const Choice& choice) {
  std::string text;
  for (const char* value : choice.values) text += (text.empty() ? "" : ", ") + std::string(value);
  return text;
}

class Parser {
 public:
  explicit Parser(std::string& error) : error_(error) {}

  bool line(std::string_view text) {
    ++number_;
    text = text.substr(0, text.find('#'));
    const auto words = words_of(text);
    if (words.empty()) return true;
    if (!begun_) return first_line(words);
    if (words[0] == "header") return header(words);
    return step(words);
  }
  bool begun() const { return begun_; }
  const Program& program() const { return program_; }
  bool fail(const std::string& what) {
    error_ = "line " + std::to_string(number_) + ": " + what;
    return false;
  }

 private:
  bool first_line(const std::vector<std::string_view>& words) {
    std::string joined;
    for (const auto word : words) joined += (joined.empty() ? "" : " ") + std::string(word);
    for (std::size_t i = 0; i < 2; ++i) {
      if (joined != kFirstLine[i]) continue;
      program_.kind = static_cast<Kind>(i);
      begun_ = true;
      return true;
    }
    return fail("expected 'lastack program v1' or 'lastack world v1', found '" + joined + "'");
  }

  bool header(const std::vector<std::string_view>& words) {
    for (std::size_t w = 1; w < words.size(); ++w) {
      std::string_view name, value;
      if (!split(words[w], name, value)) return fail("expected name=value, found '" + std::string(words[w]) + "'");
      bool known = false;
      for (std::size_t i = 0; i < kHeaderFields && !known; ++i) {
        const Choice& choice = header_layout(i).choice;
        if (name != choice.name) continue;
        const auto index = find_value(choice, value);
        if (!index)
          return fail("'" + std::string(value) + "' is not a value of " + choice.name + " (" + values_text(choice) +
                      ")");
        program_.header[i] = *index;
        known = true;
      }
      if (!known) return fail("unknown header field '" + std::string(name) + "'");
    }
    return true;
  }

  bool step(const std::vector<std::string_view>& words) {
    if (program_.steps.size() == kMaxSteps) return fail("more than 64 steps");
    const auto codes = op_codes(program_.kind);
    const auto code = std::find_if(codes.begin(), codes.end(), [&](Op op) { return words[0] == op_layout(op).name; });
    if (code == codes.end()) return fail("unknown step '" + std::string(words[0]) + "'");
    Step step;
    step.op = *code;
    for (std::size_t w = 1; w < words.size(); ++w) {
      if (!argument(step, words[w])) return false;
    }
    program_.steps.push_back(step);
    return true;
  }

  bool argument(Step& step, std::string_view word) {
    std::string_view name, value;
    if (!split(word, name, value)) return fail("expected name=value, found '" + std::string(word) + "'");
    if (name == "slot") {
      const unsigned slots = program_.kind == Kind::program ? 4 : 2;
      const auto end = value.data() + value.size();
      const auto result = std::from_chars(value.data(), end, step.slot);
      if (result.ec == std::errc() && result.ptr == end && step.slot < slots) return true;
      return fail("slot must be 0 to " + std::to_string(slots - 1) + ", found '" + std::string(value) + "'");
    }
    const OpLayout& layout = op_layout(step.op);
    for (std::size_t i = 0; i < kArgs; ++i) {
      const Choice& choice = layout.args[i];
      if (choice.name == nullptr || name != choice.name) continue;
      const auto index = find_value(choice, value);
      if (!index)
        return fail("'" + std::string(value) + "' is not a value of " + choice.name + " (" + values_text(choice) + ")");
      step.arg[i] = *index;
      return true;
    }
    return fail(std::string(layout.name) + " has no argument '" + std::string(name) + "'");
  }

  std::string& error_;
  Program program_;
  std::size_t number_ = 0;
  bool begun_ = false;
};

}  // namespace

std::string step_text(Kind, const Step& step) {
  const OpLayout& layout = op_layout(step.op);
  std::string text = layout.name;
  if (step.slot != 0) text += " slot=" + std::to_string(step.slot);
  for (std::size_t i = 0; i < kArgs; ++i) {
    const Choice& choice = layout.args[i];
    // The first argument is what the step is about, so it is always shown.
    if (choice.name == nullptr || (step.arg[i] == 0 && i != 0)) continue;
    text += std::string(" ") + choice.name + "=" + choice.values[step.arg[i]];
  }
  return text;
}

std::string to_text(const Program& program) {
  std::string text(kFirstLine[static_cast<std::size_t>(program.kind)]);
  text += "\nheader";
  for (std::size_t i = 0; i < kHeaderFields; ++i) {
    const Choice& choice = header_layout(i).choice;
    if (program.header[i] != 0) text += std::string(" ") + choice.name + "=" + choice.values[program.header[i]];
  }
  text += "\n";
  for (const Step& step : program.steps) text += step_text(program.kind, step) + "\n";
  return text;
}

std::optional<Program> from_text(std::string_view text, std::string& error) {
  Parser parser(error);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (!parser.line(text.substr(0, end))) return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!parser.begun()) {
    parser.fail("the text ends before 'lastack program v1'");
    return std::nullopt;
  }
  return parser.program();
}

}  // namespace lastack::fuzz
