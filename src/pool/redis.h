/* SPDX-License-Identifier: MIT */
/*
 * redis.h - the pool over Redis: what the redis_*.c files share.
 *
 *     client                        Redis                                       worker host
 *     bide_pool_submit --XADD--> bide:{NAME}:jobs  (group w) --XREADGROUP--> a pool of its own
 *     future settled  <--XREAD-- bide:{NAME}:results:CLIENT <--- done: XACK + XDEL + XADD, one script
 *     cancelled ------XDEL, XACK-------> bide:{NAME}:cancelled --------------XREAD--> stops it
 *                                bide:{NAME}:dead
 *
 * In reading order: redis_url.c (where it is), redis_reader.c (replies out of bytes), redis_conn.c (one connection,
 * over our streams), redis_link.c (a connection that comes back; pipelined), redis_entry.c (what stands in the
 * streams), redis_client.c (submit), redis_results.c (results, and finding out what was lost), redis_host.c (taking
 * jobs), redis_running.c (running one), redis_answers.c (what they returned), redis_lease.c (keeping them, taking over
 * those of the dead), redis_cancel.c (stopping them), redis_shutdown.c (the end of a host).
 *
 * Invariants:
 *   R1  A job is in the jobs stream from its XADD until the script that also writes its result: none gets lost between.
 *   R2  A result is written only by who acknowledges the job, so once; the client drops what it does not wait for.
 *   R3  What a connection had not answered when it broke is taken as not done, and done again.
 *   R4  Everything is kept on the server's clock: those of the hosts may differ.
 */
#ifndef BIDE_POOL_REDIS_H
#define BIDE_POOL_REDIS_H

#include <hiredis/hiredis.h>

#include "pool/pool.h"

#define REDIS_NAME_MAX    100
#define REDIS_KEY_MAX     (REDIS_NAME_MAX + 64)
#define REDIS_PAYLOAD_MAX ((size_t)256 << 20) /* one argument or result; Redis itself stops at 512 MiB */
#define REDIS_GROUP       "w"

/* ---- redis_url.c ---- */

struct redis_address {
    char host[256], user[128], password[256], name[REDIS_NAME_MAX + 1];
    char shown[300]; /* for messages: no password */
    int port, db;
    bool tls;
    bide_tls *context; /* a share; NULL: none yet */
};

/* name overrides that of the URL; both may be NULL there. */
int bide__redis_address(struct redis_address *a, const char *url, const char *name);
/* "bide:{NAME}:kind" */
void bide__redis_key(char *out, const struct redis_address *a, const char *kind);

/* ---- redis_conn.c: one connection, one task at a time ---- */

/* The reader of hiredis, with a bound for what a line may have it allocate. */
struct redis_reader {
    redisReader *reader; /* NULL: not open */
    redisReplyObjectFunctions its, ours;
};
int bide__redis_reader_open(struct redis_reader *r);
void bide__redis_reader_close(struct redis_reader *r);
/* Bytes that came; 0, -E2BIG or BIDE_ENOMEM. */
int bide__redis_reader_feed(struct redis_reader *r, const char *data, size_t len);
/* A whole reply, owned; NULL: *code says why, 0: not there yet. */
redisReply *bide__redis_reader_next(struct redis_reader *r, int *code);

struct redis_conn {
    bide_stream *stream;
    struct redis_reader reader;
    const struct redis_address *address;
    uint64_t taken; /* bytes of ours that the server had taken at the last look */
    char in[16 << 10];
};

#define REDIS_ARGS_MAX 384
struct redis_command {
    size_t n;
    const char *arg[REDIS_ARGS_MAX];
    size_t len[REDIS_ARGS_MAX];
};

static inline void bide__redis_arg(struct redis_command *c, const char *data, size_t len)
{
    assert(c->n < REDIS_ARGS_MAX);
    c->arg[c->n] = data;
    c->len[c->n++] = len;
}
static inline void bide__redis_text(struct redis_command *c, const char *text)
{
    bide__redis_arg(c, text, strlen(text));
}

/* Append a command, as the protocol has it. */
int bide__redis_format(struct buf *out, const struct redis_command *c);
int bide__redis_format_texts(struct buf *out, const char *const *texts);

