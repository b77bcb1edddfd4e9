/* SPDX-License-Identifier: MIT */
/*
 * file_op.c - where a call to the file system is made, so that it never blocks the loop.
 *
 * Inside a task: in a thread of the loop's pool, while the task is parked.  Outside of tasks there is nobody to block.
 */
#include <unistd.h>

#include "io/file_op.h"

#define DESCRIPTOR_WAIT_MS 5000

static int run_job(void *arg)
{
    struct file_op *op = arg;

    op->result = op->run(op);
    return 0;
}

static bool may_wait(void)
{
    bide_task *t = bide__task_here();

    return t && !t->stackless;
}

int bide__file_run(struct file_op *op)
{
    return may_wait() ? bide__offload(run_job, op) : run_job(op);
}

void bide__file_run_surely(struct file_op *op)
{
    struct error_record unseen = {0}, *seen;

    if (!may_wait()) {
        run_job(op);
        return;
    }
    seen = bide__error_switch(&unseen);
    if (bide__offload_surely(run_job, op) < 0)
        run_job(op);
    bide__error_switch(seen);
}

int bide__file_wait_for_descriptor(ssize_t result, int *waited_ms)
{
    if ((result != -EMFILE && result != -ENFILE) || !may_wait() || *waited_ms >= DESCRIPTOR_WAIT_MS)
        return 0;

    int64_t before = bide_loop_time_ms(bide__loop_here);
    int code = bide__wait_for_descriptor();
    *waited_ms += (int)(bide_loop_time_ms(bide__loop_here) - before) + 1;
    return code < 0 ? code : 1;
}

int bide__file_fail(const char *what, const char *path, ssize_t code)
{
    return bide_fail((int)code, "%s %s: %s", what, path, bide_strerror((int)code));
}

static ssize_t write_some(int fd, const char *data, size_t len, off_t offset)
{
    ssize_t n = offset < 0 ? write(fd, data, len) : pwrite(fd, data, len, offset);

    return n < 0 ? -errno : n;
}

int bide__write_fully(int fd, const char *data, size_t len, off_t offset)
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
