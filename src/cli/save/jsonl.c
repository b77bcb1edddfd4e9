/* SPDX-License-Identifier: MIT */
/*
 * jsonl.c - the task that writes records.
 *
 * It sleeps until there is a line.  Those that are added in the same turn of the loop, and while a batch is being written,
 * go together: the busier it is, the larger the batches.
 */
#include "cli/save/jsonl.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

static void settle(bide_future *f)
{
    if (f && !bide_future_done(f))
        BIDE_IGNORE(bide_future_set_result(f, 0));
}

void jsonl_end_line(struct jsonl *j, size_t begin)
{
    struct text *t = &j->lines;

    if (!t->no_memory)
        text_add_string(t, "}\n");
    if (t->no_memory) {
        t->no_memory = false;
        t->len = begin;
        return;
    }
    j->added++;
    settle(j->wake);
}

/* ---- others wait ---- */

static int wait_for_writer(struct jsonl *j)
{
    if (!j->moved && !(j->moved = bide_future_new()))
        return bide_sleep_ms(1);
    bide_future *moved = bide_retain(j->moved);
    int code = bide_shield(moved);

    bide_release(moved);
    return code;
}

int jsonl_wait_written(struct jsonl *j, uint64_t n)
{
    while (j->written < n && !j->error)
        BIDE_TRY(wait_for_writer(j));
    return 0;
}

static void wake_others(struct jsonl *j)
{
    settle(j->moved);
    bide_release(j->moved);
    j->moved = NULL;
}

/* ---- a batch ---- */

static uint64_t count_lines(const char *at, size_t len)
{
    const char *end = at + len;
    uint64_t n = 0;

    for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
        n++;
    return n;
}

/*
 * How much of the batch has come into the file, which is open as fd; -1: what follows its known part is not that alone,
 * because others write there, too.
 */
static int64_t arrived(const struct jsonl *j, int fd)
{
    char piece[4096];
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < j->size || st.st_size - j->size > (int64_t)j->going.len)
        return -1;

    for (int64_t at = j->size; at < st.st_size;) {
        size_t left = (size_t)(st.st_size - at);
        ssize_t n = pread(fd, piece, left < sizeof piece ? left : sizeof piece, at);
        if (n <= 0 || memcmp(piece, j->going.data + (at - j->size), (size_t)n) != 0)
            return -1;
        at += n;
    }
    return st.st_size - j->size;
}

/* The batch is there in part: of a file the whole lines stay, so that every line of it can be read. */
static void keep_whole_lines(struct jsonl *j)
{
    int fd = j->file ? open(j->path, O_RDWR | O_CLOEXEC | O_NONBLOCK) : -1;
    int64_t len = fd >= 0 ? arrived(j, fd) : -1;

    while (len > 0 && j->going.data[len - 1] != '\n')
        len--;
    if (len >= 0 && ftruncate(fd, j->size + len) == 0)
        j->written += count_lines(j->going.data, (size_t)len);
    if (fd >= 0)
        close(fd);
}

static int write_batch(struct jsonl *j)
{
    struct text spare = j->going;

    j->going = j->lines;
    j->lines = spare;
    text_clear(&j->lines);
    ssize_t n = j->file ? bide_file_write(j->file, j->going.data, j->going.len, -1) : output_write(j->going.data, j->going.len);
    if (n < 0) {
        keep_whole_lines(j);
        return (int)n;
    }
    j->size += (int64_t)j->going.len;
    if (j->syncs)
        BIDE_TRY(bide_file_sync(j->file));
    j->written += count_lines(j->going.data, j->going.len);
    return 0;
}

/* ---- the task ---- */

static int wait_for_lines(struct jsonl *j)
{
    j->wake = bide_future_new();
    int code = j->wake ? bide_await(j->wake) : bide_sleep_ms(1);

    bide_release(j->wake);
    j->wake = NULL;
    return code;
}

int jsonl_writer(struct jsonl *j)
{
    while (!j->error && (j->lines.len > 0 || !j->is_closing)) {
        j->error = j->lines.len > 0 ? write_batch(j) : wait_for_lines(j);
        wake_others(j);
    }
    if (j->file) {
        int closed = bide_file_close(bide_take(j->file));
        j->error = j->error ? j->error : closed;
    }
    return j->error;
}

void jsonl_finish(struct jsonl *j)
{
    j->is_closing = true;
    settle(j->wake);
}

void jsonl_free(struct jsonl *j)
{
    bide_release(j->file);
    text_free(&j->lines);
    text_free(&j->going);
    j->file = NULL;
}
