/* SPDX-License-Identifier: MIT */
/*
 * main.c - runs the registered tests, each in a process of its own, a few at a time, and prints TAP.
 *
 * A child is a session of its own: whatever it started is killed with it.  What it prints goes to a file without a name;
 * the outputs of the failed ones are shown together at the end, where one looks, on stderr, which Meson shows.
 */
#include "harness/private.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif
#endif

#include "core/stack/sanitize.h"

#define JOBS_MAX 64
#define SECONDS_DEFAULT 10
#define OUTPUT_SHOWN 20000 /* bytes of a failed test's output */

static struct harness_test *first, **last = &first;

void harness_register(struct harness_test *test)
{
    *last = test;
    last = &test->next;
}

/* ---- the command line ---- */

static struct {
    bool list, no_fork;
    const char *file; /* only its tests */
    unsigned jobs;
    char **patterns;
    int npatterns;
} opt = {.jobs = 2};

static _Noreturn void usage(const char *program, int status)
{
    fprintf(status ? stderr : stdout, "usage: %s [--list] [--jobs N] [--no-fork] [--file FILE] [NAME|GLOB...]\n", program);
    exit(status);
}

static void parse_args(int argc, char **argv)
{
    int i = 1;

    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--list") == 0)
            opt.list = true;
        else if (strcmp(argv[i], "--no-fork") == 0)
            opt.no_fork = true;
        else if (strcmp(argv[i], "--jobs") == 0 && i + 1 < argc)
            opt.jobs = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--file") == 0 && i + 1 < argc)
            opt.file = argv[++i];
        else
            usage(argv[0], strcmp(argv[i], "--help") == 0 ? 0 : 2);
    }
    if (opt.jobs < 1 || opt.jobs > JOBS_MAX)
        usage(argv[0], 2);
    opt.patterns = argv + i;
    opt.npatterns = argc - i;
}

/* Its path ends in the file's. */
static bool is_of_file(const struct harness_test *t, const char *file)
{
    size_t all = strlen(t->file), end = strlen(file);

    return all >= end && strcmp(t->file + all - end, file) == 0 && (all == end || t->file[all - end - 1] == '/');
}

static bool is_wanted(const struct harness_test *t)
{
    if (opt.file && !is_of_file(t, opt.file))
        return false;
    for (int i = 0; i < opt.npatterns; i++)
        if (fnmatch(opt.patterns[i], t->name, 0) == 0)
            return true;
    return opt.npatterns == 0;
}

static const struct harness_test *next_wanted(const struct harness_test *t)
{
    while (t && !is_wanted(t))
        t = t->next;
    return t;
}

/*
 * Meson runs a folder file by file, and those that are called test_*.c: what stands elsewhere would never run.  A file
 * without tests is another that is asked for in vain.
 */
static void check_files(void)
{
    for (const struct harness_test *t = first; t; t = t->next) {
        const char *slash = strrchr(t->file, '/');
        if (strncmp(slash ? slash + 1 : t->file, "test_", 5) != 0) {
            fprintf(stderr, "harness: %s: a test in a file that is not called test_*.c (%s)\n", t->file, t->name);
            exit(2);
        }
    }
    if (!next_wanted(first)) {
        fprintf(stderr, "harness: %s: no such test in it\n", opt.file);
        exit(2);
    }
}

unsigned harness_slowness(void)
{
    const char *given = getenv("BIDE_TEST_SLOW");
    if (given && atoi(given) > 0)
        return (unsigned)atoi(given);
#ifdef RUNNING_ON_VALGRIND
    if (RUNNING_ON_VALGRIND)
        return 6;
#endif
    return BIDE_SANITIZED ? 6 : 1;
}

/* ---- children ---- */

struct child {
    const struct harness_test *test; /* NULL: this place is free */
    pid_t pid;
    int output;
    int64_t deadline_ms;
    bool timed_out;
    struct report *report; /* shared with it */
};

