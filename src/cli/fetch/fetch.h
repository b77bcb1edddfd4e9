/* SPDX-License-Identifier: MIT */
/*
 * fetch.h - between the files of `bide fetch`.
 *
 * In reading order: command.c (the options), fetch.c (from start to end), fetch/plan/plan.c (what can be known before
 * the first request), fetch/plan/lists.c (of lists), fetch/plan/count.c, fetch/plan/clash.c (two files of one name),
 * fetch/plan/dry_run.c, fetch/save/repeats.c and fetch/save/repeat_name.c (two lines with one URL),
 * fetch/save/existing.c, fetch/save/copy.c, fetch/plan/name.c (which URL becomes which file), schedule/source.c (the
 * next URL), schedule/queue.h and its files (which URL may go now), worker.c (one URL after the other),
 * fetch/report/outcome.c (how one ended), settle.c (and then?), fetch/save/save.c, save/saver.c (into a file),
 * fetch/report/report.c, fetch/report/record.c, save/jsonl.c, progress/progress.c, fetch/report/summary.c,
 * fetch/report/summary_json.c (what is said).
 *
 *     source ---> queue ---> worker 1..c ---> file, jsonl, summary
 *                   ^            |
 *                   +-- retry ---+
 *
 * Invariant (others stand in schedule/queue.h):
 *   F4  done = ok + failed + skipped; a job is counted once, when it is settled.
 */
#ifndef BIDE_CLI_FETCH_FETCH_H
#define BIDE_CLI_FETCH_FETCH_H

#include <bide/http.h>
#include <bide/loop.h>
#include <bide/signal.h>
#include <bide/task.h>

#include <stdatomic.h>

#include "cli/list/list.h"
#include "cli/list/urlset.h"
#include "cli/pattern/glob.h"
#include "cli/pattern/names.h"
#include "cli/pattern/nameset.h"
#include "cli/pattern/template.h"
#include "cli/progress/progress.h"
#include "cli/request/request.h"
#include "cli/save/digest.h"
#include "cli/save/jsonl.h"
#include "cli/save/saver.h"
#include "cli/schedule/queue.h"
#include "cli/terminal/histogram.h"

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
    int dups; /* enum repeats_how */
    int verbose;
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

/* ---- how a URL can fail: fetch/report/outcome.c ---- */

enum fail {
    FAIL_NONE, FAIL_URL, FAIL_DNS, FAIL_CONNECT, FAIL_TLS, FAIL_TIMEOUT, FAIL_RESET, FAIL_PROTOCOL, FAIL_TOO_LARGE,
    FAIL_REDIRECT, FAIL_HTTP_4XX, FAIL_HTTP_5XX, FAIL_HTTP, FAIL_CLASH, FAIL_REPEATED, FAIL_IO, FAIL_CANCELLED,
    FAIL_KINDS
};

struct outcome;
struct worker;

struct fetch;

/* ---- fetch/plan/lists.c: what is known of lists before they are read ---- */

/* --input-format, --columns.  Returns: EXIT_OK; EXIT_USAGE after a message. */
int fetch_read_rules(struct fetch *f);
/* Which variables of -o are columns? */
int fetch_bind_columns(struct fetch *f);
/* Can it be read more than once? */
bool fetch_list_is_file(const char *path);

/* ---- fetch/plan/name.c ---- */

/* How files are called, and what of it is known to be different. */
struct naming {
    struct template template; /* of -o */
    bool has_template;
    const char *directory;    /* of -O */
    bool to_stdout;
    bool direct;              /* -o names a device or a pipe: written to as it is */
    char date[16];            /* of the run's start */
    time_t began;             /* the same */
    bool is_proven;           /* no two URLs have one name */
    bool are_checked;         /* all names of the lists were compared: --dry-run */
    struct nameset names;     /* else: those that were given */
    struct nameset directories; /* of -o and of lists: and those above them */
    struct text root;         /* the directory that no name leads out of, with its slash */
    int root_fd;              /* -1: not open */
};

