// TCP options (RFC 9293 3.2): End, NOP, MSS; window scale and timestamps (RFC 7323); SACK (RFC 2018); user timeout (RFC
// 5482); Fast Open cookie (RFC 7413). Unknown kinds are skipped by their length (MUST-6); a wrong length is an error
// (MUST-68).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "stack/base/bytes.h"
#include "stack/base/seq.h"
#include "stack/wire/wire_error.h"

namespace lastack {

enum class OptionKind : std::uint8_t {
  end = 0,
  nop = 1,
  mss = 2,
  window_scale = 3,
  sack_permitted = 4,
  sack = 5,
  timestamps = 8,
  user_timeout = 28,
  fast_open = 34,
  experiment_1 = 253,
  experiment_2 = 254,
};

struct SackBlock {
  SeqNum left;   // first octet of the block
  SeqNum right;  // first octet after it
  friend bool operator==(const SackBlock&, const SackBlock&) = default;
};

struct Timestamps {
  std::uint32_t value = 0;  // TSval
  std::uint32_t echo = 0;   // TSecr
  friend bool operator==(const Timestamps&, const Timestamps&) = default;
};

inline constexpr std::size_t kMaxOptionOctets = 40;
inline constexpr std::size_t kMaxSackBlocks = 4;
inline constexpr std::uint8_t kMaxWindowShift = 14;  // RFC 7323 2.3

// The options of one segment. A known kind with a length other than its own counts as unknown and is skipped
// (`wrong_length` says so). Of a repeated option the first counts (`duplicate` says so).
struct Options {
  std::optional<std::uint16_t> mss;
  std::optional<std::uint8_t> window_scale;  // as on the wire, may exceed kMaxWindowShift
  bool sack_permitted = false;
  std::uint8_t sack_count = 0;
  std::array<SackBlock, kMaxSackBlocks> sack{};
  std::optional<Timestamps> timestamps;
  std::optional<std::uint16_t> user_timeout;  // granularity bit and 15-bit value as on the wire
  bool fast_open = false;                     // option present; an empty cookie is a request
  std::uint8_t fast_open_size = 0;
  std::array<std::byte, 16> fast_open_cookie{};
  // Findings for the judge.
  bool wrong_length = false;
  bool duplicate = false;
  bool unknown = false;
  bool nonzero_after_end = false;  // MUST-69 padding

  friend bool operator==(const Options&, const Options&) = default;
};

// Parses the option area. On an error the options before it are still in `out`.
std::optional<WireError> parse_options(Bytes area, Options& out);

// Octets that write_options will produce: a multiple of 4, at most 40.
std::size_t options_size(const Options& options);
// Writes the options, NOP-aligned, zero padded; returns the octets written. `out` must hold options_size().
std::size_t write_options(std::byte* out, const Options& options);

}  // namespace lastack
