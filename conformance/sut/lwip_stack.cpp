// lwIP's surroundings: the functions it calls and we replace, its interface, its timers in virtual time. See the
// header.
#include "conformance/sut/lwip_stack.h"

#include <lwip/init.h>
#include <lwip/ip.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/priv/memp_priv.h>
#include <lwip/tcpip.h>

#include <cstdlib>
#include <cstring>
#include <utility>

namespace lastack::lwip {
namespace {

constexpr std::size_t kMaxQueuedPackets =
    4096;                                    // more than lwIP can send in one go; the rest is lost, as on a full link
constexpr unsigned kReassemblySeconds = 61;  // a fragment lives for at most 60 s (IP_REASS_MAXAGE is less)
constexpr int kMaxTimerRuns = 1'000'000;     // a clock that jumps by more than 69 hours skips the rest
Stack* g_running = nullptr;

err_t output(netif* interface, pbuf* packet) {
  static_cast<Stack*>(interface->state)->queue_packet(packet);
  return ERR_OK;
}

err_t output4(netif* interface, pbuf* packet, const ip4_addr_t*) { return output(interface, packet); }
err_t output6(netif* interface, pbuf* packet, const ip6_addr_t*) { return output(interface, packet); }

err_t set_up_interface(netif* interface) {
  interface->name[0] = 'l';
  interface->name[1] = 'a';
  interface->output = output4;
  interface->output_ip6 = output6;
  return ERR_OK;
}

// The library and the headers that we were compiled with must mean the same control block.
bool same_layout() {
  return memp_pools[MEMP_TCP_PCB]->size == LWIP_MEM_ALIGN_SIZE(sizeof(tcp_pcb)) &&
         memp_pools[MEMP_TCP_PCB_LISTEN]->size == LWIP_MEM_ALIGN_SIZE(sizeof(tcp_pcb_listen)) &&
         memp_pools[MEMP_TCP_SEG]->size == LWIP_MEM_ALIGN_SIZE(sizeof(tcp_seg));
}

}  // namespace

Stack* Stack::running() { return g_running; }

Stack::Stack(const LibraryMemory* memory, const lastack_sut_cfg& cfg, const Choices& choices)
    : memory_(memory), image_(memory->pristine()), choices_(choices), cfg_(cfg) {}

Stack::~Stack() {
  if (g_running == this) g_running = nullptr;
}

void Stack::enter(std::uint64_t now) {
  if (g_running != this) {
    if (g_running != nullptr) memory_->save(&g_running->image_);
    memory_->load(image_);
    g_running = this;
  }
  if (now > now_us_) now_us_ = now;
  catch_up();
}

// Runs the ticks in which lwIP had nothing to do and which next_timer() therefore did not ask for.
void Stack::catch_up() {
  if (next_tcp_us_ > now_us_) return;
  const std::uint64_t now = now_us_;
  const std::uint64_t busy = next_timer();
  for (int n = 0; next_tcp_us_ <= now && next_tcp_us_ < busy; ++n) {
    if (n == kMaxTimerRuns) {
      next_tcp_us_ = std::min(busy, now + kTcpTimerUs);
      break;
    }
    run_tcp_timer();
  }
  now_us_ = now;
}

void Stack::run_tcp_timer() {
  now_us_ = std::exchange(next_tcp_us_, kNever);
  ++tcp_timer_calls_;
  tcp_tmr();
  timer_needed();
}

bool Stack::start() {
  enter(cfg_.now_us);
  std::srand(static_cast<unsigned>(cfg_.seed));  // lwIP asks rand() once, for its first ephemeral port
  lwip_init();
  pbuf* probe = pbuf_alloc(PBUF_RAW, 1, PBUF_RAM);
  const bool ours = heap_.used() > 0 && sys_now() == static_cast<u32_t>(now_us_ / 1000);
  pbuf_free(probe);
  if (!ours || !same_layout()) return false;

  ip4_addr_t address, mask, gateway;
  std::memcpy(&address.addr, cfg_.ip4, 4);
  IP4_ADDR(&mask, 255, 255, 255, 0);
  ip4_addr_set_zero(&gateway);
  if (netif_add(&netif_, &address, &mask, &gateway, this, set_up_interface, ip_input) == nullptr) return false;
  netif_.mtu = cfg_.mtu;
  netif_.mtu6 = cfg_.mtu;
  netif_set_default(&netif_);
  netif_set_up(&netif_);
  netif_set_link_up(&netif_);
  ip6_addr_t address6 = {};
  std::memcpy(address6.addr, cfg_.ip6, 16);
  netif_ip6_addr_set(&netif_, 0, &address6);
  netif_ip6_addr_set_state(&netif_, 0, IP6_ADDR_PREFERRED);  // no duplicate address detection: the link is ours
  out_.clear();
  return true;
}

void Stack::receive(const std::uint8_t* packet, std::size_t len) {
  if (len > UINT16_MAX) return;  // no interface delivers that
  // Not PBUF_POOL: in Debian's library (2.1.3) its pool holds smaller buffers than pbuf_alloc() thinks, and long
  // packets overrun them.
  pbuf* p = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(len), PBUF_RAM);
  if (p == nullptr) return;
  pbuf_take(p, packet, static_cast<u16_t>(len));
  note_fragments(packet, len);
  if (netif_.input(p, &netif_) != ERR_OK) pbuf_free(p);
  run_deferred();
  acknowledge_now();
}

