/* SPDX-License-Identifier: MIT */
/*
 * serve.h - between the files of `bide serve`, a server to try clients against.
 *
 * In reading order: command.c (the options), serve.c (signals, the end), routes.c (which path is whose),
 * endpoints.c, bytes.c and echo.c (what they answer), answer.c (with what), files.c (--root), partial.c (ranges and
 * conditions).
 */
#ifndef BIDE_CLI_SERVE_SERVE_H
#define BIDE_CLI_SERVE_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#include <bide/server.h>

#include "cli/cli.h"

struct serve_options {
    const char *host;                 /* NULL: 127.0.0.1 */
    int port;                         /* 0: any */
    int threads;                      /* 0: one for each processor */
    int64_t delay_ms;                 /* before every answer but /stats */
    const char *root;                 /* NULL: no files */
    const char *cert_file, *key_file; /* key_file NULL: it is in cert_file */
    bool verbose;                     /* a line for each request */
};

struct serve {
    struct serve_options options;
    bide_server *server;
    int root_fd; /* -1: no files */
    int flushed; /* not EXIT_OK: the first line could not be written */
};

/* Serve until a signal comes.  Returns: -signal, or EXIT_LOCAL after a message. */
int serve_run(const struct serve_options *options);

/* ---- routes.c ---- */

/* The handler of every request; arg is the struct serve. */
int serve_request(bide_exchange *x, void *arg);

/* ---- answer.c: what several endpoints need ---- */

/* An answer in JSON that says what is wrong. */
int serve_refuse(bide_exchange *x, int status, const char *why);
struct json_t;
/* Answer with a document, which is taken; NULL: there was no memory for it. */
int serve_document(bide_exchange *x, struct json_t *doc);
/* Digits only, 0 to max. */
bool serve_read_number(const char *text, int64_t max, int64_t *out);
/* Well mixed bits of n: the same on every machine. */
uint64_t serve_mix(uint64_t n);

/* ---- endpoints.c: rest is the path behind the endpoint's name ---- */

typedef int serve_endpoint(struct serve *s, bide_exchange *x, const char *rest);

serve_endpoint serve_index, serve_delay, serve_status, serve_bytes, serve_json, serve_echo, serve_redirect, serve_stream,
    serve_gzip, serve_stats, serve_pagelist;

/* ---- partial.c: conditions and ranges ---- */

/* What can be asked for in parts. */
struct serve_content {
    const char *type;
    int64_t size;
    int64_t modified;    /* seconds since 1970; -1: not known */
    char tag[64];        /* strong, with its quotes; "": it is not said that parts can be had, but they can */
    int64_t first, last; /* what is wanted of it; last < first: nothing */
};

/*
 * Begin to answer with it, whole or a part, or say that it has not changed, ...
 *
 * Suspends:  as bide_respond
 * Returns:   0; if *has_body, bytes first to last and bide_respond_end are to follow
 * Errors:    as bide_respond_begin
 */
int serve_begin(bide_exchange *x, struct serve_content *c, bool *has_body);

enum serve_range { RANGE_NONE, RANGE_PART, RANGE_NOT_THERE };

/* A field Range: one part of so many bytes; RANGE_NONE: several, or none that can be read. */
enum serve_range serve_read_range(const char *text, int64_t size, int64_t *first, int64_t *last);

/* ---- files.c ---- */

/* Open the directory: a descriptor, or -1 after a message. */
int serve_files_open(const char *root);
int serve_file(struct serve *s, bide_exchange *x);

#endif
