/* SPDX-License-Identifier: MIT */
/*
 * backlog.c - URLs that were seen but are not in memory: where they stand.
 *
 * A host that has many URLs must not keep the source from being read on, because behind them stand those of other hosts.
 * So only the first of them become jobs.  Of the others it is noted where they are: a run is a row of lines of one list, or
 * of URLs of one pattern, all of the same host.  However long it is, it takes the same room; a list sorted by host is one
 * run for each.  When few of a host's jobs are left, the next of its runs are read, in a thread.
 *
 * What is not a file cannot be read again: its URLs are kept as jobs, up to the ceilings of the queue.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/fetch/fetch.h"

#define FILES_MAX 4     /* lists with runs, beside the one that is being read */
#define BATCH     64    /* jobs of a host that are made at once, or more while there is room for eight hosts */
#define USUAL_LINE 128 /* bytes; of longer ones a batch has fewer */
#define LONG_ENTRY (LINES_BUFFER / 2) /* a longer one is kept in memory: it might not be found whole */

/* What is read of a run: its entries are found as those of any list. */
struct batch {
    int fd;
    size_t want;
    struct list list;
};

/* ---- runs ---- */

static void drop_file(struct list_file *file)
{
    if (!file || --file->runs > 0)
        return;
    (*file->nopen)--;
    close(file->fd);
    free(file);
}

static void drop_run(struct queue *q, struct host *host)
{
    struct run *run = host->runs;

    host->runs = run->next;
    drop_file(run->file);
    free(run);
    q->nruns--;
}

