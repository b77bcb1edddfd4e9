/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what every bench program shares: a stopwatch, and the line in which it says what it measured.
 *
 *     struct bench b;
 *     bench_begin(&b);
 *     ... the measured part ...
 *     bench_end(&b, ops);     prints {"ops":N,"secs":S,"cpu_s":C,"rss_kb":R}, the last line of the program
 *
 * cpu_s is user and system time of the whole process between begin and end.  rss_kb is the highest resident size that the
 * process ever had; a program that measures memory itself says it with bench_report.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct bench {
    double wall, cpu;
};

static inline double bench_seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static inline void bench_begin(struct bench *b)
{
    b->cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    b->wall = bench_seconds(CLOCK_MONOTONIC);
}

static inline void bench_report(long ops, double secs, double cpu_s, long rss_kb)
{
    printf("{\"ops\":%ld,\"secs\":%.6f,\"cpu_s\":%.6f,\"rss_kb\":%ld}\n", ops, secs, cpu_s, rss_kb);
    fflush(stdout);
}

static inline long bench_peak_rss_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static inline void bench_end(const struct bench *b, long ops)
{
    double wall = bench_seconds(CLOCK_MONOTONIC) - b->wall;
    double cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - b->cpu;
    bench_report(ops, wall, cpu, bench_peak_rss_kb());
}

/* A line of /proc/self/status in KiB: "VmRSS:", "VmPTE:". */
static inline long bench_status_kb(const char *key)
{
    char line[256];
    long kb = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && kb < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            kb = atol(line + strlen(key));
    if (f)
        fclose(f);
    return kb;
}

/* The argument number i as a count, or a default. */
static inline long bench_arg(int argc, char **argv, int i, long otherwise)
{
    long n = i < argc ? atol(argv[i]) : otherwise;
    if (n > 0)
        return n;
    fprintf(stderr, "%s: argument %d must be a number above 0\n", argv[0], i);
    exit(2);
}

#endif
