// Runs a program of kind `program` against one stack through the C ABI: the steps are its peer and its user, the
// oracles and the judge watch. Deterministic: time is virtual, nothing is asked of the outside.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/judge/judge.h"
#include "fuzz/oracles.h"
#include "fuzz/peer.h"
#include "fuzz/program.h"
#include "fuzz/sut.h"
#include "stack/sim/trace_hash.h"

namespace lastack::fuzz {

// Sees a run as it happens; for transcripts, pcapng and scenarios.
class Observer {
 public:
  virtual ~Observer() = default;
  // index -1: the steps that lead to the start state, and after the last step the epilogue.
  virtual void on_step(int index, const std::string& text) = 0;
  virtual void on_packet(std::uint64_t now, std::uint8_t endpoint, bool to_stack, Bytes packet, const char* fate) = 0;
  // `result` is LASTACK_OK or the error; `what` the call with its arguments, `answer` what came back.
  struct Call {
    std::uint64_t now;
    std::uint8_t endpoint;
    std::uint8_t slot;
    lastack_app_op op;
    std::uint64_t octets;  // of SEND and RECEIVE: asked for
    std::uint32_t flags;
    int result;
    std::uint64_t count;
    std::uint32_t answer_flags;
    std::string name;  // of SET
    std::uint64_t value;
    std::string error;
  };
  virtual void on_call(const Call& call) = 0;
  virtual void on_time(std::uint64_t now) = 0;
  virtual void on_state(std::uint64_t now, std::uint8_t endpoint, std::uint8_t slot, std::int32_t state) = 0;
};

const char* state_name(std::int32_t state);

struct RunOptions {
  const lastack_sut_ops* sut = nullptr;
  const lastack_sut_ops* sut_b = nullptr;  // world only
  Observer* observer = nullptr;
  bool epilogue = true;
};

struct RunResult {
  std::optional<Failure> failure;
  std::string error;  // the stack could not be created; then nothing else counts
  std::uint64_t hash = 0;
  std::uint64_t packets = 0;  // sent by the stack
};

RunResult run_program(const Program& program, const RunOptions& options);

// The driver. Its methods are in machine.cpp (input, output, time), machine_steps.cpp (what a step does) and
// epilogue.cpp.
class Machine {
 public:
  Machine(const Program& program, const RunOptions& options);
  RunResult run();

 private:
  static constexpr std::size_t kMaxBurst = 10'000;
  static constexpr int kMaxTicksAtOnce = 64;
  static constexpr std::size_t kRepeatable = 8;

  bool failed() const { return failure_.has_value(); }
  void fail(Oracle oracle, const std::string& text);

  // machine.cpp
  void after_input(std::size_t burst_limit);
  std::size_t drain(std::size_t limit);
  void check_packet(Bytes packet);
  void check_octets(std::uint8_t slot, const Segment& segment);
  void check_info(std::uint8_t slot);
  void ask_judge();
  void accept_connections();
  void run_due_timers();
  void advance_to(std::uint64_t t);
  void inject(std::uint8_t slot, Bytes packet);
  void check_unacceptable(std::uint8_t slot, const View& before, Bytes packet);
  View look(std::uint8_t slot);
  bool has_connection(const Slot& s);
  void adopt(Slot& s, std::int32_t conn);
  std::int32_t handle_of(std::uint8_t slot);

  // machine_steps.cpp
  void step(const Step& step);
  void step_segment(const Step& step);
  void step_repeat(const Step& step);
  void step_open(const Step& step);
  void step_finish(const Step& step);
  void step_set(const Step& step);
  void user_send(std::uint8_t slot, std::uint32_t octets, std::uint32_t flags);
  bool user_receive(std::uint8_t slot, std::uint32_t octets);
  void check_delivered(std::uint8_t slot, const lastack_sut_ret& ret);
  int call(std::uint8_t slot, const lastack_sut_call& call, lastack_sut_ret& ret);
  std::uint64_t target_time(TimeChoice choice, std::uint8_t slot);

  // epilogue.cpp
  enum class Ending : std::uint8_t { gone, under_way };
  void epilogue();
  Ending end_connection(std::uint8_t slot);
  bool wind_down(std::uint8_t slot);
  bool willing_peer(std::uint8_t slot, const View& view);
  void check_end(std::uint8_t slot);

  const Program& program_;
  RunOptions options_;
  bool ipv6_;
  std::unique_ptr<Sut> sut_;
  Judge judge_;
  std::size_t findings_seen_ = 0;
  std::array<Slot, kSlots> slots_;
  unsigned used_slots_ = 1;                                   // bit n: slot n has been used
  std::array<std::int32_t, kSlots> shut_ = {-1, -1, -1, -1};  // the connection for which the epilogue has said SHUTDOWN
  std::int32_t listener_ = -1;
  std::uint64_t now_ = 1'000'000;
  int step_index_ = -1;
  std::optional<Failure> failure_;
  TraceHash hash_;
  std::uint64_t packets_ = 0;
  bool reset_sent_ = false;                               // in the last burst
  std::array<std::vector<std::byte>, kRepeatable> sent_;  // what the peer sent last, for repeat
  std::array<std::uint8_t, kRepeatable> sent_slot_{};
  std::size_t sent_count_ = 0;
  std::vector<std::byte> out_ = std::vector<std::byte>(9200);
  std::vector<std::byte> user_;
};

}  // namespace lastack::fuzz
