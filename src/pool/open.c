/* SPDX-License-Identifier: MIT */
/* open.c - a pool is opened, gets its workers, more of them, or fewer. */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pool/pool.h"

#define CONCURRENCY_MAX 4096
#define WORKERS_MAX 1024
#define PREFETCH_MAX 65536
#define RETRIES_MAX 200

/* ---- options ---- */

#define DEFAULT(field, value) \
    do {                      \
        if (a->field == 0)    \
            a->field = value; \
    } while (0)

static void fill_in(bide_pool_args *a)
{
    DEFAULT(workers, bide_pool_default_workers());
    DEFAULT(concurrency, 16);
    DEFAULT(max_pending, 65536);
    DEFAULT(max_pending_bytes, (size_t)256 << 20);
    DEFAULT(ring_bytes, (size_t)256 << 10);
    DEFAULT(retries, 2);
    DEFAULT(restart_max, 10);
    DEFAULT(restart_window_ms, 10000);
    DEFAULT(grace_ms, 1000);
    DEFAULT(close_ms, 10000);
    DEFAULT(min_workers, 1);
}

static int check_times(const bide_pool_args *a)
{
    const struct {
        const char *name;
        int64_t ms;
        bool forever;
    } times[] = {
        {"restart_window_ms", a->restart_window_ms, false}, {"grace_ms", a->grace_ms, false},
        {"max_age_ms", a->max_age_ms, false}, {"idle_ms", a->idle_ms, false}, {"stall_ms", a->stall_ms, false},
        {"timeout_ms", a->timeout_ms, true}, {"close_ms", a->close_ms, true},
    };

    for (size_t i = 0; i < array_len(times); i++)
        BIDE_TRY(bide__check_time("bide_pool_new", times[i].name, times[i].ms, times[i].forever));
    return 0;
}

/* Numbers, each with what it may be; where -1 means none, what is below is a mistake. */
static int check_numbers(const bide_pool_args *a)
{
    const struct {
        const char *name;
        int n, min, max;
    } numbers[] = {
        {"workers", a->workers, 1, WORKERS_MAX}, {"concurrency", a->concurrency, 1, CONCURRENCY_MAX},
        {"prefetch", a->prefetch, -1, PREFETCH_MAX}, {"retries", a->retries, -1, RETRIES_MAX},
        {"restart_max", a->restart_max, -1, DEATHS_KEPT - 1}, {"min_workers", a->min_workers, 0, INT_MAX},
        {"kind", (int)a->kind, BIDE_POOL_PROCESS, BIDE_POOL_EXEC}, {"pin", (int)a->pin, BIDE_PIN_NONE, BIDE_PIN_SPREAD},
    };

    for (size_t i = 0; i < array_len(numbers); i++)
        if (numbers[i].n < numbers[i].min || numbers[i].n > numbers[i].max)
            return bide_fail(-EINVAL, "bide_pool_new: %s = %d: %d to %d", numbers[i].name, numbers[i].n, numbers[i].min,
                             numbers[i].max);
    BIDE_TRY(bide__check_count("bide_pool_new", "max_pending", a->max_pending));
    BIDE_TRY(bide__check_count("bide_pool_new", "max_pending_bytes", a->max_pending_bytes));
    return bide__check_count("bide_pool_new", "max_rss", a->max_rss);
}

static int check_sizes(const bide_pool_args *a)
{
    if (a->ring_bytes < ((size_t)64 << 10) || a->ring_bytes > ((size_t)1 << 30) || (a->ring_bytes & (a->ring_bytes - 1)))
        return bide_fail(-EINVAL, "bide_pool_new: ring_bytes = %zu: a power of two, 64 KiB to 1 GiB", a->ring_bytes);
    BIDE_TRY(bide__check_stack_size(a->stack_size, "bide_pool_new"));
    for (int i = 0; a->cpus && a->cpus[i] >= 0 && i < CPU_SETSIZE; i++)
        if (a->cpus[i] >= CPU_SETSIZE)
            return bide_fail(-EINVAL, "bide_pool_new: cpus: there is no processor %d", a->cpus[i]);
    return 0;
}

