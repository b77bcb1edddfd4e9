/* SPDX-License-Identifier: MIT */
/*
 * stale_retry.c - once more on a new connection, if the one that was kept turns out to be dead.
 *
 * A connection that was kept may have been closed by the server just when we wrote to it, or what comes first on it may
 * be a leftover of the answer before.  Then, and only if nothing of an answer came and asking twice can do no harm, the
 * request is sent once more on a new connection (RFC 9112 9.3.1).
 */
#include "http/policy/policy.h"

static bool is_disconnect(int code)
{
    return code == BIDE_EDISCONNECTED || code == -ECONNRESET || code == -EPIPE || code == BIDE_ECLOSED;
}

/* It had served before, and this time it was closed, or had something else on it than an answer, or says that it was
   about to be closed. */
static bool was_stale(const struct request *q, const struct outcome *o)
{
    if (!o->reused || o->progress->in_source || !bide__body_source_may_be_sent(q->head.body))
        return false;
    if (o->code < 0)
        return (is_disconnect(o->code) || o->code == BIDE_EHTTP) && !o->progress->is_answered &&
               (o->progress->sent == 0 || bide__request_is_idempotent(&q->head));
    return (o->answer->status == 408 && o->answer->is_last) || o->answer->status == 421;
}

static int after(struct policy *policy, struct request *q, const struct outcome *o)
{
    struct stale_retry *p = container_of(policy, struct stale_retry, policy);
    if (p->tried_at == q->hops + 1 || !was_stale(q, o))
        return POLICY_ACCEPT;

    p->tried_at = q->hops + 1;
    q->fresh = true;
    return POLICY_AGAIN;
}

const struct policy_ops bide__stale_retry_ops = {.name = "stale retry", .why = BIDE_AGAIN_RETRY, .after = after};
