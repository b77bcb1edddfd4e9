/* SPDX-License-Identifier: MIT */
/*
 * transport.h - the room's header: who answers in place of a connection.
 *
 *     bide_answer ---canned.c---> struct canned: the head as text, pieces of a body
 *                                     |
 *     request ---> mock.c: which one? +---> mock_exchange.c: it comes as an answer of a server would
 *
 * What goes out is written as HTTP/1 writes it and read again, and so is the head that comes: what the checks, limits and rules of
 * framing say of a real one holds of these.
 */
#ifndef BIDE_HTTP_TRANSPORT_H
#define BIDE_HTTP_TRANSPORT_H

#include <bide/transport.h>

#include "http/connect/deadline.h"
#include "http/exchange/h1.h"
#include "http/exchange/ops.h"

/* ---- canned.c: an answer that is made up ---- */

struct canned_piece {
    const char *data;
    size_t len;
    int64_t after_ms;
    int error;
};

struct canned {
    const char *head; /* up to the empty line */
    size_t head_len;
    struct canned_piece *pieces; /* of the body, in order; an empty one waits, or is an error */
    size_t npieces;
    bool is_whole; /* one piece that comes with the head, or none */
    int64_t delay_ms;
    int error; /* 0: there is an answer */
};

/* Checked and copied.  function: for messages.  NULL: -EINVAL or BIDE_ENOMEM on record. */
struct canned *bide__canned_new(struct arena *arena, const bide_answer *answer, const char *function);

/* ---- mock_exchange.c: an exchange without a connection ---- */

struct mock_exchange;

/* Says what the answer is.  May suspend.  Sets x->answer, or returns an error on record. */
typedef int mock_choose_fn(struct mock_exchange *x, void *arg);

/* A request as it would have been sent; in the arena that it is kept in. */
struct bide_mock_request {
    const char *method, *url;
    struct fields fields;
    bide_bytes body;
    uint64_t body_len; /* of all of it */
    struct mock_exchange *asking; /* while the program's function is asked */
};

/* Lies in the arena of the request whose exchange it is. */
struct mock_exchange {
    struct exchange exchange;
    struct h1_context *context; /* limits of heads */
    mock_choose_fn *choose;
    void *choose_arg;
    size_t max_body; /* bytes of the request's body that are kept */

    bide_mock_request request;
    const struct canned *answer; /* NULL: nobody has answered yet */
    unsigned frames_as;
    size_t at;            /* the piece that is the next */
    size_t used;          /* bytes of it that were read */
    bool has_length;
    uint64_t left, bytes; /* of a body with a length; so far */
};

/* Ready to be asked.  The caller sets the rest of the exchange, as of any.  NULL: BIDE_ENOMEM on record. */
struct mock_exchange *bide__mock_exchange_new(struct arena *arena, struct h1_context *context, mock_choose_fn *choose, void *arg);

/* ---- transport.c: the object ---- */

/* An exchange on a connection, as the client knows it; its texts last as long as the arena. */
struct wrapped {
    struct arena *arena;
    const char *method, *url;
    const bide_loop *loop;
    int64_t start_ns;
    struct connect_times connect;
    const struct conn_info *info; /* NULL: there was none */
};

struct transport_ops {
    const char *name;
    /* An exchange for this request; NULL: an error on record. */
    struct exchange *(*begin)(bide_transport *t, struct arena *arena, struct h1_context *context);
    /* In place of begin, one that uses the network: an exchange around another, which is taken, also on failure; and what is to be
       known when there was no connection. */
    struct exchange *(*wrap)(bide_transport *t, struct exchange *inner, const struct wrapped *what);
    void (*failed)(bide_transport *t, const struct wrapped *what, int code);
    const bide_mock_request *(*request_at)(const bide_transport *t, size_t i); /* NULL: none is kept */
    /* 0, or an error on record, as bide_transport_check. */
    int (*check)(const bide_transport *t);
    void (*close)(bide_transport *t); /* give back what it holds, but for itself */
};

struct bide_transport {
    struct object object;
    const struct transport_ops *ops;
    uint64_t asked;
};

/* A new one of `size` bytes, which begins with struct bide_transport.  NULL: BIDE_ENOMEM on record. */
void *bide__transport_new(size_t size, const struct transport_ops *ops);

#endif
