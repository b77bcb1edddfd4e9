/* SPDX-License-Identifier: MIT */
/*
 * client.c - the backend of a pool whose jobs run elsewhere.
 *
 * What a user gets is an ordinary pool without workers: futures, map, imap, room and closing are those of the room.
 */
#include <inttypes.h>
#include <stdio.h>

#include "pool/redis/redis.h"

#define END_MS 1000
#define CHECK_NS    INT64_C(15000000000)

static void submit(struct job *j, const bide_pool_call_args *args, int slot)
{
    struct redis_client *c = bide__redis_client(j->pool);
    (void)args;
    (void)slot; /* keys mean nothing: nobody knows the workers */

    j->sent_as = c->checked_fn == j->fn ? c->checked_name : bide__named_by_fn(j->fn)->name;
    bide__redis_unsent(c, j);
}

/* Over at once, also where a host has it: `forget` takes it back, and what is answered yet is dropped. */
static bool cancel(struct job *j)
{
    (void)j;
    return false;
}

static void forget(struct job *j)
{
    struct redis_client *c = bide__redis_client(j->pool);

    if (j->redis.state == REDIS_ADDED && c->link.open)
        bide__redis_take_back(c, (struct redis_id){j->redis.ms, j->redis.seq});
    j->redis.state = REDIS_ANSWERED;
}

static int check(bide_pool *p, const bide_pool_call_args *args)
{
    struct redis_client *c = bide__redis_client(p);
    const bide_job *job = &args->job;
    if (job->fn != c->checked_fn)
        BIDE_TRY(bide__named_find(job->fn, job->name, &c->checked_name));
    c->checked_fn = job->fn;
    size_t len = job->shape == BIDE_JOB_NONE ? 0 : job->shape == BIDE_JOB_TEXT ? strlen(job->in) : job->in_len;

    if (args->nfds > 0)
        return bide_fail(-ENOTSUP, "%s: descriptors cannot go to other machines", args->job.name);
    if (len > REDIS_PAYLOAD_MAX || args->job.out_len > REDIS_PAYLOAD_MAX)
        return bide_fail(-E2BIG, "%s: %zu bytes; through Redis at most %zu", args->job.name,
                         len > args->job.out_len ? len : args->job.out_len, REDIS_PAYLOAD_MAX);
    return 0;
}

/* ---- life ---- */

static int check_args(const bide_pool_args *a)
{
    return a->init.fn || a->fini.fn
               ? bide_fail(-EINVAL, "bide_pool_new: init and fini belong to the pools of the worker hosts")
               : 0;
}

/*
 * What is wrong now is an error; what goes wrong later passes.  The stream of results is there before any job is: a Redis
 * that is killed may have kept the first of its writes and not the last, and a host that finds no such stream drops
 * the result, so the job would run again.
 */
static int begin(struct redis_client *c)
{
    struct redis_conn *conn = bide__redis_open(&c->address);
    int code = conn ? bide__redis_results_stream(c, conn) : bide_error_code();

    bide__redis_close(conn);
    return code;
}

static int open_client(bide_pool *p)
{
    uint64_t random[2];
    BIDE_TRY(bide__pool_attach(p));
    BIDE_TRY(check_args(&p->args));
    struct redis_client *c = p->own = bide__calloc(1, sizeof *c);
    if (!c)
        return bide__fail_nomem("a pool");

    c->pool = p;
    c->check_ns = CHECK_NS;
    bide__list_init(&c->unsent);
    BIDE_TRY(bide__redis_address(&c->address, p->args.redis, p->args.name));
    c->address.context = p->args.tls ? bide_retain(p->args.tls) : NULL;
    p->args.redis = p->args.name = NULL; /* the caller's */
    bide__random_bytes(random, sizeof random);
    snprintf(c->id, sizeof c->id, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
    bide__redis_key(c->jobs_key, &c->address, "jobs");
    bide__redis_key(c->cancelled_key, &c->address, "cancelled");
    bide__redis_results_key(c->results_key, &c->address, c->id);
    BIDE_TRY(begin(c));

    c->link = (struct redis_link){
        .address = &c->address, .ops = &bide__redis_client_ops, .owner = c, .on_event = p->args.on_event, .event_arg = p->args.arg};
    BIDE_TRY(bide__redis_link_start(&c->link));
    c->results = bide_create_task(bide_coro(bide__redis_results_main, c), .name = "redis results");
    return c->results ? 0 : bide_error_code();
}

/* A pool that was closed at once has no link yet.  In vain, Redis forgets them by itself, after a day. */
static void forget_results(struct redis_client *c)
{
    struct redis_conn *conn = bide__redis_open(&c->address);
    redisReply *r = conn ? REDIS_ASK(conn, END_MS, "UNLINK", c->results_key) : NULL;

    if (r)
        freeReplyObject(r);
    bide__redis_close(conn);
}

static void end(bide_pool *p, bool at_once)
{
    struct redis_client *c = bide__redis_client(p);
    (void)at_once; /* nothing is waited for that has no time limit */
    if (!c || c->leaving)
        return;

    c->leaving = true;
    bide_release(c->results);
    c->results = NULL;
    if (c->link.open) {
        REDIS_PUT(&c->link, NULL, 0, "UNLINK", c->results_key);
        bide__redis_settle(&c->link, END_MS);
    } else if (p->loop == bide__loop_here && bide__task_here()) {
        bide__timeout(END_MS)
            forget_results(c);
    }
    bide__redis_link_stop(&c->link);
}

/*
 * Behind the loop's back.  When the loop closes, the tasks are over; where nobody can wait for them (released outside of
 * tasks), they are cancelled, and what they use stays.
 */
static void abandon(bide_pool *p)
{
    struct redis_client *c = bide__redis_client(p);
    bide_task *self = bide__task_here();

    bide__pool_fail_jobs(p);
    if (!c || c->leaving)
        return;

    if (!bide__loop_here || p->loop->closed || (self && !self->stackless && p->loop == bide__loop_here) ||
        (bide_task_done(c->results) && bide_task_done(c->link.keeper))) {
        end(p, true);
        return;
    }
    c->leaving = true;
    bide_retain(p);
    bide_task_cancel(c->results);
    bide_task_cancel(c->link.keeper);
}

static void free_client(bide_pool *p)
{
    struct redis_client *c = bide__redis_client(p);
    if (!c)
        return;
    bide_release(c->address.context);
    explicit_bzero(&c->address, sizeof c->address);
    bide__free(c);
    p->own = NULL;
}

/* ---- where the workers would be ---- */

static int resize(bide_pool *p, int workers)
{
    (void)p;
    (void)workers;
    return bide_fail(-ENOTSUP, "bide_pool_resize: over Redis, the pool has the workers of the hosts that serve it: start more hosts");
}

const struct pool_backend bide__redis_backend = {
    .open = open_client, .check = check, .submit = submit, .cancel = cancel, .forget = forget,
    .end = end, .abandon = abandon, .free = free_client, .resize = resize,
    .no_workers = "over Redis, hosts come and go: nobody knows all workers", .has_tasks = true,
};
