/* SPDX-License-Identifier: MIT */
/*
 * proxy.c - one worker, seen from outside: its birth, orders to it, its end in order.
 *
 * All that a worker must know lies in its lane before it is born.  A worker of the zygote has its process number sent
 * through its own control socket; it gets no job before we have it.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/pool.h"

#define BIRTH_MAX_MS 5000 /* from one birth to the next: a fork takes 0.3 ms, of the largest zygote a second */

#define ORDERS_MAX   (1u << 18) /* for each of 69,632 jobs at most: memory, a cancellation */

static _Atomic int64_t last_birth_ns; /* of any pool */

/* ---- telling it things ---- */

void bide__proxy_flush(struct proxy *x)
{
    struct segment_shared *s = x->segment.shared;

    x->dirty = false;
    bide__lane_publish(&x->segment.calls);
    bide__lane_publish(&x->segment.orders);
    if (atomic_load(&s->worker_sleeps) && atomic_exchange(&s->worker_sleeps, 0)) {
        bide__ring_bell(x->bell);
        x->pool->rung++;
    }
}

/* Room behind those that wait: in front of them, if that is half of it, so that nothing is moved twice for one order. */
static bool make_room_for_order(struct proxy *x)
{
    size_t waiting = x->norders - x->orders_at, cap = x->orders_cap ? x->orders_cap * 2 : 64;

    if (x->orders_at < x->orders_cap / 2 || x->orders_cap == 0) {
        struct record *more = bide__realloc(x->orders, cap * sizeof *more);
        if (!more)
            return false;
        x->orders = more;
        x->orders_cap = cap;
    }
    memmove(x->orders, x->orders + x->orders_at, waiting * sizeof *x->orders);
    x->orders_at = 0;
    x->norders = waiting;
    return true;
}

/* False: no memory, or it has asked for more than any worker has a use for, and reads nothing. */
static bool keep_order(struct proxy *x, const struct record *r)
{
    if (x->norders - x->orders_at >= ORDERS_MAX) {
        x->corrupt = true;
        return false;
    }
    if (x->norders == x->orders_cap && !make_room_for_order(x))
        return false;
    x->orders[x->norders++] = *r;
    return true;
}

/* The worker rings when it has read some; if it did so before we asked it to, there is room now. */
void bide__proxy_flush_orders(struct proxy *x)
{
    struct lane *l = &x->segment.orders;

    do {
        while (x->orders_at < x->norders && bide__lane_put(l, &x->orders[x->orders_at], NULL, 0, NULL, 0))
            x->orders_at++;
        if (x->orders_at < x->norders)
            atomic_exchange(&x->segment.shared->orders_wait, 1);
    } while (x->orders_at < x->norders && bide__lane_has_room(l, 0));
    if (x->orders_at == x->norders)
        x->orders_at = x->norders = 0;
    bide__proxy_flush(x);
}

/* Never waits: what has no room in the lane follows later. */
void bide__proxy_order(struct proxy *x, uint16_t kind, uint64_t id, uint64_t fn, uint64_t more, int code)
{
    struct record r = {.kind = kind, .id = id, .fn = fn, .more = more, .code = code};

    if (x->norders == 0 && bide__lane_put(&x->segment.orders, &r, NULL, 0, NULL, 0))
        bide__proxy_flush(x);
    else if (keep_order(x, &r))
        bide__proxy_flush_orders(x);
    else /* better no worker than one that waits forever, or has us keep more and more for it */
        bide__proxy_kill(x);
}

void bide__proxy_stop(struct proxy *x)
{
    if (x->state == ENDING)
        return;
    x->state = ENDING;
    bide__proxy_order(x, REC_STOP, 0, 0, 0, 0);
}

static void cancel_all(struct proxy *x, struct list_node *list)
{
    for (struct list_node *n = list->next; n != list; n = n->next)
        bide__proxy_order(x, REC_CANCEL, container_of(n, struct job, node)->id, 0, 0, 0);
}

