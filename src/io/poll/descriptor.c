/* SPDX-License-Identifier: MIT */
/*
 * descriptor.c - descriptors of the program's own: tasks that wait for one, and functions that are called for it.
 *
 * What is watched here may be closed at any time by who owns it, and its number given to another file, so nothing is remembered
 * of it between waits.  While somebody waits, the number stands in a table and in the epoll set:
 *
 *     the kernel: a key --> epoll.c --> table --> struct watched   waiters: those whose events came are woken
 *      (number, generation)                                        calls:   pushed into the loop's queue
 *
 * Invariants:
 *   N1  a struct watched is in the table while somebody waits there or a call is wanted.  (One that was attempted in a choice that
 *       another operation won stays until its next event.)
 *   N2  it is registered level-triggered for one event (EPOLLONESHOT), and armed again for those who still wait.  An entry that
 *       a close has left in the epoll set (another descriptor of the same open file keeps it) says at most one thing more,
 *       under a generation that no one has.
 *   N3  a call that is queued is not armed: it is, once its function has returned.
 *   N4  where a library waits that stands before libc (interpose.c), the entry stays when nobody waits, and in the set: idle, not counted
 *       among what the loop watches.  An event that comes then is its last one.  Whether the number is still the same file's is seen when
 *       it is armed again, which is one system call in place of two.
 */
#include <fcntl.h>
#include <poll.h>

#include <bide/descriptor.h>

#include "core/turn/operation.h"
#include "io/poll/epoll.h"
#include "io/poll/poll.h"

enum { READER, WRITER, CALLS };
static const unsigned call_event[CALLS] = {BIDE_READABLE, BIDE_WRITABLE};

#define ALL_EVENTS (BIDE_READABLE | BIDE_WRITABLE | BIDE_PRIORITY)

/* A function that is called for a descriptor.  While it runs it has a share of this, for it may remove or replace itself. */
struct function {
    unsigned refs;
    bide_callback *fn;
    void *arg;
    void (*arg_free)(void *arg);  /* NULL: it is borrowed */
    struct task_context *context; /* a share of that of who added it; NULL: empty */
};

struct call {
    struct ready ready;
    struct watched *watched;
    struct function *function; /* a share */
};

struct watched {
    struct map_node node;
    int fd; /* the key */
    uint32_t generation;
    bool is_registered;
    bool stays, is_idle; /* N4 */
    struct list_node waiters; /* struct op_waiter */
    struct call *calls[CALLS]; /* each NULL: none */
};

/* What is kept in the words of an op_waiter: what it wants; what came, or a code (0: it is enlisted still); where. */
enum { WANTS, RESULT, WHERE };

/* One for each loop that has watched one. */
struct descriptors {
    struct loop_closer closer;
    bide_loop *loop;
    struct map table;
    uint32_t generations;
};

static const char closer_key;

/* ---- the table ---- */

static struct watched *find(const struct descriptors *all, int fd)
{
    struct map_node *n = all ? bide__map_find(&all->table, (const char *)&fd, sizeof fd) : NULL;

    return n ? container_of(n, struct watched, node) : NULL;
}

static struct descriptors *descriptors_of(bide_loop *loop)
{
    struct loop_closer *c = bide__loop_find(loop, &closer_key);

    return c ? container_of(c, struct descriptors, closer) : NULL;
}

static void function_unref(struct function *f)
{
    if (--f->refs > 0)
        return;
    bide__free_user(f->arg, f->arg_free);
    if (f->context)
        bide__context_unref(f->context);
    bide__free(f);
}

static void call_drop(struct descriptors *all, struct watched *w, int side)
{
    struct call *c = w->calls[side];
    if (!c)
        return;

    bide__unpush(all->loop, &c->ready);
    bide__ring_unreserve(&all->loop->ring, 1);
    w->calls[side] = NULL;
    function_unref(c->function);
    bide__free(c);
}

static void forget(struct descriptors *all, struct watched *w)
{
    bide__map_remove(&all->table, &w->node);
    bide__free(w);
}

static void wake(struct op_waiter *w, int result)
{
    w->words[RESULT] = (uintptr_t)(intptr_t)result;
    bide__op_wake(w);
}

