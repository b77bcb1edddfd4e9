/* SPDX-License-Identifier: MIT */
/*
 * stats.h - the numbers of a run, and what is on its way.
 */
#ifndef BIDE_CLI_FETCH_REPORT_STATS_H
#define BIDE_CLI_FETCH_REPORT_STATS_H

#include <bide/histogram.h>
#include <bide/http.h>

#include "cli/fetch/report/outcome.h"
#include "cli/terminal/text.h"

struct job;

/* ---- what became of URLs ---- */

#define STATUSES 1000 /* bide_status() is below */

struct stats {
    uint64_t total;   /* URLs; when is_total_known */
    bool is_total_known;
    uint64_t started, done, ok, failed, skipped, retries, files, bytes, wire_bytes;
    uint64_t existing;                  /* of skipped: their files were there */
    uint64_t repeated, repeated_failed; /* of done and failed: those that were not asked for because another one was */
    uint64_t received;  /* bytes of bodies, also of those that are not complete or came to nothing */
    int live;
    uint64_t by_fail[FAIL_KINDS];
    uint64_t by_status[STATUSES];
    int64_t began_us, ended_us;
    bide_histogram times, dns, connect, tls, first_byte, body;
    char last_file[256]; /* a name, for the summary */
};

/* ---- bodies that come in pieces ---- */

/* A body that comes in pieces. */
struct transfer {
    struct transfer *next, *prev; /* in fetch.transfers, in the order in which they began */
    const struct text *name; /* shown, if it is not empty, else the job's URL */
    struct job *job;
    uint64_t id, received;
    int64_t length; /* -1: not known */
    int64_t began_ms;
};

struct transfers {
    struct transfer *first, *last;
    uint64_t latest_id;
};

/* ---- how many failures are too many ---- */

struct error_limit {
    bool is_set, is_share;
    double most; /* failures, or of a hundred */
};

#endif
