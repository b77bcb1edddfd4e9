/* SPDX-License-Identifier: MIT */
/*
 * job.c - a future with a call in it.
 *
 * Two things end at different times: the future is *settled* once, by a result, an error, a death or a cancellation;
 * the job is *over* when no worker will send anything about it.  A running job that was cancelled is settled at once
 * and over when its worker has answered.
 *
 * Invariants:
 *   J1  a job that is not over is in the table, in pool->jobs, in one queue or proxy list, and has a share of the pool's.
 *   J2  out is written while the future is pending, never after.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pool/pool.h"

static const struct object_type job_type;

/* ---- the table ---- */

static int grow_table(bide_pool *p)
{
    uint32_t cap = p->table_cap ? p->table_cap * 2 : 64;
    struct job **table = bide__realloc(p->table, cap * sizeof *table);
    if (table)
        p->table = table;
    uint32_t *generations = bide__realloc(p->generations, cap * sizeof *generations);
    if (generations)
        p->generations = generations;
    uint32_t *ids = bide__realloc(p->free_ids, cap * sizeof *ids);
    if (ids)
        p->free_ids = ids;
    if (!table || !generations || !ids)
        return bide__fail_nomem("a job");

    for (uint32_t i = cap; i-- > p->table_cap;) {
        p->table[i] = NULL;
        p->generations[i] = 0;
        p->free_ids[p->nfree++] = i;
    }
    p->table_cap = cap;
    return 0;
}

static int enter_table(bide_pool *p, struct job *j)
{
    if (p->nfree == 0 && grow_table(p) < 0)
        return BIDE_ENOMEM;
    uint32_t i = p->free_ids[--p->nfree];
    p->table[i] = j;
    j->id = (uint64_t)++p->generations[i] << 32 | (i + 1);
    return 0;
}

static void leave_table(bide_pool *p, struct job *j)
{
    uint32_t i = (uint32_t)j->id - 1;

    p->table[i] = NULL;
    p->free_ids[p->nfree++] = i;
}

struct job *bide__job_by_id(bide_pool *p, uint64_t id)
{
    uint32_t i = (uint32_t)id - 1;
    struct job *j = i < p->table_cap ? p->table[i] : NULL;

    return j && j->id == id ? j : NULL;
}

struct job *bide__job_of(bide_future *f)
{
    return f->object.type == &job_type ? (struct job *)f : NULL;
}

/* ---- settling ---- */

static void settled(struct job *j)
{
    void (*on_done)(struct job *, void *) = j->on_done;

    j->on_done = NULL;
    if (on_done)
        on_done(j, j->done_arg);
}

static void settle(struct job *j, enum future_state state, int result)
{
    bide__list_remove(&j->on_settled.node);
    bide__future_settle(&j->future, state, result);
    settled(j);
}

void bide__job_succeed(struct job *j, int result)
{
    j->pool->counts.finished++;
    settle(j, DONE, result);
}

void bide__job_fail(struct job *j, int code, const char *text)
{
    struct error_record *e;
    if (bide__job_is_settled(j))
        return;

    e = j->future.error = bide__malloc(sizeof *e);
    if (e) {
        *e = (struct error_record){.code = code};
        snprintf(e->text, sizeof e->text, "%s: %s", j->name, text);
    }
    if (j->failure)
        j->failure->public_.code = code;
    settle(j, code == BIDE_ECANCELED ? CANCELLED : FAILED, code);
}

/* ---- the result ---- */

/* A short one takes the place of the argument, which no worker needs any more. */
int bide__job_keep_reply(struct job *j, const char *data, size_t len)
{
    bool fits = j->has_out && j->in == j->small && len <= sizeof j->small;
    char *to = fits ? j->small : bide__malloc(len + 1);
    if (!to)
        return BIDE_ENOMEM;

    memcpy(to, data, len);
    if (!fits)
        to[len] = '\0';
    j->reply = to;
    j->reply_len = len;
    return 0;
}

int bide__job_fill_out(struct job *j, const char *data, size_t len)
{
    char text[128];
    if (!j->has_out)
        return 0;
    if (len != j->out_len) {
        snprintf(text, sizeof text, "the result has %zu bytes, the caller expects %zu", len, j->out_len);
        bide__job_fail(j, -EMSGSIZE, text);
        return -EMSGSIZE;
    }
    if (j->keeps_result && data != j->reply && bide__job_keep_reply(j, data, len) < 0) {
        bide__job_fail(j, BIDE_ENOMEM, "no memory for the result");
        return BIDE_ENOMEM;
    }
    if (j->out)
        memcpy(j->out, data, len);
    return 0;
}

