/* SPDX-License-Identifier: MIT */
/*
 * timers.c - what a call_later costs, made or cancelled.
 *
 *     bench-timers [fire|cancel [TIMERS]]      fire, 1,000,000
 *
 * The calls are due in 1 to 1000 ms, in no order.  One operation is to ask for a call, and then either to have it made or
 * to cancel it, which happens in the order in which they were asked for.  again_ns is what cancelling takes when all is done
 * once more, with memory that was used before.
 */
#include <bide/bide.h>

#include "bench.h"

static long timers, fired;
static bide_future *all_fired;

static void fire(void *arg)
{
    (void)arg;
    if (++fired == timers)
        BIDE_IGNORE(bide_future_set_result(all_fired, 0));
}

static int ask_for_all(bide_handle **handles)
{
    bide_loop *loop = bide_get_event_loop();
    unsigned random = 1;

    for (long i = 0; i < timers; i++) {
        random = (random * 1103515245u + 12345u) & 0x7fffffff;
        if (!(handles[i] = bide_loop_call_later(loop, 1 + random % 1000, fire, NULL)))
            return bide_raise();
    }
    return 0;
}

static int cancel_twice(bide_handle **handles)
{
    double wall[2], cpu[2];

    for (int round = 0; round < 2; round++) {
        wall[round] = -bench_seconds(CLOCK_MONOTONIC);
        cpu[round] = -bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
        BIDE_TRY(ask_for_all(handles));
        for (long i = 0; i < timers; i++)
            bide_handle_cancel(handles[i]);
        cpu[round] += bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
        wall[round] += bench_seconds(CLOCK_MONOTONIC);
    }
    printf("{\"ops\":%ld,\"secs\":%.6f,\"cpu_s\":%.6f,\"rss_kb\":%ld,\"again_ns\":%.1f}\n", timers, wall[0], cpu[0],
           bench_peak_rss_kb(), cpu[1] * 1e9 / (double)timers);
    return 0;
}

static int app(bool cancel)
{
    struct bench b;
    bide_handle **handles = calloc((size_t)timers, sizeof(bide_handle *));
    all_fired = bide_future_new();
    if (!handles || !all_fired)
        return BIDE_ENOMEM;

    if (cancel) {
        BIDE_TRY(cancel_twice(handles));
    } else {
        bench_begin(&b);
        BIDE_TRY(ask_for_all(handles));
        BIDE_TRY(bide_await(all_fired));
        bench_end(&b, timers);
    }
    bide_release(all_fired);
    free(handles);
    return 0;
}

int main(int argc, char **argv)
{
    bool cancel = argc > 1 && strcmp(argv[1], "cancel") == 0;
    if (argc > 1 && !cancel && strcmp(argv[1], "fire") != 0) {
        fprintf(stderr, "usage: %s [fire|cancel [TIMERS]]\n", argv[0]);
        return 2;
    }
    timers = bench_arg(argc, argv, 2, 1000000);
    return bide_main(bide_coro(app, cancel));
}
