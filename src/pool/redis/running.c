/* SPDX-License-Identifier: MIT */
/*
 * running.c - a job in the hands of a worker host: from its entry into the local pool, and what became of it
 * there.
 *
 * An entry is not trusted: only functions that were registered with their parameters are served, an entry that asks for
 * others is refused, and one that is no job at all is kept among the dead.
 *
 * Failures are reported with the local pool's texts.  A job that could not be run because that pool is going away is no
 * failure: it is left, and goes back to the queue.
 */
#include <limits.h>
#include <stdio.h>

#include "pool/redis/redis.h"

#define PROGRESS_OUT_MAX ((size_t)4 << 20) /* bytes that may wait for the connection */

void bide__redis_held_free(struct held *x)
{
    struct redis_host *h = x->host;

    bide__list_remove(&x->node);
    if (x->job) {
        x->job->on_done = NULL;
        bide__object_unref(x->job);
    }
    bide__free(x->details);
    bide__free(x);
    h->nheld--;
    bide__wake_all(h->loop, &h->room);
    if (bide__list_is_empty(&h->running) && bide__list_is_empty(&h->finished) && bide__list_is_empty(&h->sent))
        bide__wake_all(h->loop, &h->changed);
}

static void finish(struct held *x)
{
    bide__list_remove(&x->node);
    bide__list_append(&x->host->finished, &x->node);
    bide__redis_kick(&x->host->link);
}

static void keep_details(struct held *x, const char *text, const char *trace)
{
    size_t len = strlen(text) + strlen(trace) + 2;
    x->details = bide__malloc(len);
    if (!x->details)
        return; /* the code alone, then */

    x->details_len = len;
    strcpy(x->details, text);
    strcpy(x->details + strlen(text) + 1, trace);
}

void bide__redis_held_fail(struct held *x, int code, const char *text)
{
    x->answer.code = code;
    keep_details(x, text, "");
    finish(x);
}

static void note_failure(struct held *x, const struct job *j)
{
    const bide_pool_failure *f = bide_pool_failure_of(&j->future);
    const struct error_record *e = j->future.error;
    const char *text = e ? e->text : bide_strerror(j->future.result);
    size_t name = strlen(j->name);

    if (strncmp(text, j->name, name) == 0 && strncmp(text + name, ": ", 2) == 0)
        text += name + 2; /* the client puts it there again */
    keep_details(x, text, f ? f->trace : "");
    if (f) {
        x->answer.pid = f->pid;
        x->answer.signal = f->signal;
        x->answer.exit_code = f->exit_code;
    }
}

/* The local pool is going away: that is not the job's fault. */
static bool was_not_run(int code)
{
    return code == BIDE_ECLOSED || code == BIDE_EPOOL;
}

static void leave_it(struct held *x, int code)
{
    struct redis_host *h = x->host;

    bide__list_remove(&x->node);
    bide__list_append(&h->left, &x->node);
    if (was_not_run(code))
        h->code = code;
    bide__wake_all(h->loop, &h->changed);
}

static void on_done(struct job *j, void *arg)
{
    struct held *x = arg;
    char text[80];

    j->future.was_retrieved = true;
    if (x->taken) {
        bide__redis_held_free(x);
        return;
    }
    if (x->unwanted) {
        leave_it(x, 0);
        return;
    }
    x->answer.code = j->future.result;
    x->answer.run_ns = bide__clock_ns() - x->began_ns;
    if (j->future.result >= 0 && bide_pool_result(&j->future).len > REDIS_PAYLOAD_MAX) {
        snprintf(text, sizeof text, "a result of %zu bytes; through Redis at most %zu", bide_pool_result(&j->future).len,
                 REDIS_PAYLOAD_MAX);
        bide__redis_held_fail(x, -E2BIG, text);
        return;
    }
    if (was_not_run(j->future.result)) {
        leave_it(x, j->future.result);
        return;
    }
    if (j->future.result < 0)
        note_failure(x, j);
    finish(x);
}

/* A program that does not read gets no more of it: what waits for it in Redis has an end. */
static const char progress_script[] =
    "if redis.call('XLEN', KEYS[1]) < 10000 then "
    "  redis.call('XADD', KEYS[1], 'NOMKSTREAM', '*', 'm', ARGV[1], 'a', ARGV[2]) "
    "end "
    "return 0";

/* Progress is dropped while the connection is behind: a later one says more. */
static void on_progress(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    struct held *x = arg;
    struct redis_answer a = {.job = x->call.job, .kind = 'p', .done = done, .total = total};
    char key[REDIS_KEY_MAX], meta[REDIS_META_MAX];
    struct redis_command c;
    (void)f;
    if (bide__buf_len(&x->host->link.out) > PROGRESS_OUT_MAX)
        return;

    bide__redis_results_key(key, &x->host->address, x->call.client);
    bide__redis_answer_write(meta, sizeof meta, &a);
    c.n = 0;
    REDIS_TEXTS(&c, "EVAL", progress_script, "1", key, meta);
    bide__redis_arg(&c, part.data, part.len);
    bide__redis_put(&x->host->link, &c, NULL, 0);
}

