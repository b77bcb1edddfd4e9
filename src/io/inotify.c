/* SPDX-License-Identifier: MIT */
/*
 * inotify.c - what happens to a file or in a directory, as something to await.
 *
 * The kernel queues events in a descriptor; a batch is read into a buffer, and given out one by one.  A move is two events there,
 * of which the second directly follows: then they are one here.  A half of one whose other half is outside of the directory, or
 * has not come yet, is a name that went or came.
 *
 * Invariants:
 *   W1  what was read and not given out stays in the buffer, also if the task that waits for it gives up.
 *   W2  the texts of an event lie in the buffer, which is not touched before the next call.
 */
#include <sys/inotify.h>
#include <unistd.h>

#include <bide/watch.h>

#include "core/turn/operation.h"
#include "io/poll/poll.h"

#define BATCH 16384 /* at least one event with the longest name */

struct bide_watch {
    struct object object;
    struct fd fd;
    unsigned waiting; /* shares of tasks that wait */
    unsigned what;
    bool is_gone;
    size_t at, end; /* of the events in the buffer */
    _Alignas(struct inotify_event) char events[BATCH];
};

/* ---- life ---- */

static void watch_destroy(void *object)
{
    bide_watch *w = object;

    bide__fd_close(&w->fd);
    bide__object_free(w);
}

/* The last owner lets go: who waits gets BIDE_ECLOSED. */
static void watch_release(void *object)
{
    bide_watch *w = object;
    if (bide__release_is_refused(w->fd.loop, "bide_release of a watch"))
        return;

    if (w->object.refs == 1 + w->waiting)
        bide__fd_close(&w->fd);
    bide__object_unref(w);
}

static const struct object_type watch_type = {.name = "watch", .destroy = watch_destroy, .release = watch_release};

static uint32_t mask_of(unsigned what)
{
    static const struct {
        unsigned kind;
        uint32_t mask;
    } masks[] = {
        {BIDE_WATCH_CREATED, IN_CREATE | IN_MOVED_TO}, {BIDE_WATCH_CHANGED, IN_MODIFY},
        {BIDE_WATCH_WRITTEN, IN_CLOSE_WRITE},          {BIDE_WATCH_REMOVED, IN_DELETE | IN_MOVED_FROM},
        {BIDE_WATCH_MOVED, IN_MOVED_FROM | IN_MOVED_TO}, {BIDE_WATCH_ATTRIBUTES, IN_ATTRIB},
    };
    uint32_t mask = IN_DELETE_SELF | IN_MOVE_SELF;

    for (size_t i = 0; i < array_len(masks); i++)
        mask |= what & masks[i].kind ? masks[i].mask : 0;
    return mask;
}