static inline bool naming_saves(const struct naming *n)
{
    return n->has_template || n->directory;
}

/* Where it is below the root. */
static inline const char *naming_below(const struct naming *n, const struct text *name)
{
    return name->data + (n->has_template ? n->template.root_len : n->root.len);
}

/* What of an answer can be part of its file's name. */
struct answer {
    const char *extension; /* of its type: names_extension */
    int status;
    const unsigned char *sha256; /* of its body, if the name asks for it */
};

/* Does the name depend on the answer? */
static inline bool naming_is_late(const struct naming *n)
{
    return n->directory || (n->has_template && n->template.needs_answer);
}

/*
 * The name of a job's file.  a: its answer; NULL: not known yet, and what depends on it stands there as in a template.
 *
 * Returns:   NULL: *out is the name; else what is wrong with it
 */
extern const char fetch_not_a_url[], fetch_no_memory[], fetch_no_value[]; /* some of these faults */
const char *fetch_name(struct fetch *f, const struct job *job, const struct answer *a, struct text *out);
/* Does its list have a say in the name? */
bool fetch_is_named_by_list(const struct naming *n, const struct job *job);
/* Can no other URL have this name? */
bool fetch_name_is_unique(const struct naming *n, const struct job *job, const struct text *name);
/* Claim the name; a later attempt may do so again.  Returns: NULL, or what is wrong: another URL has it. */
const char *fetch_claim_name(struct fetch *f, struct job *job, const struct text *name);
/* The same with -O for what the job's list says of it, as its line is read: the first line has the name, in whatever order answers come. */
void fetch_claim_list_name(struct fetch *f, struct job *job);

/* ---- fetch/plan/plan.c ---- */

/* What can be known to be wrong before the first request, without reading long lists.  Returns: EXIT_OK, else after a message. */
int fetch_plan(struct fetch *f, int n, char **urls);
/* The same, of what the options say about requests; of lists it is not known. */
int fetch_check_users(struct fetch *f);
void fetch_plan_free(struct fetch *f);

/* ---- fetch/plan/dry_run.c ---- */

/* To stdout. */
int fetch_print_plan(struct fetch *f);

/* ---- fetch/plan/clash.c ---- */

/*
 * Do URLs get the same name, among the first that are known, or with --dry-run among all?
 *
 * Returns:   EXIT_OK; EXIT_USAGE after a message
 */
int fetch_check_clashes(struct fetch *f);

/* ---- fetch/plan/count.c ---- */

/* How many URLs do the lists have?  Those that are short, or all of them: it is known at once. */
int fetch_count_lists(struct fetch *f, bool all);
/* A coroutine: the others, while the run goes on. */
int fetch_count(struct fetch *f);
/* The source is at its end. */
void fetch_count_is_known(struct fetch *f);

/* ---- fetch/save/repeats.c ---- */

enum repeats_how { REPEATS_AUTO, REPEATS_ONCE, REPEATS_EACH, REPEATS_ERROR };

struct repeats {
    enum repeats_how how;
    bool is_auto;
    bool is_on;
    struct urlset urls;
    struct text names;          /* of files, and numbers: fetch/save/repeat_name.c */
    uint64_t passed;            /* jobs that were not asked for */
};

/* A hash of the job's URL, the same for one that is written in another way; 0: it is none. */
uint64_t repeats_key(const struct fetch *f, const struct job *job);
/* Who may have the name that a list gives: lines with the same request, or where that would be asked twice, the line alone. */
uint64_t repeats_owner(const struct fetch *f, const struct job *job);
void repeats_open(struct fetch *f);
/* A job that may go: true: it is not to be asked for, and repeats_pass knows what to do with it. */
bool repeats_take(struct fetch *f, struct job *job);
void repeats_pass(struct worker *w, struct job *job);
/* It goes back to where others overtake it: one that repeats it may do the work. */
void repeats_release(struct fetch *f, struct job *job);
/* It has settled, and those that waited for it. */
void repeats_settle(struct worker *w, struct job *job, const struct outcome *o);
/* Those that still wait, one after the other; NULL: no more. */
struct job *repeats_left_over(struct fetch *f);