/* The list that is being read, for a run of it; NULL: it cannot be read again. */
static struct list_file *take_file(struct fetch *f)
{
    struct source *s = &f->source;

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

static bool continues(const struct fetch *f, const struct run *run, const struct job *job)
{
    if (!run || run->pattern != job->pattern || run->number + run->count != job->number)
        return false;
    if (job->pattern >= 0)
        return run->k + run->count == job->k;
    return run->file == f->source.file && run->form == f->source.form && run->columns == f->source.columns;
}

static bool add_run(struct fetch *f, const struct job *job)
{
    struct queue *q = &f->queue;
    struct host *host = job->host;
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return false;
    if (job->pattern < 0 && !(run->file = take_file(f))) {
        free(run);
        return false;
    }

    run->pattern = job->pattern;
    run->k = job->k;
    run->offset = f->source.begin;
    run->form = f->source.form;
    run->columns = f->source.columns;
    run->number = job->number;
    run->line = job->line;
    *(host->runs ? &host->last_run->next : &host->runs) = run;
    host->last_run = run;
    q->nruns++;
    return true;
}

static size_t batch_size(const struct queue *q)
{
    size_t share = q->parked < q->parked_max ? (q->parked_max - q->parked) / 8 : 0;

    return queue_is_full(q) ? 1 : share > BATCH ? share : BATCH;
}

static bool can_be_read_again(const struct fetch *f, const struct job *job)
{
    const struct source *s = &f->source;

    if (job->fault || job->pattern >= 0)
        return !job->fault;
    return s->list && s->list->lines.is_file && (s->form == LIST_LINES || s->end - s->begin <= LONG_ENTRY);
}

/* "http://h/[1-1000000]": all that the pattern still has is of this host, and need not be looked at. */
static void add_rest(struct fetch *f, const struct job *job, struct run *run)
{
    struct source *s = &f->source;
    const struct glob *g = job->pattern >= 0 ? &s->globs[job->pattern] : NULL;
    const struct glob_part *p = g && g->parts[0].kind == GLOB_TEXT ? &g->parts[0] : NULL;
    const char *host = p ? memmem(p->text, p->len, "://", 3) : NULL;

    if (!host || !memchr(host + 3, '/', p->len - (size_t)(host + 3 - p->text)))
        return;
    uint64_t rest = g->count - s->k;
    run->count += rest;
    f->queue.behind += rest;
    s->k += rest;
    s->number += rest;
}

bool backlog_add(struct fetch *f, const struct job *job)
{
    struct host *host = job->host;

    if (!can_be_read_again(f, job) || (!host->runs && host->nparked < batch_size(&f->queue) && !queue_is_full(&f->queue)))
        return false;
    if (!continues(f, host->runs ? host->last_run : NULL, job) && !add_run(f, job))
        return false;
    host->last_run->count++;
    host->last_run->end = f->source.end;
    f->queue.behind++;
    add_rest(f, job, host->last_run);
    backlog_want(&f->queue, host);
    return true;
}

void backlog_want(struct queue *q, struct host *host)
{
    if (!host->runs || host->is_unread || host->nparked >= (batch_size(q) + 1) / 2)
        return;
    host->is_unread = true;
    host->unread_next = NULL;
    *(q->unread ? &q->unread_last->unread_next : &q->unread) = host;
    q->unread_last = host;
}

bool backlog_may_read(const struct fetch *f)
{
    return f->queue.unread && !f->queue.is_filling && !repeats_are_many(f);
}

/* ---- reading them ---- */

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

static int park(struct fetch *f, struct job *job)
{
    if (job->url.no_memory) {
        queue_forget(f, job);
        return bide_fail(BIDE_ENOMEM, "out of memory");
    }
    host_park(f, job, bide_loop_time_ms(f->loop));
    return 0;
}

static int make_of_pattern(struct fetch *f, struct host *host, struct run *run, int want)
{
    for (; want > 0 && run->count > 0; want--) {
        struct job *job = next_of_run(&f->queue, host, run);
        if (!job)
            return bide_fail(BIDE_ENOMEM, "out of memory");
        glob_add_nth(&f->source.globs[job->pattern], job->k, &job->url);
        BIDE_TRY(park(f, job));
    }
    return 0;
}

/* One entry more, NULL: it is not there: the list may have been changed since it was looked at. */
static int make_of_entry(struct fetch *f, struct host *host, struct run *run, struct list_entry *e)
{
    struct job *job = next_of_run(&f->queue, host, run);
    if (!job) {
        free(e ? e->extras : NULL);
        return bide_fail(BIDE_ENOMEM, "out of memory");
    }

    if (e)
        source_set_extras(job, e, LIST_GOT);
    if (e)
        fetch_claim_list_name(f, job); /* once more: it is its own */
    queue_count_extras(&f->queue, job);
    if (!e || (!job->url.no_memory && !hosts_is(host, text_string(&job->url))))
        job->fault = "the list has been changed since it was read first";
    return park(f, job);
}

static int make_of_entries(struct fetch *f, struct host *host, struct run *run, struct list *l, int want)
{
    struct list_entry e;
    bool is_empty = true;

    for (int got; want > 0 && run->count > 0 && ((got = list_next(l, &e)) == LIST_GOT || got == LIST_NOTE); ) {
        if (got == LIST_NOTE)
            continue;
        run->line = e.line;
        BIDE_TRY(make_of_entry(f, host, run, &e));
        is_empty = false;
        want--;
    }
    uint64_t place = list_place(l, &run->line);
    bool is_stuck = is_empty && (l->lines.at_end || place == run->offset); /* else there were comments only */
    run->offset = place;
    return is_stuck && run->count > 0 ? make_of_entry(f, host, run, NULL) : 0;
}

static void begin_batch(struct fetch *f, const struct run *run, struct batch *b)
{
    struct lines *l = &b->list.lines;

    list_begin(&b->list, &f->source.rules, run->form, run->columns);
    memset(l, 0, offsetof(struct lines, buffer));
    l->name = run->file->name;
    l->offset = run->offset;
    l->number = run->line - 1;
    l->is_file = true;
    l->has_no_comments = run->form == LIST_TSV && run->columns->at[0].kind != COLUMN_URL;
}

static int make_of_file(struct fetch *f, struct host *host, struct run *run, int want)
{
    struct batch *b = f->queue.batch;
    if (!b && !(b = f->queue.batch = malloc(sizeof *b)))
        return bide_fail(BIDE_ENOMEM, "out of memory");

    struct lines *l = &b->list.lines;
    size_t left = run->end - run->offset > LINES_BUFFER ? LINES_BUFFER : (size_t)(run->end - run->offset);
    bool is_short = run->form == LIST_LINES && (size_t)want * USUAL_LINE < left;
    b->fd = run->file->fd;
    b->want = is_short ? (size_t)want * USUAL_LINE : left;
    begin_batch(f, run, b);
    BIDE_TRY(bide_to_thread(bide_coro(read_batch, b)));
    if (left > b->want && !memchr(l->buffer, '\n', l->len)) {
        b->want = left;
        BIDE_TRY(bide_to_thread(bide_coro(read_batch, b)));
    }
    l->at_end = run->offset + l->len >= run->end;
    int code = make_of_entries(f, host, run, &b->list, want);
    list_end(&b->list);
    return code;
}

int backlog_read(struct fetch *f)
{
    struct queue *q = &f->queue;
    struct host *host = q->unread;
    int code = 0;

    q->unread = host->unread_next;
    q->is_filling = true;
    for (int want = (int)batch_size(q), before; want > 0 && host->runs && code == 0;) {
        before = (int)host->nparked;
        code = host->runs->pattern >= 0 ? make_of_pattern(f, host, host->runs, want) : make_of_file(f, host, host->runs, want);
        want -= (int)host->nparked > before ? (int)host->nparked - before : want;
        if (host->runs->count == 0)
            drop_run(q, host);
    }
    q->is_filling = false;
    host->is_unread = false;
    backlog_want(q, host);
    return code;
}

void backlog_free(struct queue *q)
{
    for (size_t i = 0; i < q->hosts.nbuckets; i++)
        for (struct host *host = q->hosts.buckets[i]; host; host = host->in_bucket)
            while (host->runs)
                drop_run(q, host);
    free(q->batch);
    q->batch = NULL;
}
