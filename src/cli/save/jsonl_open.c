/* SPDX-License-Identifier: MIT */
/*
 * jsonl_open.c - the file that records go to, and what is in it already.
 *
 * Records of an earlier run are never thrown away unless that was asked for.  A run that was killed may have left half a
 * record at the end: that would join the first of ours to a line that nobody can read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/json.h>
#include <jansson.h>

#include "cli/cli.h"
#include "cli/save/durable.h"
#include "cli/save/jsonl.h"

#define TAIL_MAX (1 << 20) /* a record is shorter */

static int fail(const char *path)
{
    say("%s: %s", path, strerror(errno));
    return EXIT_LOCAL;
}

/* What is there, with something in it. */
struct records_file {
    const char *path;
    int fd;
    off_t size;
};

/* ---- a last line without an end ---- */

static bool is_whole(const char *line, size_t len)
{
    json_t *json = bide_json_parse(line, len, 0);

    json_decref(json);
    return json;
}

/* The beginning of a record, or the zeros that some file systems have in its place after a power cut. */
static bool is_cut_record(const char *line, size_t len)
{
    static const char begin[] = "{\"v\":1,";
    size_t n = len < sizeof begin - 1 ? len : sizeof begin - 1;

    return memcmp(line, begin, n) == 0 || memchr(line, '\0', len);
}

static int end_line(const struct records_file *f)
{
    return pwrite(f->fd, "\n", 1, f->size) == 1 ? EXIT_OK : fail(f->path);
}

static int repair_tail(const struct records_file *f, const char *tail, size_t len)
{
    const char *line = memrchr(tail, '\n', len);

    line = line ? line + 1 : tail;
    size_t n = len - (size_t)(line - tail);
    if (n == 0)
        return EXIT_OK;
    if (is_whole(line, n))
        return end_line(f);
    if (!is_cut_record(line, n) || n == TAIL_MAX) {
        say("%s: its last line has no end and is no record; ours begin on the next", f->path);
        return end_line(f);
    }
    if (ftruncate(f->fd, f->size - (off_t)n) < 0)
        return fail(f->path);
    say("%s: the last record was cut off after %zu bytes, because the run that wrote it was killed; it is taken out", f->path, n);
    return EXIT_OK;
}

static int end_last_line(const struct records_file *f)
{
    size_t len = f->size < TAIL_MAX ? (size_t)f->size : TAIL_MAX;
    char *tail = malloc(len);
    if (!tail)
        return say_no_memory();

    ssize_t n = pread(f->fd, tail, len, f->size - (off_t)len);
    int code = n == (ssize_t)len ? repair_tail(f, tail, len) : n < 0 ? fail(f->path) : EXIT_OK;
    free(tail);
    return code;
}

/* ---- what is there ---- */

static int prepare_file(const struct records_file *f, enum jsonl_mode mode)
{
    char first = 0;

    if (mode == JSONL_REFUSE) {
        say("%s: there is something in it; --jsonl-mode=append adds to it, --jsonl-mode=replace throws it away", f->path);
        return EXIT_USAGE;
    }
    if (pread(f->fd, &first, 1, 0) < 0)
        return fail(f->path);
    if (first == '{' || first == '\0')
        return end_last_line(f);
    say("%s: what is in it are no records, so none are added; --jsonl-mode=replace throws it away", f->path);
    return EXIT_USAGE;
}

int jsonl_prepare(const char *path, enum jsonl_mode mode)
{
    struct stat st;
    if (output_is_stdout(path) || output_names_descriptor(path) || mode == JSONL_REPLACE)
        return EXIT_OK;
    if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
        return EXIT_OK; /* what cannot be opened is said when it is */

    int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail(path);
    int code = fstat(fd, &st) == 0 ? prepare_file(&(struct records_file){path, fd, st.st_size}, mode) : fail(path);
    close(fd);
    return code;
}

/* ---- opening ---- */

int jsonl_open(struct jsonl *j, const char *path, enum jsonl_mode mode, bool syncs)
{
    struct stat st;

    *j = (struct jsonl){.path = path};
    if (!path || output_is_stdout(path))
        return 0;
    bool appends = mode != JSONL_REPLACE || output_names_descriptor(path);
    j->file = bide_open(path, .flags = O_WRONLY | O_CREAT | (appends ? O_APPEND : O_TRUNC));
    if (!j->file)
        return bide_raise();
    bool is_file = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    j->size = is_file ? st.st_size : 0;
    j->syncs = is_file && syncs;
    return j->syncs ? durable_directory_of(path) : 0;
}
