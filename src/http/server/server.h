/* SPDX-License-Identifier: MIT */
/*
 * server.h - between the files of the HTTP/1.1 server.
 *
 * In reading order: server.c (listen, accept, stop), options.c, threads.h and threads.c (in several threads), connections.c (begin and end of
 * each), conn.c (request after request), parked.c (a connection that is silent), request.c (asking about a request), gone.c, body.c, respond.c (answering), status.c.
 *
 * One task serves one connection and runs the handler too, so an open connection costs a page of stack, a stream and
 * this struct; one that was silent for a while has no task.  What is needed only between two suspensions (the receive
 * buffer, room for many header fields) is shared by all connections and lives in the server.
 */
#ifndef BIDE_HTTP_SERVER_H
#define BIDE_HTTP_SERVER_H

#include <bide/server.h>

#include "http/h1/h1_chunked.h"
#include "http/h1/h1_parse.h"
#include "http/server/threads.h"
#include "io/io.h"

#define SERVER_SCRATCH 16384  /* bytes of one receive call */
#define FEW_FIELDS 16         /* header fields that need no allocation */
#define COPIES_MAX 262144     /* bytes of decoded parameters in one request */
#define ANSWER_HEAD_MAX 65536 /* bytes of the head of an answer */

enum answer_state {
    UNANSWERED,
    BEGUN,   /* by bide_respond_begin */
    BROKEN,  /* sending stopped in the middle of a piece: whatever followed would be taken for its rest */
    ANSWERED
};

/*
 * A request and its answer, in its connection:
 *
 *     bide_server -- listener <--- acceptor, a task; waits in has_room while there are too many connections
 *          |
 *          '- connections: connection (idle for the longest time), connection ...      a task and a stream each
 *                            |
 *                            |- in   | GET /a HTTP/1.1 .. Host: b .. |  its body, the next request  |  free  |
 *                            |          ^      ^              ^      start                          end
 *                            |- exchange: path, few[].name and .value, each with a NUL written behind it
 *                            |            state: UNANSWERED -> BEGUN -> ANSWERED, or BROKEN
 *                            '- out  | HTTP/1.1 200 OK .. Date: .. |      the head of the answer, while it is made
 *                          connection with parked, in place of task, exchange, in and out
 */
struct bide_exchange {
    struct connection *connection;
    struct h1_head head;
    struct field few[FEW_FIELDS];
    const char *path, *query;
    struct request_copy *copies; /* decoded parameters; the path, if a query follows it */
    size_t copied;           /* bytes of these */
    struct field *fields; /* of the heap, when a few are too few */

    /* the body */
    uint64_t body_left;      /* of H1_BODY_LENGTH: still to be taken */
    struct h1_chunked chunked;
    struct buf rest;         /* what followed the head, once more had to be read behind it */
    struct buf body;         /* collected by bide_exchange_body */
    size_t body_held;        /* of server.bodies_held */
    int64_t body_deadline_ns; /* loop clock; 0: nobody has waited for it yet */
    int body_error;          /* why it could not be read */
    bool body_over;
    bool expects_continue;   /* the client waits for a word before it sends the body */

    /* the answer */
    struct buf own_fields;   /* set by bide_respond_header */
    enum answer_state state;
    int status;              /* 0: none yet */
    uint64_t answer_left;    /* of a body begun with a known length */
    bool has_length, is_head, no_body, keep_alive;

    struct gone *gone;       /* watches for the end of the client; NULL: nobody has asked */
    void *user;              /* the handler's */
    void (*user_free)(void *user); /* NULL: nothing to be done */
};

/* What a connection without a task waits for. */
struct parked {
    struct clause clause; /* its stream: something came, or it was closed */
    struct ready ready;
    struct timer timer;   /* the rest of idle_timeout_ms */
};

struct connection {
    struct list_node node; /* server.connections */
    bide_server *server;
    bide_stream *stream;
    bide_task *task;       /* owned; detached by itself at its end.  NULL: is_parked */
    struct buf in;         /* received and not consumed; a running request's head lies before its start */
    struct buf out;        /* the head of an answer */
    uint64_t sent_before;  /* bytes, when the running or last request began */
    uint64_t counted_in, counted_out; /* bytes that are in the server's counts */
    bool idle;             /* no byte of the next request has come, and it was not cancelled yet */
    bool giving_way;       /* it was cancelled so that its descriptor becomes free */
    bool is_silent;        /* idle for a while: its task ends, and the connection is parked */
    bool is_parked;        /* idle, and without a task */
    int64_t silence_left_ms; /* of is_silent: for so long it may go on to be that */
    union {
        bide_exchange exchange;
        struct parked parked;
    };
};

