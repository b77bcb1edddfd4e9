/* SPDX-License-Identifier: MIT */
/*
 * unblock.c - what libbide-unblock adds to a call.
 *
 *     bench-unblock outside|inside [mutex|recv|poll [CALLS]]
 *
 * The same calls in turn, through the name, which is ours, and through the next function of that name, which is libc's: extra_ns is
 * the difference of one call, each at its fastest of many rounds.  outside: where no task runs.  inside: in a task, with what is asked
 * for already there.  mutex: lock and unlock are two calls; recv: of a byte that was sent; poll: of no descriptor and for no time.
 */
#include <bide/bide.h>

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include "bench.h"

enum { ROUNDS = 50 };

static long calls;
static int pair[2];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct {
    __typeof__(pthread_mutex_lock) *lock;
    __typeof__(pthread_mutex_unlock) *unlock;
    __typeof__(recv) *recv;
    __typeof__(poll) *poll;
} ours = {pthread_mutex_lock, pthread_mutex_unlock, recv, poll}, libc;

static void find(void *slot, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    memcpy(slot, &found, sizeof found);
}

static void by_mutex(bool is_ours, long n)
{
    __typeof__(pthread_mutex_lock) *lock = is_ours ? ours.lock : libc.lock;
    __typeof__(pthread_mutex_unlock) *unlock = is_ours ? ours.unlock : libc.unlock;

    for (long i = 0; i < n; i += 2) {
        lock(&mutex);
        unlock(&mutex);
    }
}

static void by_recv(bool is_ours, long n)
{
    __typeof__(recv) *call = is_ours ? ours.recv : libc.recv;
    char c = 0;

    for (long i = 0; i < n; i++)
        if (call(pair[0], &c, 1, MSG_PEEK) != 1)
            abort();
}

static void by_poll(bool is_ours, long n)
{
    __typeof__(poll) *call = is_ours ? ours.poll : libc.poll;

    for (long i = 0; i < n; i++)
        if (call(NULL, 0, 0) != 0)
            abort();
}

static double round_of(void (*how)(bool is_ours, long n), bool is_ours, long n)
{
    double from = bench_seconds(CLOCK_THREAD_CPUTIME_ID);

    how(is_ours, n);
    return bench_seconds(CLOCK_THREAD_CPUTIME_ID) - from;
}

static int measure(void (*how)(bool is_ours, long n))
{
    double best[2] = {1e9, 1e9}, wall = bench_seconds(CLOCK_MONOTONIC), cpu = bench_seconds(CLOCK_PROCESS_CPUTIME_ID);
    long n = calls / ROUNDS > 2 ? calls / ROUNDS : 2;

    for (int i = 0; i < ROUNDS; i++)
        for (int is_ours = 0; is_ours < 2; is_ours++) {
            double took = round_of(how, is_ours, n);
            best[is_ours] = took < best[is_ours] ? took : best[is_ours];
        }
    printf("{\"ops\":%ld,\"secs\":%.6f,\"cpu_s\":%.6f,\"rss_kb\":%ld,\"libc_ns\":%.2f,\"extra_ns\":%.2f}\n", calls,
           bench_seconds(CLOCK_MONOTONIC) - wall, bench_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, bench_peak_rss_kb(),
           best[0] * 1e9 / (double)n, (best[1] - best[0]) * 1e9 / (double)n);
    return 0;
}

int main(int argc, char **argv)
{
    const char *where = argc > 1 ? argv[1] : "outside", *call = argc > 2 ? argv[2] : "mutex";
    void (*how)(bool is_ours, long n) = strcmp(call, "recv") == 0 ? by_recv : strcmp(call, "poll") == 0 ? by_poll : by_mutex;

    calls = bench_arg(argc, argv, 3, 5000000);
    find(&libc.lock, "pthread_mutex_lock");
    find(&libc.unlock, "pthread_mutex_unlock");
    find(&libc.recv, "recv");
    find(&libc.poll, "poll");
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || send(pair[1], "x", 1, 0) != 1)
        return 1;
    return strcmp(where, "inside") == 0 ? bide_main(bide_coro(measure, how)) : measure(how);
}