/* End all waits with this code, and drop the calls and the entry.  Returns: how many waits and calls there were. */
static int give_up(struct descriptors *all, struct watched *w, int code)
{
    int n = 0;

    for (; !bide__list_is_empty(&w->waiters); n++)
        wake(bide__op_waiter_of(w->waiters.next), code);
    for (int side = 0; side < CALLS; side++) {
        n += w->calls[side] != NULL;
        call_drop(all, w, side);
    }
    forget(all, w);
    return n;
}

static void close_all(struct loop_closer *closer)
{
    struct descriptors *all = container_of(closer, struct descriptors, closer);

    for (size_t i = 0; i < all->table.nslots; i++)
        while (all->table.slots[i])
            give_up(all, container_of(all->table.slots[i], struct watched, node), BIDE_ECLOSED);
    bide__map_free(&all->table);
    bide__free(all);
}

static struct descriptors *descriptors_open(bide_loop *loop)
{
    struct descriptors *all = descriptors_of(loop);
    if (all)
        return all;

    if (bide__epoll_begin(loop) < 0)
        return NULL;
    all = bide__calloc(1, sizeof *all);
    if (!all || bide__map_init(&all->table) < 0) {
        bide__free(all);
        bide__fail_nomem("watching a descriptor");
        return NULL;
    }
    all->loop = loop;
    all->closer = (struct loop_closer){.key = &closer_key, .close = close_all};
    bide__loop_attach(loop, &all->closer);
    return all;
}

/* ---- the epoll set ---- */

static void check_open(struct descriptors *all, struct watched *w)
{
    int fd = w->fd;
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
        return;

    if (w->is_registered)
        all->loop->watched--; /* its entry went with it, or speaks to nobody */
    int n = give_up(all, w, BIDE_ECLOSED);
    bide__loop_report(all->loop, "descriptor %d was closed while it was waited for (by %d), and nobody said so: bide_fd_forget", fd, n);
}

void bide__descriptors_check(bide_loop *loop)
{
    struct descriptors *all = descriptors_of(loop);

    for (size_t i = 0; all && i < all->table.nslots; i++)
        for (struct map_node *n = all->table.slots[i], *next; n; n = next) {
            next = n->next;
            check_open(all, container_of(n, struct watched, node));
        }
}

/* What is still to be waited for. */
static unsigned wanted(const struct watched *w)
{
    unsigned events = 0;

    for (struct list_node *n = w->waiters.next; n != &w->waiters; n = n->next)
        events |= (unsigned)bide__op_waiter_of(n)->words[WANTS];
    for (int side = 0; side < CALLS; side++)
        if (w->calls[side] && !bide__ready_is_queued(&w->calls[side]->ready))
            events |= call_event[side];
    return events;
}

static bool is_wanted(const struct watched *w)
{
    return !bide__list_is_empty(&w->waiters) || w->calls[READER] || w->calls[WRITER];
}

static void let_idle(struct descriptors *all, struct watched *w)
{
    all->loop->watched -= !w->is_idle;
    w->is_idle = true;
}

static void use_again(struct descriptors *all, struct watched *w)
{
    all->loop->watched += w->is_idle;
    w->is_idle = false;
}

/* Out of the epoll set.  One that was idle and is closed is not counted any more. */
static void unregister(struct descriptors *all, struct watched *w)
{
    bool was_idle = w->is_idle;

    use_again(all, w);
    if (!bide__epoll_remove(all->loop->poller, w->fd) && was_idle)
        all->loop->watched--;
}

/* Arm it for what is wanted; what nobody wants any more goes.  The struct may be gone afterwards.  0 or a code. */
static int settle(struct descriptors *all, struct watched *w)
{
    if (!is_wanted(w)) {
        if (w->stays) {
            let_idle(all, w);
        } else {
            unregister(all, w);
            forget(all, w);
        }
        return 0;
    }
    unsigned events = wanted(w);
    int code = events ? bide__epoll_arm(all->loop->poller, w->fd, events, w->generation, false) : 0;
    if (code < 0)
        give_up(all, w, BIDE_ECLOSED); /* another file, or none, has the number */
    return code;
}

