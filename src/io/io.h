/* SPDX-License-Identifier: MIT */
/*
 * io.h - the room's header: descriptors on the loop, connections as chains of filters, names, files, signals.
 *
 * In reading order: epoll.c, fd.c, watch.c, flow.c, stream.c, listen.c, addr.c, dns.c, connect.c, tls.c, file_op.c, file.c,
 * signal.c.
 */
#ifndef BIDE_IO_H
#define BIDE_IO_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <bide/file.h>
#include <bide/signal.h>
#include <bide/stream.h>
#include <bide/tls.h>

#include "core/core.h"

/* An argument that has to be there is not: true, and -EINVAL on record. */
static inline bool bide__is_null(const void *argument, const char *function, const char *what)
{
    if (likely(argument != NULL))
        return false;
    bide_fail(-EINVAL, "%s: %s is NULL", function, what);
    return true;
}

/* ---- fd.c: a descriptor that the loop watches ---- */

/*
 * Registered once, edge-triggered, for both directions; what the kernel said is remembered here.  So a read is tried
 * only when `readable` says that it will succeed, and waiting costs no system call of its own.
 */
struct fd {
    int fd;
    bool readable; /* since the last read that found less than it asked for */
    bool writable; /* until a write says otherwise */
    bool hangup;   /* the peer will send no more, or it is broken: reading says which */
    uint32_t spent; /* bytes and calls, since it last waited */
    uint32_t share; /* it may spend so many even when the turn's bytes are used up */
    struct list_node readers, writers;
    bide_loop *loop;
};

/*
 * The I/O budget of one turn of the loop.  Without one, a peer that is always ready would keep its task running and
 * every other task waiting; and so would many peers, each of which moves a little.
 *
 * Between two questions to the kernel all tasks together move FD_TURN_BYTES, in any order.  After that each descriptor
 * still has its FD_SHARE (a request and a short answer are never held up), and a task that wants more waits in line
 * (bide_loop.io_waiters); of these FD_TURN_BYTES / FD_GRANT go on in the next turn, with FD_GRANT bytes each.  A call
 * that moves few bytes is not free either, so each counts for FD_CALL_COST more; a task yields after FD_IO_BUDGET even
 * if the others have left some of the turn.
 */
#define FD_TURN_BYTES (1024 * 1024)
#define FD_SHARE (32 * 1024)
#define FD_GRANT (512 * 1024)
#define FD_CALL_MIN (16 * 1024)  /* bytes of one call when the turn's bytes are used up */
#define FD_CALL_MAX (1024 * 1024) /* of one while they are not */
#define FD_CALL_ALONE (4 * 1024 * 1024) /* when no other task wants to run: the fewer calls, the cheaper */
#define FD_IO_BUDGET (1024 * 1024)
#define FD_CALL_COST (FD_IO_BUDGET / 64)

/* Watch a non-blocking descriptor on the running loop; taken on success.  Errors: BIDE_ENOLOOP, -ENOMEM, -ENOSPC. */
int bide__fd_open(struct fd *f, int fd);
/* Close it; who waits for it gets BIDE_ECLOSED.  The struct must stay until they have run. */
void bide__fd_close(struct fd *f);
/* Watch it no longer; the descriptor is the caller's again. */
int bide__fd_detach(struct fd *f);
static inline bool bide__fd_is_open(const struct fd *f)
{
    return f->fd >= 0;
}

/* Suspend until it may be tried.  0, BIDE_ECANCELED, BIDE_ETIMEDOUT, BIDE_ECLOSED. */
int bide__fd_wait_readable(struct fd *f);
int bide__fd_wait_writable(struct fd *f);

/* A call on it moved n bytes without waiting. */
static inline void bide__fd_spend(struct fd *f, size_t n)
{
    uint32_t bytes = n < FD_IO_BUDGET ? (uint32_t)n : FD_IO_BUDGET;

    f->spent += FD_CALL_COST + bytes;
    f->loop->io_left -= bytes;
}
/* How many bytes the next call may move: at most `wanted`. */
size_t bide__fd_call_limit(const struct fd *f, size_t wanted);
static inline size_t bide__fd_call_max(const struct fd *f, size_t wanted)
{
    return likely(wanted <= FD_CALL_MIN) ? wanted : bide__fd_call_limit(f, wanted);
}
static inline bool bide__fd_is_over_budget(const struct fd *f)
{
    return unlikely(f->spent >= f->share) && (f->loop->io_left <= 0 || f->spent >= FD_IO_BUDGET);
}
/* Wait in line for the next share. */
int bide__fd_take_turn(struct fd *f);
/*
 * Before a try that may succeed at once: if the budget is spent, let the other tasks, the timers and the poller run
 * first.  Nearly always it costs a comparison.  0, BIDE_ECANCELED, BIDE_ETIMEDOUT.
 */
