/* SPDX-License-Identifier: MIT */
/*
 * count.c - the number of URLs.
 *
 * Short lists are counted before the first request.  Long ones are counted in a thread while the run goes on, so that it
 * need not wait; the total is known when that is over, or when the source has come to its end.
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include <bide/error.h>

#include "cli/fetch/plan/plan.h"

#define SHORT ((int64_t)1 << 20) /* bytes of all lists: milliseconds */

struct count {
    struct fetch *f;
    uint64_t entries;
    struct list_rules rules; /* its own: a thread reads with them */
    struct list list;
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

static struct count *new_count(struct fetch *f)
{
    struct count *c = calloc(1, sizeof *c);

    if (c) {
        c->f = f;
        c->rules = f->source.rules;
        c->rules.heads = NULL;
    }
    return c;
}

static void free_count(struct count *c)
{
    if (c)
        columns_free_all(c->rules.heads);
    free(c);
}

static int count_entries(struct count *c)
{
    struct list_entry e;

    for (;;) {
        int got = list_next(&c->list, &e);
        if (got == LIST_END || got == LIST_REFUSED)
            return 0;
        c->entries += got == LIST_GOT || got == LIST_BAD;
        free(e.extras);
        if (got != LIST_MORE)
            continue;
        int code = atomic_load_explicit(&c->f->count_is_over, memory_order_relaxed) ? BIDE_ECANCELED : lines_fill(&c->list.lines);
        if (code == -EBADMSG) /* damaged: that is said when it has come so far */
            list_cut(&c->list);
        else if (code < 0)
            return code;
    }
}

/* Is it there, at least? */
static int count_list(struct count *c, const char *path, bool only_open)
{
    int code = list_open(&c->list, path, &c->rules);
    if (code != EXIT_OK)
        return EXIT_USAGE;

    /* A directory opens, and cannot be read. */
    if ((only_open ? lines_fill(&c->list.lines) : count_entries(c)) < 0) {
        say("%s", bide_error_text());
        code = EXIT_USAGE;
    }
    list_close(&c->list);
    return code;
}

int fetch_count_lists(struct fetch *f, bool all)
{
    const struct opt_list *lists = &f->options->inputs;
    struct count *c = new_count(f);
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
        if (is_file(lists->items[i], &size))
            code = count_list(c, lists->items[i], !is_short);
    }
    if (code == EXIT_OK)
        f->stats.total += c->entries;
    free_count(c);
    return code;
}

/* ---- while it runs ---- */

/* In a thread. */
static int count_all(struct count *c)
{
    const struct opt_list *lists = &c->f->options->inputs;

    for (size_t i = 0; i < lists->len; i++) {
        if (list_open(&c->list, lists->items[i], &c->rules) != EXIT_OK)
            return -EIO;
        int code = count_entries(c);
        list_close(&c->list);
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
    struct count *c = new_count(f);
    if (!c)
        return 0; /* nobody needs it */

    if (bide_to_thread(bide_coro(count_all, c)) == 0 && !f->stats.is_total_known)
        set_total(f, f->of_patterns + c->entries);
    free_count(c);
    return 0;
}

void fetch_count_is_known(struct fetch *f)
{
    if (f->source.is_complete && !f->stats.is_total_known)
        set_total(f, f->source.number);
}
