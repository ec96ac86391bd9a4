/* A contender in the benchmark: one TCP stack that plays both endpoints in this process, joined by a memory queue.
 * Plain C, so that a peer written in C or Rust can be a shared object of its own, built with its own options and found
 * at run time. This file owns what each contender must do, and in how many frames; it knows nothing of any stack.
 * README.md has the reasons.
 *
 * The rules of the game, the same for all: IPv4 without a link layer, MTU 1500, MSS 1460; an acknowledgement at least
 * every second full segment, Nagle off; send and receive buffer of 44 segments; the clock stands still unless a call
 * says otherwise. Every frame lies once, whole, in the memory queue between being written by one endpoint and being
 * read by the other.
 */
#ifndef LASTACK_BENCH_CONTENDER_H
#define LASTACK_BENCH_CONTENDER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_ABI 2u
#define BENCH_MSS 1460u
#define BENCH_MTU 1500u
#define BENCH_WINDOW (44u * BENCH_MSS)
#define BENCH_PORT 80u /* where the passive endpoint listens */

typedef struct bench_config {
  uint8_t checksums; /* 1: IP and TCP checksums are generated and verified by both endpoints; 0: neither */
  uint8_t
      features; /* 1: SACK, timestamps, window scale and congestion control on, as far as the stack has them; 0: off */
  /* How many TIME-WAIT connections connections() leaves resident at any time. 0: none, each is gone before the next one
   * opens. */
  uint32_t resident;
  /* Is shown each frame as it enters the queue and may change it; NULL in measurements. */
  void (*tap)(void* context, uint8_t* frame, size_t size);
  void* tap_context;
} bench_config;

typedef struct bench_count {
  uint64_t frames; /* that entered the queue */
  uint64_t octets; /* of text that the receiving application got */
} bench_count;

typedef struct bench_contender {
  uint32_t abi;
  const char* name;
  const char* version;
  const char* configuration; /* compiler and choices, for the report */
  /* NULL when this contender cannot do `config`; *why says so. One instance of a contender at a time. */
  void* (*create)(const bench_config* config, const char** why);
  void (*destroy)(void* pair);
  /* One connection; `octets` one way; then both ends are closed or aborted. Ends early when nothing moves any more.
   * Adds to `count`. */
  void (*bulk)(void* pair, uint64_t octets, bench_count* count);
  /* `n` connections one after the other: SYN, SYN-ACK, ACK, FIN, ACK, FIN, ACK. */
  void (*connections)(void* pair, uint64_t n, bench_count* count);
  /* Opens `n` connections that stay ESTABLISHED and idle at both ends. Returns how many TCBs that made (2 n), 0 =
   * cannot. */
  uint64_t (*open_idle)(void* pair, uint32_t n);
  /* For the replay of frames: the passive endpoint alone, as a packet source sees it. reset() forgets every connection
   * and starts again as after create(); admit() makes room for n connections at a time, where a stack does not do that
   * by itself; arrive() hands it a frame; next_frame() gives what it sends, 0 for nothing. */
  void (*reset)(void* pair);
  void (*admit)(void* pair, uint32_t n);
  void (*arrive)(void* pair, const uint8_t* frame, size_t size);
  size_t (*next_frame)(void* pair, uint8_t* frame, size_t room);
  /* Octets in use for connections where the stack has memory pools of its own; NULL: all its memory comes from malloc.
   */
  uint64_t (*pool_octets)(void* pair);
  /* Lets 2 s of its clock pass at both ends, for what a stack does with connections at rest; NULL: nothing changes. */
  void (*rest)(void* pair);
} bench_contender;

/* The one symbol that a peer's shared object exports. */
const bench_contender* bench_contender_entry(void);

#ifdef __cplusplus
}
#endif
#endif