long Stack::transmit(std::uint8_t* packet, std::size_t cap) {
  if (out_.empty()) return 0;
  const std::vector<std::uint8_t>& front = out_.front();
  if (front.size() > cap) return LASTACK_INTERNAL;
  std::memcpy(packet, front.data(), front.size());
  const long size = static_cast<long>(front.size());
  out_.pop_front();
  return size;
}

void Stack::queue_packet(const pbuf* packet) {
  if (out_.size() >= kMaxQueuedPackets) return;
  std::vector<std::uint8_t> bytes(packet->tot_len);
  pbuf_copy_partial(packet, bytes.data(), packet->tot_len, 0);
  out_.push_back(std::move(bytes));
}

// lwIP asks for its thread to call it back (for packets to its own address). Here that is the end of the current call.
bool Stack::defer(void (*function)(void*), void* argument) {
  if (deferred_.size() >= kMaxQueuedPackets) return false;
  deferred_.emplace_back(function, argument);
  return true;
}

void Stack::run_deferred() {
  for (std::size_t n = 0; n < kMaxQueuedPackets && !deferred_.empty(); ++n) {
    const auto [function, argument] = deferred_.front();
    deferred_.pop_front();
    function(argument);
  }
}

// delayed_ack=0: what lwIP would acknowledge at its next 250 ms tick, it acknowledges now.
void Stack::acknowledge_now() {
  for (tcp_pcb* pcb = tcp_active_pcbs; pcb != nullptr; pcb = pcb->next) {
    if ((pcb->flags & TF_ACK_DELAY) == 0 || connection_of(pcb)->choices.delayed_ack) continue;
    tcp_ack_now(pcb);
    tcp_output(pcb);
  }
}

// As in lwIP's own timeouts.c: the TCP timer runs from the first need for it until there is no connection left.
void Stack::timer_needed() {
  if (next_tcp_us_ == kNever && (tcp_active_pcbs != nullptr || tcp_tw_pcbs != nullptr))
    next_tcp_us_ = now_us_ + kTcpTimerUs;
}

void Stack::note_fragments(const std::uint8_t* packet, std::size_t len) {
  constexpr std::uint8_t kTcp = 6;
  const bool v4 = len >= 20 && packet[0] >> 4 == 4 && ((packet[6] & 0x3f) != 0 || packet[7] != 0);
  const bool v6 = len >= 40 && packet[0] >> 4 == 6 && packet[6] != kTcp;  // perhaps: extension headers
  if (!v4 && !v6) return;
  if (next_reassembly_us_ == kNever) next_reassembly_us_ = now_us_ + 1'000'000;
  reassembly_seconds_ = kReassemblySeconds;
}

void Stack::run_timers() {
  const std::uint64_t until = now_us_;
  for (int n = 0; std::min(next_tcp_us_, next_reassembly_us_) <= until; ++n) {
    if (n == kMaxTimerRuns) {
      next_tcp_us_ = until + kTcpTimerUs;
      break;
    }
    if (next_reassembly_us_ <= next_tcp_us_) {
      now_us_ = next_reassembly_us_;
      ip_reass_tmr();
      ip6_reass_tmr();
      next_reassembly_us_ = --reassembly_seconds_ > 0 ? next_reassembly_us_ + 1'000'000 : kNever;
    } else {
      run_tcp_timer();
    }
    run_deferred();
  }
  now_us_ = until;
}

std::uint64_t Stack::next_timer() const { return std::min(next_tcp_deadline(), next_reassembly_us_); }

// The numbers that the user asked for, else lwIP's own rule. An active OPEN sends its SYN with one less than this
// function returns.
std::uint32_t Stack::choose_iss(tcp_pcb* pcb) {
  const bool active = pcb->state == ::CLOSED;
  std::uint32_t iss = 0;
  if (isses_.empty()) {
    own_iss_ = sequence_number(std::uint64_t{own_iss_} + tcp_ticks);
    iss = active ? number_before(own_iss_) : own_iss_;
  } else {
    iss = isses_.front();
    isses_.pop_front();
  }
  std::shared_ptr<Connection> connection = connection_of(pcb);
  connection->iss = iss;
  connection->irs = number_before(pcb->rcv_nxt);  // of an active OPEN: not yet known
  connection->local_port = pcb->local_port;
  connection->remote_port = pcb->remote_port;
  ip_addr_copy(connection->remote_ip, pcb->remote_ip);
  return active ? sequence_number(std::uint64_t{iss} + 1) : iss;
}

