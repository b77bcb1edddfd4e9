/* SPDX-License-Identifier: MIT */
/*
 * pool.c - what a job costs: bench-pool MODE [N]
 *
 *     batch     no-op jobs of 64 bytes, 2 workers, mapped all at once       jobs/s
 *     stream    the same, as a stream: bide_pool_imap                       jobs/s
 *     one       one job at a time: throughput and latency                   jobs/s, p50_us, p99_us
 *     idle      the same, with a pause before each: everybody sleeps        p50_us
 *     crash     from a job that kills its worker to its failed future       p50_us; and to the next answer
 *     open      open a pool of 2 workers until the first result             p50_us
 *     echo      1 MiB there and back, in place                              p50_us
 *     cpu       4 jobs that compute for 200 ms on 2 workers                 ratio to the ideal
 *     memory    private memory of an idle worker; its wake-ups in a second  private_kb, wakeups
 *
 * -t threads in place of processes.  The last line is {"ops":..,"secs":..,"cpu_s":..,"rss_kb":..} and the mode's figures.
 */
#include <bide/bide.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct payload {
    char bytes[64];
};

static enum bide_pool_kind kind = BIDE_POOL_PROCESS;
static int workers = 2;
static bide_pool *measured;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- jobs ---- */

static int echo(const struct payload *in, struct payload *out)
{
    *out = *in;
    return 0;
}

static int echo_bytes(bide_bytes in)
{
    return bide_worker_reply(in.data, in.len);
}

static int burn(const int *ms)
{
    double end = now() + *ms / 1e3;

    while (now() < end)
        ;
    return 0;
}

static int die(void)
{
    raise(SIGKILL);
    return 0;
}

/* ---- results ---- */

static double cpu_seconds(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Of workers that live; those that have ended count among the children. */
static double workers_cpu_seconds(void)
{
    double sum = 0;
    struct timespec t;
    clockid_t clock;

    for (int i = 0; measured && i < bide_pool_size(measured); i++)
        if (bide_pool_pid(measured, i) > 0 && clock_getcpuclockid(bide_pool_pid(measured, i), &clock) == 0 &&
            clock_gettime(clock, &t) == 0)
            sum += (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    return sum;
}

static void report(long ops, double secs, const char *more)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("{\"ops\":%ld,\"secs\":%.6f,\"cpu_s\":%.3f,\"rss_kb\":%ld%s}\n", ops, secs,
           cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN) + workers_cpu_seconds(), u.ru_maxrss, more);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report_times(double *times, long n, double secs, const char *more)
{
    char text[200];

    qsort(times, (size_t)n, sizeof *times, by_size);
    snprintf(text, sizeof text, ",\"p50_us\":%.2f,\"p99_us\":%.2f%s", times[n / 2] * 1e6, times[(long)((double)n * 0.99)] * 1e6, more);
    report(n, secs, text);
}

static double *new_times(long n)
{
    double *t = calloc((size_t)n, sizeof *t);
    if (!t)
        abort();
    return t;
}

/* ---- modes ---- */

static int batch(bide_pool *p, long n)
{
    struct payload *in = calloc((size_t)n, sizeof *in), *out = calloc((size_t)n, sizeof *out);
    double start = now();

    BIDE_TRY(bide_pool_map(p, bide_jobs(echo, in, out), (size_t)n));
    report(n, now() - start, "");
    free(in);
    free(out);
    return 0;
}

struct source {
    long left;
    struct payload p;
};

static int next_job(struct source *s, bide_job *job)
{
    if (s->left-- == 0)
        return 0;
    *job = (bide_job){.fn = (void (*)(void))echo, .name = "echo", .shape = BIDE_JOB_FIXED, .in = &s->p, .in_len = sizeof s->p,
                      .has_out = true, .out_len = sizeof s->p};
    return 1;
}

static int next_void(void *arg, bide_job *job)
{
    return next_job(arg, job);
}

static int stream(bide_pool *p, long n)
{
    struct source source = {.left = n};
    bide_pool_item item;
    double start = now();
    int r;
    bide_auto bide_pool_stream *s = bide_pool_imap(p, next_void, &source, .unordered = true, .window = 4096);
    if (!s)
        return bide_raise();

    while ((r = bide_pool_next(s, &item)) > 0)
        ;
    BIDE_TRY(r);
    report(n, now() - start, "");
    return 0;
}

static int one(bide_pool *p, long n, int pause_ms)
{
    struct payload in = {{0}}, out;
    double *times = new_times(n), start = now();

    for (long i = 0; i < n; i++) {
        if (pause_ms)
            BIDE_TRY(bide_sleep_ms(pause_ms));
        double t = now();
        BIDE_TRY(bide_pool_call(p, bide_job(echo, &in, &out)));
        times[i] = now() - t;
    }
    report_times(times, n, now() - start, "");
    free(times);
    return 0;
}

static int crash(long n)
{
    struct payload in = {{0}}, out;
    double *times = new_times(n), *again = new_times(n), start = now();
    char text[64];
    bide_auto bide_pool *p = bide_pool_new(.kind = kind, .workers = 1, .restart_max = BIDE_UNLIMITED);
    if (!p)
        return bide_raise();

    for (long i = 0; i < n; i++) {
        double t = now();
        if (bide_pool_call(p, bide_job(die)) != BIDE_EWORKER)
            return bide_fail(BIDE_ESTATE, "the worker did not die");
        bide_error_clear();
        times[i] = now() - t;
        BIDE_TRY(bide_pool_call(p, bide_job(echo, &in, &out)));
        again[i] = now() - t;
    }
    qsort(again, (size_t)n, sizeof *again, by_size);
    snprintf(text, sizeof text, ",\"next_answer_us\":%.1f", again[n / 2] * 1e6);
    report_times(times, n, now() - start, text);
    return 0;
}

static int open_and_close(long n)
{
    struct payload in = {{0}}, out;
    double *times = new_times(n), start = now();

    for (long i = 0; i < n; i++) {
        double t = now();
        bide_auto bide_pool *p = bide_pool_new(.kind = kind, .workers = 2);
        if (!p)
            return bide_raise();
        BIDE_TRY(bide_pool_call(p, bide_job(echo, &in, &out)));
        times[i] = now() - t;
    }
    report_times(times, n, now() - start, "");
    return 0;
}

static int echo_large(bide_pool *p, long n)
{
    double *times = new_times(n), start = now();

    for (long i = 0; i < n; i++) {
        char *buffer = bide_pool_buffer(p, 1 << 20);
        if (!buffer)
            return bide_raise();
        buffer[i % 1000] = (char)i;
        double t = now();
        bide_bytes in = {buffer, 1 << 20};
        bide_auto bide_future *f = bide_pool_submit(p, bide_job_bytes(echo_bytes, in));
        BIDE_TRY(f ? bide_await(f) : bide_error_code());
        times[i] = now() - t;
        if (bide_pool_result(f).len != 1 << 20)
            return bide_fail(BIDE_ESTATE, "not what was sent");
    }
    report_times(times, n, now() - start, "");
    return 0;
}

static int cpu_bound(bide_pool *p)
{
    int ms[] = {200, 200, 200, 200};
    char text[64];
    double start = now();

    BIDE_TRY(bide_pool_map(p, bide_jobs(burn, ms), 4));
    double secs = now() - start;
    snprintf(text, sizeof text, ",\"ratio\":%.3f", secs / (0.2 * 4 / workers));
    report(4, secs, text);
    return 0;
}

/* The sum of what stands behind a word in a file of /proc. */
static long proc_figure(int pid, const char *file, const char *word)
{
    char path[64], line[256];
    long value = 0;

    snprintf(path, sizeof path, "/proc/%d/%s", pid, file);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, word, strlen(word)) == 0)
            value += strtol(line + strlen(word), NULL, 10);
    if (f)
        fclose(f);
    return value;
}

