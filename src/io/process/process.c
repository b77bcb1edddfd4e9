/* SPDX-License-Identifier: MIT */
/*
 * process.c - a process from its start to its end: watched by its pidfd, reaped by the loop as soon as it has ended.
 *
 *     spawned --> running --(pidfd readable)--> reaped: how it ended is noted, who waits is woken
 *                  |  ^                            ^
 *                  |  '-- .timeout_ms, release ----+-- SIGTERM, after .grace_ms SIGKILL
 *                  '-- its loop is closed: SIGKILL '
 *
 * Invariants:
 *   P1  a process that has ended is reaped in the next turn of its loop, whether anybody waits or not: no zombie is left.
 *   P2  a signal goes through the pidfd, or to the group of a process that is not reaped yet: never to another one with its number.
 *   P3  what is left of the group of one that we end gets SIGKILL before its leader is reaped.
 *   P4  the loop has all that run in a list, and leaves none behind when it is closed.
 *   P5  in a child of fork() a process is the parent's: no signal, no wait.
 */
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/process/spawn.h"

/* ---- those of a loop ---- */

struct registry {
    struct loop_closer closer;
    struct list_node running;
};

static const char registry_key;

static void registry_close(struct loop_closer *c);

int bide__process_registry(bide_loop *loop)
{
    if (bide__loop_find(loop, &registry_key))
        return 0;
    struct registry *r = bide__calloc(1, sizeof *r);
    if (!r)
        return bide__fail_nomem("bide_process_spawn");

    bide__list_init(&r->running);
    r->closer = (struct loop_closer){.key = &registry_key, .close = registry_close};
    bide__loop_attach(loop, &r->closer);
    return 0;
}

/* ---- signals ---- */

int bide__process_signal(const bide_process *p, int signal)
{
    if (p->has_ended)
        return -ESRCH;
    long r = p->has_group ? kill(-p->pid, signal) : syscall(SYS_pidfd_send_signal, p->fd.fd, signal, NULL, 0);

    return r < 0 ? -errno : 0;
}

static void grace_is_over(struct timer *timer)
{
    bide__process_signal(container_of(timer, bide_process, timer), SIGKILL);
}

/* A process that is stopped takes SIGTERM only when it goes on. */
void bide__process_begin_end(bide_process *p)
{
    if (p->has_ended || p->is_ending)
        return;
    p->is_ending = true;
    bide__process_signal(p, SIGTERM);
    bide__process_signal(p, SIGCONT);
    bide__timer_disarm(p->loop, &p->timer);
    bide__timer_init(&p->timer, grace_is_over);
    bide__timer_arm(p->loop, &p->timer, p->grace_ms);
}

void bide__process_time_is_over(struct timer *timer)
{
    bide_process *p = container_of(timer, bide_process, timer);

    p->timed_out = true;
    bide__process_begin_end(p);
}

/* ---- the end ---- */

