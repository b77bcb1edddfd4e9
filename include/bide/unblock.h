/* SPDX-License-Identifier: MIT */
/*
 * unblock.h - libbide-unblock: blocking calls of other libraries suspend only their task.  A library of its own, beside libbide.
 *
 * Link it (pkg-config --libs bide bide-unblock) or preload it (LD_PRELOAD): then blocking calls of unmodified client libraries suspend only
 * the task that makes them, and bide_timeout, bide_scope_cancel and bide_task_cancel end them.  Outside of tasks nothing changes.  The
 * functions below are optional.
 *
 * A call that is ended in this way fails with ECANCELED, and so does each later one that would wait, until the block is left or
 * bide_uncancel is called; cleanup that talks to a server belongs in a bide_scope with .shield.  The cancellation is still delivered, to
 * the task's own next wait.
 *
 * Stacks: the default of 64 KiB is enough for libcurl, OpenSSL, hiredis, libpq, libmariadb and libssh2; for code whose stack use is
 * unknown set .stack_size = 256 * 1024.  An overflow is caught and reported with the task's name.
 *
 * Covered: connect, accept, recv and send with their variants, read, readv and, on sockets, write and writev; poll, select and epoll_wait
 * with their variants; sleep, usleep, nanosleep and clock_nanosleep; the wait family, system, popen and pclose; getaddrinfo, getnameinfo,
 * and the gethostbyname family; flock, lockf, fcntl(F_SETLKW); mutexes, read-write locks, condition variables, semaphores, pthread_once
 * and pthread_join.  Not covered: stdio on pipes and sockets (except popen's), regular files, syscall(), a statically linked libc.
 * docs/guide/blocking-libraries.md has the details.
 */
#ifndef BIDE_UNBLOCK_H
#define BIDE_UNBLOCK_H

#include <bide/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Options; the default is none of them. */
#define BIDE_UNBLOCK_PIPES 1u /* write() to pipes and terminals suspends the task, too: mind loggers that write under a lock */
#define BIDE_UNBLOCK_TSD 2u   /* pthread_getspecific: each task has its own values, and so its own OpenSSL error queue */

/*
 * Set the options, instead of those of the environment (BIDE_UNBLOCK=pipes,tsd).  Call it before the first task runs.
 *
 * options:   BIDE_UNBLOCK_PIPES, BIDE_UNBLOCK_TSD, both (|), or 0
 *
 * Threads:   any, while no other thread runs tasks
 * Returns:   0
 * Errors:    -EINVAL for an unknown option; BIDE_EVERSION: libbide is of another version, and no call is covered
 * Example:   BIDE_TRY(bide_unblock_set(BIDE_UNBLOCK_TSD));
 */
BIDE_API BIDE_MUST_USE int bide_unblock_set(unsigned options);

/*
 * Check that calls of libraries reach this library.  They do not if it was loaded after libc's symbols were bound (dlopen).
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    BIDE_ESTATE: libc, or ThreadSanitizer, comes first in the symbol search order; BIDE_EVERSION: libbide is of another version
 * Example:   BIDE_TRY(bide_unblock_check());
 */
BIDE_API BIDE_MUST_USE int bide_unblock_check(void);

#ifdef __cplusplus
}
#endif
#endif
