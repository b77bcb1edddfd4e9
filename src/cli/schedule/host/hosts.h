/* SPDX-License-Identifier: MIT */
/*
 * hosts.h - the hosts that jobs go to.
 *
 *     struct hosts                     struct host "a.example:8080"
 *     buckets[hash] ---------------->  in_bucket ---> another of this bucket
 *                                      first ... last: jobs that wait for a free place, then runs: not in memory
 *     queue.rows[row] -------------->  row_prev, row_next: it has jobs and a free place (is_ready)
 *     queue.asleep: a heap --------->  child, sibling: it must be left alone until wake_ms (is_asleep)
 *     queue.trials ----------------->  trial_prev, trial_next: its first request has no answer yet
 *     queue.asked, queue.silent ---->  asked_prev, asked_next: requests of it wait, asked_first ... asked_last
 *
 * The hosts know who they are and what became of their requests; in which of these lists they stand is the queue's
 * work.
 */
#ifndef BIDE_CLI_SCHEDULE_HOST_HOSTS_H
#define BIDE_CLI_SCHEDULE_HOST_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/schedule/host/health.h"
#include "cli/schedule/host/window.h"

struct job;
struct run;

#define HOST_SILENCE_MS 1000 /* without a word, and it most likely will be more */

struct host_list {
    struct host *first, *last;
};

enum row { ROW_FAST, ROW_FIRST, ROW_SLOW, ROW_MORE, ROWS };

struct host {
    struct host *in_bucket;
    struct job *first, *last;   /* waiting for a free place */
    size_t nparked;             /* from first to last */
    struct run *runs, *last_run; /* and behind them: not in memory */
    bool is_unread;             /* in queue.unread */
    struct host *unread_next;
    int live, slow_live;        /* requests; as many of them as queue.slow_live counts */
    unsigned jobs;              /* that name this host: live, queued, waiting for a retry */
    struct health health;
    struct window window;
    int64_t blocked_until_ms;   /* Retry-After */
    int blocked_by;             /* the status that it came with */
    bool is_ready, is_asleep;
    bool is_full;               /* it has jobs that wait for no other reason than that there are enough live ones */
    enum row row;               /* is_ready: which */
    struct host *row_prev, *row_next;
    int64_t wake_ms;            /* is_asleep: look at it again then */
    struct host *child, *sibling; /* in queue.asleep */
    int64_t trial_ms;           /* when its first request went out, and has no answer yet; 0: it is not being tried */
    struct host *trial_prev, *trial_next;
    struct job *asked_first, *asked_last; /* requests of it that wait for more, the oldest first */
    struct host_list *in_list;            /* queue.asked or queue.silent; NULL: nothing is asked of it */
    struct host *asked_prev, *asked_next;
    int64_t active_ms;           /* when it said something, or was first asked */
    size_t active_bytes;         /* of bodies, since then */
    int64_t byte_ms;            /* when the latest of them came */
    uint64_t hash;
    uint32_t len;
    char name[];                /* "a.example:8080", lower case */
};

struct hosts {
    struct host **buckets;
    size_t nbuckets, used;
    size_t busy;         /* that jobs name */
    struct host *latest; /* asked for: most often also the next */
};

/* The host of a URL, made if it is new, and one job more that names it; NULL: no memory. */
struct host *hosts_take(struct hosts *h, const char *url, int64_t now_ms);
/* One job less. */
void hosts_drop(struct hosts *h, struct host *host, int64_t now_ms);
void hosts_free(struct hosts *h);
/* Is it the host of this URL? */
bool hosts_is(const struct host *host, const char *url);

#endif
