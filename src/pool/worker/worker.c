/* SPDX-License-Identifier: MIT */
/*
 * worker.c - a worker from inside: a loop of its own, from configuration to "bye".
 *
 * It reads its configuration, which lies in its lane before it is born, runs init, says that it is ready, and serves
 * its lanes (lanes.c) until an order says stop; then the calls that are there, fini, and "bye".  A process that cannot
 * go on just ends: the program sees that, and makes another one.
 */
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "pool/worker/worker.h"

/* The program is gone, or wants us gone. */
static void ctl_readable(struct ready *r)
{
    struct worker *w = container_of(r, struct worker, ctl_watch.ready);

    w->ctl.readable = false;
    if (w->birth.kind != BIDE_POOL_THREAD && bide__peer_is_gone(w->ctl.fd))
        _exit(0);
    bide__watch_again(&w->ctl_watch, &w->ctl);
}

static int store(struct stored_job *s, const struct record *r, const char *payload)
{
    s->record = *r;
    s->payload = bide__malloc(r->len + 1);
    if (!s->payload)
        return bide__fail_nomem("a worker");
    memcpy(s->payload, payload, r->len);
    return 0;
}

/* What was put into the lane before we were born. */
static int read_config(struct worker *w)
{
    struct lane *l = &w->segment.calls;
    struct record r;
    const char *payload;
    int code = 0;

    while (code == 0 && bide__lane_peek(l, &r, &payload) == 1) {
        if (r.kind == REC_CONFIG)
            memcpy(&w->config, payload, sizeof w->config);
        else if (r.kind == REC_INIT || r.kind == REC_FINI)
            code = store(r.kind == REC_INIT ? &w->init : &w->fini, &r, payload);
        bide__lane_pop(l, &r);
        if (r.kind == REC_GO)
            break;
    }
    return code;
}

static int run_stored(struct stored_job *s)
{
    if (!s->payload)
        return 0;
    size_t name = s->record.flags & BY_NAME ? (size_t)s->record.fn : 0;
    return bide__call_record(&s->record, s->payload, s->payload + name, s->record.len - name, NULL);
}

static void say_bye(struct worker *w, int code)
{
    char details[1024];
    size_t n = code < 0 ? bide__error_details(code, details, sizeof details) : 0;

    w->said_bye = true;
    if (w->lost) /* without a "bye", as a process that was killed */
        return;
    fflush(stdout);
    bide__worker_answer(w, &(struct record){.kind = REC_BYE, .code = code}, details, n);
}

static void end_runners(struct worker *w)
{
    for (struct runner *r = w->runners, *next; r; r = next) {
        next = r->next;
        bide_release(r->task);
        bide__free(r->in);
        bide__free(r->reply);
        bide__free(r);
    }
    w->runners = NULL;
}

static bool has_work(struct worker *w)
{
    return w->nbusy > 0 || !bide__lane_is_empty(&w->segment.calls);
}

static int serve(struct worker *w)
{
    int code = run_stored(&w->init);
    if (code < 0)
        return code;

    bide_error_clear();
    bide__worker_answer(w, &(struct record){.kind = REC_READY, .fn = (uint64_t)w->pid}, NULL, 0);
    w->open = true;
    while (!w->lost && (!w->stopping || has_work(w)))
        bide__wait_in_for(&w->ended, WAIT_NAMED, "the end of its jobs");
    w->open = false;
    end_runners(w);
    code = run_stored(&w->fini);
    return code < 0 ? code : 0;
}

static int open_loop(struct worker *w)
{
    w->loop = bide__loop_here;
    BIDE_TRY(bide__fd_open(&w->bell, w->birth.bell));
    BIDE_TRY(bide__fd_open(&w->ctl, w->birth.ctl));
    w->birth.ctl = -1; /* the loop's */
    BIDE_TRY(bide__watch_open(&w->ctl_watch, &w->ctl, ctl_readable));
    w->inner = w->loop->poller_ops;
    w->poller = *w->inner;
    w->poller.wait = bide__worker_wait;
    w->poller.only_descriptors = false;
    bide__set_poller(w->loop, &w->poller);
    w->loop->mirror = &w->segment.shared->current;
    return 0;
}

