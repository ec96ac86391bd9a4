// A run as a pytest function for the lab: what the peer and the user did, with the absolute numbers of this run, and
// what the stack answered. Octets are written as functions of their position, so an expectation states the right octet
// where the stack sent a wrong one.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <vector>

#include "fuzz/tool.h"
#include "fuzz/world_machine.h"
#include "stack/wire/text.h"

namespace lastack::fuzz {
namespace {

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}
std::string quoted(const std::string& text) { return "\"" + escaped(text) + "\""; }

std::string hex(Bytes octets) {
  static constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : octets) {
    text += kDigits[load_u8(&b) >> 4U];
    text += kDigits[load_u8(&b) & 15U];
  }
  return text;
}

std::string letters(Flags flags) {
  static constexpr const char* kLetters = "FSRPAUEC";
  std::string text;
  for (unsigned i = 0; i < 8; ++i) {
    if ((flags.bits & (1U << i)) != 0) text += kLetters[i];
  }
  return text;
}

// Scapy's option list; empty when there are none.
std::string option_list(const Options& options) {
  std::vector<std::string> items;
  if (options.mss) items.push_back("(\"MSS\", " + std::to_string(*options.mss) + ")");
  if (options.window_scale) items.push_back("(\"WScale\", " + std::to_string(*options.window_scale) + ")");
  if (options.sack_permitted) items.push_back("(\"SAckOK\", b\"\")");
  if (options.timestamps) {
    items.push_back("(\"Timestamp\", (" + std::to_string(options.timestamps->value) + ", " +
                    std::to_string(options.timestamps->echo) + "))");
  }
  if (options.sack_count != 0) {
    std::string edges;
    for (std::size_t i = 0; i < options.sack_count; ++i) {
      edges += (i == 0 ? "" : ", ") + std::to_string(options.sack[i].left.raw()) + ", " +
               std::to_string(options.sack[i].right.raw());
    }
    items.push_back("(\"SAck\", (" + edges + "))");
  }
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text.empty() ? "" : ", options=[" + text + "]";
}

class ScenarioWriter final : public Observer {
 public:
  // `endpoint`: of a world, the stack under test; the other one becomes the scripted peer.
  ScenarioWriter(const Program& program, bool world, std::uint8_t endpoint)
      : program_(program), world_(world), endpoint_(endpoint) {}

  void on_step(int index, const std::string& text) override {
    line("# " + (index < 0 ? text : "step " + std::to_string(index) + ": " + text));
  }

  void on_packet(std::uint64_t now, std::uint8_t endpoint, bool to_stack, Bytes packet, const char*) override {
    if (world_ && endpoint != endpoint_) return;
    reach(now);
    const auto parsed = parse_packet(packet);
    if (to_stack) return write_send(packet, parsed);
    if (!parsed.ok()) return line("# the stack sent what is no TCP segment: " + hex(packet));
    write_expect(parsed->tcp);
  }

  void on_call(const Call& call) override {
    if (world_ && call.endpoint != endpoint_) return;
    if (call.result == LASTACK_OK || call.op == LASTACK_APP_RECV) {
      reach(call.now);
      write_call(call);
    } else {
      line("# a call was refused: " + call.error);
    }
  }

  void on_time(std::uint64_t now) override { time_ = now; }
  void on_state(std::uint64_t, std::uint8_t endpoint, std::uint8_t slot, std::int32_t state) override {
    if (world_ && endpoint != endpoint_) return;
    if (handles_.count(slot) != 0 && state != LASTACK_CLOSED && state != LASTACK_LISTEN) {
      pending_state_ = "assert " + handle(slot) + ".state == \"" + state_name(state) + "\"";
    }
  }

  // Lines are written as they come, so that a run that ends in a crash leaves the way there.
  void begin(const std::string& name, const std::string& finding) {
    const std::string title = finding.empty() ? "A fuzz input as a scenario." : "A finding of the fuzzer: " + finding;
    std::printf(
        "\"\"\"%s\n\nThe expectations are what the stack did in this run: read them against the RFC before you keep "
        "them.\n\"\"\"\n\n"
        "import pytest\n\nfrom lastack.scapy import TCP\n\n\n%s@pytest.mark.lab(%s)\ndef %s(lab):\n",
        escaped(title).c_str(), helper().c_str(), lab_options().c_str(), name.c_str());
  }
  void end(const std::string& finding) {
    flush_state();
    reach(time_);
    if (!finding.empty()) print("# Here the fuzzer found: " + finding);
  }

 private:
  static std::string helper() {
    return "def octets(position: int, count: int, stream: int) -> bytes:\n"
           "    \"\"\"The octets of a stream from a position on, as the fuzzer makes them.\"\"\"\n"
           "    return bytes((((position + i + stream * 0x01000193) * 0x9E3779B1) & 0xFFFFFFFF) >> 24 for i in "
           "range(count))\n\n\n";
  }

