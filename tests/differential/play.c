/* SPDX-License-Identifier: MIT */
/*
 * play.c - plays one script of differential.py on bide and prints the trace.
 *
 * differential.py documents the steps and plays them in asyncio.  With the argument "ticks" every line begins with the
 * number of the loop's turn.
 */
#include "play.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bide_task *tasks[TASKS_MAX];
bide_future *futures[FUTURES];

static char *scripts[TASKS_MAX];
static int ntasks;
static bool ticks;
static long turn;
static bide_task *main_task; /* plays the first line */
static bool is_finishing;
static bide_handle *counter;

/* ---- words ---- */

const char *word_of(int r)
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

void say(const char *format, ...)
{
    va_list args;
    if (ticks)
        printf("%ld ", turn);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

int as_asyncio(int r)
{
    return r == BIDE_ETIMEDOUT && bide__block_expired() ? BIDE_ECANCELED : r;
}

/* ---- who would wait without an end ---- */

static void settle_futures(void)
{
    for (int i = 0; i < FUTURES; i++)
        if (!bide_future_done(futures[i]))
            BIDE_IGNORE(bide_future_set_result(futures[i], 99));
    values_settle(); /* who waits for another one goes on, too */
}

/* Who waits for what nobody will do goes on. */
static void rescue(void)
{
    settle_futures();
    static int rescues;
    int which = rescues++ % ntasks;
    if (tasks[which])
        bide_task_cancel(tasks[which]);
    else if (which == 0 && !is_finishing)
        bide_task_cancel(main_task);
}

static void rescue_and_again(void *arg)
{
    rescue();
    bide_loop_call_later(bide_get_event_loop(), 500, rescue_and_again, arg);
}

static void count_turn(void *arg)
{
    turn++;
    if (turn % 100 == 0) /* time does not pass here, so nobody else would */
        rescue();
    counter = bide_loop_call_soon(bide_get_event_loop(), count_turn, arg);
}

/* ---- a task ---- */

static char *next_step(struct line *l)
{
    char *step = strtok_r(NULL, ";", &l->save);

    l->is_over = !step;
    return step;
}

/* At the end of main: settle all futures and wait until everybody is done, in a way that both sides share. */
static int finish(void)
{
    is_finishing = true;
    while (bide_uncancel(main_task) > 0) { /* what a group has left to be delivered */
    }
    settle_futures();
    for (int round = 0; round < 10000; round++) {
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

int steps(struct line *l)
{
    char *step;

    while (!l->is_over && (step = next_step(l))) {
        struct step p = {.number = {-1, -1, -1, -1}};
        bool ran;
        sscanf(step, "%15s %d %d %d %d", p.op, &p.number[0], &p.number[1], &p.number[2], &p.number[3]);
        if (is(p.op, "close"))
            return 0;
        if (is(p.op, "ret")) {
            l->value = p.number[0];
            l->is_over = true;
            return 0;
        }
        if (is(p.op, "fail"))
            return -EIO;
        if (plain_step(l->self, &p, step))
            continue;
        int r = waiting_step(l, &p, &ran);
        if (!ran)
            continue;
        say("%d %s %s", l->self, p.op, word_of(as_asyncio(r)));
        if (r < 0 && l->passes_on)
            return r;
    }
    return 0;
}

int play(int self)
{
    struct line l = {.self = self, .save = scripts[self] + 1, .passes_on = scripts[self][0] == 'p'};

    while (!l.is_over)
        BIDE_TRY(steps(&l));
    return self == 0 ? finish() : l.value;
}

static int start(void)
{
    bide__loop_set_virtual_time(bide_get_event_loop(), true);
    for (int i = 0; i < FUTURES; i++)
        futures[i] = bide_future_new();
    values_begin();
    bide_loop_call_later(bide_get_event_loop(), 500, rescue_and_again, NULL);
    if (ticks)
        counter = bide_loop_call_soon(bide_get_event_loop(), count_turn, NULL);
    main_task = bide_current_task();
    int r = play(0);
    if (ticks)
        bide_handle_cancel(counter);
    for (int i = 0; i < ntasks; i++)
        if (tasks[i])
            say("end %d %s", i, bide_task_done(tasks[i]) ? word_of(bide_task_result(tasks[i])) : "pending");
    plain_end(ntasks);
    for (int i = 0; i < ntasks; i++)
        bide_release(tasks[i]);
    for (int i = 0; i < FUTURES; i++)
        bide_release(futures[i]);
    values_end();
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
