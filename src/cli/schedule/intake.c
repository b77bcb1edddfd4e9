/* SPDX-License-Identifier: MIT */
/*
 * intake.c - jobs: made, out of the source and into the queue, given back.
 *
 * What a URL may take of the memory has a ceiling, whatever it is made of: jobs, their texts, hosts, runs.
 */
#include "cli/fetch/fetch.h"

#define BYTES_MAX  ((size_t)8 << 20) /* of the URLs of parked jobs, and of what lists say beside URLs */
#define HOSTS_MAX  32768 /* that jobs name */
#define RUNS_MAX   65536 /* of backlog.c: 5 MiB */
#define KEEP_BYTES 4096  /* memory of a longer URL is not kept */

/* That came from the source, or is due: true: it may go at once. */
bool queue_place(struct fetch *f, struct job *job, int64_t now_ms)
{
    if (!host_may_start(f, job->host, now_ms)) {
        host_park(f, job, now_ms);
        return false;
    }
    host_start(f, job->host, now_ms);
    return true;
}

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
    free(job->hop_url);
    job->hop_url = NULL;
    job->host = NULL;
    job->next = q->spare;
    q->spare = job;
}

void queue_forget(struct fetch *f, struct job *job)
{
    queue_free_job(&f->queue, job);
}

bool queue_is_full(const struct queue *q)
{
    return q->parked >= q->parked_max || q->parked_bytes + q->extras_bytes >= BYTES_MAX;
}

bool queue_may_read(const struct fetch *f)
{
    const struct queue *q = &f->queue;

    return !f->source.at_end && !q->is_reading && !queue_is_full(q) && q->hosts.busy < HOSTS_MAX &&
           q->nruns < RUNS_MAX && !repeats_are_many(f);
}

/* Because of the error on record; a cancellation is known already. */
void queue_give_up(struct fetch *f)
{
    if (bide_error_code() != BIDE_ECANCELED)
        fetch_fail_here(f);
    bide_error_clear();
}

static struct job *no_memory(struct fetch *f)
{
    bide_fail(BIDE_ENOMEM, "out of memory");
    fetch_fail_here(f);
    return NULL;
}

/* It came from the source: it goes now (it is the result), or is kept, or only where it stands. */
static struct job *place_new(struct fetch *f, struct job *job)
{
    int64_t now_ms = bide_loop_time_ms(f->loop);

    if (!host_may_start(f, job->host, now_ms) && backlog_add(f, job)) {
        queue_free_job(&f->queue, job);
        return NULL;
    }
    return queue_place(f, job, now_ms) ? job : NULL;
}

/* One job more out of the source: it, if it may go at once; NULL: it was parked, or there was none. */
struct job *queue_read_source(struct fetch *f)
{
    struct queue *q = &f->queue;
    struct job *job = queue_new_job(q);
    if (!job)
        return no_memory(f);

    q->is_reading = true;
    int got = source_next(f, job);
    q->is_reading = false;
    queue_count_extras(q, job);
    if (got > 0 && !job->url.no_memory)
        job->host = hosts_take(&q->hosts, text_string(&job->url), bide_loop_time_ms(f->loop));
    if (got <= 0 || !job->host) {
        queue_free_job(q, job);
        if (got < 0)
            fetch_fail(f, EXIT_LOCAL);
        fetch_count_is_known(f);
        queue_wake_all(q); /* the source is at its end: nobody need wait for it */
        return got > 0 ? no_memory(f) : NULL;
    }
    return place_new(f, job);
}
