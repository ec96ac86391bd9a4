// The host's parts by themselves: demultiplexing table, timer heap, TIME-WAIT list, ISN generator; and the TCB's rings
// and edge table.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "stack/host/chained_table.h"
#include "stack/host/due_queue.h"
#include "stack/host/isn.h"
#include "stack/host/timers_of_host.h"
#include "stack/tcb/state.h"

namespace lastack {
namespace {

using namespace std::chrono_literals;

const Config kDefaults;

std::unique_ptr<Connection> make(std::uint32_t number) {
  const SocketAddress local{IpAddress::v4(0xc000'0201U), 80};
  const SocketAddress remote{IpAddress::v4(0xc000'0300U + (number >> 12)),
                             static_cast<std::uint16_t>(1024 + (number & 0xfffU))};
  return std::make_unique<Connection>(ConnId{static_cast<std::int32_t>(number)}, SocketPair(42, local, remote),
                                      kDefaults, std::uint16_t{1500}, true);
}

TEST(ConnectionTable, FindsExactlyWhatIsInIt) {
  ConnectionTable table;
  std::vector<std::unique_ptr<Connection>> all;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    all.push_back(make(i));
    table.insert(*all.back());
  }
  for (std::uint32_t i = 0; i < 5000; i += 3) table.erase(*all[i]);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    const Connection* const expected = i % 3 == 0 ? nullptr : all[i].get();
    ASSERT_EQ(table.find(all[i]->sockets()), expected) << i;
  }
}

TEST(DueQueue, KeepsTheOrderOfConnectionsAndHandles) {
  DueQueue queue;
  std::vector<std::unique_ptr<Connection>> all;
  for (std::uint32_t i = 0; i < 4; ++i) all.push_back(make(i));
  std::vector<ConnId> told;
  const auto take = [&] {
    told.push_back(queue.first() != nullptr ? queue.first()->id : queue.first_id());
    queue.pop();
  };
  queue.push(*all[0]);
  EXPECT_EQ(queue.first(), all[0].get());
  queue.push(*all[1]);
  queue.push(ConnId{9});
  take();
  EXPECT_EQ(queue.first(), nullptr) << "the others stand in it by their handles";
  queue.push(*all[2]);
  while (!queue.empty()) take();
  EXPECT_EQ(told, (std::vector<ConnId>{all[0]->id, all[1]->id, ConnId{9}, all[2]->id}));
}

TEST(DueQueue, ForgetsWhoIsGone) {
  DueQueue queue;
  const auto gone = make(1);
  const auto other = make(2);
  queue.push(*gone);
  queue.push(*other);
  queue.forget(*other);
  queue.forget(*gone);
  ASSERT_FALSE(queue.empty());
  EXPECT_EQ(queue.first(), nullptr);
  EXPECT_EQ(queue.first_id(), other->id);
  queue.pop();
  EXPECT_TRUE(queue.empty());
}

TEST(TimerHeap, TopIsTheEarliestWhateverMoved) {
  TimerHeap heap;
  std::vector<std::unique_ptr<Connection>> all;
  std::uint32_t random = 1;
  for (std::uint32_t i = 0; i < 200; ++i) all.push_back(make(i));
  for (int round = 0; round < 5000; ++round) {
    random = static_cast<std::uint32_t>((std::uint64_t{random} * 1103515245U + 12345U) & 0x7fff'ffffU);
    Connection& moved = *all[random % all.size()];
    if (random % 7 == 0) {
      moved.tcb.timers.stop(TimerKind::retransmit);
    } else {
      moved.tcb.timers.arm(TimerKind::retransmit, instant_from_us(random / 7 % 1000));
    }
    heap.update(moved);
    Instant earliest = kNever;
    for (const auto& connection : all) earliest = std::min(earliest, connection->tcb.timers.earliest());
    const Connection* const top = heap.top();
    ASSERT_EQ(top == nullptr ? kNever : top->tcb.timers.earliest(), earliest);
    ASSERT_EQ(heap.earliest(), earliest);
  }
}

TEST(TimeWaitList, KeepsTheOrderOfExpiry) {
  TimeWaitList list;
  std::vector<std::unique_ptr<Connection>> all;
  for (std::uint32_t i = 0; i < 4; ++i) {
    all.push_back(make(i));
    all[i]->tcb.timers.arm(TimerKind::time_wait, Instant(std::chrono::seconds(10 + (i == 3 ? 0 : i))));
    list.update(*all[i]);
  }
  EXPECT_EQ(list.earliest(), Instant(10s));
  all[0]->tcb.timers.arm(TimerKind::time_wait, Instant(20s));
  list.update(*all[0]);
  std::vector<const Connection*> order;
  while (Connection* const oldest = list.oldest()) {
    order.push_back(oldest);
    list.remove(*oldest);
  }
  EXPECT_EQ(order, (std::vector<const Connection*>{all[3].get(), all[1].get(), all[2].get(), all[0].get()}));
}

// The vector of the SipHash paper, Appendix A.
TEST(Isn, SipHashVector) {
  std::array<std::byte, 15> text{};
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::byte>(i);
  EXPECT_EQ(siphash_2_4({0x0706050403020100U, 0x0f0e0d0c0b0a0908U}, text), 0xa129ca6149be45e5U);
}

//= rfc6528 3
TEST(Isn, RisesByTheClockAndDiffersByKeyAndPeer) {
  const SocketAddress local{IpAddress::v4(0xc000'0201U), 80}, a{IpAddress::v4(0xc000'0202U), 1},
      b{IpAddress::v4(0xc000'0202U), 2};
  const HashKey key = expand_seed(1);
  const SeqNum first = initial_sequence_number(key, Instant(1s), local, a);
  EXPECT_EQ(initial_sequence_number(key, Instant(2s), local, a) - first, 250'000);
  EXPECT_NE(initial_sequence_number(key, Instant(1s), local, b), first);
  EXPECT_NE(initial_sequence_number(expand_seed(2), Instant(1s), local, a), first);
}

TEST(ReceiveQueue, RunsAreBoundedAndReportedNewestFirst) {
  ReceiveQueue queue(1000, 2);
  const SeqNum nxt(0xffff'fff0U);
  const std::vector<std::byte> text(10, std::byte{1});
  EXPECT_EQ(queue.insert(nxt, nxt + 100, text), 0U);
  EXPECT_EQ(queue.insert(nxt, nxt + 20, text), 0U);
  EXPECT_EQ(queue.insert(nxt, nxt + 200, text), 0U) << "no place for a third run";
  EXPECT_EQ(queue.out_of_order(), 20U);
  SackBlock blocks[4];
  ASSERT_EQ(queue.sack_blocks(blocks, 4), 2);
  EXPECT_EQ(blocks[0].left, nxt + 20);
  EXPECT_EQ(blocks[1].left, nxt + 100);
  EXPECT_EQ(queue.insert(nxt, nxt, std::vector<std::byte>(20)), 30U);
  EXPECT_EQ(queue.unread(), 30U);
}

TEST(ByteRing, WrapsAndGrowsWithoutLosingPlacedOctets) {
  ByteRing ring(100'000);
  std::vector<std::byte> out(3000);
  std::vector<std::byte> in(3000);
  for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::byte>(i % 251);
  for (int round = 0; round < 10; ++round) {
    EXPECT_EQ(ring.append(in), 3000U);
    ring.place(ring.size() + 5000, in);
    ring.copy(0, out);
    EXPECT_EQ(out, in);
    ring.discard(3000);
  }
  EXPECT_EQ(ring.size(), 0U);
  EXPECT_EQ(ring.memory(), 16384U);
}

// Figure 5, arrow by arrow.
TEST(Edges, Figure5IsInTheTableAndNonsenseIsNot) {
  EXPECT_NE(find_edge(State::closed, State::syn_sent, Cause::open_active), nullptr);
  EXPECT_NE(find_edge(State::listen, State::syn_received, Cause::syn), nullptr);
  EXPECT_NE(find_edge(State::syn_received, State::established, Cause::ack_of_syn), nullptr);
  EXPECT_NE(find_edge(State::fin_wait_1, State::closing, Cause::fin), nullptr);
  EXPECT_NE(find_edge(State::time_wait, State::closed, Cause::time_wait_timeout), nullptr);
  EXPECT_EQ(find_edge(State::closed, State::established, Cause::syn), nullptr);
  EXPECT_EQ(find_edge(State::close_wait, State::closing, Cause::close_call), nullptr) << "RFC 1122 4.2.2.20 (a)";
  EXPECT_EQ(find_edge(State::fin_wait_2, State::close_wait, Cause::fin), nullptr);
  std::set<std::tuple<State, State, Cause>> seen;
  for (const Edge& edge : edges()) {
    EXPECT_TRUE(seen.emplace(edge.from, edge.to, edge.cause).second)
        << to_string(edge.from) << " " << to_string(edge.to);
    EXPECT_EQ(find_edge(edge.from, edge.to, edge.cause), &edge);
  }
  const std::string dot = state_diagram_dot();
  EXPECT_NE(dot.find("\"SYN-RECEIVED\" -> \"ESTABLISHED\""), std::string::npos);
}

}  // namespace
}  // namespace lastack