struct bide_server {
    struct object object;
    bide_server_args args; /* with the defaults filled in; its strings are not ours */
    bide_loop *loop; /* a share */
    bide_listener *listener;
    bide_task *acceptor;   /* owned */
    struct list_node connections; /* who began to be idle longest ago first */
    struct list_node has_room; /* the acceptor, while there are too many connections */
    struct list_node emptied;  /* who waits for the last connection to end */
    struct server_counts *counts, own_counts;
    struct server_shared *shared, own_shared;
    struct server_group *group; /* of several threads; NULL: there is one */
    int open;                  /* connections */
    int giving_way;            /* of them */
    bool is_tls, stopping, accepting;
    bool orphaned;             /* released where nobody could wait for all: the last connection frees it */
    int64_t date_second;       /* which second date_line is of */
    char date_line[40];        /* "Date: ...\r\n" */
    char url[96];
    char scratch[SERVER_SCRATCH];
    struct field fields[H1_FIELDS_MAX];
};

/* ---- options.c ---- */

/* 0, or an error on record. */
int bide__server_check_args(const bide_server_args *a);
void bide__server_fill_defaults(bide_server_args *a);

/* ---- connections.c ---- */

/* One of max_connections places, which all threads share.  false: none is left. */
bool bide__server_take_place(void *server);
void bide__server_give_place(void *server);
/*
 * Serve a connection that is there, in a task of its own.  0 or an error on record.  Owns: stream and the place that was taken for
 * it, on success.
 */
int bide__connection_start(bide_server *s, bide_stream *stream);
/* A task that goes on with a parked connection.  0 or an error on record. */
int bide__connection_resume(struct connection *c);
/* It ends: by its task, or one that is parked by anybody. */
void bide__connection_free(struct connection *c);
/* No descriptor is left for the next connection: the one that was idle for the longest time gives way.  false: none is idle. */
bool bide__server_end_idle(void *server);
/* Is the task that runs here one of its handlers?  Nobody waits for that: it goes on, and frees the server if need be. */
bool bide__server_runs_caller(const bide_server *s);
/* Cancel all (but that), and wait for their tasks if the caller can. */
void bide__server_end_connections(bide_server *s);
/* Can the caller wait until a task of this loop has ended? */
bool bide__server_can_wait(const bide_server *s);
void bide__server_free(bide_server *s);
void bide__server_free_if_orphaned(bide_server *s);
/* What it has moved, and was not counted yet. */
static inline void bide__connection_count_bytes(struct connection *c)
{
    bide__count(&c->server->counts->bytes_in, c->stream->bytes_in - c->counted_in);
    bide__count(&c->server->counts->bytes_out, c->stream->bytes_out - c->counted_out);
    c->counted_in = c->stream->bytes_in;
    c->counted_out = c->stream->bytes_out;
}

/* ---- conn.c ---- */

/* The body of a connection's task: until the connection has come to its end, or is_silent. */
int bide__connection_run(struct connection *c);

/* The limits of a wait for the client: of silence, and this deadline. */
struct flow bide__connection_flow(const struct connection *c, int64_t deadline_ns);
/* So far from now, by the loop's clock. */
int64_t bide__server_deadline_ns(const bide_server *s, int64_t ms);

/* ---- parked.c ---- */

/* By its task, which ends: from now on the connection, which is_silent, waits without one.  false: there is no memory. */
bool bide__connection_park(struct connection *c);
/* It waits no longer: what comes next is the caller's business. */
void bide__connection_unpark(struct connection *c);

/* ---- request.c ---- */

/* Take over a parsed and framed head; the strings get their NULs.  0 or an error on record. */
int bide__server_exchange_begin(bide_exchange *x, const struct h1_head *head);
/* Forget it, and leave in connection.in what came behind it. */
void bide__server_exchange_end(bide_exchange *x);

/* ---- gone.c ---- */

/* Watch for the end of the client; then cancel the handler, too.  0, or an error on record. */
int bide__gone_watch(bide_exchange *x, bool cancels);
void bide__gone_end(bide_exchange *x);

/* ---- body.c ---- */

void bide__server_body_begin(bide_exchange *x);
void bide__server_body_end(bide_exchange *x);
/* Is the rest of the body so short that reading it is cheaper than a new connection?  Suspends. */
bool bide__server_body_skip(bide_exchange *x);

/* ---- respond.c ---- */

/* "Not Found"; "" for one we do not know. */
const char *bide__status_reason(int status);
/* Answer a request that never became one; the connection is to be closed. */
int bide__respond_refusal(struct connection *c, int status, const char *text);

#endif
