/* SPDX-License-Identifier: MIT */
/*
 * context.h - a run of `bide fetch`: all that its files share.
 */
#ifndef BIDE_CLI_FETCH_CONTEXT_H
#define BIDE_CLI_FETCH_CONTEXT_H

#include <bide/loop.h>
#include <bide/signal.h>
#include <bide/task.h>

#include <stdatomic.h>

#include "cli/fetch/plan/naming.h"
#include "cli/fetch/report/outcome.h"
#include "cli/fetch/report/stats.h"
#include "cli/fetch/save/repeats.h"
#include "cli/progress/progress.h"
#include "cli/request/request.h"
#include "cli/save/jsonl.h"
#include "cli/save/saver.h"
#include "cli/schedule/queue.h"

struct fetch_options {
    struct http_options http;
    struct opt_list inputs;
    int input_format;    /* enum list_form */
    const char *columns; /* "url,name"; NULL: not given */
    bool no_glob;
    const char *output, *output_dir; /* not both */
    const char *jsonl, *report;
    int jsonl_mode, durability; /* enum jsonl_mode, enum durability */
    bool summary_line, no_sha256;
    bool dry_run, quiet, raw, skip_existing;
    const char *continue_at; /* "-"; NULL: files begin anew */
    int dups; /* enum repeats_how */
    int concurrency, per_host; /* per_host 0: no limit of its own */
    bool no_adaptive;
    double rate;               /* URLs per second; 0: no limit */
    bool fail_fast;
    const char *max_errors;    /* "100", "5%"; NULL: no limit */
    int retries, host_errors; /* host_errors 0: chosen by retries */
    int64_t backoff_ms, backoff_max_ms, retry_after_max_ms;
    int64_t grace_ms;
    int progress; /* enum progress_mode */
    int64_t stats_interval_ms;
};

/*
 *     struct fetch
 *     options --------------------> what the command line says
 *     source, queue --------------> which URL may start now (schedule/queue.h)
 *     workers[0 .. nworkers) -----> a task each, with a struct worker on its stack: one URL after the other
 *     naming, repeats, saver -----> its file (plan/naming.h, save/repeats.h)
 *     stats, transfers, progress -> what is shown while it goes on (report/stats.h)
 *     jsonl, summary -------------> what is left at the end
 */
struct fetch {
    const struct fetch_options *options;
    struct request request;
    bide_session *session;
    bide_loop *loop;
    struct source source;
    struct queue queue;
    struct queue_user queue_user;
    struct naming naming;
    struct repeats repeats;
    struct saver saver;
    struct jsonl jsonl;
    struct progress progress;
    struct stats stats;
    struct transfers transfers;
    struct error_limit limit;
    uint64_t of_patterns;       /* URLs of the command line */
    bool has_long_lists;        /* that are counted while it runs */
    atomic_bool count_is_over;  /* it need not be finished */
    int concurrency;            /* of the options, or as many as descriptors allow */
    bide_task **workers;
    int nworkers, nliving;      /* started; not ended */
    bide_future *over;          /* settled when the last worker has ended */
    bool stopping;              /* no new requests */
    bide_signals *signals;      /* caught; NULL: not, or not any more */
    bide_task *recorder;        /* writes records; NULL: none does */
    bool cut;                   /* and those that run are cancelled */
    int signal;                 /* that stopped it */
    int exit_code;              /* EXIT_LOCAL, -SIGPIPE: decided already; else 0 */
    struct text summary;        /* a line of JSON, once the run is over */
    bool has_summary_line;      /* it is the last one added to --jsonl */
    unsigned hosts_lost;        /* that were said to be given up */
    unsigned messages;          /* about URLs, so far */
};

#define SAVE_BUFFER 131072

/* What a worker has at hand while it asks for one URL. */
struct worker {
    struct fetch *f;
    struct job *job;  /* that it asks for */
    struct outcome outcome; /* of the attempt that is under way, as far as it has come */
    enum hop hop;     /* where its latest redirect led to */
    struct trail trail;
    struct text name; /* of the file */
    const char *existing; /* the extension that the file has which fetch_find_existing found last; NULL: none */
    struct text why;  /* what went wrong */
    const char *method; /* of the job */
    bool resumes;     /* what is here of the file is gone on with */
    struct text landed; /* where redirects led to */
    struct text mime, charset, etag; /* what the answer is said to be */
    struct digest digest;
    struct seen seen;
    int64_t max_size; /* that the body of the answer may have */
    char *buffer;     /* of a body whose length is not known, or that is long; SAVE_BUFFER bytes */
};

#endif