static struct child children[JOBS_MAX];
static unsigned running, started, finished, nfailed;
static char run_dir[] = "/tmp/bide-test-XXXXXX";
static FILE *failures; /* what is shown at the end */

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "harness: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned seconds_of(const struct harness_test *t)
{
    return (t->options.seconds ? t->options.seconds : SECONDS_DEFAULT) * harness_slowness();
}

static int open_output(void)
{
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        fd = memfd_create("test output", MFD_CLOEXEC);
    if (fd < 0)
        give_up("a file for the output");
    return fd;
}

static _Noreturn void be_child(struct child *c, const sigset_t *mask)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    close(nothing);
    dup2(c->output, 1);
    dup2(c->output, 2);
    for (unsigned i = 0; i < opt.jobs; i++)
        if (children[i].test)
            close(children[i].output);
    fclose(failures);
    sigprocmask(SIG_SETMASK, mask, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    harness_report = c->report;
    harness_run(c->test);
}

static void start(struct child *c, const struct harness_test *test, const sigset_t *mask)
{
    c->test = test;
    c->timed_out = false;
    c->deadline_ms = now_ms() + seconds_of(test) * INT64_C(1000);
    c->output = open_output();
    memset(c->report, 0, sizeof *c->report);
    snprintf(c->report->tmpdir, sizeof c->report->tmpdir, "%s/%u", run_dir, ++started);
    fflush(NULL);
    c->pid = fork();
    if (c->pid < 0)
        give_up("fork");
    if (c->pid == 0)
        be_child(c, mask);
    running++;
}

/* ---- results ---- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void copy_output(int fd)
{
    static char bytes[OUTPUT_SHOWN];
    off_t size = lseek(fd, 0, SEEK_END), from = size > OUTPUT_SHOWN ? size - OUTPUT_SHOWN : 0;
    ssize_t n = pread(fd, bytes, sizeof bytes, from);

    if (from > 0)
        fprintf(failures, "#   (the first %lld bytes are left out)\n", (long long)from);
    bool line_begins = true;
    for (ssize_t i = 0; i < n; i++) {
        if (line_begins)
            fputs("#   ", failures);
        fputc(bytes[i], failures);
        line_begins = bytes[i] == '\n';
    }
    if (!line_begins)
        fputc('\n', failures);
}

static void describe_end(const struct child *c, int status)
{
    if (c->timed_out)
        fprintf(failures, "#   timed out after %u s\n", seconds_of(c->test));
    else if (WIFSIGNALED(status))
        fprintf(failures, "#   killed by SIG%s (%s)\n", sigabbrev_np(WTERMSIG(status)), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 1)
        fprintf(failures, "#   exit status %d\n", WEXITSTATUS(status));
}

static bool has_passed(const struct child *c, int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 && c->report->ended;
}

static void record_result(const struct child *c, int status)
{
    const char *name = c->test->name;

    finished++;
    if (has_passed(c, status)) {
        printf("ok %u - %s\n", finished, name);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED && c->report->ended) {
        printf("ok %u - %s # SKIP %s\n", finished, name, c->report->skip_reason);
    } else {
        printf("not ok %u - %s\n", finished, name);
        fprintf(failures, "#\n# FAILED: %s (%s)\n", name, c->test->file);
        copy_output(c->output);
        describe_end(c, status);
        nfailed++;
    }
    fflush(stdout);
}

static void finish(struct child *c, int status)
{
    kill(-c->pid, SIGKILL); /* whatever it has started and left */
    record_result(c, status);
    if (c->report->tmpdir_made)
        remove_tree(c->report->tmpdir);
    close(c->output);
    c->test = NULL;
    running--;
}

static void collect(void)
{
    int status;

    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (unsigned i = 0; i < opt.jobs; i++)
            if (children[i].test && children[i].pid == pid)
                finish(&children[i], status);
}

