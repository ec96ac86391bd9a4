// Implementation of recorder.h.
#include "stack/sim/recorder.h"

#include <array>
#include <cstdio>

#include "stack/wire/text.h"

namespace lastack {
namespace {

std::string packet_text(Bytes packet) {
  const auto parsed = parse_packet(packet, true);
  if (parsed.ok()) return segment_text(parsed->tcp);
  return "(" + std::to_string(packet.size()) + " octets: " + to_string(parsed.error()) + ")";
}

}  // namespace

std::string time_text(Instant t) {
  const auto ns = t.time_since_epoch().count();
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%lld.%09lld", static_cast<long long>(ns / 1'000'000'000),
                static_cast<long long>(ns % 1'000'000'000));
  return text.data();
}

void Transcript::add(Line line) {
  lines_.push_back(std::move(line));
  if (lines_.size() <= limit_) return;
  lines_.pop_front();
  ++dropped_;
}

void Transcript::on_sent(Instant now, NodeId from, Bytes packet, Fate fate) {
  add({.at = now, .node = from, .is_sent = true, .fate = fate, .packet = {packet.begin(), packet.end()}, .note = {}});
}

void Transcript::on_arrived(Instant now, NodeId to, Bytes packet) {
  add({.at = now, .node = to, .packet = {packet.begin(), packet.end()}, .note = {}});
}

void Transcript::note(Instant now, const std::string& text) { add({.at = now, .packet = {}, .note = text}); }

std::string Transcript::text() const {
  std::string all;
  if (dropped_ != 0) all += "(" + std::to_string(dropped_) + " earlier lines)\n";
  for (const Line& line : lines_) {
    all += time_text(line.at) + "  ";
    if (line.packet.empty()) {
      all += "# " + line.note;
    } else {
      all += std::to_string(line.node) + (line.is_sent ? " > " : " < ") + packet_text(line.packet);
      if (line.fate != Fate::deliver) all += std::string("  [") + to_string(line.fate) + "]";
    }
    all += "\n";
  }
  return all;
}

void PcapngTap::on_sent(Instant now, NodeId from, Bytes packet, Fate fate) {
  const PacketDirection direction = from == 0 ? PacketDirection::outbound : PacketDirection::inbound;
  writer_.packet(now, packet, direction, fate == Fate::deliver ? "" : to_string(fate));
}

}  // namespace lastack
