/* SPDX-License-Identifier: MIT */
/*
 * fetch_count.c - how many URLs are there?
 *
 * Short lists are counted before the first request.  Long ones are counted in a thread while the run goes on, so that it
 * need not wait; the total is known when that is over, or when the source has come to its end.
 */
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include <bide/error.h>

#include "cli/fetch.h"

#define SHORT ((int64_t)1 << 20) /* bytes of all lists: milliseconds */

struct count {
    struct fetch *f;
    uint64_t lines;
    struct lines list;
};

/* Can it be read twice?  What is not there counts as a file: opening it says so. */
static bool is_file(const char *path, int64_t *size)
{
    struct stat st;

    *size = 0;
    if (strcmp(path, "-") == 0)
        return false;
    if (stat(path, &st) < 0)
        return true;
    *size = st.st_size;
    return S_ISREG(st.st_mode) || S_ISDIR(st.st_mode);
}

static int count_lines(struct count *c)
{
    char *line;
    size_t len;
    const char *fault;

    for (;;) {
        int got = lines_next(&c->list, &line, &len, &fault);
        if (got == LINES_END)
            return 0;
        c->lines += got == LINES_GOT || got == LINES_BAD;
        if (got == LINES_MORE)
            BIDE_TRY(atomic_load_explicit(&c->f->count_is_over, memory_order_relaxed) ? BIDE_ECANCELED : lines_fill(&c->list));
    }
}

/* Is it there, at least? */
static int count_list(struct count *c, const char *path, bool only_open)
{
    int code = lines_open(&c->list, path);
    if (code != EXIT_OK)
        return EXIT_USAGE;

    /* A directory opens, and cannot be read. */
    if (only_open ? lines_fill(&c->list) < 0 : count_lines(c) < 0) {
        say("%s", bide_error_text());
        code = EXIT_USAGE;
    }
    lines_close(&c->list);
    return code;
}

int fetch_count_lists(struct fetch *f, bool all)
{
    const struct opt_list *lists = &f->options->inputs;
    struct count *c = calloc(1, sizeof *c);
    int64_t bytes = 0, size;
    int code = c ? EXIT_OK : say_no_memory();

    f->stats.is_total_known = true;
    for (size_t i = 0; i < lists->len; i++) {
        bool is_known = is_file(lists->items[i], &size);
        f->stats.is_total_known &= is_known;
        bytes += size;
    }
    bool is_short = f->stats.is_total_known && (all || bytes <= SHORT);
    f->has_long_lists = f->stats.is_total_known && !is_short;
    f->stats.is_total_known = is_short;
    for (size_t i = 0; i < lists->len && code == EXIT_OK; i++) {
        if (c)
            c->f = f;
        if (is_file(lists->items[i], &size))
            code = count_list(c, lists->items[i], !is_short);
    }
    if (code == EXIT_OK)
        f->stats.total += c->lines;
    free(c);
    return code;
}

/* ---- while it runs ---- */

/* In a thread. */
static int count_all(struct count *c)
{
    const struct opt_list *lists = &c->f->options->inputs;

    for (size_t i = 0; i < lists->len; i++) {
        if (lines_open(&c->list, lists->items[i]) != EXIT_OK)
            return -EIO;
        int code = count_lines(c);
        lines_close(&c->list);
        if (code < 0)
            return code;
    }
    return 0;
}

static void set_total(struct fetch *f, uint64_t total)
{
    f->stats.total = total;
    f->stats.is_total_known = true;
}

int fetch_count(struct fetch *f)
{
    struct count *c = calloc(1, sizeof *c);
    if (!c)
        return 0; /* nobody needs it */

    c->f = f;
    if (bide_to_thread(bide_coro(count_all, c)) == 0 && !f->stats.is_total_known)
        set_total(f, f->of_patterns + c->lines);
    free(c);
    return 0;
}

void fetch_count_is_known(struct fetch *f)
{
    if (f->source.is_complete && !f->stats.is_total_known)
        set_total(f, f->source.number);
}
