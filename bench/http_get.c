/* SPDX-License-Identifier: MIT */
/*
 * http_get.c - what one GET costs: COUNT of them by CONNECTIONS tasks that share a session.
 *
 *     bench-http_get URL [COUNT [CONNECTIONS [CA-FILE [close|zlib|trace]]]]      100,000 by 64; CA-FILE "": the system's
 *
 * Each task does what a program does: bide_get, look at the status, take the whole body, release the response.  The
 * session has its default options, so every time limit is armed, and certificates are verified.  close: a connection for
 * each request, which asks the server to close it.  zlib: bodies come as they are, in gzip, and zlib alone decodes them; what
 * decoding costs at least.  trace: in batches by turns, recorded as a timeline and not; "ratio" is CPU with it to CPU without, the
 * median of the pairs.  Writing the file is not counted.
 */
#include <zlib.h>

#include <bide/bide.h>

#include "bench.h"

struct job {
    const char *url, *ca_file;
    long count, left;
    int connections;
    bool is_closing, is_by_zlib, is_traced;
    z_stream zlib;
    bide_session *session;
};

static int inflate_body(struct job *job, bide_bytes body)
{
    static unsigned char out[1 << 16];
    z_stream *z = &job->zlib;

    inflateReset(z);
    z->next_in = (unsigned char *)(uintptr_t)body.data;
    z->avail_in = (unsigned)body.len;
    z->next_out = out;
    z->avail_out = sizeof out;
    return inflate(z, Z_FINISH) == Z_STREAM_END ? 0 : bide_fail(BIDE_EHTTP, "not a body in gzip of up to 64 KiB");
}

static int get(struct job *job)
{
    bide_auto bide_response *r = bide_get(job->session, job->url);
    if (!r)
        return bide_raise();
    BIDE_TRY(bide_raise_for_status(r));
    bide_bytes body = bide_body(r);
    if (!body.data)
        return bide_raise();
    return job->is_by_zlib ? inflate_body(job, body) : 0;
}

static int worker(struct job *job)
{
    while (job->left > 0) {
        job->left--;
        BIDE_TRY(get(job));
    }
    return 0;
}

static int run_workers(struct job *job)
{
    bide_awaitable *all = calloc((size_t)job->connections, sizeof *all);
    if (!all)
        return bide_fail(BIDE_ENOMEM, "%d connections: out of memory", job->connections);

    for (int i = 0; i < job->connections; i++)
        all[i] = BIDE_AW(bide_coro(worker, job));
    int code = bide_gather_n(all, (size_t)job->connections);
    free(all);
    return code;
}

/* ---- recorded and not, by turns ---- */

#define PAIRS 50

/* A few first that do not count: writing a file has taken the caches. */
static int measure_batch(struct job *job, bool is_recorded, double *cpu)
{
    if (is_recorded)
        BIDE_TRY(bide_trace_start("/dev/null"));
    job->left = job->connections * 2;
    BIDE_TRY(run_workers(job));
    job->left = job->count / (2 * PAIRS);
    double begin = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    BIDE_TRY(run_workers(job));
    *cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
    return is_recorded ? bide_trace_stop() : 0;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Who is first changes, for the machine is not the same all the time. */
static int run_traced(struct job *job)
{
    double ratios[PAIRS], cpu[2], sum = 0, begin = bench_seconds(CLOCK_MONOTONIC);

    for (int i = 0; i < PAIRS; i++) {
        bool first = i % 2;
        BIDE_TRY(measure_batch(job, first, &cpu[first]));
        BIDE_TRY(measure_batch(job, !first, &cpu[!first]));
        ratios[i] = cpu[1] / cpu[0];
        sum += cpu[0] + cpu[1];
    }
    qsort(ratios, PAIRS, sizeof *ratios, compare_doubles);
    printf("{\"ops\":%ld,\"secs\":%.6f,\"cpu_s\":%.6f,\"rss_kb\":%ld,\"ratio\":%.4f}\n", job->count, bench_seconds(CLOCK_MONOTONIC) - begin, sum,
           bench_peak_rss_kb(), (ratios[PAIRS / 2 - 1] + ratios[PAIRS / 2]) / 2);
    return 0;
}

static int run_measured(struct job *job)
{
    struct bench b;

    bench_begin(&b);
    BIDE_TRY(run_workers(job));
    bench_end(&b, job->count);
    return 0;
}

static int app(struct job *job)
{
    static const bide_pair closing[] = {{"Connection", "close"}, {0}}, gzip[] = {{"Accept-Encoding", "gzip"}, {0}};
    bide_auto bide_session *session =
        bide_session_new(.limit = job->connections, .limit_per_host = job->connections, .ca_file = job->ca_file,
                         .headers = job->is_closing ? closing : job->is_by_zlib ? gzip : NULL,
                         .no_decompress = job->is_by_zlib);
    if (!session)
        return bide_raise();

    job->session = session;
    if (inflateInit2(&job->zlib, 15 + 16) != Z_OK)
        return bide_fail(BIDE_ENOMEM, "zlib: out of memory");
    BIDE_TRY(job->is_traced ? run_traced(job) : run_measured(job));
    inflateEnd(&job->zlib);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s URL [COUNT [CONNECTIONS [CA-FILE [close|zlib|trace]]]]\n", argv[0]);
        return 2;
    }
    struct job job = {.url = argv[1], .count = bench_arg(argc, argv, 2, 100000)};
    job.left = job.count;
    job.connections = (int)bench_arg(argc, argv, 3, 64);
    job.ca_file = argc > 4 && argv[4][0] ? argv[4] : NULL;
    job.is_closing = argc > 5 && strcmp(argv[5], "close") == 0;
    job.is_traced = argc > 5 && strcmp(argv[5], "trace") == 0;
    job.is_by_zlib = argc > 5 && strcmp(argv[5], "zlib") == 0;
    return bide_main(bide_coro(app, &job));
}
