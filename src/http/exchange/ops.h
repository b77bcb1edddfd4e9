/* SPDX-License-Identifier: MIT */
/*
 * ops.h - one exchange: a request out, an answer back, whatever protocol carries it.
 *
 * Who asks has a request head, a deadline and an arena; a protocol has a connection.  Between them is this table, and
 * neither knows more of the other:
 *
 *     asking:    request_head ---send---> +-----------+
 *                answer <------head------ | exchange  | ops: HTTP/1 (h1_*.c)
 *                body <---next, read----- +-----------+
 *                deadline, progress, arena: the caller's, they outlive it
 *
 * The order of calls:
 *
 *     x = c->protocol->begin(c); set deadline, progress, arena, max_whole
 *     x->ops->send(x, &head)       0, also if an early answer has stopped it
 *     x->ops->head(x, &answer)     0; with answer.whole.data the body was there already, and x is gone
 *     x->ops->next(x, &data)       > 0, until it gives 0: then x is gone
 *
 * Any error ends the exchange, too: x is gone, and what becomes of the connection is the protocol's business.  One that is
 * there is ended by drop or steal, which cannot fail.
 */
#ifndef BIDE_HTTP_EXCHANGE_OPS_H
#define BIDE_HTTP_EXCHANGE_OPS_H

#include <bide/stream.h>
#include <bide/upload.h>

#include "http/field/fields.h"
#include "http/field/user_fields.h"
#include "http/url/url.h"

#define INTERIM_KEPT 16
#define DRAIN_MAX 65536 /* bytes of an unwanted body that are cheaper than a new connection */

struct deadline;
struct exchange;
struct tracer;
struct paces;

/*
 * The body of a request: where its bytes come from.  A member begins with it: bytes (source/bytes.c), and what reads a file or
 * calls the user.
 */
struct body_source {
    const struct body_source_ops *ops;
    uint64_t length; /* BODY_LENGTH_UNKNOWN: it shows when it is over */
    bool is_here;    /* its pieces are in memory: next never suspends, and the head waits for the first of them */
    bool has_begun;  /* next was called, since it was made or rewound */
};

#define BODY_LENGTH_UNKNOWN UINT64_MAX

/* Bytes of a file, as a piece of a body. */
struct file_part {
    int fd;
    off_t offset;
    size_t len;
};

struct body_source_ops {
    /* May suspend.  The next piece, which lasts until the next call: its length; 0: that was all; or an error on record. */
    ssize_t (*next)(struct body_source *b, const char **data);
    /* To the beginning again: 0, or an error on record.  NULL: it can be sent once only. */
    int (*rewind)(struct body_source *b);
    /* Do the next bytes lie in a file from which the kernel can send them?  May suspend, until they are in memory.  How many
       do (out->len); 0: ask next; or an error on record.  They count as given when `skip` says so.  NULL: never. */
    ssize_t (*in_file)(struct body_source *b, struct file_part *out);
    void (*skip)(struct body_source *b, size_t n);
    /* The request is over: give back what it holds.  NULL: nothing. */
    void (*close)(struct body_source *b);
};

static inline void bide__body_source_close(struct body_source *b)
{
    if (b->ops->close)
        b->ops->close(b);
}

/* May it be sent, if perhaps for a second time? */
static inline bool bide__body_source_may_be_sent(const struct body_source *b)
{
    return !b || !b->has_begun || b->ops->rewind;
}

/* A field beside those of the user: of one try, and of who adds it. */
struct added_field {
    const char *name, *value;
    struct added_field *next;
};

/* What is asked for; borrowed until the answer's head is there. */
struct request_head {
    const char *method;
    size_t method_len;
    struct url url;                        /* without user info */
    const bide_pair *headers;              /* the user's; NULL: none */
    struct user_fields user;               /* what they are */
    const struct default_fields *defaults; /* of every request */
    uint64_t drop;                         /* HEADER_BITs of fields that are not sent; bit 0: those that have no id */
    const char *content_type;              /* of json and form */
    const char *content_encoding;          /* of a body that goes out in a coding; NULL: none */
    const bide_pair *trailers;             /* behind the body; read when it was sent; NULL: none */
    int64_t expect_ms;                     /* ask first, and wait so long for 100 (Continue); 0: send it at once */
    struct added_field *added;             /* NULL: none */
    struct body_source *body;              /* NULL: none */
    bool for_server;                       /* OPTIONS of the server, not of a path: "*" */
    bool wants_identity;                   /* Accept-Encoding: identity, in place of that of the session */
    bool is_absolute;                      /* to a proxy that passes it on: the whole URL stands in the request line */
    bool may_switch;                       /* 101 is an answer: the stream is then for another protocol */
};

