/* SPDX-License-Identifier: MIT */
/* rate_limited_poller.c - ask for some URLs every second, never more than ten a second: rate_limited_poller ROUNDS URL... */
#include <stdio.h>
#include <stdlib.h>

#include <bide/bide.h>

static bide_limiter ten_a_second = BIDE_LIMITER(10, 1);
static bide_interval every_second = BIDE_INTERVAL(1000, BIDE_MISSED_SKIP);

static int poll(bide_session *s, const char *url)
{
    BIDE_TRY(bide_limiter_acquire(&ten_a_second, 1));
    bide_auto bide_response *r = bide_get(s, url, .timeout_ms = 5000);
    return r ? printf("%d %s\n", bide_status(r), url) : printf("%s\n", bide_error_text());
}

static int poll_all(char **urls, int n, int rounds)
{
    bide_awaitable polls[64];
    bide_auto bide_session *s = BIDE_TRY_PTR(bide_session_new());

    for (int round = 0; round < rounds; round++) {
        BIDE_TRY(bide_interval_tick(&every_second));
        for (int i = 0; i < n; i++)
            polls[i] = BIDE_AW(bide_coro(poll, s, urls[i]));
        BIDE_TRY(bide_gather_n(polls, (size_t)n));
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 66)
        return fprintf(stderr, "usage: rate_limited_poller ROUNDS URL... (at most 64)\n"), 2;
    return bide_main(bide_coro(poll_all, argv + 2, argc - 2, atoi(argv[1])));
}
