/* SPDX-License-Identifier: MIT */
/*
 * play.c - plays one script of differential.py on bide and prints the trace.
 *
 * differential.py documents the steps and plays them in asyncio.  With the argument "ticks" every line begins with the
 * number of the loop's turn.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

#define TASKS_MAX 32
#define FUTURES 4

static char *scripts[TASKS_MAX];
static bide_task *tasks[TASKS_MAX];
static bide_handle *handles[TASKS_MAX];
static bide_future *futures[FUTURES];
static int ntasks;
static bool ticks;
static long turn;
static bide_handle *counter;

/* ---- words ---- */

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

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list args;
    if (ticks)
        printf("%ld ", turn);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void say_from_loop(void *word)
{
    say("loop %s", (char *)word);
}

static void called_back(bide_future *f, void *arg)
{
    (void)arg;
    say("callback %s", word_of(bide_future_result(f)));
}

static void task_called_back(bide_task *t, void *arg)
{
    called_back(bide_task_future(t), arg);
}

static void settle_futures(void *unused)
{
    (void)unused;
    for (int i = 0; i < FUTURES; i++)
        if (!bide_future_done(futures[i]))
            BIDE_IGNORE(bide_future_set_result(futures[i], 99));
}

static void count_turn(void *arg)
{
    turn++;
    if (turn % 100 == 0) /* time does not pass here, so nobody else would */
        settle_futures(NULL);
    counter = bide_loop_call_soon(bide_get_event_loop(), count_turn, arg);
}

/* ---- steps that wait ---- */

static int play(int self);

static int await_task(bide_task *t)
{
    return bide_await(t);
}

static int timeout_around(int ms, bide_awaitable a)
{
    int r = 0;
    bide_timeout(ms)
        r = bide_await_with(a);
    return r;
}

static int shield_in_timeout(bide_task *t, int ms)
{
    int r = 0;
    bide_timeout(ms)
        r = bide_shield(t);
    return r;
}

/* asyncio's inner block turns its own expiry into a timeout, and lets what the outer one cancelled pass. */
static int two_timeouts(int self, int outer, int inner, int ms)
{
    int r = 0;
    bide_timeout(outer) {
        bool inner_expired = false;
        bide_timeout(inner) {
            r = bide_sleep_ms(ms);
            inner_expired = bide_timeout_expired();
        }
        if (r < 0) {
            bool by_outer = r == BIDE_ETIMEDOUT && (!inner_expired || bide__block_expired());
            say("%d inner %s", self, by_outer ? "cancelled" : word_of(r));
            if (r == BIDE_ECANCELED || by_outer)
                return r;
            r = 0;
        }
        int code = bide_sleep_ms(0);
        if (code < 0)
            r = code;
    }
    return r;
}

static int gather_all(int a, int b)
{
    int codes[2];
    int r = bide_gather_all(codes, tasks[a], tasks[b]);
    if (r >= 0) {
        char first[32];
        snprintf(first, sizeof first, "%s", word_of(codes[0]));
        say("codes %s %s", first, word_of(codes[1]));
    }
    return r < 0 ? r : 0;
}

static int wait_two(int a, int b, enum bide_until until, int ms)
{
    bide_task *two[] = {tasks[a], tasks[b]};
    return bide_wait(two, 2, .until = until, .timeout_ms = ms);
}

static bool is(const char *op, const char *name)
{
    return strcmp(op, name) == 0;
}

static int step_on_task(const char *op, bide_task *t, int b)
{
    if (is(op, "await"))
        return bide_await(t);
    if (is(op, "shield"))
        return bide_shield(t);
    if (is(op, "nest"))
        return bide_await(bide_coro(await_task, t));
    if (is(op, "tawait"))
        return timeout_around(b, BIDE_AW(t));
    if (is(op, "tshield"))
        return shield_in_timeout(t, b);
    return bide_wait_for(t, b);
}

static int step_on_two(const char *op, int a, int b, int c)
{
    if (is(op, "gather"))
        return gather_all(a, b);
    if (is(op, "waitfirst"))
        return wait_two(a, b, BIDE_FIRST_COMPLETED, 0);
    if (is(op, "waiterr"))
        return wait_two(a, b, BIDE_FIRST_ERROR, 0);
    return wait_two(a, b, BIDE_ALL_COMPLETED, is(op, "waitfor") ? c : 0);
}

static bool exists(int task)
{
    return task >= 0 && task < TASKS_MAX && tasks[task];
}

/* A step that waits; *ran is false if it names a task that does not exist (yet). */
static int waiting_step(int self, const char *op, int a, int b, int c, bool *ran)
{
    *ran = true;
    if (is(op, "yield"))
        return bide_sleep_ms(0);
    if (is(op, "sleep"))
        return bide_sleep_ms(a);
    if (is(op, "tsleep"))
        return timeout_around(a, bide_sleep_awaitable(b));
    if (is(op, "ttsleep"))
        return two_timeouts(self, a, b, c);
    if (is(op, "awaitf"))
        return bide_await(futures[a]);
    if (is(op, "shieldf"))
        return bide_shield(futures[a]);

    bool on_two = is(op, "gather") || strncmp(op, "wait", 4) == 0;
    *ran = exists(a) && (!on_two || exists(b));
    if (!*ran)
        return 0;
    return on_two ? step_on_two(op, a, b, c) : step_on_task(op, tasks[a], b);
}

