// The tables of program_tables.h, and what their values stand for.
#include "fuzz/program_tables.h"

#include "stack/wire/segment.h"

namespace lastack::fuzz {
namespace {

template <typename... T>
constexpr std::array<const char*, sizeof...(T)> names(T... text) {
  return {text...};
}
using Weights = std::uint8_t;

constexpr auto kOffOn = names("off", "on");
constexpr auto kIp = names("4", "6");
constexpr auto kStart = names("closed", "listen", "syn-sent", "syn-received", "established", "established-active",
                              "fin-wait-1", "fin-wait-2", "close-wait", "closing", "last-ack", "time-wait", "in-flight",
                              "zero-window", "out-of-order", "simultaneous");
static_assert(kStart.size() == static_cast<std::size_t>(Start::simultaneous) + 1);
// Edges of the sequence space: zero, the sign change, and the wrap, right at them and just before.
constexpr auto kIss = names("1000", "0", "1", "0x7fffffff", "0x80000000", "0xffffffff", "0xfffffff0", "0xfffffe00");
constexpr std::array<std::uint32_t, 8> kIssValue = {1000,       0,          1,          0x7fffffff,
                                                    0x80000000, 0xffffffff, 0xfffffff0, 0xfffffe00};
constexpr auto kBuffer = names("default", "1", "10", "536", "2048", "8192", "100000", "1000000");
constexpr std::array<std::uint32_t, 8> kBufferValue = {0, 1, 10, 536, 2048, 8192, 100'000, 1'000'000};
constexpr auto kMtu = names("1500", "576", "1280", "9000");
constexpr std::array<std::uint16_t, 4> kMtuValue = {1500, 576, 1280, 9000};
constexpr auto kMsl = names("default", "1s", "30s", "10ms");
constexpr std::array<std::uint32_t, 4> kMslValue = {0, 1000, 30'000, 10};
constexpr auto kDelay = names("10ms", "0", "1ms", "100ms", "500ms");
constexpr std::array<std::uint64_t, 5> kDelayValue = {10'000, 0, 1000, 100'000, 500'000};
constexpr auto kSeed = names("0", "1", "2", "3", "4", "5", "6", "7");

constexpr auto kFlagNames = names("A", "PA", "FA", "S", "SA", "R", "RA", "F", "none", "SF", "SFA", "SR", "SRA", "FRA",
                                  "UA", "PUA", "FPUA", "P", "FPU", "SEC", "AEC", "all");
constexpr std::uint16_t F = Flags::fin_bit, S = Flags::syn_bit, R = Flags::rst_bit, P = Flags::psh_bit,
                        A = Flags::ack_bit, U = Flags::urg_bit, E = Flags::ece_bit, C = Flags::cwr_bit;
constexpr std::array<std::uint16_t, 22> kFlagBits = {A,
                                                     P | A,
                                                     F | A,
                                                     S,
                                                     S | A,
                                                     R,
                                                     R | A,
                                                     F,
                                                     0,
                                                     S | F,
                                                     S | F | A,
                                                     S | R,
                                                     S | R | A,
                                                     F | R | A,
                                                     U | A,
                                                     P | U | A,
                                                     F | P | U | A,
                                                     P,
                                                     F | P | U,
                                                     S | E | C,
                                                     A | E | C,
                                                     F | S | R | P | A | U | E | C};
// A plain ACK is what keeps a connection going, so it is the most frequent.
constexpr std::array<Weights, 32> kFlagWeights = {0, 0, 0, 0, 0,  1,  1,  2,  2,  2,  3,  3,  4,  4,  5,  5,
                                                  6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21};
constexpr auto kWindow = names("65535", "0", "1", "100", "1000", "8192");
constexpr std::array<std::uint16_t, 6> kWindowValue = {65535, 0, 1, 100, 1000, 8192};
constexpr std::array<Weights, 8> kWindowWeights = {0, 0, 0, 1, 2, 3, 4, 5};

constexpr auto kSeq = names("nxt", "nxt+1", "nxt-1", "nxt-len", "before-nxt", "overlap", "hole", "edge-1", "edge",
                            "edge+1", "edge-len", "far", "irs", "fresh");
static_assert(kSeq.size() == static_cast<std::size_t>(SeqChoice::fresh) + 1);
constexpr std::array<Weights, 16> kSeqWeights = {0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
constexpr auto kAck =
    names("nxt", "una", "una+1", "una-1", "nxt+1", "nxt-1", "middle", "far", "iss", "iss+1", "old", "zero", "una+mss");
static_assert(kAck.size() == static_cast<std::size_t>(AckChoice::una_plus_mss) + 1);
constexpr std::array<Weights, 16> kAckWeights = {0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
constexpr auto kLength = names("0", "1", "2", "3", "10", "100", "536", "1000", "mss", "wnd", "wnd+1");
static_assert(kLength.size() == static_cast<std::size_t>(LengthChoice::wnd_plus_1) + 1);
constexpr std::array<Weights, 16> kLengthWeights = {0, 0, 0, 0, 0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10};
constexpr auto kOptions = names("none", "ts-old", "ts-future", "no-ts", "mss-536", "mss-0", "full", "scale-15", "sack",
                                "sack-bogus", "unknown", "bad-length");
static_assert(kOptions.size() == static_cast<std::size_t>(OptionChoice::bad_length) + 1);
constexpr std::array<Weights, 16> kOptionWeights = {0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

constexpr auto kBack = names("1", "2", "3", "4", "5", "6", "7", "8");
constexpr auto kDamage = names("none", "checksum", "cut");
constexpr auto kIcmp =
    names("net-unreachable", "port-unreachable", "protocol-unreachable", "too-big", "time-exceeded", "quench");
constexpr auto kIcmpSeq = names("una", "nxt", "old");
constexpr auto kCount = names("1000", "1", "2", "10", "100", "536", "4000", "20000", "65535", "3", "5", "0");
constexpr std::array<std::uint32_t, 12> kCountValue = {1000, 1, 2, 10, 100, 536, 4000, 20'000, 65'535, 3, 5, 0};
constexpr auto kSendFlags = names("plain", "push", "urgent");
constexpr auto kFinish = names("shutdown", "close", "abort");
constexpr auto kOpen = names("listen", "connect");
constexpr auto kTime = names("0", "1us", "1ms", "10ms", "100ms", "200ms", "500ms", "1s", "10s", "60s", "300s", "7200s",
                             "next-1us", "next", "next+1us", "time-wait-1us", "time-wait", "time-wait+1us");
static_assert(kTime.size() == static_cast<std::size_t>(TimeChoice::time_wait_plus) + 1);
constexpr std::array<Weights, 32> kTimeWeights = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 12, 13, 13,
                                                  13, 13, 13, 13, 13, 14, 14, 15, 15, 16, 16, 17, 17, 3,  5,  7};
constexpr auto kSet = names("nodelay=1", "nodelay=0", "keepalive=1", "keepalive=0", "user-timeout=30s",
                            "user-timeout=60s", "delayed-ack=1", "delayed-ack=0");
static_assert(kSet.size() == static_cast<std::size_t>(SetChoice::delayed_ack_off) + 1);
constexpr auto kFate = names("deliver", "lose", "duplicate", "corrupt", "hold-back");
constexpr auto kProfile = names("plain", "no-challenge-limit", "rfc793-resets", "keepalive", "text-after-close",
                                "strict-time-wait", "no-range-check", "minimal");

constexpr std::array<HeaderLayout, kHeaderFields> kHeader = {{
    {{"ip", kIp}, 0, 0, 1},
    {{"timestamps", kOffOn}, 0, 1, 1},
    {{"sack", kOffOn}, 0, 2, 1},
    {{"window-scale", kOffOn}, 0, 3, 1},
    {{"delayed-ack", kOffOn}, 0, 4, 1},
    {{"nagle", kOffOn}, 0, 5, 1},
    {{"start", kStart}, 1, 0, 4},
    {{"profile", kProfile}, 1, 4, 4},
    {{"sut-iss", kIss}, 2, 0, 4},
    {{"peer-iss", kIss}, 2, 4, 4},
    {{"rcv-buf", kBuffer}, 3, 0, 4},
    {{"snd-buf", kBuffer}, 3, 4, 4},
    {{"mtu", kMtu}, 4, 0, 4},
    {{"msl", kMsl}, 4, 4, 4},
    {{"delay", kDelay}, 5, 0, 4},
    {{"seed", kSeed}, 5, 4, 4},
}};

constexpr Choice kAbsent{};
const std::array<OpLayout, kOps> kOpTable = {{
    {"segment",
     {{{"flags", kFlagNames, kFlagWeights},
       {"window", kWindow, kWindowWeights},
       {"seq", kSeq, kSeqWeights},
       {"ack", kAck, kAckWeights},
       {"len", kLength, kLengthWeights},
       {"options", kOptions, kOptionWeights}}}},
    {"repeat", {{{"back", kBack}, kAbsent, {"damage", kDamage}, kAbsent, kAbsent, kAbsent}}},
    {"icmp", {{{"error", kIcmp}, {"seq", kIcmpSeq}, kAbsent, kAbsent, kAbsent, kAbsent}}},
    {"send", {{{"octets", kCount}, {"flags", kSendFlags}, kAbsent, kAbsent, kAbsent, kAbsent}}},
    {"receive", {{{"octets", kCount}, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent}}},
    {"finish", {{{"how", kFinish}, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent}}},
    {"open", {{{"how", kOpen}, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent}}},
    {"set", {{{"option", kSet}, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent}}},
    {"advance", {{{"time", kTime, kTimeWeights}, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent}}},
    {"run", {{{"events", kBack}, kAbsent, kAbsent, kAbsent, kAbsent, kAbsent}}},
    {"fate", {{{"packets", kBack}, kAbsent, {"what", kFate}, kAbsent, kAbsent, kAbsent}}},
}};

constexpr std::array<Op, 16> kProgramOps = {
    Op::segment, Op::segment, Op::segment, Op::segment, Op::segment, Op::segment, Op::segment, Op::repeat,
    Op::icmp,    Op::send,    Op::receive, Op::advance, Op::advance, Op::finish,  Op::open,    Op::set};
constexpr std::array<Op, 16> kWorldOps = {Op::run,     Op::run,     Op::run,    Op::run,  Op::fate,    Op::fate,
                                          Op::fate,    Op::fate,    Op::send,   Op::send, Op::receive, Op::receive,
                                          Op::advance, Op::advance, Op::finish, Op::set};

Step make(Op op, std::uint8_t a0 = 0, std::uint8_t a1 = 0, std::uint8_t a2 = 0, std::uint8_t a3 = 0,
          std::uint8_t a4 = 0) {
  return Step{op, 0, {a0, a1, a2, a3, a4, 0}};
}

template <typename E>
constexpr std::uint8_t at(E e) {
  return static_cast<std::uint8_t>(e);
}
// Indices of kFlagNames that the start sequences need.
constexpr std::uint8_t kA = 0, kFA = 2, kS = 3, kSA = 4;

using Steps = std::vector<Step>;
Steps then(Steps first, std::initializer_list<Step> more) {
  first.insert(first.end(), more);
  return first;
}

std::array<Steps, kStart.size()> make_starts() {
  const auto segment = [](std::uint8_t flags, SeqChoice seq, AckChoice ack, LengthChoice len = LengthChoice::n0,
                          std::uint8_t window = 0) {
    return make(Op::segment, flags, window, at(seq), at(ack), at(len));
  };
  const Step shutdown = make(Op::finish, at(Finish::shutdown));
  const Step fin = segment(kFA, SeqChoice::nxt, AckChoice::nxt);
  const Step ack = segment(kA, SeqChoice::nxt, AckChoice::nxt);
  const Steps listen = {make(Op::open, at(Open::listen))};
  const Steps syn_sent = {make(Op::open, at(Open::connect))};
  const Steps syn_received = then(listen, {segment(kS, SeqChoice::fresh, AckChoice::nxt)});
  const Steps established = then(syn_received, {ack});
  const Steps active = then(syn_sent, {segment(kSA, SeqChoice::fresh, AckChoice::nxt)});
  const Steps fin_wait_1 = then(established, {shutdown});
  const Steps fin_wait_2 = then(fin_wait_1, {ack});
  const Steps close_wait = then(established, {fin});
  const Steps closing = then(fin_wait_1, {segment(kFA, SeqChoice::nxt, AckChoice::una)});
  const Steps in_flight = then(established, {make(Op::send, 6)});
  const Steps zero =
      then(established, {segment(kA, SeqChoice::nxt, AckChoice::nxt, LengthChoice::n0, 1), make(Op::send, 6)});
  return {Steps{},
          listen,
          syn_sent,
          syn_received,
          established,
          active,
          fin_wait_1,
          fin_wait_2,
          close_wait,
          closing,
          then(close_wait, {shutdown}),
          then(fin_wait_2, {fin}),
          in_flight,
          zero,
          then(established, {segment(kA, SeqChoice::hole, AckChoice::nxt, LengthChoice::n10)}),
          then(syn_sent, {segment(kS, SeqChoice::fresh, AckChoice::nxt)})};
}

}  // namespace

const HeaderLayout& header_layout(std::size_t field) { return kHeader[field]; }
const OpLayout& op_layout(Op op) { return kOpTable[static_cast<std::size_t>(op)]; }
std::span<const Op, 16> op_codes(Kind kind) { return kind == Kind::program ? kProgramOps : kWorldOps; }

std::uint32_t iss_value(std::uint8_t index) { return kIssValue[index]; }
std::uint32_t buffer_octets(std::uint8_t index) { return kBufferValue[index]; }
std::uint16_t mtu_octets(std::uint8_t index) { return kMtuValue[index]; }
std::uint32_t msl_ms(std::uint8_t index) { return kMslValue[index]; }
std::uint64_t delay_us(std::uint8_t index) { return kDelayValue[index]; }
std::uint16_t flag_bits(std::uint8_t index) { return kFlagBits[index]; }
std::uint16_t window_value(std::uint8_t index) { return kWindowValue[index]; }
std::uint32_t count_value(std::uint8_t index) { return kCountValue[index]; }

const char* profile_options(std::uint8_t index) {
  static constexpr std::array<const char*, kProfile.size()> kText = {
      "",
      ",challenge_ack_limit=0",
      ",rfc5961=0",
      ",keepalive=1",
      ",reset_on_unread_close=0",
      ",time_wait_reuse=0,time_wait_ignores_rst=1",
      ",ack_range_check=0,repeat_syn_ack=0",
      ",initial_window=0,limited_transmit=0,acknowledge_out_of_order=0,max_reassembly_gaps=1,syn_fin_opens=0"};
  return kText[index];
}

const std::vector<Step>& start_steps(Start start) {
  static const std::array<Steps, kStart.size()> kSteps = make_starts();
  return kSteps[static_cast<std::size_t>(start)];
}

std::size_t arg_values(Kind, Op op, std::size_t arg) { return op_layout(op).args[arg].values.size(); }
std::size_t header_values(HeaderField field) { return kHeader[static_cast<std::size_t>(field)].choice.values.size(); }

}  // namespace lastack::fuzz
