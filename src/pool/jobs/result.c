/* SPDX-License-Identifier: MIT */
/*
 * result.c - what a job leaves to its owner: the bytes and descriptors of its result, or why it failed.
 */
#include <stdio.h>

#include "pool/jobs/backend.h"

/* ---- kept ---- */

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

bide_pool_failure *bide__job_explain(struct job *j, int code, int pid, const char *trace)
{
    struct job_failure *f = bide__malloc(sizeof *f + strlen(trace) + 1);
    if (!f)
        return NULL;

    *f = (struct job_failure){.public_ = {.code = code, .pid = pid, .exit_code = -1, .attempt = j->attempt, .job = j->name}};
    strcpy(f->trace, trace);
    f->public_.trace = f->trace;
    bide__free(j->failure);
    j->failure = f;
    return &f->public_;
}

const bide_pool_failure *bide_pool_failure_of(const bide_future *f)
{
    struct job *j = bide__job_check_reader(f, __func__) == 0 ? bide__job_of((bide_future *)(uintptr_t)f) : NULL;

    return j && j->failure ? &j->failure->public_ : NULL;
}

/* ---- for its owner ---- */

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
