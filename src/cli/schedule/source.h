/* SPDX-License-Identifier: MIT */
/*
 * source.h - the next URL: out of the patterns of the command line, then out of the lists.
 */
#ifndef BIDE_CLI_SCHEDULE_SOURCE_H
#define BIDE_CLI_SCHEDULE_SOURCE_H

#include "cli/list/list.h"
#include "cli/pattern/template.h"
#include "cli/schedule/job.h"

struct list_file;

struct source {
    struct glob *globs;
    struct template_binding *bindings;
    int nglobs, glob_at;
    uint64_t k;
    const char *const *inputs; /* lists; NULL-ended, or NULL */
    struct list_rules rules;
    struct list *list;         /* the one being read */
    struct list_file *file;    /* the same, for runs (backlog.c); NULL: none is needed yet */
    int nfiles;                /* of lists with runs, that are open */
    uint64_t begin, end;       /* where in it the latest entry is */
    enum list_form form;       /* in which it is read again */
    const struct columns *columns;
    uint64_t notes;            /* options that were passed over: one bit each that was said */
    bool has_objects;          /* a list is one of JSON: what they have is known when they come */
    bool is_broken;            /* a list could not be read to its end */
    bool is_refused;           /* because of what it is */
    uint64_t number;
    bool at_end;
    bool is_complete;          /* it gave all that it had */
    bool is_stopped;
    bool is_quiet;             /* nothing is said of what is passed over */
    void (*say)(void *arg, bool is_failure, const char *text); /* a message */
    void (*claim)(void *arg, struct job *job); /* a list gives a name: it is taken, or its job has a fault then */
    void *arg;
};

/*
 * The next URL.  Suspends while a list has nothing to give.
 *
 * Returns:   1: *job is filled; 0: there are no more; or a negated errno value, after a message
 */
int source_next(struct source *s, struct job *job);
/* What an entry says besides its URL, or what is wrong with it, into its job, which owns it then. */
void source_set_extras(struct job *job, struct list_entry *e, int got);
/* No more: also who waits for standard input goes on. */
void source_stop(struct source *s);
void source_close(struct source *s);

#endif
