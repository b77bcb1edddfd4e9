/* SPDX-License-Identifier: MIT */
/*
 * intake.c - jobs into the queue: the next of the source, and those of which backlog.c knows where they stand.
 *
 * A run is read again in a thread; its entries are found as those of any list.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/schedule/inside.h"

#define HOSTS_MAX  32768 /* that jobs name */
#define RUNS_MAX   65536 /* of backlog.c: 5 MiB */
#define USUAL_LINE 128   /* bytes; of longer ones a batch has fewer */

/* What is read of a run. */
struct batch {
    int fd;
    size_t want;
    struct list list;
};

/* ---- out of the source ---- */

bool queue_may_read(const struct queue *q)
{
    return !q->source->at_end && !q->is_reading && !queue_is_full(q) && q->hosts.busy < HOSTS_MAX &&
           q->nruns < RUNS_MAX && !queue_aside_is_full(q);
}

/* That came from the source, or is due: true: it may go at once. */
bool queue_place(struct queue *q, struct job *job, int64_t now_ms)
{
    if (!host_may_start(q, job->host, now_ms)) {
        host_park(q, job, now_ms);
        return false;
    }
    host_start(q, job->host, now_ms);
    return true;
}

static struct job *no_memory(struct queue *q)
{
    bide_fail(BIDE_ENOMEM, "out of memory");
    queue_fail(q);
    return NULL;
}

/* It came from the source: it goes now (it is the result), or is kept, or only where it stands. */
static struct job *place_new(struct queue *q, struct job *job)
{
    int64_t now_ms = bide_loop_time_ms(q->loop);

    if (!host_may_start(q, job->host, now_ms) && backlog_add(q, job)) {
        queue_free_job(q, job);
        return NULL;
    }
    return queue_place(q, job, now_ms) ? job : NULL;
}

/* One job more out of the source: it, if it may go at once; NULL: it was parked, or there was none. */
struct job *queue_read_source(struct queue *q)
{
    struct job *job = queue_new_job(q);
    if (!job)
        return no_memory(q);

    q->is_reading = true;
    int got = source_next(q->source, job);
    q->is_reading = false;
    queue_count_extras(q, job);
    if (got > 0 && !job->url.no_memory)
        job->host = hosts_take(&q->hosts, text_string(&job->url), bide_loop_time_ms(q->loop));
    if (got <= 0 || !job->host) {
        queue_free_job(q, job);
        if (got < 0)
            q->user->fail(q->user->arg, true);
        q->user->source_ended(q->user->arg);
        queue_wake_all(q); /* the source is at its end: nobody need wait for it */
        return got > 0 ? no_memory(q) : NULL;
    }
    return place_new(q, job);
}

/* ---- out of runs ---- */

bool backlog_may_read(const struct queue *q)
{
    return q->unread && !q->is_filling && !queue_aside_is_full(q);
}