void bide__descriptor_event(bide_loop *loop, int fd, uint32_t generation, unsigned events)
{
    struct descriptors *all = descriptors_of(loop);
    struct watched *w = find(all, fd);
    if (!w || w->generation != generation)
        return;

    for (struct list_node *n = w->waiters.next, *next; n != &w->waiters; n = next) {
        struct op_waiter *each = bide__op_waiter_of(n);
        next = n->next;
        if (each->words[WANTS] & events)
            wake(each, (int)(each->words[WANTS] & events));
    }
    for (int side = 0; side < CALLS; side++)
        if (w->calls[side] && call_event[side] & events && !bide__ready_is_queued(&w->calls[side]->ready))
            bide__push(loop, &w->calls[side]->ready);
    settle(all, w);
}

/* The entry of a descriptor, with nobody in it if it is new; NULL: an error on record. */
static struct watched *enter(struct descriptors *all, int fd)
{
    struct watched *w = find(all, fd);
    if (w)
        return w;

    w = bide__calloc(1, sizeof *w);
    if (!w) {
        bide__fail_nomem("watching a descriptor");
        return NULL;
    }
    w->fd = fd;
    w->generation = ++all->generations;
    bide__list_init(&w->waiters);
    bide__map_add(&all->table, &w->node, (const char *)&w->fd, sizeof w->fd);
    return w;
}

/*
 * Register it, or arm it for more.  If the number is another file's by now than the one that the others wait for, their waits end with
 * BIDE_ECLOSED, and a new entry takes its place in *entry.  On failure it is out of the table, unless others are in it.
 */
static int watch(struct descriptors *all, struct watched **entry, unsigned events)
{
    struct watched *w = *entry;
    int fd = w->fd;
    bool is_new = !w->is_registered;
    int code = bide__epoll_arm(all->loop->poller, fd, events | wanted(w), w->generation, is_new);
    if (code == -ENOENT && !is_new) {
        give_up(all, w, BIDE_ECLOSED);
        *entry = w = enter(all, fd);
        if (!w)
            return BIDE_ENOMEM;
        is_new = true;
        code = bide__epoll_arm(all->loop->poller, fd, events, w->generation, true);
    }
    if (code == 0) {
        w->is_registered = true;
        use_again(all, w);
        return 0;
    }
    if (is_new)
        forget(all, w);
    if (code == -EEXIST)
        return bide_fail(BIDE_ESTATE, "descriptor %d: a stream, or the like, of this loop watches it already", fd);
    return bide_fail(code, "watching descriptor %d: %s", fd, bide_strerror(code));
}

/* ---- waiting ---- */

static unsigned events_of_poll(int revents)
{
    if (revents & (POLLERR | POLLHUP))
        return ALL_EVENTS;
    return (revents & POLLIN ? BIDE_READABLE : 0) | (revents & POLLOUT ? BIDE_WRITABLE : 0) |
           (revents & POLLPRI ? BIDE_PRIORITY : 0);
}

