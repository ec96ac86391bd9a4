// What a fuzz input of the targets `program` and `world` means: a header and up to 64 steps, decoded from octets of
// which every value is valid, with an exact text form. Only data: running a program is the business of machine.h and
// world_machine.h.
//
// Everything is a small index into a table of names, so that octets, text and the minimiser share one description.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/base/bytes.h"

namespace lastack::fuzz {

// `program`: one stack, the steps are its peer and its user. `world`: two stacks, the steps are their users and the
// network.
enum class Kind : std::uint8_t { program, world };

inline constexpr std::size_t kHeaderOctets = 8;
inline constexpr std::size_t kStepOctets = 4;
inline constexpr std::size_t kMaxSteps = 64;
inline constexpr std::size_t kMaxProgramOctets = kHeaderOctets + kMaxSteps * kStepOctets;

// The header. Each names its table of values in program_tables.cpp.
enum class HeaderField : std::uint8_t {
  ip,
  timestamps,
  sack,
  window_scale,
  delayed_ack,
  nagle,
  start,
  profile,
  sut_iss,
  peer_iss,
  rcv_buf,
  snd_buf,
  mtu,
  msl,
  delay,
  seed
};
inline constexpr std::size_t kHeaderFields = 16;

enum class Op : std::uint8_t {
  segment,  // the peer sends a segment
  repeat,   // the peer sends an earlier segment again: an old duplicate
  icmp,     // an ICMP error about the SUT's last segment
  send,
  receive,
  finish,   // shutdown, close, abort
  open,     // listen, connect
  set,      // an option of the connection
  advance,  // time passes; timers run on the way
  run,      // world: the next events happen
  fate,     // world: what the network does with the next packets of one direction
};
inline constexpr std::size_t kOps = 11;
inline constexpr std::size_t kArgs = 6;

// Positions of a segment step's arguments.
enum SegmentArg : std::uint8_t {
  arg_flags = 0,
  arg_window = 1,
  arg_seq = 2,
  arg_ack = 3,
  arg_len = 4,
  arg_options = 5
};

// Values of the tables, in the tables' order; static_asserts in program_tables.cpp hold them together.
enum class Start : std::uint8_t {
  closed,
  listen,
  syn_sent,
  syn_received,
  established,
  established_active,
  fin_wait_1,
  fin_wait_2,
  close_wait,
  closing,
  last_ack,
  time_wait,
  in_flight,
  zero_window,
  out_of_order,
  simultaneous
};
enum class SeqChoice : std::uint8_t {
  nxt,
  nxt_plus_1,
  nxt_minus_1,
  nxt_minus_len,
  before_nxt,
  overlap,
  hole,
  edge_minus_1,
  edge,
  edge_plus_1,
  edge_minus_len,
  far,
  irs,
  fresh
};
enum class AckChoice : std::uint8_t {
  nxt,
  una,
  una_plus_1,
  una_minus_1,
  nxt_plus_1,
  nxt_minus_1,
  middle,
  far,
  iss,
  iss_plus_1,
  old,
  zero,
  una_plus_mss
};
enum class LengthChoice : std::uint8_t { n0, n1, n2, n3, n10, n100, n536, n1000, mss, wnd, wnd_plus_1 };
enum class OptionChoice : std::uint8_t {
  none,
  ts_old,
  ts_future,
  no_ts,
  mss_536,
  mss_0,
  full,
  scale_15,
  sack,
  sack_bogus,
  unknown,
  bad_length
};
enum class Finish : std::uint8_t { shutdown, close, abort };
enum class Open : std::uint8_t { listen, connect };
enum class IcmpChoice : std::uint8_t {
  net_unreachable,
  port_unreachable,
  protocol_unreachable,
  too_big,
  time_exceeded,
  quench
};
enum class TimeChoice : std::uint8_t {
  t0,
  us1,
  ms1,
  ms10,
  ms100,
  ms200,
  ms500,
  s1,
  s10,
  s60,
  s300,
  s7200,
  next_minus,
  next,
  next_plus,
  time_wait_minus,
  time_wait,
  time_wait_plus
};
enum class SetChoice : std::uint8_t {
  nodelay_on,
  nodelay_off,
  keepalive_on,
  keepalive_off,
  user_timeout_30s,
  user_timeout_60s,
  delayed_ack_on,
  delayed_ack_off
};

struct Step {
  Op op = Op::segment;
  std::uint8_t slot = 0;  // program: which of four connections; world: slot % 2 is the endpoint
  std::array<std::uint8_t, kArgs> arg{};
  friend bool operator==(const Step&, const Step&) = default;
};

struct Program {
  Kind kind = Kind::program;
  std::array<std::uint8_t, kHeaderFields> header{};
  std::vector<Step> steps;

  std::uint8_t field(HeaderField f) const { return header[static_cast<std::size_t>(f)]; }
  bool on(HeaderField f) const { return field(f) != 0; }
  void set(HeaderField f, std::uint8_t v) { header[static_cast<std::size_t>(f)] = v; }
  friend bool operator==(const Program&, const Program&) = default;
};

// Total: any octets decode; what is missing of the header reads as 0, a partial step at the end is ignored.
Program decode(Kind kind, Bytes input);
// The canonical octets: decode(kind, encode(p)) == p.
std::vector<std::byte> encode(const Program& program);

std::string to_text(const Program& program);
std::string step_text(Kind kind, const Step& step);
// An error names the line.
std::optional<Program> from_text(std::string_view text, std::string& error);

// What a value stands for.
std::uint32_t iss_value(std::uint8_t index);
std::uint32_t buffer_octets(std::uint8_t index);  // 0: the stack's default
std::uint16_t mtu_octets(std::uint8_t index);
std::uint32_t msl_ms(std::uint8_t index);
std::uint64_t delay_us(std::uint8_t index);
std::uint16_t flag_bits(std::uint8_t index);
std::uint16_t window_value(std::uint8_t index);
std::uint32_t count_value(std::uint8_t index);  // octets of send and receive, events of run, packets of fate
const char* profile_options(std::uint8_t index);
// The steps that lead to a start state, each on slot 0.
const std::vector<Step>& start_steps(Start start);

// The tables, for the sweep and the minimiser: how many values an argument of an operation has (0: the argument does
// not exist).
std::size_t arg_values(Kind kind, Op op, std::size_t arg);
std::size_t header_values(HeaderField field);

}  // namespace lastack::fuzz
