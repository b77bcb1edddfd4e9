/* SPDX-License-Identifier: MIT */
/*
 * redis_host.c - a worker host: takes jobs from Redis, runs them in a pool of this machine, sends results back.
 *
 *     fetcher: XREADGROUP as many as slots are free --> running --> finished --> sent --> confirmed: forgotten
 *
 * A result is held until Redis has confirmed it, and sent again after a broken connection; the script that takes it
 * looks whether the job is still to be done, so a second time does no harm.  The slots are counted until then: a host
 * that cannot deliver takes nothing new.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "pool/redis.h"

#define SLOTS_MAX 4096
#define BATCH 60 /* answers in one script: five arguments each */
#define BATCH_BYTES ((size_t)1 << 20)

/*
 * Who acknowledges the job writes its result, in one step.  The acknowledgement frees memory and comes first, so a full
 * Redis still takes results.
 *
 * KEYS: jobs, dead, results...; ARGV: five for each answer: entry, index of its key, meta, bytes, story ("!" in front of
 * the meta: keep it among the dead).
 */
static const char done_script[] =
    "for i = 1, #ARGV, 5 do "
    "  local id, key, meta = ARGV[i], KEYS[tonumber(ARGV[i + 1])], ARGV[i + 2] "
    "  if redis.call('XACK', KEYS[1], 'w', id) == 1 then "
    "    if string.sub(meta, 1, 1) == '!' then "
    "      meta = string.sub(meta, 2) "
    "      local e = redis.call('XRANGE', KEYS[1], id, id) "
    "      if #e == 1 then redis.call('XADD', KEYS[2], 'MAXLEN', '~', '10000', '*', unpack(e[1][2])) end "
    "    end "
    "    redis.call('XDEL', KEYS[1], id) "
    "    if ARGV[i + 4] == '' then "
    "      redis.call('XADD', key, 'NOMKSTREAM', '*', 'm', meta, 'a', ARGV[i + 3]) "
    "    else "
    "      redis.call('XADD', key, 'NOMKSTREAM', '*', 'm', meta, 'e', ARGV[i + 4]) "
    "    end "
    "  end "
    "end "
    "return 0";

/* ---- sending answers ---- */

static struct held *first_of(struct list_node *list)
{
    return container_of(list->next, struct held, node);
}

void bide__redis_held_free(struct held *x)
{
    struct redis_host *h = x->host;

    bide__list_remove(&x->node);
    if (x->job) {
        x->job->on_done = NULL;
        bide__object_unref(x->job);
    }
    bide__free(x->out);
    bide__free(x->story);
    bide__free(x);
    h->nheld--;
    bide__wake_all(h->loop, &h->room);
    if (bide__list_is_empty(&h->running) && bide__list_is_empty(&h->finished) && bide__list_is_empty(&h->sent))
        bide__wake_all(h->loop, &h->changed);
}

/* The first n that were sent have arrived. */
static int on_done_reply(void *owner, uint64_t n, const redisReply *r)
{
    struct redis_host *h = owner;
    int code = bide__redis_code(&h->address, r, "sending results");

    for (; code == 0 && n > 0 && !bide__list_is_empty(&h->sent); n--)
        bide__redis_held_free(first_of(&h->sent));
    return code;
}

static bide_bytes bytes_of(const struct held *x)
{
    if (x->out)
        return (bide_bytes){x->out, x->call.out_len};
    return x->job && x->answer.code >= 0 ? bide_pool_result(&x->job->future) : (bide_bytes){"", 0};
}

struct batch {
    struct redis_command command;
    char keys[BATCH][REDIS_KEY_MAX];
    char ids[BATCH][REDIS_ID_MAX], metas[BATCH][REDIS_META_MAX], index[BATCH][8];
    char nkeys_text[8];
    unsigned n, nkeys;
    size_t bytes;
};

