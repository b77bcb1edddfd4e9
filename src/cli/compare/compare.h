/* SPDX-License-Identifier: MIT */
/*
 * compare.h - `bide compare`, from the options to the verdict.
 *
 * In reading order: context.h (a comparison), command.c (the options), compare.c (from start to end), plan.c (the
 * URLs, the modes, the files to write), run/ (each run a process), judge.c (is it fair?), report/, file.c (files
 * that are left).
 */
#ifndef BIDE_CLI_COMPARE_COMPARE_H
#define BIDE_CLI_COMPARE_COMPARE_H

#include "cli/compare/context.h"

/* Returns: an exit code, or -signal. */
int compare_run_command(const struct compare_options *options);

/* ---- plan.c ---- */

/* Read and check what can be known before the first request.  Returns: an exit code; after a message if not EXIT_OK. */
int compare_plan(struct compare *c);
bool compare_mode_is_at_hand(const struct compare_mode *m); /* what it needs is installed */
/* The URLs, when the server's is known.  Returns: likewise. */
int compare_plan_urls(struct compare *c);
void compare_plan_free(struct compare *c);
/* How long a run of a mode will take, estimated from the first answer. */
int64_t compare_estimate_us(const struct compare *c, const struct compare_mode *mode);

/* ---- file.c: files that are written at the end, and known to be writable at the start ---- */

/* Returns: EXIT_OK, or EXIT_USAGE after a message.  path NULL, "-": nothing to check. */
int compare_file_check(const char *option, const char *path);
/* Write all of it, under the final name at once; "-": to standard output.  Returns: EXIT_OK, or after a message. */
int compare_file_save(const char *path, const struct text *t);

/* ---- judge.c ---- */

void compare_judge(struct compare *c);
/* Did all go well?  Returns: EXIT_OK, EXIT_SOME_FAILED, or EXIT_NOTHING. */
int compare_verdict(const struct compare *c);

#endif
