/* SPDX-License-Identifier: MIT */
/*
 * fetch_source.c - the next URL: out of the patterns of the command line, then out of the lists.
 *
 * A list is read in a thread, because a pipe or a terminal may have nothing to give for a long time.
 */
#include <string.h>

#include "cli/fetch.h"

/* The next of the patterns; false: they are used up. */
static bool next_of_patterns(struct source *s, struct job *job)
{
    while (s->glob_at < s->nglobs && s->k == s->globs[s->glob_at].count) {
        s->glob_at++;
        s->k = 0;
    }
    if (s->glob_at == s->nglobs)
        return false;
    job->pattern = s->glob_at;
    job->k = s->k++;
    glob_add_nth(&s->globs[job->pattern], job->k, &job->url);
    return true;
}

/* ---- lists ---- */

static void close_list(struct source *s)
{
    if (!s->lines)
        return;
    backlog_forget_file(s);
    lines_close(s->lines);
    free(s->lines);
    s->lines = NULL;
}

static int open_list(struct fetch *f)
{
    struct source *s = &f->source;

    s->lines = calloc(1, sizeof *s->lines);
    if (s->lines)
        return lines_open(s->lines, *s->inputs) == EXIT_OK ? 0 : -EIO;
    report_say(f, "%s: out of memory", *s->inputs);
    return BIDE_ENOMEM;
}

static int fill_list(struct fetch *f, struct lines *l)
{
    int code = bide_to_thread(bide_coro(lines_fill, l));

    if (code < 0 && !f->stopping)
        report_say(f, "%s", bide_error_text());
    return f->stopping ? 0 : code;
}

/* 1: *job has a line; 0: this list is over. */
static int next_of_list(struct fetch *f, struct job *job)
{
    struct lines *l = f->source.lines;
    char *line;
    size_t len;

    for (;;) {
        int got = lines_next(l, &line, &len, &job->fault);
        job->line = l->number;
        job->list = l->name;
        job->pattern = -1;
        f->source.begin = l->begin;
        f->source.end = l->offset;
        if (got == LINES_GOT)
            text_add(&job->url, line, len);
        if (got == LINES_GOT || got == LINES_BAD)
            return 1;
        int code = got == LINES_END || f->stopping ? 0 : fill_list(f, l);
        if (got == LINES_END || f->stopping || code < 0)
            return code;
    }
}

static int next_of_lists(struct fetch *f, struct job *job)
{
    struct source *s = &f->source;

    for (;;) {
        if (!s->lines && (!s->inputs || !*s->inputs))
            return 0;
        if (!s->lines) {
            int code = open_list(f);
            if (code < 0)
                return code;
        }
        int got = next_of_list(f, job);
        if (got != 0)
            return got;
        close_list(s);
        s->inputs++;
    }
}

int source_next(struct fetch *f, struct job *job)
{
    struct source *s = &f->source;

    if (s->at_end)
        return 0;
    text_clear(&job->url);
    job->fault = NULL;
    job->list = NULL;
    int got = next_of_patterns(s, job) ? 1 : next_of_lists(f, job);
    if (got > 0)
        job->number = s->number++;
    s->at_end = got <= 0;
    s->is_complete = got == 0 && !f->stopping;
    return got;
}

void source_stop(struct source *s)
{
    s->at_end = true;
    if (s->lines)
        lines_stop(s->lines);
}

void source_close(struct source *s)
{
    close_list(s);
    for (int i = 0; i < s->nglobs; i++)
        glob_free(&s->globs[i]);
    free(s->globs);
    free(s->bindings);
    *s = (struct source){0};
}
