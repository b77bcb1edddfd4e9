/* SPDX-License-Identifier: MIT */
/* api.c - the bide_worker_ functions, called inside a job: state, replies of any length, progress, descriptors. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pool/worker/worker.h"

void *bide_worker_state(void)
{
    return bide__worker_here ? bide__worker_here->state : NULL;
}

void bide_worker_set_state(void *state)
{
    if (bide__worker_here)
        bide__worker_here->state = state;
    else
        fprintf(stderr, "bide: bide_worker_set_state: not inside a worker\n"); /* it returns nothing */
}

int bide_worker_index(void)
{
    return bide__worker_here ? bide__worker_here->birth.index : -1;
}

int bide_worker_attempt(void)
{
    struct runner *r = bide__runner_here();
    return r ? r->call.attempt : 0;
}

static struct runner *required(const char *function)
{
    struct runner *r = bide__runner_here();
    if (!r)
        bide_fail(BIDE_ESTATE, "%s: only the coroutine of a pool's job may call it", function);
    return r;
}

static int check_data(const char *function, const void *data, size_t len)
{
    return data || len == 0 ? 0 : bide_fail(-EINVAL, "%s: %zu bytes at NULL", function, len);
}

/* ---- replies ---- */

static bool is_part_of_argument(const struct runner *r, const char *data, size_t len)
{
    return r->has_block && data >= r->arg && len <= r->arg_len && data + len <= r->arg + r->arg_len;
}

int bide_worker_reply(const void *data, size_t len)
{
    struct runner *r = required(__func__);
    if (!r)
        return BIDE_ESTATE;
    BIDE_TRY(check_data(__func__, data, len));
    if (len > RECORD_PAYLOAD_MAX && bide__reply_so_far(r).len == 0 && is_part_of_argument(r, data, len)) {
        r->echoed = data;
        r->echoed_len = len;
        return 0;
    }
    if (len == 0)
        return 0;
    char *to = bide__reply_extend(r, len);
    if (!to)
        return bide_error_code();
    memcpy(to, data, len);
    return 0;
}

void *bide_worker_reserve(size_t n)
{
    struct runner *r = required(__func__);
    char *to = r ? bide__reply_extend(r, n) : NULL;

    if (to)
        memset(to, 0, n);
    return to;
}

/* ---- progress ---- */

int bide_worker_progress(uint64_t done, uint64_t total)
{
    struct runner *r = required(__func__);
    if (!r)
        return BIDE_ESTATE;

    return bide__worker_notify(r->worker, &(struct record){.kind = REC_PROGRESS, .id = r->call.id, .fn = done, .more = total}, NULL, 0);
}

int bide_worker_emit(const void *data, size_t len)
{
    struct runner *r = required(__func__);
    if (!r)
        return BIDE_ESTATE;
    BIDE_TRY(check_data(__func__, data, len));
    if (len > RECORD_PAYLOAD_MAX)
        return bide_fail(-E2BIG, "bide_worker_emit: %zu bytes; 16 KiB at most", len);

    return bide__worker_notify(r->worker, &(struct record){.kind = REC_EMIT, .id = r->call.id}, data, len);
}

/* ---- descriptors ---- */

int bide_worker_fd(int i)
{
    struct runner *r = required(__func__);
    return r && i >= 0 && i < r->nfds ? r->fds[i] : -1;
}

int bide_worker_reply_fd(int fd)
{
    struct runner *r = required(__func__);
    if (!r)
        return BIDE_ESTATE;
    if (r->nout_fds == JOB_FDS_MAX)
        return bide_fail(BIDE_ELIMIT, "bide_worker_reply_fd: %d descriptors at most", JOB_FDS_MAX);
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return bide_fail(-errno, "bide_worker_reply_fd: %s", bide_strerror(-errno));

    r->out_fds[r->nout_fds++] = copy;
    return 0;
}
