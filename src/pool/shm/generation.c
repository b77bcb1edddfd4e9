/* SPDX-License-Identifier: MIT */
/*
 * generation.c - forks of this process, counted, so that what a process has made is known to be its parent's.
 *
 * After a fork, the child has copies of our pools, and descriptors and shared memory that are the parent's to use.  Each
 * keeps the number that was current when it was made, and compares (bide__was_forked).  Relaxed order is enough: the
 * number changes only while the child has a single thread.
 *
 * Forks that go past pthread_atfork (spawn: bide__raw_fork) count themselves.
 */
#include <pthread.h>

#include "pool/shm/shm.h"

_Atomic uint64_t bide__forks = 1;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void after_fork(void)
{
    atomic_fetch_add(&bide__forks, 1);
}

static void install(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

uint64_t bide__fork_generation(void)
{
    pthread_once(&once, install);
    return atomic_load_explicit(&bide__forks, memory_order_relaxed);
}