/* Connect, log in; see that it is new enough and evicts nothing; have the queue there.  Suspends. */
struct redis_conn *bide__redis_open(struct redis_address *a);
void bide__redis_close(struct redis_conn *c);
int bide__redis_write(struct redis_conn *c, struct buf *out); /* all of it; suspends */
/* Has the server taken bytes of ours since the last look?  Then it is not silent, although it says nothing. */
bool bide__redis_has_flowed(struct redis_conn *c);
/* The next reply, owned; NULL: an error on record, BIDE_ETIMEDOUT when nothing came for quiet_ms.  Suspends. */
redisReply *bide__redis_read(struct redis_conn *c, int64_t quiet_ms);
/* One command, one reply that is no error.  Suspends. */
redisReply *bide__redis_ask(struct redis_conn *c, const char *const *texts, int64_t quiet_ms);
#define REDIS_ASK(c, ms, ...) bide__redis_ask((c), (const char *const[]){__VA_ARGS__, NULL}, (ms))
/* The code of an error reply, on record; 0 if it is none. */
int bide__redis_code(const struct redis_address *a, const redisReply *r, const char *what);
/* An error that will pass: the server is starting, or became a replica. */
bool bide__redis_is_passing(const redisReply *r);

#define REDIS_QUIET_MS 10000  /* a server that says nothing for so long is as good as gone */
#define REDIS_WAIT_MS  "2000" /* ms that a read may wait in the server */

/* ---- redis_link.c: a connection that comes back ---- */

struct redis_link;
typedef int redis_on_reply(void *owner, uint64_t arg, const redisReply *r); /* an error breaks the connection */

struct redis_link_ops {
    bool (*fill)(void *owner); /* about to write: put what there is; false: there was no memory for all */
    void (*lost)(void *owner); /* replies that were expected will not come */
};

struct redis_link {
    bide_loop *loop; /* NULL: not started */
    struct redis_address *address;
    const struct redis_link_ops *ops;
    void *owner;
    void (*on_event)(const bide_pool_event *event, void *arg);
    void *event_arg;
    struct redis_conn *conn;
    bide_task *keeper, *writer;
    struct buf out;
    struct redis_expected {
        redis_on_reply *on_reply;
        uint64_t arg;
    } *expected; /* a ring */
    uint32_t head, tail, cap;
    struct list_node idle;  /* the writer, while there is nothing to write */
    struct list_node quiet; /* who waits until all is answered */
    int64_t quiet_ms;       /* a server that sends nothing and takes nothing for so long counts as gone */
    bool open, writing, was_lost;
};

int bide__redis_link_start(struct redis_link *l);
void bide__redis_link_stop(struct redis_link *l); /* suspends */
/* Add a command; false: not connected, or no memory.  on_reply may be NULL. */
bool bide__redis_put(struct redis_link *l, const struct redis_command *c, redis_on_reply *on_reply, uint64_t arg);
bool bide__redis_put_texts(struct redis_link *l, const char *const *texts, redis_on_reply *on_reply, uint64_t arg);
#define REDIS_PUT(l, on_reply, arg, ...) \
    bide__redis_put_texts((l), (const char *const[]){__VA_ARGS__, NULL}, (on_reply), (arg))
void bide__redis_kick(struct redis_link *l); /* there is something to write */
/* Until everything was written and answered, or ms are over.  Suspends. */
void bide__redis_settle(struct redis_link *l, int64_t ms);
/* Attempts to connect, for the owner's other connections. */
struct redis_retry {
    unsigned attempt; /* since the last one that went well */
    bool reported;    /* a refusal, since then */
};
/*
 * A connection failed, with the error on record: pause.  A refusal (a user without the right to read, say) is reported
 * first, once; a connection that merely broke is not, for then the link's broke as well and reports it.
 */
int bide__redis_retry_later(struct redis_link *l, struct redis_retry *r);

/* ---- redis_entry.c: what stands in the streams ---- */

struct redis_id {
    uint64_t ms, seq;
};
#define REDIS_ID_MAX 48
bool bide__redis_id_read(struct redis_id *id, const redisReply *r);
void bide__redis_id_write(char *out, struct redis_id id);

/* Fields of an entry: one letter each. */
struct redis_entry {
    struct redis_id id;
    uint64_t deliveries; /* 0: not said */
    const redisReply *function, *meta, *argument, *story; /* strings, or NULL */
};
/* False: not an entry (or one that was deleted).  True with NULL fields: somebody else's. */
bool bide__redis_entry_read(struct redis_entry *e, const redisReply *r);
/* The entries in the reply of XREAD or XREADGROUP for one stream; NULL: none. */
const redisReply *bide__redis_entries(const redisReply *r);

/* "CLIENT JOB SHAPE OUT TIMEOUT FLAGS" */
#define REDIS_CLIENT_LEN 32 /* hexadecimal */
struct redis_call {
    char client[REDIS_CLIENT_LEN + 1];
    uint64_t job, out_len;
    unsigned shape;
    int64_t timeout_ms;
    bool has_out, idempotent, wants_progress;
};
void bide__redis_call_write(char *out, size_t cap, const struct redis_call *c);
bool bide__redis_call_read(struct redis_call *c, const redisReply *r);