/* ---- fetch/save/repeat_name.c: the file of a URL that is repeated, and that of a line that repeats it ---- */

/* Would it have to be remembered, and is there no room left? */
bool repeats_cannot_name(const struct fetch *f, const struct job *job);
/* The job of this entry is saved as `name`.  Returns: 0, or no memory, on record. */
int repeats_remember(struct fetch *f, const struct job *job, struct urlset_entry *e, const struct text *name);
uint64_t repeats_first_number(const struct repeats *r, const struct urlset_entry *e);
/*
 * The file of a job whose URL was saved for another one: a copy, if it is called otherwise.  Suspends.
 *
 * Returns:   NULL: w->name is its name; else what is wrong
 */
const char *repeats_save(struct worker *w, struct job *job, const struct urlset_entry *e, struct outcome *o);

/* ---- fetch/save/copy.c ---- */

/* The file of this name, once more as w->name.  Suspends.  Returns: 0, or an error on record. */
int fetch_copy(struct worker *w, const struct text *from);

/* ---- fetch/save/existing.c ---- */

/* Is there a file of the job's name?  Its size; -1: no.  It leaves the name in w->name.  Suspends. */
int64_t fetch_find_existing(struct worker *w, const struct job *job);

/* ---- fetch/report/outcome.c ---- */

/* How an attempt ended. */
struct outcome {
    enum fail fail;
    int code;            /* of the error; 0: the status was it */
    int status;          /* 0: no answer */
    uint64_t bytes;      /* of the body that was kept */
    int redirects;
    const char *final_url; /* after redirects; NULL: there were none */
    int64_t retry_after_ms; /* -1: not asked for */
    bool is_local;       /* this machine failed; others will, too */
    bool answered;       /* the host said something: the failure is not its own */
    bool with_host;      /* it was not asked for: its host is given up */
    bool is_put_back;    /* nothing is known yet: it waits for its host again */
    bool is_existing;    /* it was not asked for: its file is there */
    bool is_repeat, is_copy; /* it was not asked for: its result is that of another; in a file of its own */
    uint64_t first;      /* is_repeat: the number of that one */
    bool is_queued;      /* it did not come so far as to ask it */
    bool is_final;       /* no other attempt, whatever it is: a part of the body has gone out already */
    bide_timing timing;
    /* For the record alone: */
    char ip[46];         /* who answered; "": unknown */
    const char *mime, *charset, *etag; /* NULL: it did not say */
    const char *extension; /* what names make of the type; NULL: none was asked for */
    const struct trail *trail; /* a redirect that was not followed; NULL: it is not that */
    uint64_t wire_bytes; /* of the body, as it came */
    bool has_digest;
    unsigned char sha256[DIGEST_BYTES]; /* of the body that was kept, or gone through */
    int http_minor;
    bool reused;         /* the connection had served another request */
};

const char *fail_name(enum fail fail);
enum fail fail_of_error(int code);
bool fail_is_status(enum fail fail); /* an answer, with a status that is a failure */
enum fail fail_of_status(int status); /* FAIL_NONE for 2xx and 304 */

/* ---- redirects.c: where redirects led to, also if there was no end to them ---- */

/* Of the latest request. */
struct trail {
    int redirects;  /* that were followed */
    int status;     /* of the one that was not; 0: it is not that */
    bool is_seen;   /* and the rest of it: */
    char ip[46];
    int http_minor;
    bool reused;
    bide_timing timing;
};

