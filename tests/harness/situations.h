/* SPDX-License-Identifier: MIT */
/*
 * situations.h - a table of functions, and what each gives where no loop runs, in a callback, after the loop was closed, in
 * another thread, in a child of fork(), and in a task of a second loop when the first was closed.  The rule is at the head of
 * bide/loop.h, deviations are in the lines "Threads:".
 *
 * Each room has such a table, in a file test_situations.c.  The situations are made there; this is what they share.
 */
#ifndef TESTS_HARNESS_SITUATIONS_H
#define TESTS_HARNESS_SITUATIONS_H

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bide/loop.h>

#include "harness/harness.h"

enum situation { NO_LOOP, CALLBACK, CLOSED, THREAD, CHILD, SECOND, SITUATIONS };

#define NEVER 1 /* not called there */
#define W 0     /* it works */

struct situation_row {
    const char *name;
    int (*call)(void);     /* a code, 0 or more if it works */
    int gives[SITUATIONS]; /* no loop, callback, closed, thread, child, second */
};

static void situation_check(const struct situation_row *rows, size_t n, enum situation s)
{
    static const char *const names[] = {"no loop", "a callback", "a closed loop", "another thread", "a forked child",
                                        "a task of another loop"};
    int wrong = 0;

    for (size_t i = 0; i < n; i++) {
        if (rows[i].gives[s] == NEVER)
            continue;
        bide_error_clear();
        int code = rows[i].call();
        if ((code < 0 ? code : W) == rows[i].gives[s])
            continue;
        printf("# in %s, %s gave %d (%s), not %d\n", names[s], rows[i].name, code, bide_error_text(), rows[i].gives[s]);
        wrong++;
    }
    bide_error_clear();
    EXPECT_EQ(wrong, 0);
}

static void *situation_thread(void *check)
{
    (*(void (**)(enum situation))check)(THREAD);
    return NULL;
}

/* The loop does not turn meanwhile. */
static void situation_check_in_thread(void (*check_all)(enum situation))
{
    pthread_t thread;

    EXPECT_EQ(pthread_create(&thread, NULL, situation_thread, &check_all), 0);
    pthread_join(thread, NULL);
}

static struct {
    void (*check_all)(enum situation);
    int calls;
} situation_callback;

static void situation_called(void *unused)
{
    (void)unused;
    situation_callback.calls++;
    situation_callback.check_all(CALLBACK);
}

__attribute__((unused)) static void situation_check_in_callback(void (*check_all)(enum situation))
{
    situation_callback.check_all = check_all;
    EXPECT_TRUE(bide_loop_call_soon(bide_get_event_loop(), situation_called, NULL));
    BIDE_IGNORE(bide_sleep_ms(5));
    EXPECT_EQ(situation_callback.calls, 1);
}

static int situation_second(void (*check_all)(enum situation))
{
    check_all(SECOND);
    return 0;
}

/* The loop of what is looked at was closed. */
static void situation_check_in_second_loop(void (*check_all)(enum situation))
{
    EXPECT_EQ(bide_run(bide_coro(situation_second, check_all)), 0);
}

static void situation_check_in_child(void (*check_all)(enum situation))
{
    if (getenv("BIDE_TEST_EMULATED"))
        SKIP("the emulator does not survive a fork beside threads");
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        alarm(8);
        check_all(CHILD);
        _exit(7);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

#endif
