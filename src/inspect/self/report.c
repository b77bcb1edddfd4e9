/* SPDX-License-Identifier: MIT */
/*
 * report.c - the tasks of this process and what they wait for, said by itself: when the program asks, at a signal, and when it crashes.
 *
 * It runs in signal handlers, beside loops of other threads that go on, and in processes whose memory is damaged.  So nothing is
 * locked or allocated, and all that it looks at is copied first by the kernel (process_vm_readv), which refuses what is not there.
 */
#include <bide/debug.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/turn/operation.h"
#include "inspect/self/self.h"

#define TASKS_SHOWN 1000
#define TASKS_MAX   100000 /* looked at, in a loop */
#define LOOPS_MAX   64
#define CHAIN_MAX   16
#define WATCHES_MAX 64
#define NS_PER_MS   1000000

/* Where lines go: a stream, or standard error in a signal handler. */
struct report {
    FILE *to; /* NULL: descriptor 2 */
    size_t len;
    char line[400];
};

/* ---- lines, without stdio ---- */

static void put(struct report *r, const char *text)
{
    while (*text && r->len < sizeof r->line - 1)
        r->line[r->len++] = *text++;
}

static void put_number(struct report *r, uint64_t n)
{
    char digits[24], *d = digits + sizeof digits - 1;

    *d = '\0';
    do
        *--d = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    put(r, d);
}

static void end_line(struct report *r)
{
    r->line[r->len++] = '\n';
    if (r->to)
        fwrite(r->line, 1, r->len, r->to);
    else
        while (write(STDERR_FILENO, r->line, r->len) < 0 && errno == EINTR)
            ;
    r->len = 0;
}

/* ---- looking, without trust ---- */

static bool look(const void *at, void *copy, size_t len)
{
    struct iovec to = {copy, len}, from = {(void *)(uintptr_t)at, len};
    if (at == NULL)
        return false;
    ssize_t n = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
    if (n < 0 && (errno == ENOSYS || errno == EPERM)) /* an emulator, a seccomp filter: then it has to be believed */
        memcpy(copy, at, n = (ssize_t)len);
    return n == (ssize_t)len;
}

static void put_text(struct report *r, const char *at)
{
    char c;

    for (int i = 0; i < 60 && look(at + i, &c, 1) && c != '\0'; i++)
        put(r, c >= ' ' && c <= '~' ? (char[]){c, '\0'} : "?");
}

/* A task's copy, and what of it lies on its stack. */
struct seen {
    const bide_task *at;
    bide_task task;
    struct task_top top;
    struct operation_wait wait;
    bool has_top, has_wait;
};

static bool see(struct seen *s, const bide_task *at)
{
    s->at = at;
    s->has_top = s->has_wait = false;
    if (!look(at, &s->task, sizeof s->task) || s->task.future.object.word != OBJECT_LIVE)
        return false;
    s->has_top = !s->task.stackless && s->task.fiber.stack && look(bide__task_top(&s->task), &s->top, sizeof s->top);
    s->has_wait = !s->task.stackless && look(s->task.wait, &s->wait, sizeof s->wait);
    return true;
}

/* The next one of a loop's list; NULL: that was the last, or the list leads nowhere. */
static const bide_task *next_task(const bide_loop *loop, const struct list_node *node)
{
    struct list_node copy;

    return look(node, &copy, sizeof copy) && copy.next && copy.next != &loop->tasks ? container_of(copy.next, bide_task, all) : NULL;
}

/* ---- a task ---- */

static void put_task(struct report *r, const struct seen *s)
{
    struct task_extra extra = {0};

    if (s->task.extra && look(s->task.extra, &extra, sizeof extra) && extra.name) {
        put_text(r, extra.name);
        put(r, " (#");
        put_number(r, s->task.id);
        put(r, ")");
    } else {
        put(r, "Task-");
        put_number(r, s->task.id);
    }
    if (s->has_top) {
        put(r, " (");
        put_text(r, s->top.coroutine.name);
        put(r, ")");
    }
}

static void put_future(struct report *r, const bide_future *f)
{
    struct bide_future copy;
    struct object_type type;
    struct seen s;

    if (!look(f, &copy, sizeof copy)) {
        put(r, "a future");
    } else if (copy.is_task && see(&s, (const bide_task *)f)) {
        put_task(r, &s);
    } else {
        put(r, "a ");
        put_text(r, look(copy.object.type, &type, sizeof type) ? type.name : "future");
    }
}

