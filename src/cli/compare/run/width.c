/* SPDX-License-Identifier: MIT */
/*
 * width.c - how many requests a mode has under way at the same time.
 *
 * A process may have only so many descriptors, and the modes differ in what they need: a connection is one, a thread of
 * a pool several.  One that cannot have as many at once as was asked for gets as many as it can, and that is reported
 * wherever its figures are; it does not fail for what is no fault of its way.
 */
#include "cli/compare/run/run.h"

#define WORKER_DESCRIPTORS 4 /* that the program holds for each worker process */

static int wanted_width(const struct compare *c, const struct compare_mode *mode)
{
    if (mode->is_wide)
        return c->at_once;
    return !mode->has_workers ? 1 : c->workers < c->n ? c->workers : c->n;
}

/* Of the process that opens the pool; its workers have tables of their own. */
static int workers_need(const struct compare *c, const struct compare_mode *mode)
{
    return mode->has_processes ? WORKER_DESCRIPTORS * c->workers : 0;
}

int compare_width(const struct compare *c, const struct compare_mode *mode)
{
    int wanted = wanted_width(c, mode), allowed = descriptors_allow(wanted * mode->descriptors) / mode->descriptors;

    return allowed < 1 ? 1 : allowed;
}

bool compare_is_narrowed(const struct compare *c, const struct compare_mode *mode)
{
    return compare_width(c, mode) < wanted_width(c, mode);
}

void compare_add_narrowed(const struct compare *c, struct text *to)
{
    for (int i = 0; i < c->nrows; i++) {
        const struct compare_mode *m = c->rows[i].mode;
        if (compare_is_narrowed(c, m))
            text_format(to, "%s%s %d", to->len > 0 ? ", " : "fewer at once, for lack of descriptors (ulimit -n): ",
                        m->name, compare_width(c, m));
    }
}

static bool can_run(const struct compare *c, const struct compare_mode *m)
{
    int workers = workers_need(c, m), least = workers > m->descriptors ? workers : m->descriptors;

    if (descriptors_allow(least) >= least)
        return true;
    if (workers > 0)
        say_note("%s: this process may not have the descriptors for %d workers (ulimit -n)", m->name, c->workers);
    else
        say_note("%s: this process may not have the descriptors for it (ulimit -n)", m->name);
    return false;
}

int compare_width_check(const struct compare *c)
{
    struct text narrowed = {0};

    for (int i = 0; i < c->nrows; i++)
        if (!can_run(c, c->rows[i].mode))
            return EXIT_LOCAL;
    compare_add_narrowed(c, &narrowed);
    if (narrowed.data && !narrowed.no_memory)
        say_note("%s", narrowed.data);
    text_free(&narrowed);
    return EXIT_OK;
}
