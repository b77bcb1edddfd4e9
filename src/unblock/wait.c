/* SPDX-License-Identifier: MIT */
/*
 * wait.c - waiting in a call of another library: the task is suspended; if it is interrupted, its calls are refused with ECANCELED.
 *
 * A task that is cancelled, or whose timeout has expired, gets ECANCELED from the call that waits, and from each later one that would wait:
 * few libraries retry after that, unlike after EINTR.  One that does must not block the thread, so after REFUSALS_AT_ONCE refusals each
 * further one takes PAUSE_MS, in which other tasks run.  Calls wait again when the block is left, or bide_uncancel is called.
 *
 * Nothing is kept about a descriptor between two waits, because libraries close theirs without our notice, and the number is reused.
 */
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "unblock/unblock.h"

#define REFUSALS_AT_ONCE 64
#define PAUSE_MS 10
#define CALLS_PER_TURN 64 /* calls that do not wait, before the task yields */

const struct interpose_ops *bide__unblock_ops;
ptrdiff_t bide__unblock_loop_offset;

/* Calls of this thread's tasks since the last one that waited or yielded. */
static _Thread_local unsigned calls __attribute__((tls_model("initial-exec")));

/* ---- what is kept for a task ---- */

static void task_ended(void *guest)
{
    struct guest *g = guest;

    bide__unblock_end_values(g);
    free(g->answer);
    free(g);
}

struct guest *bide__unblock_guest(bide_task *t)
{
    void **slot = bide__unblock_ops->slot(t);
    if (slot && !*slot)
        *slot = calloc(1, sizeof(struct guest));
    return slot ? *slot : NULL;
}

__attribute__((constructor)) static void begin(void)
{
    if (bide__next_tsan_is_first()) {
        fprintf(stderr, "bide-unblock: ThreadSanitizer comes before libbide-unblock.so: no call is changed; link libbide-unblock.a\n");
        return;
    }
    if (bide__next_bide_is_apart()) {
        fprintf(stderr, "bide-unblock: the program is linked with libbide.a, and libbide-unblock.so uses libbide.so: no call is changed; link "
                        "libbide-unblock.a\n");
        return;
    }
    const struct interpose_ops *ops = bide_interpose(BIDE_VERSION, task_ended);
    if (ops) {
        bide__unblock_debugs = ops->debugs();
        bide__unblock_loop_offset = ops->loop_offset(bide__unblock_thread_pointer());
    }
    bide__unblock_ops = ops;
    if (!ops)
        fprintf(stderr, "bide-unblock: this libbide-unblock is for bide " BIDE_VERSION ", and the program has %s: no call is changed\n",
                bide_version());
}

/* ---- refusing ---- */

static void pause_ms(int64_t ms)
{
    struct list_node nobody;

    bide__list_init(&nobody);
    bide__unblock_ops->wait_in(&nobody, ms, true);
}

bool bide__unblock_is_refused(bide_task *t)
{
    struct guest *g = bide__unblock_guest(t);
    if (bide__unblock_ops->interruption(t) == 0) {
        if (g)
            g->refusals = 0;
        return false;
    }
    if (!g || g->refusals >= REFUSALS_AT_ONCE)
        pause_ms(PAUSE_MS);
    else
        g->refusals++;
    errno = ECANCELED;
    return true;
}

static bool blocks(const struct blocked *b)
{
    int flags = b->always ? 0 : bide__unblock_flags(b->fd);

    return flags >= 0 && !(flags & O_NONBLOCK);
}

/*
 * Is it one of those whose calls wait for somebody?  What is ready of these is refused, too, and ends a turn now and then.  Files and
 * devices are read and written as ever, also by who was cancelled: that is how a log is written, or a change undone.
 */
static bool waits_for_others(const struct blocked *b)
{
    struct stat st;
    if (!blocks(b))
        return false;
    if (b->always || fstat(b->fd, &st) < 0 || S_ISSOCK(st.st_mode))
        return true;

    return !b->sockets_alone && (S_ISFIFO(st.st_mode) || (st.st_mode & S_IFMT) == 0); /* without a type: an eventfd and its kin */
}

static bool was_refused(bide_task *t)
{
    const struct guest *g = bide__unblock_guest(t);

    return g && g->refusals > 0 && bide__unblock_is_refused(t);
}

/* Calls on non-blocking descriptors, such as bide's own, are not refused, and do not yield. */
bool bide__unblock_may_try(const struct blocked *b)
{
    bool interrupted = bide__unblock_ops->interruption(b->task) != 0;
    int before = errno;
    if (likely(!interrupted && ++calls < CALLS_PER_TURN))
        return true;
    if (waits_for_others(b)) {
        if (interrupted && was_refused(b->task))
            return false;
        if (!interrupted)
            pause_ms(0);
    }
    if (!interrupted)
        calls = 0;
    errno = before;
    return true;
}

/* ---- waiting ---- */