/* Which of KEYS is the stream of its client? */
static unsigned key_of(struct redis_host *h, struct batch *b, const struct held *x)
{
    char key[REDIS_KEY_MAX];
    unsigned i = 0;

    snprintf(key, sizeof key, "bide:{%s}:results:%s", h->address.name, x->call.client);
    while (i < b->nkeys && strcmp(b->keys[i], key) != 0)
        i++;
    if (i == b->nkeys)
        memcpy(b->keys[b->nkeys++], key, sizeof key);
    return i + 3; /* Lua counts from 1; two others stand before */
}

static void add_texts(struct redis_host *h, struct batch *b, struct held *x)
{
    bide__redis_id_write(b->ids[b->n], x->id);
    snprintf(b->index[b->n], sizeof b->index[0], "%u", key_of(h, b, x));
    b->metas[b->n][0] = '!';
    bide__redis_answer_write(b->metas[b->n] + x->dead, REDIS_META_MAX - 1, &x->answer);
    b->bytes += bytes_of(x).len + x->story_len;
    b->n++;
}

static void build(struct redis_host *h, struct batch *b)
{
    struct list_node *n = h->finished.next;
    struct redis_command *c = &b->command;
    b->n = b->nkeys = 0;
    b->bytes = c->n = 0;

    for (; n != &h->finished && b->n < BATCH && b->bytes < BATCH_BYTES; n = n->next)
        add_texts(h, b, container_of(n, struct held, node));
    snprintf(b->nkeys_text, sizeof b->nkeys_text, "%u", b->nkeys + 2);
    bide__redis_text(c, "EVAL");
    bide__redis_arg(c, done_script, sizeof done_script - 1);
    bide__redis_text(c, b->nkeys_text);
    bide__redis_text(c, h->jobs_key);
    bide__redis_text(c, h->dead_key);
    for (unsigned i = 0; i < b->nkeys; i++)
        bide__redis_text(c, b->keys[i]);
    n = h->finished.next;
    for (unsigned i = 0; i < b->n; i++, n = n->next) {
        const struct held *x = container_of(n, struct held, node);
        bide_bytes bytes = bytes_of(x);
        bide__redis_text(c, b->ids[i]);
        bide__redis_text(c, b->index[i]);
        bide__redis_text(c, b->metas[i]);
        bide__redis_arg(c, bytes.data, bytes.len);
        bide__redis_arg(c, x->story ? x->story : "", x->story_len);
    }
}

void bide__redis_fill_answers(struct redis_host *h)
{
    struct batch *b = bide__list_is_empty(&h->finished) ? NULL : bide__malloc(sizeof *b);

    while (b && !bide__list_is_empty(&h->finished)) {
        build(h, b);
        if (!bide__redis_put(&h->link, &b->command, on_done_reply, b->n))
            break;
        for (unsigned i = 0; i < b->n; i++) {
            struct held *x = first_of(&h->finished);
            bide__list_remove(&x->node);
            bide__list_append(&h->sent, &x->node);
            x->state = HELD_SENT;
        }
    }
    bide__free(b);
}

void bide__redis_answers_lost(struct redis_host *h)
{
    for (struct list_node *n = h->sent.next; n != &h->sent; n = n->next)
        container_of(n, struct held, node)->state = HELD_FINISHED;
    bide__list_splice(&h->finished, &h->sent);
}

static void fill(void *owner)
{
    bide__redis_fill_answers(owner);
}

static void lost(void *owner)
{
    bide__redis_answers_lost(owner);
}

static const struct redis_link_ops link_ops = {.fill = fill, .lost = lost};

/* ---- a job is done ---- */

static void finish(struct held *x)
{
    x->state = HELD_FINISHED;
    bide__list_remove(&x->node);
    bide__list_append(&x->host->finished, &x->node);
    bide__redis_kick(&x->host->link);
}

static void tell_story(struct held *x, const char *text, const char *trace)
{
    size_t len = strlen(text) + strlen(trace) + 2;
    x->story = bide__malloc(len);
    if (!x->story)
        return; /* the code alone, then */

    x->story_len = len;
    strcpy(x->story, text);
    strcpy(x->story + strlen(text) + 1, trace);
}

