/* SPDX-License-Identifier: MIT */
/*
 * fetch.c - `bide fetch`, from start to end.
 *
 * The first SIGINT or SIGTERM: no new requests, those that run may end, for --grace.  The second, or the end of that
 * time: they are cancelled, and remove what they had begun to write; records get a last second, or until the third
 * signal.  From then on signals do what they do in any program.  SIGUSR1 prints a line of status.
 */
#include "cli/fetch/fetch.h"
#include "cli/fetch/plan/plan.h"
#include "cli/fetch/report/report.h"
#include "cli/fetch/save/save.h"
#include "cli/request/retry.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <bide/file.h>


#define OWN_DESCRIPTORS 12 /* signals, a list and four to be read again, records, the directories of files that are being named */
#define FEWEST_DESCRIPTORS 10 /* standard files, the loop's, signals, the root, a connection, a file, its directory */
#define IDLE_PER_PLACE  64
#define IDLE_MOST       4096
#define RECORDS_MS      1000 /* for records, when all has been dropped: their reader may be asleep */

/* ---- stopping ---- */

static void cut(struct fetch *f)
{
    f->cut = true;
    for (int i = 0; i < f->nworkers; i++)
        bide_task_cancel(f->workers[i]);
}

/* How long the requests that run may take, in words. */
static void say_stopping(struct fetch *f)
{
    int64_t ms = f->options->grace_ms;
    bool is_short = ms > 0 && ms < 1000;

    report_say(f, "stopping: %d in flight, %.9g %s grace, press Ctrl-C again to drop them", f->stats.live,
               is_short ? (double)ms : (double)ms / 1000, is_short ? "ms" : "s");
}

static int wait_for_signal(struct fetch *f, bide_signals *signals)
{
    for (;;) {
        int number = bide_signals_wait(signals);
        if (number != SIGUSR1)
            return number;
        struct progress_view v = report_view(f);
        progress_status(&f->progress, &v, clock_us());
    }
}

/* A signal has come, or the time is over: 0; or a cancellation. */
static int wait_for_another(struct fetch *f, bide_signals *signals, int64_t timeout_ms)
{
    int code = bide_wait_for(bide_coro(wait_for_signal, f, signals), timeout_ms);

    if (code < 0 && code != BIDE_ETIMEDOUT)
        return code;
    return 0;
}

static int stop_by_signals(struct fetch *f, bide_signals *signals)
{
    int number = wait_for_signal(f, signals);
    BIDE_TRY(number);
    f->signal = number;
    fetch_stop(f);
    if (f->stats.live > 0)
        say_stopping(f);

    BIDE_TRY(wait_for_another(f, signals, f->options->grace_ms));
    cut(f);
    BIDE_TRY(wait_for_another(f, signals, RECORDS_MS));
    if (f->recorder)
        bide_task_cancel(f->recorder);
    return 0;
}

/* A task. */
static int watch_signals(struct fetch *f)
{
    BIDE_TRY(stop_by_signals(f, f->signals));
    bide_release(f->signals);
    f->signals = NULL;
    return 0;
}

/* A task. */
static int tick(struct fetch *f)
{
    int64_t period_ms = progress_period_ms(&f->progress);

    for (;;) {
        BIDE_TRY(bide_sleep_ms(period_ms));
        struct progress_view v = report_view(f);
        progress_tick(&f->progress, &v, clock_us());
    }
}

static void show_edge(struct fetch *f)
{
    struct progress_view v = report_view(f);

    progress_edge(&f->progress, &v, clock_us());
}

/* A task. */
static int write_records(struct fetch *f)
{
    int code = jsonl_writer(&f->jsonl);

    if (code < 0 && code != BIDE_ECANCELED) {
        progress_erase(&f->progress);
        fetch_fail(f, output_exit_code(code));
    }
    return 0;
}

/* ---- running ---- */

