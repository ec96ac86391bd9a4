/* lwIP as a contender on a path (stack/bench/path.h), through its raw API. As in contender.c both endpoints live in the
 * same stack, whose globals allow no other; the port tells a frame's direction. Its timers are those of tcp_tmr(),
 * every 250 ms of the path's time.
 */
#include "stack/bench/path.h"

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <string.h>

#define RING 4096u /* frames between two calls of take(); a power of two, more than both windows hold */
#define PORT 80u
#define TICK_US (TCP_TMR_INTERVAL * 1000ull)

static struct {
  struct pbuf* ring[RING];
  unsigned head, tail;
  struct tcp_pcb* sender;
  uint64_t received;
  uint64_t now_us;
  uint64_t next_tick_us;
} world;

static struct netif interface;
static char text[BENCH_PATH_WINDOW];

u32_t sys_now(void) { return (u32_t)(world.now_us / 1000u); }

void tcp_timer_needed(void) {} /* run() calls tcp_tmr() anyway */

uint32_t bench_lwip_random(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return state;
}

static err_t output(struct netif* netif, struct pbuf* p, const ip4_addr_t* to) {
  (void)netif;
  (void)to;
  if (world.tail - world.head == RING) return ERR_MEM;
  struct pbuf* frame = pbuf_alloc(PBUF_RAW, p->tot_len, PBUF_POOL);
  if (frame == NULL) return ERR_MEM;
  pbuf_copy(frame, p);
  world.ring[world.tail++ % RING] = frame;
  return ERR_OK;
}

static err_t init_interface(struct netif* netif) {
  netif->output = output;
  netif->mtu = 1500;
  netif->name[0] = 'b';
  netif->name[1] = 'p';
  return ERR_OK;
}

/* The applications. */

static err_t on_receive(void* arg, struct tcp_pcb* pcb, struct pbuf* p, err_t err) {
  (void)arg;
  (void)err;
  if (p == NULL) return ERR_OK;
  world.received += p->tot_len;
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

static err_t on_accept(void* arg, struct tcp_pcb* pcb, err_t err) {
  (void)arg;
  if (err != ERR_OK) return err;
  tcp_nagle_disable(pcb);
  tcp_recv(pcb, on_receive);
  return ERR_OK;
}

static void write_more(struct tcp_pcb* pcb) {
  /* One segment a call: lwIP does not join two writes into one segment once the first has left. */
  u16_t segment = tcp_mss(pcb) - 12;
  while (tcp_sndbuf(pcb) >= segment && tcp_write(pcb, text, segment, 0) == ERR_OK) {
  }
  tcp_output(pcb);
}

static err_t on_sent(void* arg, struct tcp_pcb* pcb, u16_t len) {
  (void)arg;
  (void)len;
  write_more(pcb);
  return ERR_OK;
}

static err_t on_connected(void* arg, struct tcp_pcb* pcb, err_t err) {
  (void)arg;
  if (err == ERR_OK) write_more(pcb);
  return err;
}

static void on_error(void* arg, err_t err) {
  (void)arg;
  (void)err;
  world.sender = NULL; /* lwIP has freed it */
}

/* The contract. */

static void forget(void) {
  while (tcp_active_pcbs != NULL) tcp_abandon(tcp_active_pcbs, 0);
  while (tcp_tw_pcbs != NULL) tcp_abandon(tcp_tw_pcbs, 0);
  while (world.head != world.tail) pbuf_free(world.ring[world.head++ % RING]);
}

static void init_once(void) {
  static int initialized = 0;
  if (initialized) return;
  ip4_addr_t address, mask, gateway;
  lwip_init();
  IP4_ADDR(&address, 192, 0, 2, 1);
  IP4_ADDR(&mask, 255, 255, 255, 0);
  IP4_ADDR(&gateway, 0, 0, 0, 0);
  netif_add(&interface, &address, &mask, &gateway, NULL, init_interface, ip4_input);
  netif_set_default(&interface);
  netif_set_up(&interface);
  netif_set_link_up(&interface);
  struct tcp_pcb* pcb = tcp_new();
  tcp_bind(pcb, IP4_ADDR_ANY, PORT);
  tcp_accept(tcp_listen(pcb), on_accept);
  initialized = 1;
}

static void* create(const char** why) {
  init_once();
  forget();
  world.received = 0;
  world.now_us = 0;
  world.next_tick_us = TICK_US;
  world.sender = tcp_new();
  if (world.sender == NULL) {
    *why = "no PCB";
    return NULL;
  }
  tcp_nagle_disable(world.sender);
  tcp_sent(world.sender, on_sent);
  tcp_err(world.sender, on_error);
  tcp_connect(world.sender, netif_ip_addr4(&interface), PORT, on_connected);
  return &world;
}

static void destroy(void* pair) {
  (void)pair;
  forget();
}

static void arrive(void* pair, uint64_t now_us, int to_receiver, const uint8_t* frame, size_t size) {
  (void)pair;
  (void)to_receiver; /* its port says so */
  world.now_us = now_us;
  struct pbuf* p = pbuf_alloc(PBUF_RAW, (u16_t)size, PBUF_POOL);
  if (p == NULL) return;
  pbuf_take(p, frame, (u16_t)size);
  ip4_input(p, &interface);
}

static void run(void* pair, uint64_t now_us) {
  (void)pair;
  world.now_us = now_us;
  while (world.next_tick_us <= now_us) {
    tcp_tmr();
    world.next_tick_us += TICK_US;
  }
}

static uint64_t next(void* pair, uint64_t now_us) {
  (void)pair;
  (void)now_us;
  return world.next_tick_us;
}

static size_t take(void* pair, uint64_t now_us, int* to_receiver, uint8_t* frame, size_t room) {
  (void)pair;
  world.now_us = now_us;
  if (world.head == world.tail) return 0;
  struct pbuf* p = world.ring[world.head++ % RING];
  size_t size = pbuf_copy_partial(p, frame, (u16_t)room, 0);
  pbuf_free(p);
  size_t header = (size_t)(frame[0] & 15u) * 4u;
  *to_receiver = (frame[header + 2] << 8 | frame[header + 3]) == (int)PORT;
  return size;
}

static uint64_t received(void* pair) {
  (void)pair;
  return world.received;
}

__attribute__((visibility("default"))) const bench_path_contender* bench_path_entry(void) {
  static const bench_path_contender self = {BENCH_PATH_ABI,
                                            "lwip",
                                            LWIP_VERSION_STRING,
                                            "NewReno without the sender's side of SACK, timers of 250 and 500 ms",
                                            create,
                                            destroy,
                                            arrive,
                                            run,
                                            next,
                                            take,
                                            received};
  return &self;
}