/* ---- steps that do not ---- */

static bool step_of_future(int self, const char *op, int a, int b)
{
    bool is_done = a >= 0 && a < FUTURES && bide_future_done(futures[a]);

    if (is(op, "setf") && !is_done)
        BIDE_IGNORE(bide_future_set_result(futures[a], b));
    else if (is(op, "failf") && !is_done)
        BIDE_IGNORE(bide_future_set_error(futures[a], -EIO));
    else if (is(op, "cancelf"))
        say("%d cancelf %d", self, bide_future_cancel(futures[a]));
    else if (is(op, "cbf"))
        BIDE_IGNORE(bide_future_add_done_callback(futures[a], called_back, NULL));
    else if (is(op, "uncbf"))
        say("%d uncbf %d", self, bide_future_remove_done_callback(futures[a], called_back, NULL));
    else
        return is(op, "setf") || is(op, "failf");
    return true;
}

static void undo(int self)
{
    if (handles[self])
        bide_handle_cancel(handles[self]);
    bide_release(handles[self]);
    handles[self] = NULL;
}

static bool step_of_loop(int self, const char *op, int a, char *word)
{
    bide_loop *loop = bide_get_event_loop();

    if (is(op, "soon")) {
        bide_loop_call_soon(loop, say_from_loop, word);
    } else if (is(op, "later")) {
        bide_loop_call_later(loop, a, say_from_loop, word);
    } else if (is(op, "drop")) {
        bide_handle_cancel(bide_loop_call_soon(loop, say_from_loop, word));
    } else if (is(op, "dropl")) {
        bide_release(handles[self]);
        handles[self] = bide_retain(bide_loop_call_later(loop, a, say_from_loop, word));
    } else if (is(op, "undo")) {
        undo(self);
    } else {
        return false;
    }
    return true;
}

static bool step_of_task(int self, const char *op, int a)
{
    bide_task *me = bide_current_task();

    if (is(op, "say"))
        say("%d says %d", self, a);
    else if (is(op, "cself"))
        say("%d cself %d", self, bide_task_cancel(me));
    else if (is(op, "cancelling"))
        say("%d cancelling %d", self, bide_cancelling(me));
    else if (is(op, "uncancel"))
        say("%d uncancel %d", self, bide_uncancel(me));
    else if (is(op, "spawn") && !tasks[a])
        tasks[a] = bide_create_task(bide_coro(play, a));
    else if (is(op, "cancel") && tasks[a])
        say("%d cancel %d %d", self, a, bide_task_cancel(tasks[a]));
    else if (is(op, "cbt") && tasks[a])
        BIDE_IGNORE(bide_task_add_done_callback(tasks[a], task_called_back, NULL));
    else
        return is(op, "spawn") || is(op, "cancel") || is(op, "cbt");
    return true;
}

/* ---- a task ---- */

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
        BIDE_IGNORE(bide_sleep_ms(ticks ? 0 : 10));
    }
    say("stuck");
    return 0;
}

static int play(int self)
{
    char *line = scripts[self], *save = NULL;
    bool passes_on = line[0] == 'p';

    for (char *step = strtok_r(line + 1, ";", &save); step; step = strtok_r(NULL, ";", &save)) {
        char op[16] = "";
        int a = -1, b = -1, c = -1;
        bool ran;
        sscanf(step, "%15s %d %d %d", op, &a, &b, &c);
        if (is(op, "ret"))
            return a;
        if (is(op, "fail"))
            return -EIO;
        if (step_of_task(self, op, a) || step_of_future(self, op, a, b) || step_of_loop(self, op, a, step))
            continue;
        int r = waiting_step(self, op, a, b, c, &ran);
        if (!ran)
            continue;
        say("%d %s %s", self, op, word_of(r));
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
    bide_loop_call_later(bide_get_event_loop(), 500, settle_futures, NULL); /* tasks that wait for one that nobody sets */
    if (ticks)
        counter = bide_loop_call_soon(bide_get_event_loop(), count_turn, NULL);
    int r = play(0);
    if (ticks)
        bide_handle_cancel(counter);
    for (int i = 0; i < ntasks; i++)
        if (tasks[i])
            say("end %d %s", i, bide_task_done(tasks[i]) ? word_of(bide_task_result(tasks[i])) : "pending");
    for (int i = 0; i < ntasks; i++) {
        bide_release(handles[i]);
        bide_release(tasks[i]);
    }
    for (int i = 0; i < FUTURES; i++)
        bide_release(futures[i]);
    return r;
}

int main(int argc, char **argv)
{
    static char lines[TASKS_MAX][4096];

    ticks = argc > 1 && is(argv[1], "ticks");
    while (ntasks < TASKS_MAX && fgets(lines[ntasks], sizeof lines[0], stdin)) {
        lines[ntasks][strcspn(lines[ntasks], "\n")] = '\0';
        scripts[ntasks] = lines[ntasks];
        ntasks++;
    }
    return bide_run(bide_coro(start)) < 0;
}