/* What would mean nothing without the other. */
static int check_together(const bide_pool_args *a)
{
    if (a->init.has_out || a->fini.has_out)
        return bide_fail(-EINVAL, "bide_pool_new: init and fini have no result: they take one argument, or none");
    if (a->program && a->kind != BIDE_POOL_EXEC)
        return bide_fail(-EINVAL, "bide_pool_new: program: only workers of BIDE_POOL_EXEC are another program");
    if ((a->name || a->tls) && !a->redis)
        return bide_fail(-EINVAL, "bide_pool_new: %s: for a pool over Redis, and there is no .redis", a->name ? "name" : "tls");
    return 0;
}

static int check(const bide_pool_args *a)
{
    BIDE_TRY(check_numbers(a));
    BIDE_TRY(check_sizes(a));
    BIDE_TRY(check_together(a));
    return check_times(a);
}

/* A caller that knows more fields than we do asks for what we cannot give; one that knows fewer gets the defaults. */
static int take_args(bide_pool_args *to, const bide_pool_args *from)
{
    if (from->size > sizeof *to)
        return bide_fail(-EINVAL, "bide_pool_new: the options are those of a newer version (%zu bytes, not %zu)", from->size,
                         sizeof *to);
    memset(to, 0, sizeof *to);
    memcpy(to, from, from->size ? from->size : sizeof *to);
    fill_in(to);
    BIDE_TRY(check(to));
    if (to->retries < 0)
        to->retries = 0;
    return 0;
}

static int check_place(const bide_pool_args *a)
{
    if (!bide__task_required("bide_pool_new"))
        return BIDE_ENOLOOP;
    if (bide__exec_was_asked())
        return bide_fail(BIDE_ESTATE, "bide_pool_new: this process was started as a worker: main() must begin with bide_pool_prepare()");
    if (bide__worker_here && !a->nested)
        return bide_fail(BIDE_ESTATE, "bide_pool_new: inside a worker of another pool; .nested = true allows it");
    return bide__named_check();
}

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
    if (!p->args.program)
        return 0;
    p->program = bide__malloc(strlen(p->args.program) + 1);
    if (!p->program)
        return bide__fail_nomem("a pool");
    p->args.program = strcpy(p->program, p->args.program);
    return 0;
}

/* The processors to pin to: those given, or those that we may use. */
static int copy_cpus(bide_pool *p)
{
    cpu_set_t set;
    if (!p->args.cpus && p->args.pin == BIDE_PIN_NONE)
        return 0;
    p->cpus = bide__calloc(CPU_SETSIZE, sizeof *p->cpus);
    if (!p->cpus)
        return bide__fail_nomem("a pool");
    for (; p->args.cpus && p->ncpus < CPU_SETSIZE && p->args.cpus[p->ncpus] >= 0; p->ncpus++)
        p->cpus[p->ncpus] = p->args.cpus[p->ncpus];
    if (!p->args.cpus && sched_getaffinity(0, sizeof set, &set) == 0)
        for (int i = 0; i < CPU_SETSIZE; i++)
            if (CPU_ISSET((unsigned)i, &set))
                p->cpus[p->ncpus++] = i;
    return 0;
}

/* ---- opening ---- */

static const struct object_type pool_type = {
    .name = "pool", .destroy = bide__pool_destroy, .release = bide__pool_release, .is_held_by_its_own = true};

bide_pool *bide__pool_new(void)
{
    bide_pool *p = bide__object_zalloc(sizeof *p);
    if (!p) {
        bide__fail_nomem("a pool");
        return NULL;
    }
    bide__object_init(p, &pool_type);
    p->loop = bide_retain(bide__loop_here);
    p->generation = bide__fork_generation();
    p->bell.fd = p->arena.memory = p->published_fd = -1;
    p->oom_kills = -1;
    bide__list_init(&p->in_loop);
    bide__list_init(&p->proxies);
    bide__list_init(&p->queue);
    bide__list_init(&p->jobs);
    bide__list_init(&p->room);
    bide__list_init(&p->changed);
    bide__timer_init(&p->upkeep, bide__pool_upkeep);
    bide__timer_init(&p->retry, bide__pool_retry);
    return p;
}

