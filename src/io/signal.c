/* SPDX-License-Identifier: MIT */
/*
 * signal.c - Unix signals as something to await.
 *
 * The handler does the least that a handler can: it marks the signal in every watcher that wants it and rings that
 * watcher's eventfd, which the loop watches like any other descriptor.  All the rest happens in the task that waits.
 *
 *     handler: pending |= bit, write(eventfd)        task: wait until it is readable, take the lowest bit
 *
 * signalfd would need the signals blocked in every thread of the program, also in those that others have made.
 *
 * Invariants:
 *   G1  all_lock is never taken by the handler: it reads the list of watchers through atomic pointers.
 *   G2  a watcher that left the list is freed only when no handler runs that may have seen it there.
 *   G3  while any watcher wants a signal, `before` holds what was installed for it when the first one came.
 *   G4  a child of fork() has no watchers, and the handlers that were there before.
 */
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bide/signal.h>

#include "io/poll/poll.h"

#define SIGNALS_END 65 /* they are 1 to 64 */

struct bide_signals {
    struct object object;
    struct fd fd;     /* the eventfd */
    int bell;         /* the same, for the handler */
    unsigned waiting; /* shares that belong to tasks which wait */
    uint64_t wanted;
    _Atomic uint64_t pending;
    _Atomic(struct bide_signals *) next; /* in the list of all */
};

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(bide_signals *) all;
static atomic_int handlers_running;
static struct {
    unsigned watchers;
    struct sigaction before;
} caught[SIGNALS_END];

static uint64_t bit_of(int signal)
{
    return (uint64_t)1 << (signal - 1);
}

/* ---- in signal context ---- */

static void on_signal(int signal)
{
    uint64_t one = 1;
    int saved = errno;

    atomic_fetch_add(&handlers_running, 1);
    for (bide_signals *s = atomic_load(&all); s; s = atomic_load(&s->next)) {
        if (!(s->wanted & bit_of(signal)))
            continue;
        atomic_fetch_or(&s->pending, bit_of(signal));
        while (write(s->bell, &one, sizeof one) < 0 && errno == EINTR)
            ;
    }
    atomic_fetch_sub(&handlers_running, 1);
    errno = saved;
}

/* ---- installing and restoring; under all_lock ---- */

static int install(int signal)
{
    /* On the alternate stack, because the signal may come while a coroutine has little left of its own. */
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};

    sigfillset(&action.sa_mask);
    if (caught[signal].watchers == 0 && sigaction(signal, &action, &caught[signal].before) < 0)
        return bide_fail(-errno, "catching signal %d: %s", signal, bide_strerror(-errno));
    caught[signal].watchers++;
    return 0;
}

/* What was before comes back, unless somebody has put something else in our place meanwhile. */
static void restore(int signal)
{
    struct sigaction now;

    if (--caught[signal].watchers > 0)
        return;
    if (sigaction(signal, NULL, &now) == 0 && now.sa_handler == on_signal)
        sigaction(signal, &caught[signal].before, NULL);
}

static void restore_all(uint64_t signals)
{
    for (int signal = 1; signal < SIGNALS_END; signal++)
        if (signals & bit_of(signal))
            restore(signal);
}

static int install_all(uint64_t signals)
{
    for (int signal = 1; signal < SIGNALS_END; signal++) {
        int code = signals & bit_of(signal) ? install(signal) : 0;
        if (code < 0) {
            restore_all(signals & (bit_of(signal) - 1));
            return code;
        }
    }
    return 0;
}

/*
 * In a child of fork(): the watchers are the parent's, and so are their bells.  Signals do what they did before any of them
 * was caught.
 */
static void forget_watchers(void)
{
    pthread_mutex_init(&all_lock, NULL);
    atomic_store(&all, NULL);
    atomic_store(&handlers_running, 0);
    for (int signal = 1; signal < SIGNALS_END; signal++) {
        if (caught[signal].watchers > 0) {
            caught[signal].watchers = 1;
            restore(signal);
        }
    }
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_watchers);
}

/* ---- life ---- */

static int join_list(bide_signals *s)
{
    pthread_mutex_lock(&all_lock);
    atomic_store(&s->next, atomic_load(&all));
    atomic_store(&all, s);
    int code = install_all(s->wanted);
    if (code < 0)
        atomic_store(&all, atomic_load(&s->next));
    pthread_mutex_unlock(&all_lock);
    return code;
}

static void leave_list(bide_signals *s)
{
    pthread_mutex_lock(&all_lock);
    _Atomic(bide_signals *) *link = &all;
    while (atomic_load(link) != s)
        link = &atomic_load(link)->next;
    atomic_store(link, atomic_load(&s->next));
    restore_all(s->wanted);
    pthread_mutex_unlock(&all_lock);
}

