/* SPDX-License-Identifier: MIT */
/*
 * blocking.c - which step blocks the event loop, and where, while it still does.
 *
 * In debug mode a watcher thread looks at the step that each loop runs, and again when it would have taken too long.  If it is the same
 * step then, its stack is captured and printed, and the step goes on undisturbed (capture.c).  The first time libdw reads its
 * files before it can be printed, which may take longer than the step; so nothing but the capture is done until then.  The thread
 * sleeps without a time while no loop has run a step for a while, so that an idle program stays idle.
 *
 * Places that block again and again are printed in full the first time, and in a line the 2nd, 4th, 8th ... time.
 *
 * Invariants:
 *   B1  list, what is in it, and the thread's state are under `lock`; a loop is in the list only while it runs in its thread.
 *   B2  nothing of a loop is read without `lock`; a report is made from copies, without it.
 */
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "core/loop/steps.h"
#include "inspect/kept/capture.h"
#include "inspect/modules.h"

#define NS_PER_MS INT64_C(1000000)
#define IDLE_LOOKS 4 /* without any step: then the thread sleeps */
#define FRAMES_SHOWN 16
#define PLACES 64
#define REPORT_BYTES 8192

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static struct list_node list = {&list, &list};
static pthread_t thread;
static pthread_mutex_t life = PTHREAD_MUTEX_INITIALIZER; /* of the thread: it begins and ends under this */
static atomic_bool is_running;
static bool must_end;

struct report {
    const struct step_watch *watch; /* whose; it may be gone */
    struct step step;
    int64_t blocked_ms;
    bool has_stack;
    struct snapshot snapshot;
};

/* ---- the report ---- */

static struct {
    uintptr_t pc;
    unsigned count;
} places[PLACES];

/* How often this place was found, this time included; 1 if the table is full. */
static unsigned count_place(uintptr_t pc)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (places[i].count > 0 && places[i].pc != pc)
            continue;
        places[i].pc = pc;
        return ++places[i].count;
    }
    return 1;
}

static size_t put(char *text, size_t len, const char *line)
{
    int n = snprintf(text + len, REPORT_BYTES - len, "%s", line);

    return n < 0 ? len : len + (size_t)n < REPORT_BYTES ? len + (size_t)n : REPORT_BYTES - 1;
}

/* The frames, a line each; the first of the program's own goes to *where, its address to *pc. */
static void put_frames(const uintptr_t *pcs, size_t n, char *text, char *where, uintptr_t *pc)
{
    size_t len = 0, shown = 0;

    for (size_t i = 0; i < n && shown < FRAMES_SHOWN; i++) {
        char symbol[SYMBOL_TEXT_MAX];
        if (!bide__symbol_is_shown(pcs, n, i))
            continue;
        bide__symbol_text(symbol, sizeof symbol, pcs[i]);
        if (bide__symbol_is_beginning(symbol))
            break;
        if (!where[0] && !bide__symbol_is_own(pcs[i]) && !bide__symbol_is_of_the_system(pcs[i], symbol)) {
            snprintf(where, SYMBOL_TEXT_MAX, "%s", symbol);
            *pc = pcs[i];
        }
        len = put(text, len, "bide:     ");
        len = put(text, len, symbol);
        len = put(text, len, "\n");
        shown++;
    }
}

static void say(const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, text, len);
        if (n < 0)
            return;
        text += n;
        len -= (size_t)n;
    }
}

/* Looking up names takes time: does the reported step still run? */
static bool is_still_blocked(const struct report *r)
{
    bool is_blocked = false;

    pthread_mutex_lock(&lock);
    for (struct list_node *n = list.next; n != &list; n = n->next) {
        struct step_watch *w = container_of(n, struct step_watch, node);
        if (w != r->watch)
            continue;
        pthread_mutex_lock(&w->lock);
        is_blocked = w->step.begun_ns == r->step.begun_ns && w->step.number == r->step.number;
        pthread_mutex_unlock(&w->lock);
    }
    pthread_mutex_unlock(&lock);
    return is_blocked;
}

static void print(const struct report *r)
{
    static char frames[REPORT_BYTES], text[2 * REPORT_BYTES];
    char where[SYMBOL_TEXT_MAX] = "";
    uintptr_t pc = r->snapshot.pc, pcs[FRAMES_MAX];
    size_t found = r->has_stack ? bide__unwind(&r->snapshot, pcs, FRAMES_MAX) : 0;

    frames[0] = '\0';
    if (r->has_stack && found == 0)
        pcs[found++] = pc; /* without libdw, at least that */
    put_frames(pcs, found, frames, where, &pc);
    unsigned count = r->has_stack ? count_place(pc ^ (uintptr_t)r->step.function) : 1; /* a place in a library counts for each function */
    if (count & (count - 1))
        return;
    bool is_blocked = is_still_blocked(r);
    int n = snprintf(text, sizeof text, "bide: %s%s%s%s%s %s the event loop for %s%lld ms%s%s%s", r->step.task_id ? "task " : "",
                     r->step.name,
                     r->step.function ? " (" : "", r->step.function ? r->step.function : "", r->step.function ? ")" : "",
                     is_blocked ? "has blocked" : "blocked", is_blocked ? "" : "more than ", (long long)r->blocked_ms,
                     is_blocked ? ", and still does" : "", where[0] ? ", in " : "", where);
    if (count > 1)
        snprintf(text + n, sizeof text - (size_t)n, " (%u times there so far)\n", count);
    else
        snprintf(text + n, sizeof text - (size_t)n, "%s\n%s", r->has_stack ? ":" : "; its stack cannot be seen", frames);
    say(text);
    if (count == 1 && bide__uncovered_text(text, sizeof text, pcs, found, r->snapshot.is_in_call))
        say(text);
}