/* What of it is there now?  -EBADF on record. */
static int look(struct descriptors *all, int fd, unsigned events)
{
    struct pollfd p = {.fd = fd,
                       .events = (short)((events & BIDE_READABLE ? POLLIN : 0) | (events & BIDE_WRITABLE ? POLLOUT : 0) |
                                         (events & BIDE_PRIORITY ? POLLPRI : 0))};
    int n;

    do
        n = poll(&p, 1, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return bide_fail(-errno, "poll: %s", bide_strerror(-errno));
    if (fd >= 0 && !(p.revents & POLLNVAL))
        return (int)(events & events_of_poll(p.revents));
    struct watched *stale = find(all, fd);
    if (stale)
        give_up(all, stale, BIDE_ECLOSED);
    return bide_fail(-EBADF, "bide_fd_wait: %d is no open descriptor", fd);
}

static int wait_check(const bide_operation *op)
{
    bide_loop *loop = bide__loop_here;
    unsigned events = (unsigned)op->words[1];
    if (!loop)
        return bide_fail(BIDE_ENOLOOP, "bide_fd_wait: no event loop is running in this thread");
    if (events == 0 || events & ~ALL_EVENTS)
        return bide_fail(-EINVAL, "bide_fd_wait: %#x is nothing to wait for", events);
    return descriptors_open(loop) ? 0 : bide_error_code();
}

/* It registers the descriptor, for enlisting cannot fail. */
static int wait_attempt(const bide_operation *op, struct op_waiter *w)
{
    struct descriptors *all = descriptors_of(bide__loop_here);
    int fd = (int)op->words[0], came = w ? (int)w->words[RESULT] : look(all, fd, (unsigned)op->words[1]);
    if (w && came < 0)
        return bide_fail(came, "bide_fd_wait: descriptor %d was closed meanwhile", fd);
    if (came != 0)
        return came;

    struct watched *entry = enter(all, fd);
    int code = entry ? watch(all, &entry, (unsigned)op->words[1]) : BIDE_ENOMEM;
    return code < 0 ? code : OPERATION_WAITS;
}

static void enlist(struct watched *entry, unsigned events, struct op_waiter *w)
{
    w->words[WANTS] = events;
    w->words[RESULT] = 0;
    w->words[WHERE] = (uintptr_t)entry;
    bide__list_append(&entry->waiters, &w->clause.node);
}

static void wait_enlist(const bide_operation *op, struct op_waiter *w)
{
    enlist(find(descriptors_of(bide__loop_here), (int)op->words[0]), (unsigned)op->words[1], w);
}

static void wait_withdraw(const bide_operation *op, struct op_waiter *w)
{
    (void)op;
    if (!bide__list_is_linked(&w->clause.node))
        return; /* nothing was granted: it is as ready as before */
    bide__list_remove(&w->clause.node);
    settle(descriptors_of(bide__loop_here), (struct watched *)w->words[WHERE]);
}

static const struct bide_operation_ops wait_ops = {"bide_fd_wait", wait_check, wait_attempt, wait_enlist, wait_withdraw,
                                                   .fd_at = offsetof(bide_operation, words[0])};

bide_awaitable bide_fd_awaitable(int fd, unsigned events)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &wait_ops, .words = {(uintptr_t)fd, events}}};
}

/* Each wait costs a part of the turn's budget, so that a descriptor that is always ready stops nobody else. */
static int yield_if_over_budget(bide_loop *loop)
{
    loop->io_left -= FD_CALL_COST;
    if (loop->io_left > 0)
        return 0;
    loop->budget = 0;
    return bide__wait_in_for(&loop->io_waiters, WAIT_NAMED, "its share of I/O");
}

int bide_fd_wait(int fd, unsigned events)
{
    bide_operation op = {.ops = &wait_ops, .words = {(uintptr_t)fd, events}};
    bide_task *t = bide__task_required(__func__);
    int code = t ? wait_check(&op) : BIDE_ENOLOOP;
    if (code == 0)
        code = yield_if_over_budget(t->future.loop);
    return code < 0 ? code : bide__operation_await(&op);
}

void bide__descriptor_replaced(bide_loop *loop, int fd)
{
    struct descriptors *all = descriptors_of(loop);
    struct watched *w = find(all, fd);

    if (w && w->is_idle)
        unregister(all, w); /* it may be the same file still */
    if (w)
        give_up(all, w, BIDE_ECLOSED);
}

/* ---- for interpose.c ---- */

int bide__descriptor_enlist(bide_loop *loop, const bide_operation *op, struct op_waiter *w)
{
    struct descriptors *all = descriptors_open(loop);
    struct watched *entry = all ? enter(all, (int)op->words[0]) : NULL;
    int code = entry ? watch(all, &entry, (unsigned)op->words[1]) : BIDE_ENOMEM;
    if (code < 0)
        return code;

    entry->stays = true;
    enlist(entry, (unsigned)op->words[1], w);
    return 0;
}

int bide__descriptor_withdraw(const bide_operation *op, struct op_waiter *w)
{
    bool was_woken = !bide__list_is_linked(&w->clause.node);

    wait_withdraw(op, w);
    return was_woken ? (int)w->words[RESULT] : 0;
}

int bide_fd_forget(int fd)
{
    bide_loop *loop = bide__loop_here ? bide__loop_here : bide__thread_loop();
    if (!loop)
        return bide_fail(BIDE_ENOLOOP, "bide_fd_forget: this thread has no event loop");
    struct descriptors *all = descriptors_of(loop);
    struct watched *w = find(all, fd);
    if (!w)
        return 0;

    unregister(all, w);
    return give_up(all, w, BIDE_ECLOSED);
}

/* ---- functions that are called ---- */

