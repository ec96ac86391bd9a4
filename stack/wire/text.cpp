#include "stack/wire/text.h"

#include <array>
#include <cctype>
#include <utility>

namespace lastack {

namespace {

struct FlagName {
  std::uint16_t bit;
  char letter;
  const char* name;
};

// The order in which people say them: SYN,ACK and FIN,ACK and PSH,ACK.
constexpr std::array<FlagName, 9> kFlagNames = {{{Flags::syn_bit, 'S', "SYN"},
                                                 {Flags::fin_bit, 'F', "FIN"},
                                                 {Flags::rst_bit, 'R', "RST"},
                                                 {Flags::psh_bit, 'P', "PSH"},
                                                 {Flags::ack_bit, 'A', "ACK"},
                                                 {Flags::urg_bit, 'U', "URG"},
                                                 {Flags::ece_bit, 'E', "ECE"},
                                                 {Flags::cwr_bit, 'C', "CWR"},
                                                 {Flags::ae_bit, 'N', "AE"}}};

std::optional<std::uint16_t> bit_of_name(std::string_view name) {
  for (const FlagName& f : kFlagNames) {
    if (name == f.name) return f.bit;
  }
  return std::nullopt;
}

std::optional<Flags> parse_letters(std::string_view text) {
  Flags flags;
  for (const char c : text) {
    bool found = false;
    for (const FlagName& f : kFlagNames) {
      if (c == f.letter) {
        flags.bits = static_cast<std::uint16_t>(flags.bits | f.bit);
        found = true;
      }
    }
    if (!found) return std::nullopt;
  }
  return flags;
}

void append_item(std::string& list, const std::string& item) {
  if (!list.empty()) list += ',';
  list += item;
}

}  // namespace

std::string flags_text(Flags flags) {
  std::string text;
  for (const FlagName& f : kFlagNames) {
    if ((flags.bits & f.bit) != 0) append_item(text, f.name);
  }
  return text.empty() ? "none" : text;
}

std::optional<Flags> parse_flags(std::string_view text) {
  if (text == "none" || text.empty()) return Flags{};
  Flags flags;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = rest.find(',');
    const auto bit = bit_of_name(rest.substr(0, comma));
    if (!bit) return parse_letters(text);
    flags.bits = static_cast<std::uint16_t>(flags.bits | *bit);
    if (comma == std::string_view::npos) return flags;
    rest.remove_prefix(comma + 1);
  }
}

std::string options_text(const Options& o) {
  std::string list;
  if (o.mss) append_item(list, "mss " + std::to_string(*o.mss));
  if (o.window_scale) append_item(list, "ws " + std::to_string(*o.window_scale));
  if (o.sack_permitted) append_item(list, "sackOK");
  if (o.timestamps) {
    append_item(list, "ts " + std::to_string(o.timestamps->value) + ":" + std::to_string(o.timestamps->echo));
  }
  for (std::size_t i = 0; i < o.sack_count; ++i) {
    append_item(list, "sack " + std::to_string(o.sack[i].left.raw()) + "-" + std::to_string(o.sack[i].right.raw()));
  }
  if (o.user_timeout) append_item(list, "uto " + std::to_string(*o.user_timeout));
  if (o.fast_open) append_item(list, "fastopen " + std::to_string(o.fast_open_size));
  if (o.unknown) append_item(list, "unknown");
  if (o.wrong_length) append_item(list, "wrong length");
  return list.empty() ? "" : "<" + list + ">";
}

std::string segment_text(const Segment& s) {
  std::string text = flags_text(s.flags) + " seq=" + std::to_string(s.seq.raw());
  if (s.flags.ack()) text += " ack=" + std::to_string(s.ack.raw());
  text += " win=" + std::to_string(s.wnd);
  if (!s.payload.empty()) text += " len=" + std::to_string(s.payload.size());
  if (s.flags.urg()) text += " urg=" + std::to_string(s.urg);
  if (const std::string options = options_text(s.options); !options.empty()) text += " " + options;
  return text;
}

}  // namespace lastack
