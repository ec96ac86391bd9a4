// Taps for people: the text transcript of a world (one line for each packet, with its fate), and its pcapng.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "stack/sim/pcapng.h"
#include "stack/sim/world.h"

namespace lastack {

// "1.000250000" seconds.
std::string time_text(Instant t);

// Keeps the last `limit` lines; earlier ones are counted, so that a long run that fails shows its end.
class Transcript final : public WireTap {
 public:
  explicit Transcript(std::size_t limit = 200) : limit_(limit) {}
  void on_sent(Instant now, NodeId from, Bytes packet, Fate fate) override;
  void on_arrived(Instant now, NodeId to, Bytes packet) override;
  void note(Instant now, const std::string& text);
  std::string text() const;

 private:
  struct Line {
    Instant at;
    NodeId node = 0;
    bool is_sent = false;
    Fate fate = Fate::deliver;
    std::vector<std::byte> packet;  // empty: a note
    std::string note;
  };
  void add(Line line);
  std::size_t limit_;
  std::deque<Line> lines_;
  std::size_t dropped_ = 0;
};

// What was put on the links, at the time it was sent; lost and damaged packets carry a comment.
class PcapngTap final : public WireTap {
 public:
  void on_sent(Instant now, NodeId from, Bytes packet, Fate fate) override;
  void on_arrived(Instant, NodeId, Bytes) override {}
  const std::string& data() const { return writer_.data(); }

 private:
  PcapngWriter writer_;
};

}  // namespace lastack
