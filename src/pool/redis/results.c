/* SPDX-License-Identifier: MIT */
/*
 * results.c - results come in, and what Redis has forgotten is found out.
 *
 * One task reads this client's stream of results, on a connection of its own because reading waits in the server.  What
 * was read is trimmed by the next command.  After each new connection it asks which of the jobs that were added are
 * still there, and every 15 s likewise for those that have waited so long: one that is neither there nor answered was
 * lost with a server that did not keep its data, or somebody trimmed the stream, and is added again.
 *
 * A job leaves the jobs stream in the same script that writes its result.  So if it is missing *first* and the results
 * are read *then*, its result has come, or never will.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pool/redis/redis.h"

#define TTL_MS       "86400000" /* the stream of a client that vanished goes away after a day */
#define CHECK_BATCH  300
#define READ_MAX     512

/* ---- one result ---- */

static void succeed(struct job *j, const struct redis_answer *a, const redisReply *bytes)
{
    const char *data = bytes ? bytes->str : "";
    size_t len = bytes ? (size_t)bytes->len : 0;

    if (!j->has_out && len > 0 && bide__job_keep_reply(j, data, len) < 0)
        bide__job_fail(j, BIDE_ENOMEM, "no memory for the result");
    else if (bide__job_fill_out(j, data, len) == 0)
        bide__job_succeed(j, a->code);
}

static void fail(struct job *j, const struct redis_answer *a, const redisReply *details)
{
    const char *text = details ? details->str : "", *end = text + (details ? details->len : 0);
    const char *trace = text + strlen(text) + 1 < end ? text + strlen(text) + 1 : "";

    bide_pool_failure *f = bide__job_explain(j, a->code, a->pid, trace);
    if (f) {
        f->signal = a->signal;
        f->exit_code = a->exit_code;
        f->attempt = a->attempt;
    }
    bide__job_fail(j, a->code, text);
}

static void take_answer(struct redis_client *c, const struct redis_entry *e)
{
    struct redis_answer a;
    struct job *j = bide__redis_answer_read(&a, e->meta) ? bide__job_by_id(c->pool, a.job) : NULL;
    if (!j || bide__job_is_settled(j))
        return; /* a second result, or nobody waits for it any more */

    if (a.kind == 'p') {
        bide_bytes part = {e->argument ? e->argument->str : "", e->argument ? (size_t)e->argument->len : 0};
        bide__pool_callbacks++;
        if (j->on_progress)
            j->on_progress(&j->future, a.done, a.total, part, j->progress_arg);
        bide__pool_callbacks--;
        return;
    }
    j->redis.state = REDIS_ANSWERED;
    bide_histogram_add(&c->pool->run, a.run_ns);
    if (a.code >= 0) {
        c->pool->done++;
        succeed(j, &a, e->argument);
    } else {
        c->pool->failed++;
        fail(j, &a, e->details);
    }
    bide__job_over(j);
}

/* Returns how many there were. */
static size_t take_all(struct redis_client *c, const redisReply *r)
{
    struct redis_entry e;
    const redisReply *entries = bide__redis_entries(r);

    for (size_t i = 0; entries && i < entries->elements; i++)
        if (bide__redis_entry_read(&e, entries->element[i])) {
            c->next = e.id; /* also of one that is none, or it would come again and again */
            if (e.meta)
                take_answer(c, &e);
        }
    return entries ? entries->elements : 0;
}

/* ---- reading ---- */

/* Trim what was read and wait for more: one write, two replies. */
static int read_more(struct redis_client *c, struct redis_conn *conn, const char *block, size_t *n)
{
    char last[REDIS_ID_MAX], next[REDIS_ID_MAX], count[16];
    struct buf out;
    snprintf(count, sizeof count, "%d", READ_MAX);
    bide__redis_id_write(last, c->next);
    bide__redis_id_write(next, (struct redis_id){c->next.ms, c->next.seq + 1});
    bide__buf_init(&out, 4096);
    const char *const trim[] = {"XTRIM", c->results_key, "MINID", next, NULL};
    const char *const wait[] = {"XREAD", "COUNT", count, "BLOCK", block, "STREAMS", c->results_key, last, NULL};
    const char *const look[] = {"XREAD", "COUNT", count, "STREAMS", c->results_key, last, NULL};

    int code = bide__redis_format_texts(&out, trim);
    if (code == 0)
        code = bide__redis_format_texts(&out, block ? wait : look);
    if (code == 0)
        code = bide__redis_write(conn, &out);
    bide__buf_free(&out);
    bide__stats_publish(c->pool);
    for (int i = 0; code == 0 && i < 2; i++) {
        redisReply *r = bide__redis_read(conn, REDIS_QUIET_MS);
        code = r ? bide__redis_code(&c->address, r, "reading results") : bide_error_code();
        if (code == 0 && i == 1)
            *n = take_all(c, r);
        if (r)
            freeReplyObject(r);
    }
    return code;
}

