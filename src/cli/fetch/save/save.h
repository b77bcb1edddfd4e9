/* SPDX-License-Identifier: MIT */
/*
 * save.h - the body of an answer into its file.
 */
#ifndef BIDE_CLI_FETCH_SAVE_SAVE_H
#define BIDE_CLI_FETCH_SAVE_SAVE_H

#include <bide/file.h>

#include "cli/fetch/context.h"

/*
 * The body of the answer for w->job to where it belongs: w->name, standard output, nowhere.
 *
 * Suspends:  until it is there; a cancellation point
 * Returns:   how many bytes
 * Errors:    those of bide_body, and of files; w->outcome.is_local then
 */
int64_t fetch_save(struct worker *w, bide_response *r);

/* ---- resume.c ---- */

/* Before it is asked for: the file of which a part may be here; NULL: --continue has nothing to do with this one. */
const char *fetch_find_part(struct worker *w);
/* As fetch_save, of one that has been asked for with that. */
int64_t fetch_save_part(struct worker *w, bide_response *r, bool wants_digest);

/* ---- spool.c ---- */

/* A file for a body that has no name yet; and under w->name, once it has.  Suspend. */
bide_file *fetch_spool_open(const struct fetch *f);
int fetch_spool_save(struct worker *w, bide_file *spool);

/* ---- place.c: names below the root ---- */

/* Close, and give the name that it has below the root, as --durability asks.  Owns: file is taken. */
int fetch_close_durably(const struct fetch *f, bide_file *file, const char *path);

/* "a/b" of "a/b/c", if that is there and no directory: how long it is; 0: nothing is in the way. */
size_t fetch_file_in_way(const char *path, size_t len);

/* ---- copy.c ---- */

/* The file of this name, once more as w->name.  Suspends.  Returns: 0, or an error on record. */
int fetch_copy(struct worker *w, const struct text *from);

/* ---- existing.c ---- */

/* Is there a file of the job's name?  Its size; -1: no.  It leaves the name in w->name.  Suspends. */
int64_t fetch_find_existing(struct worker *w, const struct job *job);

#endif
