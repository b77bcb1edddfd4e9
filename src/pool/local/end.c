/* SPDX-License-Identifier: MIT */
/*
 * end.c - the end of the workers: in order, or behind the loop's back.
 *
 * Every wait for a process has an end; for a thread there is none.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pool/local/local.h"

#define KILL_WAIT_MS 5000

static struct proxy *first_proxy(bide_pool *p)
{
    return container_of(bide__local(p)->proxies.next, struct proxy, node);
}

static void kill_workers(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    for (struct list_node *n = l->proxies.next; n != &l->proxies; n = n->next)
        bide__proxy_kill(container_of(n, struct proxy, node));
}

static void stop_workers(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    for (struct list_node *n = l->proxies.next; n != &l->proxies; n = n->next)
        bide__proxy_stop(container_of(n, struct proxy, node));
}

static bool no_workers(const bide_pool *p)
{
    return bide__list_is_empty(&bide__local(p)->proxies);
}

static void disarm(bide_pool *p)
{
    struct local_pool *l = bide__local(p);

    bide__timer_disarm(p->loop, &l->upkeep);
    bide__timer_disarm(p->loop, &l->retry);
}

/* ---- in order ---- */

/* They run fini; then they are killed. */
void bide__local_end(bide_pool *p, bool at_once)
{
    if (!bide__local(p))
        return; /* it was never opened */
    disarm(p);
    stop_workers(p);
    if (!at_once) {
        bide__timeout(p->args.grace_ms)
            while (!no_workers(p) && bide__wait_in_for(&p->changed, WAIT_NAMED, "the end of the workers") == 0)
                ;
    }
    kill_workers(p); /* those that are left */
    while (!no_workers(p))
        bide__wait_uninterrupted(&p->changed);
    bide__local_poll_detach(p);
}

/* ---- behind the loop's back: it is closed, or this is no task ---- */

static void reap_process(int pidfd)
{
    siginfo_t info;

    syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    bide__wait_readable(pidfd, KILL_WAIT_MS); /* in vain: the kernel cannot end it now */
    waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL);
}

/* The zygote was asked for it, and its answer was not read yet. */
static void reap_unborn(struct proxy *x)
{
    struct fd_message m;

    if (!bide__wait_readable(x->ctl.fd, KILL_WAIT_MS))
        bide__zygote_kill();
    pid_t pid = bide__fds_receive(x->ctl.fd, &m, NULL, 0, false) == 0 ? m.code : bide__zygote_made(x->birth);
    int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (pidfd < 0)
        return;
    reap_process(pidfd);
    close(pidfd);
}

/* It was asked to stop; but it may wait for room, or for memory, and nobody else reads its answers now. */
static void reap_thread(struct proxy *x)
{
    const struct timespec a_little = {.tv_nsec = 1000000};

    bide__block_begin();
    while (!atomic_load(&x->segment.shared->gone)) {
        bide__proxy_refuse(x);
        nanosleep(&a_little, NULL);
    }
    pthread_join(x->thread, NULL);
    bide__block_end();
    x->has_thread = false;
}

static void reap(struct proxy *x)
{
    if (x->has_thread)
        reap_thread(x);
    else if (bide__fd_is_open(&x->pidfd))
        reap_process(x->pidfd.fd);
    else
        reap_unborn(x);
}

void bide__local_abandon(bide_pool *p)
{
    disarm(p);
    kill_workers(p); /* first: of a thread, the jobs are cancelled one by one */
    bide__pool_fail_jobs(p);
    while (!no_workers(p)) {
        struct proxy *x = first_proxy(p);
        reap(x);
        bide__proxy_free(x);
    }
    for (int i = 0; i < bide__local(p)->nslots; i++)
        bide__local(p)->slots[i].proxy = NULL; /* who looks afterwards finds nobody */
    bide__local_poll_detach(p);
}

static void close_only(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void forget_worker(struct proxy *x)
{
    bide__list_remove(&x->node);
    close_only(&x->ctl.fd);
    close_only(&x->pidfd.fd);
    close_only(&x->bell);
    bide__segment_close(&x->segment);
}

/*
 * In a forked child: the workers are the parent's, and so is what is shared with them and what the kernel watches.  The
 * descriptors are closed, no more: the rest is memory, until the end of the process.
 */
void bide__local_disown(bide_pool *p)
{
    while (!no_workers(p))
        forget_worker(first_proxy(p));
    close_only(&bide__local(p)->bell.fd);
}

void bide__local_free(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    if (!l)
        return;

    assert(bide__list_is_empty(&l->proxies));
    bide__local_poll_detach(p);
    if (bide__fd_is_open(&l->bell))
        bide__fd_close(&l->bell);
    bide__free(l->cpus);
    bide__free(l->program);
    bide__free(l->init_in);
    bide__free(l->fini_in);
    bide__free(l->slots);
    bide__free(l);
    p->own = NULL;
}
