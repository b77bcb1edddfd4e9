/* SPDX-License-Identifier: MIT */
/*
 * stream.h - connections: a chain of layers with a buffer on either side.
 *
 * In reading order: filter_socket.c (the lowest layer), stream.c, stream_read.c, stream_write.c, filter_user.c (a
 * layer of the user's), filter_ahead.c (bytes that came too early).
 */
#ifndef BIDE_IO_STREAM_H
#define BIDE_IO_STREAM_H

#include <netinet/in.h>
#include <sys/uio.h>

#include <bide/stream.h>

#include "io/poll/poll.h"

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
    ssize_t (*try_splice)(struct filter *f, int pipe, size_t cap);         /* as try_recv, into an empty pipe; NULL: cannot */
    bool (*may_recv)(const struct filter *f);                              /* false: try_recv would say -EAGAIN */
    int (*handshake)(struct filter *f, struct flow *flow);                 /* before the first byte; NULL: none */
    int (*shutdown)(struct filter *f);                                     /* no more will be sent */
    void (*close)(struct filter *f);                                       /* give back; best effort goodbye */
    void (*rest)(struct filter *f);                                        /* nothing is expected soon: give memory back that
                                                                              the next call takes again; NULL: there is none */

    /* Of the lowest layer alone. */
    int (*wait)(struct filter *f, unsigned sides, struct flow *flow); /* as bide__fd_wait_flow; flow NULL: no limits */
    int (*yield)(struct filter *f);                                   /* as bide__fd_yield_if_over_budget */
    void (*watch)(struct filter *f, struct clause *c);                /* trigger it when something comes, or at the end */
    bool (*is_alive)(const struct filter *f, bool probe);             /* as far as it has seen; probe: look now */
    size_t (*queued)(const struct filter *f);                         /* bytes sent that the peer has not taken */
    void (*abort)(struct filter *f);                                  /* end it; those who wait get BIDE_ECLOSED */
    /* As try_send, of bytes of a file; -EOPNOTSUPP: not of this one.  NULL: never. */
    ssize_t (*try_send_file)(struct filter *f, int file, off_t offset, size_t len);
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
    size_t write_low; /* bide_write empties `out` to this when it is full */
    char *line;      /* what bide_read_until gave out, for its NUL */
    bool reading, writing; /* by bide_read and its variants, bide_write and its variants */
    bool broken;           /* a bide_write stopped in the middle of its bytes: what follows would be garbage */
    bool is_shut;          /* by bide_stream_shutdown: no more is written */
    int lost;              /* why what was collected could not be sent by a reader; then it is broken, too */
    bool aborted;
    char peer[INET6_ADDRSTRLEN + 16];
    char alpn[16];
    uint64_t bytes_in, bytes_out; /* of the top filter */
};

/* Our end of a connection, as bide_stream_peer gives theirs; "" if it is not one of IP. */
void bide__stream_local(const bide_stream *s, char *out, size_t cap);
/* A stream over a connected, non-blocking socket, which is taken.  max_buffer 0: 64 KiB. */
bide_stream *bide__stream_from_socket(int socket, const char *peer, size_t max_buffer);
bide_stream *bide__stream_open_socket(int socket, const char *peer, size_t max_buffer); /* taken on success only */
/* Its descriptor; BIDE_ECLOSED, -ENOTSOCK or BIDE_ESTATE on record. */
int bide__stream_socket(const bide_stream *s, const char *function);
/* The same over a lowest layer that is no socket, in the running loop; NULL: out of memory, and the layer is not taken. */
bide_stream *bide__stream_over(struct filter *lowest, const char *peer, size_t max_buffer);
/* Put a filter on top; owned by the stream. */
void bide__stream_push_filter(bide_stream *s, struct filter *f);
/* Bytes that were received from the top layer and belong to what comes on it next: they will be received first.  0 or
   BIDE_ENOMEM on record. */
int bide__stream_push_ahead(bide_stream *s, const void *bytes, size_t len);

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

/* The kernel can take bytes of a file by itself: no layer stands between.  Then one try, as above; 0: the file has ended;
   -EOPNOTSUPP: this file cannot be sent so. */