int bide__redis_results_stream(struct redis_client *c, struct redis_conn *conn)
{
    for (int i = 0; i < 2; i++) {
        redisReply *r = REDIS_ASK(conn, REDIS_QUIET_MS, "PEXPIRE", c->results_key, TTL_MS);
        bool is_there = r && r->type == REDIS_REPLY_INTEGER && r->integer == 1;
        if (r)
            freeReplyObject(r);
        if (!r || is_there)
            return r ? 0 : bide_error_code();
        r = REDIS_ASK(conn, REDIS_QUIET_MS, "XADD", c->results_key, "*", "m", "hello");
        if (!r)
            return bide_error_code();
        freeReplyObject(r);
    }
    return 0;
}

/* ---- what was forgotten ---- */

static const char absent_script[] =
    "local out = {} "
    "for i = 1, #ARGV do "
    "  if #redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i], 'COUNT', 1) == 0 then out[#out + 1] = i end "
    "end "
    "return out";

static int ask_absent(struct redis_client *c, struct redis_conn *conn, const uint64_t *jobs, size_t n)
{
    const char *texts[CHECK_BATCH + 5] = {"EVAL", absent_script, "1", c->jobs_key};
    char(*ids)[REDIS_ID_MAX] = bide__malloc(n * sizeof *ids);
    size_t asked[CHECK_BATCH], nasked = 0;
    if (!ids)
        return bide__fail_nomem("a command for Redis");

    for (size_t i = 0; i < n; i++) {
        struct job *j = bide__job_by_id(c->pool, jobs[i]);
        if (!j || j->redis.state != REDIS_ADDED)
            continue;
        bide__redis_id_write(ids[nasked], (struct redis_id){j->redis.ms, j->redis.seq});
        texts[4 + nasked] = ids[nasked];
        asked[nasked++] = i;
    }
    redisReply *r = nasked > 0 ? bide__redis_ask(conn, texts, REDIS_QUIET_MS) : NULL;
    bide__free(ids);
    for (size_t i = 0; r && r->type == REDIS_REPLY_ARRAY && i < r->elements; i++) {
        size_t k = (size_t)r->element[i]->integer;
        struct job *j = k >= 1 && k <= nasked ? bide__job_by_id(c->pool, jobs[asked[k - 1]]) : NULL;
        if (j && j->redis.state == REDIS_ADDED)
            j->redis.state = REDIS_GONE;
    }
    if (r)
        freeReplyObject(r);
    return nasked == 0 || r ? 0 : bide_error_code();
}

static int mark_absent(struct redis_client *c, struct redis_conn *conn, int64_t age_ns)
{
    size_t n = 0, cap = c->pool->pending;
    int64_t now = bide__clock_ns();
    uint64_t *jobs = bide__malloc((cap + 1) * sizeof *jobs); /* while we wait, jobs come and go: by id */
    int code = 0;
    if (!jobs)
        return bide__fail_nomem("a look for lost jobs");

    for (struct list_node *p = c->pool->jobs.next; p != &c->pool->jobs && n < cap; p = p->next) {
        const struct job *j = container_of(p, struct job, all);
        if (now - j->submitted_ns >= age_ns)
            jobs[n++] = j->id;
    }
    for (size_t i = 0; i < n && code == 0; i += CHECK_BATCH)
        code = ask_absent(c, conn, jobs + i, n - i < CHECK_BATCH ? n - i : CHECK_BATCH);
    bide__free(jobs);
    return code;
}

static void add_lost_again(struct redis_client *c)
{
    for (struct list_node *n = c->pool->jobs.next; n != &c->pool->jobs; n = n->next) {
        struct job *j = container_of(n, struct job, all);
        if (j->redis.state == REDIS_GONE) {
            c->pool->retried++;
            bide__redis_unsent(c, j);
        }
    }
}

static int find_lost(struct redis_client *c, struct redis_conn *conn, int64_t age_ns)
{
    size_t n = READ_MAX;

    BIDE_TRY(mark_absent(c, conn, age_ns));
    while (n == READ_MAX) /* fewer: all that were there have been read */
        BIDE_TRY(read_more(c, conn, NULL, &n));
    add_lost_again(c);
    return 0;
}

/* ---- the task ---- */

static int session(struct redis_client *c, struct redis_conn *conn, unsigned *attempt)
{
    int64_t checked = bide__clock_ns();

    c->next = (struct redis_id){0, 0};
    BIDE_TRY(bide__redis_results_stream(c, conn));
    BIDE_TRY(find_lost(c, conn, 0));
    *attempt = 0;
    for (;;) {
        size_t n = 0;
        BIDE_TRY(read_more(c, conn, REDIS_WAIT_MS, &n));
        if (bide__clock_ns() - checked < c->check_ns)
            continue;
        BIDE_TRY(bide__redis_results_stream(c, conn));
        BIDE_TRY(find_lost(c, conn, c->check_ns));
        checked = bide__clock_ns();
    }
}

int bide__redis_results_main(struct redis_client *c)
{
    struct redis_retry retry = {0};

    for (;;) {
        struct redis_conn *conn = bide__redis_open(&c->address);
        int code = conn ? session(c, conn, &retry.attempt) : bide_error_code();
        bide__redis_close(conn);
        if (code == BIDE_ECANCELED)
            return code;
        code = bide__redis_retry_later(&c->link, &retry);
        if (code < 0)
            return code;
    }
}
