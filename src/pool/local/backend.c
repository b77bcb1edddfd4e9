/* SPDX-License-Identifier: MIT */
/*
 * backend.c - the backend whose workers are ours: processes or threads of this machine.
 *
 * A job waits in the queue, or in that of its slot, until a worker has room for it (dispatch.c).
 */
#include <sched.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "pool/local/local.h"

/* ---- is the function there? ---- */

static int check_fn(bide_pool *p, const bide_job *job)
{
    struct local_pool *l = bide__local(p);
    int code = 0;

    if (p->args.kind == BIDE_POOL_EXEC)
        code = bide__named_find(job->fn, job->name, &l->checked_name);
    else if (p->args.kind == BIDE_POOL_PROCESS || p->args.kind == BIDE_POOL_FORK)
        code = bide__image_check(&l->image, job->fn, job->name);
    if (code == 0)
        l->checked_fn = job->fn;
    return code;
}

/* Most calls are of the function that was called before. */
static int check(bide_pool *p, const bide_pool_call_args *args)
{
    return likely(args->job.fn == bide__local(p)->checked_fn) ? 0 : check_fn(p, &args->job);
}

/* ---- jobs ---- */

static void submit(struct job *j, const bide_pool_call_args *args, int slot)
{
    bide_pool *p = j->pool;
    struct local_pool *l = bide__local(p);

    bide__timer_init(&j->timer, bide__job_expire);
    if (p->args.kind == BIDE_POOL_EXEC) /* others may have been checked while this one waited for room */
        j->sent_as = l->checked_fn == j->fn ? l->checked_name : bide__named_by_fn(j->fn)->name;
    if (slot >= 0)
        j->slot = slot;
    else if (args->key != 0)
        j->slot = (int)((args->key * UINT64_C(0x9E3779B97F4A7C15) >> 32) % (uint64_t)l->nslots);
    bide__local_enqueue(p, j, false);
}

static bool cancel(struct job *j)
{
    if (!j->proxy)
        return false;
    bide__proxy_order(j->proxy, REC_CANCEL, j->id, 0, 0, 0);
    return true;
}

static void forget(struct job *j)
{
    bide__timer_disarm(j->pool->loop, &j->timer);
    bide__proxy_unassign(j);
}

/* ---- opening ---- */

static int copy_job(bide_job *job, char **copy)
{
    if (!job->fn || job->shape == BIDE_JOB_NONE)
        return 0;
    if (job->shape == BIDE_JOB_TEXT)
        job->in_len = strlen(job->in) + 1;
    *copy = bide__malloc(job->in_len + 1);
    if (!*copy)
        return bide__fail_nomem("a pool");
    memcpy(*copy, job->in, job->in_len);
    job->in = *copy;
    return 0;
}

static int copy_program(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    if (!p->args.program)
        return 0;

    l->program = bide__malloc(strlen(p->args.program) + 1);
    if (!l->program)
        return bide__fail_nomem("a pool");
    p->args.program = strcpy(l->program, p->args.program);
    return 0;
}

/* The processors to pin to: those given, or those that we may use. */
static int copy_cpus(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    cpu_set_t set;
    if (!p->args.cpus && p->args.pin == BIDE_PIN_NONE)
        return 0;
    l->cpus = bide__calloc(CPU_SETSIZE, sizeof *l->cpus);
    if (!l->cpus)
        return bide__fail_nomem("a pool");
    for (; p->args.cpus && l->ncpus < CPU_SETSIZE && p->args.cpus[l->ncpus] >= 0; l->ncpus++)
        l->cpus[l->ncpus] = p->args.cpus[l->ncpus];
    if (!p->args.cpus && sched_getaffinity(0, sizeof set, &set) == 0)
        for (int i = 0; i < CPU_SETSIZE; i++)
            if (CPU_ISSET((unsigned)i, &set))
                l->cpus[l->ncpus++] = i;
    return 0;
}

static int open_bell(bide_pool *p)
{
    int fd = bide__fd_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (fd < 0)
        return bide_fail(-errno, "a pool's bell: %s", bide_strerror(-errno));
    int code = bide__fd_open(&bide__local(p)->bell, fd);
    if (code < 0)
        close(fd);
    return code;
}

