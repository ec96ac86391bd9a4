/* A contender on a path: both endpoints of one connection, and everything that they send handed out, so that a
 * simulated path can delay and lose it in virtual time. The first endpoint has more to send than will ever leave; the
 * second reads at once. Plain C, for the same reason as contender.h: a peer is a shared object of its own. This file
 * owns what each contender must do; the path itself is goodput.cpp's.
 *
 * The rules, the same for all: IPv4 without a link layer, MTU 1500, MSS 1460, SACK, timestamps, window scale and
 * congestion control on as far as the stack has them, delayed acknowledgments as the stack does them by itself, Nagle
 * off, buffers of `window` octets at both ends.
 */
#ifndef LASTACK_BENCH_PATH_H
#define LASTACK_BENCH_PATH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_PATH_ABI 1u
#define BENCH_PATH_WINDOW (256u * 1024u)

typedef struct bench_path_contender {
  uint32_t abi;
  const char* name;
  const char* version;
  const char* configuration; /* for the report: congestion control and what else decides */
  /* A fresh pair at time 0; the connection is opened. One pair at a time. NULL: *why says why not. */
  void* (*create)(const char** why);
  void (*destroy)(void* pair);
  /* A frame arrives at the second endpoint (`to_receiver`) or at the first. */
  void (*arrive)(void* pair, uint64_t now_us, int to_receiver, const uint8_t* frame, size_t size);
  /* Timers that are due run; the applications write and read what they can. Harmless at any time. */
  void (*run)(void* pair, uint64_t now_us);
  /* When run() is needed next; UINT64_MAX: never. */
  uint64_t (*next)(void* pair, uint64_t now_us);
  /* The next frame that an endpoint sends, and who it is for; 0 for none. */
  size_t (*take)(void* pair, uint64_t now_us, int* to_receiver, uint8_t* frame, size_t room);
  /* Octets of text that the receiving application has got so far. */
  uint64_t (*received)(void* pair);
} bench_path_contender;

/* The one symbol that a peer's shared object exports for this. */
const bench_path_contender* bench_path_entry(void);

#ifdef __cplusplus
}
#endif
#endif