static void kill_group(const struct child *c)
{
    kill(-c->pid, SIGKILL);
    kill(c->pid, SIGKILL); /* it may not have a group of its own yet */
}

static void kill_late(void)
{
    int64_t now = now_ms();

    for (unsigned i = 0; i < opt.jobs; i++) {
        struct child *c = &children[i];
        if (!c->test || c->timed_out || now < c->deadline_ms)
            continue;
        c->timed_out = true;
        kill_group(c);
    }
}

/* Ctrl-C and the like: nothing that runs, and nothing in /tmp, is left behind. */
static _Noreturn void end_by(int signal)
{
    for (unsigned i = 0; i < opt.jobs; i++)
        if (children[i].test)
            kill_group(&children[i]);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    remove_tree(run_dir);
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, signal);
    struct sigaction usual = {.sa_handler = SIG_DFL};
    sigaction(signal, &usual, NULL);
    raise(signal);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    _exit(2);
}

static void wait_for_some(const sigset_t *signals)
{
    struct timespec a_while = {.tv_nsec = 100 * 1000 * 1000};

    int signal = sigtimedwait(signals, NULL, &a_while);
    if (signal > 0 && signal != SIGCHLD)
        end_by(signal);
    collect();
    kill_late();
}

/* ---- all of them ---- */

static void print_failures(void)
{
    char line[4096];

    fflush(stdout);
    rewind(failures);
    while (fgets(line, sizeof line, failures))
        fputs(line, stderr);
    fclose(failures);
    fprintf(stderr, "# %u of %u passed\n", finished - nfailed, finished);
}

static void prepare(void)
{
    struct report *reports =
        mmap(NULL, opt.jobs * sizeof *reports, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reports == MAP_FAILED)
        give_up("shared memory");
    for (unsigned i = 0; i < opt.jobs; i++)
        children[i].report = &reports[i];
    if (!mkdtemp(run_dir))
        give_up(run_dir);
    failures = tmpfile();
    if (!failures)
        give_up("a file for the failures");
}

static int run_all(void)
{
    const struct harness_test *next = next_wanted(first);
    static const int awaited[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    sigset_t signals, mask;
    unsigned count = 0;

    for (const struct harness_test *t = next; t; t = next_wanted(t->next))
        count++;
    sigemptyset(&signals);
    for (size_t i = 0; i < sizeof awaited / sizeof *awaited; i++)
        sigaddset(&signals, awaited[i]);
    sigprocmask(SIG_BLOCK, &signals, &mask);
    prepare();
    printf("1..%u\n", count);
    while (next || running > 0) {
        for (unsigned i = 0; i < opt.jobs && next; i++) {
            if (children[i].test)
                continue;
            start(&children[i], next, &mask);
            next = next_wanted(next->next);
        }
        wait_for_some(&signals);
    }
    print_failures();
    remove_tree(run_dir);
    return nfailed > 0;
}

static void remove_empty_run_dir(void)
{
    rmdir(run_dir);
}

/* In this process: only the first, because it exits. */
static _Noreturn void run_here(void)
{
    static struct report report;
    const struct harness_test *test = next_wanted(first);

    if (!test)
        give_up("no such test");
    if (!mkdtemp(run_dir))
        give_up(run_dir);
    atexit(remove_empty_run_dir);
    snprintf(report.tmpdir, sizeof report.tmpdir, "%s/1", run_dir);
    fprintf(stderr, "%s, in this process; its directory, if it makes one, stays in %s\n", test->name, run_dir);
    harness_report = &report;
    harness_run(test);
}

int main(int argc, char **argv)
{
    parse_args(argc, argv);
    if (opt.file)
        check_files();
    if (opt.list) {
        for (const struct harness_test *t = next_wanted(first); t; t = next_wanted(t->next))
            printf("%s\n", t->name);
        return 0;
    }
    if (opt.no_fork)
        run_here();
    return run_all();
}