static inline bool bide__stream_takes_files(const bide_stream *s)
{
    return s->top == s->lowest && s->lowest->ops->try_send_file;
}
ssize_t bide__stream_try_send_file(bide_stream *s, int file, off_t offset, size_t len);

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
never_indirect bool bide__stream_is_alive(bide_stream *s, bool probe);
/* Nothing is expected on it for a while: what its layers can do without then is given back. */
void bide__stream_rest(bide_stream *s);
/* Will no more come than what lies there?  The poller has seen the peer's end, or that of the connection; nothing is read for that. */
bool bide__stream_hung_up(const bide_stream *s);
/* Trigger c, which is in no list, when something has come or the connection has ended. */
void bide__stream_watch(bide_stream *s, struct clause *c);
/* End it, in the middle of whatever it is doing: those tasks get BIDE_ECLOSED. */
void bide__stream_abort(bide_stream *s);

/*
 * One successful read into the caller's memory: > 0, 0 at the end, or an error on record.  flow: its limits; NULL: none.
 * A BIDE_ETIMEDOUT of theirs is not on record.
 */
ssize_t bide__stream_recv(bide_stream *s, void *out, size_t cap, struct flow *flow);
/* The same into an empty pipe, without a copy through our memory, for a stream that may (sockets without TLS). */
ssize_t bide__stream_splice(bide_stream *s, int pipe, size_t cap, struct flow *flow);
static inline bool bide__stream_may_splice(const bide_stream *s)
{
    return s->top->ops->try_splice != NULL;
}
/* Bytes that a protocol has received and that are not its own any more: the first that bide_read and its variants will give.
   Nothing is in the stream's own buffer yet; takes the memory of `bytes`, which is empty afterwards. */
void bide__stream_unread(bide_stream *s, struct buf *bytes);
/* Send everything; tries at once.  Modifies iov.  0 or an error on record; flow as above. */
int bide__stream_send_all(bide_stream *s, struct iovec *iov, int n, struct flow *flow);
/* Drop the first `sent` bytes of *iov; returns how many pieces are left. */
int bide__iov_skip(struct iovec **iov, int n, size_t sent);

/* ---- between the files of streams ---- */

#define STREAM_READ_SIZE 16384
#define STREAM_WRITE_SIZE 16384
/* An empty buffer of a quiet connection is not kept, if it is larger. */
#define STREAM_KEPT_BUFFER 1024

extern const struct filter_ops bide__socket_filter_ops; /* of struct socket_filter */

/* One reader and one writer at a time, in the loop's thread: BIDE_ESTATE.  Between the two, the stream cannot go away. */
int bide__stream_begin(bide_stream *s, bool *busy, const char *function, const char *doing);
void bide__stream_end(bide_stream *s, bool *busy);
/* Put on record what became of the socket; op_failed: of the top filter, which may have done so already. */
/* For messages: who is at the other end.  The most that is known of a Unix socket without a name is that it is one. */
const char *bide__stream_peer_text(const bide_stream *s);
int bide__stream_fail(const bide_stream *s, int code, const char *doing);
int bide__stream_op_failed(const bide_stream *s, int code, const char *doing);
/* May it be written, after stream_begin?  0, or an error on record: it was aborted, a write failed, its writing was ended. */
int bide__stream_check_writing(const bide_stream *s);
/* A write ended after a part of its bytes: no more can be written. */
void bide__stream_break_off(bide_stream *s);
/* Send what bide_write has collected. */
int bide__stream_flush(bide_stream *s);
/* One try, which never suspends.  False: it has to wait.  If it fails, the next write says so. */
bool bide__stream_try_flush(bide_stream *s);
/* As much as can be sent at once; left to a writer that comes meanwhile.  0, or an interruption. */
int bide__stream_flush_as_reader(bide_stream *s);
void bide__stream_shrink(struct buf *b);
/* stream_read.c: nothing is there: what was collected is sent; until something may have come. */
int bide__stream_wait_for_more(bide_stream *s);
/* The same, if nothing is there; more into `in`: how many bytes, 0 at the end. */
int bide__stream_before_reading(bide_stream *s);
ssize_t bide__stream_fill(bide_stream *s);
ssize_t bide__stream_end_read(bide_stream *s, ssize_t n);
/* Take n bytes of `in` as a line with a NUL behind it. */
ssize_t bide__stream_take_line(bide_stream *s, size_t n, const char **line);

#endif
