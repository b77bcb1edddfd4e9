/* SPDX-License-Identifier: MIT */
/*
 * await_three_kinds.c - the three things that may stand behind await.
 *
 * A native coroutine (async def); a generator-based one (@types.coroutine), which has no stack and waits by yielding;
 * an object with an await operation (__await__).  bide_await takes any of them, and so do bide_gather and the rest.
 */
#include <bide/bide.h>
#include <stdio.h>

/* async def native(x): await asyncio.sleep(0.01); return x */
static int native(int x)
{
    BIDE_TRY(bide_sleep_ms(10));
    return x;
}

/* What must survive a yield stands in the struct. */
struct countdown {
    bide_generator base;
    int left;
};

static int countdown_step(bide_generator *g, int outcome, bide_awaitable *next)
{
    struct countdown *c = (struct countdown *)g;

    BIDE_GENERATOR_BEGIN(g);
    for (; c->left > 0; c->left--) {
        printf("countdown: %d\n", c->left);
        BIDE_GENERATOR_AWAIT(g, bide_coro(native, c->left)); /* it may yield coroutines */
    }
    BIDE_GENERATOR_END();
    return outcome;
}

/* class Answer: def __await__(self): ... */
struct answer {
    bide_awaitable_object base;
    int value;
};

static int answer_await(bide_awaitable_object *o)
{
    struct answer *a = (struct answer *)o;

    BIDE_TRY(bide_sleep_ms(10));
    return a->value;
}

static int app(void)
{
    struct countdown c = {.base = {.step = countdown_step}, .left = 3};
    struct answer a = {.base = {.await = answer_await}, .value = 42};

    printf("native coroutine: %d\n", bide_await(bide_coro(native, 7)));
    printf("generator: %d\n", bide_await(&c.base));
    printf("object: %d\n", bide_await(&a.base));
    return 0;
}

int main(void)
{
    return bide_main(bide_coro(app));
}