static void send_kill(struct proxy *x)
{
    if (bide__fd_is_open(&x->pidfd))
        syscall(SYS_pidfd_send_signal, x->pidfd.fd, SIGKILL, NULL, 0);
}

/* A thread can only be asked, and once: if there is no memory for that, it does not help to ask again. */
void bide__proxy_kill(struct proxy *x)
{
    bool before = x->was_killed;

    x->was_killed = true;
    if (x->has_thread && !before) {
        cancel_all(x, &x->sent);
        cancel_all(x, &x->begun);
        bide__proxy_stop(x);
    } else if (!x->has_thread) {
        send_kill(x);
    }
}

/* ---- birth ---- */

static void pidfd_readable(struct ready *r)
{
    bide__proxy_died(container_of(r, struct proxy, pidfd_watch.ready));
}

void bide__proxy_limit_its_end(struct proxy *x)
{
    if (!x->said_bye || x->pid == 0 || bide__timer_is_armed(&x->deadline))
        return; /* until its birth is reported there is no pid to kill */
    bide__timer_arm(x->pool->loop, &x->deadline, x->pool->args.grace_ms);
}

/* Our child, that nobody has waited for yet, so the number is still its own. */
static int end_unwatched(pid_t pid, int code)
{
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    return bide_fail(code, "watching a worker: %s", bide_strerror(code));
}

static int got_process(struct proxy *x, pid_t pid, int pidfd)
{
    bide__timer_disarm(x->pool->loop, &x->deadline);
    if (pidfd < 0)
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    pidfd = bide__fd_above_standard(pidfd);
    if (pidfd < 0)
        return end_unwatched(pid, -errno);
    fcntl(pidfd, F_SETFD, FD_CLOEXEC);
    int code = bide__fd_open(&x->pidfd, pidfd);
    if (code < 0) {
        close(pidfd);
        return end_unwatched(pid, code);
    }
    code = bide__watch_open(&x->pidfd_watch, &x->pidfd, pidfd_readable);
    if (code < 0) {
        bide__fd_close(&x->pidfd);
        return end_unwatched(pid, code);
    }
    x->pid = pid;
    if (x->pool->args.kind == BIDE_POOL_PROCESS)
        atomic_store(&last_birth_ns, bide__clock_ns());
    bide__wake_all(x->pool->loop, &x->pool->changed); /* the zygote may be asked for more */
    if (x->was_killed)
        bide__proxy_kill(x);
    bide__proxy_limit_its_end(x);
    if (x->said_ready)
        bide__proxy_is_ready(x);
    return 0;
}

/*
 * The worker could have written the message, too: what the kernel has noted counts.  Of a birth so long ago that it is not
 * known any more (1,024 others came since), at least it must be a child of ours.
 */
static pid_t process_of(const struct proxy *x, const struct fd_message *m)
{
    pid_t made = bide__zygote_made(x->birth);
    siginfo_t info;

    if (made > 0)
        return made;
    return waitid(P_PID, (id_t)m->code, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 ? m->code : -ECHILD;
}

static int is_born(struct proxy *x, const struct fd_message *m)
{
    if (m->code < 0)
        return m->code;
    pid_t pid = process_of(x, m);
    if (pid < 0)
        return pid;
    return got_process(x, pid, -1);
}

/* The zygote may have died before it could say whom it has made; the worker, too, and then we wait for it. */
bool bide__proxy_adopt(struct proxy *x)
{
    pid_t pid = bide__zygote_made(x->birth);
    int pidfd = x->pid == 0 && pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pidfd < 0)
        return false;

    x->answer_due = true;
    if (got_process(x, pid, pidfd) == 0)
        return true;
    x->birth = 0; /* it was ended */
    return false;
}

