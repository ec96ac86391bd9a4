/* lwIP as a contender, through its raw API. lwIP keeps everything in global variables, so both endpoints live in the
 * same stack behind one interface whose output is the memory queue; a pbuf from the pool is the frame on the wire. Only
 * this file knows lwIP.
 */
#include "stack/bench/contender.h"

#include <lwip/init.h>
#include <lwip/ip4.h>
#include <lwip/memp.h>
#include <lwip/netif.h>
#include <lwip/priv/memp_priv.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>
#include <lwip/tcp.h>
#include <string.h>

#define RING 512u /* frames; a power of two, more than both windows hold */

static struct {
  bench_config config;
  bench_count* count;
  struct pbuf* ring[RING];
  unsigned head, tail;
  struct tcp_pcb *client, *server;
  uint64_t left; /* octets that bulk() has yet to write */
  u32_t now_ms;
} world;

static struct netif interface;
static struct tcp_pcb* listener;
static char text[BENCH_MSS];
static bench_count uncounted;

u32_t sys_now(void) { return world.now_ms; }

void tcp_timer_needed(void) {} /* the clock stands still */

uint32_t bench_lwip_random(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return state;
}

/* The queue. */

static err_t output(struct netif* netif, struct pbuf* p, const ip4_addr_t* to) {
  (void)netif;
  (void)to;
  struct pbuf* frame = pbuf_alloc(PBUF_RAW, p->tot_len, PBUF_POOL);
  if (frame == NULL || world.tail - world.head == RING) return ERR_MEM;
  pbuf_copy(frame, p);
  if (world.config.tap != NULL) world.config.tap(world.config.tap_context, frame->payload, frame->tot_len);
  world.ring[world.tail++ % RING] = frame;
  world.count->frames++;
  return ERR_OK;
}

static void pump(void) {
  while (world.head != world.tail) ip4_input(world.ring[world.head++ % RING], &interface);
}

static err_t init_interface(struct netif* netif) {
  netif->output = output;
  netif->mtu = BENCH_MTU;
  netif->name[0] = 'b';
  netif->name[1] = 'q';
  return ERR_OK;
}

/* The applications. */

static err_t on_receive(void* arg, struct tcp_pcb* pcb, struct pbuf* p, err_t err) {
  (void)arg;
  (void)err;
  if (p == NULL) return ERR_OK; /* the peer's FIN: the caller closes when it is time */
  world.count->octets += p->tot_len;
  tcp_recved(pcb, p->tot_len);
  pbuf_free(p);
  return ERR_OK;
}

static err_t on_accept(void* arg, struct tcp_pcb* pcb, err_t err) {
  (void)arg;
  if (err != ERR_OK) return err;
  world.server = pcb;
  tcp_nagle_disable(pcb);
  tcp_recv(pcb, on_receive);
  return ERR_OK;
}

static void write_more(struct tcp_pcb* pcb) {
  /* lwIP does not join two writes into one segment once the first has left: write what one segment holds. */
  u16_t segment = tcp_mss(pcb) - (BENCH_FEATURES ? 12 : 0);
  while (world.left > 0) {
    u16_t size = world.left < segment ? (u16_t)world.left : segment;
    if (tcp_sndbuf(pcb) < size || tcp_write(pcb, text, size, TCP_WRITE_FLAG_COPY) != ERR_OK) break;
    world.left -= size;
  }
}

static err_t on_sent(void* arg, struct tcp_pcb* pcb, u16_t len) {
  (void)arg;
  (void)len;
  write_more(pcb); /* lwIP calls tcp_output itself after this */
  return ERR_OK;
}

static err_t on_connected(void* arg, struct tcp_pcb* pcb, err_t err) {
  (void)arg;
  (void)pcb;
  return err;
}

static int open_connection(void) {
  world.client = tcp_new();
  world.server = NULL;
  if (world.client == NULL) return 0;
  tcp_nagle_disable(world.client);
  tcp_recv(world.client, on_receive);
  tcp_connect(world.client, netif_ip_addr4(&interface), BENCH_PORT, on_connected);
  pump();
  return world.server != NULL;
}

/* Aborted connections send no RST here: the end of a measurement is not part of it. */
static void forget_connections(void) {
  while (tcp_active_pcbs != NULL) tcp_abandon(tcp_active_pcbs, 0);
  while (tcp_tw_pcbs != NULL) tcp_abandon(tcp_tw_pcbs, 0);
  while (world.head != world.tail) pbuf_free(world.ring[world.head++ % RING]);
}

