/* lwIP's view of the compiler and of the machine: only randomness needs an answer, and it must be the same in every
 * run. */
#ifndef LASTACK_BENCH_LWIP_CC_H
#define LASTACK_BENCH_LWIP_CC_H

#include <stdint.h>
uint32_t bench_lwip_random(void);
#define LWIP_RAND() bench_lwip_random()

#endif
