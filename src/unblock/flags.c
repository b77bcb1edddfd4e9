/* SPDX-License-Identifier: MIT */
/*
 * flags.c - O_NONBLOCK for the length of one system call.
 *
 * It is a flag of the open file description, which other threads may use meanwhile, such as the listener of a server in several threads.
 * Where that may be so, a lock is held: one thread of this process changes it at a time, and threads that read the flags wait until it is
 * restored.  Another process that shares the open file description may see it.
 */
#include "unblock/unblock.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void bide__unblock_lock_flags(void)
{
    NEXT(pthread_mutex_lock)(&lock);
}

void bide__unblock_unlock_flags(void)
{
    NEXT(pthread_mutex_unlock)(&lock);
}

__attribute__((constructor)) static void begin(void)
{
    pthread_atfork(bide__unblock_lock_flags, bide__unblock_unlock_flags, bide__unblock_unlock_flags);
}

int bide__unblock_flags(int fd)
{
    bide__unblock_lock_flags();
    int flags = NEXT(fcntl)(fd, F_GETFL);
    bide__unblock_unlock_flags();
    return flags;
}

bool bide__unblock_stop_blocking(int fd, int *flags)
{
    *flags = NEXT(fcntl)(fd, F_GETFL);
    return *flags >= 0 && !(*flags & O_NONBLOCK) && NEXT(fcntl)(fd, F_SETFL, *flags | O_NONBLOCK) == 0;
}

void bide__unblock_block_again(int fd, int flags)
{
    int saved = errno;

    NEXT(fcntl)(fd, F_SETFL, flags);
    errno = saved;
}