static int watch_begin(bide_watch *w, const char *path)
{
    int fd = bide__fd_above_standard(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (fd < 0)
        return bide_fail(-errno, "watch %s: %s", path, bide_strerror(-errno));

    int code = inotify_add_watch(fd, path, mask_of(w->what)) < 0 ? -errno : 0;
    code = code < 0 ? bide_fail(code, "watch %s: %s", path, bide_strerror(code)) : bide__fd_open(&w->fd, fd);
    if (code < 0)
        close(fd);
    return code;
}

bide_watch *bide_watch_open(const char *path, unsigned what)
{
    if (bide__is_null(path, __func__, "the path"))
        return NULL;
    if (what == 0 || what & ~(unsigned)BIDE_WATCH_ALL)
        return bide_fail(-EINVAL, "bide_watch_open %s: 0x%x is not what can be watched", path, what), NULL;
    if (!bide__loop_here)
        return bide_fail(BIDE_ENOLOOP, "bide_watch_open: no event loop is running in this thread"), NULL;
    bide_watch *w = bide__object_zalloc(sizeof *w);
    if (!w)
        return bide__fail_nomem("bide_watch_open"), NULL;

    bide__object_init(w, &watch_type);
    w->fd.fd = -1;
    w->what = what;
    if (watch_begin(w, path) == 0)
        return w;
    bide__object_free(w);
    return NULL;
}

/* ---- events ---- */

static const struct inotify_event *event_at(const bide_watch *w, size_t at)
{
    return at < w->end ? (const struct inotify_event *)(const void *)(w->events + at) : NULL;
}

static size_t behind(const struct inotify_event *e, size_t at)
{
    return at + sizeof *e + e->len;
}

/* More events behind those that are there; false: there are none now. */
static bool read_more(bide_watch *w)
{
    ssize_t n;

    memmove(w->events, w->events + w->at, w->end - w->at);
    w->end -= w->at;
    w->at = 0;
    do
        n = read(w->fd.fd, w->events + w->end, sizeof w->events - w->end);
    while (n < 0 && errno == EINTR);
    w->fd.readable = n > 0;
    w->end += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* The other half of a move within the directory, if it has come. */
static const struct inotify_event *other_half(bide_watch *w)
{
    const struct inotify_event *from = event_at(w, w->at), *to = event_at(w, behind(from, w->at));

    if (!to && w->fd.readable && read_more(w)) {
        from = event_at(w, w->at);
        to = event_at(w, behind(from, w->at));
    }
    return to && to->mask & IN_MOVED_TO && to->cookie == from->cookie ? to : NULL;
}

static enum bide_watch_kind kind_of(uint32_t mask)
{
    return mask & IN_Q_OVERFLOW                                             ? BIDE_WATCH_OVERFLOW
           : mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED) ? BIDE_WATCH_GONE
           : mask & (IN_CREATE | IN_MOVED_TO)                               ? BIDE_WATCH_CREATED
           : mask & (IN_DELETE | IN_MOVED_FROM)                             ? BIDE_WATCH_REMOVED
           : mask & IN_MODIFY                                               ? BIDE_WATCH_CHANGED
           : mask & IN_CLOSE_WRITE                                          ? BIDE_WATCH_WRITTEN
                                                                            : BIDE_WATCH_ATTRIBUTES;
}

static bool is_wanted(const bide_watch *w, enum bide_watch_kind kind)
{
    return kind & (w->what | BIDE_WATCH_GONE | BIDE_WATCH_OVERFLOW);
}

/* The next event of the buffer; false: it was one that nobody wants. */
static bool give(bide_watch *w, bide_watch_event *out)
{
    const struct inotify_event *moved = event_at(w, w->at)->mask & IN_MOVED_FROM ? other_half(w) : NULL;
    const struct inotify_event *e = event_at(w, w->at); /* it may have moved */
    bide_watch_event event = {kind_of(e->mask), e->mask & IN_ISDIR, e->len ? e->name : "", NULL};

    w->at = behind(e, w->at);
    if (moved && w->what & BIDE_WATCH_MOVED) {
        event = (bide_watch_event){BIDE_WATCH_MOVED, event.is_directory, moved->name, e->name};
        w->at = behind(moved, w->at);
    }
    w->is_gone = event.kind == BIDE_WATCH_GONE;
    if (!is_wanted(w, event.kind))
        return false;
    *out = event;
    return true;
}

/* ---- waiting ---- */

static void leave(bide_watch *w)
{
    w->waiting--;
    bide__object_unref(w);
}

static int next_check(const bide_operation *op)
{
    const bide_watch *w = op->object;

    if (bide__is_null(w, "bide_watch_next", "the watch") || bide__is_null(op->place, "bide_watch_next", "the event"))
        return -EINVAL;
    return bide__check_operable(w->fd.loop, "bide_watch_next");
}

static int take_next(bide_watch *w, bide_watch_event *event)
{
    if (!bide__fd_is_open(&w->fd))
        return bide_fail(BIDE_ECLOSED, "bide_watch_next: the watch was released");

    while (!w->is_gone) {
        if (w->at == w->end && (!w->fd.readable || !read_more(w)))
            return OPERATION_WAITS;
        if (give(w, event))
            return 1;
    }
    return 0;
}

static int next_attempt(const bide_operation *op, struct op_waiter *waiter)
{
    bide_watch *w = op->object;
    int code = take_next(w, op->place);

    if (waiter)
        leave(w);
    return code;
}

static void next_enlist(const bide_operation *op, struct op_waiter *waiter)
{
    bide_watch *w = op->object;

    bide_retain(w);
    w->waiting++;
    bide__list_append(&w->fd.readers, &waiter->clause.node);
}

static void next_withdraw(const bide_operation *op, struct op_waiter *waiter)
{
    bide__list_remove(&waiter->clause.node);
    leave(op->object);
}

static const struct bide_operation_ops next_ops = {"bide_watch_next", next_check, next_attempt, next_enlist, next_withdraw};

bide_awaitable bide_watch_awaitable(bide_watch *w, bide_watch_event *event)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &next_ops, .object = w, .place = event}};
}

int bide_watch_next(bide_watch *w, bide_watch_event *event)
{
    return bide__operation_await(&(bide_operation){.ops = &next_ops, .object = w, .place = event});
}