/* ---- beginning one ---- */

int bide__redis_job(bide_job *job, const bide_pool_named *named, const struct redis_call *call, const redisReply *argument)
{
    const char *in = argument ? argument->str : "";
    size_t len = argument ? (size_t)argument->len : 0;
    const struct named_call made_for = {(enum bide_job_shape)call->shape, call->has_out, len, call->out_len};

    BIDE_TRY(bide__named_fits(named, &made_for));
    if (named->shape == BIDE_JOB_TEXT && (len == 0 || in[len - 1] != '\0'))
        return bide_fail(-EBADMSG, "its argument is not a text");
    *job = (bide_job){.fn = named->fn,
                      .name = named->name,
                      .shape = named->shape,
                      .in = in,
                      .in_len = len,
                      .has_out = named->has_out,
                      .out_len = named->out_len};
    return 0;
}

static int submit(struct held *x, const bide_pool_named *named, const struct redis_entry *e)
{
    bide_pool_call_args args = {.timeout_ms = x->call.timeout_ms, .idempotent = x->call.idempotent};

    BIDE_TRY(bide__redis_job(&args.job, named, &x->call, e->argument));
    if (x->call.wants_progress) {
        args.on_progress = on_progress;
        args.arg = x;
    }
    x->job = bide__pool_submit(x->host->pool, &args, -1);
    if (!x->job)
        return bide_error_code();
    x->job->keeps_result = true;
    x->job->on_done = on_done;
    x->job->done_arg = x;
    return 0;
}

static struct held *held_new(struct redis_host *h, const struct redis_entry *e)
{
    struct held *x = bide__calloc(1, sizeof *x);
    if (!x)
        return NULL; /* its lease will end, and somebody takes it who has memory */

    x->host = h;
    x->id = e->id;
    x->began_ns = bide__clock_ns();
    bide__list_init(&x->node);
    bide__list_append(&h->running, &x->node);
    h->nheld++;
    return x;
}

/* Too many hosts were lost with it. */
static bool is_poison(const struct redis_host *h, const struct redis_entry *e)
{
    return e->deliveries > (uint64_t)h->args.max_deliveries;
}

static void begin(struct held *x, const struct redis_entry *e)
{
    struct redis_host *h = x->host;
    const redisReply *f = e->function;
    const bide_pool_named *named = f ? bide__named_by_name(f->str, (size_t)f->len) : NULL;
    char text[400];

    if (is_poison(h, e)) {
        snprintf(text, sizeof text, "%d hosts took it and vanished; it is kept in %s", h->args.max_deliveries,
                 h->dead_key);
        x->dead = true;
        bide__redis_held_fail(x, BIDE_EWORKER, text);
    } else if (!named) {
        snprintf(text, sizeof text, "host %s does not know it: write BIDE_POOL_TASK(%.64s); in its program", h->id,
                 f ? f->str : "");
        bide__redis_held_fail(x, BIDE_EFUNCTION, text);
    } else if (!named->takes_known) {
        snprintf(text, sizeof text, "host %s knows no parameters of it, and serves no such function: write"
                 " BIDE_POOL_TASK(%.64s, ...); with them (void for none)", h->id, named->name);
        bide__redis_held_fail(x, BIDE_EFUNCTION, text);
    } else if (submit(x, named, e) < 0) {
        int code = bide_error_code();
        snprintf(text, sizeof text, "%.200s", bide_error_text());
        if (was_not_run(code) || code == BIDE_ECANCELED) /* cancelled: the host is stopping */
            leave_it(x, code);
        else
            bide__redis_held_fail(x, code, text);
    }
}

static int attempt_of(const struct redis_entry *e)
{
    return e->deliveries == 0 ? 1 : e->deliveries < INT_MAX ? (int)e->deliveries : INT_MAX;
}

void bide__redis_take(struct redis_host *h, const struct redis_entry *e)
{
    struct held *x = held_new(h, e);
    if (!x)
        return;

    x->answer = (struct redis_answer){.kind = 'r', .exit_code = -1, .attempt = attempt_of(e)};
    if (!e->meta || !bide__redis_call_read(&x->call, e->meta)) {
        x->call = (struct redis_call){0};
        snprintf(x->call.client, sizeof x->call.client, "nobody");
        x->dead = true;
        bide__redis_held_fail(x, -EBADMSG, "not a job");
        return;
    }
    x->answer.job = x->call.job;
    begin(x, e);
}
