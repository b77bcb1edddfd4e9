/* SPDX-License-Identifier: MIT */
/*
 * fetch.h - `bide fetch`: workers, from the first to the last.
 *
 *     source ---> queue ---> worker 1..c ---> file, jsonl, summary
 *                   ^            |
 *                   +-- retry ---+
 *
 * In reading order: command.c (the options), fetch.c (from start to end), plan/ (what can be known before the first
 * request), schedule/ (which URL may start now), worker.c (one URL after the other), redirects.c, save/ (into files),
 * settle.c (and then?), report/ (what is said).
 *
 * Invariant (others stand in schedule/queue.h):
 *   F4  done = ok + failed + skipped; a job is counted once, when it is settled.
 */
#ifndef BIDE_CLI_FETCH_FETCH_H
#define BIDE_CLI_FETCH_FETCH_H

#include "cli/fetch/context.h"

/* ---- fetch.c ---- */

/* Returns: an exit code, or a signal negated. */
int fetch_run(const struct fetch_options *options, int n, char **urls);

/* ---- redirects.c ---- */

/* Before the session is made. */
void fetch_watch_redirects(struct fetch *f);
/* Send the request of w->job.  Suspends.  Returns: as bide_request */
bide_response *fetch_ask(struct worker *w);
/* The request failed without an answer, with this error: what is known of where it came to, into w->outcome. */
void fetch_note_trail(struct worker *w, const bide_error_info *e);

/* ---- worker.c, settle.c ---- */

/* The attempt is over: another one is to come, or w->job has ended for good. */
void fetch_settle(struct worker *w);
/* A new worker if there may be more, and there is work for it. */
void fetch_grow(struct fetch *f);

#endif
