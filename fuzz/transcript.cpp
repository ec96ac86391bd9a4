// A run for people: the transcript on standard output, and the pcapng with steps as packet comments.
#include <array>
#include <cstdio>

#include "fuzz/tool.h"
#include "stack/sim/pcapng.h"
#include "stack/sim/recorder.h"
#include "stack/wire/text.h"

namespace lastack::fuzz {
namespace {

const char* call_name(lastack_app_op op) {
  static constexpr std::array<const char*, 13> kNames = {"?",    "listen",   "connect", "accept", "send",
                                                         "recv", "shutdown", "close",   "abort",  "set-iss",
                                                         "find", "set",      "events"};
  const auto index = static_cast<std::size_t>(op);
  return index < kNames.size() ? kNames[index] : "?";
}

std::string call_text(const Observer::Call& call) {
  std::string text = call_name(call.op);
  if (call.op == LASTACK_APP_SEND || call.op == LASTACK_APP_RECV) text += " " + std::to_string(call.octets);
  if (call.op == LASTACK_APP_SET) text += " " + call.name + "=" + std::to_string(call.value);
  text += " -> ";
  if (call.result != LASTACK_OK) return text + "\"" + call.error + "\"";
  if (call.op == LASTACK_APP_RECV && (call.answer_flags & LASTACK_RECV_EOF) != 0)
    return text + std::to_string(call.count) + ", end";
  if (call.op == LASTACK_APP_SEND || call.op == LASTACK_APP_RECV) return text + std::to_string(call.count);
  return text + "ok";
}

std::string packet_line(Bytes packet) {
  const auto parsed = parse_packet(packet, false);
  if (!parsed.ok()) return "(" + std::to_string(packet.size()) + " octets: " + to_string(parsed.error()) + ")";
  std::string text = std::to_string(parsed->tcp.src_port) + " > " + std::to_string(parsed->tcp.dst_port) + " " +
                     segment_text(parsed->tcp);
  if (!parse_packet(packet, true).ok()) text += " [bad checksum]";
  return text;
}

class TranscriptPrinter final : public Observer {
 public:
  explicit TranscriptPrinter(bool two) : two_(two) {}
  void on_step(int index, const std::string& text) override {
    if (index < 0) {
      line(last_, "# " + text);
    } else {
      line(last_, "# step " + std::to_string(index) + ": " + text);
    }
  }
  void on_packet(std::uint64_t now, std::uint8_t endpoint, bool to_stack, Bytes packet, const char* fate) override {
    line(now, who(endpoint) + (to_stack ? "< " : "> ") + packet_line(packet) +
                  (fate == nullptr ? "" : std::string("  [") + fate + "]"));
  }
  void on_call(const Call& call) override { line(call.now, who(call.endpoint) + "= " + call_text(call)); }
  void on_time(std::uint64_t now) override { last_ = now; }
  void on_state(std::uint64_t now, std::uint8_t endpoint, std::uint8_t, std::int32_t state) override {
    line(now, who(endpoint) + "  " + state_name(state));
  }

 private:
  std::string who(std::uint8_t endpoint) const { return two_ ? (endpoint == 0 ? "client " : "server ") : ""; }
  void line(std::uint64_t now, const std::string& text) {
    last_ = now;
    std::printf("%llu.%06llu  %s\n", static_cast<unsigned long long>(now / 1'000'000),
                static_cast<unsigned long long>(now % 1'000'000), text.c_str());
    std::fflush(stdout);
  }
  bool two_;
  std::uint64_t last_ = 1'000'000;
};

class PcapngPrinter final : public Observer {
 public:
  void on_step(int, const std::string& text) override { comment_ += (comment_.empty() ? "" : "; ") + text; }
  void on_packet(std::uint64_t now, std::uint8_t endpoint, bool to_stack, Bytes packet, const char* fate) override {
    // Of a world only what is put on the links: an arrival would show the packet twice.
    if (world && to_stack) return;
    if (fate != nullptr) comment_ += (comment_.empty() ? "" : "; ") + std::string("the network: ") + fate;
    const bool outbound = world ? endpoint == 0 : !to_stack;
    writer_.packet(instant_from_us(now), packet, outbound ? PacketDirection::outbound : PacketDirection::inbound,
                   comment_);
    comment_.clear();
  }
  void on_call(const Call& call) override {
    comment_ += (comment_.empty() ? "" : "; ") + std::string("user: ") + call_text(call);
  }
  void on_time(std::uint64_t) override {}
  void on_state(std::uint64_t, std::uint8_t, std::uint8_t, std::int32_t) override {}
  const std::string& data() const { return writer_.data(); }
  bool world = false;

 private:
  PcapngWriter writer_{"lastack-fuzz-tool"};
  std::string comment_;
};

}  // namespace

void write_transcript(const Program& program, const Stacks& stacks) {
  TranscriptPrinter printer(stacks.target == Target::world);
  const RunResult result = run(program, stacks, &printer);
  if (!result.error.empty()) std::printf("the stack could not be created: %s\n", result.error.c_str());
  if (result.failure) std::printf("FINDING %s: %s\n", result.failure->id().c_str(), result.failure->text.c_str());
}

std::string pcapng_of(const Program& program, const Stacks& stacks) {
  PcapngPrinter printer;
  printer.world = stacks.target == Target::world;
  run(program, stacks, &printer);
  return printer.data();
}

}  // namespace lastack::fuzz