/* The contract. */

static void* create(const bench_config* config, const char** why) {
  static int initialized = 0;
  if (config->checksums != BENCH_CHECKSUMS || config->features != BENCH_FEATURES) {
    *why = "another build of lwIP";
    return NULL;
  }
  /* A full pool recycles the oldest TIME-WAIT, so the pool's size is the number of residents: one slot is the next
   * connection's, and the small pool stands for "none". */
  if (config->resident + 1 != BENCH_PCBS && !(config->resident == 0 && BENCH_PCBS == 16)) {
    *why = "lwIP's TIME-WAIT table has the size it was built with";
    return NULL;
  }
  if (!initialized) {
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
    tcp_bind(pcb, IP4_ADDR_ANY, BENCH_PORT);
    listener = tcp_listen(pcb);
    tcp_accept(listener, on_accept);
    initialized = 1;
  }
  memset(text, 'x', sizeof text);
  world.config = *config;
  world.count = &uncounted;
  return &world;
}

static void destroy(void* pair) {
  (void)pair;
  forget_connections();
}

static void bulk(void* pair, uint64_t octets, bench_count* count) {
  (void)pair;
  world.count = count;
  if (!open_connection()) return;
  world.left = octets;
  tcp_sent(world.client, on_sent);
  write_more(world.client);
  tcp_output(world.client);
  pump();
  forget_connections();
  world.count = &uncounted;
}

static void connections(void* pair, uint64_t n, bench_count* count) {
  (void)pair;
  world.count = count;
  for (uint64_t i = 0; i < n; ++i) {
    if (!open_connection()) break;
    tcp_close(world.client);
    pump();
    tcp_close(world.server);
    pump();
  }
  world.count = &uncounted;
}

static uint64_t open_idle(void* pair, uint32_t n) {
  (void)pair;
  for (uint32_t i = 0; i < n; ++i) {
    if (!open_connection()) return 0;
  }
  return 2ull * n;
}

static void reset(void* pair) {
  (void)pair;
  forget_connections();
  world.server = NULL;
}

static void admit(void* pair, uint32_t n) {
  (void)pair;
  (void)n; /* a listener takes connections until the pool is empty */
}

static void arrive(void* pair, const uint8_t* frame, size_t size) {
  (void)pair;
  struct pbuf* p = pbuf_alloc(PBUF_RAW, (u16_t)size, PBUF_POOL);
  if (p == NULL) return;
  pbuf_take(p, frame, (u16_t)size);
  ip4_input(p, &interface);
  /* The application of the replay closes when its peer has closed. */
  if (world.server != NULL && world.server->state == CLOSE_WAIT) tcp_close(world.server);
}

static size_t next_frame(void* pair, uint8_t* frame, size_t room) {
  (void)pair;
  if (world.head == world.tail) return 0;
  struct pbuf* p = world.ring[world.head++ % RING];
  size_t size = pbuf_copy_partial(p, frame, (u16_t)room, 0);
  pbuf_free(p);
  return size;
}

/* lwIP's memory is in static pools, where what is in use is what is missing from the free list, and in a heap of its
 * own. */
static uint64_t pool_octets(void* pair) {
  (void)pair;
#if MEM_STATS
  uint64_t used = lwip_stats.mem.used;
#else
  uint64_t used = 0;
#endif
  for (int i = 0; i < MEMP_MAX; ++i) {
    unsigned unused = 0;
    for (struct memp* p = *memp_pools[i]->tab; p != NULL; p = p->next) ++unused;
    used += (uint64_t)(memp_pools[i]->num - unused) * memp_pools[i]->size;
  }
  return used;
}

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

__attribute__((visibility("default"))) const bench_contender* bench_contender_entry(void) {
  static const bench_contender self = {BENCH_ABI,
                                       "lwip",
                                       LWIP_VERSION_STRING,
                                       "NO_SYS, gcc " __VERSION__ " " BENCH_FLAGS
                                       ", checksums " TEXT(BENCH_CHECKSUMS) ", SACK+timestamps+window scale " TEXT(
                                           BENCH_FEATURES) ", " TEXT(BENCH_PCBS) " PCBs",
                                       create,
                                       destroy,
                                       bulk,
                                       connections,
                                       open_idle,
                                       reset,
                                       admit,
                                       arrive,
                                       next_frame,
                                       pool_octets,
                                       NULL};
  return &self;
}
