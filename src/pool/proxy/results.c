/* SPDX-License-Identifier: MIT */
/*
 * results.c - what a worker returned: its job is settled with it, and over.
 *
 * Invariant: nothing that a worker wrote is used before it was compared with our own table.  A worker that says what
 * cannot be is killed, and its jobs fail as if it had died by itself.
 */
#include <stdio.h>

#include "pool/proxy/proxy.h"

#define DETAILS_MAX 2000 /* a worker writes 1,600 bytes at most */

static int take_fds(struct proxy *x, struct job *j, unsigned n)
{
    struct fd_message m;
    int code = bide__fds_receive(x->ctl.fd, &m, j->out_fds, JOB_FDS_MAX, false);
    if (x->answer_due && code == 0 && m.id == 0 && m.n == 0) { /* the zygote's answer about its birth, which we know already */
        x->answer_due = false;
        code = bide__fds_receive(x->ctl.fd, &m, j->out_fds, JOB_FDS_MAX, false);
    }
    if (code < 0 && code != -EMFILE)
        return bide__proxy_reject(x);
    if (code == -EMFILE && m.id == j->id)
        return code; /* our own table is full: that is this job's loss alone */
    j->nout_fds = (int)m.n;
    return m.id == j->id && m.n == n ? 0 : bide__proxy_reject(x);
}

/* Where are the bytes of the result? */
static int take_reply(struct proxy *x, struct job *j, const struct record *r, const char *payload)
{
    struct block_ref ref;

    if (r->flags & OUT_BLOCK) {
        if (!j->reply_block || r->more > j->reply_block->len)
            return bide__proxy_reject(x);
        j->reply = bide__block_data(&x->pool->arena, j->reply_block);
        j->reply_len = r->more;
        return 0;
    }
    if (r->flags & OUT_INPUT) {
        if (r->len != sizeof ref || !j->in_block)
            return bide__proxy_reject(x);
        memcpy(&ref, payload, sizeof ref);
        if (ref.offset > j->in_len || ref.len > j->in_len - ref.offset)
            return bide__proxy_reject(x);
        j->reply = bide__block_data(&x->pool->arena, j->in_block) + ref.offset;
        j->reply_len = ref.len;
        if (j->reply_block)
            bide__block_put(&x->pool->arena, j->reply_block);
        j->reply_block = j->in_block;
        j->reply_block->owner = BLOCK_JOBS; /* a result may be the next argument: it is copied */
        j->in_block = NULL;
        j->in = j->small;
        return 0;
    }
    return r->len > 0 && !j->has_out ? bide__job_keep_reply(j, payload, r->len) : 0;
}

static int fill_out(struct job *j, const struct record *r, const char *payload)
{
    return r->flags ? bide__job_fill_out(j, j->reply, j->reply_len) : bide__job_fill_out(j, payload, r->len);
}

static void succeed(struct proxy *x, struct job *j, const struct record *r, const char *payload)
{
    int code = take_reply(x, j, r, payload);
    if (code == -EBADMSG)
        return;
    if (code < 0)
        bide__job_fail(j, code, "no memory for the result");
    else if (fill_out(j, r, payload) == 0)
        bide__job_succeed(j, r->code);
    x->pool->done++;
    bide__job_over(j);
}

static void fail(struct proxy *x, struct job *j, const struct record *r, const char *payload)
{
    /* text NUL trace NUL; a broken one is cut.  A copy: the worker may write there still while we look. */
    char details[DETAILS_MAX + 1], text[ERROR_TEXT_MAX];
    size_t len = r->len < DETAILS_MAX ? r->len : DETAILS_MAX;
    memcpy(details, payload, len);
    details[len] = '\0';
    const char *end = memchr(details, '\0', len);
    const char *trace = end && end + 1 < details + len && details[len - 1] == '\0' ? end + 1 : "";
    int code = r->code;

    snprintf(text, sizeof text, "%.*s", ERROR_TEXT_MAX - 1, end ? details : "");
    if (j->expired && code == BIDE_ECANCELED) {
        code = BIDE_ETIMEDOUT;
        snprintf(text, sizeof text, "timed out after %lld ms", (long long)j->timeout_ms);
    }
    if (code == BIDE_ECANCELED)
        x->pool->counts.cancelled++;
    else
        x->pool->counts.finished++;
    bide__job_explain(j, code, x->pid, trace);
    bide__job_fail(j, code, text);
    x->pool->failed++;
    bide__job_over(j);
}

static void lose_fds(struct proxy *x, struct job *j, int code)
{
    char text[128];

    snprintf(text, sizeof text, "the result's descriptors: %s", bide_strerror(code));
    x->pool->failed++;
    x->pool->counts.finished++;
    bide__job_fail(j, code, text);
    bide__job_over(j);
}

int bide__proxy_on_result(struct proxy *x, const struct record *r, const char *payload)
{
    struct job *j = bide__proxy_job(x, r->id);
    if (!j)
        return bide__proxy_reject(x);
    int code = r->nfds > 0 ? take_fds(x, j, r->nfds) : 0;
    if (code == -EBADMSG)
        return code;

    bide_histogram_add(&x->pool->run, (int64_t)r->fn);
    bide__ewma_add(&x->run_ewma_ns, (int64_t)(r->fn >> 1));
    x->done++;
    if (bide__job_is_settled(j)) { /* nobody waits for it */
        x->pool->done++;
        bide__job_over(j);
    } else if (r->code < 0) {
        fail(x, j, r, payload);
    } else if (code < 0) {
        lose_fds(x, j, code);
    } else {
        succeed(x, j, r, payload);
    }
    if (bide__proxy_load(x) == 0)
        x->idle_since_ns = bide__clock_ns();
    return x->corrupt ? -EBADMSG : 0;
}
