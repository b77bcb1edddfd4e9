/* SPDX-License-Identifier: MIT */
/*
 * writes.c - every answer saved as a file: with stdio, while nothing else runs, or awaited.
 *
 * The files are looked at afterwards, when the clock has stopped: one that is not there, or has another length than its
 * answer, is a failure.
 */
#include "cli/compare/run/run.h"
#include "cli/progress/progress.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <bide/file.h>
#include <bide/loop.h>
#include <bide/task.h>

#define PATH_LEN 192

static void path_of(const struct compare *c, int i, char *out)
{
    snprintf(out, PATH_LEN, "%s/%d", c->directory, i);
}

typedef int write_file(const char *path, const void *data, size_t len);

static int write_stdio(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "we");
    bool is_written = f && fwrite(data, 1, len, f) == len;
    int error = errno;

    if (f && fclose(f) != 0 && is_written) {
        is_written = false;
        error = errno;
    }
    return is_written ? 0 : bide_fail(-error, "%s: %s", path, strerror(error));
}

/* The same three steps.  (bide_file_write_all would do more: a temporary name, and a rename.) */
static int write_awaited(const char *path, const void *data, size_t len)
{
    bide_auto bide_file *f = bide_open(path, .flags = O_WRONLY | O_CREAT | O_TRUNC);
    if (!f)
        return bide_raise();

    BIDE_TRY(bide_file_write(f, data, len, -1));
    return bide_file_close(bide_take(f));
}

static int save(struct compare *c, bide_session *s, int i, write_file *write)
{
    char path[PATH_LEN];
    bide_auto bide_response *r = bide_get(s, c->urls[i], .timeout_ms = c->options->timeout_ms);
    if (!r)
        return bide_raise();

    BIDE_TRY(compare_take(c, r, &c->answers[i]));
    bide_bytes body = bide_body(r);
    path_of(c, i, path);
    return write(path, body.data, body.len);
}

static int save_with_stdio(struct compare *c, bide_session *s, int i)
{
    return save(c, s, i, write_stdio);
}

static int save_awaited(struct compare *c, bide_session *s, int i)
{
    return save(c, s, i, write_awaited);
}

static int crowd(struct compare *c, compare_get *get)
{
    bide_auto bide_session *s = compare_session(c->at_once);
    if (!s)
        return bide_raise();
    return compare_crowd(c, s, get);
}

static void check_files(struct compare *c)
{
    char path[PATH_LEN], why[PATH_LEN + 32];
    struct stat st;

    for (int i = 0; i < c->n; i++) {
        path_of(c, i, path);
        if (c->answers[i].status < 0 || (stat(path, &st) == 0 && (uint64_t)st.st_size == c->answers[i].len))
            continue;
        snprintf(why, sizeof why, "%s was not written in full", path);
        compare_fail(c, i, -EIO, why);
    }
}

static int run(struct compare *c, compare_get *get)
{
    int code = bide_run(bide_coro(crowd, c, get));
    int64_t stopped = clock_us();

    if (code >= 0)
        check_files(c);
    c->shared->own_wall_us += clock_us() - stopped;
    return code;
}

int compare_write(struct compare *c)
{
    return run(c, save_with_stdio);
}

int compare_awaited_write(struct compare *c)
{
    return run(c, save_awaited);
}
