// One lwIP stack in virtual time: its interface, its timers, its connections. lwip.cpp puts lastack_sut.h around it.
//
// Everything that lwIP does happens inside a Session: the stack's image of the library's variables is loaded for as
// long as it is the running one. The functions that lwIP calls and we replace (sys_now, tcp_next_iss, mem_malloc,
// mem_free, tcp_timer_needed, tcpip_try_callback) reach the running stack through Stack::running(). Nothing here knows
// the harness.
#pragma once

#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "conformance/sut/lastack_sut.h"
#include "conformance/sut/lwip_memory.h"

namespace lastack::lwip {

inline constexpr std::uint64_t kNever = UINT64_MAX;
inline constexpr std::uint64_t kTcpTimerUs = std::uint64_t{TCP_TMR_INTERVAL} * 1000;
inline constexpr std::uint64_t kSlowTimerUs = std::uint64_t{TCP_SLOW_INTERVAL} * 1000;

// Sequence numbers are modulo 2^32.
inline std::uint32_t sequence_number(std::uint64_t number) { return static_cast<std::uint32_t>(number & UINT32_MAX); }
inline std::uint32_t number_before(std::uint32_t number) { return sequence_number(std::uint64_t{number} + UINT32_MAX); }

class Stack;

struct Choices {
  bool delayed_ack = true;
  bool nagle = true;
  bool keepalive = false;
  std::uint32_t keepalive_ms = 0;  // 0: lwIP's own
  std::uint8_t hop_limit = 255;    // lwIP's TCP_TTL
  std::uint8_t traffic_class = 0;
  std::uint32_t snd_buf = 0;  // octets, when the connection is made; 0: lwIP's own
};

// A connection or listener as the user sees it. It outlives lwIP's control block, so that the user can still ask how it
// ended.
struct Connection {
  Stack* stack = nullptr;
  tcp_pcb* pcb = nullptr;  // null: lwIP has freed it. A listener's is a tcp_pcb_listen
  std::int32_t number = -1;
  bool is_listener = false;
  bool shut = false;    // the user said SHUTDOWN or CLOSE
  bool closed = false;  // the user said CLOSE
  bool eof = false;
  Choices choices;
  std::uint32_t events = 0;
  const char* reason = "";  // how it ended, in RFC 9293's words; empty when it closed normally or is open
  ip_addr_t remote_ip = {};
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  std::uint32_t iss = 0;
  std::uint32_t irs = 0;  // once the peer's SYN has arrived
  std::deque<pbuf*> unread;
  std::size_t first_offset = 0;                   // octets of unread.front() that the user has taken
  std::deque<std::shared_ptr<Connection>> ready;  // of a listener: established, not yet accepted
  lastack_sut_info last = {};                     // as it was when lwIP freed the control block

  std::size_t unread_octets() const;
};

class Stack {
 public:
  Stack(const LibraryMemory* memory, const lastack_sut_cfg& cfg, const Choices& choices);
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  static Stack* running();

  // False when the library does not call our replacements, or is not the one whose headers we have: then nothing here
  // can work.
  bool start();

  void receive(const std::uint8_t* packet, std::size_t len);
  long transmit(std::uint8_t* packet, std::size_t cap);
  void run_timers();
  std::uint64_t next_timer() const;
  int user_call(const lastack_sut_call& call, lastack_sut_ret* ret);
  int info(std::int32_t number, lastack_sut_info* out);

  // Makes this stack the running one, at time `now_us`. Every entry from outside begins with it.
  void enter(std::uint64_t now_us);

  // Called from lwIP, through the replaced functions and the callbacks.
  std::uint64_t now_us() const { return now_us_; }
  Heap& heap() { return heap_; }
  std::uint32_t choose_iss(tcp_pcb* pcb);
  void freed(void* memory);
  void timer_needed();
  bool defer(void (*function)(void*), void* argument);
  void queue_packet(const pbuf* packet);
  std::shared_ptr<Connection> connection_of(tcp_pcb* pcb);
  void expose(const std::shared_ptr<Connection>& connection);

 private:
  void catch_up();
  void run_tcp_timer();
  std::uint64_t next_tcp_deadline() const;
  void run_deferred();
  void acknowledge_now();
  static void apply_choices(Connection* connection);
  void note_fragments(const std::uint8_t* packet, std::size_t len);
  void fill_info(const Connection& connection, lastack_sut_info* out) const;
  std::uint64_t idle_deadline(const tcp_pcb& pcb) const;
  std::uint64_t after_slow_ticks(std::int64_t ticks) const;
  void fill_timers(const tcp_pcb& pcb, lastack_sut_info* out) const;

  int dispatch(const lastack_sut_call& call, lastack_sut_ret* ret);
  Connection* find_number(std::int32_t number) const;
  int listen(const lastack_sut_call& call, lastack_sut_ret* ret);
  int connect(const lastack_sut_call& call, lastack_sut_ret* ret);
  int accept(Connection* listener, lastack_sut_ret* ret);
  int send(Connection* connection, const lastack_sut_call& call, lastack_sut_ret* ret);
  int receive_data(Connection* connection, const lastack_sut_call& call, lastack_sut_ret* ret);
  int shutdown(Connection* connection, lastack_sut_ret* ret);
  int close(Connection* connection, lastack_sut_ret* ret);
  int close_listener(Connection* listener);
  int abort(Connection* connection, lastack_sut_ret* ret);
  int find(const lastack_sut_call& call, lastack_sut_ret* ret);
  int set(const lastack_sut_call& call, lastack_sut_ret* ret);
  int take_events(Connection* connection, lastack_sut_ret* ret);

  const LibraryMemory* memory_;
  std::vector<std::byte> image_;  // lwIP's variables while this stack is not the running one
  Heap heap_;
  Choices choices_;
  lastack_sut_cfg cfg_;
  netif netif_ = {};
  std::uint64_t now_us_ = 0;
  std::uint64_t next_tcp_us_ = kNever;
  std::uint64_t tcp_timer_calls_ = 0;  // every odd one runs the slow timer
  std::uint64_t next_reassembly_us_ = kNever;
  unsigned reassembly_seconds_ = 0;
  std::uint32_t own_iss_ = 6510;  // as lwIP starts
  std::deque<std::uint32_t> isses_;
  std::deque<std::vector<std::uint8_t>> out_;
  std::deque<std::pair<void (*)(void*), void*>> deferred_;
  std::unordered_map<void*, std::shared_ptr<Connection>> by_pcb_;
  std::vector<std::shared_ptr<Connection>> by_number_;
};

bool to_lwip(const lastack_sut_addr& from, ip_addr_t* to);
lastack_sut_addr from_lwip(const ip_addr_t& ip, std::uint16_t port);

}  // namespace lastack::lwip
