/* SPDX-License-Identifier: MIT */
/* test_nofile.c - a visit for which there are no descriptors, or one, or two ... until there are enough: EMFILE at every one. */
#include <sys/resource.h>
#include <unistd.h>

#include "evil/visits.h"
#include "harness/points.h"

#define WAIT_MS (BIDE_SANITIZED ? 2000 : 400) /* who opens a file waits for a descriptor, too */

struct attempt {
    const struct visit *visit;
    const struct scene *scene;
    int most, code; /* descriptors that may be opened; what came of it */
};

/* No descriptor from this one on; -1: as before. */
static void limit_descriptors(int first)
{
    static struct rlimit before;
    static bool is_known;
    if (!is_known)
        EXPECT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    is_known = true;

    struct rlimit now = {.rlim_cur = first < 0 ? before.rlim_cur : (rlim_t)first, .rlim_max = before.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &now), 0);
}

/* Who connects waits for a descriptor, as long as that may take. */
static bool is_expected(int code)
{
    return code == 0 || code == BIDE_ETIMEDOUT || code == -EMFILE || code == BIDE_ETLS || code == BIDE_ECERT;
}

static int attempt_run(struct attempt *a)
{
    int next = dup(0);
    close(next);

    limit_descriptors(next + a->most);
    bide_session *s = visit_session(a->visit, a->scene);
    a->code = s ? bide_wait_for(bide_coro(a->visit->go, s, a->scene), WAIT_MS) : bide_error_code();
    limit_descriptors(-1);
    if (!is_expected(a->code))
        FAIL("%s with %d descriptors: %d, %s", a->visit->name, a->most, a->code, bide_error_text());
    bide_error_clear();
    if (s)
        visit_expect_well(a->visit, a->scene, s);
    return 0;
}

UNIT(evil_without_descriptors_is_an_error_and_leaves_nothing, .seconds = 120)
{
    struct holdings before;
    struct scene scene = {.connect_ms = 100};
    scene_open(&scene);
    holdings_note(&before);

    for (size_t i = 0; i < nvisits; i++) {
        struct attempt a = {.visit = &visits[i], .scene = &scene, .code = -1};
        for (; a.code < 0; a.most++) {
            EXPECT_LT(a.most, 30);
            EXPECT_ERR(bide_run(bide_coro(attempt_run, &a)), 0);
            holdings_expect(&before, visits[i].name, a.most);
        }
        EXPECT_LT(1, a.most);
    }
    scene_close(&scene);
}
