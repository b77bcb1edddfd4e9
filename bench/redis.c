/* SPDX-License-Identifier: MIT */
/*
 * redis.c - what a job costs through Redis: bench-redis MODE [N]
 *
 *     batch     no-op jobs of 64 bytes, one host with 2 workers, mapped all at once       jobs/s
 *     one       one job at a time: throughput and latency                                 jobs/s, p50_us, p99_us
 *     host      be the worker host (started by the others)
 *
 * Redis (append-only file on, as one that must not forget) and the host are started here, on this machine; -m keeps
 * Redis in memory alone.  The last line is {"ops":..,"secs":..,"cpu_s":..,"rss_kb":..} and the mode's figures; cpu_s is
 * that of this program, the host with its workers, and Redis together.
 */
#include <bide/bide.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct payload {
    char bytes[64];
};

static char url[64], dir[] = "/tmp/bench-redis-XXXXXX";
static bool in_memory;
static pid_t server, host;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int echo(const struct payload *in, struct payload *out)
{
    *out = *in;
    return 0;
}
BIDE_POOL_TASK(echo, const struct payload *, struct payload *);

/* ---- the processes ---- */

static pid_t spawn(const char *const *argv)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!freopen("/dev/null", "w", stdout))
        _exit(1);
    execvp(argv[0], (char **)(uintptr_t)argv);
    if (strcmp(argv[0], "redis-server") == 0) /* the same program, which goes by the name it is called */
        execvp("redis-check-rdb", (char **)(uintptr_t)argv);
    _exit(127);
}

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || getsockname(fd, (struct sockaddr *)&a, &len) < 0)
        abort();
    close(fd);
    return ntohs(a.sin_port);
}

static void start_processes(void)
{
    char port[16];

    if (!mkdtemp(dir))
        abort();
    snprintf(port, sizeof port, "%d", free_port());
    snprintf(url, sizeof url, "redis://127.0.0.1:%s/0/bench", port);
    setenv("BIDE_REDIS", url, 1);
    server = spawn((const char *const[]){"redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
                                         "--appendonly", in_memory ? "no" : "yes", "--dir", dir, NULL});
}

static double cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void end_process(pid_t pid, int number)
{
    if (pid > 0) {
        kill(pid, number);
        waitpid(pid, NULL, 0);
    }
}

static void end_processes(void)
{
    char command[80];

    end_process(host, SIGTERM);
    end_process(server, SIGKILL);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0)
        fprintf(stderr, "bench-redis: %s is left\n", dir);
}

/* ---- results ---- */

static void report(long ops, double secs, double server_cpu, const char *more)
{
    struct rusage me, children;

    end_process(host, SIGTERM); /* so that its workers are counted */
    host = 0;
    getrusage(RUSAGE_SELF, &me);
    getrusage(RUSAGE_CHILDREN, &children);
    double cpu =
        (double)(me.ru_utime.tv_sec + me.ru_stime.tv_sec + children.ru_utime.tv_sec + children.ru_stime.tv_sec) +
        (double)(me.ru_utime.tv_usec + me.ru_stime.tv_usec + children.ru_utime.tv_usec + children.ru_stime.tv_usec) /
            1e6;
    printf("{\"ops\":%ld,\"secs\":%.6f,\"cpu_s\":%.3f,\"rss_kb\":%ld,\"redis_cpu_s\":%.3f%s}\n", ops, secs,
           cpu + server_cpu, me.ru_maxrss, server_cpu, more);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- modes ---- */

static int batch(bide_pool *p, long n)
{
    struct payload *in = calloc((size_t)n, sizeof *in), *out = calloc((size_t)n, sizeof *out);
    if (!in || !out)
        abort();
    double cpu = cpu_of(server), start = now();

    BIDE_TRY(bide_pool_map(p, bide_jobs(echo, in, out), (size_t)n));
    report(n, now() - start, cpu_of(server) - cpu, "");
    free(in);
    free(out);
    return 0;
}

static int one(bide_pool *p, long n)
{
    double *times = calloc((size_t)n, sizeof *times), cpu = cpu_of(server), start = now();
    struct payload in = {{0}}, out;
    char more[80];
    if (!times)
        abort();

    for (long i = 0; i < n; i++) {
        double t = now();
        BIDE_TRY(bide_pool_call(p, bide_job(echo, &in, &out)));
        times[i] = now() - t;
    }
    double secs = now() - start;
    qsort(times, (size_t)n, sizeof *times, by_size);
    snprintf(more, sizeof more, ",\"p50_us\":%.1f,\"p99_us\":%.1f", times[n / 2] * 1e6, times[n * 99 / 100] * 1e6);
    report(n, secs, cpu_of(server) - cpu, more);
    free(times);
    return 0;
}

static void keep_quiet(const bide_pool_event *e, void *arg)
{
    (void)e;
    (void)arg;
}

static int be_host(void)
{
    bide_auto bide_pool *pool = bide_pool_new(.workers = 2);
    if (!pool)
        return bide_raise();
    return bide_pool_serve(NULL, NULL, .pool = pool, .slots = 1024, .on_event = keep_quiet);
}

/* The server needs a moment. */
static bide_pool *connect_pool(void)
{
    for (int i = 0; i < 200; i++) {
        bide_pool *p = bide_pool_new(.redis = url);
        if (p || bide_error_code() == BIDE_ECANCELED)
            return p;
        if (i < 199)
            bide_error_clear();
        BIDE_TRY_NULL(bide_sleep_ms(25));
    }
    return NULL;
}

static int app(const char *mode, long n)
{
    struct payload in = {{0}}, out;
    bide_auto bide_pool *p = connect_pool();
    if (!p)
        return bide_raise();

    host = spawn((const char *const[]){"/proc/self/exe", "host", NULL});
    BIDE_TRY(bide_pool_call(p, bide_job(echo, &in, &out)));
    return strcmp(mode, "one") == 0 ? one(p, n) : batch(p, n);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "-m") == 0) {
        in_memory = true;
        argc--;
        argv++;
    }
    const char *mode = argc > 1 ? argv[1] : "batch";
    long n = argc > 2 ? atol(argv[2]) : 100000;
    if (strcmp(mode, "host") == 0)
        return bide_main(bide_coro(be_host));
    if ((strcmp(mode, "batch") != 0 && strcmp(mode, "one") != 0) || n < 1) {
        fprintf(stderr, "usage: bench-redis [-m] batch|one [N]\n");
        return 2;
    }
    start_processes();
    int status = bide_main(bide_coro(app, mode, n));
    end_processes();
    return status;
}