/* 1: it is born; 0: the zygote has not answered yet; else why there is no process. */
static int check_birth(struct proxy *x)
{
    struct fd_message m;
    int code = bide__fds_receive(x->ctl.fd, &m, NULL, 0, false);

    if (code == -EAGAIN)
        return 0;
    if (code == BIDE_EEOF)
        return bide__proxy_adopt(x) ? 1 : -ECHILD; /* it died before it was known: its pidfd reports that */
    if (code < 0)
        return code;
    code = is_born(x, &m);
    return code < 0 ? code : 1;
}

/*
 * The zygote does not answer, or the worker does not exit after its "bye".  A zygote that was stopped, or is stuck, is
 * ended: what it was asked for is then never born, as the end of its sockets says.
 */
static void deadline_passed(struct timer *t)
{
    struct proxy *x = container_of(t, struct proxy, deadline);
    if (x->pid != 0) {
        bide__proxy_kill(x);
        return;
    }
    int code = check_birth(x);
    if (code == 0 && bide__clock_ns() - atomic_load(&last_birth_ns) < BIRTH_MAX_MS * INT64_C(1000000)) {
        bide__timer_arm(x->pool->loop, t, BIRTH_MAX_MS); /* many were asked for */
        return;
    }
    if (code == 0) {
        bide__zygote_kill();
        code = check_birth(x);
    }
    if (code == 0 && bide__proxy_adopt(x)) /* it made one and could not say so */
        return;
    if (code <= 0)
        bide__proxy_not_born(x, code == 0 ? -ECHILD : code);
}

/* The zygote's answer about a birth, or the end of the worker's side. */
static void ctl_readable(struct ready *r)
{
    struct proxy *x = container_of(r, struct proxy, ctl_watch.ready);

    x->ctl.readable = false;
    if (x->pid == 0 && !x->has_thread) {
        int code = check_birth(x);
        if (code < 0) {
            bide__proxy_not_born(x, code);
            return;
        }
    } else if (!x->has_thread && bide__peer_is_gone(x->ctl.fd)) {
        if (!x->said_bye) /* else it is on its way out, and may have to write something still */
            send_kill(x); /* dead, or has closed its sockets: its pidfd reports the end */
        return;
    }
    bide__watch_again(&x->ctl_watch, &x->ctl);
}

static bool put_job(struct proxy *x, uint16_t kind, const bide_job *job)
{
    struct record r = {.kind = kind, .shape = (uint8_t)job->shape, .fn = (uint64_t)(uintptr_t)job->fn};
    char name[NAME_ROOM] = "";
    size_t name_len = 0;
    if (!job->fn)
        return true;

    if (x->pool->args.kind == BIDE_POOL_EXEC) { /* registered: bide__pool_check_fn saw to it */
        name_len = bide__name_for_record(name, bide__named_by_fn(job->fn)->name);
        r.fn = name_len;
        r.flags = BY_NAME;
    }
    return bide__lane_put(&x->segment.calls, &r, name, name_len, job->in, job->in_len);
}

static int write_config(struct proxy *x)
{
    const bide_pool_args *a = &x->pool->args;
    struct worker_config c = {.concurrency = a->concurrency, .index = x->index, .stack_size = a->stack_size};
    struct lane *l = &x->segment.calls;
    bool ok = bide__lane_put(l, &(struct record){.kind = REC_CONFIG}, &c, sizeof c, NULL, 0) && put_job(x, REC_INIT, &a->init) &&
              put_job(x, REC_FINI, &a->fini) && bide__lane_put(l, &(struct record){.kind = REC_GO}, NULL, 0, NULL, 0);
    if (!ok)
        return bide_fail(-E2BIG, "the arguments of init and fini do not fit into ring_bytes");
    bide__lane_publish(l);
    return 0;
}

static int start(struct proxy *x, struct birth *b)
{
    int pidfd = -1, code = 0;

    switch (b->kind) {
    case BIDE_POOL_THREAD:
        code = bide__thread_start(b, &x->thread);
        x->has_thread = code == 0;
        return code;
    case BIDE_POOL_PROCESS:
        code = bide__zygote_start(b, &x->birth);
        if (code == 0)
            bide__timer_arm(x->pool->loop, &x->deadline, BIRTH_MAX_MS);
        return code;
    case BIDE_POOL_FORK:
        code = bide__fork_start(b, &pidfd);
        break;
    case BIDE_POOL_EXEC:
        code = bide__exec_start(b, x->pool->args.program, &pidfd);
        break;
    }
    return code < 0 ? code : got_process(x, code, pidfd);
}

