/* SPDX-License-Identifier: MIT */
/*
 * job.c - the memory of jobs, and the end of the run when there is none.
 *
 * What a URL may take of the memory has a ceiling, whatever it is made of: jobs, their texts, hosts, runs.
 */
#include <stdlib.h>

#include "cli/schedule/inside.h"

#define BYTES_MAX   ((size_t)8 << 20) /* of the URLs of parked jobs, and of what lists say besides URLs */
#define KEEP_BYTES  4096  /* memory of a longer URL is not kept */
#define ASIDE_MAX   16384 /* jobs that are set aside, and the bytes of their URLs */
#define ASIDE_BYTES ((size_t)4 << 20)

struct job *queue_new_job(struct queue *q)
{
    struct job *job = q->spare;

    if (job) {
        q->spare = job->next;
        *job = (struct job){.url = job->url};
        return job;
    }
    return calloc(1, sizeof *job);
}

void queue_count_extras(struct queue *q, const struct job *job)
{
    if (job->extras)
        q->extras_bytes += job->extras->bytes;
}

static void queue_free_extras(struct queue *q, struct job *job)
{
    q->extras_bytes -= job->extras->bytes;
    free(job->extras);
    job->extras = NULL;
}

void queue_free_job(struct queue *q, struct job *job)
{
    if (job->url.cap > KEEP_BYTES)
        text_free(&job->url);
    if (job->extras)
        queue_free_extras(q, job);
    free(job->redirect.url);
    job->redirect.url = NULL;
    job_forget_cookies(job);
    job->host = NULL;
    job->next = q->spare;
    q->spare = job;
}

void queue_forget(struct queue *q, struct job *job)
{
    queue_free_job(q, job);
}

bool queue_is_full(const struct queue *q)
{
    return q->parked >= q->parked_max || q->parked_bytes + q->extras_bytes >= BYTES_MAX;
}

bool queue_aside_is_full(const struct queue *q)
{
    return q->naside >= ASIDE_MAX || q->aside_bytes >= ASIDE_BYTES;
}

void queue_fail(struct queue *q)
{
    q->user->fail(q->user->arg, false);
}

/* Because of the error on record; a cancellation is known already. */
void queue_give_up(struct queue *q)
{
    if (bide_error_code() != BIDE_ECANCELED)
        queue_fail(q);
    bide_error_clear();
}