  static void print(const std::string& text) {
    std::printf("    %s\n", text.c_str());
    std::fflush(stdout);
  }
  void line(const std::string& text) {
    flush_state();
    print(text);
  }
  // The state after a burst of packets, not between two of them.
  void flush_state() {
    if (pending_state_.empty()) return;
    print(pending_state_);
    pending_state_.clear();
  }

  void reach(std::uint64_t now) {
    time_ = std::max(time_, now);
    if (time_ <= lab_time_) return;
    const std::uint64_t us = time_ - lab_time_;
    std::string fraction = std::to_string(us % 1'000'000);
    fraction.insert(0, 6 - fraction.size(), '0');
    line("lab.advance(" + std::to_string(us / 1'000'000) + "." + fraction + ")");
    lab_time_ = time_;
  }

  std::string handle(std::uint8_t slot) const { return slot == 0 ? "sut" : "sut" + std::to_string(slot); }
  std::string peer(std::uint16_t port) {
    std::string name = world_ || port == kFirstPeerPort ? "peer" : "peer" + std::to_string(port - kFirstPeerPort);
    if (peers_.insert({port, name}).second) {
      print(name + " = lab.peer(port=" + std::to_string(port) + ", to=" + std::to_string(sut_port()) + ")");
    }
    return name;
  }
  std::uint16_t sut_port() const { return world_ && endpoint_ == 0 ? std::uint16_t{4000} : kListenPort; }

  void write_send(Bytes packet, const Result<ParsedPacket, WireError>& parsed) {
    if (!parsed.ok() || has_odd_options(parsed->tcp)) {
      const std::uint16_t port = parsed.ok() ? parsed->tcp.src_port : kFirstPeerPort;
      return line(peer(port) + ".send(bytes.fromhex(\"" + hex(packet) + "\"))");
    }
    const Segment& s = parsed->tcp;
    std::string text =
        peer(s.src_port) + ".send(TCP(flags=" + quoted(letters(s.flags)) + ", seq=" + std::to_string(s.seq.raw());
    if (s.flags.ack()) text += ", ack=" + std::to_string(s.ack.raw());
    text += ", window=" + std::to_string(s.wnd);
    if (s.flags.urg()) text += ", urgptr=" + std::to_string(s.urg);
    text += option_list(s.options) + ")";
    if (!s.payload.empty()) {
      const std::uint64_t first = world_ ? 0 : (s.seq + (s.flags.syn() ? 1U : 0U)).raw();
      text += world_ ? ", data=bytes.fromhex(\"" + hex(s.payload) + "\")"
                     : ", data=octets(" + std::to_string(first) + ", " + std::to_string(s.payload.size()) + ", 1000)";
    }
    line(text + ")");
  }

  static bool has_odd_options(const Segment& s) {
    return s.options.unknown || s.options.wrong_length || s.options.duplicate;
  }

  void write_expect(const Segment& s) {
    const std::string who = peer(s.dst_port);
    if (s.flags.syn()) iss_[s.dst_port] = s.seq;
    Flags shown = s.flags;
    shown.bits &= static_cast<std::uint16_t>(~Flags::psh_bit);  // PUSH is the stack's choice
    std::string text = who + ".expect(TCP(flags=" + quoted(letters(shown)) + ", seq=" + std::to_string(s.seq.raw());
    if (s.flags.ack()) text += ", ack=" + std::to_string(s.ack.raw());
    text += ")";
    const auto iss = iss_.find(s.dst_port);
    if (s.payload.empty()) {
      text += ", data=0";
    } else if (iss != iss_.end()) {
      const unsigned stream = world_ ? endpoint_ : static_cast<unsigned>(s.dst_port - kFirstPeerPort);
      text += ", data=octets(" + std::to_string(octets_between(iss->second + 1, s.seq)) + ", " +
              std::to_string(s.payload.size()) + ", " + std::to_string(stream) + ")";
    }
    line(text + ")");
  }

  void write_call(const Call& call) {
    const std::string sut = handle(call.slot);
    if (call.op == LASTACK_APP_LISTEN) {
      line(sut + " = lab.listen(port=80, iss=[" + iss_list() + "])");
      for (std::uint8_t slot = 0; slot < kSlots; ++slot) handles_[slot] = true;
      for (std::uint8_t slot = 1; slot < kSlots && !world_; ++slot) {
        if (uses(slot))
          line("sut" + std::to_string(slot) + " = sut.connection(" +
               peer(static_cast<std::uint16_t>(kFirstPeerPort + slot)) + ")");
      }
      return;
    }
    if (call.op == LASTACK_APP_CONNECT) {
      const std::uint16_t port =
          static_cast<std::uint16_t>(world_ ? (endpoint_ == 0 ? kListenPort : 4000) : kFirstPeerPort + call.slot);
      const std::string who = peer(port);
      line("lab.set_iss(" + iss_list() + ")");
      line(sut + " = lab.connect(" + who + (world_ ? ", port=" + std::to_string(sut_port()) : "") + ")");
      handles_[call.slot] = true;
      return;
    }
    write_data_call(call, sut);
  }