int64_t bide__unblock_now_ms(bide_task *t)
{
    return bide__unblock_ops->now_ms(bide__unblock_ops->loop_of(t));
}

int64_t bide__unblock_ms_from_now(bide_task *t, int64_t ms)
{
    int64_t now = bide__unblock_now_ms(t);

    return ms < 0 || ms > INT64_MAX / 4 ? BIDE_FOREVER : now + ms;
}

static int64_t left_ms(bide_task *t, int64_t until_ms)
{
    int64_t left = until_ms == BIDE_FOREVER ? BIDE_FOREVER : until_ms - bide__unblock_now_ms(t);

    return left < 0 ? 0 : left;
}

/* With an epoll set of our own: for descriptors that the loop watches already, such as a stream's. */
static int wait_by_set(const struct interpose_fd *fds, int n, int64_t ms)
{
    int set = epoll_create1(EPOLL_CLOEXEC), code = set < 0 ? -errno : 0;

    for (int i = 0; i < n && code == 0; i++) {
        struct epoll_event ev = {.events = (fds[i].events & BIDE_READABLE ? EPOLLIN : 0u) | (fds[i].events & BIDE_WRITABLE ? EPOLLOUT : 0u) |
                                           (fds[i].events & BIDE_PRIORITY ? EPOLLPRI : 0u)};
        code = epoll_ctl(set, EPOLL_CTL_ADD, fds[i].fd, &ev) == 0 ? 0 : -errno;
    }
    if (code == 0)
        code = bide__unblock_ops->wait_fds(&(struct interpose_fd){set, BIDE_READABLE}, 1, ms);
    if (set >= 0)
        close(set);
    return code;
}

/* If a descriptor cannot be watched, the call is tried again, which reports the error; with a pause, because it may be EAGAIN for long. */
int bide__unblock_wait_fds(const struct blocked *b, const struct interpose_fd *fds, int n, int64_t until_ms)
{
    if (bide__unblock_is_refused(b->task))
        return -1;
    int64_t ms = left_ms(b->task, until_ms);
    if (ms == 0)
        return 0;

    calls = 0;
    bide__unblock_note_wait(b->task, b->call, b->caller);
    int code = bide__unblock_ops->wait_fds(fds, n, ms);
    if (code == BIDE_ESTATE)
        code = wait_by_set(fds, n, ms);
    if (code >= 0)
        return code;
    if (bide__unblock_is_refused(b->task))
        return -1;
    if (b->has_waited || (code != -EPERM && code != -EBADF)) /* EPERM: a regular file, always ready; EBADF: not a descriptor */
        pause_ms(1);
    return 1;
}

int bide__unblock_wait_fd(const struct blocked *b, int64_t until_ms)
{
    return bide__unblock_wait_fds(b, &(struct interpose_fd){b->fd, b->events}, 1, until_ms);
}

int bide__unblock_sleep_until(bide_task *t, int64_t until_ms, const char *call, const void *caller)
{
    struct list_node nobody;
    if (bide__unblock_is_refused(t))
        return -1;

    calls = 0;
    bide__unblock_note_wait(t, call, caller);
    bide__list_init(&nobody);
    bide__unblock_ops->wait_in(&nobody, left_ms(t, until_ms), false);
    return bide__unblock_is_refused(t) ? -1 : 0;
}

/* ---- after EAGAIN ---- */

/* SO_RCVTIMEO or SO_SNDTIMEO. */
static int64_t limit_ms(const struct blocked *b)
{
    struct timeval tv = {0};
    socklen_t len = sizeof tv;

    if (getsockopt(b->fd, SOL_SOCKET, b->events & BIDE_READABLE ? SO_RCVTIMEO : SO_SNDTIMEO, &tv, &len) < 0 ||
        (tv.tv_sec == 0 && tv.tv_usec == 0))
        return BIDE_FOREVER;
    return (int64_t)tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
}

void bide__unblock_limit(struct blocked *b)
{
    if (!b->has_waited) {
        b->until_ms = bide__unblock_ms_from_now(b->task, limit_ms(b));
        if (b->own_until_ms > 0 && b->own_until_ms < b->until_ms)
            b->until_ms = b->own_until_ms;
    }
    b->has_waited = true;
}

bool bide__unblock_again_later(struct blocked *b, int64_t ms)
{
    bide__unblock_limit(b);
    int64_t at = bide__unblock_ms_from_now(b->task, ms);
    if (bide__unblock_sleep_until(b->task, at < b->until_ms ? at : b->until_ms, b->call, b->caller) < 0)
        return false;

    errno = EAGAIN;
    return at < b->until_ms;
}

bool bide__unblock_again(struct blocked *b)
{
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return false;
    if (!b->has_waited && !blocks(b)) {
        errno = EAGAIN;
        return false;
    }
    bide__unblock_limit(b);
    int ready = bide__unblock_wait_fd(b, b->until_ms);
    if (ready == 0)
        errno = EAGAIN;
    return ready > 0;
}
