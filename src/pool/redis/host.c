/* SPDX-License-Identifier: MIT */
/*
 * host.c - a worker host: takes jobs from Redis, runs them in a pool of this machine, sends results back.
 *
 *     fetcher: XREADGROUP as many as slots are free --> running (running.c) --> finished --> sent (answers.c)
 *
 * Slots are counted until a result is confirmed: a host that cannot deliver takes nothing new.
 */
#include <signal.h>
#include <stdio.h>

#include "pool/redis/redis.h"

/* ---- fetching ---- */

static unsigned free_slots(const struct redis_host *h)
{
    return h->nheld < (unsigned)h->args.slots ? (unsigned)h->args.slots - h->nheld : 0;
}

static int fetch_some(struct redis_host *h, struct redis_conn *conn)
{
    char count[16];
    struct redis_entry e;
    while (free_slots(h) == 0 || !h->link.open)
        BIDE_TRY(h->link.open ? bide__wait_in_for(&h->room, WAIT_NAMED, "room in the pool") : bide_sleep_ms(20));

    snprintf(count, sizeof count, "%u", free_slots(h));
    redisReply *r = REDIS_ASK(conn, REDIS_QUIET_MS, "XREADGROUP", "GROUP", REDIS_GROUP, h->id, "COUNT", count, "BLOCK",
                              REDIS_WAIT_MS, "STREAMS", h->jobs_key, ">");
    if (!r)
        return bide_error_code();
    const redisReply *entries = bide__redis_entries(r);
    for (size_t i = 0; entries && i < entries->elements && !h->leaving; i++)
        if (bide__redis_entry_read(&e, entries->element[i]))
            bide__redis_take(h, &e);
    freeReplyObject(r);
    return 0;
}

/* Do something on a connection of its own, again and again, and connect again when that breaks.  Suspends. */
static int keep(struct redis_host *h, int step(struct redis_host *h, struct redis_conn *conn))
{
    struct redis_retry retry = {0};

    for (;;) {
        struct redis_conn *conn = bide__redis_open(&h->address);
        int code = conn ? 0 : bide_error_code();
        while (code == 0) {
            code = step(h, conn);
            retry.attempt = code == 0 ? 0 : retry.attempt;
        }
        bide__redis_close(conn);
        if (code == BIDE_ECANCELED)
            return code;
        code = bide__redis_retry_later(&h->link, &retry);
        if (code < 0)
            return code;
    }
}

/* ---- life ---- */

static bool fill(void *owner)
{
    return bide__redis_fill_answers(owner);
}

static void lost(void *owner)
{
    bide__redis_answers_lost(owner);
}

static const struct redis_link_ops link_ops = {.fill = fill, .lost = lost};

static int begin_tasks(struct redis_host *h)
{
    struct redis_conn *conn = bide__redis_open(&h->address); /* what is wrong now is an error; later it passes */
    if (!conn)
        return bide_error_code();
    bide__redis_close(conn);

    h->link = (struct redis_link){
        .address = &h->address, .ops = &link_ops, .owner = h, .on_event = h->args.on_event, .event_arg = h->args.arg};
    BIDE_TRY(bide__redis_link_start(&h->link));
    h->fetcher = bide_create_task(bide_coro(keep, h, fetch_some), .name = "redis fetcher");
    h->leaser = h->fetcher ? bide_create_task(bide_coro(keep, h, bide__redis_lease_step), .name = "redis leases") : NULL;
    h->listener = h->leaser ? bide_create_task(bide_coro(keep, h, bide__redis_cancel_step),
                                               .name = "redis cancellations")
                            : NULL;
    return h->listener ? 0 : bide_error_code();
}

static void free_all(struct list_node *list)
{
    while (!bide__list_is_empty(list)) {
        struct held *x = container_of(list->next, struct held, node);
        if (x->job) {
            x->job->on_done = NULL;
            x->job->out = NULL;
            bide_future_cancel(&x->job->future);
        }
        bide__redis_held_free(x);
    }
}

static void host_free(struct redis_host *h)
{
    free_all(&h->running);
    free_all(&h->finished);
    free_all(&h->sent);
    free_all(&h->left);
    bide_release(h->address.context);
    explicit_bzero(&h->address, sizeof h->address);
    bide__free(h);
}

