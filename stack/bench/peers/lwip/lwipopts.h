/* How lwIP is built for the benchmark: no operating system, one interface without a link layer, buffers as in
 * contender.h. What differs between the builds comes from the command line: BENCH_CHECKSUMS, BENCH_FEATURES,
 * BENCH_PCBS.
 */
#ifndef LASTACK_BENCH_LWIPOPTS_H
#define LASTACK_BENCH_LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_TIMERS 0 /* the benchmark calls tcp_tmr() itself */
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_UDP 0
#define LWIP_RAW 0
#if BENCH_PCBS > 16 /* the build that also measures memory */
#define LWIP_STATS 1
#define MEM_STATS 1
#define LINK_STATS 0
#define IP_STATS 0
#define IPFRAG_STATS 0
#define ICMP_STATS 0
#define TCP_STATS 0
#define MEMP_STATS 0
#define SYS_STATS 0
#else
#define LWIP_STATS 0
#endif
#define IP_FRAG 0
#define IP_REASSEMBLY 0

#define CHECKSUM_GEN_IP BENCH_CHECKSUMS
#define CHECKSUM_GEN_TCP BENCH_CHECKSUMS
#define CHECKSUM_CHECK_IP BENCH_CHECKSUMS
#define CHECKSUM_CHECK_TCP BENCH_CHECKSUMS

/* The replay needs the same ISS after each reset; lwIP's own is a counter that nothing sets back. */
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) 6510

#define MEM_ALIGNMENT 8
#define PBUF_POOL_BUFSIZE 1600
#define MEMP_NUM_TCP_PCB BENCH_PCBS

#define TCP_MSS 1460
#define TCP_LISTEN_BACKLOG 0
#ifdef BENCH_PATH /* path.c: room for the larger window of stack/bench/path.h */
#define TCP_WND (256 * 1024)
#define TCP_RCV_SCALE 3
#define TCP_SND_QUEUELEN 1000
#define TCP_SNDLOWAT 50000 /* its default does not fit 16 bits here */
#define MEM_SIZE (16 * 1024 * 1024)
#define PBUF_POOL_SIZE 8192
#define MEMP_NUM_PBUF 2048
#define MEMP_NUM_TCP_SEG 2048
#else
#define TCP_WND (44 * TCP_MSS)
#define TCP_RCV_SCALE 1
#define TCP_SND_QUEUELEN 200
#define MEM_SIZE (4 * 1024 * 1024)
#define PBUF_POOL_SIZE 512
#define MEMP_NUM_PBUF 256
#define MEMP_NUM_TCP_SEG (256 + 2 * BENCH_PCBS)
#endif
#define TCP_SND_BUF TCP_WND
#if BENCH_FEATURES
#define LWIP_WND_SCALE 1
#define LWIP_TCP_TIMESTAMPS 1
#define LWIP_TCP_SACK_OUT 1
#else
#define LWIP_WND_SCALE 0
#define LWIP_TCP_TIMESTAMPS 0
#define LWIP_TCP_SACK_OUT 0
#endif

#endif