bool bide__job_explain(struct job *j, int code, const char *trace)
{
    struct job_failure *f = bide__malloc(sizeof *f + strlen(trace) + 1);
    if (!f)
        return false;

    *f = (struct job_failure){.public_ = {.code = code, .pid = j->proxy ? j->proxy->pid : 0, .exit_code = -1,
                                          .attempt = j->attempt, .job = j->name}};
    strcpy(f->trace, trace);
    f->public_.trace = f->trace;
    bide__free(j->failure);
    j->failure = f;
    return true;
}

const bide_pool_failure *bide_pool_failure_of(const bide_future *f)
{
    struct job *j = bide__job_check_reader(f, __func__) == 0 ? bide__job_of((bide_future *)(uintptr_t)f) : NULL;

    return j && j->failure ? &j->failure->public_ : NULL;
}

void bide__job_count_cancelled(struct job *j)
{
    j->pool->cancelled++;
    j->pool->counts.cancelled++;
}

/* The user cancelled the future. */
static void was_cancelled(struct ready *r)
{
    struct job *j = container_of(r, struct job, settled);
    if (j->over || bide__pool_is_parents(j->pool))
        return;

    j->out = NULL;
    bide__job_count_cancelled(j);
    bide_retain(j);
    settled(j);
    if (j->proxy)
        bide__proxy_order(j->proxy, REC_CANCEL, j->id, 0, 0, 0);
    else
        bide__job_over(j);
    bide__object_unref(j);
}

/* When did it begin?  By what its worker wrote, if that is possible; else when it was sent. */
static int64_t began_ns(const struct job *j, int64_t now)
{
    struct segment_shared *s = j->proxy->segment.shared;

    for (int i = 0; i < j->pool->args.concurrency; i++)
        if (atomic_load(&s->slots[i].job) == j->id) {
            int64_t began = atomic_load(&s->slots[i].began_ns);
            return began >= j->sent_ns && began <= now ? began : j->sent_ns;
        }
    return j->sent_ns; /* it has just ended */
}

/* It has not begun, nor has anything else there, long after its deadline: the worker is stopped, or stuck. */
static bool is_stuck(const struct job *j)
{
    const struct proxy *x = j->proxy;
    int64_t late_ns = bide__clock_ns() - j->sent_ns - j->timeout_ms * INT64_C(1000000);

    return !j->has_begun && x->nbegun == 0 && !x->has_thread && late_ns >= x->pool->args.grace_ms * INT64_C(1000000);
}

/* The timer runs from the hand-over, the deadline from the start: what is left; 0 or less: it is over. */
static int64_t time_left_ms(struct job *j)
{
    int64_t now = bide__clock_ns();

    bide__proxy_note_begun(j->proxy);
    if (!j->has_begun) /* it waits behind another one, so its time has not begun: nobody dies for it */
        return j->timeout_ms;
    return j->timeout_ms - (now - began_ns(j, now)) / 1000000;
}

/* Its time is over: cancelled first, and if it does not yield, its worker is killed. */
void bide__job_expire(struct timer *t)
{
    struct job *j = container_of(t, struct job, timer);
    bide_pool *p = j->pool;
    char text[80];
    if (!j->proxy)
        return;

    int64_t left = j->expired ? 0 : time_left_ms(j);
    if (left > 0) {
        bide__timer_arm(p->loop, t, left);
        if (is_stuck(j))
            bide__proxy_kill(j->proxy); /* and the job moves on to another one */
    } else if (!j->expired) {
        j->expired = true;
        bide__proxy_order(j->proxy, REC_CANCEL, j->id, 0, 0, 0);
        bide__timer_arm(p->loop, t, p->args.grace_ms);
    } else if (j->proxy->has_thread) {
        snprintf(text, sizeof text, "timed out after %lld ms; its thread goes on", (long long)j->timeout_ms);
        bide__job_fail(j, BIDE_ETIMEDOUT, text);
    } else {
        j->proxy->killer = j->id;
        bide__proxy_kill(j->proxy);
    }
}

/* ---- over ---- */

