/* SPDX-License-Identifier: MIT */
/*
 * recording.c - recording a timeline of this process: its file, start and stop, and writing it however the process ends.
 *
 * The file is opened and locked when the recording starts, so that a wrong path is reported then, and not at the end.  A process that finds
 * it locked runs with the same environment as the one that holds it (a worker of a pool, a child), and writes to FILE.PID.
 *
 * The file is written when the recording is stopped, by exit(), and by a signal that ends the process and that the program does not
 * handle.  It is not written by _exit() and SIGKILL.
 *
 * Invariants:
 *   RC1  the state is under `lock`; a signal handler takes it only if it is free.
 *   RC2  a child of fork() has no recording: its parent's file is the parent's.  BIDE_TRACE begins another one with its first loop.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sched.h>
#include <unistd.h>

#include "core/loop/owner.h"

#define PATH_BYTES 4096

static struct {
    atomic_flag lock;
    int fd;             /* valid while recording > 0 */
    uint32_t recording; /* its number; 0: none */
    char path[PATH_BYTES];
} now = {.lock = ATOMIC_FLAG_INIT};

static uint32_t last_number;
static atomic_uint asked_environment; /* bide__process + 1 of the process that has read it; 0: none */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t handled; /* a bit for each signal that had the default action and has our handler now */

static void lock(void)
{
    while (atomic_flag_test_and_set_explicit(&now.lock, memory_order_acquire))
        sched_yield();
}

static void unlock(void)
{
    atomic_flag_clear_explicit(&now.lock, memory_order_release);
}

/* ---- the file ---- */

/* %p becomes the process ID, %% a percent sign.  False: it is too long. */
static bool expand(char out[PATH_BYTES], const char *path)
{
    size_t len = 0;

    for (const char *p = path; *p && len < PATH_BYTES; p++) {
        if (p[0] == '%' && p[1] == 'p')
            len += (size_t)snprintf(out + len, PATH_BYTES - len, "%ld", (long)getpid());
        else
            out[len++] = *p;
        p += p[0] == '%' && (p[1] == 'p' || p[1] == '%');
    }
    if (len + 1 > PATH_BYTES)
        return false;
    out[len] = '\0';
    return true;
}

/* -EWOULDBLOCK: another process that runs has it. */
static int open_locked(const char *path)
{
    int fd = bide__fd_above_standard(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (fd < 0)
        return -errno;

    if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        close(fd);
        return -EWOULDBLOCK;
    }
    return fd;
}

/* Under lock.  Sets now.path to the path that was opened. */
static int open_file(const char *path)
{
    if (!expand(now.path, path))
        return bide_fail(-ENAMETOOLONG, "a timeline cannot be written: its path is longer than %d bytes", PATH_BYTES - 1);
    int fd = open_locked(now.path);
    size_t len = strlen(now.path);
    if (fd == -EWOULDBLOCK && (size_t)snprintf(now.path + len, PATH_BYTES - len, ".%ld", (long)getpid()) < PATH_BYTES - len)
        fd = open_locked(now.path);

    return fd >= 0 ? fd : bide_fail(fd, "a timeline cannot be written to %s: %s", now.path, bide_strerror(fd));
}

/* Under lock, also in a signal handler.  0 or a negative errno value. */
static int write_file(void)
{
    if (lseek(now.fd, 0, SEEK_SET) == 0)
        BIDE_IGNORE(ftruncate(now.fd, 0)); /* it may be a device */
    int code = bide__inspector ? bide__inspector->write_timeline(now.fd, now.recording) : 0;

    if (close(now.fd) < 0 && code == 0)
        code = -errno;
    now.recording = 0;
    return code;
}

/* ---- the end of the process ---- */

static void say(const char *text)
{
    BIDE_IGNORE(write(STDERR_FILENO, text, strlen(text)));
}

/* Without stdio: it may be a signal handler. */
static void write_at_end(void)
{
    atomic_store(&bide__timeline.on, 0);
    if (now.recording == 0)
        return;
    int code = write_file();

    if (code < 0) {
        say("bide: the timeline is incomplete: ");
        say(now.path);
        say(": ");
        say(bide_strerror(code));
        say("\n");
    }
}

void bide__recording_at_exit(void)
{
    lock();
    write_at_end();
    unlock();
}

/* In a signal handler. */
static void write_if_free(void)
{
    if (!atomic_flag_test_and_set(&now.lock)) {
        write_at_end();
        atomic_flag_clear(&now.lock);
    }
}

