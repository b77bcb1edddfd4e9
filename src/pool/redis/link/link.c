/* SPDX-License-Identifier: MIT */
/*
 * link.c - a connection to Redis that comes back, with many commands under way.
 *
 * The keeper connects and reads replies; the writer sends what has gathered, all of it in one write, so commands are
 * collected while the one before is under way.  When the connection breaks, both stop, the owner hears that what was
 * not answered is lost, and the keeper begins anew.  Nothing is sent twice here: what is to be done again, the owner
 * knows.
 *
 * Invariant: replies come in the order of the commands, so `expected` is a queue.
 */
#include <stdio.h>

#include <bide/backoff.h>

#include "pool/jobs/jobs.h"
#include "pool/redis/link/link.h"

#define BACK_OFF_MIN_MS 50
#define BACK_OFF_MAX_MS 2000
#define OUT_MAX         ((size_t)1 << 30)
#define STEADY_NS       INT64_C(5000000000) /* one that held for so long starts over with short pauses */

/* The pause before the next attempt: doubled each time up to 2 s, and never the same for all. */
static int back_off(unsigned *attempt)
{
    int64_t ms = bide_backoff_limit_ms((int)++*attempt, BACK_OFF_MIN_MS, BACK_OFF_MAX_MS);

    return bide_sleep_ms(ms / 2 + bide_jitter_ms(ms / 2));
}

/* ---- commands ---- */

static bool expect(struct redis_link *l, redis_on_reply *on_reply, uint64_t arg)
{
    if (l->tail - l->head == l->cap) {
        uint32_t cap = l->cap ? l->cap * 2 : 256;
        struct redis_expected *e = bide__malloc(cap * sizeof *e);
        if (!e)
            return false;
        for (uint32_t i = l->head; i != l->tail; i++)
            e[i & (cap - 1)] = l->expected[i & (l->cap - 1)];
        bide__free(l->expected);
        l->expected = e;
        l->cap = cap;
    }
    l->expected[l->tail++ & (l->cap - 1)] = (struct redis_expected){on_reply, arg};
    return true;
}

bool bide__redis_put(struct redis_link *l, const struct redis_command *c, redis_on_reply *on_reply, uint64_t arg)
{
    if (!l->open || !expect(l, on_reply, arg))
        return false;
    if (bide__redis_format(&l->out, c) < 0) {
        l->tail--;
        return false;
    }
    bide__redis_kick(l);
    return true;
}

bool bide__redis_put_texts(struct redis_link *l, const char *const *texts, redis_on_reply *on_reply, uint64_t arg)
{
    struct redis_command c;

    c.n = 0;
    bide__redis_texts(&c, texts);
    return bide__redis_put(l, &c, on_reply, arg);
}

void bide__redis_kick(struct redis_link *l)
{
    bide__wake_all(l->loop, &l->idle);
}

/* ---- writing ---- */

static bool is_settled(const struct redis_link *l)
{
    return !l->open || (l->head == l->tail && bide__buf_len(&l->out) == 0 && !l->writing);
}

/* Until there may be something to write: somebody says so, or memory was short and may be there now. */
static int wait_for_more(struct redis_link *l, bool has_all)
{
    l->writing = false;
    return has_all ? bide__wait_in_for(&l->idle, WAIT_NAMED, "a connection to Redis") : bide_sleep_ms(BACK_OFF_MIN_MS);
}

static int write_all(struct redis_link *l)
{
    struct buf out;
    bide__buf_init(&out, OUT_MAX);

    for (;;) {
        bool has_all = l->ops->fill(l->owner);
        if (bide__buf_len(&l->out) == 0) {
            int code = wait_for_more(l, has_all);
            if (code == 0)
                continue;
            bide__buf_free(&out);
            return code;
        }
        struct buf full = l->out;
        l->out = out;
        out = full;
        l->writing = true;
        int code = bide__redis_write(l->conn, &out);
        if (code < 0) {
            struct error_mark mark;
            bide__error_mark(&mark);
            bide__buf_free(&out);
            BIDE_IGNORE(bide_stream_shutdown(l->conn->stream)); /* the reader will find out, and says why */
            bide__error_restore(&mark);
            return code;
        }
    }
}

/* ---- reading ---- */

static int take_reply(struct redis_link *l, const redisReply *r)
{
    if (l->head == l->tail)
        return bide_fail(-EBADMSG, "a reply that nobody asked for");

    struct redis_expected e = l->expected[l->head++ & (l->cap - 1)];
    if (bide__redis_is_passing(r))
        return bide__redis_code(l->address, r, "not now");
    int code = e.on_reply ? e.on_reply(l->owner, e.arg, r) : 0;
    if (is_settled(l))
        bide__wake_all(l->loop, &l->quiet);
    return code;
}

