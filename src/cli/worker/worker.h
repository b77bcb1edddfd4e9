/* SPDX-License-Identifier: MIT */
/* worker.h - `bide worker`: become a program that serves a queue in Redis. */
#ifndef BIDE_CLI_WORKER_WORKER_H
#define BIDE_CLI_WORKER_WORKER_H

#include "cli/cli.h"

struct worker_options {
    const char *name; /* NULL: the URL has it */
    int workers;      /* 0: as many as there are processors */
    bool unchecked;
};

/* argv is the program and its arguments, ended by NULL.  Returns only if it could not be started. */
int worker_run(const struct worker_options *o, const char *url, char **argv);

#endif
