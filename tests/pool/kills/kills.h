/* SPDX-License-Identifier: MIT */
/*
 * kills.h - a load of every sort of job, and a process that kills the workers under it (test_kills.c, test_orphans.c).
 *
 * In reading order: kills_jobs.c (inside the workers), kills_one.c (one job, and what is expected of it), kills_load.c (the
 * clients), kills_watch.c (nothing hangs), killer.c (the other process).  They share a ledger: a file that all have mapped.
 *
 * Every job has a number.  Its result is computed from the number, so a wrong or a mixed up one is seen; in the ledger each
 * run is counted, so a job that ran once too often is seen as well.
 */
#ifndef TESTS_POOL_KILLS_H
#define TESTS_POOL_KILLS_H

#include "pool_test.h"

#define NUMBERS (1u << 20) /* of jobs in a test */
#define PIDS (1u << 22)
#define INDEXES 64         /* of workers */
#define RETRIES 2
#define SUICIDE_STATUS 77  /* only kills_suicide exits with it */

struct ledger {
    _Atomic int go, stop, kills, wanted;
    _Atomic int zygote, zygotes_killed;
    _Atomic int workers[INDEXES];
    _Atomic uint8_t runs[NUMBERS];
    _Atomic uint8_t may_die[PIDS]; /* the killer killed it, or a job of it was about to make an end of it */
};
extern struct ledger *kills_ledger; /* NULL: nobody counts */

void kills_map(const char *path);

/* ---- kills_jobs.c ---- */

struct order {
    uint32_t number;
    int ms, parts, how;
};
struct reply {
    uint32_t number;
    int attempt;
    int64_t value;
    char same[48]; /* as the number's lowest byte */
};

static inline int value_of(uint32_t number)
{
    return (int)(number * 2654435761u >> 4) & 0x0fffffff;
}
static inline char byte_of(uint32_t number, size_t i)
{
    return (char)(number * 31 + i * 7);
}

int kills_init(const char *path);                           /* the ledger, and who this worker is */
int kills_plain(const struct order *o);                     /* returns at once */
int kills_sleeper(const struct order *o);                   /* awaits for ms, twice */
int kills_typed(const struct order *o, struct reply *r);
int kills_bytes(bide_bytes in);                             /* an order, and bytes: other bytes as the result */
int kills_in_place(bide_bytes in);                          /* the same bytes, without a copy */
int kills_fds(const struct order *o);                       /* reads a number there; another one comes back, likewise */
int kills_talker(const struct order *o);                    /* tells of `parts` parts */
int kills_stubborn(const struct order *o);                  /* does not yield for ms */
int kills_suicide(const struct order *o);                   /* a signal, or -status */

/* ---- kills_load.c: clients ---- */

/* The same numbers for the same seed; each client has its own. */
struct chance {
    uint32_t state;
};
uint32_t kills_chance(struct chance *c, uint32_t n); /* 0 to n - 1 */
/* $BIDE_POOL_SEED, or another one each time; it is printed. */
uint32_t kills_seed(void);

struct load {
    bide_pool *pool;
    bool stop, watched;
    uint32_t next_number, seed;
    uint8_t *most_runs; /* of each number */
    unsigned clients;
    struct client {
        struct chance chance;
        const char *step;
        int64_t since_us;
    } client[8];
    uint64_t settled, done, culprits, lost, late, cancelled, resizes; /* for the summary */
};

bide_pool *kills_open(enum bide_pool_kind kind, const char *ledger_path);
/* Clients that submit and check until load->stop, and one that looks whether anything hangs. */
int kills_run_load(struct load *load);
/* When all is over: no job ran too often. */
void kills_check_runs(const struct load *load);

/* ---- kills_one.c: one job ---- */

enum sort { PLAIN, SLEEPER, TYPED, BYTES, IN_PLACE, WITH_FDS, TALKER, STUBBORN, SUICIDE, SORTS };
enum fate { IS_AWAITED, IS_CANCELLED, IS_CANCELLED_LATER, IS_DROPPED, IS_DETACHED };

struct ticket {
    struct load *load;
    enum sort sort;
    enum fate fate;
    struct order order;
    struct reply reply;
    bool idempotent, has_deadline;
    int fd, parts; /* parts: the last one that came */
    size_t len;
    bide_future *future;
};

/* A number for one more job, which may run so often; how often has it run? */
uint32_t kills_number(struct load *load, int most_runs);
int kills_runs(uint32_t number);

void kills_choose(struct ticket *t, struct load *load, struct chance *c);
void kills_submit(struct ticket *t, struct chance *c);
void kills_treat(struct ticket *t); /* cancel it, drop it, or leave it alone */
void kills_cancel(struct ticket *t);
void kills_check(struct ticket *t, int code);
void kills_count_code(struct load *load, int code);

/* ---- kills_watch.c ---- */

int kills_watch(struct load *load); /* until load->watched */

/* ---- killer.c ---- */

/* A process that kills workers of this one until `wanted` are dead, from the moment that ledger->go is set. */
pid_t killer_start(uint32_t seed, int wanted);
/* Children of a process, also those that nobody has waited for; returns how many of at most max. */
int children_of(pid_t parent, pid_t *out, int max);
bool is_child_of(pid_t pid, pid_t parent);

#endif
