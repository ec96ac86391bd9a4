/* The contract between lastack and a stack under test (SUT): plain C, nothing of ours included. ABI 1.
 *
 * A stack is driven from outside: IP packets go in (rx) and come out (tx), time is told to it (every call carries
 * `now_us`), and the application's calls arrive through app(). Nothing happens between calls. The harness calls tx()
 * until it returns 0 after every rx, tick and app call, then asks next() for the time of the next timer.
 *
 * All pointers that a stack is handed are valid only during the call. Numbers are host byte order unless they are part
 * of a packet. A stack that cannot do something answers LASTACK_UNSUPPORTED with a reason; it never pretends.
 */
#ifndef LASTACK_SUT_H
#define LASTACK_SUT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LASTACK_SUT_ABI 1u

/* Capabilities. */
#define LASTACK_CAP_VIRTUAL_TIME (1ull << 0) /* time is only what now_us says */
#define LASTACK_CAP_SET_ISS (1ull << 1)      /* LASTACK_APP_SET_ISS works */
#define LASTACK_CAP_INFO (1ull << 2)         /* info() works; its `valid` bits say what is known */
#define LASTACK_CAP_IPV6 (1ull << 3)
#define LASTACK_CAP_TIMESTAMPS (1ull << 4)    /* can negotiate the option (RFC 7323) */
#define LASTACK_CAP_SACK (1ull << 5)          /* RFC 2018 */
#define LASTACK_CAP_WINDOW_SCALE (1ull << 6)  /* RFC 7323 */
#define LASTACK_CAP_DETERMINISTIC (1ull << 7) /* same calls, same seed: same bytes */
#define LASTACK_CAP_MULTI (1ull << 8)         /* several instances in one process at the same time */
#define LASTACK_CAP_URGENT (1ull << 9)        /* LASTACK_SEND_URGENT works, urgent arrival is reported */
#define LASTACK_CAP_SIMULTANEOUS_OPEN (1ull << 10)
#define LASTACK_CAP_ECN (1ull << 11)
#define LASTACK_CAP_FAST_OPEN (1ull << 12)

/* Results of create, rx, tick, app, info. */
enum {
  LASTACK_OK = 0,
  LASTACK_UNSUPPORTED = -1, /* this stack cannot do that; ret.error says what */
  LASTACK_ERROR =
      -2, /* the user call failed; ret.error is the stack's own word, worded as in RFC 9293 3.10 where it can be */
  LASTACK_INTERNAL = -3 /* the adapter is broken: the run stops */
};

typedef struct lastack_sut_addr {
  uint8_t family; /* 4 or 6 */
  uint8_t ip[16]; /* network order; IPv4 in the first four */
  uint16_t port;
} lastack_sut_addr;

typedef struct lastack_sut_cfg {
  uint32_t size; /* sizeof this struct */
  uint64_t now_us;
  uint64_t seed;  /* all randomness of the stack comes from here where the stack lets us */
  uint8_t ip4[4]; /* the stack's own addresses; the peer is in the same /24 and /64 */
  uint8_t ip6[16];
  uint16_t mtu;     /* IP packet size of its interface, octets */
  uint32_t rcv_buf; /* octets; 0 = the stack's default */
  uint32_t snd_buf;
  uint32_t msl_ms; /* 0 = the stack's default */
  /* "name=value,name=value": choices of this stack; an unknown one is an error of create. Every adapter knows the
   * wishes timestamps, sack, window_scale, delayed_ack, nagle, ecn (0 or 1); create succeeds without those that it
   * cannot honour and writes their names, separated by commas, into its `error` text. */
  const char* options;
} lastack_sut_cfg;

