/* SPDX-License-Identifier: MIT */
/*
 * dns_ares.c - queries to name servers, on the loop.
 *
 * c-ares makes and closes its own sockets and wants to be called when one is ready and when its time is over.  They are
 * kept in an epoll descriptor of their own, level-triggered, and that one descriptor is watched by the loop: however
 * c-ares handles its sockets, no edge can be missed and no struct fd outlives its socket.
 *
 * BIDE_DNS_SERVERS (a list such as 127.0.0.1:5353,[::1]:53) takes the place of the servers in /etc/resolv.conf,
 * for a resolver that was given none.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "io/net/dns.h"

#define EVENTS_MAX 16

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int library_status;

static void init_library(void)
{
    library_status = ares_library_init(ARES_LIB_INIT_ALL);
}

/* ---- system calls: c-ares' own, and a note of what it does not report ---- */

/* The code of an answer that c-ares will drop because it is an error; it only says later that no server was good. */
static void note_answer(struct dns_channel *c, const unsigned char *answer, ssize_t len)
{
    c->last_rcode = len >= 4 ? answer[3] & 15 : 0;
}

static ares_socket_t make_socket(int family, int type, int protocol, void *arg)
{
    struct dns_channel *c = arg;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

    c->last_rcode = 0;
    c->at_message = false;
    c->lacks_descriptor = fd < 0 && (errno == EMFILE || errno == ENFILE);
    return fd;
}

static int close_socket(ares_socket_t fd, void *arg)
{
    (void)arg;
    return close(fd);
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t len, void *arg)
{
    (void)arg;
    return connect(fd, to, len);
}

/* TCP comes without an address: two bytes of length, then the answer, of which the first piece is enough. */
static bool begins_answer(struct dns_channel *c, const struct sockaddr *from, size_t cap, ares_ssize_t n)
{
    bool begins = from || (c->at_message && cap > 2);

    if (!from && n > 0)
        c->at_message = cap == 2 && n == 2;
    return begins;
}

static ares_ssize_t receive(ares_socket_t fd, void *out, size_t cap, int flags, struct sockaddr *from,
                            ares_socklen_t *from_len, void *arg)
{
    ares_ssize_t n = recvfrom(fd, out, cap, flags, from, from_len);

    if (begins_answer(arg, from, cap, n) && (n >= 0 || (errno != EAGAIN && errno != EINTR)))
        note_answer(arg, out, n);
    return n;
}

static ares_ssize_t send_pieces(ares_socket_t fd, const struct iovec *iov, int n, void *arg)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};

    (void)arg;
    return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static const struct ares_socket_functions system_calls = {.asocket = make_socket,
                                                          .aclose = close_socket,
                                                          .aconnect = connect_socket,
                                                          .arecvfrom = receive,
                                                          .asendv = send_pieces};

int bide__dns_channel_status(const struct dns_channel *c, int status)
{
    if (status != ARES_ECONNREFUSED)
        return status;
    if (c->lacks_descriptor)
        return DNS_NO_DESCRIPTOR;
    switch (c->last_rcode) { /* RFC 1035 4.1.1 */
    case 2:
        return ARES_ESERVFAIL;
    case 4:
        return ARES_ENOTIMP;
    case 5:
        return ARES_EREFUSED;
    default:
        return status;
    }
}

/* ---- sockets and time ---- */

/* A socket that cannot be watched answers nobody: its question runs into c-ares' own time-out. */
static void watch_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns_channel *c = arg;
    if (bide__loop_is_inherited(c->loop))
        return; /* the epoll descriptor is the parent's, too */
    struct epoll_event ev = {.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u), .data.fd = fd};

    if (!readable && !writable)
        epoll_ctl(c->sockets.fd, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(c->sockets.fd, EPOLL_CTL_MOD, fd, &ev) < 0)
        epoll_ctl(c->sockets.fd, EPOLL_CTL_ADD, fd, &ev);
}

