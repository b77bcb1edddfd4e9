/* SPDX-License-Identifier: MIT */
/*
 * echo.c - a TCP server that sends back what it gets, one task for each connection.  It is measured from outside.
 *
 *     bench-echo PORT [CONNECTIONS]      on 127.0.0.1, until it is killed, or until so many connections have ended
 *
 * With CONNECTIONS it says in the end how many reads there were, and what they cost.
 */
#include <bide/bide.h>

#include "bench.h"

static long reads, ended, expected;
static bide_future *all_ended;

static int echo(bide_stream *s, void *arg)
{
    char data[2048];
    ssize_t n;

    (void)arg;
    while ((n = bide_read(s, data, sizeof data)) > 0) {
        reads++;
        BIDE_TRY(bide_write(s, data, (size_t)n));
        BIDE_TRY(bide_drain(s));
    }
    if (++ended == expected)
        BIDE_IGNORE(bide_future_set_result(all_ended, 0));
    return (int)n;
}

static int serve(bide_listener *listener)
{
    return bide_serve(listener, echo, NULL);
}

static int app(int port)
{
    struct bench b;
    all_ended = bide_future_new();
    bide_auto bide_listener *listener = bide_listen("127.0.0.1", port);
    bide_auto bide_task *server = listener ? bide_create_task(bide_coro(serve, listener)) : NULL;
    if (!server || !all_ended)
        return bide_raise();

    bench_begin(&b);
    BIDE_TRY(bide_await(all_ended));
    bench_end(&b, reads);
    bide_release(all_ended);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s PORT [CONNECTIONS]\n", argv[0]);
        return 2;
    }
    expected = argc > 2 ? bench_arg(argc, argv, 2, 1) : 0;
    return bide_main(bide_coro(app, (int)bench_arg(argc, argv, 1, 0)));
}