std::shared_ptr<Connection> Stack::connection_of(tcp_pcb* pcb) {
  std::shared_ptr<Connection>& connection = by_pcb_[pcb];
  if (connection == nullptr) {
    connection = std::make_shared<Connection>();
    connection->stack = this;
    connection->pcb = pcb;
    connection->choices = choices_;
    apply_choices(connection.get());
    if (choices_.snd_buf != 0) pcb->snd_buf = choices_.snd_buf;
  }
  return connection;
}

void Stack::expose(const std::shared_ptr<Connection>& connection) {
  if (connection->number >= 0) return;
  connection->number = static_cast<std::int32_t>(by_number_.size());
  by_number_.push_back(connection);
}

void Stack::apply_choices(Connection* connection) {
  const Choices& choices = connection->choices;
  tcp_pcb* pcb = connection->pcb;
  if (choices.nagle) tcp_nagle_enable(pcb);
  if (!choices.nagle) tcp_nagle_disable(pcb);
  if (choices.keepalive) ip_set_option(pcb, SOF_KEEPALIVE);
  if (!choices.keepalive) ip_reset_option(pcb, SOF_KEEPALIVE);
  pcb->ttl = choices.hop_limit;
  pcb->tos = choices.traffic_class;
  if (choices.keepalive_ms != 0) pcb->keep_idle = pcb->keep_intvl = choices.keepalive_ms;
}

// lwIP frees a block. When it is a control block, its connection ends here, and keeps what was last known.
void Stack::freed(void* memory) {
  const auto found = by_pcb_.find(memory);
  if (found == by_pcb_.end()) return;
  Connection& connection = *found->second;
  if (!connection.is_listener) fill_info(connection, &connection.last);
  connection.events |= LASTACK_EVENT_CLOSED;
  connection.pcb = nullptr;
  by_pcb_.erase(found);
}

std::size_t Connection::unread_octets() const {
  std::size_t octets = 0;
  for (const pbuf* p : unread) octets += p->tot_len;
  return octets - first_offset;
}

bool to_lwip(const lastack_sut_addr& from, ip_addr_t* to) {
  *to = {};
  if (from.family == 4) {
    to->type = IPADDR_TYPE_V4;
    std::memcpy(&to->u_addr.ip4.addr, from.ip, 4);
  } else if (from.family == 6) {
    to->type = IPADDR_TYPE_V6;
    std::memcpy(to->u_addr.ip6.addr, from.ip, 16);
  } else {
    return false;
  }
  return true;
}

lastack_sut_addr from_lwip(const ip_addr_t& ip, std::uint16_t port) {
  lastack_sut_addr address = {};
  address.port = port;
  address.family = ip.type == IPADDR_TYPE_V6 ? 6 : 4;
  if (address.family == 6) {
    std::memcpy(address.ip, ip.u_addr.ip6.addr, 16);
  } else {
    std::memcpy(address.ip, &ip.u_addr.ip4.addr, 4);
  }
  return address;
}

}  // namespace lastack::lwip

// The replacements. The dynamic linker prefers ours to the library's own because we stand before it in the search
// order.
extern "C" {

#define LASTACK_REPLACES __attribute__((visibility("default")))
using lastack::lwip::Heap;
using lastack::lwip::Stack;

LASTACK_REPLACES u32_t sys_now(void) { return static_cast<u32_t>(Stack::running()->now_us() / 1000); }

LASTACK_REPLACES u32_t tcp_next_iss(tcp_pcb* pcb) { return Stack::running()->choose_iss(pcb); }

LASTACK_REPLACES void tcp_timer_needed(void) { Stack::running()->timer_needed(); }

LASTACK_REPLACES err_t tcpip_try_callback(tcpip_callback_fn function, void* argument) {
  return Stack::running()->defer(function, argument) ? ERR_OK : ERR_MEM;
}

LASTACK_REPLACES void* mem_malloc(mem_size_t size) { return Stack::running()->heap().allocate(size); }

LASTACK_REPLACES void* mem_calloc(mem_size_t count, mem_size_t size) {
  if (size != 0 && count > Heap::kLimit / size) return nullptr;
  void* memory = mem_malloc(count * size);
  if (memory != nullptr) std::memset(memory, 0, count * size);
  return memory;
}

LASTACK_REPLACES void mem_free(void* memory) {
  if (memory == nullptr) return;
  Stack::running()->freed(memory);
  Heap::release(memory);
}

}  // extern "C"
