/* SPDX-License-Identifier: MIT */
/*
 * link.h - how Redis is spoken with: where it is, one connection, one that comes back, and what stands in its streams.
 *
 *     put: command --> out ==write==> Redis       expected: a ring of who wants the replies, in order
 *          on_reply(owner, arg) <--read--'        broken: connect again, after ops->lost; ops->fill writes anew
 *
 * url.c reader.c greet.c conn.c link.c entry.c
 */
#ifndef BIDE_POOL_LINK_H
#define BIDE_POOL_LINK_H

#include <hiredis/hiredis.h>

#include <bide/pool.h>

#include "io/io.h"

#define REDIS_NAME_MAX    100
#define REDIS_KEY_MAX     (REDIS_NAME_MAX + 64)
#define REDIS_PAYLOAD_MAX ((size_t)256 << 20) /* one argument or result; Redis itself stops at 512 MiB */
#define REDIS_GROUP       "w"

/* ---- url.c ---- */

struct redis_address {
    char host[256], user[128], password[256], name[REDIS_NAME_MAX + 1];
    char shown[300]; /* for messages: no password */
    int port, db;
    bool tls;
    bide_tls *context; /* a share; NULL: none yet */
};

/* name overrides that of the URL; both may be NULL there. */
int bide__redis_address(struct redis_address *a, const char *url, const char *name);
/* "bide:{NAME}:kind", and "bide:{NAME}:results:CLIENT" */
void bide__redis_key(char *out, const struct redis_address *a, const char *kind);
void bide__redis_results_key(char *out, const struct redis_address *a, const char *client);

/* ---- conn.c: one connection, one task at a time ---- */

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
/* Texts up to a NULL; REDIS_TEXTS(&c, "XADD", key, "*"). */
static inline void bide__redis_texts(struct redis_command *c, const char *const *texts)
{
    for (; *texts; texts++)
        bide__redis_text(c, *texts);
}
#define REDIS_TEXTS(c, ...) bide__redis_texts((c), (const char *const[]){__VA_ARGS__, NULL})

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

/* ---- greet.c ---- */
int bide__redis_greet(struct redis_conn *c); /* the first words on it; suspends */

/* ---- link.c: a connection that comes back ---- */

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

/* ---- entry.c: what stands in the streams ---- */

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
    const redisReply *function, *meta, *argument, *details; /* strings, or NULL */
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

#endif
