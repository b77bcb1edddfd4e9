/* SPDX-License-Identifier: MIT */
/*
 * first.c - what the first request of a session costs: COUNT sessions, each made for one GET.
 *
 *     bench-first URL [COUNT [CA-FILE]]      1000
 *
 * first_us is the first session of all: TLS, and what sessions share, is set up for it.
 */
#include <bide/bide.h>

#include "bench.h"

struct job {
    const char *url, *ca_file;
    long count;
};

static int get(const struct job *job)
{
    bide_auto bide_session *session = bide_session_new(.ca_file = job->ca_file);
    if (!session)
        return bide_raise();
    bide_auto bide_response *r = bide_get(session, job->url);

    return r && bide_body(r).data ? 0 : bide_raise();
}

static int app(const struct job *job)
{
    struct bench b;

    bench_begin(&b);
    BIDE_TRY(get(job));
    double first = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - b.cpu;
    bench_begin(&b);
    for (long i = 0; i < job->count; i++)
        BIDE_TRY(get(job));
    double wall = bench_seconds(CLOCK_MONOTONIC) - b.wall, cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - b.cpu;
    printf("{\"ops\":%ld,\"secs\":%.6f,\"cpu_s\":%.6f,\"rss_kb\":%ld,\"first_us\":%.0f}\n", job->count, wall, cpu,
           bench_peak_rss_kb(), first * 1e6);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s URL [COUNT [CA-FILE]]\n", argv[0]);
        return 2;
    }
    struct job job = {.url = argv[1], .count = bench_arg(argc, argv, 2, 1000), .ca_file = argc > 3 ? argv[3] : NULL};
    return bide_main(bide_coro(app, (const struct job *)&job));
}
