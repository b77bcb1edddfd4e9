/* SPDX-License-Identifier: MIT */
/*
 * pool_test.h - what the pool's tests share: job functions that every kind of worker can find, and a way to run one test
 * for each kind.
 *
 *     KINDS(map_keeps_order, .seconds = 20) { ... `kind` ... }
 *
 * The numbers in "pool no. 1" are those of the list of requirements in docs/design/pool.md.
 */
#ifndef TESTS_POOL_TEST_H
#define TESTS_POOL_TEST_H

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <bide/bide.h>

#include "harness/harness.h"
#include "pool/pool.h"

/* pool no. 60: all of this runs under AddressSanitizer; threads and lanes under ThreadSanitizer, too (.ci/run). */
#ifdef BIDE_TSAN
#define HAS_PROCESSES false /* it does not follow a clone() of ours */
#else
#define HAS_PROCESSES true
#endif

static inline void needs_processes(void)
{
    if (!HAS_PROCESSES)
        SKIP("ThreadSanitizer does not follow our processes");
}

#define ONE_KIND(name, word, kind_, ...)                   \
    TEST(name##_##word, .real_time = true, ##__VA_ARGS__)  \
    {                                                      \
        if (kind_ != BIDE_POOL_THREAD)                     \
            needs_processes();                             \
        name(kind_);                                       \
    }
#define KINDS(name, ...)                                             \
    static void name(enum bide_pool_kind kind);                      \
    ONE_KIND(name, process, BIDE_POOL_PROCESS, ##__VA_ARGS__)        \
    ONE_KIND(name, fork, BIDE_POOL_FORK, ##__VA_ARGS__)              \
    ONE_KIND(name, thread, BIDE_POOL_THREAD, ##__VA_ARGS__)          \
    ONE_KIND(name, exec, BIDE_POOL_EXEC, ##__VA_ARGS__)              \
    static void name(enum bide_pool_kind kind)
#define PROCESS_KINDS(name, ...)                                     \
    static void name(enum bide_pool_kind kind);                      \
    ONE_KIND(name, process, BIDE_POOL_PROCESS, ##__VA_ARGS__)        \
    ONE_KIND(name, fork, BIDE_POOL_FORK, ##__VA_ARGS__)              \
    ONE_KIND(name, exec, BIDE_POOL_EXEC, ##__VA_ARGS__)              \
    static void name(enum bide_pool_kind kind)

/* ---- jobs (jobs.c) ---- */

struct pair {
    int64_t a, b;
};
struct sum {
    int64_t sum;
    int pid, worker;
};
struct big {
    char bytes[100000];
};
struct row {
    int64_t number, cells[30]; /* more than a job has room for in itself, less than a block */
};

int job_nothing(void);
int job_pid(void);
int job_index(void);
int job_length(const char *text);
int job_add(const struct pair *in, struct sum *out);
int job_return(const int *n);          /* the number itself, also negative */
int job_fail(const char *text);        /* an error with that text, from two functions down */
int job_sleep(const int *ms);          /* awaits */
int job_block(const int *ms);          /* does not */
int job_until_file(const char *path);  /* awaits, until there is such a file */
int job_burn(const int *ms);           /* computes */
int job_die(const int *how);           /* a signal, or -status: exit */
int job_die_after(const struct pair *in); /* a: ms, b: as above */
int job_echo(bide_bytes in);
int job_echo_copy(bide_bytes in);
int job_fill(const size_t *n);         /* a reply of n bytes, in place */
int job_grow(const size_t *n);         /* the same, piece by piece */
int job_row(const int *n, struct row *out); /* each cell: the number */
int job_big(const struct big *in, struct big *out);
int job_progress(const int *n);
int job_progress_and_sleep(const int *ms);
int job_state(void);
int job_nth(const int *us);            /* blocks so long; how many of its kind has this worker run? */
int job_cpu_of_sleep(const int *ms);   /* awaits; the milliseconds of processor time that its process used meanwhile */
int job_read_input(void);              /* bytes read from standard input, at most 100 */
int job_getchar(void);                 /* 1000 + what stdin gives, or EOF */
int job_attempts(const int *die_until); /* dies until its attempt has that number; returns it */
int job_wrong_size(const int *n, struct sum *out);

#define CALL(pool, ...) bide_pool_call((pool), __VA_ARGS__)

/* Fails the test with the error on record. */
#define EXPECT_OK(expression)                                                               \
    do {                                                                                    \
        long long ok_code = (long long)(expression);                                        \
        if (ok_code < 0)                                                                    \
            FAIL("%s: %lld: %s", #expression, ok_code, bide_error_text());                  \
    } while (0)

static inline bide_pool *opened(bide_pool *p)
{
    if (!p)
        FAIL("bide_pool_new: %s", bide_error_text());
    return p;
}
#define OPEN(...) opened(bide_pool_new(__VA_ARGS__))

static inline int64_t now_us(void)
{
    return bide__clock_ns() / 1000;
}

/* Times are stretched where everything is slower. */
#define SLOW (BIDE_SANITIZED ? 10 : 1)

#endif
