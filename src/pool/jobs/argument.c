/* SPDX-License-Identifier: MIT */
/*
 * argument.c - what a job is given: its bytes, in itself, on the heap or in the arena, and descriptors.
 *
 * A buffer of bide_pool_buffer is not copied.  It is the job's only when there is a job: until then it stays the caller's.
 */
#include <fcntl.h>
#include <unistd.h>

#include "pool/jobs/jobs.h"

void bide__close_fds_slow(int *fds, int *n)
{
    for (int i = 0; i < *n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    *n = 0;
}

void bide__job_free_argument(struct job *j)
{
    if (j->in_block)
        bide__block_put(&j->pool->arena, j->in_block);
    else if (j->in != j->small)
        bide__free(j->in);
    if (j->old_block)
        bide__block_put(&j->pool->arena, j->old_block);
    j->in_block = j->old_block = NULL;
    j->in = NULL;
    bide__close_fds(j->fds, &j->nfds);
}

/* A buffer of bide_pool_buffer, as bytes: it is the job's when the job is made, not before.  1: it is none, copy. */
static int take_buffer(struct job *j, const bide_job *spec, bool shared)
{
    bide_pool *p = j->pool;
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
static int copy_in(struct job *j, const bide_job *spec, bool shared)
{
    size_t len = spec->shape == BIDE_JOB_NONE ? 0 : spec->shape == BIDE_JOB_TEXT ? strlen(spec->in) + 1 : spec->in_len;

    j->in_len = len;
    j->in = j->small;
    int code = len > 0 ? take_buffer(j, spec, shared) : 1;
    if (code <= 0)
        return code;
    if (len > RECORD_PAYLOAD_MAX) {
        j->in_block = bide__block_get(&j->pool->arena, len);
        if (!j->in_block)
            return bide_error_code();
        j->in = bide__block_data(&j->pool->arena, j->in_block);
    } else if (len > sizeof j->small) {
        j->in = bide__malloc(len);
        if (!j->in)
            return bide__fail_nomem("a job's argument");
    }
    if (len > 0)
        memcpy(j->in, spec->in, len);
    return 0;
}

static __attribute__((noinline)) int copy_fds(struct job *j, const bide_pool_call_args *args)
{
    if (args->nfds > JOB_FDS_MAX || args->nfds < 0)
        return bide_fail(-EINVAL, "%s: nfds = %d: 0 to %d", j->name, args->nfds, JOB_FDS_MAX);
    for (; j->nfds < args->nfds; j->nfds++) {
        j->fds[j->nfds] = fcntl(args->fds[j->nfds], F_DUPFD_CLOEXEC, 3);
        if (j->fds[j->nfds] < 0)
            return bide_fail(-errno, "%s: descriptor %d: %s", j->name, args->fds[j->nfds], bide_strerror(-errno));
    }
    return 0;
}

int bide__job_take_argument(struct job *j, const bide_pool_call_args *args, bool shared)
{
    BIDE_TRY(copy_in(j, &args->job, shared));
    return unlikely(args->nfds != 0) ? copy_fds(j, args) : 0;
}

void bide__job_leave_buffer(struct job *j)
{
    if (!j->in_block || j->in_block->owner != BLOCK_USERS)
        return;
    j->in_block = NULL;
    j->in = j->small;
}