static void fail(struct held *x, int code, const char *text)
{
    x->answer.code = code;
    tell_story(x, text, "");
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
    tell_story(x, text, f ? f->trace : "");
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

static void on_done(struct job *j, void *arg)
{
    struct held *x = arg;
    struct redis_host *h = x->host;

    j->future.was_retrieved = true;
    if (x->taken) {
        bide__redis_held_free(x);
        return;
    }
    x->answer.code = j->future.result;
    x->answer.run_ns = bide__clock_ns() - x->began_ns;
    if (was_not_run(j->future.result)) {
        x->state = HELD_LEFT;
        bide__list_remove(&x->node);
        bide__list_append(&h->left, &x->node);
        h->code = j->future.result;
        bide__wake_all(h->loop, &h->changed);
        return;
    }
    if (j->future.result < 0) {
        bide__free(x->out);
        x->out = NULL;
        note_failure(x, j);
    }
    finish(x);
}

static void on_progress(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    struct held *x = arg;
    struct redis_answer a = {.job = x->call.job, .kind = 'p', .done = done, .total = total};
    char key[REDIS_KEY_MAX], meta[REDIS_META_MAX];
    struct redis_command c;
    (void)f;

    snprintf(key, sizeof key, "bide:{%s}:results:%s", x->host->address.name, x->call.client);
    bide__redis_answer_write(meta, sizeof meta, &a);
    const char *const words[] = {"XADD", key, "NOMKSTREAM", "*", "m", meta, "a"};
    c.n = 0;
    for (size_t i = 0; i < array_len(words); i++)
        bide__redis_text(&c, words[i]);
    bide__redis_arg(&c, part.data, part.len);
    bide__redis_put(&x->host->link, &c, NULL, 0); /* while the connection is away, progress is not told */
}

/* ---- beginning one ---- */

static int submit(struct held *x, const bide_pool_named *named, const struct redis_entry *e)
{
    const char *in = e->argument ? e->argument->str : "";
    size_t len = e->argument ? (size_t)e->argument->len : 0;
    bide_pool_call_args args = {.timeout_ms = x->call.timeout_ms, .idempotent = x->call.idempotent, .nowait = true};

    if (x->call.shape == BIDE_JOB_TEXT && (len == 0 || in[len - 1] != '\0'))
        return bide_fail(-EBADMSG, "its argument is not a text");
    if (x->call.has_out) {
        x->out = bide__calloc(1, x->call.out_len + 1);
        if (!x->out)
            return bide__fail_nomem("a result");
    }
    args.job = (bide_job){.fn = named->fn, .name = named->name, .shape = (enum bide_job_shape)x->call.shape, .in = in,
                          .in_len = len, .has_out = x->call.has_out, .out = x->out, .out_len = x->call.out_len};
    if (x->call.wants_progress) {
        args.on_progress = on_progress;
        args.arg = x;
    }
    x->job = bide__pool_submit(x->host->pool, &args, -1);
    if (!x->job)
        return bide_error_code();
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
    char text[256];

    if (is_poison(h, e)) {
        snprintf(text, sizeof text, "%d hosts took it and vanished; it is kept in %s", h->args.max_deliveries, h->dead_key);
        x->dead = true;
        fail(x, BIDE_EWORKER, text);
    } else if (!named) {
        snprintf(text, sizeof text, "host %s does not know it: write BIDE_POOL_TASK(%.64s); in its program", h->id, f ? f->str : "");
        fail(x, BIDE_EFUNCTION, text);
    } else if (submit(x, named, e) < 0) {
        int code = bide_error_code();
        snprintf(text, sizeof text, "%.200s", bide_error_text());
        bide_error_clear();
        if (was_not_run(code)) {
            h->code = code;
            x->state = HELD_LEFT;
            bide__list_remove(&x->node);
            bide__list_append(&h->left, &x->node);
            bide__wake_all(h->loop, &h->changed);
        } else {
            fail(x, code, text);
        }
    }
}

void bide__redis_take(struct redis_host *h, const struct redis_entry *e)
{
    struct held *x = held_new(h, e);
    if (!x)
        return;

    x->answer = (struct redis_answer){.kind = 'r', .exit_code = -1, .attempt = e->deliveries > 0 ? (int)e->deliveries : 1};
    if (!bide__redis_call_read(&x->call, e->meta)) {
        snprintf(x->call.client, sizeof x->call.client, "nobody");
        x->dead = true;
        fail(x, -EBADMSG, "not a job");
        return;
    }
    x->answer.job = x->call.job;
    begin(x, e);
}

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
        BIDE_TRY(h->link.open ? bide__wait_in(&h->room, NULL) : bide_sleep_ms(20));

    snprintf(count, sizeof count, "%u", free_slots(h));
    redisReply *r = REDIS_ASK(conn, REDIS_QUIET_MS, "XREADGROUP", "GROUP", REDIS_GROUP, h->id, "COUNT", count, "BLOCK",
                              REDIS_WAIT_MS, "STREAMS", h->jobs_key, ">");
    if (!r)
        return bide_error_code();
    const redisReply *entries = bide__redis_entries(r);
    for (size_t i = 0; entries && i < entries->elements; i++)
        if (bide__redis_entry_read(&e, entries->element[i]))
            bide__redis_take(h, &e);
    freeReplyObject(r);
    return 0;
}