  void write_data_call(const Call& call, const std::string& sut) {
    const unsigned stream = world_ ? endpoint_ : call.slot;
    if (call.op == LASTACK_APP_SEND) {
      std::uint64_t& given = given_[call.slot];
      std::string text = sut + ".send(octets(" + std::to_string(given) + ", " + std::to_string(call.octets) + ", " +
                         std::to_string(stream) + ")";
      if ((call.flags & LASTACK_SEND_PUSH) != 0) text += ", push=True";
      if ((call.flags & LASTACK_SEND_URGENT) != 0) text += ", urgent=True";
      line("assert " + text + ") == " + std::to_string(call.count));
      given += call.count;
    } else if (call.op == LASTACK_APP_RECV) {
      if (call.result != LASTACK_OK || call.count == 0) return;
      line("assert len(" + sut + ".recv(" + std::to_string(call.octets) + ")) == " + std::to_string(call.count));
    } else if (call.op == LASTACK_APP_SHUTDOWN || call.op == LASTACK_APP_CLOSE || call.op == LASTACK_APP_ABORT) {
      static constexpr std::array<const char*, 3> kNames = {"shutdown", "close", "abort"};
      line(sut + "." + kNames[static_cast<std::size_t>(call.op - LASTACK_APP_SHUTDOWN)] + "()");
    } else if (call.op == LASTACK_APP_SET) {
      line(sut + ".set(" + quoted(call.name) + ", " + std::to_string(call.value) + ")");
    }
  }

  bool uses(std::uint8_t slot) const {
    return std::any_of(program_.steps.begin(), program_.steps.end(), [&](const Step& s) { return s.slot == slot; });
  }

  std::string iss_list() const {
    const std::uint32_t first =
        iss_value(program_.field(world_ && endpoint_ == 1 ? HeaderField::peer_iss : HeaderField::sut_iss));
    std::string text;
    for (std::uint32_t i = 0; i < (world_ ? 1U : 4U); ++i)
      text += (i == 0 ? "" : ", ") + std::to_string((SeqNum(first) + i * 64'000U).raw());
    return text;
  }

  std::string lab_options() const {
    const auto flag = [&](const char* name, HeaderField field) {
      return std::string(name) + "=" + (program_.on(field) ? "True" : "False");
    };
    std::string text = flag("timestamps", HeaderField::timestamps) + ", " + flag("sack", HeaderField::sack) + ", " +
                       flag("window_scale", HeaderField::window_scale) + ", " +
                       flag("delayed_ack", HeaderField::delayed_ack) + ", " + flag("nagle", HeaderField::nagle) + ", " +
                       flag("ipv6", HeaderField::ip) +
                       ", mtu=" + std::to_string(mtu_octets(program_.field(HeaderField::mtu)));
    const auto number = [&](const char* name, std::uint32_t value) {
      if (value != 0) text += std::string(", ") + name + "=" + std::to_string(value);
    };
    number("rcv_buf", buffer_octets(program_.field(HeaderField::rcv_buf)));
    number("snd_buf", buffer_octets(program_.field(HeaderField::snd_buf)));
    const std::uint32_t msl = msl_ms(program_.field(HeaderField::msl));
    if (msl != 0)
      text += ", msl=" + std::to_string(msl / 1000) + "." + std::to_string(msl % 1000 / 100) +
              std::to_string(msl % 100 / 10);
    return text;
  }

  const Program& program_;
  bool world_;
  std::uint8_t endpoint_;
  std::string pending_state_;
  std::uint64_t time_ = 1'000'000, lab_time_ = 1'000'000;
  std::map<std::uint16_t, std::string> peers_;
  std::map<std::uint16_t, SeqNum> iss_;
  std::map<std::uint8_t, bool> handles_;
  std::map<std::uint8_t, std::uint64_t> given_;
};

}  // namespace

void write_scenario(const Program& program, const Stacks& stacks, const std::string& name, const std::string& finding) {
  const bool world = stacks.target == Target::world;
  const std::uint8_t endpoint = world && finding.find("server: ") != std::string::npos ? 1 : 0;
  ScenarioWriter writer(program, world, endpoint);
  writer.begin(name, finding);
  std::fflush(stdout);
  const pid_t pid = fork();
  if (pid != 0) {
    int status = 0;
    waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
    std::printf("    # Here the stack died: %s\n", finding.c_str());
    return;
  }
  // Where all holds, the epilogue would only make the scenario longer.
  const RunOptions options{.sut = stacks.sut, .sut_b = stacks.sut_b, .observer = &writer, .epilogue = !finding.empty()};
  world ? run_world(program, options) : run_program(program, options);
  writer.end(finding);
  std::fflush(stdout);
  _exit(0);
}

}  // namespace lastack::fuzz
