/* SPDX-License-Identifier: MIT */
/*
 * reply.c - the result of a job, in its worker: its bytes grow where they will be sent from, then they go to the program.
 *
 * Few bytes are on the worker's heap, and travel in the record.  More of them lie in a block of the arena, which the
 * program grants on request (REC_WANT, REC_SPACE), or are a part of the argument's block and stay where they are.
 * Descriptors go through the control socket before the record that counts them.
 */
#include <stdio.h>

#include "pool/worker/worker.h"

/* ---- bytes ---- */

/*
 * A larger block for the reply.  A cancellation ends the job before, or afterwards, but not meanwhile: the program would
 * have moved the reply to a block that we do not know of.
 */
static int grant(struct runner *r, size_t len)
{
    BIDE_TRY(bide__pending_interrupt(bide__task_here()));
    r->waits_for_grant = true;
    bide__worker_answer(r->worker, &(struct record){.kind = REC_WANT, .id = r->call.id, .fn = len}, NULL, 0);
    while (r->waits_for_grant)
        bide__wait_uninterrupted(&r->grant);
    return r->grant_code < 0 ? bide_fail(r->grant_code, "a reply of %zu bytes: %s", len, bide_strerror(r->grant_code)) : 0;
}

static int grow_small(struct runner *r, size_t total)
{
    if (total <= r->reply_cap)
        return 0;
    size_t cap = 256;
    while (cap < total)
        cap *= 2;
    char *more = bide__realloc(r->reply, cap);
    if (!more)
        return bide__fail_nomem("a reply");
    r->reply = more;
    r->reply_cap = cap;
    return 0;
}

/* What was replied so far, as bytes. */
bide_bytes bide__reply_so_far(const struct runner *r)
{
    if (r->echoed)
        return (bide_bytes){r->echoed, r->echoed_len};
    if (r->granted)
        return (bide_bytes){r->granted, r->granted_used};
    return (bide_bytes){r->reply, r->reply_len};
}

/* Room for n more bytes behind what is there. */
char *bide__reply_extend(struct runner *r, size_t n)
{
    bide_bytes old = bide__reply_so_far(r);
    size_t total = old.len + n;
    if (n > PAYLOAD_MAX || total > PAYLOAD_MAX) {
        bide_fail(-E2BIG, "a reply of %zu bytes and %zu more: 2 GiB at most", old.len, n);
        return NULL;
    }

    if (!r->granted && !r->echoed && total <= RECORD_PAYLOAD_MAX) {
        if (grow_small(r, total + 1) < 0)
            return NULL;
        r->reply_len = total;
        return r->reply + old.len;
    }
    if (!r->granted || total > r->granted_len) {
        if (grant(r, r->granted && total < PAYLOAD_MAX / 2 ? total * 2 : total) < 0)
            return NULL;
        if (old.len > 0)
            memcpy(r->granted, old.data, old.len);
        r->echoed = NULL;
    }
    r->granted_used = total;
    return r->granted + old.len;
}

/* ---- to the program ---- */

size_t bide__error_details(int code, char *out, size_t cap)
{
    const struct error_record *e = bide__error_current();
    bool is_of_code = e->code == code;
    int n = snprintf(out, cap, "%s", is_of_code ? e->text : bide_strerror(code));
    size_t at = (size_t)n + 1;

    out[at] = '\0';
    for (unsigned i = 0; is_of_code && i < e->ntrace && at + 1 < cap; i++) {
        n = snprintf(out + at, cap - at, "%sin %s (%s:%d)", i > 0 ? "\n" : "", e->trace[i].function, e->trace[i].file,
                     e->trace[i].line);
        at += (size_t)n < cap - at ? (size_t)n : cap - at - 1;
    }
    return at + 1;
}

/* The program reads descriptors in the order of the records: from the first to the second, no other runner sends any. */
static void begin_sending(struct worker *w)
{
    while (w->sending)
        bide__wait_in_for(&w->senders, WAIT_NAMED, "room for a result");
    w->sending = true;
}

static void end_sending(struct worker *w)
{
    w->sending = false;
    bide__wake_one(w->loop, &w->senders);
}

/* The socket is full while the program is busy: wait until it has taken some. */
static int send_message(struct worker *w, const struct fd_message *m, const int *fds)
{
    int code;

    while ((code = bide__fds_send(w->ctl.fd, m, fds, m->n)) == -EAGAIN) {
        w->ctl.writable = false;
        BIDE_TRY(bide__fd_wait_writable(&w->ctl));
    }
    return code;
}

static int send_fds(struct runner *r, struct record *result)
{
    struct fd_message m = {.id = r->call.id, .n = (uint32_t)r->nout_fds};
    if (r->nout_fds == 0)
        return 0;
    int code = send_message(r->worker, &m, r->out_fds);
    if (code < 0)
        return bide_fail(code, "the result's descriptors: %s", bide_strerror(code));
    result->nfds = (uint8_t)m.n;
    return 0;
}

static void put_error(struct runner *r, struct record *result)
{
    char details[1600];
    size_t n = bide__error_details(result->code, details, sizeof details);

    result->flags = 0;
    bide__worker_answer(r->worker, result, details, n);
}

static void put_result(struct runner *r, struct record *result)
{
    struct block_ref ref;

    if (result->code < 0) {
        put_error(r, result);
    } else if (r->echoed) {
        ref = (struct block_ref){(uint64_t)(r->echoed - r->arg), r->echoed_len};
        result->flags = OUT_INPUT;
        bide__worker_answer(r->worker, result, &ref, sizeof ref);
    } else if (r->granted && r->granted_used > 0) {
        result->flags = OUT_BLOCK;
        result->more = r->granted_used;
        bide__worker_answer(r->worker, result, NULL, 0);
    } else {
        bide__worker_answer(r->worker, result, r->reply, r->reply_len);
    }
}

void bide__reply_send(struct runner *r, struct record *result)
{
    struct worker *w = r->worker;
    bool has_fds = result->code >= 0 && r->nout_fds > 0;

    if (has_fds) {
        begin_sending(w);
        int code = send_fds(r, result);
        result->code = code < 0 ? code : result->code;
    }
    atomic_store_explicit(&w->segment.shared->slots[r->slot].job, 0, memory_order_release); /* R2 */
    put_result(r, result);
    if (has_fds)
        end_sending(w);
}
