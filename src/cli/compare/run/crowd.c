/* SPDX-License-Identifier: MIT */
/*
 * crowd.c - a crowd of coroutines: each takes the next URL, until there is none; and their session.
 */
#include <stdlib.h>

#include <bide/task.h>

#include "cli/compare/run/run.h"

struct crowd {
    struct compare *c;
    bide_session *session;
    compare_get *get;
    int next;
};

static int member(struct crowd *w)
{
    while (w->next < w->c->n) {
        int i = w->next++;
        int code = w->get(w->c, w->session, i);
        if (code < 0)
            compare_fail(w->c, i, code, bide_error_text());
    }
    return 0;
}

int compare_crowd(struct compare *c, bide_session *s, compare_get *get)
{
    struct crowd w = {.c = c, .session = s, .get = get};
    size_t n = (size_t)c->at_once;
    bide_awaitable *members = malloc(n * sizeof *members);
    if (!members)
        return bide_fail(BIDE_ENOMEM, "no memory for %zu coroutines", n);

    for (size_t i = 0; i < n; i++)
        members[i] = BIDE_AW(bide_coro(member, &w));
    int code = bide_gather_n(members, n);
    free(members);
    return code;
}

bide_session *compare_session(int at_once)
{
    return bide_session_new(.limit = at_once, .limit_per_host = at_once);
}