static inline int bide__fd_yield_if_over_budget(struct fd *f)
{
    return likely(!bide__fd_is_over_budget(f)) ? 0 : bide__fd_take_turn(f);
}
/* It has waited: its budget begins anew. */
static inline void bide__fd_has_waited(struct fd *f)
{
    f->spent = 0;
    f->share = FD_SHARE;
}
/* The kernel was asked: a new turn begins, and the first in line go on. */
void bide__fd_begin_turn(bide_loop *loop);

/* After a system call without a free descriptor (EMFILE, ENFILE): sleep a little, so that one may become free. */
int bide__wait_for_descriptor(void);

/* ---- watch.c: a function that the loop calls when a descriptor becomes readable ---- */

struct watch_fd {
    struct clause clause;
    struct ready ready;
};

int bide__watch_open(struct watch_fd *w, struct fd *f, void (*run)(struct ready *r)); /* takes a place in the queue */
void bide__watch_again(struct watch_fd *w, struct fd *f);
void bide__watch_close(struct watch_fd *w, struct fd *f);
/* Make an eventfd readable. */
void bide__ring_bell(int fd);

/* ---- flow.c: waiting for a peer for as long as bytes flow ---- */

#define FLOW_IN 1u  /* until it may be read */
#define FLOW_OUT 2u /* until it may be written; both: until the kernel reports either, whatever was known before */

enum flow_end { FLOW_GOES_ON, FLOW_SILENT, FLOW_LATE };

/* The limits of a wait, and what was seen meanwhile. */
struct flow {
    int64_t silence_ms;  /* no byte moves for so long; BIDE_FOREVER */
    int64_t deadline_ns; /* when all must be over, by the loop's clock; INT64_MAX: never */
    size_t queued;       /* bytes of ours that the peer had not taken at the last look; SIZE_MAX: nobody has looked yet;
                            0: there are none, and nobody looks */
    enum flow_end end;   /* after BIDE_ETIMEDOUT: which limit is over; neither: one from outside */
};

/*
 * bide__fd_wait_readable and bide__fd_wait_writable within limits.  0; BIDE_ETIMEDOUT, not on record, when a limit of
 * `flow` is over and nothing is ready; what interrupts the task from outside, and BIDE_ECLOSED, are on record.
 */
int bide__fd_wait_flow(struct fd *f, unsigned sides, struct flow *flow);
/* Is the deadline over?  For a peer that never makes us wait.  BIDE_ETIMEDOUT, not on record, or 0. */
static inline int bide__flow_check_deadline(const bide_loop *loop, struct flow *flow)
{
    if (likely(loop->now_ns < flow->deadline_ns))
        return 0;
    flow->end = FLOW_LATE;
    return BIDE_ETIMEDOUT;
}
/* How many bytes the kernel holds that the peer has not taken yet (SIOCOUTQ). */
size_t bide__fd_queued(const struct fd *f);

/* ---- stream.c: connections ---- */

struct filter;

/*
 * One layer of a connection.  It knows nothing of the others but that there may be one below:
 *
 *     a protocol: http, bide_read ...      after -EAGAIN it waits (bide__stream_wait) and tries again
 *         | try_recv, try_send ...
 *     top: TLS                             `wants_write` says what -EAGAIN was for
 *         | try_recv, try_send ...
 *     lowest: a socket                     knows when trying again makes sense: wait, watch ...
 */
struct filter_ops {
    /* Of every layer.  None suspends but the handshake. */
    ssize_t (*try_recv)(struct filter *f, void *out, size_t cap);          /* 0: the end */
    ssize_t (*try_send)(struct filter *f, const struct iovec *iov, int n); /* how many bytes were taken */
    bool (*may_recv)(const struct filter *f);                              /* false: try_recv would say -EAGAIN */
    int (*handshake)(struct filter *f, struct flow *flow);                 /* before the first byte; NULL: none */
    int (*shutdown)(struct filter *f);                                     /* no more will be sent */
    void (*close)(struct filter *f);                                       /* give back; best effort goodbye */

