// The option string of the core's adapter: every choice of Config by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "stack/tcb/config.h"

namespace lastack {

// "name=value,name=value" into `config`. Returns what is wrong with the first bad one, or nothing.
std::optional<std::string> apply_options(std::string_view text, Config& config);
// One option; the names of LASTACK_APP_SET are among them.
std::optional<std::string> apply_option(std::string_view name, std::uint64_t value, Config& config);

}  // namespace lastack
