/* SPDX-License-Identifier: MIT */
/*
 * retry.c - asking again after a while: after errors of the network, and statuses that another try may change (R51 to R59).
 *
 * The wait is random between zero and a limit that doubles, or what Retry-After asks for and up to a tenth more, so that not all
 * come back at once.  It is the client that waits (request.wait_ms); a wait that all of the request has no time for is not begun:
 * the answer, or the error, is what there is.
 *
 * The budget is the session's: each first try adds a part of a retry to it, each retry takes one.  So a server that is down
 * gets a little more than its share of requests, not several times as many.
 */
#include <bide/backoff.h>
#include <bide/date.h>
#include <time.h>

#include "http/policy/policy.h"

static bool is_listed(const int *list, int status)
{
    for (; *list; list++)
        if (*list == status)
            return true;
    return false;
}

static bool helps_status(const struct retry *p, int status)
{
    static const int usual[] = {408, 429, 502, 503, 504, 0};

    return is_listed(p->how.on_status ? p->how.on_status : usual, status);
}

/* The network's, not those of a certificate or of what was sent. */
static bool helps_error(int code)
{
    static const int worth[] = {BIDE_ETIMEDOUT, BIDE_EDNS,     BIDE_EDISCONNECTED, BIDE_EEOF,    -ECONNREFUSED, -ECONNRESET, -ECONNABORTED,
                                -EPIPE,         -EHOSTUNREACH, -ENETUNREACH,       -ENETDOWN,    -EHOSTDOWN,    -ENOBUFS,    0};

    return is_listed(worth, code);
}

/* May it be sent twice: nothing of it went out, it does no harm, or the user says so. */
static bool may_repeat(const struct retry *p, const struct request *q, const struct outcome *o)
{
    if (o->progress->in_source || !bide__body_source_may_be_sent(q->head.body))
        return false;
    if (o->code < 0 && o->progress->sent == 0)
        return true;
    for (const char *const *m = p->how.methods; m && *m; m++)
        if (strcmp(*m, q->head.method) == 0)
            return true;
    return !p->how.methods && bide__request_is_idempotent(&q->head);
}

/* What the server asks for, and a little more; -1: nothing. */
static int64_t asked_wait_ms(const struct fields *fields)
{
    const struct field *after = bide__fields_find(fields, HEADER_RETRY_AFTER), *date = bide__fields_find(fields, HEADER_DATE);

    return after ? bide_retry_after_ms(bide__field_value(fields, after), date ? bide__field_value(fields, date) : NULL, time(NULL)) : -1;
}

/* -1: not worth waiting for. */
static int64_t choose_wait_ms(const struct retry *p, const struct outcome *o)
{
    int64_t asked = o->code == 0 ? asked_wait_ms(&o->answer->fields) : -1;

    if (asked > p->how.retry_after_max_ms)
        return -1;
    int64_t wait = asked >= 0 ? asked + bide_jitter_ms(asked / 10) : bide_backoff_ms(p->tries, p->how.wait_ms, p->how.wait_max_ms);
    return wait < o->left_ms ? wait : -1;
}

static bool take_from_budget(struct retry_budget *b)
{
    if (b->percent == BIDE_UNLIMITED)
        return true;
    if (b->left < 100)
        return false;
    b->left -= 100;
    return true;
}

static int before(struct policy *policy, struct request *q)
{
    struct retry *p = container_of(policy, struct retry, policy);
    struct retry_budget *b = p->budget;
    bool is_full = b->percent == BIDE_UNLIMITED || b->left >= RETRY_BUDGET_MOST;
    (void)q;

    if (!p->has_begun && !is_full)
        b->left += b->percent;
    p->has_begun = true;
    return 0;
}

static int after(struct policy *policy, struct request *q, const struct outcome *o)
{
    struct retry *p = container_of(policy, struct retry, policy);
    bool helps = o->code < 0 ? helps_error(o->code) && !o->is_interrupted : helps_status(p, o->answer->status);
    if (!helps || p->tries >= p->how.attempts || !may_repeat(p, q, o))
        return POLICY_ACCEPT;

    int64_t wait = choose_wait_ms(p, o);
    if (wait < 0 || !take_from_budget(p->budget))
        return POLICY_ACCEPT;
    p->tries++;
    q->wait_ms = wait;
    return POLICY_AGAIN;
}

const struct policy_ops bide__retry_ops = {.name = "retry", .why = BIDE_AGAIN_RETRY, .before = before, .after = after};
