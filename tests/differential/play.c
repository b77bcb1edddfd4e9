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

#include <bide/group.h>
#include <bide/queue.h>
#include <bide/sync.h>

#include "core/core.h"

#define TASKS_MAX 32
#define FUTURES 4
#define QUEUES 3

BIDE_QUEUE_TYPE(int_queue, int);

static char *scripts[TASKS_MAX];
static bide_task *tasks[TASKS_MAX];
static bide_task_group *groups[TASKS_MAX]; /* of each task the innermost */
static bide_handle *handles[TASKS_MAX];
static bide_future *futures[FUTURES];
static bide_lock locks[2];
static bide_event event;
static bide_condition condition;
static bide_semaphore semaphore = BIDE_SEMAPHORE(2);
static bide_barrier barrier = BIDE_BARRIER(2);
static int_queue *queues[QUEUES];
static int ntasks;
static bool ticks;
static long turn;
static bide_task *main_task; /* plays the first line */
static bool is_finishing;
static bide_handle *counter;

/* ---- words ---- */

struct step {
    char op[16];
    int number[4]; /* -1: none */
};

/* A line, as far as it was played. */
struct line {
    int self, value;
    char *save;
    bool passes_on, is_over;
};

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

static void settle_futures(void)
{
    for (int i = 0; i < FUTURES; i++)
        if (!bide_future_done(futures[i]))
            BIDE_IGNORE(bide_future_set_result(futures[i], 99));
    /* Who waits for another one goes on, too. */
    bide_event_set(&event);
    for (int i = 0; i < 4; i++)
        bide_semaphore_release(&semaphore);
    for (int i = 0; i < QUEUES; i++)
        if (bide_queue_is_empty(queues[i]))
            BIDE_IGNORE(bide_queue_put_nowait(queues[i], &(int){77}));
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

/* ---- steps that wait ---- */

static int play(int self);
static int steps(struct line *l);

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

static int rescheduled(int limit, int other, int ms)
{
    int r = 0;
    bide_timeout(limit) {
        BIDE_TRY(bide_timeout_reschedule(other));
        r = bide_sleep_ms(ms);
    }
    return r;
}

static int gather_all(bide_awaitable a, int b)
{
    int codes[2];
    int r = bide_gather_all(codes, a, tasks[b]);
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

/* What a limit around the present block ends is cancelled, for asyncio. */
static int as_asyncio(int r)
{
    return r == BIDE_ETIMEDOUT && bide__block_expired() ? BIDE_ECANCELED : r;
}

static int each(const struct line *l, const int *which, int ms)
{
    bide_task *three[] = {tasks[which[0]], tasks[which[1]], tasks[which[2]]};
    bide_auto bide_completed *c = BIDE_TRY_PTR(bide_as_completed(three, 3, .timeout_ms = ms));
    int last = 0;

    for (int i = 0; i < 3; i++) {
        bide_task *t = NULL;
        int r = bide_completed_next(c, &t);
        if (r > 0) {
            say("%d took %s", l->self, word_of(bide_task_result(t)));
            continue;
        }
        last = r;
        say("%d missed %s", l->self, word_of(as_asyncio(r)));
        if (l->passes_on && as_asyncio(r) == BIDE_ECANCELED)
            break;
    }
    return last;
}

static bool is(const char *op, const char *name)
{
    return strcmp(op, name) == 0;
}

/* ---- groups ---- */

/* As "async with" does: an error, of whatever kind, becomes that of the group and goes before a cancellation. */
static int wait_for_group(bide_task_group *g, int body)
{
    if (body < 0)
        bide_task_group_cancel(g);
    int r = bide_task_group_wait(g);
    if (bide_task_group_error_count(g) > 0)
        return -EIO;
    return body == 0 || r == BIDE_ECANCELED ? r : body; /* a cancellation outranks a timeout */
}

static int group_without_limit(struct line *l)
{
    bide_task_group *g = BIDE_TRY_PTR(bide_task_group_new()), *outer = groups[l->self];
    groups[l->self] = g;
    int body = steps(l), r = -EIO;
    bool is_error = body < 0 && as_asyncio(body) != BIDE_ECANCELED; /* who releases the group ends it */
    if (!is_error)
        r = wait_for_group(g, body);
    size_t failures = bide_task_group_error_count(g);

    bide_release(g);
    groups[l->self] = outer;
    if (!is_error)
        say("%d failures %zu", l->self, failures);
    return r;
}

static int group(struct line *l, int limit)
{
    int r = 0;
    if (limit <= 0)
        return group_without_limit(l);
    bide_timeout(limit)
        r = group_without_limit(l);
    return r;
}

static bool step_of_group(int self, const char *op, int owner, int a)
{
    bide_task_group *g = owner >= 0 && owner < TASKS_MAX ? groups[owner] : NULL;

    if (is(op, "gstart") && g && !tasks[a])
        say("%d gstart %d %s", self, a,
            bide_task_group_start(g, bide_coro(play, a), .task = &tasks[a]) < 0 ? "refused" : "begun");
    else if (is(op, "gcancel") && g)
        bide_task_group_cancel(g);
    else if (is(op, "glen") && g)
        say("%d glen %zu", self, bide_task_group_len(g));
    else
        return is(op, "gstart") || is(op, "gcancel") || is(op, "glen");
    return true;
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
        return gather_all(BIDE_AW(tasks[a]), b);
    if (is(op, "sgather"))
        return gather_all(bide_shield_awaitable(tasks[a]), b);
    if (is(op, "waitfirst"))
        return wait_two(a, b, BIDE_FIRST_COMPLETED, 0);
    if (is(op, "waiterr"))
        return wait_two(a, b, BIDE_FIRST_ERROR, 0);
    return wait_two(a, b, BIDE_ALL_COMPLETED, is(op, "waitfor") ? c : 0);
}

/* ---- those that wait for each other ---- */

static int smaller(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int hold(int self, int lock)
{
    int code;
    bide_lock_hold(&locks[lock], &code) {
        say("%d holds %d", self, lock);
        code = bide_sleep_ms(0);
    }
    return code;
}

static int condition_wait(int self)
{
    int code;
    bide_lock_hold(bide_condition_lock(&condition), &code) {
        code = bide_condition_wait(&condition);
        say("%d has it again", self);
    }
    return code;
}

static int condition_notify(int n)
{
    int code;
    bide_lock_hold(bide_condition_lock(&condition), &code)
        code = bide_condition_notify(&condition, (size_t)n);
    return code;
}

static int get(int q)
{
    int item, code = bide_queue_get(queues[q], &item);
    return code < 0 ? code : item;
}

static int timeout_get(int q, int ms)
{
    int code = 0;
    bide_timeout(ms)
        code = get(q);
    return code;
}

/* A step on one of them that waits. */
static int value_step(int self, const char *op, int a, int b, bool *ran)
{
    *ran = true;
    if (is(op, "hold"))
        return hold(self, a);
    if (is(op, "acquire"))
        return bide_lock_acquire(&locks[a]);
    if (is(op, "evwait"))
        return bide_event_wait(&event);
    if (is(op, "cwait"))
        return condition_wait(self);
    if (is(op, "cnotify"))
        return condition_notify(a);
    if (is(op, "sacq"))
        return bide_semaphore_acquire(&semaphore);
    if (is(op, "bwait"))
        return bide_barrier_wait(&barrier);
    if (is(op, "breset"))
        return bide_barrier_reset(&barrier);
    if (is(op, "babort"))
        return bide_barrier_abort(&barrier);
    if (is(op, "put"))
        return bide_queue_put(queues[a], &b);
    if (is(op, "get"))
        return get(a);
    if (is(op, "tget"))
        return timeout_get(a, b);
    if (is(op, "join"))
        return bide_queue_join(queues[a]);
    *ran = false;
    return 0;
}

/* One that does not. */
static bool step_of_value(int self, const char *op, int a, int b)
{
    int item = b;

    if (is(op, "release"))
        say("%d release %d", self, bide_lock_release(&locks[a]) < 0 ? -1 : 0);
    else if (is(op, "evset"))
        bide_event_set(&event);
    else if (is(op, "evclear"))
        bide_event_clear(&event);
    else if (is(op, "srel"))
        bide_semaphore_release(&semaphore);
    else if (is(op, "putn"))
        say("%d putn %s", self, word_of(bide_queue_put_nowait(queues[a], &item)));
    else if (is(op, "getn"))
        say("%d getn %s", self, bide_queue_get_nowait(queues[a], &item) < 0 ? "error" : word_of(item));
    else if (is(op, "done"))
        say("%d done %s", self, word_of(bide_queue_task_done(queues[a])));
    else if (is(op, "len"))
        say("%d len %zu", self, bide_queue_len(queues[a]));
    else
        return false;
    return true;
}

static bool exists(int task)
{
    return task >= 0 && task < TASKS_MAX && tasks[task];
}

static int waiting_step_of_one(int self, const char *op, const int *number, bool *ran)
{
    int a = number[0], r = value_step(self, op, a, number[1], ran);
    if (*ran)
        return r;
    *ran = true;
    if (is(op, "yield"))
        return bide_sleep_ms(0);
    if (is(op, "sleep"))
        return bide_sleep_ms(a);
    if (is(op, "tsleep"))
        return timeout_around(a, bide_sleep_awaitable(number[1]));
    if (is(op, "ttsleep"))
        return two_timeouts(self, a, number[1], number[2]);
    if (is(op, "resched"))
        return rescheduled(a, number[1], number[2]);
    if (is(op, "awaitf"))
        return bide_await(futures[a]);
    if (is(op, "shieldf"))
        return bide_shield(futures[a]);
    *ran = false;
    return 0;
}

/* A step that waits; *ran is false if it names a task that does not exist (yet). */
static int waiting_step(struct line *l, const struct step *p, bool *ran)
{
    const char *op = p->op;
    const int *n = p->number, *which = is(op, "eachfor") ? n + 1 : n;
    int r = waiting_step_of_one(l->self, op, n, ran);
    if (*ran)
        return r;

    bool on_three = is(op, "each") || is(op, "eachfor");
    bool on_two = is(op, "gather") || is(op, "sgather") || strncmp(op, "wait", 4) == 0;
    *ran = is(op, "group") || (exists(which[0]) && (!(on_two || on_three) || exists(which[1])) && (!on_three || exists(which[2])));
    if (!*ran)
        return 0;
    if (is(op, "group"))
        return group(l, n[0]);
    if (on_three)
        return each(l, which, is(op, "eachfor") ? n[0] : 0);
    return on_two ? step_on_two(op, n[0], n[1], n[2]) : step_on_task(op, tasks[n[0]], n[1]);
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

static bool plain_step(int self, const struct step *p, char *word)
{
    int a = p->number[0], b = p->number[1];

    return step_of_task(self, p->op, a) || step_of_future(self, p->op, a, b) || step_of_loop(self, p->op, a, word) ||
           step_of_value(self, p->op, a, b) || step_of_group(self, p->op, a, b);
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

/* To the end of the line, or of a block. */
static int steps(struct line *l)
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

static int play(int self)
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
    queues[0] = bide_queue_new(int_queue, 2);
    queues[1] = bide_queue_new(int_queue, 2, .order = BIDE_LIFO);
    queues[2] = bide_queue_new(int_queue, 2, .compare = smaller);
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
    for (int i = 0; i < ntasks; i++) {
        bide_release(handles[i]);
        bide_release(tasks[i]);
    }
    for (int i = 0; i < FUTURES; i++)
        bide_release(futures[i]);
    for (int i = 0; i < QUEUES; i++)
        bide_release(BIDE_QUEUE(queues[i]));
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