static int fetch(struct redis_host *h)
{
    unsigned attempt = 0;

    for (;;) {
        struct redis_conn *conn = bide__redis_open(&h->address);
        int code = conn ? 0 : bide_error_code();
        while (code == 0) {
            code = fetch_some(h, conn);
            attempt = code == 0 ? 0 : attempt;
        }
        bide__redis_close(conn);
        if (code == BIDE_ECANCELED)
            return code;
        if (attempt == 0)
            bide__redis_tell_refused(&h->link);
        bide_error_clear();
        code = bide__redis_back_off(&attempt);
        if (code < 0)
            return code;
    }
}

/* ---- life ---- */

static int begin_tasks(struct redis_host *h)
{
    struct redis_conn *conn = bide__redis_open(&h->address); /* what is wrong now is an error; later it passes */
    if (!conn)
        return bide_error_code();
    bide__redis_close(conn);

    h->link = (struct redis_link){.address = &h->address, .ops = &link_ops, .owner = h, .on_event = h->args.on_event,
                                  .event_arg = h->args.arg};
    BIDE_TRY(bide__redis_link_start(&h->link));
    h->fetcher = bide_create_task(bide_coro(fetch, h), .name = "redis fetcher");
    h->leaser = h->fetcher ? bide_create_task(bide_coro(bide__redis_lease_main, h), .name = "redis leases") : NULL;
    return h->leaser ? 0 : bide_error_code();
}

static bool has_jobs(const struct redis_host *h)
{
    return !bide__list_is_empty(&h->running) || !bide__list_is_empty(&h->finished) || !bide__list_is_empty(&h->sent);
}

/* No new ones; those that run are finished and told of, within close_ms; the rest goes back. */
static void leave(struct redis_host *h)
{
    h->leaving = true;
    bide_release(h->fetcher);
    h->fetcher = NULL;
    bide_timeout(h->code < 0 ? 0 : h->args.close_ms) {
        while (has_jobs(h) && h->code == 0)
            if (bide__wait_in(&h->changed, NULL) < 0)
                break;
    }
    bide_release(h->leaser);
    h->leaser = NULL;
    bide__redis_fill_answers(h);
    bide__redis_settle(&h->link, 1000);
    bide__redis_give_back(h);
    bide__redis_link_stop(&h->link);
}

