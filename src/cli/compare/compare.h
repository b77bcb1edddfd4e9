/* SPDX-License-Identifier: MIT */
/*
 * compare.h - between the files of `bide compare`: the same URLs, fetched in different ways, and what each way costs.
 *
 * In reading order: command.c (the options), compare.c (from start to end), plan.c (the URLs, the modes,
 * the files to write), compare/run/process.c (a run in a process of its own), compare/run/server.c (the built-in
 * server), compare/run/modes.c, compare/run/pools.c and compare/run/writes.c (the ways), width.c (how many at once),
 * answer.c (what became of each URL), compare/run/memory.c, judge.c (is it fair?), compare/report/progress.c,
 * compare/report/table.c, compare/report/json.c, compare/report/svg.c (the reports), file.c (files that are left),
 * directory.c (files that are not).
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
#ifndef BIDE_CLI_COMPARE_COMPARE_H
#define BIDE_CLI_COMPARE_COMPARE_H

#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <bide/http.h>

#include "cli/cli.h"
#include "cli/progress/progress.h"
#include "cli/terminal/text.h"

#define COMPARE_MODES_MAX 8

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
    struct compare_answer *answers; /* n of them; in the process of a run */
    uint64_t server_requests;       /* as the server counted when it was asked last */
    int64_t answer_us;              /* how long the first answer took */
    char directory[128];            /* for files, in the process of a run and here; "" */
    pid_t keeper;                   /* of the directory, if there is one: it removes it when keeper_fd is closed */
    int keeper_fd;
    struct compare_progress *progress;
};

/* Returns: an exit code, or -signal. */
int compare_run_command(const struct compare_options *options);

/* Microseconds of a clock that only goes forward. */
int64_t compare_now_us(void);

/* ---- plan.c ---- */

/* Read and check what can be known before the first request.  Returns: an exit code; after a message if not EXIT_OK. */
int compare_plan(struct compare *c);
/* The URLs, when the server's is known.  Returns: likewise. */
int compare_plan_urls(struct compare *c);
void compare_plan_free(struct compare *c);
/* How long a run of a mode will take, estimated from the first answer. */
int64_t compare_estimate_us(const struct compare *c, const struct compare_mode *mode);

/* ---- width.c ---- */

/* How many of a mode's requests are under way at the same time: no more than it may have descriptors for. */
int compare_width(const struct compare *c, const struct compare_mode *mode);
/* Is that less than was asked for? */
bool compare_is_narrowed(const struct compare *c, const struct compare_mode *mode);
/* Those modes, in words; nothing if there are none. */
void compare_add_narrowed(const struct compare *c, struct text *to);
/* Can each mode run at all?  Returns: EXIT_OK, or EXIT_LOCAL after a message. */
int compare_width_check(const struct compare *c);

/* ---- file.c: files that are written at the end, and known to be writable at the start ---- */

/* Returns: EXIT_OK, or EXIT_USAGE after a message.  path NULL, "-": nothing to check. */
int compare_file_check(const char *option, const char *path);
/* Write all of it, under the final name at once; "-": to standard output.  Returns: EXIT_OK, or after a message. */
int compare_file_save(const char *path, const struct text *t);

/* ---- directory.c ---- */

/*
 * An empty directory for the files of a run: c->directory.  It goes with all that is in it when it is no longer wanted,
 * or when this process ends, by whatever it ends.
 *
 * Returns:   EXIT_OK; EXIT_LOCAL after a message
 */
int compare_directory_make(struct compare *c);
void compare_directory_remove(struct compare *c);
/* In every other process: it must not keep alive what goes with this one. */
void compare_directory_forget(struct compare *c);

/* ---- compare/run/process.c ---- */

/*
 * Must be called first: from now on signals wait until compare_process_run looks for them; and last, to end that.
 *
 * Returns:   EXIT_OK; EXIT_LOCAL after a message
 */
int compare_process_prepare(struct compare *c);
void compare_process_finish(struct compare *c);

typedef void compare_body(struct compare *c, const void *arg);