static void set_status(bide_process *p, int status)
{
    p->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    p->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* PIDFD_GET_INFO, Linux 6.15: what the kernel keeps of a process that somebody else has reaped. */
struct pidfd_info {
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t status;
};
#define GET_INFO _IOWR(0xff, 11, struct pidfd_info)
#define INFO_EXIT ((uint64_t)1 << 3)

static void status_of_reaped(bide_process *p, int code)
{
    struct pidfd_info info = {.mask = INFO_EXIT};

    if (ioctl(p->fd.fd, GET_INFO, &info) == 0 && info.mask & INFO_EXIT)
        set_status(p, info.status);
    else
        p->lost = code;
}

static int wait_for(const bide_process *p, siginfo_t *info, int how)
{
    int r;

    info->si_pid = 0;
    bide__block_begin();
    do
        r = waitid(P_PIDFD, (id_t)p->fd.fd, info, WEXITED | how);
    while (r < 0 && errno == EINTR);
    bide__block_end();
    return r < 0 ? -errno : info->si_pid != 0;
}

/* false: it runs. */
static bool reap(bide_process *p, int how)
{
    siginfo_t info;
    int code = wait_for(p, &info, how | WNOWAIT);
    if (code == 0)
        return false;

    if (code > 0 && p->is_ending && p->has_group)
        kill(-p->pid, SIGKILL);
    if (code > 0)
        code = wait_for(p, &info, how);
    if (code < 0)
        status_of_reaped(p, code);
    else if (info.si_code == CLD_EXITED)
        p->exit_code = info.si_status;
    else
        p->signal = info.si_status;
    return true;
}

/* Of one that took too long, others may have the other ends of its pipes, and keep them: who reads does not wait for those. */
static void abort_pipes(bide_process *p)
{
    for (size_t i = 0; i < array_len(p->pipes); i++)
        if (p->pipes[i])
            bide__stream_abort(p->pipes[i]);
}

/* It is watched no longer. */
static void forget(bide_process *p)
{
    p->has_ended = true;
    if (p->timed_out)
        abort_pipes(p);
    bide__list_remove(&p->all);
    bide__timer_disarm(p->loop, &p->timer);
    bide__watch_close(&p->watch, &p->fd);
    bide__fd_close(&p->fd);
    bide__wake_all(p->loop, &p->waiters);
}

static void end_left(bide_process *p)
{
    bool is_left = p->is_left;

    p->is_left = false;
    forget(p);
    if (is_left)
        bide__object_unref(p);
}

static void on_readable(struct ready *r)
{
    bide_process *p = container_of(r, bide_process, watch.ready);

    p->fd.readable = false;
    if (reap(p, WNOHANG))
        end_left(p);
    else
        bide__watch_again(&p->watch, &p->fd);
}

/* SIGKILL is not refused, so this does not take long. */
void bide__process_kill_now(bide_process *p)
{
    p->is_ending = true;
    bide__process_signal(p, SIGKILL);
    reap(p, 0);
    end_left(p);
}

/* ---- the beginning ---- */

int bide__process_watch(bide_process *p, int pidfd)
{
    int code = bide__fd_open(&p->fd, pidfd);
    if (code < 0) {
        close(pidfd);
        return code;
    }
    code = bide__watch_open(&p->watch, &p->fd, on_readable);
    return code < 0 ? bide__fail_nomem("bide_process_spawn") : 0;
}

void bide__process_list(bide_process *p)
{
    struct loop_closer *c = bide__loop_find(p->loop, &registry_key);

    bide__list_append(&container_of(c, struct registry, closer)->running, &p->all);
}

/* ---- the loop is closed ---- */

static void registry_close(struct loop_closer *c)
{
    struct registry *r = container_of(c, struct registry, closer);

    while (!bide__list_is_empty(&r->running))
        bide__process_kill_now(container_of(r->running.next, bide_process, all));
    bide__free(r);
}

/* ---- life ---- */

static void process_destroy(void *object)
{
    bide_process *p = object;
    bide_loop *loop = p->loop;

    if (!p->has_ended)
        forget(p); /* the parent's, or not begun */
    for (size_t i = 0; i < array_len(p->pipes); i++)
        (bide_release)(p->pipes[i]);
    if (p->window >= 0)
        close(p->window);
    for (size_t i = 0; i < array_len(p->collected); i++)
        bide__buf_free(&p->collected[i]);
    bide__object_free(p);
    bide__object_unref(loop);
}

/* The last owner lets go of one that runs: its pipes are closed, and it is ended. */
static void abandon(bide_process *p)
{
    p->was_abandoned = true;
    for (size_t i = 0; i < array_len(p->pipes); i++) {
        (bide_release)(p->pipes[i]);
        p->pipes[i] = NULL;
    }
    if (p->window >= 0)
        close(p->window);
    p->window = -1;
    bide__process_begin_end(p);
    bide__wake_all(p->loop, &p->waiters);
    if (bide__file_may_wait() && p->loop == bide__loop_here)
        while (!p->has_ended)
            bide__wait_uninterrupted(&p->waiters);
    else if (!p->is_left) {
        p->is_left = true;
        bide_retain(p);
    }
}

static void process_release(void *object)
{
    bide_process *p = object;
    if (bide__release_is_refused(p->loop, "bide_release of a process"))
        return;

    bool is_last = p->object.refs == 1 + p->waiting + p->is_left;
    if (is_last && !p->has_ended && !p->was_abandoned && !bide__loop_is_inherited(p->loop))
        abandon(p);
    bide__object_unref(p);
}

static void process_describe(const void *object, char *buf, size_t cap)
{
    const bide_process *p = object;

    snprintf(buf, cap, "%s (%d)", p->name, (int)p->pid);
}

const struct object_type bide__process_type = {
    .name = "process", .destroy = process_destroy, .release = process_release, .describe = process_describe};
