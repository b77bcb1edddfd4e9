/* SPDX-License-Identifier: MIT */
/*
 * source.c - the next URL: out of the patterns of the command line, then out of the lists.
 *
 * A list is read in a thread, because a pipe or a terminal may have nothing to give for a long time.
 */
#include <errno.h>
#include <string.h>

#include "cli/fetch/fetch.h"

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

static int open_list(struct fetch *f)
{
    struct source *s = &f->source;

    s->list = malloc(sizeof *s->list);
    if (s->list)
        return list_open(s->list, *s->inputs, &s->rules) == EXIT_OK ? 0 : -EIO;
    report_failure(f, "%s: out of memory", *s->inputs);
    return BIDE_ENOMEM;
}

/* What cannot be read ends the list, after a message.  Returns: 0, or no memory. */
static int fill_list(struct fetch *f)
{
    int code = bide_to_thread(bide_coro(lines_fill, &f->source.list->lines));

    if (code >= 0 || f->stopping)
        return 0;
    report_failure(f, "%s", bide_error_text());
    if (code == BIDE_ENOMEM)
        return code;
    f->source.is_broken = true;
    f->source.is_refused |= code == -EBADMSG;
    list_cut(f->source.list);
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

static void note_entry(struct fetch *f, struct job *job, struct list_entry *e, int got)
{
    struct source *s = &f->source;

    source_set_extras(job, e, got);
    job->line = e->line;
    job->list = s->list->lines.name;
    job->pattern = -1;
    s->begin = e->begin;
    s->end = e->end;
    s->form = e->form;
    s->columns = e->columns;
    fetch_claim_list_name(f, job);
}

/* The whole list is something else: nothing of it is asked for.  Returns: 0, or no memory. */
static int refuse_list(struct fetch *f, const struct list_entry *e)
{
    report_failure(f, "%s:%llu: %s", f->source.list->lines.name, (unsigned long long)e->line, e->fault);
    if (e->fault == extras_no_memory)
        return BIDE_ENOMEM;
    f->source.is_broken = f->source.is_refused = true;
    return 0;
}

/* An option that is passed over, the first time. */
static void say_ignored(struct fetch *f, const struct list_entry *e)
{
    uint64_t bit = UINT64_C(1) << (aria2_ignored_number(e->fault) % 64);

    if (!(f->source.notes & bit) && !f->options->quiet)
        report_say(f, "%s:%llu: %s= of aria2 means nothing here; it is passed over", f->source.list->lines.name,
                   (unsigned long long)e->line, e->fault);
    f->source.notes |= bit;
}

/* 1: *job has an entry; 0: this list is over. */
static int next_of_list(struct fetch *f, struct job *job)
{
    struct list *l = f->source.list;
    struct list_entry e;

    while (!f->stopping) {
        int got = list_next(l, &e);
        if (got == LIST_GOT || got == LIST_BAD) {
            note_entry(f, job, &e, got);
            return 1;
        }
        if (got == LIST_END || got == LIST_REFUSED)
            return got == LIST_REFUSED ? refuse_list(f, &e) : 0;
        if (got == LIST_NOTE)
            say_ignored(f, &e);
        int code = got == LIST_MORE ? fill_list(f) : 0;
        if (code < 0)
            return code;
    }
    return 0;
}

static int next_of_lists(struct fetch *f, struct job *job)
{
    struct source *s = &f->source;

    for (;;) {
        if (!s->list && (!s->inputs || !*s->inputs))
            return 0;
        if (!s->list) {
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
    job->extras = NULL;
    int got = next_of_patterns(s, job) ? 1 : next_of_lists(f, job);
    if (got > 0)
        job->number = s->number++;
    s->at_end = got <= 0;
    s->is_complete = got == 0 && !f->stopping && !s->is_broken;
    return got;
}

void source_stop(struct source *s)
{
    s->at_end = true;
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
