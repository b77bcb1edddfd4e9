/* SPDX-License-Identifier: MIT */
/*
 * trace.c - record for a time, or until a signal, and write the file.
 *
 * The file is opened first, so that a wrong path is reported before anything is recorded.  While recording, signals that would end us are
 * waited for (sigtimedwait), and end the recording; while the file is written, they end us at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/ps/ps.h"
#include "cli/trace/trace.h"

#define KEEP_MS 500 /* how often the lease is extended; less than RECORDING_LEASE_MS */

struct output {
    char path[PATH_MAX]; /* or "standard output" */
    int fd;
    bool is_new;
};

/* ---- the file ---- */

static int output_open(struct output *o, const char *path, int pid)
{
    if (path && (size_t)snprintf(o->path, sizeof o->path, "%s", path) >= sizeof o->path) {
        say("%.60s...: %s", path, strerror(ENAMETOOLONG));
        return EXIT_LOCAL;
    }
    if (!path)
        snprintf(o->path, sizeof o->path, "trace-%d.json", pid);
    if (output_is_stdout(o->path)) {
        o->fd = STDOUT_FILENO;
        snprintf(o->path, sizeof o->path, "standard output"); /* for messages */
        return EXIT_OK;
    }
    o->fd = open(o->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    o->is_new = o->fd >= 0;
    if (o->fd < 0 && errno == EEXIST)
        o->fd = open(o->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (o->fd < 0)
        say("%s: %s", o->path, strerror(errno));
    return o->fd < 0 ? EXIT_LOCAL : EXIT_OK;
}

static int output_close(struct output *o, int code)
{
    if (o->fd > STDOUT_FILENO && close(o->fd) < 0 && code == EXIT_OK) {
        say("%s: %s", o->path, strerror(errno));
        code = EXIT_LOCAL;
    }
    if (o->is_new && code == EXIT_LOCAL)
        unlink(o->path);
    return code;
}

/* ---- the recording ---- */

static int say_why_not(const struct target *t, enum recording_state state)
{
    if (state == RECORDING_ITS_OWN)
        say("%d (%s): it is recording a timeline already (BIDE_TRACE or bide_trace_start)", t->pid, t->name);
    else if (state == RECORDING_ANOTHERS)
        say("%d (%s): another `bide trace` is recording it, or was killed less than %d s ago", t->pid, t->name,
            RECORDING_LEASE_MS / 1000);
    else if (t->memory.error == ESRCH)
        say("%d (%s): it has ended, and what was recorded is lost (BIDE_TRACE=FILE in its environment records until the end)", t->pid,
            t->name);
    else if (t->memory.error != 0)
        say("%d (%s): its memory cannot be accessed: %s", t->pid, t->name, strerror(t->memory.error));
    else if (t->picture.layout.timeline == 0 || state == RECORDING_UNKNOWN)
        say("%d (%s): it uses bide %s, whose timelines this program cannot read: use the `bide` command of that version", t->pid, t->name,
            t->picture.layout.release);
    else
        say("%d (%s): it has executed another program meanwhile", t->pid, t->name);
    return EXIT_LOCAL;
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The signals that would end us. */
static void find_signals(sigset_t *set)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};

    sigemptyset(set);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct sigaction now;
        if (sigaction(ends[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL)
            sigaddset(set, ends[i]);
    }
}

/* True: a signal has arrived. */
static bool wait_some(const sigset_t *signals, int64_t ms, int *signal)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    int n = sigtimedwait(signals, NULL, &t);

    if (n > 0)
        *signal = n;
    return n > 0;
}

/* Record for ms, or until a signal.  EXIT_OK, or another code after a message. */
static int record(struct recording *r, struct target *t, int64_t ms, int *signal)
{
    sigset_t signals, before;
    enum recording_state state = RECORDING_OURS;
    int64_t end = now_ms() + ms, left = ms;

    find_signals(&signals);
    sigprocmask(SIG_BLOCK, &signals, &before);
    if (!recording_keep(r, &t->memory))
        state = recording_look(r);
    else
        say_note("recording process %d (%s) for %.4g s; Ctrl-C ends it earlier", t->pid, t->name, (double)ms / 1000);
    while (state == RECORDING_OURS && left > 0 && !wait_some(&signals, left < KEEP_MS ? left : KEEP_MS, signal)) {
        left = end - now_ms();
        state = recording_look(r);
        if (state == RECORDING_OURS && !recording_keep(r, &t->memory))
            state = RECORDING_UNREADABLE;
    }
    recording_end(r, &t->memory);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (state == RECORDING_NONE)
        say_note("the recording ended early: `bide trace` was stopped for more than %d s", RECORDING_LEASE_MS / 1000);
    return state == RECORDING_OURS || state == RECORDING_NONE ? EXIT_OK : say_why_not(t, state);
}

static void say_what(const struct recording *r, const struct output *o)
{
    struct text text = {0};

    text_add_count(&text, r->entries);
    text_format(&text, " entries of %u thread%s", r->threads, r->threads == 1 ? "" : "s");
    if (r->lost > 0) {
        text_add_string(&text, "; ");
        text_add_count(&text, r->lost);
        text_add_string(&text, " older ones were overwritten");
    }
    if (r->threads == 0)
        say_note("%s: nothing was recorded: no event loop of process %d has polled the kernel meanwhile. A loop that is waiting for "
                 "events, or blocked in a call, starts to record after that (`bide ps` shows what it waits for)", o->path, r->pid);
    else if (!text.no_memory)
        say_note("%s: %s", o->path, text_string(&text));
    text_free(&text);
}

static int write_out(struct recording *r, struct target *t, const struct output *o)
{
    struct stat st;

    if (fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode) && o->fd != STDOUT_FILENO && ftruncate(o->fd, 0) < 0) {
        say("%s: %s", o->path, strerror(errno));
        return EXIT_LOCAL;
    }
    int code = recording_export(r, o->fd);
    if (code == -ESRCH)
        return say_why_not(t, RECORDING_UNREADABLE);
    if (code < 0) {
        say("%s: %s", o->path, strerror(-code));
        return EXIT_LOCAL;
    }
    if (t->memory.error != 0)
        return say_why_not(t, RECORDING_UNREADABLE);
    say_what(r, o);
    return EXIT_OK;
}

static int trace_target(const struct trace_options *o, struct target *t, int64_t ms)
{
    struct recording r = {.from = t->from, .at = t->picture.layout.timeline, .pid = t->pid};
    struct output output = {.fd = -1};
    int signal = 0, code;
    enum recording_state state = recording_look(&r);
    if (state != RECORDING_NONE)
        return say_why_not(t, state);

    snprintf(r.program, sizeof r.program, "%s", t->name);
    code = output_open(&output, o->output, t->pid);
    if (code == EXIT_OK)
        code = record(&r, t, ms, &signal);
    if (code == EXIT_OK)
        code = write_out(&r, t, &output);
    code = output_close(&output, code);
    return code == EXIT_OK && signal != 0 && signal != SIGINT ? -signal : code;
}

int trace_run(const struct trace_options *o, const char *process, int64_t ms)
{
    int pid = target_read_pid(process);
    if (pid == 0) {
        say("'%s' is not a process ID: expected a number, as in: bide trace 1234", process);
        return EXIT_USAGE;
    }
    struct target *t = malloc(sizeof *t);
    if (!t)
        return say_no_memory();

    int code = target_open(t, pid, false);
    if (code == EXIT_OK) {
        code = trace_target(o, t, ms);
        target_close(t);
    }
    free(t);
    return code;
}
