/* SPDX-License-Identifier: MIT */
/*
 * next.h - the next definitions of the names that we interpose: libc's, or those of a sanitizer, which interposes libc as well.
 */
#ifndef BIDE_UNBLOCK_NEXT_H
#define BIDE_UNBLOCK_NEXT_H

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/util/uninstrumented.h"

/* libc's variants for _FORTIFY_SOURCE, which no header declares. */
ssize_t __read_chk(int fd, void *out, size_t n, size_t cap);
ssize_t __recv_chk(int fd, void *out, size_t n, size_t cap, int flags);
ssize_t __recvfrom_chk(int fd, void *out, size_t n, size_t cap, int flags, struct sockaddr *from, socklen_t *len);
int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t cap);
int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *signals, size_t cap);

/* Each interposed name, with the signature that the headers above declare. */
#define NEXT_NAMES(X)                                                                                                       \
    X(connect) X(accept) X(accept4)                                                                                         \
    X(recv) X(recvfrom) X(recvmsg) X(__recv_chk) X(__recvfrom_chk) X(send) X(sendto) X(sendmsg) X(recvmmsg) X(sendmmsg)                             \
    X(read) X(readv) X(__read_chk) X(write) X(writev) X(preadv2) X(pwritev2)                                                                       \
    X(poll) X(ppoll) X(__poll_chk) X(__ppoll_chk) X(select) X(pselect) X(epoll_wait) X(epoll_pwait) X(epoll_pwait2) \
    X(sleep) X(usleep) X(nanosleep) X(clock_nanosleep) X(sched_yield)                                                                \
    X(flock) X(lockf) X(fcntl)                                                                                          \
    X(wait) X(waitpid) X(wait3) X(wait4) X(waitid) X(system) X(popen) X(pclose) X(fileno)                                   \
    X(getaddrinfo) X(getnameinfo) X(gethostbyname) X(gethostbyname2) X(gethostbyaddr)                                       \
    X(gethostbyname_r) X(gethostbyname2_r) X(gethostbyaddr_r)                                                               \
    X(pthread_mutex_lock) X(pthread_mutex_timedlock) X(pthread_mutex_clocklock) X(pthread_mutex_trylock)                    \
    X(pthread_mutex_unlock)                                                                                                 \
    X(pthread_rwlock_rdlock) X(pthread_rwlock_wrlock) X(pthread_rwlock_timedrdlock) X(pthread_rwlock_timedwrlock)           \
    X(pthread_rwlock_clockrdlock) X(pthread_rwlock_clockwrlock) X(pthread_rwlock_tryrdlock) X(pthread_rwlock_trywrlock)     \
    X(pthread_rwlock_unlock)                                                                                                \
    X(pthread_cond_wait) X(pthread_cond_timedwait) X(pthread_cond_clockwait) X(pthread_cond_signal)                         \
    X(pthread_cond_broadcast)                                                                                               \
    X(sem_wait) X(sem_timedwait) X(sem_clockwait) X(sem_trywait) X(sem_post)                                                \
    X(pthread_once) X(pthread_join) X(pthread_timedjoin_np)                                                                 \
    X(pthread_key_create) X(pthread_key_delete) X(pthread_getspecific) X(pthread_setspecific)

struct next {
#define MEMBER(name) __typeof__(name) *name;
    NEXT_NAMES(MEMBER)
#undef MEMBER
};

extern struct next bide__next;
extern bool bide__next_is_found;
void bide__next_find(void);
/* Is the first definition of this name in the symbol search order ours, or a sanitizer's, which calls ours? */
bool bide__next_is_reached(const char *name);
/* clocked.c: ThreadSanitizer does not know those with a clock. */
void bide__next_use_wall_clock(void);
/* Does ThreadSanitizer come before this library? */
bool bide__next_tsan_is_first(void);
/* The program has libbide.a, and this library another bide: of no task of the program is anything known here. */
bool bide__next_bide_is_apart(void);

/* Another name that libc has for a function, and that some library may call it by. */
#define ALSO_AS(other, name, ...) extern __typeof__(name) other __attribute__((alias(#name), ##__VA_ARGS__)) /* attributes of its header */

/* Call the next definition of this name. */
#define NEXT(name) (*next_found()->name)
__attribute__((always_inline)) static inline const struct next *next_found(void)
{
    if (__builtin_expect(!bide__next_is_found, 0))
        bide__next_find();
    return &bide__next;
}

#endif
