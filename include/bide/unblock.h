/* SPDX-License-Identifier: MIT */
/*
 * unblock.h - libbide-unblock: blocking calls of other libraries wait as a task does.  Functions of that library, not of libbide.
 *
 * Link it (pkg-config --libs bide bide-unblock), or preload it (LD_PRELOAD): then the calls of unmodified client libraries that block
 * suspend only the task that makes them, and bide_timeout, bide_scope_cancel and bide_task_cancel end them.  Outside of a task nothing
 * changes.  None of the functions here has to be called.
 *
 * A call that is ended so fails with ECANCELED, and so does each later one that would wait, until the block is left or bide_uncancel
 * was called; cleanup that must talk to a server stands in a bide_scope that shields.  The cancellation itself is still delivered, to the
 * task's own next wait.
 *
 * Stacks: 64 KiB, the default, are enough for libcurl, OpenSSL, hiredis, libpq and libmariadb; for code that nobody has measured take
 * .stack_size = 256 * 1024.  An overflow is caught, and names the task.
 *
 * What waits: connect, accept, the families of recv and send, read, readv and, on sockets, write and writev; poll, select, epoll_wait and
 * their kin; sleep and its kin; wait and its kin, system, popen and pclose; getaddrinfo, getnameinfo, gethostbyname and its kin; flock,
 * lockf, fcntl(F_SETLKW); mutexes, read-write locks, condition variables, semaphores, pthread_once and pthread_join.  What does not: stdio
 * on pipes and sockets (but for popen), regular files, system calls by number, a libc that is linked statically.
 */
#ifndef BIDE_UNBLOCK_H
#define BIDE_UNBLOCK_H

#include <bide/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What may be asked for. */
#define BIDE_UNBLOCK_PIPES 1u /* write() to pipes and terminals waits, too: not while a logger holds a lock meanwhile */
#define BIDE_UNBLOCK_TSD 2u   /* pthread_getspecific: each task has its own values, and OpenSSL its own queue of errors */

/*
 * Ask for more than the default.  The environment may do so, too: BIDE_UNBLOCK=pipes,tsd.  Before the first task runs.
 *
 * Threads:   any, while no other thread runs tasks
 * Returns:   0
 * Errors:    -EINVAL for an unknown option; BIDE_EVERSION: it was built with another version of bide, and does nothing
 * Example:   BIDE_TRY(bide_unblock_set(BIDE_UNBLOCK_TSD));
 */
BIDE_API BIDE_MUST_USE int bide_unblock_set(unsigned what);

/*
 * Do the calls of libraries come here?  Not if the library was loaded after libc was bound (dlopen).
 *
 * Threads:   any; no loop is needed
 * Returns:   0
 * Errors:    BIDE_ESTATE: libc comes first; BIDE_EVERSION: it was built with another version of bide
 * Example:   BIDE_TRY(bide_unblock_check());
 */
BIDE_API BIDE_MUST_USE int bide_unblock_check(void);

#ifdef __cplusplus
}
#endif
#endif
