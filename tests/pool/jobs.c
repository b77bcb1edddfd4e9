/* SPDX-License-Identifier: MIT */
/* jobs.c - the functions that the pool's tests run in workers; registered, so that a new program finds them too. */
#include <signal.h>
#include <stdio.h>

#include "pool_test.h"

/* This program as a worker: before any test, after the registrations. */
__attribute__((constructor)) static void be_worker_if_asked(void)
{
    bide__exec_serve_if_asked();
}

int job_nothing(void)
{
    return 0;
}

int job_pid(void)
{
    return getpid();
}

int job_index(void)
{
    return bide_worker_index();
}

int job_length(const char *text)
{
    return (int)strlen(text);
}

int job_add(const struct pair *in, struct sum *out)
{
    out->sum = in->a + in->b;
    out->pid = getpid();
    out->worker = bide_worker_index();
    return 7;
}

int job_return(const int *n)
{
    return *n;
}

static int fail_deeper(const char *text)
{
    return bide_fail(-EIO, "reading: %s", text);
}

int job_fail(const char *text)
{
    BIDE_TRY(fail_deeper(text));
    return 0;
}

int job_sleep(const int *ms)
{
    BIDE_TRY(bide_sleep_ms(*ms));
    return *ms;
}

int job_block(const int *ms)
{
    struct timespec t = {.tv_sec = *ms / 1000, .tv_nsec = *ms % 1000 * 1000000L};

    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        ;
    return *ms;
}

int job_until_file(const char *path)
{
    while (access(path, F_OK) < 0)
        BIDE_TRY(bide_sleep_ms(1));
    return 0;
}

int job_burn(const int *ms)
{
    int64_t end = bide__clock_ns() + *ms * INT64_C(1000000);

    while (bide__clock_ns() < end)
        ;
    return bide_worker_index();
}

int job_die(const int *how)
{
    if (*how < 0)
        _exit(-*how);
    signal(*how, SIG_DFL);
    raise(*how);
    return 0;
}

int job_die_after(const struct pair *in)
{
    int how = (int)in->b;

    BIDE_TRY(bide_sleep_ms(in->a));
    return job_die(&how);
}

int job_echo(bide_bytes in)
{
    return bide_worker_reply(in.data, in.len);
}

int job_echo_copy(bide_bytes in)
{
    char *to = bide_worker_reserve(in.len);
    if (!to)
        return bide_raise();
    memcpy(to, in.data, in.len);
    return 0;
}

int job_fill(const size_t *n)
{
    char *to = bide_worker_reserve(*n);
    if (!to)
        return bide_raise();
    for (size_t i = 0; i < *n; i++)
        to[i] = (char)(i * 7);
    return 0;
}

int job_grow(const size_t *n)
{
    char piece[1000];

    for (size_t at = 0; at < *n; at += sizeof piece) {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = (char)((at + i) * 7);
        BIDE_TRY(bide_worker_reply(piece, *n - at < sizeof piece ? *n - at : sizeof piece));
    }
    return 0;
}

int job_big(const struct big *in, struct big *out)
{
    for (size_t i = 0; i < sizeof in->bytes; i++)
        out->bytes[i] = (char)(in->bytes[i] + 1);
    return 0;
}

int job_row(const int *n, struct row *out)
{
    out->number = *n;
    for (size_t i = 0; i < sizeof out->cells / sizeof *out->cells; i++)
        out->cells[i] = *n;
    return 0;
}

int job_progress(const int *n)
{
    for (int i = 1; i <= *n; i++) {
        BIDE_TRY(bide_worker_progress((uint64_t)i, (uint64_t)*n));
        BIDE_TRY(bide_worker_emit(&i, sizeof i));
    }
    return 0;
}

int job_progress_and_sleep(const int *ms)
{
    BIDE_TRY(bide_worker_progress(1, 2));
    usleep((useconds_t)*ms * 1000);
    return 0;
}

int job_state(void)
{
    int *state = bide_worker_state();
    return state ? ++*state : -EINVAL;
}

int job_nth(const int *us)
{
    static _Thread_local int n;

    if (*us)
        usleep((unsigned)*us);
    return ++n;
}

static int cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

int job_cpu_of_sleep(const int *ms)
{
    int before = cpu_ms();

    BIDE_TRY(bide_sleep_ms(*ms));
    return cpu_ms() - before;
}

int job_read_input(void)
{
    char bytes[100];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);

    return n < 0 ? -errno : (int)n;
}

int job_getchar(void)
{
    return 1000 + getchar();
}

int job_attempts(const int *die_until)
{
    if (bide_worker_attempt() < *die_until)
        raise(SIGKILL);
    return bide_worker_attempt();
}

int job_wrong_size(const int *n, struct sum *out)
{
    (void)out;
    return bide_worker_reply(n, sizeof *n); /* a second part of the result, after the struct */
}

BIDE_POOL_TASK(job_nothing, void);
BIDE_POOL_TASK(job_pid, void);
BIDE_POOL_TASK(job_index, void);
BIDE_POOL_TASK(job_length, const char *);
BIDE_POOL_TASK(job_add, const struct pair *, struct sum *);
BIDE_POOL_TASK(job_return, const int *);
BIDE_POOL_TASK(job_fail, const char *);
BIDE_POOL_TASK(job_sleep, const int *);
BIDE_POOL_TASK(job_block, const int *);
BIDE_POOL_TASK(job_until_file, const char *);
BIDE_POOL_TASK(job_burn, const int *);
BIDE_POOL_TASK(job_die, const int *);
BIDE_POOL_TASK(job_die_after, const struct pair *);
BIDE_POOL_TASK(job_echo, bide_bytes);
BIDE_POOL_TASK(job_echo_copy, bide_bytes);
BIDE_POOL_TASK(job_fill, const size_t *);
BIDE_POOL_TASK(job_grow, const size_t *);
BIDE_POOL_TASK(job_row, const int *, struct row *);
BIDE_POOL_TASK(job_big, const struct big *, struct big *);
BIDE_POOL_TASK(job_progress, const int *);
BIDE_POOL_TASK(job_progress_and_sleep, const int *);
BIDE_POOL_TASK(job_state, void);
BIDE_POOL_TASK(job_nth, const int *);
BIDE_POOL_TASK(job_cpu_of_sleep, const int *);
BIDE_POOL_TASK(job_read_input, void);
BIDE_POOL_TASK(job_getchar, void);
BIDE_POOL_TASK(job_attempts, const int *);
BIDE_POOL_TASK(job_wrong_size, const int *, struct sum *);
