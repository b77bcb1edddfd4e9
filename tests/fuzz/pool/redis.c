/* SPDX-License-Identifier: MIT */
/*
 * redis.c - fuzz target: what stands in Redis, and where Redis is.
 *
 * Behind a 'u' stands a URL: one that is taken fits its fields, and its name may stand in a key.  Anything else is what a
 * server sends: every reply is read as entries, ids, calls and answers; what is taken must read the same when it is written
 * again; and a call that fits a registered function is made here, with buffers of exactly the promised size.
 */
#include <stdlib.h>

#include "pool/redis/redis.h"
#include "pool/worker/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

/* ---- functions that are served ---- */

struct given {
    int64_t a, b;
};
struct made {
    char bytes[40];
};

static volatile unsigned seen;

static int nothing(void)
{
    return 0;
}

static int of_text(const char *text)
{
    return (int)strlen(text);
}

static int of_bytes(bide_bytes in)
{
    for (size_t i = 0; i < in.len; i++)
        seen += (unsigned char)in.data[i];
    return 0;
}

static int of_struct(const struct given *in, struct made *out)
{
    memset(out->bytes, (int)((uint64_t)in->a + (uint64_t)in->b), sizeof out->bytes);
    return 0;
}

BIDE_POOL_TASK(nothing, void);
BIDE_POOL_TASK(of_text, const char *);
BIDE_POOL_TASK(of_bytes, bide_bytes);
BIDE_POOL_TASK(of_struct, const struct given *, struct made *);

/* ---- URLs ---- */

static bool ends(const char *text, size_t cap)
{
    return memchr(text, '\0', cap) != NULL;
}

static void read_address(const char *data, size_t size)
{
    struct redis_address a;
    char key[REDIS_KEY_MAX], *url = malloc(size + 1);

    memcpy(url, data, size);
    url[size] = '\0';
    if (bide__redis_address(&a, url, NULL) == 0) {
        must(ends(a.host, sizeof a.host) && ends(a.user, sizeof a.user) && ends(a.password, sizeof a.password));
        must(ends(a.name, sizeof a.name) && ends(a.shown, sizeof a.shown) && *a.host && *a.name);
        must(a.port >= 0 && a.port <= 65535 && a.db >= 0 && !strpbrk(a.name, "{}"));
        bide__redis_key(key, &a, "cancelled");
        must(strlen(key) < sizeof key - REDIS_CLIENT_LEN);
    }
    bide_error_clear();
    free(url);
}

/* ---- entries ---- */

static redisReply text_of(char *text)
{
    return (redisReply){.type = REDIS_REPLY_STRING, .str = text, .len = strlen(text)};
}

static void check_call(const struct redis_call *c)
{
    struct redis_call again = {0};
    char meta[REDIS_META_MAX];

    must(c->shape <= BIDE_JOB_BYTES && c->out_len <= REDIS_PAYLOAD_MAX && c->timeout_ms >= 0);
    must(strlen(c->client) == REDIS_CLIENT_LEN);
    bide__redis_call_write(meta, sizeof meta, c);
    redisReply r = text_of(meta);
    must(bide__redis_call_read(&again, &r) && again.job == c->job && again.out_len == c->out_len);
    must(again.timeout_ms == c->timeout_ms && again.has_out == c->has_out && strcmp(again.client, c->client) == 0);
}

static void check_answer(const struct redis_answer *a)
{
    struct redis_answer again;
    char meta[REDIS_META_MAX];

    bide__redis_answer_write(meta, sizeof meta, a);
    redisReply r = text_of(meta);
    must(bide__redis_answer_read(&again, &r) && again.job == a->job && again.kind == a->kind && again.code == a->code);
    must(again.run_ns == a->run_ns && again.done == a->done && again.total == a->total && again.pid == a->pid);
}

/* As a worker calls it. */
static void make_call(const bide_job *job)
{
    struct record rec = {.kind = REC_CALL, .fn = (uint64_t)(uintptr_t)job->fn, .more = job->out_len, .shape = (uint8_t)job->shape};
    char *in = malloc(job->in_len ? job->in_len : 1), *out = job->has_out ? malloc(job->out_len ? job->out_len : 1) : NULL;

    memcpy(in, job->in, job->in_len);
    must(bide__call_record(&rec, NULL, in, job->in_len, out) >= 0);
    free(in);
    free(out);
}

static void take_entry(const redisReply *r)
{
    struct redis_entry e;
    struct redis_call call;
    struct redis_answer answer;
    bide_job job;
    if (!bide__redis_entry_read(&e, r) || !e.meta)
        return;

    if (bide__redis_answer_read(&answer, e.meta))
        check_answer(&answer);
    if (!bide__redis_call_read(&call, e.meta))
        return;
    check_call(&call);
    const bide_pool_named *named = e.function ? bide__named_by_name(e.function->str, (size_t)e.function->len) : NULL;
    if (named && bide__redis_job(&job, named, &call, e.argument) == 0)
        make_call(&job);
    bide_error_clear();
}

static void take_reply(const redisReply *r)
{
    struct redis_address a = {.shown = "fuzz:1"};
    struct redis_id id, again;
    char text[REDIS_ID_MAX];

    if (bide__redis_id_read(&id, r)) {
        bide__redis_id_write(text, id);
        redisReply written = text_of(text);
        must(bide__redis_id_read(&again, &written) && again.ms == id.ms && again.seq == id.seq);
    }
    bide__redis_code(&a, r, "fuzz");
    bide__redis_is_passing(r);
    const redisReply *entries = bide__redis_entries(r);
    for (size_t i = 0; entries && i < entries->elements; i++)
        take_entry(entries->element[i]);
    take_entry(r);
    bide_error_clear();
}

static void read_replies(const char *data, size_t size)
{
    struct redis_reader reader;
    redisReply *reply;
    int code;

    must(bide__redis_reader_open(&reader) == 0 && bide__redis_reader_feed(&reader, data, size) == 0);
    while ((reply = bide__redis_reader_next(&reader, &code))) {
        take_reply(reply);
        freeReplyObject(reply);
    }
    bide_error_clear();
    bide__redis_reader_close(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && *data == 'u')
        read_address((const char *)data + 1, size - 1);
    else
        read_replies((const char *)data, size);
    return 0;
}