    /* Of the lowest layer alone. */
    int (*wait)(struct filter *f, unsigned sides, struct flow *flow); /* as bide__fd_wait_flow; flow NULL: no limits */
    int (*yield)(struct filter *f);                                   /* as bide__fd_yield_if_over_budget */
    void (*watch)(struct filter *f, struct clause *c);                /* trigger it when something comes, or at the end */
    bool (*is_alive)(const struct filter *f, bool probe);             /* as far as it has seen; probe: look now */
    size_t (*queued)(const struct filter *f);                         /* bytes sent that the peer has not taken */
    void (*abort)(struct filter *f);                                  /* end it; those who wait get BIDE_ECLOSED */
};

struct filter {
    const struct filter_ops *ops;
    struct filter *below;
    bide_stream *stream; /* whose layer it is */
    bool wants_write;    /* the -EAGAIN just said was for writing */
    bool was_cut;        /* the end came without the goodbye that this layer has; reading gave BIDE_EEOF */
};

struct socket_filter {
    struct filter filter;
    struct fd fd;
};

struct bide_stream {
    struct object object;
    bide_loop *loop; /* the lowest layer has a share */
    struct filter *top, *lowest;
    struct socket_filter socket; /* the lowest, unless the stream was made over another one */
    struct buf in, out;
    char *line;      /* what bide_read_until gave out, for its NUL */
    bool reading, writing; /* by bide_read and its kin, bide_write and its kin */
    bool broken;           /* a bide_write stopped in the middle of its bytes: what follows would be garbage */
    bool aborted;
    char peer[INET6_ADDRSTRLEN + 16];
    char alpn[16];
    uint64_t bytes_in, bytes_out; /* of the top filter */
};

/* A stream over a connected, non-blocking socket, which is taken.  max_buffer 0: 64 KiB. */
bide_stream *bide__stream_from_socket(int socket, const char *peer, size_t max_buffer);
/* The same over a lowest layer that is no socket, in the running loop; NULL: out of memory, and the layer is not taken. */
bide_stream *bide__stream_over(struct filter *lowest, const char *peer, size_t max_buffer);
/* Put a filter on top; owned by the stream. */
void bide__stream_push_filter(bide_stream *s, struct filter *f);

/* ---- for protocols: what they do with a stream, whatever it stands on ---- */

/*
 * One try, which never suspends: > 0 bytes; 0 at the end (recv); -EAGAIN; or an error, which a layer may have put on
 * record.
 */
static inline ssize_t bide__stream_try_recv(bide_stream *s, void *out, size_t cap)
{
    ssize_t n = s->top->ops->try_recv(s->top, out, cap);

    s->bytes_in += n > 0 ? (uint64_t)n : 0;
    return n;
}

static inline ssize_t bide__stream_try_send(bide_stream *s, const struct iovec *iov, int n)
{
    ssize_t sent = s->top->ops->try_send(s->top, iov, n);

    s->bytes_out += sent > 0 ? (uint64_t)sent : 0;
    return sent;
}

/* May a try to receive find something?  If not, waiting first spares the try. */
static inline bool bide__stream_may_recv(const bide_stream *s)
{
    return s->top->ops->may_recv(s->top);
}

/*
 * Before each try, for code that repeats them: if the budget of this turn is spent, the other tasks, the timers and the
 * poller run first.  It may suspend, so what other tasks may change must not be held over it.
 */
static inline int bide__stream_yield_if_over_budget(bide_stream *s)
{
    return s->lowest->ops->yield(s->lowest);
}

/* After -EAGAIN: until the top layer may try again what it was doing (FLOW_IN, FLOW_OUT).  As bide__fd_wait_flow. */
int bide__stream_wait(bide_stream *s, unsigned side, struct flow *flow);
/* Until sending may go on, or something new has come. */
int bide__stream_wait_either(bide_stream *s, struct flow *flow);
/* Of what was sent, the bytes that the peer has not taken yet. */
size_t bide__stream_queued(const bide_stream *s);
/* What a layer has to settle with the peer before the first byte: 0; at once if that is done, or nothing is to be settled. */
int bide__stream_handshake(bide_stream *s, struct flow *flow);
/* Reading has come to an end that a layer could have announced, and did not: what was read may have been cut off. */
bool bide__stream_was_cut(const bide_stream *s);
/* Is a connection that nobody uses still there, and silent?  With probe, the kernel is asked, too. */
bool bide__stream_is_alive(bide_stream *s, bool probe);
/* Trigger c, which is in no list, when something has come or the connection has ended. */
void bide__stream_watch(bide_stream *s, struct clause *c);
/* End it, in the middle of whatever it is doing: those tasks get BIDE_ECLOSED. */
void bide__stream_abort(bide_stream *s);

