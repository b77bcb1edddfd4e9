/* SPDX-License-Identifier: MIT */
/*
 * context.h - a comparison: the same URLs, fetched in different ways, and what each way costs.
 *
 *     bide compare --fork--> the built-in server
 *          |        --fork--> one run of one mode --> its pool's workers
 *          |        --fork--> "what has the server seen?"
 *
 * Invariants:
 *   C1  this process has no loop, no thread and no connection: what it forks starts from nothing.
 *   C2  a run is a process: its CPU time and peak memory are those of it and of its workers alone.
 *   C3  a mode has a speed-up only if it and what it is compared to have the same answers, no failure, and the server
 *       has seen as many requests as there were URLs.
 *   C4  whatever is counted as work is proved by the digest: answers, their order, and the work done on each.
 */
#ifndef BIDE_CLI_COMPARE_CONTEXT_H
#define BIDE_CLI_COMPARE_CONTEXT_H

#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <bide/http.h>

#include "cli/cli.h"
#include "cli/terminal/text.h"

#define COMPARE_MODES_MAX 9

struct compare_options {
    const char *url; /* NULL: the built-in server */
    int n, at_once;
    const char *workers, *delay, *work; /* as given; NULL or "auto": the default */
    const char *modes; /* NULL: all */
    int repeat;
    int64_t budget_ms, timeout_ms;
    const char *json, *svg;
    bool quiet;
};

/* ---- the ways ---- */

struct compare;

/* What became of one URL.  Crosses from a worker as it is. */
struct compare_answer {
    int32_t status;  /* of HTTP; negative: an error code */
    uint64_t len;    /* of the body */
    uint64_t digest; /* of the body and the work done on it */
};

/* Fetch all URLs and fill c->answers.  Returns: 0, or an error that concerns all of them. */
typedef int compare_way(struct compare *c);

struct compare_mode {
    const char *name;    /* as --modes and the tables call it */
    const char *what;    /* a line */
    const char *against; /* the mode that its speed-up is measured by */
    const char *group;   /* heading of the table's part */
    compare_way *way;
    bool is_wide;        /* as many at once as asked for; else one for each worker */
    bool has_workers;
    bool has_processes;  /* they are: each has descriptors of its own */
    bool needs_unblock;  /* libbide-unblock: it runs in the program started again (run/preloaded.c) */
    int descriptors;     /* that one request under way takes, at most */
};

/* All of them; ended by one without a name. */
extern const struct compare_mode compare_modes[];

/* ---- runs ---- */

/* What a run says of itself, in memory that it shares with us. */
struct compare_shared {
    atomic_ulong done;        /* answers so far, in whichever process */
    bool has_ended;           /* it came to its end, well or not */
    int64_t wall_us;
    int64_t memory_kb;        /* at most, all its processes together; -1: not known; 0: not measured yet */
    int64_t own_wall_us, own_cpu_us; /* spent on measuring, to be taken off */
    uint64_t failed, bytes, digest, number; /* number: that of a question */
    int status;               /* of a question */
    char error[256];          /* the first failure; "" if none */
};

struct compare_run {
    int64_t wall_us, cpu_us, memory_kb;
    uint64_t failed, bytes, digest;
    int64_t seen;    /* requests that the server saw; -1: not known */
    char error[256];
};

/* One mode's runs, and what is made of them. */
struct compare_row {
    const struct compare_mode *mode;
    struct compare_run *runs;
    int nruns;
    int64_t wall_us, spread_us; /* median; half of what lies between the fastest and the slowest */
    int64_t cpu_us, memory_kb;  /* median; maximum */
    uint64_t failed;            /* most in one run */
    int64_t seen;               /* that of the run that is furthest from right; -1: not known */
    double speed_up;            /* 0: none is reported */
    char fault[320];            /* why none is reported: what is wrong with this mode; "" if there is one */
};

/*
 *     struct compare, in the process that decides         in the process of a run: a copy
 *     rows[0 .. nrows) -> a mode, its runs so far          at_once: what this mode may have
 *     shared ------------ memory of both ----------------> what the run says of itself
 *     server, keeper: processes that end with us           answers[0 .. n) --> summed up in shared
 */
struct compare {
    const struct compare_options *options;
    int n, at_once, workers;    /* at_once <= n */
    int64_t delay_ms, work_ms;
    uint64_t work_steps;        /* the same as a number of steps: each mode does exactly so many */
    bool has_server;            /* the built-in one */
    char base[64];              /* its URL */
    char *shown_url;            /* the one that was given, without user name and password; NULL: none was */
    pid_t server;
    char **urls;                /* n of them */
    struct compare_row rows[COMPARE_MODES_MAX];
    int nrows;
    struct compare_shared *shared;
    int shared_fd;                  /* of that memory */
    bool is_preloaded;              /* this is the program started again, with libbide-unblock */
    struct compare_answer *answers; /* n of them; in the process of a run */
    uint64_t server_requests;       /* as the server counted when it was asked last */
    int64_t answer_us;              /* how long the first answer took */
    char directory[128];            /* for files, in the process of a run and here; "" */
    pid_t keeper;                   /* of the directory, if there is one: it removes it when keeper_fd is closed */
    int keeper_fd;
    struct compare_progress *progress;
};

struct compare_progress {
    bool is_terminal, is_quiet, is_shown;
    int64_t left_us;      /* of the runs that come after this one */
    int64_t run_us;       /* this one's length, as far as it is known */
    int64_t began_us;
    const char *mode;
    int run, runs;        /* this one, of so many of this mode */
};

#endif
