/* SPDX-License-Identifier: MIT */
/*
 * get.h - between command_get.c (the options) and get.c (the work).
 */
#ifndef BIDE_CLI_GET_H
#define BIDE_CLI_GET_H

#include "cli/request.h"

struct get_options {
    struct http_options http;
    bool heads;          /* before each body: status and fields of its answer */
    bool raw;            /* a terminal gets what a file would */
    bool verbose;        /* mention what was odd about an answer */
    bool fail;           /* a status of 400 or more is a failure */
    int concurrency;     /* requests at once */
    int64_t max_time_ms; /* for everything; 0: no limit */
};

/* Bodies to standard output.  Returns: an exit code, or -SIGPIPE. */
int get_run(const struct get_options *options, int n, char **urls);

#endif
