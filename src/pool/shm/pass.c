/* SPDX-License-Identifier: MIT */
/* pass.c - descriptors through a socket, each batch with a few words of explanation. */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool/shm/shm.h"

#define FDS_MAX 16

int bide__fds_send(int socket, const struct fd_message *m, const int *fds, unsigned n)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control = {0};
    struct iovec iov = {(void *)(uintptr_t)m, sizeof *m};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};

    if (n > 0) {
        h.msg_control = &control;
        h.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&h);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    }
    ssize_t sent;
    while ((sent = sendmsg(socket, &h, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR)
        ;
    return sent < 0 ? -errno : 0;
}

/* Keep the first `max`, close the rest. */
static unsigned take(struct msghdr *h, int *fds, unsigned max)
{
    unsigned taken = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        unsigned n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (unsigned i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (taken < max)
                fds[taken++] = fd;
            else
                close(fd);
        }
    }
    return taken;
}

int bide__fds_receive(int socket, struct fd_message *m, int *fds, unsigned max, bool wait)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control;
    struct iovec iov = {m, sizeof *m};
    struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t got;

    /* Who died with unread messages leaves ECONNRESET, once; what it had sent before is behind that. */
    while ((got = recvmsg(socket, &h, MSG_CMSG_CLOEXEC | (wait ? 0 : MSG_DONTWAIT))) < 0 && (errno == EINTR || errno == ECONNRESET))
        ;
    if (got < 0)
        return -errno;
    if (got == 0)
        return BIDE_EEOF;
    m->n = take(&h, fds, max);
    if (got == (ssize_t)sizeof *m && !(h.msg_flags & MSG_CTRUNC))
        return 0;
    for (unsigned i = 0; i < m->n; i++)
        close(fds[i]);
    m->n = 0;
    return got == (ssize_t)sizeof *m ? -EMFILE : -EBADMSG; /* the sender is not to blame for a full table */
}

bool bide__peer_is_gone(int socket)
{
    char byte;
    ssize_t n = recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno == ECONNRESET); /* it has left messages unread */
}

bool bide__wait_readable(int fd, int64_t ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t end = bide__clock_ns() / 1000000 + ms;
    int n;

    bide__block_begin();
    do {
        int64_t left = end - bide__clock_ns() / 1000000;
        n = poll(&p, 1, left > 0 ? (int)left : 0); /* less than 0 would be forever */
    } while (n < 0 && errno == EINTR);
    bide__block_end();
    return n > 0;
}