static void put_group(struct report *r, const struct group *at)
{
    struct group g;
    struct watch w;
    bool is_first = true;

    if (!look(at, &g, sizeof g))
        return;
    for (size_t i = 0; i < g.started && i < WATCHES_MAX; i++) {
        struct bide_future f;
        if (!look(&g.watches[i], &w, sizeof w) || !look(w.future, &f, sizeof f) || f.state != PENDING)
            continue;
        put(r, is_first ? "" : ", ");
        put_future(r, w.future);
        is_first = false;
    }
}

static void put_operation(struct report *r, const struct operation_wait *w)
{
    bide_operation op;
    struct bide_operation_ops ops;
    uint64_t holder = 0;

    if (!look(w->operation, &op, sizeof op) || !look(op.ops, &ops, sizeof ops))
        return;
    put_text(r, ops.name);
    if (ops.holder_at && look((const char *)op.object + ops.holder_at, &holder, sizeof holder) && holder) {
        put(r, ", held by #");
        put_number(r, holder);
    }
}

static void put_kind(struct report *r, const struct operation_wait *w)
{
    int fd;
    struct timer timer;

    switch ((enum wait_kind)w->wait.kind) {
    case WAIT_OPERATION: put_operation(r, w); break;
    case WAIT_NAMED: put_text(r, w->wait.on); break;
    case WAIT_READ:
    case WAIT_WRITE:
    case WAIT_EITHER:
        put(r, w->wait.kind == WAIT_READ ? "reading" : w->wait.kind == WAIT_WRITE ? "writing" : "reading or writing");
        put(r, " fd ");
        put_number(r, look(w->wait.on, &fd, sizeof fd) && fd >= 0 ? (uint64_t)fd : 0);
        break;
    case WAIT_TIME:
        put(r, "a timer, ");
        int64_t left = look(w->wait.on, &timer, sizeof timer) ? timer.when_ms - bide__clock_ns() / NS_PER_MS : 0;
        put_number(r, left > 0 ? (uint64_t)left : 0);
        put(r, " ms left");
        break;
    case WAIT_THREAD:
        put(r, "a call in a thread ");
        put_text(r, w->wait.on);
        break;
    case WAIT_MEMBERS: put(r, "the tasks of its group"); break;
    case WAIT_COMPLETED: put(r, "the next of several"); break;
    default: put(r, "something without a name");
    }
}

static void put_wait(struct report *r, const struct seen *s)
{
    const bide_future *awaited = s->task.stackless ? s->task.awaited : s->has_wait ? s->wait.wait.awaits : NULL;

    put(r, " waits for ");
    if (awaited)
        put_future(r, awaited);
    else if (s->has_wait && s->wait.wait.group)
        put_group(r, s->wait.wait.group);
    else if (s->has_wait)
        put_kind(r, &s->wait);
    else
        put(r, s->task.stackless ? "a timer" : "something without a name");
}

static void put_doing(struct report *r, const struct seen *s)
{
    struct doing d;

    if (!s->has_top || !s->task.started || !look(s->top.doing, &d, sizeof d) || !d.what)
        return;
    put(r, ", ");
    put_text(r, d.what);
    put(r, " ");
    put_text(r, d.of);
}

static void report_task(struct report *r, const struct seen *s, const bide_task *current)
{
    put(r, "bide:   ");
    put_task(r, s);
    put_doing(r, s);
    if (s->at == current)
        put(r, " runs");
    else if (!s->task.started)
        put(r, " has not begun");
    else if (s->task.ready.place)
        put(r, " is ready");
    else
        put_wait(r, s);
    end_line(r);
}

/* What is looked at of a loop, which as a whole is too large for the stack of a signal handler, and for a thread's own memory. */
struct seen_loop {
    struct list_node alive;
    unsigned process;
    uint64_t id;
    uintptr_t runner;
    bide_task *current;
};

static bool see_loop(struct seen_loop *s, const bide_loop *at)
{
    return look(&at->alive, &s->alive, sizeof s->alive) && look(&at->process, &s->process, sizeof s->process) &&
           look(&at->id, &s->id, sizeof s->id) && look((const void *)&at->runner, &s->runner, sizeof s->runner) &&
           look(&at->current, &s->current, sizeof s->current);
}

static void report_loop(struct report *r, const bide_loop *at, const struct seen_loop *loop)
{
    struct seen s;
    size_t n = 0;

    put(r, "bide: tasks of the event loop ");
    put_number(r, loop->id);
    put(r, ":");
    end_line(r);
    for (const bide_task *t = next_task(at, &at->tasks); t && n < TASKS_MAX; t = next_task(at, &t->all), n++) {
        if (!see(&s, t))
            break;
        if (n < TASKS_SHOWN)
            report_task(r, &s, loop->runner ? loop->current : NULL);
    }
    if (n <= TASKS_SHOWN)
        return;
    put(r, "bide:   and ");
    put_number(r, n - TASKS_SHOWN);
    put(r, " more");
    end_line(r);
}