typedef enum lastack_app_op {
  LASTACK_APP_LISTEN = 1, /* in: local.port, backlog -> conn = listener.            RFC 9293 3.10.1 passive OPEN */
  LASTACK_APP_CONNECT =
      2, /* in: local.port (0 = any), remote, data+len to SEND at once (len 0: none) -> conn.  3.10.1; does not wait */
  LASTACK_APP_ACCEPT = 3, /* in: conn = listener -> conn, remote; LASTACK_ERROR "would block" when none is ready */
  LASTACK_APP_SEND = 4,   /* in: conn, data, len, flags -> count = octets taken (may be fewer).   3.10.2 */
  LASTACK_APP_RECV =
      5, /* in: conn, cap, buffer -> count, flags; count 0 with LASTACK_RECV_EOF = end of stream.  3.10.3 */
  LASTACK_APP_SHUTDOWN = 6, /* in: conn. "I have no more data to send"; receiving goes on. 3.10.4 CLOSE */
  LASTACK_APP_CLOSE =
      7, /* in: conn or listener. The application is gone: neither sends nor receives (3.6.1 half-duplex close).
            The handle stays usable for info() until the connection is gone and for 2MSL after. */
  LASTACK_APP_ABORT = 8,   /* in: conn. 3.10.5 */
  LASTACK_APP_SET_ISS = 9, /* in: value = the initial send sequence number of the next connection (calls queue up) */
  LASTACK_APP_FIND = 10,   /* in: local.port, remote -> conn: the connection of this tuple, not yet accepted ones
                              included;   LASTACK_ERROR "connection does not exist" */
  LASTACK_APP_SET = 11,    /* in: conn (or -1: all later ones), name, value: an option of a connection, see below */
  LASTACK_APP_EVENTS =
      12 /* in: conn -> flags = LASTACK_EVENT_* that happened since the last call, error = reason if any */
} lastack_app_op;

/* Names for LASTACK_APP_SET: "nodelay" 0/1, "keepalive" 0/1 (intervals: "keepalive_ms"), "user_timeout_ms",
 * "delayed_ack" 0/1. */

#define LASTACK_SEND_PUSH 1u
#define LASTACK_SEND_URGENT 2u
#define LASTACK_RECV_EOF 1u
#define LASTACK_RECV_PUSH 2u
#define LASTACK_RECV_URGENT 4u /* urgent data is (still) ahead in the stream */

#define LASTACK_EVENT_CONNECTED (1u << 0) /* reached ESTABLISHED */
#define LASTACK_EVENT_READABLE (1u << 1)
#define LASTACK_EVENT_EOF (1u << 2)     /* the peer closed: "connection closing" */
#define LASTACK_EVENT_RESET (1u << 3)   /* "connection reset" */
#define LASTACK_EVENT_REFUSED (1u << 4) /* "connection refused" */
#define LASTACK_EVENT_TIMEOUT (1u << 5) /* user timeout or excessive retransmission (R2) */
#define LASTACK_EVENT_CLOSED (1u << 6)  /* the connection is gone */
#define LASTACK_EVENT_URGENT (1u << 7)
#define LASTACK_EVENT_SOFT_ERROR (1u << 8) /* an ICMP error or R1 was reported; the connection goes on */

typedef struct lastack_sut_call {
  uint32_t size;
  uint64_t now_us;
  int32_t op; /* lastack_app_op; an op the stack does not know is answered LASTACK_UNSUPPORTED */
  int32_t conn;
  uint32_t flags;
  uint32_t backlog;
  uint64_t value;
  const char* name;
  lastack_sut_addr local;
  lastack_sut_addr remote;
  const uint8_t* data;
  size_t len;
  uint8_t* buffer;
  size_t cap;
} lastack_sut_call;

typedef struct lastack_sut_ret {
  uint32_t size;
  int32_t conn;
  uint32_t flags;
  size_t count;
  lastack_sut_addr remote;
  char error[160]; /* empty on LASTACK_OK */
} lastack_sut_ret;

/* RFC 9293 3.3.2. CLOSED is "no connection". */
typedef enum lastack_state {
  LASTACK_CLOSED = 0,
  LASTACK_LISTEN = 1,
  LASTACK_SYN_SENT = 2,
  LASTACK_SYN_RECEIVED = 3,
  LASTACK_ESTABLISHED = 4,
  LASTACK_FIN_WAIT_1 = 5,
  LASTACK_FIN_WAIT_2 = 6,
  LASTACK_CLOSE_WAIT = 7,
  LASTACK_CLOSING = 8,
  LASTACK_LAST_ACK = 9,
  LASTACK_TIME_WAIT = 10
} lastack_state;

