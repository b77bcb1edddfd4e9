/* SPDX-License-Identifier: MIT */
/*
 * source.c - the next URL: out of the patterns of the command line, then out of the lists.
 *
 * A list is read in a thread, because a pipe or a terminal may have nothing to give for a long time.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/schedule/inside.h"

#define MESSAGE 3500

BIDE_PRINTF(3, 4) static void complain(const struct source *s, bool is_failure, const char *format, ...)
{
    char text[MESSAGE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    s->say(s->arg, is_failure, text);
}

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
    if (!s->list)
        return;
    backlog_forget_file(s);
    list_close(s->list);
    free(s->list);
    s->list = NULL;
}

static int open_list(struct source *s)
{
    s->list = malloc(sizeof *s->list);
    if (s->list)
        return list_open(s->list, *s->inputs, &s->rules) == EXIT_OK ? 0 : -EIO;
    complain(s, true, "%s: out of memory", *s->inputs);
    return BIDE_ENOMEM;
}

/* What cannot be read ends the list, after a message.  Returns: 0, or no memory. */
static int fill_list(struct source *s)
{
    int code = bide_to_thread(bide_coro(lines_fill, &s->list->lines));

    if (code >= 0 || s->is_stopped)
        return 0;
    complain(s, true, "%s", bide_error_text());
    if (code == BIDE_ENOMEM)
        return code;
    s->is_broken = true;
    s->is_refused |= code == -EBADMSG;
    list_cut(s->list);
    return 0;
}

void source_set_extras(struct job *job, struct list_entry *e, int got)
{
    job->fault = NULL;
    job->has_bad_name = false;
    if (e->len > 0)
        text_add(&job->url, e->url, e->len);
    if (got == LIST_BAD) {
        job->url.no_memory |= e->fault == extras_no_memory; /* then it is not the entry's fault */
        free(e->extras); /* it is not asked for; its fault is kept in their place */
        job->fault = extras_keep_fault(e->fault, &e->extras);
        job->url.no_memory |= job->fault == extras_no_memory;
    }
    job->extras = e->extras;
}

static void note_entry(struct source *s, struct job *job, struct list_entry *e, int got)
{
    source_set_extras(job, e, got);
    job->line = e->line;
    job->list = s->list->lines.name;
    job->pattern = -1;
    s->begin = e->begin;
    s->end = e->end;
    s->form = e->form;
    s->columns = e->columns;
    s->claim(s->arg, job);
}

/* The whole list is something else: nothing of it is asked for.  Returns: 0, or no memory. */
static int refuse_list(struct source *s, const struct list_entry *e)
{
    complain(s, true, "%s:%llu: %s", s->list->lines.name, (unsigned long long)e->line, e->fault);
    if (e->fault == extras_no_memory)
        return BIDE_ENOMEM;
    s->is_broken = s->is_refused = true;
    return 0;
}

/* An option that is passed over, the first time. */
static void say_ignored(struct source *s, const struct list_entry *e)
{
    uint64_t bit = UINT64_C(1) << (aria2_ignored_number(e->fault) % 64);

    if (!(s->notes & bit) && !s->is_quiet)
        complain(s, false, "%s:%llu: %s= of aria2 means nothing here; it is passed over", s->list->lines.name,
                   (unsigned long long)e->line, e->fault);
    s->notes |= bit;
}

/* 1: *job has an entry; 0: this list is over. */
static int next_of_list(struct source *s, struct job *job)
{
    struct list *l = s->list;
    struct list_entry e;

    while (!s->is_stopped) {
        int got = list_next(l, &e);
        if (got == LIST_GOT || got == LIST_BAD) {
            note_entry(s, job, &e, got);
            return 1;
        }
        if (got == LIST_END || got == LIST_REFUSED)
            return got == LIST_REFUSED ? refuse_list(s, &e) : 0;
        if (got == LIST_NOTE)
            say_ignored(s, &e);
        int code = got == LIST_MORE ? fill_list(s) : 0;
        if (code < 0)
            return code;
    }
    return 0;
}

static int next_of_lists(struct source *s, struct job *job)
{
    for (;;) {
        if (!s->list && (!s->inputs || !*s->inputs))
            return 0;
        if (!s->list) {
            int code = open_list(s);
            if (code < 0)
                return code;
        }
        int got = next_of_list(s, job);
        if (got != 0)
            return got;
        close_list(s);
        s->inputs++;
    }
}

int source_next(struct source *s, struct job *job)
{
    if (s->at_end)
        return 0;
    text_clear(&job->url);
    job->fault = NULL;
    job->list = NULL;
    job->extras = NULL;
    int got = next_of_patterns(s, job) ? 1 : next_of_lists(s, job);
    if (got > 0)
        job->number = s->number++;
    s->at_end = got <= 0;
    s->is_complete = got == 0 && !s->is_stopped && !s->is_broken;
    return got;
}

void source_stop(struct source *s)
{
    s->at_end = s->is_stopped = true;
    if (s->list)
        lines_stop(&s->list->lines);
}

void source_close(struct source *s)
{
    close_list(s);
    for (int i = 0; i < s->nglobs; i++)
        glob_free(&s->globs[i]);
    free(s->globs);
    free(s->bindings);
    list_rules_free(&s->rules);
    *s = (struct source){0};
}