static int work(struct fetch *f)
{
    bide_auto bide_task *ticker = NULL, *counter = NULL;

    ticker = bide_create_task(bide_coro(tick, f));
    fetch_grow(f);
    if (f->nworkers == 0)
        return bide_raise();
    if (f->has_long_lists)
        counter = bide_create_task(bide_coro(fetch_count, f)); /* without it, the total is not known */
    int code = bide_await(f->over);
    atomic_store(&f->count_is_over, true);
    if (counter)
        BIDE_IGNORE(bide_await(counter));
    progress_erase(&f->progress);
    return code;
}

/* Jobs that nobody will ask for any more, one after the other. */
static struct job *left_over(struct fetch *f)
{
    struct job *job = queue_left_over(&f->queue);

    return job ? job : repeats_left_over(f);
}

/* What was not begun, and the summary. */
static void record_rest(struct fetch *f)
{
    for (struct job *job; (job = left_over(f)); queue_forget(&f->queue, job))
        report_skipped(f, job);
    f->stats.ended_us = clock_us();
    summary_make(f);
    if (f->options->summary_line)
        summary_record(f);
    jsonl_finish(&f->jsonl);
}

static void check_records(struct fetch *f)
{
    if (f->exit_code >= 0 && report_missing_records(f) && f->exit_code == 0 && !f->signal)
        f->exit_code = EXIT_LOCAL;
    if (f->jsonl.error)
        summary_make(f); /* it did not end as it said */
}

static int work_and_record(struct fetch *f)
{
    const struct fetch_options *o = f->options;
    bide_auto bide_task *recorder = NULL;
    int code = jsonl_open(&f->jsonl, o->jsonl, (enum jsonl_mode)o->jsonl_mode, o->durability != DURABILITY_NONE);

    if (code < 0 || (f->jsonl.path && !(recorder = bide_create_task(bide_coro(write_records, f)))))
        return bide_raise();
    f->recorder = recorder;
    code = work(f);
    record_rest(f);
    if (recorder)
        BIDE_IGNORE(bide_await(recorder)); /* what went wrong there is known already */
    f->recorder = NULL;
    check_records(f);
    return code;
}

/* nohup(1) has SIGHUP ignored, and so it stays. */
static bide_signals *open_signals(void)
{
    struct sigaction hangup;
    bool is_ignored = sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_IGN;

    return bide_signals_open((int[]){SIGINT, SIGTERM, SIGUSR1, is_ignored ? 0 : SIGHUP, 0});
}

/* Connections kept for hosts that have no request just now: each that is closed is a handshake more later. */
static int allowed_idle(const struct fetch *f)
{
    int needed = 2 * f->concurrency + OWN_DESCRIPTORS, wanted = IDLE_PER_PLACE * f->concurrency;

    wanted = wanted < IDLE_MOST ? wanted : IDLE_MOST;
    int allowed = descriptors_allow(needed + wanted) - needed;
    return allowed > 0 ? allowed : 0;
}

static bide_session *open_session(struct fetch *f)
{
    int per_host = f->options->per_host > 0 ? f->options->per_host : f->concurrency;

    return request_session(&f->request, f->concurrency, per_host, allowed_idle(f));
}

/* None of its own accord where bodies or records go to a terminal: they and the line would run into each other. */
static enum progress_mode progress_wanted(const struct fetch *f)
{
    const struct fetch_options *o = f->options;
    bool to_stdout = f->naming.to_stdout || (o->jsonl && output_is_stdout(o->jsonl));

    if (o->quiet || (o->progress == PROGRESS_AUTO && to_stdout && isatty(STDOUT_FILENO)))
        return PROGRESS_NONE;
    return (enum progress_mode)o->progress;
}

static void queue_failed(void *arg, bool is_said)
{
    if (is_said)
        fetch_fail(arg, EXIT_LOCAL);
    else
        fetch_fail_here(arg);
}

static void grow(void *arg)
{
    fetch_grow(arg);
}

static void source_ended(void *arg)
{
    fetch_count_is_known(arg);
}

static bool take(void *arg, struct job *job)
{
    return repeats_take(arg, job);
}

static void release(void *arg, struct job *job)
{
    repeats_release(arg, job);
}

