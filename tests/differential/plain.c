/* SPDX-License-Identifier: MIT */
/* plain.c - steps that do not wait. */
#include "play.h"

static bide_handle *handles[TASKS_MAX];

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
    else if (is(op, "all"))
        say("%d all %zu", self, bide_all_tasks(NULL, 0));
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

bool plain_step(int self, const struct step *p, char *word)
{
    int a = p->number[0], b = p->number[1];

    return step_of_task(self, p->op, a) || step_of_future(self, p->op, a, b) || step_of_loop(self, p->op, a, word) ||
           step_of_value(self, p->op, a, b) || step_of_group(self, p->op, a, b);
}

void plain_end(int ntasks)
{
    for (int i = 0; i < ntasks; i++)
        bide_release(handles[i]);
}
