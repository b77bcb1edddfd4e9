/* SPDX-License-Identifier: MIT */
/*
 * play.c - plays one script of differential.py on bide and prints the trace.
 *
 * A script is a line for each task: its mode (p: a cancellation is passed on, s: it is swallowed), then its steps,
 * separated by semicolons.  Task 0 is the main one.  differential.py documents the steps and plays them in asyncio.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

#define TASKS_MAX 32
#define FUTURES 4

static char *scripts[TASKS_MAX];
static bide_task *tasks[TASKS_MAX];
static bide_future *futures[FUTURES];
static int ntasks;

static const char *word_of(int r)
{
    static char text[32];
    if (r == BIDE_ECANCELED)
        return "cancelled";
    if (r == BIDE_ETIMEDOUT)
        return "timeout";
    if (r < 0)
        return "error";
    snprintf(text, sizeof text, "%d", r);
    return text;
}

static void say(void *word)
{
    printf("loop %s\n", (char *)word);
}

static int play(int self);

static void spawn(int i)
{
    if (!tasks[i])
        tasks[i] = bide_create_task(bide_coro(play, i));
}

static int timeout_around(int ms, int task, int sleep_ms)
{
    int r = 0;
    bide_timeout(ms)
        r = task >= 0 ? bide_await(tasks[task]) : bide_sleep_ms(sleep_ms);
    return r;
}

static int gather_all(int a, int b)
{
    int codes[2];
    int r = bide_gather_all(codes, tasks[a], tasks[b]);
    if (r >= 0)
        printf("codes %s", word_of(codes[0])), printf(" %s\n", word_of(codes[1]));
    return r < 0 ? r : 0;
}

static int wait_two(int a, int b, enum bide_until until)
{
    bide_task *two[] = {tasks[a], tasks[b]};
    return bide_wait(two, 2, .until = until);
}

/* A step that waits; *ran is false if what it names does not exist (yet). */
static int waiting_step(const char *op, int a, int b, bool *ran)
{
    bool have_a = a >= 0 && a < TASKS_MAX && tasks[a], have_b = b >= 0 && b < TASKS_MAX && tasks[b];

    *ran = true;
    if (!strcmp(op, "yield"))
        return bide_sleep_ms(0);
    if (!strcmp(op, "sleep"))
        return bide_sleep_ms(a);
    if (!strcmp(op, "tsleep"))
        return timeout_around(a, -1, b);
    if (!strcmp(op, "awaitf"))
        return bide_await(futures[a]);
    if (!strcmp(op, "await") && have_a)
        return bide_await(tasks[a]);
    if (!strcmp(op, "shield") && have_a)
        return bide_shield(tasks[a]);
    if (!strcmp(op, "tawait") && have_a)
        return timeout_around(b, a, 0);
    if (!strcmp(op, "gather") && have_a && have_b)
        return gather_all(a, b);
    if (!strcmp(op, "wait") && have_a && have_b)
        return wait_two(a, b, BIDE_ALL_COMPLETED);
    if (!strcmp(op, "waitfirst") && have_a && have_b)
        return wait_two(a, b, BIDE_FIRST_COMPLETED);
    *ran = false;
    return 0;
}

/* A step that does not wait.  True if it was one. */
static bool plain_step(int self, const char *op, int a, int b, char *word)
{
    bide_loop *loop = bide_get_event_loop();

    if (!strcmp(op, "say"))
        printf("%d says %d\n", self, a);
    else if (!strcmp(op, "spawn"))
        spawn(a);
    else if (!strcmp(op, "cancel") && tasks[a])
        printf("%d cancel %d %d\n", self, a, bide_task_cancel(tasks[a]));
    else if (!strcmp(op, "uncancel"))
        printf("%d uncancel %d\n", self, bide_uncancel(bide_current_task()));
    else if (!strcmp(op, "setf") && !bide_future_done(futures[a]))
        bide_future_set_result(futures[a], b);
    else if (!strcmp(op, "cancelf"))
        printf("%d cancelf %d\n", self, bide_future_cancel(futures[a]));
    else if (!strcmp(op, "soon"))
        bide_loop_call_soon(loop, say, word);
    else if (!strcmp(op, "later"))
        bide_loop_call_later(loop, a, say, word);
    else
        return false;
    return true;
}

static void settle_futures(void *unused)
{
    (void)unused;
    for (int i = 0; i < FUTURES; i++)
        if (!bide_future_done(futures[i]))
            bide_future_set_result(futures[i], 99);
}

/* At the end of main: settle all futures and wait until everybody is done, in a way that both sides share. */
static int finish(void)
{
    settle_futures(NULL);
    for (int round = 0; round < 200; round++) {
        bool pending = false;
        for (int i = 1; i < ntasks; i++)
            pending |= tasks[i] && !bide_task_done(tasks[i]);
        if (!pending)
            return 0;
        bide_sleep_ms(10);
    }
    printf("stuck\n");
    return 0;
}

static int play(int self)
{
    char *line = scripts[self], *save = NULL;
    bool passes_on = line[0] == 'p';

    for (char *step = strtok_r(line + 1, ";", &save); step; step = strtok_r(NULL, ";", &save)) {
        char op[16] = "";
        int a = -1, b = -1;
        bool ran;
        sscanf(step, "%15s %d %d", op, &a, &b);
        if (!strcmp(op, "ret"))
            return a;
        if (!strcmp(op, "fail"))
            return -EIO;
        if (plain_step(self, op, a, b, step))
            continue;
        int r = waiting_step(op, a, b, &ran);
        if (!ran)
            continue;
        printf("%d %s %s\n", self, op, word_of(r));
        if (r < 0 && passes_on)
            return r;
    }
    return self == 0 ? finish() : 0;
}

static int start(void)
{
    bide__loop_set_virtual_time(bide_get_event_loop(), true);
    for (int i = 0; i < FUTURES; i++)
        futures[i] = bide_future_new();
    bide_loop_call_later(bide_get_event_loop(), 500, settle_futures, NULL); /* whoever waits for one that nobody sets */
    int r = play(0);
    for (int i = 0; i < ntasks; i++)
        if (tasks[i])
            printf("end %d %s\n", i, bide_task_done(tasks[i]) ? word_of(bide_task_result(tasks[i])) : "pending");
    for (int i = 0; i < ntasks; i++)
        bide_release(tasks[i]);
    for (int i = 0; i < FUTURES; i++)
        bide_release(futures[i]);
    return r;
}

int main(void)
{
    static char lines[TASKS_MAX][4096];

    while (ntasks < TASKS_MAX && fgets(lines[ntasks], sizeof lines[0], stdin)) {
        lines[ntasks][strcspn(lines[ntasks], "\n")] = '\0';
        scripts[ntasks] = lines[ntasks];
        ntasks++;
    }
    return bide_run(bide_coro(start)) < 0;
}
