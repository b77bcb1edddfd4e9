/* SPDX-License-Identifier: MIT */
/*
 * cause.c - why a worker ended: its status, in words, and the job that is responsible.
 *
 * The wrong job may be named if the worker wrote nonsense into its own page.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "pool/local/local.h"

/* ---- how ---- */

/* Has the kernel's count of processes that it killed in our cgroup grown since the last death? */
static bool ran_out_of_memory(bide_pool *p)
{
    struct local_pool *l = bide__local(p);
    char dir[512];
    long n = bide__own_cgroup("memory", dir, sizeof dir) ? bide__oom_kills(dir) : -1;
    bool grew = n > l->oom_kills && l->oom_kills >= 0;

    l->oom_kills = n;
    return grew;
}

static void describe(struct death *d)
{
    if (d->x->corrupt)
        snprintf(d->how, sizeof d->how, "wrote nonsense into the memory we share, and was killed");
    else if (d->lost_thread)
        snprintf(d->how, sizeof d->how, "lost its thread: it was ended by pthread_exit or pthread_cancel");
    else if (d->unknown)
        snprintf(d->how, sizeof d->how, "ended; status unknown, because something else waited for it");
    else if (d->oom)
        snprintf(d->how, sizeof d->how, "was killed because memory ran out (signal 9)");
    else if (d->signal)
        snprintf(d->how, sizeof d->how, "was killed by signal %d (%s)%s", d->signal, sigdescr_np(d->signal),
                 d->core ? ", core dumped" : "");
    else
        snprintf(d->how, sizeof d->how, "exited with status %d", d->exit_code);
}

void bide__death_find_cause(struct death *d)
{
    siginfo_t info = {0};

    if (!bide__fd_is_open(&d->x->pidfd)) {
        describe(d);
        return;
    }
    d->exit_code = -1;
    int r = waitid(P_PIDFD, (id_t)d->x->pidfd.fd, &info, WEXITED | WNOHANG | __WALL);
    if (r < 0 || info.si_pid == 0) {
        d->unknown = true;
    } else if (info.si_code == CLD_EXITED) {
        d->exit_code = info.si_status;
    } else {
        d->signal = info.si_status;
        d->core = info.si_code == CLD_DUMPED;
        d->oom = d->signal == SIGKILL && !d->x->was_killed && ran_out_of_memory(d->x->pool);
    }
    describe(d);
}

/* ---- who ---- */

/*
 * By what the worker wrote.  It has ended, so nothing changes meanwhile; a result that we can see has emptied its slot first
 * (R2 in runner.c), so no job that is done is blamed.  It may be nonsense: our own table must say that the job had begun.
 */
struct job *bide__death_culprit(struct proxy *x)
{
    struct segment_shared *s = x->segment.shared;
    uintptr_t current = atomic_load(&s->current);

    if (x->killer)
        return bide__proxy_begun_job(x, x->killer);
    for (int i = 0; current != 0 && i < x->pool->args.concurrency; i++)
        if (atomic_load(&s->slots[i].task) == current) {
            struct job *j = bide__proxy_begun_job(x, atomic_load(&s->slots[i].job));
            if (j)
                return j;
        }
    return x->nbegun == 1 ? container_of(x->begun.next, struct job, node) : NULL;
}