static void say_of_source(void *arg, bool is_failure, const char *text)
{
    (is_failure ? report_failure : report_say)(arg, "%s", text);
}

static void claim_name(void *arg, struct job *job)
{
    fetch_claim_list_name(arg, job);
}

static int open_queue(struct fetch *f)
{
    const struct fetch_options *o = f->options;
    const struct queue_options q = {
        .request = &f->request, .concurrency = f->concurrency, .wanted = o->concurrency, .per_host = o->per_host,
        .no_adaptive = o->no_adaptive, .rate = o->rate, .retries = o->retries, .host_errors = o->host_errors,
        .backoff_ms = o->backoff_ms, .backoff_max_ms = o->backoff_max_ms, .retry_after_max_ms = o->retry_after_max_ms,
    };

    f->queue_user = (struct queue_user){
        .arg = f, .fail = queue_failed, .grow = grow, .source_ended = source_ended, .take = take, .release = release};
    f->source.say = say_of_source;
    f->source.claim = claim_name;
    f->source.arg = f;
    f->source.is_quiet = o->quiet;
    return queue_open(&f->queue, &q, &f->source, &f->queue_user);
}

static void close_queue(struct fetch *f)
{
    for (struct job *job; (job = left_over(f)); queue_forget(&f->queue, job))
        ;
    queue_free(&f->queue);
}

static void erase_progress(void *arg)
{
    struct fetch *f = arg;

    progress_erase(&f->progress);
}

static int fetch_watched(struct fetch *f)
{
    if (request_load(&f->request) < 0) {
        f->exit_code = request_exit_code(bide_error_code());
        return bide_raise();
    }
    bide_auto bide_future *over = bide_future_new();
    bide_auto bide_session *session = open_session(f);
    if (!session)
        f->exit_code = request_exit_code(bide_error_code());
    if (!f->signals || !over || !session)
        return bide_raise();
    bide_auto bide_task *watcher = bide_create_task(bide_coro(watch_signals, f));
    if (!watcher)
        return bide_raise();

    BIDE_TRY(open_queue(f));
    f->loop = bide_get_event_loop();
    f->session = session;
    f->over = over;
    f->request.see.is_many = f->of_patterns > 1 || f->options->inputs.len > 0;
    f->request.see.erase = erase_progress;
    f->request.see.erase_arg = f;
    progress_open(&f->progress, progress_wanted(f), f->options->stats_interval_ms, clock_us());
    f->stats.began_us = clock_us();
    show_edge(f);
    int code = work_and_record(f);
    show_edge(f);
    for (int i = 0; i < f->nworkers; i++)
        bide_release(f->workers[i]);
    f->nworkers = 0;
    if (code == 0 && !f->options->quiet)
        summary_print(f);
    if (code == 0 && !f->options->quiet && f->signal)
        report_stopped(f);
    close_queue(f);
    f->session = NULL;
    if (request_save(&f->request) != EXIT_OK && f->exit_code == 0)
        f->exit_code = EXIT_LOCAL;
    return code;
}

static int fetch_all(struct fetch *f)
{
    f->signals = open_signals();
    int code = fetch_watched(f);
    bide_release(f->signals);
    f->signals = NULL;
    return code;
}

/* ---- before and after ---- */

/* A socket and a file for each request: with all descriptors in sockets, none would be left to save what comes. */
static int allowed_concurrency(int wanted)
{
    int allowed = descriptors_allow(2 * wanted + OWN_DESCRIPTORS) - OWN_DESCRIPTORS;

    if (allowed >= 2 * wanted)
        return wanted;
    allowed = allowed >= 4 ? allowed / 2 : 1;
    say_note("-c %d: so many files may not be open here (ulimit -n); %d at once", wanted, allowed);
    return allowed;
}