/* Start a process; it ends with us.  Returns: its pid, or a negated errno value. */
pid_t compare_process_start(struct compare *c, compare_body *body, const void *arg);

/*
 * Run something in a process of its own, with c->shared cleared, and wait for its end; the progress line moves.
 *
 * Returns:   EXIT_OK; EXIT_LOCAL after a message; -signal when we were asked to end: then the process is gone
 */
int compare_process_run(struct compare *c, compare_body *body, const void *arg, struct rusage *usage);

/* ---- compare/run/server.c ---- */

/* Start the built-in server; c->base is its URL.  Returns: as compare_process_run. */
int compare_server_start(struct compare *c);
void compare_server_stop(struct compare *c);
/* How many requests it has answered since it was asked last: *seen; it may take until it has counted `expected`. */
int compare_server_seen(struct compare *c, uint64_t expected, int64_t *seen);
/* Ask for the first URL: c->answer_us.  Returns: as compare_process_run; EXIT_NOTHING after a message. */
int compare_probe(struct compare *c);

/* ---- compare/run/modes.c, compare/run/pools.c, compare/run/writes.c: in the process of a run ---- */

compare_way compare_sequential, compare_fake_async, compare_async;
compare_way compare_processes, compare_async_processes, compare_threads;
compare_way compare_write, compare_awaited_write;

/* The body of a process: one run of a mode. */
void compare_run_mode(struct compare *c, const void *mode);

typedef int compare_get(struct compare *c, bide_session *s, int i);

/* For every URL in a crowd of coroutines: at_once of them, each takes the next URL.  In a loop.  */
int compare_crowd(struct compare *c, bide_session *s, compare_get *get);
/* A session for so many at once. */
bide_session *compare_session(int at_once);

/* ---- answer.c ---- */

/* Fill an answer from a response: reads the body and works on it.  Returns: 0 or an error. */
int compare_take(const struct compare *c, bide_response *r, struct compare_answer *a);
/* The i-th URL failed. */
void compare_fail(struct compare *c, int i, int code, const char *why);
/* All answers into c->shared: how many failed, the digest of all. */
void compare_sum_up(struct compare *c);
/* How many steps of work are a millisecond of this machine. */
uint64_t compare_steps_per_ms(void);

/* ---- compare/run/memory.c ---- */

/* The most memory that this process and its children held: c->shared->memory_kb, own_cpu_us. */
void compare_measure_memory(struct compare *c);

/* ---- judge.c ---- */

void compare_judge(struct compare *c);
/* Did all go well?  Returns: EXIT_OK, EXIT_SOME_FAILED, or EXIT_NOTHING. */
int compare_verdict(const struct compare *c);

/* ---- compare/report/progress.c ---- */

struct compare_progress {
    bool is_terminal, is_quiet, is_shown;
    int64_t left_us;      /* of the runs that come after this one */
    int64_t run_us;       /* this one's length, as far as it is known */
    int64_t began_us;
    const char *mode;
    int run, runs;        /* this one, of so many of this mode */
};

void compare_progress_open(struct compare_progress *p, bool quiet);
/* What is going to happen. */
void compare_progress_begin(struct compare *c, int64_t total_us);
void compare_progress_tick(const struct compare *c);
void compare_progress_erase(struct compare_progress *p);

/* ---- the reports ---- */

/* So many bytes of what may be long and may come from a server: without controls, "..." for the rest. */
void compare_add_short(struct text *t, const char *s, size_t max);
/* The conditions, in one line. */
void compare_describe(const struct compare *c, struct text *to);
/* Times, rates and sizes as the table and the picture show them. */
void compare_add_wall(struct text *t, int64_t us);
void compare_add_speed_up(struct text *t, double speed_up);
void compare_add_rate(struct text *t, const struct compare *c, const struct compare_row *r);
void compare_add_memory(struct text *t, const struct compare_row *r);

struct compare_look {
    int columns;
    bool has_utf8, has_colour;
};

void compare_table(const struct compare *c, const struct compare_look *look, struct text *to);
void compare_json(const struct compare *c, struct text *to);
void compare_svg(const struct compare *c, struct text *to);

#endif
