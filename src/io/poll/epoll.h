/* SPDX-License-Identifier: MIT */
/* epoll.h - registering a descriptor with the loop's poller; for fd.c. */
#ifndef BIDE_IO_EPOLL_H
#define BIDE_IO_EPOLL_H

#include <bide/loop.h>

int bide__epoll_add(void *poller, int fd, void *ptr); /* 0 or a negated errno */
void bide__epoll_remove(void *poller, int fd);

#endif