/* Before the session is made. */
void fetch_watch_redirects(struct fetch *f);
/* Send a job's request.  Suspends.  Returns: as bide_request */
bide_response *fetch_ask(struct worker *w, struct job *job);
/* The request failed without an answer, with this error: what is known of where it came to. */
void fetch_note_trail(struct worker *w, struct outcome *o, const bide_error_info *e);

/* ---- worker.c ---- */

struct worker {
    struct fetch *f;
    struct job *job;  /* that it asks for */
    enum hop hop;     /* where its latest redirect led to */
    struct trail trail;
    struct text name; /* of the file */
    const char *existing; /* the extension that the file has which fetch_find_existing found last; NULL: none */
    struct text why;  /* what went wrong */
    const char *method; /* of the job */
    struct text landed; /* where redirects led to */
    struct text mime, charset, etag; /* what the answer is said to be */
    struct digest digest;
    char *buffer;     /* of a body whose length is not known, or that is long; SAVE_BUFFER bytes */
};

/* A coroutine. */
int fetch_worker(struct fetch *f);
/* An attempt is over: another one is to come, or the job has ended for good. */
void fetch_settle(struct worker *w, struct job *job, const struct outcome *o);
/* A new worker if there may be more, and there is work for it. */
void fetch_grow(struct fetch *f);

/* ---- fetch/report/view.c ---- */

/* A body that comes in pieces. */
struct transfer {
    struct transfer *next, *prev; /* in fetch.transfers, in the order in which they began */
    const struct text *name; /* shown, if it is not empty, else the job's URL */
    struct job *job;
    uint64_t id, received;
    int64_t length; /* -1: not known */
    int64_t began_ms;
};

struct transfers {
    struct transfer *first, *last;
    uint64_t latest_id;
};

void transfer_begin(struct fetch *f, struct transfer *t, const struct text *name, struct job *job, int64_t length);
void transfer_add(struct fetch *f, struct transfer *t, size_t bytes);
void transfer_end(struct fetch *f, struct transfer *t);
/* What the progress line shows, as it is now. */
struct progress_view report_view(const struct fetch *f);

/* ---- fetch/save/save.c ---- */

#define SAVE_BUFFER 131072

/*
 * The body of an answer to where it belongs: w->name, standard output, nowhere.
 *
 * Suspends:  until it is there; a cancellation point
 * Returns:   how many bytes
 * Errors:    those of bide_body, and of files; o->is_local then
 */
int64_t fetch_save(struct worker *w, struct job *job, bide_response *r, struct outcome *o);

/* fetch/save/spool.c: a file for a body that has no name yet; and under w->name, once it has.  Suspend. */
bide_file *fetch_spool_open(const struct fetch *f);
int fetch_spool_save(struct worker *w, bide_file *spool);
/* Close, and give the name that it has below the root, as --durability asks.  Owns: file is taken. */
int fetch_close_durably(const struct fetch *f, bide_file *file, const char *path);

/* "a/b" of "a/b/c", if that is there and no directory: how long it is; 0: nothing is in the way. */
size_t fetch_file_in_way(const char *path, size_t len);

/* ---- fetch/report/summary.c ---- */

#define STATUSES 1000 /* bide_status() is below */

struct stats {
    uint64_t total;   /* URLs; when is_total_known */
    bool is_total_known;
    uint64_t started, done, ok, failed, skipped, retries, files, bytes, wire_bytes;
    uint64_t existing;                  /* of skipped: their files were there */
    uint64_t repeated, repeated_failed; /* of done and failed: those that were not asked for because another one was */
    uint64_t received;  /* bytes of bodies, also of those that are not complete or came to nothing */
    int live;
    uint64_t by_fail[FAIL_KINDS];
    uint64_t by_status[STATUSES];
    int64_t began_us, ended_us;
    struct histogram times, dns, connect, tls, first_byte, body;
    char last_file[256]; /* a name, for the summary */
};