/* The function may remove itself, or close the descriptor: what is armed again is what is there afterwards. */
static void call_run(struct ready *ready)
{
    struct call *c = container_of(ready, struct call, ready);
    bide_loop *loop = bide__loop_here;
    int fd = c->watched->fd;
    uint32_t generation = c->watched->generation;
    struct function *f = c->function;

    f->refs++;
    bide__context_outside = f->context;
    f->fn(f->arg);
    bide__context_outside = NULL;
    function_unref(f);
    struct descriptors *all = descriptors_of(loop);
    struct watched *w = find(all, fd);
    if (w && w->generation == generation)
        settle(all, w);
}

static int call_new(struct descriptors *all, struct watched *w, int side, struct function *f)
{
    struct call *c = bide__malloc(sizeof *c);
    if (!c || bide__ring_reserve(&all->loop->ring, 1) < 0) {
        bide__free(c);
        return bide__fail_nomem("watching a descriptor");
    }
    *c = (struct call){.ready.run = call_run, .watched = w, .function = f};
    f->refs++;
    w->calls[side] = c;
    return 0;
}

static int set_function(bide_loop *loop, int fd, int side, struct function *f)
{
    struct descriptors *all = descriptors_open(loop);
    struct watched *w = all ? enter(all, fd) : NULL;
    if (!w)
        return bide_error_code();

    if (w->calls[side]) {
        struct function *old = w->calls[side]->function;
        f->refs++;
        w->calls[side]->function = f;
        function_unref(old);
        return 0;
    }
    int code = watch(all, &w, call_event[side]);
    if (code < 0)
        return code;
    if ((code = call_new(all, w, side, f)) < 0)
        settle(all, w);
    return code;
}

static int check_function(bide_loop *loop, bide_callback *fn, const char *function)
{
    int code = bide__loop_check(loop, function);
    if (code < 0)
        return code;
    if (loop->closed)
        return bide_fail(BIDE_ECLOSED, "%s: the event loop is closed", function);
    return fn ? 0 : bide_fail(-EINVAL, "%s: the function is NULL", function);
}

/* arg is taken. */
static int add(bide_loop *loop, int fd, int side, struct function like, const char *function)
{
    int code = check_function(loop, like.fn, function);
    struct function *f = code == 0 ? bide__malloc(sizeof *f) : NULL;
    if (!f) {
        if (code == 0)
            code = bide__fail_nomem(function);
        bide__free_user(like.arg, like.arg_free);
        return code;
    }

    *f = like;
    f->refs = 1;
    if (unlikely(loop->has_contexts) && loop == bide__loop_here)
        f->context = bide__context_ref(bide__context_here());
    code = set_function(loop, fd, side, f);
    function_unref(f);
    return code;
}

static bool remove_call(bide_loop *loop, int fd, int side, const char *function)
{
    if (bide__loop_check(loop, function) < 0)
        return false;
    struct descriptors *all = descriptors_of(loop);
    struct watched *w = find(all, fd);
    if (!w || !w->calls[side])
        return false;

    call_drop(all, w, side);
    settle(all, w);
    return true;
}

int bide_loop_add_reader(bide_loop *loop, int fd, bide_callback *fn, void *arg)
{
    return add(loop, fd, READER, (struct function){.fn = fn, .arg = arg}, __func__);
}

int bide_loop_add_reader_taking(bide_loop *loop, int fd, bide_callback *fn, void *arg, void (*arg_free)(void *arg))
{
    return add(loop, fd, READER, (struct function){.fn = fn, .arg = arg, .arg_free = arg_free}, __func__);
}

int bide_loop_add_writer(bide_loop *loop, int fd, bide_callback *fn, void *arg)
{
    return add(loop, fd, WRITER, (struct function){.fn = fn, .arg = arg}, __func__);
}

int bide_loop_add_writer_taking(bide_loop *loop, int fd, bide_callback *fn, void *arg, void (*arg_free)(void *arg))
{
    return add(loop, fd, WRITER, (struct function){.fn = fn, .arg = arg, .arg_free = arg_free}, __func__);
}

bool bide_loop_remove_reader(bide_loop *loop, int fd)
{
    return remove_call(loop, fd, READER, __func__);
}

bool bide_loop_remove_writer(bide_loop *loop, int fd)
{
    return remove_call(loop, fd, WRITER, __func__);
}
