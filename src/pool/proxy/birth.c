/* SPDX-License-Identifier: MIT */
/*
 * birth.c - the birth of a worker, and the watch over its process: what its sockets, its pidfd and its deadline say.
 *
 * A worker of the zygote has its process number sent through its own control socket; it gets no job before we have it.
 *
 * Invariant: a callback here only notes that there is no process (birth_code), or that there is none any more
 * (has_ended).  The pool's next turn acts on it (poll.c), after it has read what the worker had to say.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/proxy/proxy.h"

static _Atomic int64_t last_birth_ns; /* of any pool */

static void pidfd_readable(struct ready *r)
{
    container_of(r, struct proxy, pidfd_watch.ready)->has_ended = true;
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
    bide__block_begin();
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    bide__block_end();
    return bide_fail(code, "watching a worker: %s", bide_strerror(code));
}

int bide__proxy_got_process(struct proxy *x, pid_t pid, int pidfd)
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

/* The zygote may have died before it could say whom it has made; the worker, too, and then we wait for it. */
bool bide__proxy_adopt(struct proxy *x)
{
    pid_t pid = bide__zygote_made(x->birth);
    int pidfd = x->pid == 0 && pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pidfd < 0)
        return false;

    x->answer_due = true;
    if (bide__proxy_got_process(x, pid, pidfd) == 0)
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
    pid_t pid = code < 0 ? code : m.code < 0 ? m.code : process_of(x, &m);
    code = pid < 0 ? pid : bide__proxy_got_process(x, pid, -1);
    return code < 0 ? code : 1;
}

/*
 * The zygote does not answer, or the worker does not exit after its "bye".  A zygote that was stopped, or is stuck, is
 * ended: what it was asked for is then never born, as the end of its sockets says.
 */
void bide__proxy_deadline_passed(struct timer *t)
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
        x->birth_code = code == 0 ? -ECHILD : code;
}

/* The zygote's answer about a birth, or the end of the worker's side. */
void bide__proxy_ctl_readable(struct ready *r)
{
    struct proxy *x = container_of(r, struct proxy, ctl_watch.ready);

    x->ctl.readable = false;
    if (x->pid == 0 && !x->has_thread) {
        int code = check_birth(x);
        if (code < 0) {
            x->birth_code = code;
            return;
        }
    } else if (!x->has_thread && bide__peer_is_gone(x->ctl.fd)) {
        if (!x->said_bye) /* else it is on its way out, and may have to write something still */
            bide__proxy_send_kill(x); /* dead, or has closed its sockets: its pidfd reports the end */
        return;
    }
    bide__watch_again(&x->ctl_watch, &x->ctl);
}
