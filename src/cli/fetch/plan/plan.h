/* SPDX-License-Identifier: MIT */
/*
 * plan.h - checks before the first request.
 */
#ifndef BIDE_CLI_FETCH_PLAN_PLAN_H
#define BIDE_CLI_FETCH_PLAN_PLAN_H

#include "cli/fetch/context.h"

/* ---- plan.c ---- */

/* What can be known to be wrong before the first request, without reading long lists.  Returns: EXIT_OK, else after a message. */
int fetch_plan(struct fetch *f, int n, char **urls);
/* The same, of what the options say about requests; of lists it is not known. */
int fetch_check_users(struct fetch *f);
void fetch_plan_free(struct fetch *f);

/* ---- dry_run.c ---- */

/* To stdout. */
int fetch_print_plan(struct fetch *f);

/* ---- clash.c ---- */

/*
 * Do URLs get the same name, among the first that are known, or with --dry-run among all?
 *
 * Returns:   EXIT_OK; EXIT_USAGE after a message
 */
int fetch_check_clashes(struct fetch *f);

/* ---- count.c ---- */

/* How many URLs do the lists have?  Those that are short, or all of them: it is known at once. */
int fetch_count_lists(struct fetch *f, bool all);
/* A coroutine: the others, while the run goes on. */
int fetch_count(struct fetch *f);
/* The source is at its end. */
void fetch_count_is_known(struct fetch *f);

/* ---- lists.c: what is known of lists before they are read ---- */

/* --input-format, --columns.  Returns: EXIT_OK; EXIT_USAGE after a message. */
int fetch_read_rules(struct fetch *f);
/* Which variables of -o are columns? */
int fetch_bind_columns(struct fetch *f);
/* Can it be read more than once? */
bool fetch_list_is_file(const char *path);

/* ---- url_key.c: which URLs are the same ---- */

/* A hash of the job's URL, the same for one that is written in another way; 0: it is none. */
uint64_t repeats_key(const struct fetch *f, const struct job *job);
/* The same, made anew. */
uint64_t repeats_new_key(const struct fetch *f, const struct job *job);
/* Who may have the name that a list gives: lines with the same request, or where that would be asked twice, the line alone. */
uint64_t repeats_owner(const struct fetch *f, const struct job *job);

/* ---- outputs.c: bodies, records, the summary ---- */

/* May they go where they are to go, and not into each other?  Returns: EXIT_OK; EXIT_USAGE after a message. */
int fetch_check_outputs(const struct fetch_options *o, bool bodies_to_stdout);
/* Would a body under this name replace what the run writes or reads?  Returns: NULL, or what. */
const char *fetch_output_in_way(const struct fetch_options *o, const char *name);
/* Can --report be written?  Returns: EXIT_OK, EXIT_LOCAL after a message. */
int report_check(const struct fetch_options *o);

#endif
