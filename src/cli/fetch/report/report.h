/* SPDX-License-Identifier: MIT */
/*
 * report.h - the reports of a run: on each URL, while it goes on, at its end; and ending it early.
 */
#ifndef BIDE_CLI_FETCH_REPORT_REPORT_H
#define BIDE_CLI_FETCH_REPORT_REPORT_H

#include "cli/fetch/context.h"

/* ---- messages.c ---- */

/* "list.txt:17: ", of a job that is one of a list. */
void report_add_place(struct text *to, const struct job *job);
/* A message that is not about one URL; and of a failure, which is red where there is colour. */
void report_say(struct fetch *f, const char *format, ...) BIDE_PRINTF(2, 3);
void report_failure(struct fetch *f, const char *format, ...) BIDE_PRINTF(2, 3);
/* A URL as it may be shown: without user name and password.  Otherwise every byte is as it was given. */
void report_add_url(struct text *to, const char *url);

/* ---- stop.c: the end before all is done ---- */

/* No new requests; those that run may end. */
void fetch_stop(struct fetch *f);
/* The same, because this machine cannot go on. */
void fetch_fail(struct fetch *f, int exit_code);
/* The same, with the error on record as the reason; it is said. */
void fetch_fail_here(struct fetch *f);

/* ---- limit.c ---- */

/* Returns: EXIT_OK; EXIT_USAGE after a message. */
int fetch_read_limit(struct fetch *f);
/* A URL has failed for good: is it one too many?  Then the run stops, after a message. */
void fetch_check_limit(struct fetch *f);

/* ---- view.c ---- */

void transfer_begin(struct fetch *f, struct transfer *t, const struct text *name, struct job *job, int64_t length);
void transfer_add(struct fetch *f, struct transfer *t, size_t bytes);
void transfer_end(struct fetch *f, struct transfer *t);
/* What the progress line shows, as it is now. */
struct progress_view report_view(const struct fetch *f);

/* ---- report.c: what is reported of each URL ---- */

/* A job has ended for good: that of w, or one that repeats its URL. */
void report_settled(struct worker *w, const struct job *job, const struct outcome *o);
/* That of w is tried again. */
void report_retry(struct worker *w, int64_t delay_ms);
/* Its host is given up, and so are the other URLs that wait for it. */
void report_lost(struct fetch *f, const struct job *job);
void report_skipped(struct fetch *f, const struct job *job);
/* Says so if URLs of the run have no line in --jsonl: it was stopped, or could not write. */
bool report_missing_records(const struct fetch *f);

/* ---- record.c: a line of --jsonl for each URL ---- */

/* file: NULL: none was saved; why: the message, of a failure. */
void record_add(struct fetch *f, const struct job *job, const struct outcome *o, const char *file, const char *why);
/* When it began, "2026-11-22T09:41:07.123456Z", by clock_us. */
void record_add_moment(struct text *t, const char *name, int64_t us);

/* ---- summary.c ---- */

/* From when it was asked to the first byte of the answer. */
int64_t timing_answer_us(const bide_timing *t);
void stats_add_timing(struct stats *s, const bide_timing *t);
/* The summary, to stderr. */
void summary_print(const struct fetch *f);
/* One of its lines, without its end; with pieces in lines of their own if it is wider; 0: of any width. */
void summary_add_line(const struct text *line, int width, struct text *to);

/* ---- summary_json.c: the numbers of the run, as JSON ---- */

/* f->summary, as things are. */
void summary_make(struct fetch *f);
/* It, as the last line of --jsonl. */
void summary_record(struct fetch *f);
/* f->summary as --report wants it; outside of the loop.  Returns: EXIT_OK, EXIT_LOCAL after a message, -SIGPIPE. */
int report_write(const struct fetch *f);

/* ---- stopped.c ---- */

/* A signal has stopped it: what is not done, and how to go on. */
void report_stopped(struct fetch *f);

#endif
