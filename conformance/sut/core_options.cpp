#include "conformance/sut/core_options.h"

#include <charconv>
#include <limits>

namespace lastack {

namespace {

// How a number becomes a field; false when it does not fit.
using Setter = bool (*)(Config&, std::uint64_t);

template <auto Member>
bool set_flag(Config& config, std::uint64_t value) {
  if (value > 1) return false;
  config.*Member = value == 1;
  return true;
}

template <auto Member, typename T>
bool set_number(Config& config, std::uint64_t value) {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) return false;
  config.*Member = static_cast<T>(value);
  return true;
}

template <auto Member>
bool set_ms(Config& config, std::uint64_t value) {
  if (value > 1'000'000'000'000U) return false;
  config.*Member = std::chrono::milliseconds(static_cast<std::int64_t>(value));
  return true;
}

template <auto Member, typename E, std::uint64_t Most>
bool set_choice(Config& config, std::uint64_t value) {
  if (value > Most) return false;
  config.*Member = static_cast<E>(value);
  return true;
}

bool set_nodelay(Config& config, std::uint64_t value) {
  if (value > 1) return false;
  config.nagle = value == 0;
  return true;
}

struct OptionRow {
  std::string_view name;
  Setter set;
};

constexpr OptionRow kOptions[] = {
    {"timestamps", set_flag<&Config::timestamps>},
    {"sack", set_flag<&Config::sack>},
    {"window_scale", set_flag<&Config::window_scale>},
    {"ecn", set_flag<&Config::ecn>},
    {"fast_open", set_flag<&Config::fast_open>},
    {"fast_open_pending", set_number<&Config::fast_open_pending, std::uint16_t>},
    {"fast_open_reset_hold_ms", set_ms<&Config::fast_open_reset_hold>},
    {"fast_open_cookie_life_ms", set_ms<&Config::fast_open_cookie_life>},
    {"fast_open_retry_ms", set_ms<&Config::fast_open_retry>},
    {"syn_cookies", set_flag<&Config::syn_cookies>},
    {"ecn_fallback", set_flag<&Config::ecn_fallback>},
    {"window_shift", set_number<&Config::window_shift, std::int8_t>},
    {"mss_option", set_flag<&Config::send_mss>},
    {"nagle", set_flag<&Config::nagle>},
    {"nodelay", set_nodelay},
    {"sws_override_ms", set_ms<&Config::sws_override>},
    {"initial_window", set_number<&Config::initial_window, std::uint8_t>},
    {"congestion", set_choice<&Config::congestion, CongestionControl, 2>},
    {"limited_transmit", set_flag<&Config::limited_transmit>},
    {"loss_detection", set_choice<&Config::loss_detection, LossDetection, 2>},
    {"proportional_rate", set_flag<&Config::proportional_rate>},
    {"loss_probe", set_flag<&Config::loss_probe>},
    {"max_ack_delay_ms", set_ms<&Config::max_ack_delay>},
    {"min_loss_probe_ms", set_ms<&Config::min_loss_probe>},
    {"frto", set_flag<&Config::frto>},
    {"undo", set_flag<&Config::undo>},
    {"push_always", set_flag<&Config::push_always>},
    {"delayed_ack", set_flag<&Config::delayed_ack>},
    {"delayed_ack_ms", set_ms<&Config::delayed_ack_timeout>},
    {"acknowledge_out_of_order", set_flag<&Config::acknowledge_out_of_order>},
    {"duplicate_sack", set_flag<&Config::duplicate_sack>},
    {"max_reassembly_gaps", set_number<&Config::max_reassembly_gaps, std::uint8_t>},
    {"initial_rto_ms", set_ms<&Config::initial_rto>},
    {"min_rto_ms", set_ms<&Config::min_rto>},
    {"max_rto_ms", set_ms<&Config::max_rto>},
    {"r1", set_number<&Config::r1, std::uint8_t>},
    {"r2_ms", set_ms<&Config::r2>},
    {"r2_syn_ms", set_ms<&Config::r2_syn>},
    {"user_timeout_ms", set_ms<&Config::user_timeout>},
    {"user_timeout_option", set_flag<&Config::user_timeout_option>},
    {"user_timeout_changeable", set_flag<&Config::user_timeout_changeable>},
    {"user_timeout_least_ms", set_ms<&Config::user_timeout_least>},
    {"user_timeout_most_ms", set_ms<&Config::user_timeout_most>},
    {"max_probe_interval_ms", set_ms<&Config::max_probe_interval>},
    {"rfc5961",
     [](Config& config, std::uint64_t value) {
       if (value > 1) return false;
       config.reset_policy = value == 1 ? ResetPolicy::rfc5961 : ResetPolicy::rfc793;
       return true;
     }},
    {"ack_range_check", set_flag<&Config::ack_range_check>},
    {"challenge_ack_limit", set_number<&Config::challenge_ack_limit, std::uint16_t>},
    {"invalid_ack_limit", set_number<&Config::invalid_ack_limit, std::uint16_t>},
    {"ack_limit_interval_ms", set_ms<&Config::ack_limit_interval>},
    {"repeat_syn_ack", set_flag<&Config::repeat_syn_ack>},
    {"icmp_checks_sequence", set_flag<&Config::icmp_checks_sequence>},
    {"hard_errors", set_choice<&Config::hard_errors, HardErrorPolicy, 2>},
    {"path_mtu_discovery", set_flag<&Config::path_mtu_discovery>},
    {"path_mtu_timeouts", set_number<&Config::path_mtu_timeouts, std::uint8_t>},
    {"path_mtu_age_ms", set_ms<&Config::path_mtu_age>},
    {"rest_after_ms", set_ms<&Config::rest_after>},
    {"msl_ms", set_ms<&Config::msl>},
    {"time_wait_restart", set_flag<&Config::time_wait_restart>},
    {"time_wait_ignores_rst", set_flag<&Config::time_wait_ignores_rst>},
    {"time_wait_reuse", set_flag<&Config::time_wait_reuse>},
    {"reset_on_unread_close", set_flag<&Config::reset_on_unread_close>},
    {"syn_fin_opens", set_flag<&Config::syn_fin_opens>},
    {"keepalive", set_flag<&Config::keepalive>},
    {"keepalive_ms",
     [](Config& config, std::uint64_t value) {
       return set_ms<&Config::keepalive_idle>(config, value) && set_ms<&Config::keepalive_interval>(config, value);
     }},
    {"keepalive_idle_ms", set_ms<&Config::keepalive_idle>},
    {"keepalive_interval_ms", set_ms<&Config::keepalive_interval>},
    {"keepalive_probes", set_number<&Config::keepalive_probes, std::uint8_t>},
    {"hop_limit", set_number<&Config::hop_limit, std::uint8_t>},
    {"dscp", set_choice<&Config::dscp, std::uint8_t, 63>},
};

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text == "true" || text == "True") return 1;
  if (text == "false" || text == "False") return 0;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::string> apply_option(std::string_view name, std::uint64_t value, Config& config) {
  for (const OptionRow& row : kOptions) {
    if (row.name != name) continue;
    if (row.set(config, value)) return std::nullopt;
    return "option '" + std::string(name) + "' cannot be " + std::to_string(value);
  }
  return "unknown option '" + std::string(name) + "'";
}

std::optional<std::string> apply_options(std::string_view text, Config& config) {
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos) return "option '" + std::string(item) + "' has no value";
    const auto value = parse_number(item.substr(equals + 1));
    if (!value) return "option '" + std::string(item.substr(0, equals)) + "' needs a number";
    if (auto wrong = apply_option(item.substr(0, equals), *value, config)) return wrong;
  }
  return std::nullopt;
}

}  // namespace lastack