/*
 * A handler that saw the watcher in the list may run in another thread still: it will not be long.  G2: a handler counts
 * itself before it looks at the list, and we look at the count after the watcher left it; both are sequentially
 * consistent, so a handler that is not counted here does not find the watcher.
 */
static void wait_for_handlers(void)
{
    while (atomic_load(&handlers_running) > 0)
        sched_yield();
}

static void stop(bide_signals *s)
{
    if (!bide__fd_is_open(&s->fd))
        return;
    if (!bide__loop_is_inherited(s->fd.loop)) {
        leave_list(s);
        wait_for_handlers();
    }
    bide__fd_close(&s->fd);
}

static void signals_destroy(void *object)
{
    stop(object);
    bide__object_free(object);
}

/* The last owner lets go: who waits gets BIDE_ECLOSED. */
static void signals_release(void *object)
{
    bide_signals *s = object;
    if (bide__release_is_refused(s->fd.loop, "bide_release of a watcher of signals"))
        return;

    if (s->object.refs == 1 + s->waiting)
        stop(s);
    bide__object_unref(s);
}

static const struct object_type signals_type = {
    .name = "signals", .destroy = signals_destroy, .release = signals_release};

/* A signal for a fault of the program's own must be handled where it happens, not by a task later. */
static bool can_be_caught(int signal)
{
    static const int never[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

    for (size_t i = 0; i < array_len(never); i++)
        if (signal == never[i])
            return false;
    return signal >= 1 && signal < SIGNALS_END;
}

/* The set as bits, or 0 and an error on record. */
static uint64_t parse_set(const int *signals)
{
    uint64_t set = 0;

    for (; signals && *signals; signals++) {
        if (!can_be_caught(*signals))
            return bide_fail(-EINVAL, "signal %d cannot be caught", *signals), 0;
        set |= bit_of(*signals);
    }
    if (set == 0)
        bide_fail(-EINVAL, "bide_signals_open: no signals");
    return set;
}

static int open_bell(bide_signals *s)
{
    s->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (s->bell < 0)
        return bide_fail(-errno, "watching signals: %s", bide_strerror(-errno));
    int code = bide__fd_open(&s->fd, s->bell);
    if (code < 0)
        close(s->bell);
    return code;
}

bide_signals *bide_signals_open(const int *signals)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t set = signals ? parse_set(signals) : (bide_fail(-EINVAL, "bide_signals_open: no signals"), 0);
    if (set == 0)
        return NULL;
    pthread_once(&once, watch_forks);
    bide_signals *s = bide__object_zalloc(sizeof *s);
    if (!s) {
        bide__fail_nomem("watching signals");
        return NULL;
    }
    bide__object_init(s, &signals_type);
    s->wanted = set;
    if (open_bell(s) < 0) {
        bide__object_free(s);
        return NULL;
    }
    if (join_list(s) < 0) {
        wait_for_handlers();
        bide__fd_close(&s->fd);
        bide__object_free(s);
        return NULL;
    }
    return s;
}

/* ---- waiting ---- */

/*
 * The lowest one, as the kernel delivers them; 0: none.  Handlers only add bits, and this thread alone takes them: what was
 * loaded is there still, and a bit that was added since stays.
 */
static int take_pending(bide_signals *s)
{
    uint64_t pending = atomic_load(&s->pending);
    if (pending == 0)
        return 0;

    int signal = __builtin_ctzll(pending) + 1;
    atomic_fetch_and(&s->pending, ~bit_of(signal));
    return signal;
}

/* The bell first, then the bits: a signal that comes in between rings again. */
static void hush(bide_signals *s)
{
    uint64_t count;

    s->fd.readable = false;
    while (read(s->fd.fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

static int wait_for_one(bide_signals *s)
{
    struct doing doing = {.what = "bide_signals_wait"};

    bide__doing_begin(&doing);
    int code = bide__fd_wait_readable(&s->fd);
    bide__doing_end(&doing);
    return code;
}

int bide_signals_wait(bide_signals *s)
{
    if (bide__is_null(s, __func__, "the watcher"))
        return -EINVAL;
    int signal, code = bide__check_waiter(s->fd.loop, __func__);
    if (code < 0)
        return code;

    bide_retain(s);
    s->waiting++;
    while (code >= 0 && (signal = take_pending(s)) == 0) {
        code = wait_for_one(s);
        if (code >= 0)
            hush(s);
    }
    s->waiting--;
    bide__object_unref(s);
    return code < 0 ? code : signal;
}