/* What the workers have, and whether init and fini are there. */
static int check_jobs(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    if (p->args.kind == BIDE_POOL_PROCESS)
        BIDE_TRY(bide__zygote_prepare());
    if (p->args.kind == BIDE_POOL_PROCESS)
        bide__zygote_image(&l->image);
    if (p->args.kind == BIDE_POOL_FORK)
        bide__image_take(&l->image);
    const bide_job *const own[] = {&p->args.init, &p->args.fini};
    for (size_t i = 0; i < array_len(own); i++)
        if (own[i]->fn) {
            BIDE_TRY(bide__job_check_spec(own[i]));
            BIDE_TRY(check_fn(p, own[i]));
        }
    return 0;
}

struct local_pool *bide__local_new(bide_pool *p)
{
    struct local_pool *l = p->own = bide__calloc(1, sizeof *l);
    if (!l) {
        bide__fail_nomem("a pool");
        return NULL;
    }
    l->pool = p;
    l->most_given = p->args.max_jobs > 0 ? p->args.max_jobs : UINT64_MAX;
    l->bell.fd = -1;
    l->oom_kills = -1;
    bide__list_init(&l->in_poll);
    bide__list_init(&l->proxies);
    bide__list_init(&l->queue);
    bide__timer_init(&l->upkeep, bide__local_upkeep);
    bide__timer_init(&l->retry, bide__local_retry);
    return l;
}

static int prepare(bide_pool *p)
{
    char dir[512];
    struct local_pool *l = bide__local_new(p);
    if (!l)
        return BIDE_ENOMEM;

    BIDE_TRY(check_jobs(p));
    BIDE_TRY(copy_job(&p->args.init, &l->init_in));
    BIDE_TRY(copy_job(&p->args.fini, &l->fini_in));
    BIDE_TRY(copy_program(p));
    BIDE_TRY(copy_cpus(p));
    BIDE_TRY(open_bell(p));
    BIDE_TRY(bide__local_add_slots(p, p->args.workers));
    if (bide__own_cgroup("memory", dir, sizeof dir))
        l->oom_kills = bide__oom_kills(dir);
    l->usable_cpus = bide__cpus_usable();
    return 0;
}

static int open_local(bide_pool *p)
{
    BIDE_TRY(prepare(p));
    BIDE_TRY(bide__pool_attach(p));
    BIDE_TRY(bide__local_poll_attach(p));
    BIDE_TRY(bide__local_start_missing(p));
    BIDE_TRY(bide__local_wait_ready(p));
    bide__local_upkeep_arm(p);
    return 0;
}

/* ---- for those who look ---- */

static int resize(bide_pool *p, int workers)
{
    if (workers < 1 || workers > WORKERS_MAX)
        return bide_fail(-EINVAL, "bide_pool_resize: %d workers: 1 to %d", workers, WORKERS_MAX);
    return bide__local_resize(p, workers);
}

static int size(const bide_pool *p)
{
    return bide__local(p)->nslots;
}

static int pid(const bide_pool *p, int worker)
{
    const struct local_pool *l = bide__local(p);
    const struct proxy *x = worker >= 0 && worker < l->nslots ? l->slots[worker].proxy : NULL;

    return x ? (int)x->pid : 0;
}

static float busy_share(const struct proxy *x)
{
    clockid_t clock;
    struct timespec t;
    int code = x->has_thread ? pthread_getcpuclockid(x->thread, &clock) : x->pid > 0 ? clock_getcpuclockid(x->pid, &clock) : -1;
    int64_t age = bide__clock_ns() - x->started_ns;

    if (code != 0 || clock_gettime(clock, &t) != 0 || age <= 0)
        return 0;
    return (float)((double)t.tv_sec * 1e9 + (double)t.tv_nsec) / (float)age;
}

static void stats(const bide_pool *p, bide_pool_stats *out)
{
    const struct local_pool *l = bide__local(p);

    out->deaths = l->ndeaths;
    out->spawned = l->nspawned;
    out->bells_rung = l->rung;
    out->workers = l->nslots;
    for (struct list_node *n = l->proxies.next; n != &l->proxies; n = n->next)
        out->running += bide__proxy_load(container_of(n, struct proxy, node));
    for (int i = 0; i < l->nslots && i < BIDE_POOL_STATS_WORKERS; i++) {
        const struct proxy *x = l->slots[i].proxy;
        if (x)
            out->worker[i] = (struct bide_pool_worker_stats){.pid = (int)x->pid, .running = bide__proxy_load(x), .done = x->done,
                                                             .busy = busy_share(x)};
    }
}

const struct pool_backend bide__local_backend = {
    .open = open_local, .check = check, .submit = submit, .cancel = cancel, .forget = forget,
    .end = bide__local_end, .abandon = bide__local_abandon, .disown = bide__local_disown, .free = bide__local_free,
    .resize = resize, .size = size, .pid = pid, .stats = stats,
};
