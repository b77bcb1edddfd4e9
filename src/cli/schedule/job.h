/* SPDX-License-Identifier: MIT */
/*
 * job.h - one URL on its way, from the source to the end of its last attempt.
 *
 *     source ---> at its host, or noted as part of a run ---> a worker ---> settled, and spare
 *                   ^        ^                                  |  |
 *                   |        +------- put back, host is down ---+  +---> set aside: it repeats another's URL
 *                   +--- later: due for another try <-----------+
 */
#ifndef BIDE_CLI_SCHEDULE_JOB_H
#define BIDE_CLI_SCHEDULE_JOB_H

#include <bide/cookie.h>
#include <bide/task.h>

#include "cli/request/extras.h"
#include "cli/terminal/text.h"

struct host;

struct job {
    struct job *next;   /* in its host's queue, or spare */
    struct host *host;
    uint64_t number;    /* of the URL, from 0 */
    int pattern;        /* which glob; -1: from a list */
    uint64_t k;         /* which of its URLs */
    uint64_t line;      /* in the list */
    const char *list;   /* its name */
    const char *fault;  /* a line that cannot be used: why; else NULL */
    bool has_bad_name;  /* fault: the file name that its list gives is another line's, or in its way */
    struct text url;    /* as it was given */
    struct extras *extras;  /* what its list says besides it, owned; NULL: nothing */
    unsigned mirror;        /* how many of its mirrors have been asked */
    int attempts;
    uint64_t claimed;   /* hash of the file name that is its own; 0: none yet */
    uint64_t key;       /* of the URL, when it was looked at by who looks for repeated ones */
    bool holds;         /* the URL: others that repeat it wait for this one */
    bool is_repeat;     /* another one holds it, or did */
    struct job_request {    /* its attempt that is under way, as silence.c sees it */
        struct job *prev, *next; /* is_sent: among those of its host, the oldest one first */
        bide_task *task;    /* its worker's, while it runs; borrowed */
        uint64_t received;  /* of its body */
        bool is_sent, has_head; /* it waits for its host; has the head of its answer */
        bool is_bound;      /* it cannot be made again: what came of it has gone on */
        bool is_recalling;  /* it is being ended to make room */
        bool was_recalled;  /* it, or an attempt before it, was */
    } request;
    struct job_redirect {   /* where redirects led it, as redirects.c and queue_hop have it */
        char *url;          /* it goes on there once the host of that may be asked; owned; NULL: it begins with the job's url */
        int hops;           /* redirects before that */
        bide_cookie_jar *jar; /* what they have set, owned; NULL: nothing, or a jar of all keeps it */
        bool is_away;       /* host is not that of what it asks for first: a redirect leads there */
    } redirect;
    int resent;         /* attempts that were ended to make room, and count for no other purpose */
    bool is_forgotten;  /* there is no room to remember it: one that repeats it is asked for, too */
    int64_t due_ms;     /* a retry: not before */
    int64_t began_us;   /* first attempt; 0: not yet */
    int64_t sent_ms;    /* latest attempt, by the loop's clock */
    uint64_t order;     /* of the latest attempt among those of all jobs */
    int64_t waits_since_ms, waited_ms; /* for its host: now, if not 0; before that */
};

/* What redirects have set is forgotten. */
static inline void job_forget_cookies(struct job *job)
{
    bide_release(job->redirect.jar);
    job->redirect.jar = NULL;
}

/* What it asks for first: its URL, or where redirects have led to. */
static inline const char *job_asks(const struct job *job)
{
    return job->redirect.url ? job->redirect.url : text_string(&job->url);
}

#endif
