/* SPDX-License-Identifier: MIT */
/*
 * kills_watch.c - nothing hangs: every job ends in time, every client goes on, and the loop turns.
 *
 * If not, the test fails and tells what stands where.
 */
#include <signal.h>

#include "kills.h"

#define LATE_US (BIDE_SANITIZED ? 40000000 : 15000000) /* nothing takes so long but what hangs */

static const char *place_of(const struct job *j)
{
    return bide__job_is_settled(j) ? "settled, but not over" : j->stage == JOB_QUEUED ? "queued" : j->stage == JOB_BEGUN ? "begun" : "handed over";
}

static void tell_of_job(const struct job *j, int64_t age_us)
{
    uint32_t n = 0;

    if (j->in_len >= sizeof n)
        memcpy(&n, j->in, sizeof n);
    printf("job %u, %s, %lld ms old: %s; worker %d, slot %d, attempt %d, %s%s\n", n, j->name, (long long)age_us / 1000, place_of(j),
           j->proxy ? j->proxy->pid : 0, j->slot, j->attempt, j->idempotent ? "idempotent" : "once", j->expired ? ", late" : "");
}

static void tell_of_pool(const struct load *load, int64_t now)
{
    bide_pool *p = load->pool;
    const struct local_pool *l = bide__local(p);

    for (struct list_node *n = p->jobs.next; n != &p->jobs; n = n->next)
        tell_of_job(container_of(n, struct job, all), now - container_of(n, struct job, all)->submitted_ns / 1000);
    for (struct list_node *n = l->proxies.next; n != &l->proxies; n = n->next) {
        struct proxy *x = container_of(n, struct proxy, node);
        printf("worker %d, process %d: state %d, %u handed over, %u begun%s%s%s\n", x->index, x->pid, x->state, x->nsent, x->nbegun,
               x->said_ready ? ", ready" : "", x->said_bye ? ", bye" : "", x->was_killed ? ", killed" : "");
    }
    for (int i = 0; i < l->nslots; i++)
        printf("slot %d: worker %d, coming %d\n", i, l->slots[i].proxy ? l->slots[i].proxy->pid : 0, l->slots[i].coming ? 1 : 0);
    for (unsigned i = 0; i < load->clients; i++)
        printf("client %u %s since %lld ms\n", i, load->client[i].step, (long long)(now - load->client[i].since_us) / 1000);
}

static bool hangs(const struct load *load, int64_t now)
{
    for (struct list_node *n = load->pool->jobs.next; n != &load->pool->jobs; n = n->next)
        if (now - container_of(n, struct job, all)->submitted_ns / 1000 > LATE_US)
            return true;
    for (unsigned i = 0; i < load->clients; i++)
        if (now - load->client[i].since_us > LATE_US && strcmp(load->client[i].step, "has ended") != 0)
            return true;
    return false;
}

static void loop_stands_still(int signal)
{
    static const char text[] = "the program's loop does not turn\n";
    ssize_t n = write(1, text, sizeof text - 1);

    (void)n;
    (void)signal;
    abort();
}

int kills_watch(struct load *load)
{
    struct sigaction late = {.sa_handler = loop_stands_still};

    sigaction(SIGALRM, &late, NULL);
    while (!load->watched) {
        alarm(LATE_US / 1000000);
        if (kills_ledger)
            kills_ledger->zygote = load->pool->args.kind == BIDE_POOL_PROCESS ? bide__zygote_pid() : 0;
        BIDE_TRY(bide_sleep_ms(5));
        int64_t now = now_us();
        if (hangs(load, now)) {
            tell_of_pool(load, now);
            FAIL("seed %u: after %d kills something hangs", load->seed, kills_ledger ? kills_ledger->kills : 0);
        }
    }
    alarm(0);
    return 0;
}