static long switches(int pid)
{
    return proc_figure(pid, "status", "voluntary_ctxt_switches:");
}

static long switches_of_workers(bide_pool *p)
{
    long sum = 0;

    for (int i = 0; i < bide_pool_size(p); i++)
        sum += switches(bide_pool_pid(p, i));
    return sum;
}

static int sleep_in_a_thread(const int *ms)
{
    usleep((unsigned)*ms * 1000);
    return 0;
}

/* In a second in which nobody has anything to do: of every worker, and of this thread, whose loop turns without a timer. */
static int count_wake_ups(bide_pool *p, long *woken)
{
    int warm_up_ms = 200, measured_ms = 1000;

    BIDE_TRY(bide_to_thread(bide_coro(sleep_in_a_thread, &warm_up_ms)));
    long others = switches_of_workers(p), own = switches(getpid());
    BIDE_TRY(bide_to_thread(bide_coro(sleep_in_a_thread, &measured_ms)));
    own = switches(getpid()) - own - 1; /* by the end of the second */
    *woken = switches_of_workers(p) - others + own;
    return 0;
}

static int memory(bide_pool *p)
{
    char text[128];
    int pid = bide_pool_pid(p, 0);
    long woken = 0;

    BIDE_TRY(count_wake_ups(p, &woken));
    snprintf(text, sizeof text, ",\"private_kb\":%ld,\"wakeups\":%ld",
             proc_figure(pid, "smaps_rollup", "Private_Clean:") + proc_figure(pid, "smaps_rollup", "Private_Dirty:"),
             woken);
    report(1, 1, text);
    return 0;
}

static int app(const char *mode, long n)
{
    if (strcmp(mode, "crash") == 0)
        return crash(n ? n : 200);
    if (strcmp(mode, "open") == 0)
        return open_and_close(n ? n : 100);
    bide_auto bide_pool *p = bide_pool_new(.kind = kind, .workers = workers);
    if (!p)
        return bide_raise();
    measured = p;
    if (strcmp(mode, "batch") == 0)
        return batch(p, n ? n : 1000000);
    if (strcmp(mode, "stream") == 0)
        return stream(p, n ? n : 1000000);
    if (strcmp(mode, "one") == 0)
        return one(p, n ? n : 100000, 0);
    if (strcmp(mode, "idle") == 0)
        return one(p, n ? n : 200, 5);
    if (strcmp(mode, "echo") == 0)
        return echo_large(p, n ? n : 2000);
    if (strcmp(mode, "cpu") == 0)
        return cpu_bound(p);
    if (strcmp(mode, "memory") == 0)
        return memory(p);
    return bide_fail(-EINVAL, "no such mode: %s", mode);
}

int main(int argc, char **argv)
{
    int option;

    if (bide_pool_prepare() < 0)
        return bide_error_print(stderr), 1;
    while ((option = getopt(argc, argv, "tw:")) != -1) {
        if (option == 't')
            kind = BIDE_POOL_THREAD;
        else if (option == 'w')
            workers = atoi(optarg);
        else
            return 2;
    }
    if (optind == argc) {
        fprintf(stderr, "usage: bench-pool [-t] [-w WORKERS] batch|stream|one|idle|crash|open|echo|cpu|memory [N]\n");
        return 2;
    }
    return bide_main(bide_coro(app, argv[optind], optind + 1 < argc ? atol(argv[optind + 1]) : 0L));
}
