/* SPDX-License-Identifier: MIT */
/* retries.c - how often a request is tried: the session's .retry, and the request's own, with the defaults filled in. */
#include "http/client/client.h"

#define WAIT_MS 500
#define WAIT_MAX_MS 30000
#define RETRY_AFTER_MAX_MS 60000
#define BUDGET_PERCENT 20

static int check(const char *function, const bide_retry *r)
{
    BIDE_TRY(bide__check_number(function, "retry.attempts", r->attempts, BIDE_NONE));
    BIDE_TRY(bide__check_number(function, "retry.wait_ms", r->wait_ms, 0));
    BIDE_TRY(bide__check_number(function, "retry.wait_max_ms", r->wait_max_ms, 0));
    BIDE_TRY(bide__check_number(function, "retry.retry_after_max_ms", r->retry_after_max_ms, 0));
    if (r->attempts > 1000)
        return bide_fail(-EINVAL, "%s: retry.attempts = %d: at most 1000", function, r->attempts);
    for (const int *status = r->on_status; status && *status; status++)
        if (*status < 400 || *status > 599)
            return bide_fail(-EINVAL, "%s: retry.on_status: %d is none of 400 to 599", function, *status);
    return 0;
}

static bide_retry with_defaults(bide_retry r)
{
    r.wait_ms = r.wait_ms ? r.wait_ms : WAIT_MS;
    r.wait_max_ms = r.wait_max_ms ? r.wait_max_ms : WAIT_MAX_MS;
    r.retry_after_max_ms = r.retry_after_max_ms ? r.retry_after_max_ms : RETRY_AFTER_MAX_MS;
    return r;
}

static int copy_statuses(struct arena *arena, const int **list)
{
    size_t n = 0;
    if (!*list)
        return 0;

    while ((*list)[n])
        n++;
    int *copy = bide__arena_alloc(arena, (n + 1) * sizeof *copy);
    if (!copy)
        return BIDE_ENOMEM;
    memcpy(copy, *list, (n + 1) * sizeof *copy);
    *list = copy;
    return 0;
}

static int copy_methods(struct arena *arena, const char *const **list)
{
    size_t n = 0;
    if (!*list)
        return 0;

    while ((*list)[n])
        n++;
    const char **copy = bide__arena_alloc(arena, (n + 1) * sizeof *copy);
    if (!copy)
        return BIDE_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if (!(copy[i] = bide__arena_strndup(arena, (*list)[i], strlen((*list)[i]))))
            return BIDE_ENOMEM;
    copy[n] = NULL;
    *list = copy;
    return 0;
}

int bide__session_set_retry(bide_session *s, const bide_session_args *args)
{
    bide_retry r = args->retry;
    int code = check("bide_session_new", &r);
    if (code == 0)
        code = bide__check_number("bide_session_new", "retry_budget", args->retry_budget, BIDE_UNLIMITED);
    if (code == 0)
        code = copy_statuses(&s->strings, &r.on_status);
    if (code == 0)
        code = copy_methods(&s->strings, &r.methods);
    s->args.retry = with_defaults(r);
    s->retry_budget = (struct retry_budget){args->retry_budget ? args->retry_budget : BUDGET_PERCENT, RETRY_BUDGET_FIRST};
    return code;
}

int bide__request_find_retry(struct request *q, const bide_retry *own, struct retry **out)
{
    bide_session *s = q->response->session;
    bool is_own = own->attempts != 0;
    int code = check("bide_request", own);
    if (code < 0 || (is_own ? own->attempts : s->args.retry.attempts) <= 1)
        return code;

    *out = bide__arena_alloc(q->arena, sizeof **out);
    if (!*out)
        return BIDE_ENOMEM;
    **out = (struct retry){.policy.ops = &bide__retry_ops, .how = is_own ? with_defaults(*own) : s->args.retry, .tries = 1,
                           .budget = &s->retry_budget};
    return 0;
}