/*
 * One successful read into the caller's memory: > 0, 0 at the end, or an error on record.  flow: its limits; NULL: none.
 * A BIDE_ETIMEDOUT of theirs is not on record.
 */
ssize_t bide__stream_recv(bide_stream *s, void *out, size_t cap, struct flow *flow);
/* Send everything; tries at once.  Modifies iov.  0 or an error on record; flow as above. */
int bide__stream_send_all(bide_stream *s, struct iovec *iov, int n, struct flow *flow);
/* Drop the first `sent` bytes of *iov; returns how many pieces are left. */
int bide__iov_skip(struct iovec **iov, int n, size_t sent);

/* ---- addr.c: addresses ---- */

struct addr {
    socklen_t len; /* 0: none */
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_storage storage;
    };
};

/* A literal address ("127.0.0.1", "::1", "[::1]"): true if it is one. */
bool bide__addr_parse(struct addr *a, const char *host, int port);
/* "127.0.0.1:80", "[::1]:80", "unix:"; without the port: "127.0.0.1", "::1", "unix:". */
void bide__addr_format(const struct addr *a, char *out, size_t cap);      /* cap: INET6_ADDRSTRLEN + 16 or more */
void bide__addr_format_host(const struct addr *a, char *out, size_t cap); /* cap: INET6_ADDRSTRLEN or more */
void bide__addr_set_port(struct addr *a, int port);
/* localhost and all below it are this machine (RFC 6761 6.3); a dot at the end changes nothing. */
bool bide__addr_is_localhost(const char *name);
/* "unix:/path" as a Unix socket address; -ENAMETOOLONG.  1 if it was one, 0 if not. */
int bide__addr_unix(struct sockaddr_storage *out, socklen_t *len, const char *host);

/* ---- connect.c ---- */

/* Nanoseconds of bide__clock_ns when each step was over; 0: it was not needed. */
struct connect_times {
    int64_t dns, connect, tls;
};

struct connect_options {
    const char *host; /* name, literal address or unix:/path */
    int port;
    bide_tls *tls;           /* borrowed; NULL: plain */
    const char *server_name; /* NULL: host */
    size_t max_buffer;
    struct connect_times *times; /* may be NULL */
    bool (*spare)(void *arg);    /* no descriptor is free: close what nobody uses; false: there is nothing.  NULL */
    void *spare_arg;
};

/* bide_connect without its own timeout. */
bide_stream *bide__connect(const struct connect_options *o);

/* ---- listen.c ---- */

/* When there is no descriptor for the next connection: spare(arg) is to free one, in the next turn at the latest. */
void bide__listener_on_shortage(bide_listener *l, bool (*spare)(void *arg), void *arg);

/* ---- tls.c ---- */

/* Speak TLS on a connected stream; client: shakes hands now; server: at the first read or write. */
int bide__tls_start_client(bide_stream *s, bide_tls *tls, const char *server_name, int port);
int bide__tls_start_server(bide_stream *s, bide_tls *tls);
/*
 * The context for clients without options of their own, made when it is needed first: one for each loop and ALPN list
 * ("http/1.1"; NULL: none), so that its sessions are shared.  Borrowed from the loop; NULL: an error on record.
 */
bide_tls *bide__tls_default(const char *alpn);
int bide__tls_check(const bide_tls *tls, const char *function); /* BIDE_ESTATE on record: another thread has made it; 0 for NULL */
bool bide__tls_was_resumed(const bide_stream *s);
/*
 * Server, after a failed handshake: if it failed because the client has sent an HTTP request in plain text, answer it in
 * plain text.  Once, and nothing has been sent before; what the socket does not take at once is lost.
 */
void bide__tls_answer_plain_http(bide_stream *s, const char *answer, size_t len);

#endif
