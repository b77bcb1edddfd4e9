/* SPDX-License-Identifier: MIT */
/*
 * progress.c - what is going on: a line that moves on a terminal, one line in the beginning elsewhere.
 *
 *     bide compare: fake-async, run 1 of 5, 43 of 100 requests, about 21 s left
 */
#include "cli/compare/run/run.h"
#include "cli/progress/progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void compare_progress_open(struct compare_progress *p, bool quiet)
{
    const char *term = getenv("TERM");

    *p = (struct compare_progress){.is_quiet = quiet};
    p->is_terminal = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static void write_line(const struct text *t)
{
    if (!t->no_memory && write(STDERR_FILENO, t->data, t->len) < 0)
        return; /* the terminal is gone, and the line with it */
}

int compare_whole_seconds(int64_t us)
{
    return us > 0 ? (int)((us + 999999) / 1000000) : 0;
}

void compare_progress_tick(const struct compare *c)
{
    struct compare_progress *p = c->progress;
    struct text line = {0};

    if (p->is_quiet || !p->is_terminal || !p->mode)
        return;
    int64_t passed = clock_us() - p->began_us;
    int64_t left = p->left_us + (p->run_us > passed ? p->run_us - passed : 0);
    text_format(&line, "\rbide compare: %s, run %d of %d, ", p->mode, p->run, p->runs);
    text_format(&line, "%lu of %d requests, about %d s left\033[K", atomic_load(&c->shared->done), c->n,
                compare_whole_seconds(left));
    write_line(&line);
    text_free(&line);
    p->is_shown = true;
}

void compare_progress_erase(struct compare_progress *p)
{
    static const char erase[] = "\r\033[K";

    if (p->is_shown && write(STDERR_FILENO, erase, sizeof erase - 1) < 0)
        return; /* the terminal is gone, and the line with it */
    p->is_shown = false;
}