static void close_loop(struct worker *w)
{
    if (w->inner)
        bide__set_poller(w->loop, w->inner);
    w->loop->mirror = NULL;
    if (bide__fd_is_open(&w->ctl)) {
        bide__watch_close(&w->ctl_watch, &w->ctl);
        bide__fd_close(&w->ctl);
    }
    if (bide__fd_is_open(&w->bell))
        bide__fd_detach(&w->bell);
}

/*
 * A job has ended our thread, but we are on the way out of its function still, on its task's stack.  What that task has is lost,
 * and so are the jobs beside it, as in a process: they are cancelled.  The program sees from `current` whose fault it was.
 */
static _Noreturn void thread_ended(struct worker *w)
{
    struct runner *r = bide__runner_here();
    int code = bide_fail(BIDE_EWORKER, "it ended its thread (pthread_exit or pthread_cancel)");

    if (r) {
        w->lost = true;
        w->loop->mirror = NULL;
        bide__runner_lost(r);
        bide__wake_all(w->loop, &w->ended);
    } else { /* init or fini, in the body itself */
        say_bye(w, code);
        close_loop(w);
    }
    bide__task_end_here(code);
}

static int worker_body(struct worker *w)
{
    int code = open_loop(w);

    if (code == 0)
        code = serve(w);
    say_bye(w, code);
    close_loop(w);
    return code;
}

static void pin(int cpu)
{
    cpu_set_t set;
    if (cpu < 0)
        return;

    CPU_ZERO(&set);
    CPU_SET((unsigned)cpu, &set);
    sched_setaffinity(0, sizeof set, &set); /* for a thread: this thread; a processor that went away is no reason to fail */
}

static void worker_init(struct worker *w, const struct birth *b)
{
    w->birth = *b;
    w->pid = getpid();
    w->generation = bide__fork_generation();
    w->ctl.fd = w->bell.fd = -1;
    w->arena = b->arena_base;
    w->thread_ended = thread_ended;
    bide__list_init(&w->idle);
    bide__list_init(&w->room);
    bide__list_init(&w->senders);
    bide__list_init(&w->ended);
    bide__worker_here = w;
    pin(b->cpu);
}

static void worker_free(struct worker *w)
{
    bide__free(w->init.payload);
    bide__free(w->fini.payload);
    bide__free(w->cancelled);
    if (w->birth.ctl >= 0)
        close(w->birth.ctl);
    bide__worker_here = NULL;
    bide__free(w);
}

/* A thread that never became a worker reports that itself; for a process, its pidfd does. */
static void say_not_born(const struct birth *b, int code)
{
    struct segment s;
    const char *why = bide_strerror(code);
    if (b->kind != BIDE_POOL_THREAD)
        return;

    bide__segment_share(&s, b->segment, b->ring_bytes, b->concurrency);
    bide__lane_put(&s.answers, &(struct record){.kind = REC_BYE, .code = code}, why, strlen(why) + 1, NULL, 0);
    bide__lane_publish(&s.answers);
}

void bide__worker_say_gone(const struct birth *b)
{
    if (b->kind != BIDE_POOL_THREAD)
        return;
    atomic_store(&b->segment->shared->gone, 1);
    bide__ring_bell(b->our_bell);
}

int bide__worker_main(const struct birth *b)
{
    prctl(PR_SET_NAME, "bide-worker"); /* a process or a thread, for top and for debuggers */
    struct worker *w = bide__calloc(1, sizeof *w);
    int code = w ? 0 : BIDE_ENOMEM;
    if (code < 0) {
        say_not_born(b, code);
        close(b->ctl);
        bide__worker_say_gone(b);
        return 1;
    }

    worker_init(w, b);
    if (b->kind == BIDE_POOL_THREAD)
        bide__segment_share(&w->segment, b->segment, b->ring_bytes, b->concurrency);
    else
        code = bide__segment_attach(&w->segment, b->memory, b->ring_bytes, b->concurrency);
    if (code == 0)
        code = read_config(w);
    bide__spin_init(&w->spin);
    if (code == 0)
        code = bide_run(bide_coro(worker_body, w));
    bide_error_clear();
    if (b->kind != BIDE_POOL_THREAD)
        bide__recording_at_exit(); /* there is none */
    if (!w->said_bye)
        say_not_born(b, code < 0 ? code : BIDE_ENOMEM);
    worker_free(w);
    bide__worker_say_gone(b);
    return code < 0;
}
