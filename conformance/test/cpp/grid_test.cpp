// The small-scope grid: 11 states x 64 flag sets x 7 SEQ positions x 5 ACK positions x 3 windows x 3 lengths = 221,760
// segments, each sent to a fresh connection of the core behind the C ABI and compared with the table of 3.10.7
// (conformance/model); and SYN-RECEIVED once more, entered by an active OPEN. Nothing is sampled. Prints how many
// segments each row of the table decided, and what the core does by a choice that the table lists with its reason.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "conformance/model/segment_arrives.h"
#include "conformance/sut/lastack_sut.h"
#include "stack/wire/text.h"

extern "C" const lastack_sut_ops* lastack_core_sut_entry(std::uint32_t abi);

namespace lastack {
namespace {

using model::name_of;
using model::Outcome;
using model::Reply;
using model::View;

constexpr std::uint32_t kIss = 0xffff'fff0U;  // the wrap lies inside the exchange
constexpr std::uint32_t kIrs = 0x7fff'fff8U;
constexpr std::uint16_t kPort = 80;
constexpr std::uint16_t kPeerPort = 4000;
constexpr std::uint32_t kBuffer = 1000;
constexpr std::array<std::uint32_t, 3> kLengths = {0, 1, 12};

// The core in one process, driven through lastack_sut.h only.
class Sut {
 public:
  Sut() : ops_(lastack_core_sut_entry(LASTACK_SUT_ABI)) {
    lastack_sut_cfg cfg{};
    cfg.size = sizeof cfg;
    cfg.now_us = 1'000'000;
    cfg.seed = 1;
    const std::uint8_t ip4[4] = {192, 0, 2, 1};
    std::memcpy(cfg.ip4, ip4, sizeof ip4);
    cfg.mtu = 1500;
    cfg.rcv_buf = kBuffer;
    cfg.options = "timestamps=0,sack=0,window_scale=0,delayed_ack=0,nagle=0";
    char error[160] = {};
    sut_ = ops_->create(&cfg, error, sizeof error);
    EXPECT_NE(sut_, nullptr) << error;
  }
  ~Sut() { ops_->destroy(sut_); }
  Sut(const Sut&) = delete;
  Sut& operator=(const Sut&) = delete;

  std::int32_t app(lastack_app_op op, std::int32_t conn = -1, std::uint64_t value = 0) {
    lastack_sut_call call{};
    call.size = sizeof call;
    call.now_us = kNow;
    call.op = op;
    call.conn = conn;
    call.value = value;
    call.backlog = 8;
    call.local = {4, {192, 0, 2, 1}, kPort};
    call.remote = {4, {192, 0, 2, 2}, kPeerPort};
    lastack_sut_ret ret{};
    ret.size = sizeof ret;
    const int status = ops_->app(sut_, &call, &ret);
    return status == LASTACK_OK ? ret.conn : -1;
  }