/* A signal that ends the process.  A second one ends it at once. */
void bide__recording_ends(int signal)
{
    struct sigaction ends = {.sa_handler = SIG_DFL};

    sigaction(signal, &ends, NULL);
    write_if_free();
    raise(signal); /* blocked until the handler returns; a fault also comes again by itself */
}

static void handle(int signal)
{
    struct sigaction before, ours = {.sa_handler = bide__recording_ends, .sa_flags = SA_ONSTACK};
    if (sigaction(signal, NULL, &before) < 0 || before.sa_handler != SIG_DFL)
        return;

    sigemptyset(&ours.sa_mask);
    if (sigaction(signal, &ours, NULL) == 0)
        handled |= (uint64_t)1 << (signal - 1);
}

/* Those that still have our handler. */
uint64_t bide__recording_signals(void)
{
    uint64_t still = 0;
    struct sigaction now_;

    for (int signal = 1; signal < 64; signal++)
        if (handled >> (signal - 1) & 1 && sigaction(signal, NULL, &now_) == 0 && now_.sa_handler == bide__recording_ends)
            still |= (uint64_t)1 << (signal - 1);
    return still;
}

static void watch_for_end(void)
{
    static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGXCPU, SIGXFSZ};

    atexit(bide__recording_at_exit);
    bide__overflow_set_ended(write_if_free);
    for (size_t i = 0; i < array_len(ends); i++)
        handle(ends[i]);
}

/* ---- start and stop ---- */

static int begin(const char *path)
{
    if (now.recording != 0)
        return bide_fail(BIDE_ESTATE, "bide_trace_start: a timeline is being recorded already, to %s", now.path);
    if (!bide__timeline_is_over())
        return bide_fail(BIDE_ESTATE, "bide_trace_start: another process is recording a timeline of this one");
    int fd = open_file(path);
    if (fd < 0)
        return fd;

    now.fd = fd;
    now.recording = ++last_number;
    atomic_store(&bide__timeline.until_ns, 0);
    atomic_store(&bide__timeline.on, now.recording);
    return 0;
}

int bide__recording_begin(const char *path)
{
    lock();
    int code = begin(path);
    unlock();
    if (code == 0)
        pthread_once(&once, watch_for_end);
    return code;
}

int bide__recording_end(void)
{
    lock();
    bool is_there = now.recording != 0;
    if (is_there)
        atomic_store(&bide__timeline.on, 0);
    int code = is_there ? write_file() : 0;
    unlock();
    if (!is_there)
        return bide_fail(BIDE_ESTATE, "bide_trace_stop: no timeline is being recorded");
    return code < 0 ? bide_fail(code, "the timeline is incomplete: %s: %s", now.path, bide_strerror(code)) : 0;
}

/* ---- the environment ---- */

/* "64K", "8M"; 0: not a size, or out of range. */
static uint64_t parse_size(const char *text)
{
    char *end;
    unsigned long long n = strtoull(text, &end, 10);
    unsigned shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0;

    end += shift > 0;
    bool is_size = *text >= '0' && *text <= '9' && !*end && n <= TRACK_BYTES_MAX >> shift && n << shift >= TRACK_BYTES_MIN;
    return is_size ? n << shift : 0;
}

static void set_size(const char *text)
{
    if (!text || !*text)
        return;
    uint64_t bytes = parse_size(text);

    if (bytes == 0)
        fprintf(stderr, "bide: BIDE_TRACE_SIZE=%s: expected a size from 64K to 1G; 8M is used\n", text);
    atomic_store(&bide__timeline.track_bytes, bytes);
}

void bide__recording_of_environment(void)
{
    struct error_mark mark;
    if (likely(atomic_load_explicit(&asked_environment, memory_order_relaxed) == bide__process + 1) ||
        atomic_exchange(&asked_environment, bide__process + 1) == bide__process + 1)
        return;
    const char *path = secure_getenv("BIDE_TRACE");
    set_size(secure_getenv("BIDE_TRACE_SIZE")); /* also for recordings that the program or `bide trace` starts */
    if (!path || !*path)
        return;

    bide__error_mark(&mark);
    if (bide__recording_begin(path) < 0)
        fprintf(stderr, "bide: BIDE_TRACE=%s: %s; the program runs without a timeline\n", path, bide_error_text());
    bide__error_restore(&mark);
}

/* In the child of a fork. */
void bide__recording_forget(void)
{
    bide__timeline_forget();
    atomic_flag_clear(&now.lock);
    if (now.recording != 0)
        close(now.fd);
    now.recording = 0;
}
