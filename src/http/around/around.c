/* SPDX-License-Identifier: MIT */
/*
 * around.c - functions of the program's, called before and after each try.
 *
 * Before a try they come in front of all policies, so that cookies, users and routes are chosen for what they have made of the
 * request; after it they come first again, so that they see what is answered and not what became of it.
 */
#include <bide/task.h>

#include "http/around/around.h"

#define AGAIN_MAX 3

/* ---- calling them ---- */

/* Within the time of the request. */
static int call(bide_attempt *a, bide_attempt_fn *fn, int phase)
{
    int code = 0;

    a->phase = phase;
    bide__timeout(bide__deadline_remaining_ms(a->deadline, BIDE_FOREVER))
        code = fn(a, a->one->how.arg);
    a->phase = ATTEMPT_OTHER;
    return code < 0 ? bide__on_record(code, "a function around a request") : 0;
}

/* What the try before has changed is as it was. */
static void restore_fields(bide_attempt *a)
{
    struct request_head *head = &a->q->head;

    if (a->is_changed) {
        head->headers = a->headers;
        head->user = a->user;
        head->drop |= a->undropped;
    }
    a->is_changed = false;
    a->undropped = 0;
}

static int before(struct policy *policy, struct request *q)
{
    struct around *p = container_of(policy, struct around, first);
    bide_attempt *a = &p->attempt;

    restore_fields(a);
    q->canned = NULL;
    a->number++;
    a->outcome = NULL;
    for (p->ncalled = 0; p->ncalled < p->n && !q->canned;) {
        a->one = &p->all[p->ncalled++];
        if (a->one->how.before)
            BIDE_TRY(call(a, a->one->how.before, ATTEMPT_BEFORE));
    }
    return 0;
}

static int after(struct policy *policy, struct request *q, const struct outcome *o)
{
    struct around *p = container_of(policy, struct around, last);
    bide_attempt *a = &p->attempt;
    (void)q;

    a->outcome = o;
    a->wants_again = false;
    while (p->ncalled > 0 && !a->wants_again) {
        a->one = &p->all[--p->ncalled];
        if (a->one->how.after)
            BIDE_TRY(call(a, a->one->how.after, ATTEMPT_AFTER));
    }
    a->outcome = NULL;
    return a->wants_again ? POLICY_AGAIN : POLICY_ACCEPT;
}

static const struct policy_ops first_ops = {.name = "around", .before = before};
static const struct policy_ops last_ops = {.name = "around", .why = BIDE_AGAIN_OTHER, .after = after};

/* ---- making them ---- */

static size_t count(const bide_around *list)
{
    size_t n = 0;

    while (list && (list[n].before || list[n].after))
        n++;
    return n;
}

static int check(const bide_around *list, const char *function)
{
    size_t n = count(list);

    if (n > AROUND_MAX)
        return bide_fail(-EINVAL, "%s: around: more than %d", function, AROUND_MAX);
    for (size_t i = 0; i < n; i++)
        BIDE_TRY(bide__check_number(function, "around: again_max", list[i].again_max, BIDE_NONE));
    return 0;
}

int bide__around_copy(struct arena *arena, const bide_around *list, const bide_around **out)
{
    size_t n = count(list);

    *out = NULL;
    BIDE_TRY(check(list, "bide_session_new"));
    if (n == 0)
        return 0;
    bide_around *copy = bide__arena_alloc(arena, (n + 1) * sizeof *copy);
    if (!copy)
        return BIDE_ENOMEM;
    memcpy(copy, list, n * sizeof *copy);
    copy[n] = (bide_around){.before = NULL};
    *out = copy;
    return 0;
}

static void add(struct around *p, const bide_around *list)
{
    for (size_t i = 0, n = count(list); i < n; i++) {
        struct around_one *one = &p->all[p->n++];
        *one = (struct around_one){.how = list[i]};
        one->how.again_max = list[i].again_max == BIDE_NONE ? 0 : list[i].again_max ? list[i].again_max : AGAIN_MAX;
        p->again_max += list[i].after ? one->how.again_max : 0;
    }
}

int bide__around_new(struct request *q, const struct deadline *d, const bide_around *session, const bide_around *own, struct around **out)
{
    BIDE_TRY(check(own, "bide_request"));
    struct around *p = bide__arena_alloc(q->arena, sizeof *p);
    struct around_one *all = bide__arena_alloc(q->arena, (count(session) + count(own) + 1) * sizeof *all);
    if (!p || !all)
        return BIDE_ENOMEM;

    *p = (struct around){.first.ops = &first_ops, .last.ops = &last_ops, .attempt = {.q = q, .deadline = d}, .all = all};
    add(p, session);
    add(p, own);
    *out = p;
    return 0;
}