static void arm_timer(struct dns_channel *c)
{
    struct timeval tv;

    bide__timer_disarm(c->loop, &c->timer);
    if (ares_timeout(c->ares, NULL, &tv))
        bide__timer_arm(c->loop, &c->timer, (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1);
}

static void time_over(struct timer *t)
{
    struct dns_channel *c = container_of(t, struct dns_channel, timer);

    ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timer(c);
}

static void sockets_ready(struct ready *r)
{
    struct dns_channel *c = container_of(r, struct dns_channel, ready);
    struct epoll_event events[EVENTS_MAX];
    int n;

    while ((n = epoll_wait(c->sockets.fd, events, EVENTS_MAX, 0)) > 0) {
        for (int i = 0; i < n; i++) {
            bool broken = events[i].events & (EPOLLERR | EPOLLHUP);
            ares_process_fd(c->ares, broken || (events[i].events & EPOLLIN) ? events[i].data.fd : ARES_SOCKET_BAD,
                            broken || (events[i].events & EPOLLOUT) ? events[i].data.fd : ARES_SOCKET_BAD);
        }
    }
    c->sockets.readable = false;
    bide__list_append(&c->sockets.readers, &c->clause.node);
    arm_timer(c);
}

/* ---- the channel ---- */

static int ares_fail(int status, const char *what)
{
    return bide_fail(status == ARES_ENOMEM ? BIDE_ENOMEM : BIDE_EDNS, "%s: %s", what, ares_strerror(status));
}

static int open_ares(struct dns_channel *c, const struct dns_config *config)
{
    struct ares_options options = {.flags = ARES_FLAG_USEVC,
                                   .timeout = config->timeout_ms,
                                   .tries = config->tries,
                                   .lookups = (char[]){"b"}, /* the hosts file is ours */
                                   .sock_state_cb = watch_socket,
                                   .sock_state_cb_data = c};
    const char *servers = config->servers[0] ? config->servers : getenv("BIDE_DNS_SERVERS");
    int which = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;

    pthread_once(&once, init_library);
    if (library_status != ARES_SUCCESS)
        return ares_fail(library_status, "the resolver");
    int status = ares_init_options(&c->ares, &options, which | (config->tcp_only ? ARES_OPT_FLAGS : 0));
    if (status != ARES_SUCCESS)
        return ares_fail(status, "the resolver");
    ares_set_socket_functions(c->ares, &system_calls, c);
    if (servers && *servers && (status = ares_set_servers_ports_csv(c->ares, servers)) != ARES_SUCCESS) {
        ares_destroy(c->ares);
        return ares_fail(status, config->servers[0] ? "dns.servers" : "BIDE_DNS_SERVERS");
    }
    return 0;
}

static int open_sockets(struct dns_channel *c)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return bide_fail(-errno, "the resolver: %s", bide_strerror(-errno));

    int code = bide__fd_open(&c->sockets, fd);
    if (code == 0)
        bide__fd_is_own(&c->sockets); /* while there is a question, the timer is armed */
    else
        close(fd);
    return code;
}

int bide__dns_channel_open(struct dns_channel *c, bide_loop *loop, const struct dns_config *config)
{
    *c = (struct dns_channel){.loop = loop, .ready.run = sockets_ready};
    bide__timer_init(&c->timer, time_over);
    bide__clause_init(&c->clause, &c->ready);
    int code = bide__ring_reserve(&loop->ring, 1);
    if (code < 0)
        return bide__fail_nomem("the resolver");

    code = open_sockets(c);
    if (code < 0)
        goto no_sockets;
    code = open_ares(c, config);
    if (code < 0)
        goto no_ares;
    bide__list_append(&c->sockets.readers, &c->clause.node);
    return 0;

no_ares:
    bide__fd_close(&c->sockets);
no_sockets:
    bide__ring_unreserve(&loop->ring, 1);
    return code;
}

void bide__dns_channel_close(struct dns_channel *c)
{
    ares_destroy(c->ares);
    bide__timer_disarm(c->loop, &c->timer);
    bide__list_remove(&c->clause.node);
    bide__unpush(c->loop, &c->ready);
    bide__fd_close(&c->sockets);
    bide__ring_unreserve(&c->loop->ring, 1);
}

void bide__dns_channel_ask(struct dns_channel *c, const char *name, int family, ares_addrinfo_callback fn, void *arg)
{
    /* No sorting: c-ares would make a socket for each address to learn what connecting shows anyway. */
    struct ares_addrinfo_hints hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};

    ares_getaddrinfo(c->ares, name, NULL, &hints, fn, arg);
    arm_timer(c);
}

/* "7.2.0.192.in-addr.arpa", or 32 hexadecimal digits and "ip6.arpa": what stands last comes first. */
static void reverse_name(const struct addr *a, char out[80])
{
    const unsigned char *bytes = a->sa.sa_family == AF_INET ? (const unsigned char *)&a->in.sin_addr : a->in6.sin6_addr.s6_addr;

    if (a->sa.sa_family == AF_INET) {
        snprintf(out, 80, "%u.%u.%u.%u.in-addr.arpa", bytes[3], bytes[2], bytes[1], bytes[0]);
        return;
    }
    for (int i = 15; i >= 0; i--, out += 4)
        snprintf(out, 5, "%x.%x.", bytes[i] & 15, bytes[i] >> 4);
    strcpy(out, "ip6.arpa");
}

/* (ares_gethostbyaddr makes "no such name" of every failure.) */
void bide__dns_channel_ask_name(struct dns_channel *c, const struct addr *a, ares_callback fn, void *arg)
{
    char name[80];

    reverse_name(a, name);
    ares_query(c->ares, name, 1 /* IN */, 12 /* PTR */, fn, arg);
    arm_timer(c);
}

void bide__dns_channel_cancel(struct dns_channel *c)
{
    ares_cancel(c->ares);
    arm_timer(c);
}