/* In a thread. */
static int read_batch(struct batch *b)
{
    struct lines *l = &b->list.lines;

    while (l->len < b->want) {
        ssize_t n = pread(b->fd, l->buffer + l->len, b->want - l->len, (off_t)(l->offset + l->len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; /* it has become shorter: its lines fail */
        l->len += (size_t)n;
    }
    return 0;
}

/* The next job of the run, without its URL; NULL: no memory. */
static struct job *next_of_run(struct queue *q, struct host *host, struct run *run)
{
    struct job *job = queue_new_job(q);
    if (!job)
        return NULL;

    text_clear(&job->url);
    job->host = host;
    job->number = run->number++;
    job->pattern = run->pattern;
    job->k = run->k++;
    job->list = run->file ? run->file->name : NULL;
    job->line = run->line;
    run->count--;
    q->behind--;
    return job;
}

static int park(struct queue *q, struct job *job)
{
    if (job->url.no_memory) {
        queue_forget(q, job);
        return bide_fail(BIDE_ENOMEM, "out of memory");
    }
    host_park(q, job, bide_loop_time_ms(q->loop));
    return 0;
}

static int make_of_pattern(struct queue *q, struct host *host, struct run *run, int want)
{
    for (; want > 0 && run->count > 0; want--) {
        struct job *job = next_of_run(q, host, run);
        if (!job)
            return bide_fail(BIDE_ENOMEM, "out of memory");
        glob_add_nth(&q->source->globs[job->pattern], job->k, &job->url);
        BIDE_TRY(park(q, job));
    }
    return 0;
}

/* One entry more, NULL: it is not there: the list may have been changed since it was looked at. */
static int make_of_entry(struct queue *q, struct host *host, struct run *run, struct list_entry *e)
{
    struct job *job = next_of_run(q, host, run);
    if (!job) {
        free(e ? e->extras : NULL);
        return bide_fail(BIDE_ENOMEM, "out of memory");
    }

    if (e)
        source_set_extras(job, e, LIST_GOT);
    if (e)
        q->source->claim(q->source->arg, job); /* once more: it is its own */
    queue_count_extras(q, job);
    if (!e || (!job->url.no_memory && !hosts_is(host, text_string(&job->url))))
        job->fault = "the list has been changed since it was read first";
    return park(q, job);
}

static int make_of_entries(struct queue *q, struct host *host, struct run *run, struct list *l, int want)
{
    struct list_entry e;
    bool is_empty = true;

    for (int got; want > 0 && run->count > 0 && ((got = list_next(l, &e)) == LIST_GOT || got == LIST_NOTE); ) {
        if (got == LIST_NOTE)
            continue;
        run->line = e.line;
        BIDE_TRY(make_of_entry(q, host, run, &e));
        is_empty = false;
        want--;
    }
    uint64_t place = list_place(l, &run->line);
    bool is_stuck = is_empty && (l->lines.at_end || place == run->offset); /* else there were comments only */
    run->offset = place;
    return is_stuck && run->count > 0 ? make_of_entry(q, host, run, NULL) : 0;
}

static void begin_batch(struct queue *q, const struct run *run, struct batch *b)
{
    struct lines *l = &b->list.lines;

    list_begin(&b->list, &q->source->rules, run->form, run->columns);
    memset(l, 0, offsetof(struct lines, buffer));
    l->name = run->file->name;
    l->offset = run->offset;
    l->number = run->line - 1;
    l->is_file = true;
    l->has_no_comments = run->form == LIST_TSV && run->columns->at[0].kind != COLUMN_URL;
}

static int make_of_file(struct queue *q, struct host *host, struct run *run, int want)
{
    struct batch *b = q->batch;
    if (!b && !(b = q->batch = malloc(sizeof *b)))
        return bide_fail(BIDE_ENOMEM, "out of memory");

    struct lines *l = &b->list.lines;
    size_t left = run->end - run->offset > LINES_BUFFER ? LINES_BUFFER : (size_t)(run->end - run->offset);
    bool is_short = run->form == LIST_LINES && (size_t)want * USUAL_LINE < left;
    b->fd = run->file->fd;
    b->want = is_short ? (size_t)want * USUAL_LINE : left;
    begin_batch(q, run, b);
    BIDE_TRY(bide_to_thread(bide_coro(read_batch, b)));
    if (left > b->want && !memchr(l->buffer, '\n', l->len)) {
        b->want = left;
        BIDE_TRY(bide_to_thread(bide_coro(read_batch, b)));
    }
    l->at_end = run->offset + l->len >= run->end;
    int code = make_of_entries(q, host, run, &b->list, want);
    list_end(&b->list);
    return code;
}

int backlog_read(struct queue *q)
{
    struct host *host = q->unread;
    int code = 0;

    q->unread = host->unread_next;
    q->is_filling = true;
    for (int want = (int)backlog_batch_size(q), before; want > 0 && host->runs && code == 0;) {
        before = (int)host->nparked;
        code = host->runs->pattern >= 0 ? make_of_pattern(q, host, host->runs, want) : make_of_file(q, host, host->runs, want);
        want -= (int)host->nparked > before ? (int)host->nparked - before : want;
        if (host->runs->count == 0)
            backlog_drop_run(q, host);
    }
    q->is_filling = false;
    host->is_unread = false;
    backlog_want(q, host);
    return code;
}
