/* SPDX-License-Identifier: MIT */
/*
 * backlog.c - URLs that were seen but are not in memory: where they stand.
 *
 * A host that has many URLs must not keep the source from being read on, because behind them stand those of other hosts.
 * So only the first of them become jobs.  Of the others it is noted where they are: a run is a row of lines of one list, or
 * of URLs of one pattern, all of the same host.  However long it is, it takes the same room; a list sorted by host is one
 * run for each.  When few of a host's jobs are left, the next of its runs are read (intake.c).
 *
 * What is not a file cannot be read again: its URLs are kept as jobs, up to the ceilings of the queue.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/schedule/inside.h"

#define FILES_MAX 4     /* lists with runs, besides the one that is being read */
#define BATCH     64    /* jobs of a host that are made at once, or more while there is room for eight hosts */
#define LONG_ENTRY (LINES_BUFFER / 2) /* a longer one is kept in memory: it might not be found whole */

static void drop_file(struct list_file *file)
{
    if (!file || --file->runs > 0)
        return;
    (*file->nopen)--;
    close(file->fd);
    free(file);
}

void backlog_drop_run(struct queue *q, struct host *host)
{
    struct run *run = host->runs;

    host->runs = run->next;
    drop_file(run->file);
    free(run);
    q->nruns--;
}

/* The list that is being read, for a run of it; NULL: it cannot be read again. */
static struct list_file *take_file(struct queue *q)
{
    struct source *s = q->source;

    if (s->file) {
        s->file->runs++;
        return s->file;
    }
    struct list_file *file = s->nfiles < FILES_MAX ? malloc(sizeof *file) : NULL;
    int fd = file ? fcntl(s->list->lines.fd, F_DUPFD_CLOEXEC, 3) : -1;
    if (fd < 0) {
        free(file);
        return NULL;
    }
    *file = (struct list_file){.name = s->list->lines.name, .fd = fd, .runs = 2, /* the source's share, too */
                               .nopen = &s->nfiles};
    s->nfiles++;
    return s->file = file;
}

void backlog_forget_file(struct source *s)
{
    drop_file(s->file);
    s->file = NULL;
}

static bool continues(const struct queue *q, const struct run *run, const struct job *job)
{
    if (!run || run->pattern != job->pattern || run->number + run->count != job->number)
        return false;
    if (job->pattern >= 0)
        return run->k + run->count == job->k;
    return run->file == q->source->file && run->form == q->source->form && run->columns == q->source->columns;
}

static bool add_run(struct queue *q, const struct job *job)
{
    struct host *host = job->host;
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return false;
    if (job->pattern < 0 && !(run->file = take_file(q))) {
        free(run);
        return false;
    }

    run->pattern = job->pattern;
    run->k = job->k;
    run->offset = q->source->begin;
    run->form = q->source->form;
    run->columns = q->source->columns;
    run->number = job->number;
    run->line = job->line;
    *(host->runs ? &host->last_run->next : &host->runs) = run;
    host->last_run = run;
    q->nruns++;
    return true;
}

size_t backlog_batch_size(const struct queue *q)
{
    size_t share = q->parked < q->parked_max ? (q->parked_max - q->parked) / 8 : 0;

    return queue_is_full(q) ? 1 : share > BATCH ? share : BATCH;
}

static bool can_be_read_again(const struct queue *q, const struct job *job)
{
    const struct source *s = q->source;

    if (job->fault || job->pattern >= 0)
        return !job->fault;
    return s->list && s->list->lines.is_file && (s->form == LIST_LINES || s->end - s->begin <= LONG_ENTRY);
}

/* "http://h/[1-1000000]": all that the pattern still has is of this host, and need not be looked at. */
static void add_rest(struct queue *q, const struct job *job, struct run *run)
{
    struct source *s = q->source;
    const struct glob *g = job->pattern >= 0 ? &s->globs[job->pattern] : NULL;
    const struct glob_part *p = g && g->parts[0].kind == GLOB_TEXT ? &g->parts[0] : NULL;
    const char *host = p ? memmem(p->text, p->len, "://", 3) : NULL;

    if (!host || !memchr(host + 3, '/', p->len - (size_t)(host + 3 - p->text)))
        return;
    uint64_t rest = g->count - s->k;
    run->count += rest;
    q->behind += rest;
    s->k += rest;
    s->number += rest;
}

bool backlog_add(struct queue *q, const struct job *job)
{
    struct host *host = job->host;

    if (!can_be_read_again(q, job) || (!host->runs && host->nparked < backlog_batch_size(q) && !queue_is_full(q)))
        return false;
    if (!continues(q, host->runs ? host->last_run : NULL, job) && !add_run(q, job))
        return false;
    host->last_run->count++;
    host->last_run->end = q->source->end;
    q->behind++;
    add_rest(q, job, host->last_run);
    backlog_want(q, host);
    return true;
}

void backlog_want(struct queue *q, struct host *host)
{
    if (!host->runs || host->is_unread || host->nparked >= (backlog_batch_size(q) + 1) / 2)
        return;
    host->is_unread = true;
    host->unread_next = NULL;
    *(q->unread ? &q->unread_last->unread_next : &q->unread) = host;
    q->unread_last = host;
}

void backlog_free(struct queue *q)
{
    for (size_t i = 0; i < q->hosts.nbuckets; i++)
        for (struct host *host = q->hosts.buckets[i]; host; host = host->in_bucket)
            while (host->runs)
                backlog_drop_run(q, host);
    free(q->batch);
    q->batch = NULL;
}