/* Nothing came for a while: is it still there?  While it takes what we send, it is: a large result may need long. */
static int after_silence(struct redis_link *l)
{
    if (bide__redis_has_flowed(l->conn))
        return 0;
    if (l->head != l->tail)
        return bide_fail(BIDE_ETIMEDOUT, "it has not answered for %.3g s, nor taken anything", (double)l->quiet_ms / 1000);
    return REDIS_PUT(l, NULL, 0, "PING") ? 0 : bide__fail_nomem("a command for Redis");
}

static int read_all(struct redis_link *l)
{
    for (;;) {
        redisReply *r = bide__redis_read(l->conn, l->quiet_ms);
        if (!r) {
            if (bide_error_code() != BIDE_ETIMEDOUT)
                return bide_error_code();
            BIDE_TRY(after_silence(l));
            continue;
        }
        int code = take_reply(l, r);
        freeReplyObject(r);
        BIDE_TRY(code);
    }
}

/* ---- coming back ---- */

static void report(struct redis_link *l, enum bide_pool_event_kind kind, int code, const char *text)
{
    char line[ERROR_TEXT_MAX + 400];

    snprintf(line, sizeof line, "Redis at %s: %s", l->address->shown, text);
    if (strncmp(text, "Redis at", 8) == 0)
        snprintf(line, sizeof line, "%s", text);
    if (!l->on_event)
        return;
    bide__pool_callbacks++;
    l->on_event(&(bide_pool_event){.kind = kind, .code = code, .text = line}, l->event_arg);
    bide__pool_callbacks--;
}

/* False: it was no refusal, or the link is not open to know better. */
static bool report_refusal(struct redis_link *l)
{
    int code = bide_error_code();
    if (!l->open || (code != -EACCES && code != -EREMOTEIO && code != BIDE_ELIMIT))
        return false;

    report(l, BIDE_POOL_LOST, code, bide_error_text());
    return true;
}

int bide__redis_retry_later(struct redis_link *l, struct redis_retry *r)
{
    if (r->attempt == 0)
        r->reported = false;
    if (!r->reported)
        r->reported = report_refusal(l);
    return back_off(&r->attempt);
}

static void opened(struct redis_link *l)
{
    l->open = true;
    l->head = l->tail = 0;
    bide__buf_consume(&l->out, bide__buf_len(&l->out));
    if (l->was_lost)
        report(l, BIDE_POOL_REGAINED, 0, "it answers again");
    l->was_lost = false;
}

static int session(struct redis_link *l, unsigned *attempt)
{
    l->conn = bide__redis_open(l->address);
    if (!l->conn)
        return bide_raise();
    opened(l);
    int64_t began = bide__clock_ns();
    l->writer = bide_create_task(bide_coro(write_all, l), .name = "redis writer");
    int code = l->writer ? read_all(l) : bide_error_code();

    if (bide__clock_ns() - began > STEADY_NS)
        *attempt = 0;
    l->open = l->writing = false;
    bide_release(l->writer);
    l->writer = NULL;
    bide__redis_close(l->conn);
    l->conn = NULL;
    l->ops->lost(l->owner);
    bide__wake_all(l->loop, &l->quiet);
    return code;
}

static int keep(struct redis_link *l)
{
    unsigned attempt = 0;

    for (;;) {
        int code = session(l, &attempt);
        if (code == BIDE_ECANCELED)
            return code;
        if (!l->was_lost)
            report(l, BIDE_POOL_LOST, code, bide_error_text());
        l->was_lost = true;
        code = back_off(&attempt);
        if (code < 0)
            return code;
    }
}

int bide__redis_link_start(struct redis_link *l)
{
    l->loop = bide__loop_here;
    l->quiet_ms = REDIS_QUIET_MS;
    bide__buf_init(&l->out, OUT_MAX);
    bide__list_init(&l->idle);
    bide__list_init(&l->quiet);
    l->keeper = bide_create_task(bide_coro(keep, l), .name = "redis");
    return l->keeper ? 0 : bide_error_code();
}

void bide__redis_settle(struct redis_link *l, int64_t ms)
{
    bide__timeout(ms)
    {
        while (!is_settled(l))
            if (bide__wait_in_for(&l->quiet, WAIT_NAMED, "the end of commands to Redis") < 0)
                break;
    }
}

void bide__redis_link_stop(struct redis_link *l)
{
    if (!l->loop)
        return;
    bide_release(l->keeper);
    bide__buf_free(&l->out);
    bide__free(l->expected);
    *l = (struct redis_link){0};
}