/* "JOB KIND CODE NS ATTEMPT PID SIGNAL EXIT"; progress: "JOB p DONE TOTAL" */
struct redis_answer {
    uint64_t job;
    char kind; /* r: result, p: progress */
    int code;
    int64_t run_ns;
    int attempt, pid, signal, exit_code;
    uint64_t done, total;
};
void bide__redis_answer_write(char *out, size_t cap, const struct redis_answer *a);
bool bide__redis_answer_read(struct redis_answer *a, const redisReply *r);
#define REDIS_META_MAX 160

/* ---- redis_client.c, redis_results.c: the side that submits ---- */

/* The pool's own. */
struct redis_client {
    bide_pool *pool;
    struct redis_address address;
    struct redis_link link;
    char id[33], jobs_key[REDIS_KEY_MAX], results_key[REDIS_KEY_MAX], cancelled_key[REDIS_KEY_MAX];
    struct list_node unsent; /* jobs */
    bide_task *results;
    struct redis_id next; /* result to read */
    int64_t check_ns;     /* how often it looks for lost jobs, and at those of what age */
    void (*checked_fn)(void); /* the last one that was found to be registered, and its name */
    const char *checked_name;
    bool leaving;
};
static inline struct redis_client *bide__redis_client(const bide_pool *p)
{
    return p->own;
}

/* Our stream of results, also when it was forgotten: hosts write only where there is one. */
int bide__redis_results_stream(struct redis_client *c, struct redis_conn *conn);
int bide__redis_results_main(struct redis_client *c);

/* ---- redis_adding.c ---- */
void bide__redis_unsent(struct redis_client *c, struct job *j); /* to be added, once more if it was before */
void bide__redis_take_back(struct redis_client *c, struct redis_id id);
extern const struct redis_link_ops bide__redis_client_ops;

/* ---- redis_host.c, redis_running.c, redis_answers.c, redis_lease.c, redis_cancel.c, redis_shutdown.c: the side that runs ---- */

struct held {
    struct list_node node; /* in running, finished, sent, or left */
    struct redis_host *host;
    struct redis_id id;
    struct redis_call call;
    struct redis_answer answer;
    struct job *job; /* a share; NULL: it could not be started */
    char *story;     /* text NUL trace NUL */
    size_t story_len;
    int64_t began_ns;
    uint64_t round; /* of the last renewal that asked for it; 0: none */
    bool dead;      /* keep it among the dead */
    bool taken;     /* it is not ours any more: no answer */
    bool unwanted;  /* it had not begun when the host began to stop: give it back */
};

struct redis_host {
    bide_loop *loop;
    bide_pool *pool; /* the local one */
    struct redis_address address;
    struct redis_link link;
    bide_pool_serve_args args;
    char id[160], jobs_key[REDIS_KEY_MAX], dead_key[REDIS_KEY_MAX], cancelled_key[REDIS_KEY_MAX], lease[24];
    struct redis_id last_cancelled; /* the last entry of cancelled_key that was read */
    struct list_node running, finished, sent, left;
    unsigned nheld;
    uint64_t round;           /* of renewals, from 1 */
    int64_t renewed_ns;
    struct list_node room;    /* the fetcher, while all slots are taken */
    struct list_node changed; /* who waits for the end */
    bide_task *fetcher, *leaser, *listener;
    int code; /* the local pool has failed */
    bool leaving;
};

/* The call that an entry asks for, if that is how the function was registered; else an error on record. */
int bide__redis_job(bide_job *job, const bide_pool_named *named, const struct redis_call *call, const redisReply *argument);
/* Begin a job.  Suspends: while the local pool has no room for its argument. */
void bide__redis_take(struct redis_host *h, const struct redis_entry *e);
void bide__redis_held_fail(struct held *x, int code, const char *text); /* whatever it was: it goes to finished */
bool bide__redis_fill_answers(struct redis_host *h);
void bide__redis_answers_lost(struct redis_host *h);
void bide__redis_held_free(struct held *x);
/* Do something on a connection of its own, again and again, and connect again when that breaks.  Suspends. */
int bide__redis_host_keep(struct redis_host *h, int step(struct redis_host *h, struct redis_conn *conn));
int bide__redis_lease_step(struct redis_host *h, struct redis_conn *conn);
int bide__redis_cancel_step(struct redis_host *h, struct redis_conn *conn);
/* One that runs is not ours any more: stop it, without an answer. */
void bide__redis_take_away(struct held *x);
void bide__redis_shutdown(struct redis_host *h); /* suspends */

#endif
