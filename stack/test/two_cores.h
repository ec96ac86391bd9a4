// What tests share that hold the same conversation between two cores twice, and compare: choices and networks with
// names, the two hosts, and where two transcripts part.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "stack/host/host.h"
#include "stack/sim/link.h"

namespace lastack::test {

struct Choice {
  const char* name;
  Config config;
};

// Starts with the defaults; `add` gives a copy of them to change.
class Choices {
 public:
  Config& add(const char* name) { return all_.emplace_back(Choice{name, {}}).config; }
  // All, with the plainest: no option, no congestion control.
  std::vector<Choice> with_bare() && {
    Config& bare = add("bare");
    bare.timestamps = bare.sack = bare.window_scale = bare.nagle = false;
    bare.congestion = CongestionControl::none;
    return std::move(all_);
  }

 private:
  std::vector<Choice> all_{{"defaults", {}}};
};

struct Network {
  const char* name;
  LinkConfig link;
};

constexpr std::uint32_t kPercent = 10'000;  // of LinkConfig's parts per million

template <typename TestParamInfo>
std::string name_of(const TestParamInfo& each) {
  return each.param.name;
}

// Host 1 or 2 of 192.0.2.0/24 and 2001:db8::/32.
inline HostConfig one_of_two_hosts(unsigned number, const Config& choices) {
  HostConfig config;
  config.ip4 = IpAddress::v4(0xC000'0200U + number);
  config.ip6 = *IpAddress::parse("2001:db8::" + std::to_string(number));
  config.seed = number;
  config.tcp = choices;
  return config;
}

// The lines around the first that differs, of both.
inline std::string where_they_part(const std::string& with, const std::string& without) {
  const auto at = std::mismatch(with.begin(), with.end(), without.begin(), without.end());
  const auto from = static_cast<std::size_t>(at.first - with.begin());
  const std::size_t begin = from > 400 ? from - 400 : 0;
  return "with:\n" + with.substr(begin, 800) + "\nwithout:\n" + without.substr(begin, 800);
}

}  // namespace lastack::test