static int cpu_for(const bide_pool *p, int index)
{
    return p->ncpus > 0 ? p->cpus[index % p->ncpus] : -1;
}

/* The program's standard input, if workers shall read it and there is one. */
static int input_for(const bide_pool *p)
{
    return p->args.inherit_stdin && fcntl(STDIN_FILENO, F_GETFD) >= 0 ? STDIN_FILENO : -1;
}

static int give_birth(struct proxy *x)
{
    bide_pool *p = x->pool;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0 || bide__fds_above_standard(pair) < 0)
        return bide_fail(-errno, "a socket to a worker: %s", bide_strerror(-errno));

    int code = bide__fd_open(&x->ctl, pair[0]);
    if (code < 0) {
        close(pair[0]);
        close(pair[1]);
        return code;
    }
    struct birth b = {.segment = &x->segment, .memory = x->segment.memory, .arena = p->arena.memory, .ctl = pair[1],
                      .bell = x->bell, .our_bell = p->bell.fd, .ring_bytes = (uint32_t)p->args.ring_bytes,
                      .concurrency = p->args.concurrency, .index = x->index, .kind = p->args.kind,
                      .cpu = cpu_for(p, x->index), .input = input_for(p), .outer_workers = p->nslots};
    code = bide__watch_open(&x->ctl_watch, &x->ctl, ctl_readable);
    if (code == 0)
        code = start(x, &b);
    if (!x->has_thread)
        close(pair[1]);
    return code;
}

struct proxy *bide__proxy_new(bide_pool *p, int index)
{
    struct proxy *x = bide__calloc(1, sizeof *x);
    if (!x) {
        bide__fail_nomem("a worker");
        return NULL;
    }
    x->pool = p;
    x->index = index;
    x->bell = x->ctl.fd = x->pidfd.fd = x->segment.memory = -1;
    x->started_ns = x->idle_since_ns = bide__clock_ns();
    bide__timer_init(&x->deadline, deadline_passed);
    bide__list_init(&x->replaced);
    bide__list_init(&x->sent);
    bide__list_init(&x->begun);
    bide__list_append(&p->proxies, &x->node);
    return x;
}

struct proxy *bide__proxy_start(bide_pool *p, int index)
{
    struct proxy *x = bide__proxy_new(p, index);
    if (!x)
        return NULL;

    int code = bide__segment_create(&x->segment, (uint32_t)p->args.ring_bytes, p->args.concurrency,
                                    p->args.kind != BIDE_POOL_THREAD);
    if (code == 0 && (x->bell = bide__fd_above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))) < 0)
        code = bide_fail(-errno, "a bell for a worker: %s", bide_strerror(-errno));
    if (code == 0)
        code = write_config(x);
    if (code == 0)
        code = give_birth(x);
    if (code < 0) {
        bide__proxy_kill(x);
        bide__proxy_free(x);
        return NULL;
    }
    p->nspawned++;
    return x;
}

void bide__proxy_free(struct proxy *x)
{
    bide__list_remove(&x->node);
    bide__list_remove(&x->replaced);
    bide__timer_disarm(x->pool->loop, &x->deadline);
    if (bide__fd_is_open(&x->pidfd)) {
        bide__watch_close(&x->pidfd_watch, &x->pidfd);
        bide__fd_close(&x->pidfd);
    }
    if (bide__fd_is_open(&x->ctl)) {
        bide__watch_close(&x->ctl_watch, &x->ctl);
        bide__fd_close(&x->ctl);
    }
    if (x->bell >= 0)
        close(x->bell);
    bide__segment_close(&x->segment);
    bide__free(x->orders);
    bide__free(x);
}
