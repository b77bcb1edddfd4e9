/* SPDX-License-Identifier: MIT */
/*
 * redis_client.c - a pool whose jobs run elsewhere: submit, take back, open, close.
 *
 * A job waits in `unsent` until it is written (SENT), and is ADDED once Redis has answered with the id of its entry.  A
 * connection that breaks between the two leaves the question open, and the job is added again: at least once.
 *
 * What a user gets is an ordinary pool without workers: futures, map, imap, room and closing are those of the room.
 */
#include <inttypes.h>
#include <stdio.h>

#include "pool/redis.h"

#define WRITE_MAX   ((size_t)1 << 20) /* bytes of commands at a time */
#define FAREWELL_MS 1000
#define CHECK_NS    INT64_C(15000000000)

/* ---- adding ---- */

void bide__redis_unsent(struct redis_client *c, struct job *j)
{
    j->redis.state = REDIS_NEW;
    bide__list_remove(&j->node);
    bide__list_append(&c->unsent, &j->node);
    bide__redis_kick(&c->link);
}

/*
 * KEYS: jobs, cancelled; ARGV: entry.  Acknowledged, it is its host's no more, so no result will be written; the host
 * stops it when it hears, at the latest when it renews its leases.
 */
static const char take_back_script[] =
    "redis.call('XDEL', KEYS[1], ARGV[1]) "
    "if redis.call('XACK', KEYS[1], 'w', ARGV[1]) == 1 then "
    "  redis.call('XADD', KEYS[2], 'MAXLEN', '~', '1000', '*', 'm', ARGV[1]) "
    "  redis.call('PEXPIRE', KEYS[2], '600000') "
    "end "
    "return 0";

static void take_back(struct redis_client *c, struct redis_id id)
{
    char text[REDIS_ID_MAX];

    bide__redis_id_write(text, id);
    REDIS_PUT(&c->link, NULL, 0, "EVAL", take_back_script, "2", c->jobs_key, c->cancelled_key, text);
}

static void refused(struct redis_client *c, struct job *j, const redisReply *r)
{
    int code = bide__redis_code(&c->address, r, "XADD");

    j->redis.state = REDIS_ANSWERED;
    c->pool->failed++;
    bide__job_fail(j, code, code == BIDE_ELIMIT ? "Redis is full: it takes no more jobs (OOM)" : bide_error_text());
    bide__job_over(j);
}

static int on_added(void *owner, uint64_t job, const redisReply *r)
{
    struct redis_client *c = owner;
    struct job *j = bide__job_by_id(c->pool, job);
    struct redis_id id;

    if (r->type == REDIS_REPLY_ERROR) {
        if (j && j->redis.state == REDIS_SENT)
            refused(c, j, r);
        return 0;
    }
    if (!bide__redis_id_read(&id, r))
        return bide_fail(-EBADMSG, "XADD: not an id");
    if (!j) {
        take_back(c, id); /* cancelled meanwhile, or done */
        return 0;
    }
    j->redis.ms = id.ms;
    j->redis.seq = id.seq;
    j->redis.state = REDIS_ADDED;
    return 0;
}

static bool put_job(struct redis_client *c, struct job *j)
{
    struct redis_call call = {.job = j->id,
                              .shape = j->shape,
                              .has_out = j->has_out,
                              .out_len = j->out_len,
                              .timeout_ms = j->timeout_ms,
                              .idempotent = j->idempotent,
                              .wants_progress = j->on_progress};
    struct redis_command x;
    char meta[REDIS_META_MAX];

    x.n = 0;
    memcpy(call.client, c->id, sizeof call.client);
    bide__redis_call_write(meta, sizeof meta, &call);
    const char *const words[] = {"XADD", c->jobs_key, "*", "f", j->sent_as, "m", meta, "a"};
    for (size_t i = 0; i < array_len(words); i++)
        bide__redis_text(&x, words[i]);
    bide__redis_arg(&x, j->in, j->in_len);
    return bide__redis_put(&c->link, &x, on_added, j->id);
}

static bool fill(void *owner)
{
    struct redis_client *c = owner;

    while (!bide__list_is_empty(&c->unsent) && bide__buf_len(&c->link.out) < WRITE_MAX) {
        struct job *j = container_of(c->unsent.next, struct job, node);
        if (!put_job(c, j))
            return false;
        bide__list_remove(&j->node);
        j->redis.state = REDIS_SENT;
    }
    return true;
}

static void lost(void *owner)
{
    struct redis_client *c = owner;

    for (struct list_node *n = c->pool->jobs.next; n != &c->pool->jobs; n = n->next) {
        struct job *j = container_of(n, struct job, all);
        if (j->redis.state == REDIS_SENT)
            bide__redis_unsent(c, j);
    }
}

static const struct redis_link_ops link_ops = {.fill = fill, .lost = lost};

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
        take_back(c, (struct redis_id){j->redis.ms, j->redis.seq});
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
    snprintf(c->results_key, sizeof c->results_key, "bide:{%s}:results:%s", c->address.name, c->id);
    BIDE_TRY(begin(c));

    c->link = (struct redis_link){
        .address = &c->address, .ops = &link_ops, .owner = c, .on_event = p->args.on_event, .event_arg = p->args.arg};
    BIDE_TRY(bide__redis_link_start(&c->link));
    c->results = bide_create_task(bide_coro(bide__redis_results_main, c), .name = "redis results");
    return c->results ? 0 : bide_error_code();
}

/* A pool that was closed at once has no link yet.  In vain, Redis forgets them by itself, after a day. */
static void forget_results(struct redis_client *c)
{
    struct redis_conn *conn = bide__redis_open(&c->address);
    redisReply *r = conn ? REDIS_ASK(conn, FAREWELL_MS, "UNLINK", c->results_key) : NULL;

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
        bide__redis_settle(&c->link, FAREWELL_MS);
    } else if (p->loop == bide__loop_here && bide__task_here()) {
        bide_timeout(FAREWELL_MS)
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