/* ---- the thread ---- */

/* Under lock.  Is this loop blocked?  Then r has all that a report needs. */
static bool look(struct step_watch *w, int64_t now_ns, bool *any_step, struct report *r)
{
    pthread_mutex_lock(&w->lock);
    r->step = w->step;
    pthread_mutex_unlock(&w->lock);
    *any_step |= r->step.begun_ns != 0;
    if (r->step.begun_ns == 0 || now_ns - r->step.begun_ns < w->slow_ns || w->reported == r->step.number)
        return false;

    w->reported = r->step.number;
    r->watch = w;
    r->has_stack = bide__capture(&r->snapshot, w->thread, r->step.high) == CAPTURED;
    r->blocked_ms = (bide__clock_ns() - r->step.begun_ns) / NS_PER_MS;
    pthread_mutex_lock(&w->lock);
    bool is_the_same = w->step.begun_ns != 0 && w->step.number == r->step.number;
    pthread_mutex_unlock(&w->lock);
    return is_the_same; /* else the captured stack may be another step's */
}

static bool look_at_all(bool *any_step, struct report *r)
{
    int64_t now_ns = bide__clock_ns();

    for (struct list_node *n = list.next; n != &list; n = n->next)
        if (look(container_of(n, struct step_watch, node), now_ns, any_step, r))
            return true;
    return false;
}

/* When its present step will have taken too long, or the next one might have. */
static int64_t next_look_ns(struct step_watch *w, int64_t now_ns)
{
    pthread_mutex_lock(&w->lock);
    struct step s = w->step;
    pthread_mutex_unlock(&w->lock);
    bool is_open = s.begun_ns != 0 && s.number != w->reported;
    return (is_open ? s.begun_ns : now_ns) + w->slow_ns;
}

static void wait_until_next_look(void)
{
    int64_t now_ns = bide__clock_ns(), until = INT64_MAX;

    for (struct list_node *n = list.next; n != &list; n = n->next) {
        int64_t next = next_look_ns(container_of(n, struct step_watch, node), now_ns);
        until = next < until ? next : until;
    }
    struct timespec ts = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    pthread_cond_timedwait(&changed, &lock, &ts);
}

static bool has_step(struct step_watch *w)
{
    pthread_mutex_lock(&w->lock);
    bool has = w->step.begun_ns != 0;
    pthread_mutex_unlock(&w->lock);
    return has;
}

/* A step that began before it could see bide__watcher_sleeps is found here. */
static void sleep_until_a_step(void)
{
    bool any_step = false;

    atomic_store(&bide__watcher_sleeps, true);
    for (struct list_node *n = list.next; n != &list; n = n->next)
        any_step |= has_step(container_of(n, struct step_watch, node));
    if (!any_step)
        pthread_cond_wait(&changed, &lock);
    atomic_store(&bide__watcher_sleeps, false);
}

static void *watch_loops(void *arg)
{
    static struct report r; /* there is one such thread */
    unsigned idle = 0;

    pthread_mutex_lock(&lock);
    while (!must_end) {
        bool any_step = false;
        if (look_at_all(&any_step, &r)) {
            pthread_mutex_unlock(&lock);
            print(&r);
            pthread_mutex_lock(&lock);
            continue;
        }
        idle = any_step ? 0 : idle + 1;
        if (idle < IDLE_LOOKS)
            wait_until_next_look();
        else
            sleep_until_a_step();
    }
    pthread_mutex_unlock(&lock);
    return arg;
}

/* Under lock.  The thread blocks all signals: they are for the program's threads. */
static int start(void)
{
    sigset_t all, before;

    bide__cond_init(&changed);
    bide__capture_begin();
    bide__libdw_begin();
    must_end = false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&thread, NULL, watch_loops, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static void stop_using(void)
{
    bide__libdw_end();
    bide__capture_end();
    pthread_cond_destroy(&changed);
}

void bide__blocking_enter(bide_loop *loop)
{
    struct step_watch *w = loop->watch;

    pthread_mutex_lock(&life);
    pthread_mutex_lock(&lock);
    w->thread = gettid();
    if (!is_running) {
        int code = start();
        is_running = code == 0;
        if (is_running)
            atomic_fetch_add(&bide__idle_threads, 1);
        else
            stop_using();
        if (code != 0)
            bide__loop_warn(loop, "debug mode: blocked event loops are not reported, because their watcher thread cannot be started: %s",
                            strerror(code));
    }
    if (is_running)
        bide__list_append(&list, &w->node);
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&life);
}

void bide__blocking_leave(bide_loop *loop)
{
    pthread_mutex_lock(&life);
    pthread_mutex_lock(&lock);
    bide__list_remove(&loop->watch->node); /* in the list or not: there may be no thread that watches */
    bool is_last = is_running && bide__list_is_empty(&list);
    if (is_last) {
        must_end = true;
        is_running = false;
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&lock);
    if (is_last) {
        pthread_join(thread, NULL);
        atomic_fetch_sub(&bide__idle_threads, 1);
        stop_using();
    }
    pthread_mutex_unlock(&life);
}

/* In the child of a fork there is no such thread, and the locks that it held stay locked. */
void bide__blocking_forget(void)
{
    pthread_mutex_init(&life, NULL);
    pthread_mutex_init(&lock, NULL);
    while (!bide__list_is_empty(&list))
        bide__list_remove(list.next);
    is_running = false;
    bide__libdw_forget();
    bide__names_forget();
}

void bide__blocking_stir(void)
{
    pthread_mutex_lock(&lock);
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

uint64_t bide__blocking_signals(void)
{
    return is_running ? (uint64_t)1 << (CAPTURE_SIGNAL - 1) : 0;
}
