/* SPDX-License-Identifier: MIT */
/*
 * file_op.c - one call to the file system, made where it does not block the loop.
 *
 * Inside a task: a single call by io_uring, several in a row in a thread of the loop's pool, while the task is parked
 * (docs/design/files.md has the figures).  Where the kernel refuses io_uring, or the environment says
 * BIDE_FILES=threads, threads do it all.  Outside of tasks a call may block.
 */
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/file/file_op.h"

#define DESCRIPTOR_WAIT_MS 5000

static int run_job(void *arg)
{
    struct file_op *op = arg;

    op->result = op->run(op);
    return 0;
}

/* The task that will be parked; NULL: there is none, and the call may block. */
static bide_task *parkable_task(void)
{
    bide_task *t = bide__task_here();

    return t && !t->stackless ? t : NULL;
}

enum engine { UNDECIDED, BOTH, THREADS };

/* Threads alone, because the environment says so? */
static bool wants_ring(void)
{
    static atomic_int engine;

    if (atomic_load(&engine) == UNDECIDED) {
        const char *wish = getenv("BIDE_FILES");
        atomic_store(&engine, wish && strcmp(wish, "threads") == 0 ? THREADS : BOTH);
    }
    return atomic_load(&engine) == BOTH;
}

/*
 * We cancel no call; but the kernel does so itself, before it has begun, when a signal comes as it makes a worker thread.
 * Then it is for a thread of ours.
 */
static bool run_in_ring(bide_task *t, struct file_op *op)
{
    struct file_ring *r = op->prepare && wants_ring() ? bide__file_ring(t->future.loop) : NULL;

    return r && bide__file_ring_run(r, op) && op->result != -ECANCELED;
}

bool bide__file_may_wait(void)
{
    return parkable_task() != NULL;
}

int bide__file_run(struct file_op *op)
{
    bide_task *t = parkable_task();
    int code = t ? bide__pending_interrupt(t) : run_job(op);
    if (!t || code < 0)
        return code;

    return run_in_ring(t, op) ? 0 : bide__offload(FOR_FILES, "a call for a file", run_job, op);
}

void bide__file_run_surely(struct file_op *op)
{
    bide_task *t = parkable_task();
    if (!t) {
        run_job(op);
        return;
    }
    if (run_in_ring(t, op))
        return;

    struct error_mark mark;
    bide__error_mark(&mark);
    int code = bide__offload_surely(FOR_FILES, "a call for a file", run_job, op);
    bide__error_restore(&mark);
    if (code < 0)
        run_job(op);
}

int bide__file_wait_for_descriptor(ssize_t result, int *waited_ms)
{
    if ((result != -EMFILE && result != -ENFILE) || !parkable_task() || *waited_ms >= DESCRIPTOR_WAIT_MS)
        return 0;

    int64_t before = bide_loop_time_ms(bide__loop_here);
    int code = bide__wait_for_descriptor();
    *waited_ms += (int)(bide_loop_time_ms(bide__loop_here) - before) + 1;
    return code < 0 ? code : 1;
}

int bide__file_run_with_descriptor(struct file_op *op)
{
    int waited_ms = 0, again;

    do {
        again = bide__file_run(op);
        if (again == 0)
            again = bide__file_wait_for_descriptor(op->result, &waited_ms);
    } while (again > 0);
    return again;
}

int bide__file_fail(const char *what, const char *path, ssize_t code)
{
    return bide_fail((int)code, "%s %s: %s", what, path, bide_strerror((int)code));
}

/* ---- writing ---- */

bool bide__file_size_is_limited(void)
{
    enum { UNKNOWN, NO, YES };
    static atomic_int known;
    struct rlimit limit;

    if (atomic_load_explicit(&known, memory_order_relaxed) == UNKNOWN) {
        bool is_limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
        atomic_store_explicit(&known, is_limited ? YES : NO, memory_order_relaxed);
    }
    return atomic_load_explicit(&known, memory_order_relaxed) == YES;
}

static ssize_t write_some(int fd, const char *data, size_t len, off_t offset)
{
    ssize_t n = offset < 0 ? write(fd, data, len) : pwrite(fd, data, len, offset);

    return n < 0 ? -errno : n;
}

static int write_all(int fd, const char *data, size_t len, off_t offset)
{
    while (len > 0) {
        ssize_t n = write_some(fd, data, len, offset);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        data += n;
        len -= (size_t)n;
        offset = offset < 0 ? offset : offset + n;
    }
    return 0;
}

int bide__write_fully(int fd, const char *data, size_t len, off_t offset)
{
    struct quiet quiet;
    if (!bide__file_size_is_limited())
        return write_all(fd, data, len, offset);

    bide__quiet_begin(&quiet);
    int code = write_all(fd, data, len, offset);
    bide__quiet_end(&quiet, code);
    return code;
}