/* Does it go out in chunks? */
static inline bool bide__request_is_chunked(const struct request_head *head)
{
    return head->body && (head->body->length == BODY_LENGTH_UNKNOWN || head->trailers);
}

/* How a body ends, as far as it can be said for any protocol. */
enum body_kind {
    BODY_NONE,
    BODY_LENGTH,  /* after as many bytes */
    BODY_UNKNOWN, /* it shows when it is over */
    BODY_STREAM,  /* there is none: the stream is for another protocol from here on (101, 2xx to CONNECT), to be stolen */
};

/* An answer before the answer (1xx); it lies in the arena. */
struct interim {
    int status;
    struct fields fields;
    struct interim *next;
};

/* The head of an answer; it lies in the arena. */
struct answer {
    int status, minor;     /* minor: of HTTP/1 */
    const char *reason;
    struct fields fields;
    size_t head_len;       /* bytes, as it came */
    const char *oddity;    /* a line of the head that is no field, for people; NULL: none */
    enum body_kind kind;
    uint64_t length;       /* of BODY_LENGTH */
    bide_bytes whole;      /* the body, if it came with the head; data NULL: it follows */
    struct interim *interim; /* what came before it, in order; no more than INTERIM_KEPT of them */
    bool is_last;          /* nothing more will be asked on this connection */
};

/* How far an exchange has got: for messages and times, and for those who must decide whether to ask again. */
struct progress {
    size_t request_len, sent; /* bytes of the request, as far as they are known; given to the kernel */
    size_t queued;            /* of those, not taken by the server at the last look; as in struct flow */
    uint64_t received;        /* bytes of the answer */
    int64_t sent_ns, first_byte_ns;
    bide_bytes head;          /* of the request, as it was sent */
    const struct fields *trailers; /* fields behind the body, once that is over; NULL: there were none */
    bool is_answered;         /* something came with which an answer may begin */
    bool in_source;           /* it is the body's source that is waited for, or that has failed */
};

/* Who wants to know what moves: the user's callback, and what it is called with; who traces the request. */
struct watch {
    bide_progress_fn *fn; /* NULL: none */
    void *arg;
    bide_progress now;
    struct tracer *tracer; /* NULL: nobody */
};

/* Bytes of a body have moved: 0, or a negative code with an error on record. */
int bide__watch_call(struct watch *w);

struct exchange_ops {
    /* Suspends.  0: sent, or an answer has made the rest useless; or an error.  The user's fields are looked at again: other
       tasks ran since they were checked. */
    int (*send)(struct exchange *x, struct request_head *head);
    /* Suspends.  0: the head of the answer; or an error. */
    int (*head)(struct exchange *x, struct answer *out);
    /* Suspends.  The next piece of the body, which lasts until the next call: its length; 0: it is over; or an error. */
    ssize_t (*next)(struct exchange *x, const char **data);
    /* The same into the caller's memory.  Of a body with a length, a byte more than is left saves a system call. */
    ssize_t (*read)(struct exchange *x, void *out, size_t cap);
    /* The same into an empty pipe.  -EAGAIN: not yet, some bytes are here and are to be read first; -EOPNOTSUPP: not of this
       body.  NULL: of none. */
    ssize_t (*splice)(struct exchange *x, int pipe, size_t cap);
    /* Nobody wants the rest: it is taken if it is here and has at most so many bytes, so that the connection can be kept;
       else that is closed.  Never suspends. */
    void (*drop)(struct exchange *x, size_t most);
    /* After an answer with BODY_STREAM: the stream, owned, from which what came behind the head is read first.  The pool
       knows it no more. */
    bide_stream *(*steal)(struct exchange *x);
};

/* What every protocol's begins with. */
struct exchange {
    const struct exchange_ops *ops;

    /* the caller's, set after it has begun */
    struct deadline *deadline;
    struct progress *progress;
    struct arena *arena; /* for the answer, and what is sent */
    struct watch *watch; /* who wants to know of every byte; NULL: nobody */
    struct paces *paces; /* how fast bodies may move; NULL: as they can */
    size_t max_whole;    /* bytes of a body that may come with its head */
};

/* Suspends, within the time of the request.  The next piece of its body, and no more than the `left` bytes that there should
   be: its length; 0: that was all; or an error on record. */
ssize_t bide__exchange_next_piece(struct exchange *x, struct body_source *b, uint64_t left, const char **data);

#endif