static int open_bell(bide_pool *p)
{
    int fd = bide__fd_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (fd < 0)
        return bide_fail(-errno, "a pool's bell: %s", bide_strerror(-errno));
    int code = bide__fd_open(&p->bell, fd);
    if (code < 0)
        close(fd);
    return code;
}

static int check_jobs(bide_pool *p)
{
    if (p->args.kind == BIDE_POOL_PROCESS)
        BIDE_TRY(bide__zygote_prepare());
    if (p->args.kind == BIDE_POOL_PROCESS)
        bide__zygote_image(&p->image);
    if (p->args.kind == BIDE_POOL_FORK)
        bide__image_take(&p->image);
    if (p->args.init.fn)
        BIDE_TRY(bide__pool_check_fn(p, &p->args.init));
    if (p->args.fini.fn)
        BIDE_TRY(bide__pool_check_fn(p, &p->args.fini));
    return 0;
}

/* Its workers are elsewhere. */
static int prepare_redis(bide_pool *p)
{
    BIDE_TRY(bide__pool_arena_open(&p->arena));
    BIDE_TRY(bide__stats_open(p));
    BIDE_TRY(bide__pool_attach(p));
    return bide__redis_pool_open(p);
}

static int prepare(bide_pool *p, const bide_pool_args *args)
{
    char dir[512];

    BIDE_TRY(take_args(&p->args, args));
    p->most_given = p->args.max_jobs > 0 ? p->args.max_jobs : UINT64_MAX;
    BIDE_TRY(check_place(&p->args));
    if (p->args.redis)
        return prepare_redis(p);
    BIDE_TRY(check_jobs(p));
    BIDE_TRY(copy_job(&p->args.init, &p->init_in));
    BIDE_TRY(copy_job(&p->args.fini, &p->fini_in));
    BIDE_TRY(copy_program(p));
    BIDE_TRY(copy_cpus(p));
    BIDE_TRY(bide__pool_arena_open(&p->arena));
    BIDE_TRY(bide__stats_open(p));
    BIDE_TRY(open_bell(p));
    BIDE_TRY(bide__pool_add_slots(p, p->args.workers));
    BIDE_TRY(bide__pool_attach(p));
    if (bide__own_cgroup("memory", dir, sizeof dir))
        p->oom_kills = bide__oom_kills(dir);
    p->usable_cpus = bide__cpus_usable();
    return 0;
}

static int start_all(bide_pool *p)
{
    BIDE_TRY(bide__pool_start_missing(p));
    bide__pool_note_outside(p);
    BIDE_TRY(bide__pool_wait_ready(p));
    p->state = POOL_OPEN;
    bide__pool_note_outside(p);
    bide__pool_upkeep_arm(p);
    return 0;
}

bide_pool *bide_pool_new_with(bide_pool_args args)
{
    if (bide__check_named(args.guard_, "bide_pool_new") < 0)
        return NULL;
    struct error_mark mark;
    if (!bide__loop_here) {
        bide_fail(BIDE_ENOLOOP, "bide_pool_new: not inside a task");
        return NULL;
    }
    bide_pool *p = bide__pool_new();
    if (!p)
        return NULL;

    bide__error_mark(&mark);
    bool failed = prepare(p, &args) < 0 || start_all(p) < 0;
    if (failed)
        bide_release(p);
    bide__error_end(&mark, -failed);
    return failed ? NULL : p;
}

int bide_pool_resize(bide_pool *p, int workers)
{
    BIDE_TRY(bide__pool_check(p, __func__));
    if (p->redis)
        return bide_fail(-ENOTSUP, "bide_pool_resize: over Redis, the pool has the workers of the hosts that serve it: start more hosts");
    if (workers < 1 || workers > WORKERS_MAX)
        return bide_fail(-EINVAL, "bide_pool_resize: %d workers: 1 to %d", workers, WORKERS_MAX);

    return bide__pool_resize(p, workers);
}

int bide_pool_size(const bide_pool *p)
{
    BIDE_TRY(bide__pool_check_reader(p, __func__));
    return p->nslots;
}

int bide_pool_pid(const bide_pool *p, int worker)
{
    BIDE_TRY(bide__pool_check_reader(p, __func__));
    const struct proxy *x = worker >= 0 && worker < p->nslots ? p->slots[worker].proxy : NULL;

    return x ? (int)x->pid : 0;
}