static void close_fds(int *fds, int *n)
{
    for (int i = 0; i < *n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    *n = 0;
}

static void leave_proxy(struct job *j)
{
    struct proxy *x = j->proxy;
    if (!x)
        return;
    if (j->has_begun)
        x->nbegun--;
    else
        x->nsent--;
    j->has_begun = false;
    j->proxy = NULL;
}

static void free_argument(struct job *j)
{
    if (j->in_block)
        bide__block_put(&j->pool->arena, j->in_block);
    else if (j->in != j->small)
        bide__free(j->in);
    if (j->old_block)
        bide__block_put(&j->pool->arena, j->old_block);
    j->in_block = j->old_block = NULL;
    j->in = NULL;
}

void bide__job_over(struct job *j)
{
    bide_pool *p = j->pool;
    if (j->over)
        return;

    j->over = true;
    if (p->redis)
        bide__redis_forget(j);
    bide__list_remove(&j->node);
    bide__list_remove(&j->all);
    bide__list_remove(&j->on_settled.node);
    bide__unpush(p->loop, &j->settled);
    bide__ring_unreserve(&p->loop->ring, 1);
    bide__timer_disarm(p->loop, &j->timer);
    leave_table(p, j);
    leave_proxy(j);
    p->pending--;
    p->pending_bytes -= j->in_len;
    free_argument(j);
    close_fds(j->fds, &j->nfds);
    bide__pool_made_room(p);
    bide__object_unref(j);
}

/* ---- birth and end ---- */

/* A buffer of bide_pool_buffer, as bytes: it is the job's when the job is made, not before.  1: it is none, copy. */
static int take_buffer(bide_pool *p, struct job *j, const bide_job *spec, bool shared)
{
    struct block *b = spec->shape == BIDE_JOB_BYTES ? bide__block_at(&p->arena, spec->in) : NULL;
    if (!b || b->owner == BLOCK_JOBS || (shared && b->owner == BLOCK_USERS))
        return 1;
    if (b->owner != BLOCK_USERS)
        return bide_fail(-EBUSY, "%s: this buffer was submitted already: it is no longer yours", spec->name);
    if (j->in_len > b->len)
        return bide_fail(-EINVAL, "%s: %zu bytes of a buffer of %llu", spec->name, j->in_len, (unsigned long long)b->len);
    j->in_block = b;
    j->in = bide__block_data(&p->arena, b);
    return 0;
}

/* The argument moves into the job: into itself, the heap, or a block. */
static int copy_in(bide_pool *p, struct job *j, const bide_job *spec, bool shared)
{
    size_t len = spec->shape == BIDE_JOB_NONE ? 0 : spec->shape == BIDE_JOB_TEXT ? strlen(spec->in) + 1 : spec->in_len;

    j->in_len = len;
    j->in = j->small;
    int code = len > 0 ? take_buffer(p, j, spec, shared) : 1;
    if (code <= 0)
        return code;
    if (len > RECORD_PAYLOAD_MAX) {
        j->in_block = bide__block_get(&p->arena, len);
        if (!j->in_block)
            return bide_error_code();
        j->in = bide__block_data(&p->arena, j->in_block);
    } else if (len > sizeof j->small) {
        j->in = bide__malloc(len);
        if (!j->in)
            return bide__fail_nomem("a job's argument");
    }
    if (len > 0)
        memcpy(j->in, spec->in, len);
    return 0;
}

static int copy_fds(struct job *j, const bide_pool_call_args *args)
{
    if (args->nfds > JOB_FDS_MAX || args->nfds < 0)
        return bide_fail(-EINVAL, "%s: %d descriptors; %d at most", j->name, args->nfds, JOB_FDS_MAX);
    for (; j->nfds < args->nfds; j->nfds++) {
        j->fds[j->nfds] = fcntl(args->fds[j->nfds], F_DUPFD_CLOEXEC, 3);
        if (j->fds[j->nfds] < 0)
            return bide_fail(-errno, "%s: descriptor %d: %s", j->name, args->fds[j->nfds], bide_strerror(-errno));
    }
    return 0;
}

static void init(struct job *j, bide_pool *p, const bide_pool_call_args *args)
{
    bide__future_init(&j->future, &job_type, p->loop);
    j->pool = bide_retain(p);
    j->fn = args->job.fn;
    j->name = args->job.name ? args->job.name : "job";
    j->shape = args->job.shape;
    j->has_out = args->job.has_out;
    j->out = args->job.out;
    j->out_len = args->job.out_len;
    j->idempotent = args->idempotent;
    j->timeout_ms = args->timeout_ms ? args->timeout_ms : p->args.timeout_ms;
    j->on_progress = args->on_progress;
    j->progress_arg = args->arg;
    j->attempt = 1;
    j->slot = -1;
    j->over = true; /* until it is in the table */
    j->submitted_ns = bide__clock_ns();
    bide__list_init(&j->node);
    bide__list_init(&j->all);
    bide__list_init(&j->group);
    bide__timer_init(&j->timer, bide__job_expire);
    j->settled.run = was_cancelled;
    bide__clause_init(&j->on_settled, &j->settled);
}

struct job *bide__job_new(bide_pool *p, const bide_pool_call_args *args, bool shared)
{
    struct job *j = bide__object_zalloc(sizeof *j);
    if (!j) {
        bide__fail_nomem("a job");
        return NULL;
    }
    init(j, p, args);
    if (copy_in(p, j, &args->job, shared) < 0 || copy_fds(j, args) < 0 || bide__ring_reserve(&p->loop->ring, 1) < 0)
        goto failed;
    if (enter_table(p, j) < 0) {
        bide__ring_unreserve(&p->loop->ring, 1);
        goto failed;
    }
    j->over = false;
    if (j->in_block && j->in_block->owner == BLOCK_USERS)
        j->in_block->owner = BLOCK_SUBMITTED;
    j->future.object.refs = 2; /* the owner's and the pool's */
    bide__list_append(&j->future.clauses, &j->on_settled.node);
    bide__list_append(&p->jobs, &j->all);
    p->pending++;
    p->pending_bytes += j->in_len;
    return j;

failed:
    if (j->in_block && j->in_block->owner == BLOCK_USERS) { /* no job: it stays the caller's */
        j->in_block = NULL;
        j->in = j->small;
    }
    bide__object_unref(j);
    return NULL;
}

/* A job that was granted a block may still have replied with a few bytes, which are on the heap. */
static bool reply_is_on_heap(const struct job *j)
{
    const char *data = j->reply_block ? bide__block_data(&j->pool->arena, j->reply_block) : NULL;
    bool is_in_block = data && j->reply >= data && j->reply <= data + j->reply_block->len;

    return j->reply != j->small && !is_in_block;
}

static void job_destroy(void *object)
{
    struct job *j = object;
    bide_pool *p = j->pool;

    bide__list_remove(&j->on_settled.node);
    bide__future_fini(&j->future);
    free_argument(j);
    if (reply_is_on_heap(j))
        bide__free(j->reply);
    if (j->reply_block)
        bide__block_put(&p->arena, j->reply_block);
    close_fds(j->fds, &j->nfds);
    close_fds(j->out_fds, &j->nout_fds);
    bide__free(j->failure);
    bide__object_free(j);
    bide__object_unref(p);
}

/* Dropped by its last owner: nobody will see the result, so there is no need for one. */
static void job_release(void *object)
{
    struct job *j = object;

    bool parents = bide__pool_is_parents(j->pool);
    if (!parents && !bide__pool_allows(j->pool, "bide_release of a job"))
        return;
    if (!parents && j->future.object.refs == 2 && !j->over && !bide__job_is_settled(j)) {
        j->out = NULL;
        bide_future_cancel(&j->future);
    }
    bide__object_unref(j);
}

static const struct object_type job_type = {.name = "job", .destroy = job_destroy, .release = job_release};

/* ---- for its owner ---- */

void bide_pool_detach(bide_future *f)
{
    struct job *j = f && bide__job_allows(f, __func__) ? bide__job_of(f) : NULL;
    if (!j)
        return;
    j->out = NULL;
    bide__object_unref(j);
}

bide_bytes bide_pool_result(const bide_future *f)
{
    struct job *j = bide__job_check_reader(f, __func__) == 0 ? bide__job_of((bide_future *)(uintptr_t)f) : NULL;

    if (!j || j->future.state != DONE)
        return (bide_bytes){"", 0};
    return (bide_bytes){j->reply ? j->reply : "", j->reply_len};
}

int bide_pool_take_fd(bide_future *f, int i)
{
    BIDE_TRY(bide__job_check_reader(f, __func__));
    struct job *j = bide__job_of(f);
    if (!j || i < 0 || i >= j->nout_fds)
        return -1;
    int fd = j->out_fds[i];
    j->out_fds[i] = -1;
    return fd;
}
