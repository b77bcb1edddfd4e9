/* SPDX-License-Identifier: MIT */
/*
 * files.c - what a call to the file system costs from a task: by io_uring, or in a thread (BIDE_FILES=threads).
 *
 *     bench-files [WHAT] [N] [DEPTH] [DIR]
 *
 * WHAT is save (bide_file_write_all, 200 bytes), save-named (the same with a temporary name and a rename), save-plain
 * (open, write, close under its own name), read (4 KiB, cached), load (open, read, close), write (4 KiB at the end),
 * create (open a new file, close it), rename, unlink, or sync (write and sync).  DEPTH tasks do it at once, N times in
 * all; DEPTH 0 does it without a loop: the bare system calls.  DIR must exist and be empty; it is left full.
 * bench/files.sh runs them all.
 */
#include <fcntl.h>

#include <bide/bide.h>
#include <bide/file.h>

#include "bench.h"
#include "io/file/file_save.h"

#define SIZE 4096
#define SAVE_SIZE 200
#define DEPTH_MAX 1024

static const char *what, *dir;
static long count, started;
static char data[SIZE];

static const char *name(char *out, size_t cap, const char *kind, long i)
{
    snprintf(out, cap, "%s/%s%ld", dir, kind, i);
    return out;
}

static int save(long i)
{
    char path[512];

    return bide_file_write_all(name(path, sizeof path, "new", i), data, SAVE_SIZE);
}

static int save_plain(long i)
{
    char path[512];
    bide_file *f = bide_open(name(path, sizeof path, "new", i), .flags = O_WRONLY | O_CREAT | O_TRUNC);

    if (!f || bide_file_write(f, data, SAVE_SIZE, -1) < 0)
        return bide_raise();
    return bide_file_close(f);
}

static int load(long i)
{
    char path[512], in[SIZE];
    bide_file *f = bide_open(name(path, sizeof path, "old", i % 100));

    if (!f || bide_file_read(f, in, sizeof in, 0) < 0)
        return bide_raise();
    return bide_file_close(f);
}

static int create(long i)
{
    char path[512];
    bide_file *f = bide_open(name(path, sizeof path, "new", i), .flags = O_WRONLY | O_CREAT | O_EXCL);

    return f ? bide_file_close(f) : bide_raise();
}

static int move(long i)
{
    char from[512], to[512];

    return bide_rename(name(from, sizeof from, "old", i), name(to, sizeof to, "new", i));
}

static int drop(long i)
{
    char path[512];

    return bide_unlink(name(path, sizeof path, "old", i));
}

/* On one file per task. */
static int on_file(bide_file *f)
{
    char in[SIZE];

    if (strcmp(what, "read") == 0)
        return (int)bide_file_read(f, in, sizeof in, 0);
    ssize_t n = bide_file_write(f, data, SIZE, -1);
    return n >= 0 && strcmp(what, "sync") == 0 ? bide_file_sync(f) : (int)n;
}

static int one(bide_file *f, long i)
{
    static const struct {
        const char *name;
        int (*run)(long i);
    } table[] = {{"save", save}, {"save-named", save}, {"save-plain", save_plain}, {"load", load}, {"create", create}, {"rename", move}, {"unlink", drop}};

    for (size_t k = 0; k < sizeof table / sizeof *table; k++)
        if (strcmp(what, table[k].name) == 0)
            return table[k].run(i);
    return on_file(f);
}

static int worker(bide_file *f)
{
    while (started < count)
        BIDE_TRY(one(f, started++));
    return 0;
}

static int run(long depth)
{
    static bide_task *tasks[DEPTH_MAX];
    static bide_file *files[DEPTH_MAX];
    int result = 0;

    for (long i = 0; i < depth; i++) {
        char path[512];
        bide_file *f = bide_open(name(path, sizeof path, "own", i), .flags = O_RDWR | O_APPEND);
        if (!f)
            return bide_raise();
        tasks[i] = bide_create_task(bide_coro(worker, f));
        files[i] = f;
    }
    for (long i = 0; i < depth; i++) {
        int code = bide_await(tasks[i]);
        result = code < 0 ? code : result;
        bide_release(tasks[i]);
        bide_release(files[i]);
    }
    return result;
}

static int make(const char *kind, long n)
{
    for (long i = 0; i < n; i++) {
        char path[512];
        BIDE_TRY(bide_file_write_all(name(path, sizeof path, kind, i), data, SIZE));
    }
    return 0;
}

/* Old files to work on; not measured. */
static int prepare(long depth)
{
    bool each = strcmp(what, "rename") == 0 || strcmp(what, "unlink") == 0;

    BIDE_TRY(make("own", depth > 0 ? depth : 1));
    return make("old", each ? count : 100);
}

static int bare(void)
{
    char path[512];
    bide_auto bide_file *f = bide_open(name(path, sizeof path, "own", 0L), .flags = O_RDWR | O_APPEND);

    return f ? worker(f) : bide_raise();
}

int main(int argc, char **argv)
{
    struct bench b;
    what = argc > 1 ? argv[1] : "save";
    count = bench_arg(argc, argv, 2, 10000);
    long depth = argc > 3 ? atol(argv[3]) : 64;
    dir = argc > 4 ? argv[4] : "/tmp";

    depth = depth < DEPTH_MAX ? depth : DEPTH_MAX;

    int code = prepare(depth);
    bide__save_by_name = strcmp(what, "save-named") == 0;
    bench_begin(&b);
    if (code >= 0)
        code = depth > 0 ? bide_run(bide_coro(run, depth)) : bare();
    if (code < 0) {
        bide_error_print(stderr);
        return 1;
    }
    bench_end(&b, count);
    return 0;
}
