/* SPDX-License-Identifier: MIT */
/* epoll.h - registering a descriptor with the loop's poller; for fd.c and watched.c. */
#ifndef BIDE_IO_EPOLL_H
#define BIDE_IO_EPOLL_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/loop.h>

int bide__epoll_add(void *poller, int fd, void *ptr); /* 0 or a negated errno */
bool bide__epoll_remove(void *poller, int fd); /* false: it was not there any more */

/* watched.c: one event of these (BIDE_READABLE ...), then none until it is armed again.  0 or a negated errno. */
int bide__epoll_arm(void *poller, int fd, unsigned events, uint32_t generation, bool is_new);
void bide__descriptor_replaced(bide_loop *loop, int fd); /* the number is that of a file of ours now */
/*
 * For interpose.c: one wait of the running task for a descriptor (bide_fd_awaitable), among several.  Afterwards the descriptor stays
 * registered, idle (watched.c, N4).  0; or a code, on record, and it does not wait.  What came for it, 0: nothing; a code.
 */
struct op_waiter;
int bide__descriptor_enlist(bide_loop *loop, const bide_operation *op, struct op_waiter *w);
int bide__descriptor_withdraw(const bide_operation *op, struct op_waiter *w);
/* It came; or there is no such thing any more. */
/* watched.c, in debug mode, before the loop sleeps: who waits for one that was closed would do so for good, and is woken. */
void bide__descriptors_check(bide_loop *loop);
void bide__descriptor_event(bide_loop *loop, int fd, uint32_t generation, unsigned events);

#endif
