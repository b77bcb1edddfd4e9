/* SPDX-License-Identifier: MIT */
/*
 * beside.c - how long a small GET waits while its session downloads: COUNT of them, one after the other.
 *
 *     bench-beside SMALL-URL LARGE-URL [COUNT [DOWNLOADS [FOLDER]]]      200 beside 8, which go to files in FOLDER or are
 *                                                                        read and thrown away
 *
 * p50_us and p90_us are of the small ones; mib_s is what the downloads bring meanwhile.
 */
#include <bide/bide.h>

#include "bench.h"

struct job {
    const char *small, *large, *folder;
    long count, downloads;
    bide_session *session;
    uint64_t bytes;
    bool is_over;
};

static int get(struct job *job)
{
    bide_auto bide_response *r = bide_get(job->session, job->small);

    return r && bide_body(r).data ? 0 : bide_raise();
}

static int note(uint64_t bytes, void *arg)
{
    struct job *job = arg;

    (void)bytes;
    return job->is_over ? BIDE_ECANCELED : 0;
}

static int read_all(struct job *job, bide_response *r)
{
    const char *piece;
    ssize_t n;

    while (!job->is_over && (n = bide_read_chunk(r, &piece)) > 0)
        job->bytes += (uint64_t)n;
    return 0;
}

static int save(struct job *job, bide_response *r, long number)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%ld", job->folder, number);
    int64_t n = bide_save(r, path, .progress = note, .progress_arg = job);
    job->bytes += n > 0 ? (uint64_t)n : 0;
    return n == BIDE_ECANCELED ? 0 : n < 0 ? (int)n : 0;
}

static int download(struct job *job, long number)
{
    while (!job->is_over) {
        bide_auto bide_response *r = bide_get(job->session, job->large, .timeout_ms = BIDE_FOREVER);
        if (!r)
            return bide_raise();
        BIDE_TRY(job->folder ? save(job, r, number) : read_all(job, r));
    }
    return 0;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int measure(struct job *job)
{
    double *us = calloc((size_t)job->count, sizeof *us);
    struct bench b;
    if (!us)
        return bide_fail(BIDE_ENOMEM, "out of memory");

    BIDE_TRY(bide_sleep_ms(300)); /* until all are under way */
    uint64_t before = job->bytes;
    bench_begin(&b);
    for (long i = 0; i < job->count; i++) {
        double begin = bench_seconds(CLOCK_MONOTONIC);
        BIDE_TRY(get(job));
        us[i] = (bench_seconds(CLOCK_MONOTONIC) - begin) * 1e6;
    }
    double wall = bench_seconds(CLOCK_MONOTONIC) - b.wall, cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - b.cpu;
    qsort(us, (size_t)job->count, sizeof *us, by_size);
    job->is_over = true;
    printf("{\"ops\":%ld,\"secs\":%.6f,\"cpu_s\":%.6f,\"rss_kb\":%ld,\"p50_us\":%.1f,\"p90_us\":%.1f,\"mib_s\":%.0f}\n", job->count,
           wall, cpu, bench_peak_rss_kb(), us[job->count / 2], us[job->count * 9 / 10],
           (double)(job->bytes - before) / wall / 1048576);
    free(us);
    return 0;
}

static int app(struct job *job)
{
    bide_auto bide_session *session = bide_session_new(.limit_per_host = (int)job->downloads + 1);
    bide_awaitable *all = calloc((size_t)job->downloads + 1, sizeof *all);
    if (!session || !all)
        return bide_raise();

    job->session = session;
    for (long i = 0; i < job->downloads; i++)
        all[i] = BIDE_AW(bide_coro(download, job, i));
    all[job->downloads] = BIDE_AW(bide_coro(measure, job));
    int code = bide_gather_n(all, (size_t)job->downloads + 1);
    free(all);
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s SMALL-URL LARGE-URL [COUNT [DOWNLOADS [FOLDER]]]\n", argv[0]);
        return 2;
    }
    struct job job = {.small = argv[1], .large = argv[2], .count = bench_arg(argc, argv, 3, 200)};
    job.downloads = bench_arg(argc, argv, 4, 8);
    job.folder = argc > 5 ? argv[5] : NULL;
    return bide_main(bide_coro(app, &job));
}
