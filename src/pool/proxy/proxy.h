/* SPDX-License-Identifier: MIT */
/*
 * proxy.h - one worker, seen from outside: its birth, orders to it, its jobs, answers from it.
 *
 *     STARTING --ready--> READY --stop--> ENDING --its process ends--> gone (death.c)
 *
 *     sent:   handed over, in the lane --its head has passed them--> begun: in the worker's hands
 *     orders: those that found no room in the lane, until there is some
 *
 * orders.c birth.c proxy.c assigned.c events.c results.c
 */
#ifndef BIDE_POOL_PROXY_H
#define BIDE_POOL_PROXY_H

#include "pool/jobs/backend.h"
#include "pool/spawn/spawn.h"

enum proxy_state {
    STARTING,
    READY,
    ENDING /* it takes no more jobs, and goes when it has done those it has */
};

struct proxy {
    bide_pool *pool;
    struct list_node node;
    struct list_node replaced; /* in the leaving ones of its slot */
    int index;
    enum proxy_state state;
    struct segment segment;
    pid_t pid;
    pthread_t thread;
    bool has_thread, said_ready, said_bye, corrupt, was_killed, is_successor, dirty, stall_reported;
    bool has_ended;  /* its process, or its thread: noted when it is found out, acted on in the pool's next turn */
    int birth_code;  /* likewise: an error, if there is no process */
    bool answer_due; /* the zygote's answer about its birth was not waited for: it comes yet */
    int bell; /* the worker's eventfd */
    struct fd ctl, pidfd;
    struct watch_fd ctl_watch, pidfd_watch;
    struct timer deadline; /* of its birth, and of its exit after "bye" */
    struct list_node sent;  /* handed over, not begun as far as we know */
    struct list_node begun;
    unsigned nsent, nbegun;
    struct record *orders; /* those that found no room in the lane */
    size_t orders_at, norders, orders_cap; /* they are orders[orders_at] to [norders - 1]; both 0: there are none */
    uint64_t birth; /* PROCESS: what the zygote was asked for */
    uint64_t given, done;
    int64_t started_ns, idle_since_ns;
    int64_t run_ewma_ns, cpu_ewma_ns; /* 0: not known */
    uint64_t counted_done, counted_awake_ns;
    uint64_t killer; /* the job for which we killed it: its id, as it may be over and gone before the worker is; 0: none */
    int bye_code;
    char bye_text[ERROR_TEXT_MAX];
};

#define DEATHS_KEPT 64

/*
 * What the workers of a pool have in common: the local pool's own (bide_pool.own).
 *
 *     queue --> job --> job --> ...                             jobs that any worker may have
 *
 *     slots[0]: proxy READY <-- segment --> process   coming: its successor   leaving: those it replaced   pinned: jobs
 *     slots[1]: proxy READY <-- segment --> process
 *     slots[2]: NULL                                            died, or idle for too long: fill_slots makes another one
 *                 |
 *     proxies: all of them in a list, also those in no slot any more, until their process is gone
 */
struct local_pool {
    bide_pool *pool;
    struct list_node in_poll; /* poll.c */
    struct list_node proxies; /* all workers that are not gone, in or out of a slot */
    struct slot *slots;
    int nslots;
    struct list_node queue; /* jobs that any worker may have */
    struct fd bell; /* ours: an eventfd */
    struct image image; /* PROCESS, FORK: what the workers have */
    void (*checked_fn)(void); /* the last function that was found to be there */
    const char *checked_name; /* EXEC: as it is registered */
    int *cpus, ncpus;
    char *init_in, *fini_in; /* copies of their arguments */
    char *program; /* a copy */
    uint64_t most_given; /* to one worker: max_jobs, or without an end */
    int64_t deaths[DEATHS_KEPT]; /* when, the latest ones */
    uint64_t ndeaths, nspawned, rung;
    long oom_kills;
    struct timer upkeep, retry;
    int64_t retry_ms;
    uint64_t births_failed; /* of workers that were to replace nobody */
    int birth_code;         /* of the last of them */
    int usable_cpus;
    bool may_spin; /* fewer workers have jobs than there are processors */
};
static inline struct local_pool *bide__local(const bide_pool *p)
{
    return p->own;
}

/* ---- orders.c: what the program says to a worker; nothing waits ---- */
void bide__proxy_order(struct proxy *x, uint16_t kind, uint64_t id, uint64_t fn, uint64_t more, int code);
void bide__proxy_flush_orders(struct proxy *x); /* those that found no room */
void bide__proxy_flush(struct proxy *x);        /* publish, ring */
void bide__proxy_stop(struct proxy *x);         /* when its jobs are done */
void bide__proxy_kill(struct proxy *x);
void bide__proxy_send_kill(struct proxy *x);
int bide__proxy_reject(struct proxy *x); /* it wrote what cannot be: it is killed.  -EBADMSG */

/* ---- birth.c ---- */
#define BIRTH_MAX_MS 5000 /* from one birth to the next: a fork takes 0.3 ms, of the largest zygote a second */
int bide__proxy_got_process(struct proxy *x, pid_t pid, int pidfd); /* pidfd -1: not opened yet */
bool bide__proxy_adopt(struct proxy *x); /* it was born, though the zygote has not said so */
void bide__proxy_limit_its_end(struct proxy *x); /* if it has not exited grace_ms after its "bye", it is killed */
void bide__proxy_deadline_passed(struct timer *t);
void bide__proxy_ctl_readable(struct ready *r);

/* ---- proxy.c: one worker, seen from outside ---- */
struct proxy *bide__proxy_new(bide_pool *p, int index);   /* without a process; NULL: an error on record */
struct proxy *bide__proxy_start(bide_pool *p, int index); /* likewise */
void bide__proxy_free(struct proxy *x);

/* ---- assigned.c: the jobs that it has ---- */
static inline unsigned bide__proxy_load(const struct proxy *x)
{
    return x->nsent + x->nbegun;
}
static inline bool bide__proxy_is_used_up(const struct proxy *x)
{
    return x->given >= bide__local(x->pool)->most_given;
}
void bide__proxy_assign(struct proxy *x, struct job *j);
void bide__proxy_unassign(struct job *j); /* from the worker that has it, if any */
void bide__proxy_note_begun(struct proxy *x);
struct job *bide__proxy_begun_job(struct proxy *x, uint64_t id); /* NULL: it has not begun it */
static inline struct job *bide__proxy_job(struct proxy *x, uint64_t id) /* NULL: it has it not */
{
    struct job *j = bide__job_by_id(x->pool, id);

    return j && j->proxy == x ? j : NULL;
}

/* ---- events.c, results.c: what came from it ---- */
void bide__proxy_drain(struct proxy *x);
void bide__proxy_refuse(struct proxy *x); /* read what it says, and forget it; requests for memory are refused */
int bide__proxy_on_result(struct proxy *x, const struct record *r, const char *payload);
/* Weight of a new sample: an eighth. */
static inline void bide__ewma_add(int64_t *ewma, int64_t sample)
{
    if (sample < 1)
        sample = 1;
    *ewma = *ewma == 0 ? sample : *ewma + (sample - *ewma) / 8;
}

#endif