static int wait_for_signal(struct redis_host *h, bide_signals *signals)
{
    (void)h;
    int number = bide_signals_wait(signals);

    return number < 0 ? number : 0;
}

static int wait_for_pool(struct redis_host *h)
{
    while (h->code == 0)
        BIDE_TRY(bide__wait_in_for(&h->changed, WAIT_NAMED, "a job from Redis"));
    return bide_fail(h->code, "the pool of this machine has failed");
}

/* Until cancelled, or a signal comes, or the local pool has failed. */
static int wait_for_end(struct redis_host *h)
{
    if (!h->args.until_signal)
        return wait_for_pool(h);

    bide_auto bide_signals *signals = bide_signals_open((int[]){SIGINT, SIGTERM, 0});
    if (!signals)
        return bide_raise();
    bide_auto bide_task *signalled = bide_create_task(bide_coro(wait_for_signal, h, signals), .name = "signals");
    bide_auto bide_task *failed = bide_create_task(bide_coro(wait_for_pool, h), .name = "pool");
    if (!signalled || !failed)
        return bide_raise();
    BIDE_TRY(bide_wait(((bide_task *[]){signalled, failed}), 2, .until = BIDE_FIRST_COMPLETED));
    return bide_task_done(signalled) ? bide_task_result(signalled) : bide_task_result(failed);
}

static void fill_in(bide_pool_serve_args *a)
{
    int slots = 2 * 16 * bide_pool_size(a->pool);

    a->slots = a->slots ? a->slots : slots < REDIS_SLOTS_MAX ? slots : REDIS_SLOTS_MAX;
    a->lease_ms = a->lease_ms ? a->lease_ms : 30000;
    a->max_deliveries = a->max_deliveries ? a->max_deliveries : 3;
    a->close_ms = a->close_ms ? a->close_ms : 10000;
}

static void name_host(struct redis_host *h)
{
    char host[65] = "host";
    uint32_t random;

    gethostname(host, sizeof host - 1);
    bide__random_bytes(&random, sizeof random);
    snprintf(h->id, sizeof h->id, "%s:%d:%08x", host, (int)getpid(), random);
    snprintf(h->lease, sizeof h->lease, "%lld", (long long)h->args.lease_ms);
    bide__redis_key(h->jobs_key, &h->address, "jobs");
    bide__redis_key(h->dead_key, &h->address, "dead");
    bide__redis_key(h->cancelled_key, &h->address, "cancelled");
}

static void report_serving(struct redis_host *h)
{
    char text[500];

    snprintf(text, sizeof text, "serving %s at Redis at %s: %d worker%s, %d jobs at once", h->address.name,
             h->address.shown, bide_pool_size(h->pool), bide_pool_size(h->pool) == 1 ? "" : "s", h->args.slots);
    if (h->args.on_event)
        h->args.on_event(&(bide_pool_event){.kind = BIDE_POOL_SERVING, .text = text}, h->args.arg);
}

static int serve(struct redis_host *h)
{
    fill_in(&h->args);
    BIDE_TRY(bide__redis_address(&h->address, h->args.redis, h->args.name));
    BIDE_TRY(bide__named_check());
    h->address.context = h->args.tls ? bide_retain(h->args.tls) : NULL;
    h->pool = h->args.pool;
    name_host(h);
    int code = begin_tasks(h);
    if (code == 0) {
        report_serving(h);
        code = wait_for_end(h);
    }
    bide__redis_shutdown(h);
    return code;
}

int bide__redis_serve(const bide_pool_serve_args *args)
{
    struct redis_host *h = bide__calloc(1, sizeof *h);
    if (!h)
        return bide__fail_nomem("a worker host");

    h->args = *args;
    h->loop = bide__loop_here;
    h->round = 1;
    struct list_node *const lists[] = {&h->running, &h->finished, &h->sent, &h->left, &h->room, &h->changed};
    for (size_t i = 0; i < array_len(lists); i++)
        bide__list_init(lists[i]);
    int code = serve(h);
    host_free(h);
    return code;
}
