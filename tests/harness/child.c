/* SPDX-License-Identifier: MIT */
/*
 * child.c - one test in its own process, and what it must not leave behind.
 *
 * The check for leaks is the first exit handler that is registered, so it is the last that runs: after the library's own
 * one, which closes the thread's loop, and before LeakSanitizer's.
 */
#include "harness/private.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/core.h"

#define FDS_MAX 4096

struct report *harness_report;

static pid_t tested_process;
static bool open_before[FDS_MAX];

/* ---- leaks ---- */

/* Calls found() for every open descriptor below FDS_MAX. */
static void each_fd(void (*found)(int fd))
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        FAIL("/proc/self/fd: %s", strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir));) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(dir) && fd < FDS_MAX)
            found(fd);
    }
    closedir(dir);
}

static void note_open(int fd)
{
    open_before[fd] = true;
}

static int leaks;

static void leak(const char *what, size_t n)
{
    if (n == 0)
        return;
    fprintf(stderr, "leaked: %zu %s\n", n, what);
    leaks++;
}

static void check_fd(int fd)
{
    char path[64], target[256] = "?";
    if (open_before[fd])
        return;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = '\0';
    fprintf(stderr, "leaked: descriptor %d (%s)\n", fd, target);
    leaks++;
}

static void check_leaks(void)
{
    if (getpid() != tested_process)
        return; /* a child that the test made */

    if (!harness_report->ended)
        fprintf(stderr, "something called exit() in the middle of the test\n");
    each_fd(check_fd);
    leak("tasks", bide__tasks_live());
    leak("stacks", bide__stacks_live());
    leak("allocations", bide__alloc_live());
    fflush(NULL);
    if (leaks > 0 || !harness_report->ended)
        _exit(1);
}

/* ---- the directory ---- */

const char *test_tmpdir(void)
{
    struct report *r = harness_report;

    if (!r->tmpdir_made && mkdir(r->tmpdir, 0700) != 0)
        FAIL("%s: %s", r->tmpdir, strerror(errno));
    r->tmpdir_made = true;
    return r->tmpdir;
}

FILE *test_source(const char *path)
{
    char whole[1024];
    const char *root = getenv("BIDE_SOURCE");

    snprintf(whole, sizeof whole, "%s/%s", root ? root : ".", path);
    return fopen(whole, "re");
}

/* ---- the body ---- */

static int coroutine_body(const struct harness_test *test)
{
    bide__loop_set_virtual_time(bide_get_event_loop(), !test->options.real_time);
    test->body();
    return 0;
}

/* $BIDE_TEST_SKIP: globs, with spaces between them. */
static bool is_to_be_skipped(const char *name)
{
    char globs[1024], *rest = globs;

    const char *given = getenv("BIDE_TEST_SKIP");
    snprintf(globs, sizeof globs, "%s", given ? given : "");
    for (char *glob; (glob = strtok_r(rest, " ", &rest));)
        if (fnmatch(glob, name, 0) == 0)
            return true;
    return false;
}

static void run_body(const struct harness_test *test)
{
    if (is_to_be_skipped(test->name))
        SKIP("BIDE_TEST_SKIP");
    if (!test->is_coroutine) {
        test->body();
        return;
    }
    int code = bide_run(bide_coro(coroutine_body, test));
    if (code < 0)
        harness_fail(test->file, 0, "bide_run: %s", bide_error_code() ? bide_error_text() : bide_strerror(code));
}

void harness_run(const struct harness_test *test)
{
    tested_process = getpid();
    each_fd(note_open);
    atexit(check_leaks);
    run_body(test);
    bide__alloc_fail_at(-1);
    harness_report->ended = true;
    exit(0);
}