static void report_all(FILE *to)
{
    struct report r = {.to = to};
    struct seen_loop loop;
    struct list_node node = bide__loops_alive;

    for (int i = 0; i < LOOPS_MAX && node.next && node.next != &bide__loops_alive; i++) {
        const bide_loop *at = container_of(node.next, bide_loop, alive);
        if (!see_loop(&loop, at))
            break;
        node = loop.alive;
        if (loop.process == bide__process)
            report_loop(&r, at, &loop);
    }
}

/* ---- when asked ---- */

int bide_debug_report(FILE *to)
{
    if (!to)
        return bide_fail(-EINVAL, "bide_debug_report: the stream is NULL");
    report_all(to);
    return fflush(to) == 0 ? 0 : bide_fail(-errno, "bide_debug_report: %s", bide_strerror(-errno));
}

/* ---- at a signal ---- */

static _Atomic uint64_t report_signals;

uint64_t bide__report_signals(void)
{
    return atomic_load(&report_signals);
}

static void on_signal(int signum)
{
    int saved_errno = errno;

    (void)signum;
    report_all(NULL);
    errno = saved_errno;
}

int bide_debug_report_on(int signum)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};

    if (signum < 1 || signum > 64 || sigaction(signum, &action, NULL) != 0)
        return bide_fail(-EINVAL, "bide_debug_report_on: no signal %d can be handled", signum);
    atomic_fetch_or(&report_signals, (uint64_t)1 << (signum - 1));
    return 0;
}

void bide__report_begin(void)
{
    const char *wanted = getenv("BIDE_SIGQUIT");

    if (wanted && strcmp(wanted, "report") == 0)
        BIDE_IGNORE(bide_debug_report_on(SIGQUIT)); /* it exists */
}

/* ---- when it crashes ---- */

static bool waits_for(const struct seen *s, const bide_task *awaited)
{
    struct group g;
    struct watch w;
    if (s->task.stackless)
        return s->task.awaited == &awaited->future;
    if (!s->has_wait || s->wait.wait.awaits == &awaited->future)
        return s->has_wait;

    for (size_t i = 0; s->wait.wait.group && look(s->wait.wait.group, &g, sizeof g) && i < g.started && i < WATCHES_MAX; i++)
        if (look(&g.watches[i], &w, sizeof w) && w.future == &awaited->future)
            return true;
    return false;
}

static const bide_task *waiter_of(struct seen *s, const bide_loop *loop, const bide_task *awaited)
{
    int n = 0;

    for (const bide_task *t = next_task(loop, &loop->tasks); t && n < TASKS_SHOWN; t = next_task(loop, &t->all), n++)
        if (!see(s, t) || waits_for(s, awaited))
            return s->task.future.object.word == OBJECT_LIVE ? t : NULL;
    return NULL;
}

/* The task that runs in this thread, and the line of those that wait for it. */
static void report_crash(const char *what)
{
    struct report r = {.to = NULL};
    struct seen s;
    const bide_loop *loop = bide__loop_here;
    const bide_task *t = loop ? loop->current : NULL;
    if (!t || !see(&s, t))
        return;

    put(&r, "bide: ");
    put(&r, what);
    put(&r, " in task ");
    put_task(&r, &s);
    put_doing(&r, &s);
    end_line(&r);
    for (int i = 0; i < CHAIN_MAX && (t = waiter_of(&s, loop, t)); i++) {
        put(&r, "bide:   awaited by ");
        put_task(&r, &s);
        end_line(&r);
    }
}

static void on_abort(int signum)
{
    report_crash("abort");
    signal(signum, SIG_DFL);
    raise(signum); /* pending until we return; abort() would do so as well, kill() not */
}

static void on_fault(int signum)
{
    report_crash(signum == SIGBUS ? "SIGBUS" : "SIGSEGV");
}

/* A handler of the program's stays in place. */
void bide__report_crashes(void)
{
    struct sigaction before, action = {.sa_handler = on_abort, .sa_flags = SA_ONSTACK};

    bide__overflow_set_crashed(on_fault);
    if (sigaction(SIGABRT, NULL, &before) == 0 && !(before.sa_flags & SA_SIGINFO) && before.sa_handler == SIG_DFL)
        sigaction(SIGABRT, &action, NULL);
}