/* From when it was asked to the first byte of the answer. */
int64_t timing_answer_us(const bide_timing *t);
void stats_add_timing(struct stats *s, const bide_timing *t);
/* The summary, to stderr. */
void summary_print(const struct fetch *f);
/* One of its lines, without its end; with pieces in lines of their own if it is wider; 0: of any width. */
void summary_add_line(const struct text *line, int width, struct text *to);

/* ---- fetch/report/report.c: what is reported of each URL ---- */

/* It has ended for good. */
void report_settled(struct worker *w, const struct job *job, const struct outcome *o);
void report_retry(struct worker *w, const struct job *job, const struct outcome *o, int64_t delay_ms);
/* Its host is given up, and so are the other URLs that wait for it. */
void report_lost(struct fetch *f, const struct job *job);
void report_skipped(struct fetch *f, const struct job *job);
/* Says so if URLs of the run have no line in --jsonl: it was stopped, or could not write. */
bool report_missing_records(const struct fetch *f);
/* ---- fetch/report/record.c: a line of --jsonl for each URL ---- */

/* file: NULL: none was saved; why: the message, of a failure. */
void record_add(struct fetch *f, const struct job *job, const struct outcome *o, const char *file, const char *why);
/* When it began, "2026-11-22T09:41:07.123456Z", by clock_us. */
void record_add_moment(struct text *t, const char *name, int64_t us);

/* ---- fetch/plan/outputs.c: bodies, records, the summary ---- */

/* May they go where they are to go, and not into each other?  Returns: EXIT_OK; EXIT_USAGE after a message. */
int fetch_check_outputs(const struct fetch_options *o, bool bodies_to_stdout);
/* Would a body under this name replace what the run writes or reads?  Returns: NULL, or what. */
const char *fetch_output_in_way(const struct fetch_options *o, const char *name);
/* Can --report be written?  Returns: EXIT_OK, EXIT_LOCAL after a message. */
int report_check(const struct fetch_options *o);

/* ---- fetch/report/summary_json.c: the numbers of the run, as JSON ---- */

/* f->summary, as things are. */
void summary_make(struct fetch *f);
/* It, as the last line of --jsonl. */
void summary_record(struct fetch *f);
/* f->summary as --report wants it; outside of the loop.  Returns: EXIT_OK, EXIT_LOCAL after a message, -SIGPIPE. */
int report_write(const struct fetch *f);

/* ---- fetch/report/report.c again ---- */

/* "list.txt:17: ", of a job that is one of a list. */
void report_add_place(struct text *to, const struct job *job);
/* A message that is not about one URL; and of a failure, which is red where there is colour. */
void report_say(struct fetch *f, const char *format, ...) BIDE_PRINTF(2, 3);
void report_failure(struct fetch *f, const char *format, ...) BIDE_PRINTF(2, 3);
/* A URL as it may be shown: without user name and password.  Otherwise every byte is as it was given. */
void report_add_url(struct text *to, const char *url);

/* ---- fetch/report/stopped.c ---- */

/* A signal has stopped it: what is not done, and how to go on. */
void report_stopped(struct fetch *f);

/* ---- limit.c ---- */

struct error_limit {
    bool is_set, is_share;
    double most; /* failures, or of a hundred */
};

/* Returns: EXIT_OK; EXIT_USAGE after a message. */
int fetch_read_limit(struct fetch *f);
/* A URL has failed for good: is it one too many?  Then the run stops, after a message. */
void fetch_check_limit(struct fetch *f);

/* ---- fetch.c ---- */

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

/* Returns: an exit code, or a signal negated. */
int fetch_run(const struct fetch_options *options, int n, char **urls);

/* No new requests; those that run may end. */
void fetch_stop(struct fetch *f);
/* The same, because this machine cannot go on. */
void fetch_fail(struct fetch *f, int exit_code);
/* The same, with the error on record as the reason; it is said. */
void fetch_fail_here(struct fetch *f);

#endif