/* Which members of lastack_sut_info are known. */
#define LASTACK_INFO_STATE (1ull << 0)
#define LASTACK_INFO_ISS (1ull << 1)
#define LASTACK_INFO_IRS (1ull << 2)
#define LASTACK_INFO_SND_UNA (1ull << 3)
#define LASTACK_INFO_SND_NXT (1ull << 4)
#define LASTACK_INFO_SND_WND (1ull << 5)
#define LASTACK_INFO_SND_WL (1ull << 6)
#define LASTACK_INFO_RCV_NXT (1ull << 7)
#define LASTACK_INFO_RCV_WND (1ull << 8)
#define LASTACK_INFO_URGENT (1ull << 9)
#define LASTACK_INFO_MSS (1ull << 10)
#define LASTACK_INFO_RTO (1ull << 11)
#define LASTACK_INFO_CWND (1ull << 12)
#define LASTACK_INFO_QUEUES (1ull << 13)
#define LASTACK_INFO_TIMERS (1ull << 14)
#define LASTACK_INFO_OPTIONS (1ull << 15)

/* Timers, as indices of `timer_us`. */
enum {
  LASTACK_TIMER_RETRANSMIT = 0,
  LASTACK_TIMER_PERSIST = 1,
  LASTACK_TIMER_TIME_WAIT = 2,
  LASTACK_TIMER_USER = 3,
  LASTACK_TIMER_DELAYED_ACK = 4,
  LASTACK_TIMER_KEEPALIVE = 5,
  LASTACK_TIMERS = 6
};

typedef struct lastack_sut_info {
  uint32_t size;
  uint64_t valid;
  int32_t state;
  uint32_t iss, irs;
  uint32_t snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, snd_up;
  uint32_t rcv_nxt, rcv_wnd, rcv_up;
  uint32_t mss; /* effective send MSS, octets (RFC 9293 3.7.1) */
  uint64_t rto_us, srtt_us;
  uint32_t cwnd, ssthresh;
  uint64_t unsent;                   /* octets taken by SEND, not yet sent */
  uint64_t unread;                   /* octets that RECV would return */
  uint64_t timer_us[LASTACK_TIMERS]; /* deadline, UINT64_MAX = off */
  uint8_t snd_scale, rcv_scale, sack, timestamps, ecn;
} lastack_sut_info;

typedef struct lastack_sut_ops {
  uint32_t abi;
  uint32_t size;
  const char* name;
  const char* version;
  uint64_t caps;
  /* The profile: "name=value,..." of legal choices, e.g. "initial_window=10,min_rto_ms=200,msl_ms=30000". May be NULL.
   */
  const char* profile;
  void* (*create)(const lastack_sut_cfg* cfg, char* error, size_t error_size);
  void (*destroy)(void* sut);
  /* One IP packet arrives. Any bytes are allowed. */
  int (*rx)(void* sut, uint64_t now_us, const uint8_t* packet, size_t len);
  /* The next packet the stack wants to send: its length, or 0 for none. A packet longer than cap is LASTACK_INTERNAL.
   */
  long (*tx)(void* sut, uint64_t now_us, uint8_t* packet, size_t cap);
  /* Run the timers that are due at now_us. Harmless when none is. */
  int (*tick)(void* sut, uint64_t now_us);
  /* When tick should be called next; UINT64_MAX = never, <= now = at once. */
  uint64_t (*next)(void* sut, uint64_t now_us);
  int (*app)(void* sut, const lastack_sut_call* call, lastack_sut_ret* ret);
  /* NULL without LASTACK_CAP_INFO. LASTACK_ERROR when the handle is unknown. */
  int (*info)(void* sut, uint64_t now_us, int32_t conn, lastack_sut_info* info);
} lastack_sut_ops;

/* The one exported symbol of a `so:` adapter. Returns NULL when it does not speak this ABI. */
const lastack_sut_ops* lastack_sut_entry(uint32_t abi);
typedef const lastack_sut_ops* (*lastack_sut_entry_fn)(uint32_t abi);

#ifdef __cplusplus
}
#endif
#endif