static void free_all(struct list_node *list)
{
    while (!bide__list_is_empty(list)) {
        struct held *x = first_of(list);
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
        BIDE_TRY(bide__wait_in(&h->changed, NULL));
    return bide_fail(h->code, "the pool of this machine has failed");
}

/* Until cancelled, told by a signal, or nothing can be run any more. */
static int wait_for_end(struct redis_host *h)
{
    if (!h->args.until_signal)
        return wait_for_pool(h);

    bide_auto bide_signals *signals = bide_signals_open((int[]){SIGINT, SIGTERM, 0});
    if (!signals)
        return bide_raise();
    bide_auto bide_task *told = bide_create_task(bide_coro(wait_for_signal, h, signals), .name = "signals");
    bide_auto bide_task *failed = bide_create_task(bide_coro(wait_for_pool, h), .name = "pool");
    if (!told || !failed)
        return bide_raise();
    BIDE_TRY(bide_wait(((bide_task *[]){told, failed}), 2, .until = BIDE_FIRST_COMPLETED));
    return bide_task_done(told) ? bide_task_result(told) : bide_task_result(failed);
}

static int check_args(bide_pool_serve_args *a)
{
    if (a->slots == 0)
        a->slots = 2 * 16 * bide_pool_size(a->pool);
    if (a->slots > SLOTS_MAX)
        a->slots = SLOTS_MAX;
    a->lease_ms = a->lease_ms ? a->lease_ms : 30000;
    a->max_deliveries = a->max_deliveries ? a->max_deliveries : 3;
    a->close_ms = a->close_ms ? a->close_ms : 10000;
    if (a->slots < 1 || a->lease_ms < 30 || a->max_deliveries < 1)
        return bide_fail(-EINVAL, "bide_pool_serve: slots and max_deliveries are 1 or more, lease_ms 30 or more");
    if (a->pool->redis)
        return bide_fail(-EINVAL, "bide_pool_serve: .pool is over Redis itself: it needs one of this machine");
    return bide__pool_check(a->pool, "bide_pool_serve");
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
}

static int serve(struct redis_host *h)
{
    BIDE_TRY(check_args(&h->args));
    BIDE_TRY(bide__redis_address(&h->address, h->args.redis, h->args.name));
    BIDE_TRY(bide__named_check());
    h->address.context = h->args.tls ? bide_retain(h->args.tls) : NULL;
    h->pool = h->args.pool;
    name_host(h);
    int code = begin_tasks(h);
    if (code == 0)
        code = wait_for_end(h);
    leave(h);
    return code;
}

static int serve_in(bide_pool_serve_args args)
{
    struct redis_host *h = bide__calloc(1, sizeof *h);
    if (!h)
        return bide__fail_nomem("a worker host");

    h->args = args;
    h->loop = bide__loop_here;
    h->round = 1;
    struct list_node *const lists[] = {&h->running, &h->finished, &h->sent, &h->left, &h->room, &h->changed};
    for (size_t i = 0; i < array_len(lists); i++)
        bide__list_init(lists[i]);
    int code = serve(h);
    host_free(h);
    return code;
}

/* Started by `bide worker`, and the program does not want to hear of it. */
static void print_event(const bide_pool_event *e, void *arg)
{
    (void)arg;
    fprintf(stderr, "bide worker: %s\n", e->text);
}

int bide_pool_serve_with(bide_pool_serve_args args)
{
    if (!bide__task_required("bide_pool_serve"))
        return BIDE_ENOLOOP;
    if (!args.redis) {
        args.redis = getenv("BIDE_REDIS");
        args.name = args.name ? args.name : getenv("BIDE_REDIS_NAME");
        args.until_signal = true;
        args.on_event = args.on_event ? args.on_event : print_event;
    }
    if (!args.redis)
        return bide_fail(-EINVAL, "bide_pool_serve: no URL, and not started by `bide worker` ($BIDE_REDIS)");
    if (args.pool)
        return serve_in(args);

    bide_auto bide_pool *pool = bide_pool_new(.close_ms = 100);
    if (!pool)
        return bide_raise();
    args.pool = pool;
    return serve_in(args);
}