/* The directory that files go below: it is made, and can be written to, before anything is asked for. */
static int open_root(struct fetch *f)
{
    struct naming *n = &f->naming;
    const char *root = n->root.len > 0 ? n->root.data : ".";

    if (!naming_saves(n) || n->direct)
        return EXIT_OK;
    int code = n->root.len > 0 ? bide_make_dirs(root) : 0;
    size_t file = code < 0 ? fetch_file_in_way(root, strlen(root)) : 0;
    if (file > 0)
        say("%.*s is a file, not a directory", (int)file, root);
    else if (code < 0)
        say("%s", bide_error_text());
    if (code < 0)
        return EXIT_LOCAL;
    if (f->options->durability && n->root.len > 0 && durable_directory_of(root) < 0) {
        say("%s", bide_error_text());
        return EXIT_LOCAL;
    }
    n->root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (n->root_fd >= 0 && faccessat(AT_FDCWD, root, W_OK | X_OK, AT_EACCESS) == 0)
        return EXIT_OK;
    say("%s: %s", root, strerror(errno));
    return EXIT_LOCAL;
}

static int exit_code(const struct fetch *f, int code)
{
    const struct stats *s = &f->stats;

    if (code < 0)
        say("%s", bide_error_text());
    if (f->source.is_refused && s->done == 0 && code >= 0 && !f->signal && f->exit_code >= 0)
        return EXIT_USAGE; /* it is no list: nothing was done */
    if (f->exit_code)
        return f->exit_code;
    if (code < 0)
        return EXIT_LOCAL;
    if (f->signal)
        return -f->signal;
    if (s->by_fail[FAIL_IO] > 0 || f->source.is_broken)
        return EXIT_LOCAL;
    if (s->failed == 0)
        return EXIT_OK;
    return s->ok + s->existing == 0 ? EXIT_NOTHING : EXIT_SOME_FAILED;
}

/* With fewer, no file could be saved while the connection is open, and nothing would move. */
static bool has_descriptors(const struct fetch *f)
{
    const struct fetch_options *o = f->options;

    return descriptors_suffice(FEWEST_DESCRIPTORS + (o->jsonl != NULL) + (o->inputs.len > 0 ? 3 : 0));
}

/* Can everything be written that is to be? */
static int open_outputs(struct fetch *f)
{
    const struct fetch_options *o = f->options;
    int code = report_check(o);

    if (code == EXIT_OK && !has_descriptors(f))
        code = EXIT_LOCAL;
    if (code == EXIT_OK && o->jsonl)
        code = jsonl_prepare(o->jsonl, (enum jsonl_mode)o->jsonl_mode);
    return code == EXIT_OK ? open_root(f) : code;
}

/* The last thing that is done. */
static int write_report(struct fetch *f, int code)
{
    if (f->summary.len == 0) { /* it ended before it had begun */
        f->stats.began_us = f->stats.ended_us = clock_us();
        f->exit_code = code;
        summary_make(f);
    }
    int written = report_write(f);

    text_free(&f->summary);
    return written == EXIT_OK || code < 0 ? code : written;
}

static int run(struct fetch *f)
{
    int code = open_outputs(f);
    if (code != EXIT_OK)
        return code;

    f->concurrency = allowed_concurrency(f->options->concurrency);
    f->workers = calloc((size_t)f->concurrency, sizeof(*f->workers));
    if (!f->workers)
        return say_no_memory();
    code = exit_code(f, bide_run(bide_coro(fetch_all, f)));
    free(f->workers);
    jsonl_free(&f->jsonl);
    return write_report(f, code);
}

int fetch_run(const struct fetch_options *options, int n, char **urls)
{
    struct fetch *f = calloc(1, sizeof *f);
    if (!f)
        return say_no_memory();

    f->options = options;
    if (options->raw)
        output_raw();
    int code = fetch_plan(f, n, urls);
    if (code == EXIT_OK && options->dry_run)
        code = fetch_print_plan(f);
    else if (code == EXIT_OK && (code = request_open(&f->request, &options->http)) == EXIT_OK) {
        code = fetch_check_users(f);
        repeats_open(f);
        fetch_watch_redirects(f);
        if (code == EXIT_OK)
            code = run(f);
        request_close(&f->request);
    }
    fetch_plan_free(f);
    free(f);
    return code;
}
