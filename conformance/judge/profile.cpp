#include "conformance/judge/profile.h"

#include <array>

namespace lastack {

namespace {

struct Entry {
  std::string_view name;
  double least;
  double most;
  void (*set)(Profile&, double);
};

Duration from_seconds(double s) { return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s)); }
std::uint32_t whole(double v) { return static_cast<std::uint32_t>(v); }

constexpr double kDay = 86'400;
constexpr std::array<Entry, 9> kEntries = {{
    {"minimum_rto", 0.001, 60, [](Profile& p, double v) { p.minimum_rto = from_seconds(v); }},
    {"initial_rto", 0.001, 60, [](Profile& p, double v) { p.initial_rto = from_seconds(v); }},
    {"maximum_rto", 1, kDay, [](Profile& p, double v) { p.maximum_rto = from_seconds(v); }},
    {"initial_window", 1, 1000, [](Profile& p, double v) { p.initial_window = whole(v); }},
    {"ack_delay", 0.001, 0.5, [](Profile& p, double v) { p.ack_delay = from_seconds(v); }},
    {"ack_every", 1, 1000, [](Profile& p, double v) { p.ack_every = whole(v); }},
    {"keep_alive", 0.001, 365 * kDay, [](Profile& p, double v) { p.keep_alive = from_seconds(v); }},
    {"keep_alive_retry", 0.001, kDay, [](Profile& p, double v) { p.keep_alive_retry = from_seconds(v); }},
    {"linear_timeouts", 0, 100, [](Profile& p, double v) { p.linear_timeouts = whole(v); }},
}};

}  // namespace

bool set_profile_value(Profile& profile, std::string_view name, double value) {
  for (const Entry& e : kEntries) {
    if (e.name != name) continue;
    if (!(value >= e.least && value <= e.most)) return false;
    e.set(profile, value);
    return true;
  }
  return false;
}

}  // namespace lastack
