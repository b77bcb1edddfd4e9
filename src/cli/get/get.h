/* SPDX-License-Identifier: MIT */
/*
 * get.h - between command.c (the options), get.c (the work), output.c (where bodies go), resume.c (of which a part is here) and
 * progress.c.
 */
#ifndef BIDE_CLI_GET_GET_H
#define BIDE_CLI_GET_GET_H

#include <bide/file.h>
#include <bide/task.h>

#include "cli/pattern/glob.h"
#include "cli/progress/progress.h"
#include "cli/request/request.h"

struct get_options {
    struct http_options http;
    const char *output;  /* a file for all bodies; "-": standard output, whatever they are; NULL: unless they are binary */
    const char *continue_at; /* "-", or the first byte that is asked for; NULL: all of them */
    bool no_progress;
    bool no_glob;        /* [] and {} in URLs are nothing special */
    bool heads;          /* before each body: status and fields of its answer */
    bool raw;            /* a terminal gets what a file would */
    bool fail;           /* a status of 400 or more is a failure */
    int concurrency;     /* requests at once */
    int64_t max_time_ms; /* for everything; 0: no limit */
};

/* Bodies to standard output.  Returns: an exit code, or -SIGPIPE. */
int get_run(const struct get_options *options, int n, char **urls);

/* ---- resume.c ---- */

struct get_resume {
    const char *part_of; /* the file that is made of what an earlier run has left; NULL: not that */
    int64_t from;        /* the first byte that is asked for */
    bool is_range;       /* it is */
    bool appends;        /* to a file that is there */
    const char **headers; /* owned */
    char range[48];
};

/* What --continue says; the options get a header more.  Returns: EXIT_OK, else after a message; then, too, close it. */
int get_resume_open(struct get_resume *r, struct get_options *o, uint64_t urls);
void get_resume_close(struct get_resume *r);
/* Is there something of its file that the next run can go on with? */
bool get_resume_has_part(const struct get_resume *r);
/* Is this what was asked for?  *is_done: nothing is missing.  Returns: 0, or an error on record. */
int get_resume_check(const struct get_resume *r, bide_response *answer, bool *is_done);

/* ---- output.c ---- */

struct get_output {
    const char *path;  /* of the file; NULL: standard output */
    bide_file *file;
    bool refuses_binary; /* a terminal reads it, and nobody asked for that */
};

/* In the loop.  Returns: 0, or an error on record. */
int get_output_open(struct get_output *o, const struct get_options *options, const struct get_resume *resume);
/* As output_write and output_end; the file gets its name in the end, if is_whole. */
int get_output_write(struct get_output *o, const void *data, size_t len);
int get_output_end(struct get_output *o, bool is_whole);
/* The first piece of a body: is it nothing for who reads it?  Then the error is on record. */
int get_output_check(const struct get_output *o, const char *method, const char *url, const char *type, const char *data, size_t len);

/* ---- progress.c: the line for a large body, if a terminal shows messages, and bodies go elsewhere ---- */

/* What has come of a body. */
struct get_flow {
    const char *url;
    uint64_t received;
    int64_t length; /* -1: not known */
};

struct get_progress {
    struct progress progress;
    bool is_on;
    int64_t began_us;
    uint64_t total, done, failed, received; /* URLs; bytes of all bodies */
    const struct get_flow *flow; /* of the body whose turn it is; NULL: of none */
    char shown[256];             /* its URL */
};

void get_progress_open(struct get_progress *p, const struct get_options *options, uint64_t n);
/* A coroutine: shows it, until it is cancelled. */
int get_progress_run(struct get_progress *p);
/* ---- urls.c ---- */

struct get_urls {
    struct glob *globs;
    int n, at;
    uint64_t k, total;
};

/* Returns: EXIT_OK, else after a message; get_urls_close(u) frees what it holds, also then. */
int get_urls_open(struct get_urls *u, int n, char **patterns, bool literal);
/* Have they user and password, and so have the options?  Returns: EXIT_OK; EXIT_USAGE, EXIT_LOCAL after a message. */
int get_urls_check_users(const struct get_urls *u, const struct request *q);
/* The next one, of u->total. */
void get_urls_next(struct get_urls *u, struct text *url);
void get_urls_close(struct get_urls *u);

#endif
