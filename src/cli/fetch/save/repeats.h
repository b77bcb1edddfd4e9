/* SPDX-License-Identifier: MIT */
/*
 * repeats.h - a URL that stands in the lists more than once is asked for once.
 */
#ifndef BIDE_CLI_FETCH_SAVE_REPEATS_H
#define BIDE_CLI_FETCH_SAVE_REPEATS_H

#include "cli/list/urlset.h"
#include "cli/schedule/job.h"

struct fetch;
struct worker;
struct outcome;

enum repeats_how { REPEATS_AUTO, REPEATS_ONCE, REPEATS_EACH, REPEATS_ERROR };

struct repeats {
    enum repeats_how how;
    bool is_auto;
    bool is_on;
    struct urlset urls;
    struct text names;          /* of files, and numbers: repeat_name.c */
    uint64_t passed;            /* jobs that were not asked for */
};

void repeats_open(struct fetch *f);
/* A job that may go: true: it is not to be asked for, and repeats_pass knows what to do with it. */
bool repeats_take(struct fetch *f, struct job *job);
void repeats_pass(struct worker *w, struct job *job);
/* It goes back to where others overtake it: one that repeats it may do the work. */
void repeats_release(struct fetch *f, struct job *job);
/* It has settled, and those that waited for it. */
void repeats_settle(struct worker *w, struct job *job, const struct outcome *o);
/* Those that still wait, one after the other; NULL: no more. */
struct job *repeats_left_over(struct fetch *f);

/* ---- repeat_name.c: the file of a URL that is repeated, and that of a line that repeats it ---- */

/* Would it have to be remembered, and is there no room left? */
bool repeats_cannot_name(const struct fetch *f, const struct job *job);
/* The job of this entry is saved as `name`.  Returns: 0, or no memory, on record. */
int repeats_remember(struct fetch *f, const struct job *job, struct urlset_entry *e, const struct text *name);
uint64_t repeats_first_number(const struct repeats *r, const struct urlset_entry *e);
/*
 * The file of a job whose URL was saved for another one: a copy, if it is called otherwise.  Suspends.
 *
 * Returns:   NULL: w->name is its name; else what is wrong
 */
const char *repeats_save(struct worker *w, struct job *job, const struct urlset_entry *e, struct outcome *o);

#endif
