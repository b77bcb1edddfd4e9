/* SPDX-License-Identifier: MIT */
/* test_cancel.c - a visit that is cancelled at each of its points, one after the other. */
#include "evil/visits.h"
#include "harness/points.h"

struct attempt {
    const struct visit *visit;
    const struct scene *scene;
    int at; /* which moment */
    bool late, was_cancelled;
};

/* The visit, cancelled at that moment, if it is not over before. */
static int attempt_run(struct attempt *a)
{
    bide_session *s = visit_session(a->visit, a->scene);
    bide_task *t = bide_create_task(bide_coro(a->visit->go, s, a->scene));
    int code = await_cancelled_at(t, a->at, a->late, &a->was_cancelled);

    if (code != (a->was_cancelled ? BIDE_ECANCELED : 0))
        FAIL("%s, cancelled%s at moment %d: %d, %s", a->visit->name, a->late ? " late" : "", a->at, code, bide_error_text());
    bide_error_clear();
    visit_expect_well(a->visit, a->scene, s);
    return 0;
}

static void cancel_at_every_moment(bool late)
{
    struct holdings before;
    struct scene scene;
    scene_open(&scene);
    holdings_note(&before);

    for (size_t i = 0; i < nvisits; i++) {
        struct attempt a = {.visit = &visits[i], .scene = &scene, .late = late, .was_cancelled = true};
        for (; a.was_cancelled; a.at += next_point(a.at)) {
            EXPECT_ERR(bide_run(bide_coro(attempt_run, &a)), 0);
            holdings_expect(&before, visits[i].name, a.at);
        }
        EXPECT_LT(late ? 1 : 2, a.at);
    }
    scene_close(&scene);
}

/* R56 */
UNIT(evil_cancelled_at_every_wait_leaves_nothing, .seconds = 60)
{
    cancel_at_every_moment(false);
}

/* R56 */
UNIT(evil_cancelled_when_it_was_just_woken_leaves_nothing, .seconds = 60)
{
    cancel_at_every_moment(true);
}
