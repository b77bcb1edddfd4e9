/* SPDX-License-Identifier: MIT */
/*
 * pool_shm.c - fuzz target: the memory that a pool shares with a worker, with a worker that writes what it likes.
 *
 * The input is a script for both sides.  The program submits jobs, looks at the lanes, cancels, lets deadlines pass; the
 * worker writes records with any content, and any bytes anywhere in what is shared, positions of the lanes included.  At the end the worker dies.
 * Whatever it wrote, the program must stay in its own memory (AddressSanitizer), every future must be settled, and nothing
 * be left in the pool's tables.
 */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool/pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define JOBS_MAX 24
#define RING     (64u << 10)

struct script {
    const uint8_t *at, *end;
};

struct play {
    struct script in;
    bide_pool *pool;
    struct proxy *worker;
    struct lane answers; /* the worker's end */
    int ctl;             /* likewise */
    bide_future *jobs[JOBS_MAX];
    unsigned njobs;
};

static volatile unsigned seen; /* so that what is read is read */

static void must(bool true_thing)
{
    if (!true_thing)
        abort();
}

static uint8_t byte(struct script *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

static void bytes(struct script *s, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = byte(s);
}

/* ---- the program ---- */

struct point {
    int64_t x, y;
};
struct large {
    char bytes[26000];
};

static int of_point(const struct point *in, struct point *out)
{
    *out = *in;
    return 0;
}

static int of_bytes(bide_bytes in)
{
    return (int)in.len;
}

static int of_large(const struct large *in, struct large *out)
{
    *out = *in;
    return 0;
}

static void on_progress(bide_future *f, uint64_t done, uint64_t total, bide_bytes part, void *arg)
{
    unsigned *sum = arg;

    (void)f, (void)done, (void)total;
    for (size_t i = 0; i < part.len; i++)
        *sum += (unsigned char)part.data[i];
}

static void submit(struct play *p, unsigned how)
{
    static struct point in = {1, 2}, out;
    static struct large large, large_out;
    static unsigned sum;
    bide_job job = how % 4 == 0   ? bide_job(of_point, &in, &out)
                   : how % 4 == 1 ? bide_job_bytes(of_bytes, ((bide_bytes){large.bytes, how * 100}))
                   : how % 4 == 2 ? bide_job(of_large, &large, &large_out)
                                  : bide_job(of_point, &in, (struct point *)NULL);
    if (p->njobs == JOBS_MAX)
        return;

    bide_future *f = bide_pool_submit(p->pool, job, .nowait = true, .timeout_ms = 1000, .idempotent = how & 64,
                                      .on_progress = on_progress, .arg = &sum);
    if (f)
        p->jobs[p->njobs++] = f;
    bide_error_clear();
}

static struct job *some_job(struct play *p, unsigned which)
{
    return p->njobs > 0 ? bide__job_of(p->jobs[which % p->njobs]) : NULL;
}

static void look(struct play *p)
{
    bide__local_turn(p->pool);
    bide__local_could_dispatch(p->pool);
    bide_error_clear();
}

/* What a result says it is must be there. */
static void read_result(const bide_future *f)
{
    bide_bytes b = bide_pool_result(f);
    char copy[4096];

    memcpy(copy, b.data, b.len < sizeof copy ? b.len : sizeof copy);
    if (b.len > 0)
        seen += (unsigned char)b.data[b.len - 1] + (unsigned char)copy[0];
    if (bide_pool_failure_of(f))
        seen += (unsigned)strlen(bide_pool_failure_of(f)->trace);
}

/* ---- the worker ---- */

/* A record; by its first byte of a job that there is, or whatever the script says. */
static void say(struct play *p)
{
    struct record r;
    char payload[300];
    uint8_t how = byte(&p->in), len = byte(&p->in);
    struct job *j = some_job(p, how & 31);

    bytes(&p->in, &r, sizeof r);
    memset(payload, how, sizeof payload);
    bytes(&p->in, payload, len);
    if (!(how & 128) && j)
        r.id = j->id;
    if (!(how & 64))
        r.kind = (uint16_t)(REC_READY + r.kind % (REC_KINDS - REC_READY));
    if (!(how & 32))
        r.nfds = 0;
    p->answers.other = atomic_load(&p->worker->segment.shared->answers.head);
    if (p->answers.mine - p->answers.other > p->answers.size)
        return; /* it has written over its own position */
    bide__lane_put(&p->answers, &r, payload, len, NULL, 0);
    bide__lane_publish(&p->answers);
}

static void scribble(struct play *p)
{
    struct segment *s = &p->worker->segment;
    size_t at = byte(&p->in) * 8u, n = byte(&p->in) % 32;

    at += (size_t)byte(&p->in) << 11;
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)s->shared)[(at + i) % s->bytes] = byte(&p->in);
}

