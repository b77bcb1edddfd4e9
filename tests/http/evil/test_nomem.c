/* SPDX-License-Identifier: MIT */
/* test_nomem.c - a visit to which an allocation is denied, one after the other: that one, or that one and all behind it. */
#include <openssl/crypto.h>

#include "evil/visits.h"
#include "harness/allocator.h"
#include "harness/points.h"

enum denied { DENY_ONE, DENY_REST, DENY_ONE_OF_OPENSSL };

static struct counting_heap heap = {.limit = SIZE_MAX};

static struct {
    bool counts; /* only in the visit: what the library keeps for the process is there before */
    int left;    /* allocations before the one that is denied */
    bool was_denied;
} openssl;

static bool openssl_must_fail(void)
{
    if (!openssl.counts || openssl.left-- > 0)
        return false;
    openssl.counts = false;
    openssl.was_denied = true;
    return true;
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return openssl_must_fail() ? NULL : malloc(size);
}

static void *openssl_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return openssl_must_fail() ? NULL : realloc(old, size);
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

struct attempt {
    const struct visit *visit;
    const struct scene *scene;
    enum denied what;
    int at; /* which allocation */
    bool was_denied;
};

static void deny(const struct attempt *a)
{
    heap.calls = 0;
    openssl.was_denied = false;
    switch (a->what) {
    case DENY_ONE:
        bide__alloc_fail_at(a->at);
        break;
    case DENY_REST:
        heap.limit = (size_t)a->at;
        break;
    case DENY_ONE_OF_OPENSSL:
        openssl.left = a->at;
        openssl.counts = true;
    }
}

/* Returns: was there an allocation that was denied? */
static bool deny_no_more(const struct attempt *a)
{
    bool of_ours = a->what == DENY_ONE ? !bide__alloc_fail_at(-1) : a->what == DENY_REST && heap.calls > heap.limit;

    heap.limit = SIZE_MAX;
    openssl.counts = false;
    return of_ours || openssl.was_denied;
}

static bool is_expected(const struct attempt *a, int code)
{
    /* OpenSSL does not always say that it was memory. */
    bool may_be_tls = a->what == DENY_ONE_OF_OPENSSL && (code == BIDE_ETLS || code == BIDE_ECERT);

    return code == BIDE_ENOMEM || may_be_tls || (code == 0 && (a->what != DENY_REST || a->at > 0)) || (code == 0 && !a->was_denied);
}

static int attempt_run(struct attempt *a)
{
    deny(a);
    bide_session *s = visit_session(a->visit, a->scene);
    int code = s ? a->visit->go(s, a->scene) : bide_error_code();
    a->was_denied = deny_no_more(a);
    if (!is_expected(a, code))
        FAIL("%s, allocation %d, %d: %d, %s", a->visit->name, a->at, a->what, code, bide_error_text());
    bide_error_clear();
    visit_expect_well(a->visit, a->scene, s);
    return 0;
}

static void deny_each(enum denied what, int at_least)
{
    struct holdings before;
    struct scene scene;
    int failures = 0;
    EXPECT_EQ(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free), 1);
    EXPECT_ERR(counting_heap_use(&heap), 0);
    scene_open(&scene);
    holdings_note(&before);

    for (size_t i = 0; i < nvisits; i++) {
        struct attempt a = {.visit = &visits[i], .scene = &scene, .what = what, .was_denied = true};
        for (; a.was_denied; a.at += what == DENY_ONE_OF_OPENSSL ? 1 + a.at / 6 : next_point(a.at)) {
            EXPECT_ERR(bide_run(bide_coro(attempt_run, &a)), 0);
            holdings_expect(&before, visits[i].name, a.at);
            failures += a.was_denied;
        }
    }
    EXPECT_LT(at_least, failures);
    scene_close(&scene);
}

UNIT(evil_each_allocation_may_fail, .seconds = 120)
{
    deny_each(DENY_ONE, 100);
}

UNIT(evil_from_each_allocation_on_all_may_fail, .seconds = 120)
{
    deny_each(DENY_REST, 100);
}

UNIT(evil_each_allocation_of_openssl_may_fail, .seconds = 120)
{
    deny_each(DENY_ONE_OF_OPENSSL, 100);
}