  void rx(const Segment& segment) {
    std::array<std::byte, 2048> packet;
    IpHeader ip;
    ip.src = IpAddress::v4(0xc000'0202U);
    ip.dst = IpAddress::v4(0xc000'0201U);
    const std::size_t size = write_packet(packet, ip, segment);
    ASSERT_EQ(ops_->rx(sut_, kNow, reinterpret_cast<const std::uint8_t*>(packet.data()), size), LASTACK_OK);
  }

  std::vector<Segment> tx() {
    std::vector<Segment> all;
    while (true) {
      std::array<std::uint8_t, 2048> packet;
      const long size = ops_->tx(sut_, kNow, packet.data(), packet.size());
      EXPECT_GE(size, 0);
      if (size <= 0) return all;
      const auto parsed = parse_packet(as_bytes(packet.data(), static_cast<std::size_t>(size)));
      EXPECT_TRUE(parsed);
      if (parsed) all.push_back(parsed->tcp);
      all.back().payload = {};
    }
  }

  lastack_sut_info info(std::int32_t conn) {
    lastack_sut_info i{};
    i.size = sizeof i;
    if (conn < 0 || ops_->info(sut_, kNow, conn, &i) != LASTACK_OK) i.state = LASTACK_CLOSED;
    return i;
  }

 private:
  static constexpr std::uint64_t kNow = 1'000'000;
  const lastack_sut_ops* ops_;
  void* sut_ = nullptr;
};

Segment from_peer(std::uint16_t flags, std::uint32_t seq, std::uint32_t ack, Bytes payload = {}) {
  Segment s;
  s.src_port = kPeerPort;
  s.dst_port = kPort;
  s.flags = Flags{flags};
  s.seq = SeqNum(seq);
  s.ack = SeqNum(ack);
  s.wnd = 5000;
  s.payload = payload;
  return s;
}

const std::vector<std::byte>& text() {
  static const std::vector<std::byte> kText(kBuffer, std::byte{'x'});
  return kText;
}

// A connection in `state`, its receive window narrowed to `window` octets by unread text where the state has received
// any.
struct Connection {
  Sut sut;
  std::int32_t conn = -1;
  View view;

  // `active`: SYN-RECEIVED from SYN-SENT, by a SYN that crosses ours.
  Connection(lastack_state state, std::uint32_t window, bool active) {
    if (active) {
      open_simultaneously();
    } else {
      bring_to(state, window);
    }
    sut.tx();
    const auto i = sut.info(conn);
    EXPECT_EQ(i.state, state) << name_of(state);
    view.state = state;
    view.passive = !active;
    view.iss = SeqNum(kIss);
    view.una = SeqNum(i.snd_una);
    view.nxt = SeqNum(i.snd_nxt);
    view.rcv_nxt = SeqNum(i.rcv_nxt);
    view.rcv_wnd = i.rcv_wnd;
    view.max_snd_wnd = 5000;
    view.fin_sent = state >= LASTACK_FIN_WAIT_1 && state != LASTACK_CLOSE_WAIT;
  }

 private:
  static constexpr std::uint16_t kA = Flags::ack_bit, kFA = Flags::ack_bit | Flags::fin_bit;

  void open_simultaneously() {
    sut.app(LASTACK_APP_SET_ISS, -1, kIss);
    conn = sut.app(LASTACK_APP_CONNECT);
    sut.tx();
    sut.rx(from_peer(Flags::syn_bit, kIrs, 0));
  }

  void bring_to(lastack_state state, std::uint32_t window) {
    sut.app(LASTACK_APP_SET_ISS, -1, kIss);
    if (state == LASTACK_CLOSED) return;
    if (state == LASTACK_SYN_SENT) {
      conn = sut.app(LASTACK_APP_CONNECT);
      return;
    }
    const std::int32_t listener = sut.app(LASTACK_APP_LISTEN);
    conn = listener;
    if (state == LASTACK_LISTEN) return;
    sut.rx(from_peer(Flags::syn_bit, kIrs, 0));
    conn = sut.app(LASTACK_APP_FIND);
    if (state == LASTACK_SYN_RECEIVED) return;
    sut.rx(from_peer(kA, kIrs + 1U, peer_ack(1)));
    std::uint32_t seq = kIrs + 1U;
    // The peer's FIN needs a number inside the window, too (Table 6).
    const bool fin_to_come = state >= LASTACK_CLOSE_WAIT;
    const std::uint32_t room = window + (fin_to_come ? 1U : 0U);
    if (room < kBuffer) {
      sut.rx(from_peer(kA, seq, peer_ack(1), Bytes(text()).first(kBuffer - room)));
      seq += kBuffer - room;
    }
    finish(state, seq);
  }

  void finish(lastack_state state, std::uint32_t seq) {
    const bool we_close_first = state == LASTACK_FIN_WAIT_1 || state == LASTACK_FIN_WAIT_2 ||
                                state == LASTACK_CLOSING || state == LASTACK_TIME_WAIT;
    if (we_close_first) {
      sut.app(LASTACK_APP_SHUTDOWN, conn);
      sut.tx();
      if (state == LASTACK_FIN_WAIT_2 || state == LASTACK_TIME_WAIT) sut.rx(from_peer(kA, seq, peer_ack(2)));
      if (state == LASTACK_CLOSING) sut.rx(from_peer(kFA, seq, peer_ack(1)));
      if (state == LASTACK_TIME_WAIT) sut.rx(from_peer(kFA, seq, peer_ack(2)));
    } else if (state != LASTACK_ESTABLISHED) {
      sut.rx(from_peer(kFA, seq, peer_ack(1)));
      if (state == LASTACK_LAST_ACK) sut.app(LASTACK_APP_SHUTDOWN, conn);
    }
    sut.tx();
  }

  static std::uint32_t peer_ack(std::uint32_t octets) { return (SeqNum(kIss) + octets).raw(); }
};

std::array<SeqNum, 7> seq_positions(const View& v, std::uint32_t length) {
  const SeqNum end = v.rcv_nxt + v.rcv_wnd;
  return {v.rcv_nxt - 1U, v.rcv_nxt, v.rcv_nxt + 1U, end - 1U, end, v.rcv_nxt - length - 1U, v.rcv_nxt + 0x8000'0000U};
}

std::array<SeqNum, 5> ack_positions(const View& v) {
  return {v.una - 1U, v.una, v.nxt, v.nxt + 1U, v.una + 0x8000'0000U};
}

bool reply_fits(const Outcome& o, const View& before, const Segment& s, const std::vector<Segment>& sent) {
  if (o.reply == Reply::none) return sent.empty();
  if (sent.size() != 1) return false;
  const Segment& r = sent.front();
  switch (o.reply) {
    case Reply::none:
    case Reply::optional_ack:
    case Reply::later: return false;  // permitted() has resolved them
    case Reply::ack: return r.flags == kAck && r.seq == before.nxt && r.ack == o.rcv_nxt;
    case Reply::reset_ack: return r.flags == kRst && r.seq == s.ack;
    case Reply::reset_zero: return r.flags == (kRst | kAck) && r.seq == SeqNum(0) && r.ack == s.end();
    // A connection that is reopened from TIME-WAIT chooses a new ISS (RFC 6191): only its ACK is known.
    case Reply::syn_ack:
      return r.flags == (kSyn | kAck) && r.ack == o.rcv_nxt &&
             (before.state == LASTACK_TIME_WAIT || r.seq == before.iss);
  }
  return false;
}

bool variables_fit(const Outcome& o, const View& before, const lastack_sut_info& i) {
  // A connection that is gone has no variables; a passive one goes back to its listener.
  if (o.next == LASTACK_CLOSED || (o.next == LASTACK_LISTEN && before.state == LASTACK_SYN_RECEIVED)) {
    return i.state == LASTACK_CLOSED;
  }
  if (i.state != o.next) return false;
  if (o.next == LASTACK_LISTEN) return true;
  if (SeqNum(i.rcv_nxt) != o.rcv_nxt) return false;
  return before.state == LASTACK_TIME_WAIT || SeqNum(i.snd_una) == o.una;
}

constexpr std::array<lastack_state, 11> kStates = {LASTACK_CLOSED,       LASTACK_LISTEN,      LASTACK_SYN_SENT,
                                                   LASTACK_SYN_RECEIVED, LASTACK_ESTABLISHED, LASTACK_FIN_WAIT_1,
                                                   LASTACK_FIN_WAIT_2,   LASTACK_CLOSE_WAIT,  LASTACK_CLOSING,
                                                   LASTACK_LAST_ACK,     LASTACK_TIME_WAIT};

struct Cell {
  lastack_state state;
  std::uint32_t window;
  std::uint16_t flags;
  std::size_t seq_at, ack_at;
  std::uint32_t length;
  bool active = false;
};

class Grid : public testing::Test {
 protected:
  Grid() : table_(model::read_table(LASTACK_EVENTS_TSV, LASTACK_CONDITIONS_TSV)) {}

  // A fresh connection, one segment, one comparison. Returns what is wrong, or nothing.
  std::string run(const Cell& cell) {
    Connection c(cell.state, cell.window, cell.active);
    const SeqNum seq = seq_positions(c.view, cell.length)[cell.seq_at];
    const SeqNum ack = ack_positions(c.view)[cell.ack_at];
    const Segment s = from_peer(cell.flags, seq.raw(), ack.raw(), Bytes(text()).first(cell.length));
    c.sut.rx(s);
    const auto sent = c.sut.tx();
    // After a SYN at the listener, and a reset of a connection that came from one, the tuple says what there is.
    const bool by_tuple =
        cell.state == LASTACK_LISTEN || cell.state == LASTACK_CLOSED || cell.state == LASTACK_TIME_WAIT;
    std::int32_t now = by_tuple ? c.sut.app(LASTACK_APP_FIND) : c.conn;
    if (cell.state == LASTACK_LISTEN && now < 0) now = c.conn;
    const auto info = c.sut.info(now);
    const auto permitted = model::permitted(table_, c.view, s);
    for (const Outcome& o : permitted) {
      if (reply_fits(o, c.view, s, sent) && variables_fit(o, c.view, info)) {
        count(o);
        return {};
      }
    }
    return describe(c.view, s, sent, info, permitted);
  }

  void count(const Outcome& o) {
    for (const model::Row* row : o.rows) ++decided_[row];
    if (o.by_choice) ++by_choice_;
  }

  static std::string describe(const View& v, const Segment& s, const std::vector<Segment>& sent,
                              const lastack_sut_info& info, const std::vector<Outcome>& permitted) {
    std::string text = std::string(name_of(v.state)) + " wnd=" + std::to_string(v.rcv_wnd) +
                       " una=" + std::to_string(v.una.raw()) + " nxt=" + std::to_string(v.nxt.raw()) +
                       " rcv.nxt=" + std::to_string(v.rcv_nxt.raw()) + "; got " + segment_text(s) + "; now " +
                       name_of(static_cast<lastack_state>(info.state)) + " una=" + std::to_string(info.snd_una) +
                       " rcv.nxt=" + std::to_string(info.rcv_nxt) + "; sent";
    for (const Segment& r : sent) text += " [" + segment_text(r) + "]";
    text += "; permitted:";
    for (const Outcome& o : permitted) {
      for (const model::Row* row : o.rows) text += " " + row->id;
      text += std::string("->") + name_of(o.next) + " rcv.nxt=" + std::to_string(o.rcv_nxt.raw()) + ";";
    }
    return text;
  }

  void report(std::size_t cells) const {
    std::printf("%zu segments, %zu of them by a choice:\n", cells, by_choice_);
    for (const model::Row& row : table_.rows) {
      const auto it = decided_.find(&row);
      std::printf("%8zu  %s%s%s\n", it == decided_.end() ? 0 : it->second, row.id.c_str(),
                  row.reason.empty() ? "" : ": ", row.reason.c_str());
    }
  }

  model::Table table_;
  std::map<const model::Row*, std::size_t> decided_;
  std::size_t by_choice_ = 0;
};

TEST_F(Grid, TableNamesEveryRowOf3_10_7) {
  for (const std::string& problem : table_.problems) ADD_FAILURE() << problem;
  EXPECT_GT(table_.rows.size(), 80U);
}

TEST_F(Grid, EverySegmentIsTreatedAsTheTableSays) {
  std::size_t cells = 0;
  std::size_t wrong = 0;
  const auto all_of = [&](lastack_state state, bool active) {
    for (const std::uint32_t window : {0U, 1U, kBuffer}) {
      for (std::uint16_t flags = 0; flags < 64; ++flags) {
        for (std::size_t seq = 0; seq < 7; ++seq) {
          for (std::size_t ack = 0; ack < 5; ++ack) {
            for (const std::uint32_t length : kLengths) {
              ++cells;
              const std::string difference = run({state, window, flags, seq, ack, length, active});
              if (!difference.empty() && ++wrong <= 20) ADD_FAILURE() << difference;
            }
          }
        }
      }
    }
  };
  for (const lastack_state state : kStates) all_of(state, false);
  EXPECT_EQ(cells, 221'760U);
  all_of(LASTACK_SYN_RECEIVED, true);
  report(cells);
  EXPECT_EQ(wrong, 0U);
  for (const model::Row& row : table_.rows) EXPECT_TRUE(decided_.contains(&row)) << row.id << " decided no segment";
}

}  // namespace
}  // namespace lastack