static void begin_all(struct play *p)
{
    struct lane_shared *calls = &p->worker->segment.shared->calls;

    atomic_store(&calls->head, atomic_load(&calls->tail));
}

static void send_message(struct play *p)
{
    struct job *j = some_job(p, byte(&p->in));
    struct fd_message m = {.id = j ? j->id : 1};
    int fds[] = {p->ctl, p->ctl, p->ctl};

    if (byte(&p->in) & 1)
        bytes(&p->in, &m, sizeof m);
    bide__fds_send(p->ctl, &m, fds, byte(&p->in) % 4);
}

/* ---- the play ---- */

static void step(struct play *p)
{
    uint8_t what = byte(&p->in);
    struct job *j = some_job(p, what >> 4);

    switch (what % 10) {
    case 0:
        submit(p, byte(&p->in));
        break;
    case 1:
    case 2:
        say(p);
        break;
    case 3:
        scribble(p);
        break;
    case 4:
    case 5:
        look(p);
        break;
    case 6:
        begin_all(p);
        break;
    case 7:
        send_message(p);
        break;
    case 8:
        if (j && j->stage != JOB_OVER && bide__timer_is_armed(&j->timer)) {
            bide__timer_disarm(p->pool->loop, &j->timer);
            j->sent_ns -= INT64_C(5000000000); /* as if that time had passed */
            bide__job_expire(&j->timer);
        }
        break;
    default:
        if (j && j->stage != JOB_OVER) {
            bide_future_cancel(&j->future);
            must(bide_sleep_ms(0) == 0);
        }
        break;
    }
    bide_error_clear();
}

static void never(struct timer *t)
{
    (void)t;
}

static void open_pool(struct play *p)
{
    int pair[2];
    bide_pool *pool = p->pool = bide__pool_new();
    pool->args = (bide_pool_args){.workers = 1, .concurrency = 3, .prefetch = 3, .max_pending = 16, .max_pending_bytes = 1 << 20,
                                  .ring_bytes = RING, .retries = 1, .restart_max = 3, .restart_window_ms = 1000, .grace_ms = 100,
                                  .min_workers = 1};
    pool->backend = &bide__local_backend;
    struct local_pool *l = bide__local_new(pool);
    must(l != NULL);
    bide__image_take(&l->image);
    must(bide__pool_arena_open(&pool->arena) == 0 && bide__local_add_slots(pool, 1) == 0);
    pool->state = POOL_OPEN;
    bide__timer_init(&l->retry, never);
    bide__timer_arm(pool->loop, &l->retry, 1000000); /* nobody is born here */

    struct proxy *x = p->worker = bide__proxy_new(pool, 0);
    must(bide__segment_create(&x->segment, RING, pool->args.concurrency, false) == 0);
    must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    x->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(bide__fd_open(&x->ctl, pair[0]) == 0);
    p->ctl = pair[1];
    x->pid = 1 << 30; /* nobody's */
    l->slots[0].coming = x;
    struct segment theirs;
    bide__segment_share(&theirs, &x->segment, RING, pool->args.concurrency);
    p->answers = theirs.answers;
}

static void close_pool(struct play *p)
{
    bide_pool *pool = p->pool;
    struct local_pool *l = bide__local(pool);

    look(p);
    bide__proxy_died(p->worker);
    bide__timer_disarm(pool->loop, &l->retry);
    bide__local_fail(pool, BIDE_EPOOL, "the end of the play");
    for (unsigned i = 0; i < p->njobs; i++) {
        must(bide_future_done(p->jobs[i]));
        read_result(p->jobs[i]);
        bide_release(p->jobs[i]);
    }
    must(pool->pending == 0 && bide__list_is_empty(&pool->jobs) && bide__list_is_empty(&l->proxies));
    bide__pool_note_outside(pool);
    bide__object_unref(pool);
    close(p->ctl);
    bide_error_clear();
}

static int play(const uint8_t *data, const size_t *size)
{
    struct play p = {.in = {data, data + *size}};

    open_pool(&p);
    if (*size > 0 && *data & 1) /* most are ready */
        bide__slot_take_over(p.worker);
    while (p.in.at < p.in.end)
        step(&p);
    close_pool(&p);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    must(bide_run(bide_coro(play, data, &size)) == 0);
    bide_error_clear();
    return 0;
}
