// The scoreboard beside a model that remembers every octet: random sends, ACKs, reports, losses and retransmissions.
#include "stack/tcb/scoreboard.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace lastack {
namespace {

using namespace std::chrono_literals;

struct Octet {
  bool sacked = false, lost = false, twice = false;
  bool resent = false;
  Instant sent{};
};

// One octet each; index 0 is SND.UNA.
class Model {
 public:
  void send(std::uint32_t octets, Instant now) {
    Octet octet;
    octet.sent = now;
    flight.insert(flight.end(), octets, octet);
  }
  std::uint32_t acknowledge(std::uint32_t octets) {
    std::uint32_t told = 0;
    for (std::uint32_t i = 0; i < octets; ++i) told += flight[i].sacked ? 0U : 1U;
    flight.erase(flight.begin(), flight.begin() + octets);
    return told;
  }
  std::uint32_t report(std::uint32_t from, std::uint32_t to) {
    std::uint32_t told = 0;
    for (std::uint32_t i = from; i < to; ++i) {
      Octet& octet = flight[i];
      if (octet.sacked) continue;
      ++told;
      octet.sacked = true;
      octet.lost = octet.twice = false;
    }
    return told;
  }
  void send_again(std::uint32_t from, std::uint32_t to, Instant now) {
    for (std::uint32_t i = from; i < to; ++i) {
      Octet& octet = flight[i];
      if (octet.sacked) continue;
      octet.twice = !octet.lost;
      octet.lost = false;
      octet.resent = true;
      octet.sent = now;
    }
  }
  std::uint32_t pipe() const {
    std::uint32_t octets = 0;
    for (const Octet& o : flight) octets += o.sacked || o.lost ? 0U : o.twice ? 2U : 1U;
    return octets;
  }

  std::deque<Octet> flight;
};

void expect_equal(const Scoreboard& board, const Model& model) {
  ASSERT_TRUE(board.consistent());
  ASSERT_EQ(octets_between(board.begin(), board.end()), model.flight.size());
  ASSERT_EQ(board.pipe(), model.pipe());
  std::size_t octet = 0;
  for (std::size_t i = 0; i < board.size(); ++i) {
    const std::uint32_t length = octets_between(board[i].begin, board.end_of(i));
    for (std::uint32_t j = 0; j < length; ++j, ++octet) {
      const Octet& o = model.flight[octet];
      ASSERT_EQ(board[i].sacked, o.sacked) << "octet " << octet;
      ASSERT_EQ(board[i].lost, o.lost) << "octet " << octet;
      ASSERT_EQ(board[i].twice, o.twice) << "octet " << octet;
      if (o.sacked) continue;  // nobody asks when what has arrived was sent
      ASSERT_EQ(board[i].resent, o.resent) << "octet " << octet;
      ASSERT_EQ(board[i].sent, o.sent) << "octet " << octet;
    }
  }
}

class ScoreboardOverWrap : public testing::TestWithParam<std::uint32_t> {};

TEST_P(ScoreboardOverWrap, AgreesWithAModelOfEveryOctet) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::minstd_rand random(seed);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    Scoreboard board;
    Model model;
    SeqNum una(GetParam());
    SeqNum nxt = una;
    Instant now{};
    for (int step = 0; step < 400; ++step) {
      if (below(3) == 0) now += 1ms;
      const auto flight = static_cast<std::uint32_t>(model.flight.size());
      std::uint32_t told = 0;
      const auto count = [&](const Delivered& run) { told += octets_between(run.begin, run.end); };
      switch (flight == 0 ? 0 : below(6)) {
        case 0:
        case 1: {
          const std::uint32_t octets = 1 + below(20);
          board.sent(nxt, nxt + octets, now);
          nxt += octets;
          model.send(octets, now);
          break;
        }
        case 2: {
          const std::uint32_t octets = 1 + below(flight);
          una += octets;
          board.acknowledge(una, count);
          ASSERT_EQ(told, model.acknowledge(octets));
          break;
        }
        case 3: {
          const std::uint32_t from = below(flight);
          const std::uint32_t to = from + 1 + below(flight - from);
          board.report(una + from, una + to, count);
          ASSERT_EQ(told, model.report(from, to));
          break;
        }
        case 4: {
          const std::size_t i = below(static_cast<std::uint32_t>(board.size()));
          if (board[i].sacked || board[i].lost) break;
          const std::uint32_t from = octets_between(una, board[i].begin);
          const std::uint32_t to = octets_between(una, board.end_of(i));
          board.mark_lost(i);
          for (std::uint32_t o = from; o < to; ++o) {
            model.flight[o].lost = true;
            model.flight[o].twice = false;
          }
          break;
        }
        case 5: {
          const std::uint32_t from = below(flight);
          const std::uint32_t to = from + 1 + below(flight - from);
          board.sent_again(una + from, una + to, now);
          model.send_again(from, to, now);
          break;
        }
      }
      ASSERT_NO_FATAL_FAILURE(expect_equal(board, model)) << "step " << step;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Isns, ScoreboardOverWrap, testing::Values(0U, 0xffff'ff00U, 0x7fff'ff80U));

TEST(Scoreboard, WhatLeavesAtOneInstantIsOneRecord) {
  Scoreboard board;
  const Instant now{};
  for (std::uint32_t i = 0; i < 100; ++i) board.sent(SeqNum(1000 * i), SeqNum(1000 * i + 1000), now);
  EXPECT_EQ(board.size(), 1U);
  EXPECT_TRUE(board.clean());
  board.sent(SeqNum(100'000), SeqNum(101'000), now + 1ms);
  EXPECT_EQ(board.size(), 2U);
}

TEST(Scoreboard, HostileReportsAndTinySegmentsAreBounded) {
  Scoreboard board;
  Instant now{};
  SeqNum nxt(1);
  for (std::uint32_t i = 0; i < 5000; ++i, nxt += 10) board.sent(nxt, nxt + 10, now += 1ms);
  EXPECT_LE(board.size(), Scoreboard::kMost);
  for (std::uint32_t i = 0; i < 5000; ++i)
    board.report(SeqNum(10 * i + 4), SeqNum(10 * i + 5), [](const Delivered&) {});
  EXPECT_LE(board.size(), Scoreboard::kMost);
  EXPECT_TRUE(board.consistent());
  for (std::uint32_t i = 0; i < 5000; ++i) board.sent_again(SeqNum(10 * i + 2), SeqNum(10 * i + 4), now);
  EXPECT_LE(board.size(), Scoreboard::kMost);
  EXPECT_TRUE(board.consistent());
  EXPECT_LE(board.memory(), 64U * Scoreboard::kMost);
  EXPECT_EQ(octets_between(board.begin(), board.end()), 50'000U);
  board.acknowledge(nxt, [](const Delivered&) {});
  EXPECT_TRUE(board.empty());
}

TEST(Scoreboard, ASteadyFlightNeedsNoMoreMemory) {
  Scoreboard board;
  Instant now{};
  SeqNum una(0);
  SeqNum nxt(0);
  std::size_t memory = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    board.sent(nxt, nxt + 1000, now += 1ms);
    nxt += 1000;
    if (octets_between(una, nxt) <= 40'000) continue;
    una += 1000;
    board.acknowledge(una, [](const Delivered&) {});
    if (i == 100) memory = board.memory();
  }
  EXPECT_EQ(board.memory(), memory);
}

}  // namespace
}  // namespace lastack
